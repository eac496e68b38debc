"""Objects that begin where a detector finds something that no object covers yet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sam2ov.mask_files.detections import Detection
from sam2ov.mask_files.prompt_file import FramePrompt

OVERLAP: Final = 0.3
"""The IoU of boxes from which on a detection and an object are the same thing."""
COVERED: Final = 0.75
"""The share of the smaller box in the other from which on they are, too."""

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Seen:
    """An object on a frame: its kind, and the box of its mask in video pixels."""

    label: str
    box: Box


def beginnings(
    found: Sequence[Detection], objects: Mapping[int, Seen]
) -> tuple[list[Detection], dict[int, Detection]]:
    """Part what a detector has found on a frame into new things and known ones.

    The surest detection comes first; of what begins here, too, another of its kind in the same
    place is the same thing. Things of two kinds may lie in one place: a rider and a horse.

    Args:
        found: on the frame.
        objects: that are to be seen on it, by number.

    Returns:
        The detections that begin an object, and those that confirm one, by its number.
    """
    new: list[Detection] = []
    confirmed: dict[int, Detection] = {}
    for each in sorted(found, key=lambda detection: -detection.score):
        known = [
            (_overlap(each.box, seen.box), number)
            for number, seen in objects.items()
            if _same_kind(each.label, seen.label) and _is_same(each.box, seen.box)
        ]
        if known:
            confirmed.setdefault(max(known)[1], each)
        elif not any(
            _same_kind(each.label, other.label) and _is_same(each.box, other.box) for other in new
        ):
            new.append(each)
    return new, confirmed


def prompt_of(detection: Detection) -> FramePrompt:
    """The prompt that begins an object: its mask, or its box."""
    if detection.mask is not None:
        return FramePrompt(frame=detection.frame, mask=detection.mask)
    return FramePrompt(frame=detection.frame, box=detection.box)


def _same_kind(one: str, other: str) -> bool:
    return not one or not other or one.casefold() == other.casefold()


def _is_same(one: Box, other: Box) -> bool:
    return _overlap(one, other) >= OVERLAP or _covered(one, other) >= COVERED


def _overlap(one: Box, other: Box) -> float:
    """The IoU of two boxes."""
    both = _shared(one, other)
    union = _area(one) + _area(other) - both
    return both / union if union > 0 else 0.0


def _covered(one: Box, other: Box) -> float:
    """The share of the smaller box that lies in the other."""
    smaller = min(_area(one), _area(other))
    return _shared(one, other) / smaller if smaller > 0 else 0.0


def _shared(one: Box, other: Box) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return max(width, 0.0) * max(height, 0.0)


def _area(box: Box) -> float:
    return max(box[2] - box[0], 0.0) * max(box[3] - box[1], 0.0)
