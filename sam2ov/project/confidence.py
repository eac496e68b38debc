"""How far an object's mask on a frame can be trusted, from its timeline alone.

What a network says of its own masks means little by itself: one that has flooded the street is
sure of it. A calibration (``zoo.calibration``), fitted on clips with true masks, knows how often
masks were right of which the network said as much, and which had changed as much since the prompt.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from sam2ov.values.masks import BoolArray
from sam2ov.values.timeline import Timeline
from sam2ov.zoo.calibration import SIGNAL_NAMES, Calibration, Curve, SignalName

Signal = npt.NDArray[np.float64]
"""One number per frame."""

_MEAN_OF: Final = 8
"""Frames up to this one that "mean_iou" is the mean of."""
_LEAST_AREA: Final = 1e-5
_BORDER: Final = 0.02


@dataclass(frozen=True, eq=False)
class ObjectTrack:
    """An object as it is judged; ``prompted_frames`` are the user's own and beyond doubt."""

    obj_id: int
    timeline: Timeline
    prompted_frames: tuple[int, ...]


def is_absent(timeline: Timeline) -> BoolArray:
    """Where the answer is that the object is not there."""
    return timeline.has_result & ((timeline.object_score <= 0) | (timeline.area <= 0))


def claimed_confidence(timeline: Timeline) -> Signal:
    """What the model claims: predicted IoU × probability that the object is there.

    0…1, NaN where there is no result.
    """
    with np.errstate(over="ignore"):
        presence = 1 / (1 + np.exp(-timeline.object_score.astype(np.float64)))
    return np.clip(timeline.iou, 0, 1) * presence


def confidence(track: ObjectTrack, calibration: Calibration | None) -> Signal:
    """How far each frame can be trusted: 0…1, NaN where there is no result.

    With a calibration, the chance that the IoU with the true mask is at least
    ``calibration.RIGHT_FROM``, or that the object is away where the model says so. Without, what
    the model claims.
    """
    if calibration is None:
        return claimed_confidence(track.timeline)
    found = signals(track)
    chance = np.where(
        is_absent(track.timeline),
        _chance(calibration.absent, found),
        _chance(calibration.present, found),
    )
    return np.where(track.timeline.has_result, chance, np.nan)


def signals(track: ObjectTrack) -> dict[SignalName, Signal]:
    """What a calibration looks at, on each frame of an object's timeline [T].

    "Since the prompt" goes along the way that tracking took, from the prompted frame that it
    started from.

    * iou, score: the logit of the predicted IoU, and the object score;
    * mean_iou, least_iou: the mean of the former over eight frames, and its least since the prompt;
    * area: logarithm of the share of the picture; 0 where the object is absent;
    * grown, shrunk: by what factor the area differs from the prompted one, as logarithms ≥ 0;
    * resized, jumped: the greatest change from one frame to the next since the prompt, of the area
      (as a logarithm) and of the place (in radii);
    * age: logarithm of the frames since the prompt;
    * gone: logarithm of the frames since the object was seen; 0 where it is;
    * left: 1 where it was at the border of the picture when it was last seen.
    """
    size = len(track.timeline.has_result)
    made = {name: np.zeros(size) for name in SIGNAL_NAMES}
    for frames in _runs(track):
        for name, values in _along(track.timeline, frames).items():
            made[name][frames] = values
    return made


def _chance(curve: Curve, found: Mapping[SignalName, Signal]) -> Signal:
    total = curve.bias + sum(weight * found[name] for name, weight in curve.weights.items())
    return np.asarray(1 / (1 + np.exp(-np.clip(total, -50, 50))))


def _runs(track: ObjectTrack) -> Iterator[npt.NDArray[np.intp]]:
    """The known frames in the order of tracking, from each prompted frame to the next."""
    timeline = track.timeline
    known = timeline.has_result
    backwards = known & (timeline.direction < 0)
    prompted = sorted(track.prompted_frames)
    edges = [0, *prompted, len(known)]
    for index, (start, stop) in enumerate(pairwise(edges)):
        frames = np.arange(start, stop)
        is_back = backwards[start:stop]
        forwards = frames[known[start:stop] & ~is_back]
        if len(forwards):
            yield forwards
        if is_back.any():
            from_prompt = [stop] if index < len(prompted) and known[stop] else []
            # The prompted frame is gone through again, for what the others are compared with.
            yield np.concatenate([from_prompt, frames[is_back][::-1]]).astype(np.intp)


def _along(timeline: Timeline, frames: npt.NDArray[np.intp]) -> dict[SignalName, Signal]:
    """The signals of frames in the order of tracking; the first one is that of the prompt."""
    count = np.arange(len(frames))
    absent = is_absent(timeline)[frames]
    area = timeline.area[frames].astype(np.float64)
    iou = np.clip(timeline.iou[frames].astype(np.float64), 0.01, 0.99)
    claimed = np.log(iou / (1 - iou))
    sums = np.concatenate([[0.0], np.cumsum(claimed)])
    start = np.maximum(count + 1 - _MEAN_OF, 0)
    size = np.log(np.maximum(area, _LEAST_AREA))
    seen = np.maximum.accumulate(np.where(absent, -1, count))  # -1: not yet
    growth = size - size[0] if not absent[0] else np.zeros(len(frames))
    place = timeline.centre[frames].astype(np.float64)
    here, before = np.maximum(seen[1:], 0), np.maximum(seen[:-1], 0)
    radius = np.sqrt(np.maximum(area, _LEAST_AREA) / np.pi)
    far = np.linalg.norm(place[here] - place[before], axis=1) / (radius[before] + 0.01)
    steps = np.abs(size[here] - size[before])
    last = np.maximum(seen, 0)
    reach = 1.5 * np.maximum(radius[last], _BORDER)
    margin = np.minimum(place[last], 1 - place[last]).min(axis=1)
    return {
        "iou": claimed,
        "score": np.clip(timeline.object_score[frames].astype(np.float64), -10, 10),
        "mean_iou": (sums[1:] - sums[start]) / (count + 1 - start),
        "least_iou": np.minimum.accumulate(claimed),
        "area": np.where(absent, 0, size),
        "grown": np.where(absent, 0, np.clip(growth, 0, 4)),
        "shrunk": np.where(absent, 0, np.clip(-growth, 0, 4)),
        "resized": _greatest(steps),
        "jumped": _greatest(far),
        "age": np.log1p(count),
        "gone": np.log1p(count - last),
        "left": np.where(absent & (seen >= 0) & (margin < reach), 1.0, 0.0),
    }


def _greatest(steps: Signal) -> Signal:
    known = np.clip(np.nan_to_num(steps), 0, 5)
    return np.maximum.accumulate(np.concatenate([[0.0], known]))
