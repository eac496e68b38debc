"""One sequence: prompt every object where it first appears, track, and score every frame.

As in the semi-supervised task of DAVIS, the prompted frame and the last annotated one do not
count; a sequence of so few frames that nothing would be left keeps its last one. Objects that
appear later are prompted, tracked and scored from there on, as in YouTube-VOS. A pixel belongs to
one object at most. An object that is gone and is said to be gone scores 1.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from sam2ov.engine.tracker import Tracker
from sam2ov.errors import DatasetError
from sam2ov.evaluation.annotations import Annotations
from sam2ov.evaluation.corrections import Correction, correct_worst_frame
from sam2ov.evaluation.datasets import AnnotatedSequence, LabelMap
from sam2ov.evaluation.metrics import boundary_accuracy, region_similarity
from sam2ov.evaluation.scores import ObjectScores, SequenceScores
from sam2ov.evaluation.user import (
    PromptKind,
    correct,
    corrections_of,
    current_mask,
    first_prompt,
)
from sam2ov.jobs import ClipJob, ClipRun
from sam2ov.mask_files.prompt_file import ObjectPrompts, PromptFile, from_prompt
from sam2ov.values.masks import BoolArray
from sam2ov.video import open_video


@dataclass(frozen=True, eq=False)
class ScoredFrame:
    """A frame as it was scored, for those who want to look at it.

    Attributes:
        frame_idx: index of the frame; ``frame_indices``: all that are scored, in order.
        frame_indices: see ``frame_idx``.
        image: reads the frame, uint8 RGB [H, W, 3].
        masks: bool [H, W] of each object.
        labels: the annotation.
        j: of each object that counts here.
        pixel_aspect: width / height of a pixel.
    """

    frame_idx: int
    frame_indices: tuple[int, ...]
    image: Callable[[], npt.NDArray[np.uint8]]
    masks: Mapping[int, BoolArray]
    labels: LabelMap
    j: Mapping[int, float]
    pixel_aspect: float = 1.0


FrameVisitor = Callable[[ScoredFrame], None]
TrackedCallback = Callable[[], None]


def evaluate_sequence(
    tracker: Tracker,
    sequence: AnnotatedSequence,
    kind: PromptKind,
    *,
    corrections: int = 0,
    on_tracked: TrackedCallback = lambda: None,
    on_frame: FrameVisitor = lambda _: None,
) -> SequenceScores:
    """Prompt, track and score.

    Args:
        tracker: of the model.
        sequence: frames and masks.
        kind: how objects are prompted.
        corrections: afterwards, how often each object's worst frame is clicked on, one after the
            other; see ``corrections``. They do not change the scores.
        on_tracked: called after each tracked frame, also of tracking again after a correction.
        on_frame: given each frame that counts.

    Raises:
        DatasetError: the annotations do not fit the frames, or show no object.
        VideoError: a frame cannot be read.
    """
    with open_video(sequence.frames) as reader:
        annotations = Annotations(sequence, reader.size_hw)
    counting = counting_frames(sequence, annotations)
    with ClipRun(forward_job(sequence, annotations, counting, kind), tracker) as clip:
        run = _Run(clip, annotations, counting, on_tracked, on_frame)
        run.prompt(kind)
        scores = run.track_and_score()
        clicks = tuple(run.correct(scores, corrections)) if corrections else ()
        return SequenceScores(sequence.name, scores, clip.tracked_frames, clip.seconds, clicks)


Counting = Mapping[int, tuple[int, ...]]
"""The frames that each object is scored on; at least one."""


def counting_frames(sequence: AnnotatedSequence, annotations: Annotations) -> Counting:
    """The frames that each object of a sequence is scored on.

    Raises:
        DatasetError: there are none.
    """
    counting = {i: annotations.counting(i) for i in annotations.first_frames}
    found = {obj_id: frames for obj_id, frames in counting.items() if frames}
    if not found:
        raise DatasetError(
            f"Sequence {sequence.name} cannot be scored: no annotated frame comes after the first "
            "one with an object."
        )
    return found


def forward_job(
    sequence: AnnotatedSequence, annotations: Annotations, counting: Counting, kind: PromptKind
) -> ClipJob:
    """Prompt every object that can be scored where it first appears, and track it to the end."""
    objects = []
    for obj_id in counting:
        frame_idx = annotations.first_frames[obj_id]
        prompt = first_prompt(annotations.truth(frame_idx, obj_id), kind)
        objects.append(ObjectPrompts(id=obj_id, prompts=(from_prompt(frame_idx, prompt),)))
    return ClipJob(
        clip=sequence.frames,
        prompts=PromptFile(objects=tuple(objects)),
        direction="forward",
        last=max(frames[-1] for frames in counting.values()),
    )


class _Run:
    """Tracks and scores one sequence."""

    def __init__(
        self,
        clip: ClipRun,
        annotations: Annotations,
        counting: Counting,
        on_tracked: TrackedCallback,
        on_frame: FrameVisitor,
    ) -> None:
        self._clip = clip
        self._session = clip.session
        self._annotations = annotations
        self._counting = counting
        self._on_tracked = on_tracked
        self._on_frame = on_frame

    def prompt(self, kind: PromptKind) -> None:
        """Answer the prompts, and correct the answers as often as ``kind`` says."""
        for _ in self._clip.prompt():
            pass
        for obj_id in self._counting:
            frame_idx = self._annotations.first_frames[obj_id]
            truth = self._annotations.truth(frame_idx, obj_id)
            for _ in range(corrections_of(kind)):
                correct(self._session, frame_idx, obj_id, truth)

    def track_and_score(self) -> tuple[ObjectScores, ...]:
        """Track all objects from their prompts to the end."""
        j: dict[int, dict[int, float]] = {obj_id: {} for obj_id in self._counting}
        f: dict[int, dict[int, float]] = {obj_id: {} for obj_id in self._counting}
        indices = tuple(sorted({frame for frames in self._counting.values() for frame in frames}))
        for frame_idx, masks in self._tracked():
            counting = [i for i in masks if frame_idx in self._counting[i]]
            if not counting:
                continue
            labels = self._annotations.labels(frame_idx)
            for obj_id in counting:
                truth: BoolArray = labels == obj_id
                j[obj_id][frame_idx] = region_similarity(masks[obj_id], truth)
                f[obj_id][frame_idx] = boundary_accuracy(masks[obj_id], truth)
            self._on_frame(
                ScoredFrame(
                    frame_idx,
                    indices,
                    partial(self._session.read_frame, frame_idx),
                    masks,
                    labels,
                    {i: j[i][frame_idx] for i in counting},
                    self._clip.reader.info.pixel_aspect,
                )
            )
        return tuple(ObjectScores(i, j[i], f[i]) for i in self._counting)

    def correct(self, scores: tuple[ObjectScores, ...], rounds: int) -> Iterator[Correction]:
        """Correct each object up to ``rounds`` times, always where it is worst by then."""
        for each in scores:
            obj_id, j = each.obj_id, each.j
            for _ in range(rounds):
                outcome = correct_worst_frame(
                    self._session,
                    obj_id,
                    j,
                    partial(self._annotations.truth, obj_id=obj_id),
                    partial(self._tracked_again, obj_id),
                )
                if outcome is None:
                    break
                correction, j = outcome
                yield correction

    def _tracked(self) -> Iterator[tuple[int, dict[int, BoolArray]]]:
        """Frame index and masks of the objects tracked there, without overlaps."""
        for frame in self._clip.track():
            logits = self._session.to_video_size(frame.mask_logits, non_overlapping=True)
            self._on_tracked()
            yield frame.frame_idx, dict(zip(frame.obj_ids, logits > 0, strict=True))

    def _tracked_again(self, obj_id: int) -> dict[int, float]:
        """Track one object from its prompts; J of the frames that count."""
        frames = self._counting[obj_id]
        first = self._annotations.first_frames[obj_id]
        j = {}
        for frame in self._session.propagate(first, frames[-1] - first, obj_ids=[obj_id]):
            self._on_tracked()
            if frame.frame_idx in frames:
                mask = current_mask(self._session, frame.frame_idx, obj_id)
                truth = self._annotations.truth(frame.frame_idx, obj_id)
                j[frame.frame_idx] = region_similarity(mask, truth)
        return j
