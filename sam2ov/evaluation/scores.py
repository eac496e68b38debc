"""Scores of frames, objects, sequences and a whole dataset, and how they are averaged.

As in DAVIS 2017: a frame's J and F are averaged over the frames of an object, and objects, not
sequences, count alike in the end. Scores are kept between 0 and 1 and reported between 0 and 100.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sam2ov.evaluation.corrections import Correction


@dataclass(frozen=True)
class ObjectScores:
    """J and F of one object on the frames that count, by frame index."""

    obj_id: int
    j: Mapping[int, float]
    f: Mapping[int, float]


@dataclass(frozen=True)
class SequenceScores:
    """One sequence.

    Attributes:
        name: of the sequence.
        objects: in the order of their labels.
        tracked_frames: frames gone through; ``seconds``: what that took, without scoring.
        seconds: see ``tracked_frames``.
        corrections: clicks on failed frames, when those were asked for.
    """

    name: str
    objects: tuple[ObjectScores, ...]
    tracked_frames: int
    seconds: float
    corrections: tuple[Correction, ...] = field(default=())


@dataclass(frozen=True)
class Average:
    """Mean J and F, 0 to 100."""

    j: float
    f: float

    @property
    def j_and_f(self) -> float:
        """The mean of the two: J&F."""
        return (self.j + self.f) / 2

    def as_json(self) -> dict[str, float]:
        """With the names of the field."""
        values = {"J": self.j, "F": self.f, "J&F": self.j_and_f}
        return {name: round(value, 2) for name, value in values.items()}


@dataclass(frozen=True)
class CorrectionSummary:
    """What single clicks on failed frames did; shares and J are 0 to 100.

    Attributes:
        clicks: how many were tried.
        raised: share of the clicks after which the frame's J was higher.
        kept: share of those whose gain was still there after tracking again.
        before: mean J of the clicked frames; ``clicked`` and ``after``: right after the click, and
            after tracking again.
        clicked: see ``before``.
        after: see ``before``.
        following_before: mean J of the frames after the clicked ones, before the click.
        following_after: the same, after tracking again.
    """

    clicks: int
    raised: float
    kept: float
    before: float
    clicked: float
    after: float
    following_before: float
    following_after: float


def average(objects: Sequence[ObjectScores]) -> Average:
    """Mean over objects of their means over frames."""
    return Average(
        100 * float(np.mean([np.mean(list(scores.j.values())) for scores in objects])),
        100 * float(np.mean([np.mean(list(scores.f.values())) for scores in objects])),
    )


def overall(sequences: Sequence[SequenceScores]) -> Average:
    """Mean over all objects of all sequences."""
    return average([scores for sequence in sequences for scores in sequence.objects])


def frames_per_second(sequences: Sequence[SequenceScores]) -> float:
    """Tracked frames per second, all their objects together."""
    seconds = sum(sequence.seconds for sequence in sequences)
    return sum(sequence.tracked_frames for sequence in sequences) / max(seconds, 1e-9)


def summarise_corrections(sequences: Sequence[SequenceScores]) -> CorrectionSummary | None:
    """What corrections did, or None without any."""
    found = [click for sequence in sequences for click in sequence.corrections]
    if not found:
        return None
    raised = [click for click in found if click.raised]
    following = [click for click in found if click.following_before is not None]

    def mean(values: Sequence[float | None]) -> float:
        known = [value for value in values if value is not None]
        return round(100 * float(np.mean(known)), 2) if known else 0.0

    return CorrectionSummary(
        clicks=len(found),
        raised=mean([click.raised for click in found]),
        kept=mean([click.kept for click in raised]),
        before=mean([click.before for click in found]),
        clicked=mean([click.clicked for click in found]),
        after=mean([click.after for click in found]),
        following_before=mean([click.following_before for click in following]),
        following_after=mean([click.following_after for click in following]),
    )


def sequence_json(sequence: SequenceScores) -> dict[str, Any]:
    """What a results file says about a sequence."""
    return {
        **average(sequence.objects).as_json(),
        "frames": sequence.tracked_frames,
        "objects": {str(scores.obj_id): average([scores]).as_json() for scores in sequence.objects},
    }
