"""Whether confidence means something: what is told of frames beside how right their masks are."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from sam2ov.engine.tracker import Tracker
from sam2ov.evaluation.annotations import Annotations
from sam2ov.evaluation.datasets import AnnotatedSequence
from sam2ov.evaluation.metrics import region_similarity
from sam2ov.evaluation.scoring import counting_frames, forward_job
from sam2ov.evaluation.user import PromptKind, current_mask
from sam2ov.jobs import ClipRun
from sam2ov.project.confidence import ObjectTrack, Signal
from sam2ov.values.masks import BoolArray
from sam2ov.video import open_video
from sam2ov.zoo.calibration import RIGHT_FROM

LOOKED_AT: Final = 0.2
"""Share of frames that a patient user looks at, the most doubtful first."""

_BINS: Final = 10


@dataclass(frozen=True, eq=False)
class JudgedTrack:
    """An object as it was tracked, and how right that was.

    Attributes:
        track: what the model says.
        frames: int [N], annotated frames that were tracked and not prompted, ascending.
        j: region similarity on each of these, 0 to 1.
    """

    track: ObjectTrack
    frames: npt.NDArray[np.int64]
    j: Signal


def judge_sequence(
    tracker: Tracker,
    sequence: AnnotatedSequence,
    kind: PromptKind,
    on_tracked: Callable[[], None] = lambda: None,
) -> list[JudgedTrack]:
    """Prompt every object where it first appears, track it to the end, and compare.

    Masks are those that users see, which may overlap.

    Args:
        tracker: of the model.
        sequence: frames and masks.
        kind: how objects are prompted.
        on_tracked: called after each tracked frame.

    Raises:
        DatasetError: the annotations do not fit the frames, or show no object.
        VideoError: a frame cannot be read.
    """
    with open_video(sequence.frames) as reader:
        annotations = Annotations(sequence, reader.size_hw)
    counting = counting_frames(sequence, annotations)
    with ClipRun(forward_job(sequence, annotations, counting, kind), tracker) as run:
        for _ in run.prompt():
            pass
        for _ in run.track():
            on_tracked()
        return [_judged(run, annotations, obj_id, frames) for obj_id, frames in counting.items()]


def found_early(confidence: Signal, j: Signal, share: float = LOOKED_AT) -> float:
    """Which share of the failed frames is among the most doubtful ``share`` of all; 1 if none is.

    Args:
        confidence: [N]; of equal ones the earlier counts as the more doubtful.
        j: [N].
        share: of the frames.
    """
    failed = j < RIGHT_FROM
    if not failed.any():
        return 1.0
    first = np.argsort(confidence, kind="stable")[: round(share * len(j))]
    return float(failed[first].sum() / failed.sum())


def reliability(confidence: Signal, j: Signal) -> list[tuple[float, float, int]]:
    """For each tenth of chances that has frames: mean chance, share that was right, how many."""
    place = np.clip((confidence * _BINS).astype(np.int64), 0, _BINS - 1)
    right: BoolArray = j >= RIGHT_FROM
    return [
        (float(confidence[here].mean()), float(right[here].mean()), int(here.sum()))
        for here in (place == number for number in range(_BINS))
        if here.any()
    ]


def calibration_error(points: Sequence[tuple[float, float, int]]) -> float:
    """By how much chances are off on average (expected calibration error), 0 to 1."""
    total = sum(count for *_, count in points)
    return sum(abs(told - right) * count for told, right, count in points) / max(total, 1)


def _judged(
    run: ClipRun, annotations: Annotations, obj_id: int, frames: Sequence[int]
) -> JudgedTrack:
    session = run.session
    timeline = session.timeline(obj_id)
    known = [frame for frame in frames if timeline.has_result[frame]]
    j = [
        region_similarity(current_mask(session, frame, obj_id), annotations.truth(frame, obj_id))
        for frame in known
    ]
    track = ObjectTrack(obj_id, timeline, tuple(sorted(session.prompts(obj_id))))
    return JudgedTrack(track, np.array(known, np.int64), np.array(j, np.float64))
