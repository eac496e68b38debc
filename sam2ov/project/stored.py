"""Projects without a model: what they hold is read from the journal, for exports."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sam2ov.errors import ProjectError
from sam2ov.progress import CancelCheck, ProgressCallback
from sam2ov.project.archive import is_project_file, unpack_cautiously
from sam2ov.project.confidence import ObjectTrack
from sam2ov.project.documents import ModelDocument
from sam2ov.project.folder import INFO_FILE, ProjectFolder, ProjectInfo
from sam2ov.project.library import ProjectLibrary
from sam2ov.project.state import ProjectSnapshot, ProjectState
from sam2ov.samples import SAMPLE_PATH
from sam2ov.store.cuts import CutStore
from sam2ov.store.journal import Journal
from sam2ov.store.results import Kind, ResultStore
from sam2ov.unfinished import ScratchFolder
from sam2ov.values.masks import (
    HOLE_AREA,
    FloatArray,
    fill_holes,
    mask_at,
    no_object,
    resize_logits,
)
from sam2ov.values.objects import ClipObject
from sam2ov.values.prompts import MaskPrompt


class StoredMasks:
    """The masks of a journal as its project shows them (a ``MaskSource`` of exports).

    Args:
        journal: of the project; nothing is written to it.
        project: what was done in it.
        info: of the project.

    Raises:
        ProjectError: a stored mask is damaged.
    """

    def __init__(self, journal: Journal, project: ProjectSnapshot, info: ProjectInfo) -> None:
        self.num_frames = info.num_frames
        self.size_hw = info.height, info.width
        self.obj_ids = project.prompted_objects()
        self._project = project
        self._store = ResultStore(journal, None)

    def logits_at(
        self, frame_idx: int, size_hw: tuple[int, int], obj_ids: Sequence[int] | None = None
    ) -> FloatArray:
        """As ``VideoSession.logits_at``: float32 [N, H, W], holes filled, given masks exact."""
        ids = self.obj_ids if obj_ids is None else obj_ids
        logits = np.empty((len(ids), *size_hw), np.float32)
        for index, obj_id in enumerate(ids):
            logits[index] = self._logits(obj_id, frame_idx, size_hw)
        return logits

    def _logits(self, obj_id: int, frame_idx: int, size_hw: tuple[int, int]) -> FloatArray:
        sequence = self._project.sequence(obj_id, frame_idx)
        # What merge_prompts makes of them is the mask exactly if it came last.
        if sequence and isinstance(sequence[-1], MaskPrompt):
            return mask_at(sequence[-1].mask, size_hw)
        for kind in sorted(Kind, reverse=True):
            result = self._store.get(obj_id, frame_idx, kind)
            if result is not None:
                filled = fill_holes(result.mask_logits[None], HOLE_AREA)
                logits: FloatArray = resize_logits(filled, size_hw)[0]
                return logits
        return no_object(size_hw)


@dataclass(frozen=True, eq=False)
class StoredProject:
    """A project as far as it can be told without a model.

    Attributes:
        info: its clip's name, length and size.
        clip: where the clip is.
        objects: all of them, in the user's order.
        in_out: the frames between the in and the out point; None for the whole clip.
        masks: of all objects that have prompts.
        tracks: what is known of them on each frame.
        cuts: the frames that begin another scene, as far as they were looked for.
        model: whose results they are; None if nothing was prompted yet.
    """

    info: ProjectInfo
    clip: Path
    objects: tuple[ClipObject, ...]
    in_out: range | None
    masks: StoredMasks
    tracks: tuple[ObjectTrack, ...]
    cuts: tuple[int, ...]
    model: ModelDocument | None


@contextmanager
def open_stored_project(
    place: str,
    max_bytes: int,
    clip: Path | None = None,
    progress: ProgressCallback | None = None,
    cancel: CancelCheck | None = None,
) -> Iterator[StoredProject]:
    """Open a project to read it; it stays as it is, and may not be open elsewhere meanwhile.

    Args:
        place: a project file, the folder of a kept project, or the name of one in the library.
        max_bytes: that a member of a project file may have unpacked.
        clip: the clip, where the project is without it.
        progress: told of unpacking.
        cancel: asked while unpacking.

    Raises:
        ProjectError: there is no such project, it is damaged or open elsewhere, or has no clip.
        StorageError: the disk is full.
        CancelledError: ``cancel`` returned true.
    """
    path = Path(place)
    if path.is_file():
        if not is_project_file(path):
            raise ProjectError(f"{path} is no project file of sam2ov.")
        with ScratchFolder() as unpacked:
            folder = ProjectFolder(unpacked)
            found = unpack_cautiously(path, folder, max_bytes, progress, cancel)
            if not found.has_clip and not found.info.is_sample:
                clip = found.needed_clip(clip)
            with _opened(folder, found.info, clip) as project:
                yield project
        return
    folder = ProjectFolder(path) if (path / INFO_FILE).is_file() else ProjectLibrary().find(place)
    with _opened(folder, folder.read_info(), clip) as project:
        yield project


@contextmanager
def _opened(folder: ProjectFolder, info: ProjectInfo, clip: Path | None) -> Iterator[StoredProject]:
    here = SAMPLE_PATH if info.is_sample else folder.clip
    place = here if here.is_file() else clip
    if place is None:
        raise ProjectError(
            f"The clip of this project, {info.clip_name}, is not in it. Say where it is."
        )
    if not folder.journal.is_file():
        raise ProjectError(f"The project of {info.clip_name} is empty: nothing was done in it.")
    with Journal(folder.journal) as journal:
        project = ProjectState(journal, (info.height, info.width), info.num_frames).snapshot
        masks = StoredMasks(journal, project, info)
        yield StoredProject(
            info=info,
            clip=place,
            objects=tuple(project.objects.values()),
            in_out=project.in_out,
            masks=masks,
            tracks=tuple(_tracks(ResultStore(journal, None), project, info.num_frames)),
            cuts=CutStore(journal).frames,
            model=project.model,
        )


def _tracks(store: ResultStore, project: ProjectSnapshot, num_frames: int) -> Iterator[ObjectTrack]:
    for obj_id in project.prompted_objects():
        prompted = project.prompted_frames(obj_id)
        found = store.timeline(obj_id, num_frames, prompted)
        yield ObjectTrack(obj_id, found.timeline, tuple(prompted))
