"""The frames that are most worth correcting, from what the timelines of all objects tell.

Nothing here looks at a picture. Distances are in heights of the picture, so that a wide one counts
no more than a high one; an object is thought of as the disc with its area. What is unusual is
judged against the object's own motion around that moment: a runner may run, a balloon may not.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
import numpy.typing as npt

from sam2ov.project.confidence import ObjectTrack, Signal, confidence, is_absent, signals
from sam2ov.values.masks import BoolArray
from sam2ov.values.timeline import Timeline
from sam2ov.zoo.calibration import RIGHT_FROM, Calibration

Reason = Literal[
    "unsure", "jumped", "resized", "grown", "lost", "returned", "merged", "swapped", "cut"
]
"""A low score; a leap; a sudden growth or shrinkage; far larger than where it was prompted; absent
from here on; back after an absence; on top of another object; in another object's place; another
scene begins."""

MAX_ITEMS = 60
_WORTH_IT = 0.15
_CUT = 0.5
_GROWN_FROM, _GROWN_MOST = np.log(3), np.log(16)
"""Factors of the prompted area, as logarithms: what is told, and what is the worst."""
_RAPID = np.log(2)
"""Growth within a second, likewise, that no object shows by coming closer, but for the fastest."""
_WORTH_A_DOUBT = 0.3
"""Chance of being wrong from which a single frame is told, where chances are known."""
_MAD_TO_SIGMA = 1.4826

Severities = dict[Reason, Signal]


@dataclass(frozen=True)
class ReviewItem:
    """A frame to look at.

    Attributes:
        frame_idx: the frame.
        obj_ids: the object, or both of a pair.
        reason: what is unusual.
        severity: 0…1, how unusual.
        num_frames: for "returned", how long the object was absent; for "unsure" and "grown", on how
            many frames around it that is so; else 1.
    """

    frame_idx: int
    obj_ids: tuple[int, ...]
    reason: Reason
    severity: float
    num_frames: int = 1


def find_review_items(
    tracks: Sequence[ObjectTrack],
    fps: float,
    aspect: float = 1.0,
    cuts: Sequence[int] = (),
    calibration: Calibration | None = None,
    frames: range | None = None,
) -> list[ReviewItem]:
    """Find the frames worth a look, the most urgent first.

    Only present results count; those that will be tracked again anyway do not, nor do frames that
    the user has prompted. Of each object only peaks are told: no two within a second. A stretch of
    frames that are probably wrong is told once, at its worst frame.

    Args:
        tracks: all objects, timelines of one length T.
        fps: frames per second.
        aspect: width / height of the picture.
        cuts: frames that begin another scene.
        calibration: of the model; without it "unsure" follows what the model claims.
        frames: those that are asked about; None for all.

    Returns:
        At most ``MAX_ITEMS``.
    """
    window = max(round(fps), 2)
    shapes = [_Shape.of(track, aspect, calibration) for track in tracks]
    found: list[ReviewItem] = []
    for shape in shapes:
        found += _alone(shape, window)
    for one, other in combinations(shapes, 2):
        found += _together(one, other, window)
    found += _after_cuts(shapes, cuts)
    peaks = _peaks(found, window)
    if frames is not None:
        peaks = [item for item in peaks if item.frame_idx in frames]
    return peaks[:MAX_ITEMS]


@dataclass(frozen=True, eq=False)
class _Shape:
    """An object's disc on each frame: NaN where it is absent or nothing is known."""

    obj_id: int
    xy: npt.NDArray[np.float64]  # [T, 2]
    radius: Signal
    area: Signal
    timeline: Timeline
    known: BoolArray
    absent: BoolArray
    judged: BoolArray  # known, and not prompted
    grown: Signal  # since the prompt, the logarithm of the factor
    chance: Signal | None  # of being right, where that is known

    @classmethod
    def of(cls, track: ObjectTrack, aspect: float, calibration: Calibration | None) -> "_Shape":
        timeline = track.timeline
        known = timeline.has_result & ~timeline.stale
        absent = is_absent(timeline) & known
        judged = known.copy()
        judged[list(track.prompted_frames)] = False
        present = known & ~absent
        area = np.where(present, timeline.area.astype(np.float64) * aspect, np.nan)
        xy = timeline.centre.astype(np.float64) * (aspect, 1.0)
        xy[~present] = np.nan
        radius = np.sqrt(area / np.pi)
        chance = None if calibration is None else confidence(track, calibration)
        grown = signals(track)["grown"]
        return cls(track.obj_id, xy, radius, area, timeline, known, absent, judged, grown, chance)


def _alone(shape: _Shape, window: int) -> Iterator[ReviewItem]:
    """What one object's timeline tells without the others."""
    severities: Severities = {
        "jumped": _jumped(shape, window),
        "resized": _resized(shape, window),
    }
    if shape.chance is None:
        severities["unsure"] = _unsure(shape)
    else:
        # Absences have words of their own.
        present = shape.judged & ~shape.absent
        yield from _doubtful(shape.obj_id, 1 - shape.chance, present, window)
    yield from _flooded(shape, window)
    for reason, severity in severities.items():
        for frame_idx in _local_peaks(np.where(shape.judged, severity, 0), window):
            yield ReviewItem(frame_idx, (shape.obj_id,), reason, float(severity[frame_idx]))
    yield from _absences(shape, window)


def _doubtful(obj_id: int, doubt: Signal, judged: BoolArray, window: int) -> Iterator[ReviewItem]:
    """Stretches that are probably wrong, and the peaks of doubt elsewhere."""
    doubt = np.where(judged, np.nan_to_num(doubt), 0)
    rest = doubt.copy()
    for frames in _stretches(doubt > 1 - RIGHT_FROM, window):
        worst = int(frames[doubt[frames].argmax()])
        yield ReviewItem(worst, (obj_id,), "unsure", float(doubt[worst]), len(frames))
        rest[max(frames[0] - window, 0) : frames[-1] + window + 1] = 0
    rest[rest < _WORTH_A_DOUBT] = 0
    for frame_idx in _local_peaks(rest, window):
        yield ReviewItem(frame_idx, (obj_id,), "unsure", float(doubt[frame_idx]))


def _flooded(shape: _Shape, window: int) -> Iterator[ReviewItem]:
    """Stretches on which the mask is far larger than where it was prompted, after a rapid growth.

    No step of that need be large, and whatever the model says: a mask that has run out over the
    ground is often sure of it. What merely comes closer takes longer.
    """
    severity = np.clip((shape.grown - np.log(2)) / (_GROWN_MOST - np.log(2)), 0, 1)
    size = np.log(shape.area)
    within = np.zeros(len(size))  # a second, by how much it has changed
    within[window:] = np.nan_to_num(np.abs(size[window:] - size[:-window]))
    for frames in _stretches(shape.judged & (shape.grown >= _GROWN_FROM), window):
        around = within[max(frames[0] - window, 0) : frames[-1] + window + 1]
        if around.max() >= _RAPID:
            worst = int(frames[severity[frames].argmax()])
            found = float(severity[worst])
            yield ReviewItem(worst, (shape.obj_id,), "grown", found, len(frames))


def _stretches(flags: BoolArray, window: int) -> list[npt.NDArray[np.intp]]:
    """The frames that are true, parted where there are none for more than ``window``."""
    frames = np.flatnonzero(flags)
    if not len(frames):
        return []
    return np.split(frames, np.flatnonzero(np.diff(frames) > window) + 1)


def _unsure(shape: _Shape) -> Signal:
    """The mask is said to be bad, or it is open whether the object is there at all."""
    iou = shape.timeline.iou.astype(np.float64)
    score = shape.timeline.object_score.astype(np.float64)
    present = shape.known & ~shape.absent
    severity = np.where(present, np.clip((0.75 - iou) / 0.75, 0, 1), 0)
    if present.any():
        usual = float(np.median(iou[present]))
        spread = _MAD_TO_SIGMA * float(np.median(np.abs(iou[present] - usual)))
        unusual = np.clip((usual - iou - 0.05) / (spread + 0.02) - 4, 0, 12) / 20
        severity = np.fmax(severity, np.where(present, unusual, 0))
    undecided = np.clip(1 - np.abs(score) / 2, 0, 1)
    return np.fmax(severity, np.where(shape.known, 0.8 * undecided, 0))


def _jumped(shape: _Shape, window: int) -> Signal:
    """Farther from the frame before than the object goes otherwise; two radii are the worst."""
    steps = np.full(len(shape.xy), np.nan)
    steps[1:] = np.linalg.norm(np.diff(shape.xy, axis=0), axis=1)
    size = np.fmax(shape.radius, np.roll(shape.radius, 1))
    return np.asarray(np.nan_to_num(np.clip(_excess(steps, window) / (2 * size), 0, 1)))


def _resized(shape: _Shape, window: int) -> Signal:
    """Another area than on the frame before, beyond what is usual; eightfold is the worst."""
    steps = np.full(len(shape.area), np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        steps[1:] = np.abs(np.diff(np.log(shape.area)))
    excess = _excess(steps, window)
    return np.nan_to_num(np.where(excess > np.log(1.5), np.clip(excess / np.log(8), 0, 1), 0))


def _excess(steps: Signal, window: int) -> Signal:
    """By how much a step exceeds what is usual around it (median and four sigmas); NaN stays."""
    usual, spread = _local_level(steps, window)
    return steps - usual - 4 * spread


def _local_level(steps: Signal, window: int) -> tuple[Signal, Signal]:
    """Median and robust deviation of known steps, of each second with the one before and after."""
    usual, spread = np.zeros(len(steps)), np.zeros(len(steps))
    known = np.flatnonzero(np.isfinite(steps))
    if not len(known):
        return usual, spread
    blocks = -(-len(known) // window)
    # The last second is filled up from its end.
    padded = np.pad(steps[known], (0, blocks * window - len(known)), mode="symmetric")
    around = np.pad(padded.reshape(blocks, window), ((1, 1), (0, 0)), mode="edge")
    triples = np.concatenate([around[:-2], around[1:-1], around[2:]], axis=1)
    median = np.median(triples, axis=1)
    deviation = _MAD_TO_SIGMA * np.median(np.abs(triples - median[:, None]), axis=1)
    usual[known] = np.repeat(median, window)[: len(known)]
    spread[known] = np.repeat(deviation, window)[: len(known)]
    return usual, spread


def _absences(shape: _Shape, window: int) -> Iterator[ReviewItem]:
    """Where the object goes away for good, and where it comes back."""
    edges = np.flatnonzero(np.diff(shape.absent.astype(np.int8), prepend=0, append=0))
    for first, stop in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        was_there = first > 0 and np.isfinite(shape.area[first - 1])
        if not was_there:
            continue  # it has not appeared yet, or nothing is known of before
        comes_back = stop < len(shape.area) and np.isfinite(shape.area[stop])
        if comes_back and shape.judged[stop]:
            length = stop - first
            severity = 0.45 + 0.25 * min(length / (2 * window), 1)
            yield ReviewItem(stop, (shape.obj_id,), "returned", severity, length)
        elif not comes_back and shape.judged[first]:
            severity = 0.2 if _at_border(shape, first - 1) else 0.5
            yield ReviewItem(first, (shape.obj_id,), "lost", severity)


def _at_border(shape: _Shape, frame_idx: int) -> bool:
    """Whether the object may simply have left the picture."""
    x, y = shape.timeline.centre[frame_idx].tolist()
    reach = max(float(shape.radius[frame_idx]), 0.02) * 1.5
    return bool(min(x, 1 - x, y, 1 - y) < reach)


def _after_cuts(shapes: Sequence[_Shape], cuts: Iterable[int]) -> Iterator[ReviewItem]:
    """Where objects are tracked across a cut, in either direction."""
    for frame_idx in cuts:
        across = tuple(
            shape.obj_id
            for shape in shapes
            if 0 < frame_idx < len(shape.known)
            and shape.known[frame_idx - 1]
            and shape.judged[frame_idx]
        )
        if across:
            yield ReviewItem(frame_idx, across, "cut", _CUT)


def _together(one: _Shape, other: _Shape, window: int) -> Iterator[ReviewItem]:
    """What two timelines tell about each other: the same area in the same place, or exchanged."""
    severities: Severities = {
        "merged": _merged(one, other),
        "swapped": _swapped(one, other),
    }
    judged = one.judged & other.judged
    for reason, severity in severities.items():
        for frame_idx in _local_peaks(np.where(judged, severity, 0), window):
            pair = (one.obj_id, other.obj_id)
            yield ReviewItem(frame_idx, pair, reason, float(severity[frame_idx]))


def _merged(one: _Shape, other: _Shape) -> Signal:
    """How much alike two objects' discs are that are mostly apart.

    Discs stand for masks: comparing the masks of every pair on every frame would take longer than
    tracking does. Two masks of one centre and one area are one mask in practice.
    """
    distance = np.linalg.norm(one.xy - other.xy, axis=1)
    size = (one.radius + other.radius) / 2
    apart = distance / size
    known = np.isfinite(apart)
    if not known.any() or np.median(apart[known]) < 0.6:
        return np.zeros(len(apart))
    with np.errstate(invalid="ignore"):
        same_place = np.clip(1 - apart / 0.4, 0, 1)
        smaller, larger = np.fmin(one.area, other.area), np.fmax(one.area, other.area)
        same_size = np.clip((smaller / larger - 0.5) / 0.4, 0, 1)
    return np.asarray(np.nan_to_num(0.9 * np.sqrt(same_place * same_size)))


def _swapped(one: _Shape, other: _Shape) -> Signal:
    """How much better both paths go on in each other's place."""
    severity = np.zeros(len(one.area))

    def step(to: _Shape, start: _Shape) -> Signal:
        return np.asarray(np.linalg.norm(to.xy[1:] - start.xy[:-1], axis=1))

    stayed = step(one, one) + step(other, other)
    exchanged = step(one, other) + step(other, one)
    far = stayed > one.radius[1:] + other.radius[1:]
    with np.errstate(divide="ignore", invalid="ignore"):
        better = np.where(far, 1 - exchanged / stayed, 0)
    severity[1:] = np.nan_to_num(np.where(better > 0.5, better, 0))
    return severity


def _local_peaks(severity: Signal, window: int) -> list[int]:
    """The worst frame of each stretch of a second, where it is worth a look."""
    peaks = []
    worth = np.flatnonzero(severity >= _WORTH_IT)
    while len(worth):
        worst = int(worth[severity[worth].argmax()])
        peaks.append(worst)
        worth = worth[np.abs(worth - worst) >= window]
    return peaks


def _peaks(items: Iterable[ReviewItem], window: int) -> list[ReviewItem]:
    """The items by severity, without those within a second of a worse one of the same object.

    A cut and an exchange come before all others: they explain the leaps of objects.
    """
    kept: list[ReviewItem] = []
    taken: dict[int, list[int]] = {}
    for item in sorted(
        items, key=lambda item: (item.reason not in {"cut", "swapped"}, *_urgency(item))
    ):
        others = [frame for obj_id in item.obj_ids for frame in taken.get(obj_id, [])]
        if any(abs(item.frame_idx - frame) < window for frame in others):
            continue
        kept.append(item)
        for obj_id in item.obj_ids:
            taken.setdefault(obj_id, []).append(item.frame_idx)
    return sorted(kept, key=_urgency)


def _urgency(item: ReviewItem) -> tuple[float, int, tuple[int, ...]]:
    return -item.severity, item.frame_idx, item.obj_ids
