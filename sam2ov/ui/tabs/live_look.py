"""Frames as an export would have them, for the stage: made as exports are, at the size shown."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import cycle
from os import cpu_count
from typing import Final

import numpy as np

from sam2ov.errors import ExportError, PromptError
from sam2ov.export import FORMATS
from sam2ov.export.effects import Image
from sam2ov.export.format import FormatOptions
from sam2ov.export.rendering import MaskedFrame, coverage, open_rendering
from sam2ov.export.tracked_masks import TrackedMasks
from sam2ov.export.video_options import CutOutOptions, EdgeOptions, OverlayOptions
from sam2ov.locks import Rank, new_lock
from sam2ov.project import Project
from sam2ov.ui.contract.queries import Look
from sam2ov.ui.media.checkerboard import on_checkerboard
from sam2ov.ui.media.pictures import FramePictures, Level
from sam2ov.values.masks import BoolArray, FloatArray
from sam2ov.values.objects import ClipObject
from sam2ov.video import VideoInfo

_TURNS: Final = cycle([new_lock(Rank.LIVE_LOOK) for _ in range(max((cpu_count() or 1) // 2, 2))])
"""Dealt out to clips: so many pictures are made at once, each with a good part of a core."""
_PLACES: Final = 4
"""Of a clip, waiting ones included: its page asks for three at once."""

LIVE_FORMATS = tuple(
    name
    for name, known in FORMATS.items()
    if issubclass(known.options, OverlayOptions | EdgeOptions)
)
"""The formats whose pictures can be shown; others are annotations."""


@dataclass(frozen=True, eq=False)
class LiveFrame:
    """A ``MaskedFrame`` at the size of a picture on the page.

    Attributes:
        image: see there.
        transparent: the same with straight alpha, RGBA; None where the clip has none, and where
            no alpha is exported.
        seconds: when it appears, from the in point on.
        index: of the frame.
        masks: at that size.
        pixel_aspect: width / height of a pixel.
    """

    image: Image
    transparent: Image | None
    seconds: Fraction
    index: int
    masks: TrackedMasks
    pixel_aspect: float

    def mask(self, target: ClipObject) -> BoolArray:
        """Where an object is, [H, W]."""
        return self.masks.mask(self.index, target)

    def matte(self, target: ClipObject, *, hard: bool = False) -> FloatArray:
        """How much of each pixel an object covers."""
        return self.masks.matte(self.index, target, hard=hard, pixel_aspect=self.pixel_aspect)


Show = Callable[[LiveFrame, tuple[ClipObject, ...]], Image]


class LiveLooks:
    """Makes the pictures of an open clip; safe from any thread.

    Args:
        info: of the clip.
        pictures: of its frames; the caller's.
    """

    def __init__(self, info: VideoInfo, pictures: FramePictures) -> None:
        self._info = info
        self._pictures = pictures
        self._turn = next(_TURNS)
        self._lock = new_lock(Rank.LEAF)
        self._places = _PLACES
        self._newest: object = None

    def in_turn(
        self, project: Project, frame_idx: int, level: Level, look: Look, *, is_of_run: bool = False
    ) -> Image | None:
        """The same as ``picture``, one at a time; None where nobody waits for it any more.

        That is when too many are asked for at once or, but for runs, when another frame has been
        asked for before its turn came.

        Raises:
            ExportError: see ``picture``.
            VideoError: likewise.
        """
        mine = object()
        with self._lock:
            if not self._places:
                return None
            self._places -= 1
            if not is_of_run:
                self._newest = mine
        try:
            with self._turn:
                if not is_of_run and self._newest is not mine:
                    return None
                return self.picture(project, frame_idx, level, look)
        finally:
            with self._lock:
                self._places += 1

    def picture(
        self,
        project: Project,
        frame_idx: int,
        level: Level,
        look: Look,
    ) -> Image:
        """A frame, uint8 RGB [H, W, 3]; as it is where there is nothing to export.

        Args:
            project: on the clip.
            frame_idx: the frame.
            level: the size.
            look: what the export is.

        Raises:
            ExportError: there is no such export, it has no pictures, not these options, or it needs
                a file of the user's.
            VideoError: the frame cannot be read.
        """
        options = _options(look)
        image = self._pictures.pixels(frame_idx, level)
        size_hw = image.shape[:2]
        scale = size_hw[0] / self._info.height
        objects = tuple(_scaled(target, scale) for target in _wanted(project, look))
        if not objects:
            return image
        try:
            masks = TrackedMasks(project.session, objects).at_size(size_hw)
            first = project.in_out.start if project.in_out else 0
            seconds = self._info.time_of(frame_idx) - self._info.time_of(first)
            own = None
            if isinstance(options, CutOutOptions):
                own = self._pictures.transparent(frame_idx, level)
            frame = LiveFrame(image, own, seconds, frame_idx, masks, self._info.pixel_aspect)
            with self._open(options, objects, size_hw, scale) as show:
                return show(frame, objects)
        except PromptError:  # an object was removed meanwhile: the page will ask again
            return image

    @contextmanager
    def _open(
        self,
        options: FormatOptions,
        objects: tuple[ClipObject, ...],
        size_hw: tuple[int, int],
        scale: float,
    ) -> Iterator[Show]:
        if isinstance(options, CutOutOptions):
            cut_out = options
            yield lambda frame, objects: _cut_out(frame, objects, cut_out)
        elif isinstance(options, OverlayOptions):
            outline = options.outline and max(round(options.outline * scale), 1)
            options = options.model_copy(update={"outline": outline})
            aspect = self._info.pixel_aspect
            with open_rendering(options, objects, size_hw, aspect) as render:
                yield lambda frame, _: render(frame)
        else:
            assert isinstance(options, EdgeOptions)
            yield lambda frame, objects: _matte(frame, objects, options)


def _options(look: Look) -> FormatOptions:
    if look.format not in LIVE_FORMATS:
        raise ExportError(
            f"The stage shows no {look.format!r}; it shows {', '.join(LIVE_FORMATS)}."
        )
    known = FORMATS[look.format]
    for name in sorted(known.file_options & look.options.keys()):
        raise ExportError(f"The option {name} takes an uploaded file, on the page only.")
    return known.parse_options(look.options)


def _wanted(project: Project, look: Look) -> list[ClipObject]:
    """The objects that the export would hold."""
    known = project.session.obj_ids
    return [
        target
        for target in project.objects
        if target.obj_id in known
        and (not target.hidden if look.objects == "all" else target.obj_id in look.objects)
    ]


def _scaled(target: ClipObject, scale: float) -> ClipObject:
    """With soft edges as wide as they look in a smaller picture."""
    clean_up = target.clean_up
    if not clean_up.feather or scale == 1:
        return target
    soft = clean_up.model_copy(update={"feather": clean_up.feather * scale})
    return replace(target, clean_up=soft)


def _cut_out(frame: LiveFrame, objects: tuple[ClipObject, ...], options: CutOutOptions) -> Image:
    covered = coverage(frame, objects, options.edges)
    if options.keep == "background":
        covered = 1 - covered
    own = frame.transparent
    colours, most = (frame.image, np.uint8(255)) if own is None else (own[..., :3], own[..., 3])
    alpha = (covered * most + np.float32(0.5)).astype(np.uint8)
    return on_checkerboard(np.dstack([colours, alpha]))


def _matte(frame: MaskedFrame, objects: tuple[ClipObject, ...], options: EdgeOptions) -> Image:
    covered = coverage(frame, objects, options.edges)
    grey = (covered * 255 + np.float32(0.5)).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)
