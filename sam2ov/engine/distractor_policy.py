"""The distractor-aware memory of DAM4SAM (Videnovic, Lukezic, Kristan, CVPR 2025), per object.

A part of the bank is for frames on which something else might have been taken for the object: they
stay, so that the two are told apart again later. The rest is for recent frames, further apart than
upstream's, and without those on which the object was not to be seen. What users say of an object
is of that first part, too: prompted frames have a place there before those that were found.

The authors' rules are for one prompt and forward tracking. Here "earlier" is earlier in the
direction of tracking, and of what was tracked only what lies behind and is not stale counts, so
that a frame sees the same memories whether tracking went on or was taken up again there.
"""

from collections.abc import Iterable
from typing import Final

import cv2
import numpy as np

from sam2ov.engine.policy import (
    BankSelection,
    Candidates,
    MemorySettings,
    ObjectFrames,
    PointerSlot,
    SpatialSlot,
    pointer_range,
)
from sam2ov.manifest import Manifest
from sam2ov.values.masks import BoolArray

MOST_DISTRACTOR_FRAMES: Final = 4
"""Of the memories that a frame attends to, the others are recent ones."""

_STRIDE: Final = 5
_LEAST_IOU: Final = 0.8
_AREA_RANGE: Final = (0.8, 1.2)
_AREAS: Final = 10
_AREAS_WITHIN: Final = 300
_LEAST_DISTANCE: Final = 5
_ALIKE: Final = 0.7


class DistractorAwarePolicy:
    """Keeps frames with distractors, and recent ones with the object in them.

    Args:
        manifest: sizes and switches of the model.
        settings: see ``MemorySettings``.
    """

    def __init__(self, manifest: Manifest, settings: MemorySettings) -> None:
        self._manifest = manifest
        trained = manifest.num_maskmem
        self._slots = trained if settings.frames is None else min(settings.frames, trained)

    @property
    def capacity(self) -> int:
        """Of all that is attended to, and of neighbours on their way out."""
        return 2 * self._manifest.num_maskmem

    def select(self, frame_idx: int, frames: ObjectFrames, *, reverse: bool) -> BankSelection:
        """Frames with distractors in the slot of prompted ones, recent ones by their age."""
        step = -1 if reverse else 1
        special = self._distractor_frames(frame_idx, frames, step)
        count = max(self._slots - len(special), 0)
        recent = _recent(frame_idx, frames, step, count, without=special)
        last_slot = self._manifest.num_maskmem - 1
        spatial = [SpatialSlot(frame, last_slot) for frame in special]
        # Oldest first, as upstream has its neighbours; the newest has the first slot.
        spatial += [SpatialSlot(recent[age], age) for age in reversed(range(len(recent)))]
        return BankSelection(tuple(spatial), self._pointers(frame_idx, frames, special, step))

    def keeps(self, frame_idx: int, candidates: Candidates, frames: ObjectFrames) -> bool:
        """Whether a frame shows the object well, and something that might be taken for it."""
        timeline = frames.timeline
        step = -1 if timeline.direction[frame_idx] < 0 else 1
        if candidates.object_score <= 0 or float(candidates.ious[1:].max()) <= _LEAST_IOU:
            return False
        if not _is_steady(frame_idx, frames, step):
            return False
        earlier = _kept_behind(frame_idx, frames, step)
        if any(abs(frame_idx - frame) <= _LEAST_DISTANCE for frame in earlier):
            return False
        return _has_distractor(candidates)

    def _distractor_frames(self, frame_idx: int, frames: ObjectFrames, step: int) -> list[int]:
        """The first prompted frame, the nearest one that was kept, then the closest in time."""
        prompted = list(frames.prompted)
        first = prompted[0]
        before = frame_idx - step
        known = {*prompted, *_kept_behind(frame_idx, frames, step)} - {first, before}
        chosen = [first]
        behind = [frame for frame in known if (before - frame) * step > 0]
        if behind:
            chosen.append(min(behind, key=lambda frame: abs(frame - frame_idx)))
        # Prompted frames come before those that were found, at equal distance and beyond.
        rest = sorted(
            known.difference(chosen),
            key=lambda frame: (frame not in frames.prompted, abs(frame - frame_idx), frame),
        )
        most = min(MOST_DISTRACTOR_FRAMES, self._slots)
        return sorted(chosen[:most] + rest[: max(most - len(chosen), 0)])

    def _pointers(
        self, frame_idx: int, frames: ObjectFrames, special: Iterable[int], step: int
    ) -> tuple[PointerSlot, ...]:
        """Of frames with the object in them alone."""
        switches = self._manifest.switches
        pointers = []
        for frame in special:
            distance = (frame_idx - frame) * step
            if distance >= 0 or not switches.past_pointers_only:
                signed = distance if switches.signed_pointer_tpos else abs(distance)
                pointers.append(PointerSlot(frame, signed))
        for distance in range(1, pointer_range(frames.length, self._manifest)):
            neighbour = frame_idx - step * distance
            if neighbour not in special and _is_seen(neighbour, frames):
                pointers.append(PointerSlot(neighbour, distance))
        return tuple(pointers)


def _is_seen(frame_idx: int, frames: ObjectFrames) -> bool:
    """Whether the object has a mask on a frame."""
    timeline = frames.timeline
    is_known = frames.has_result(frame_idx) and not timeline.stale[frame_idx]
    return bool(is_known and timeline.area[frame_idx] > 0)


def _recent(
    frame_idx: int, frames: ObjectFrames, step: int, count: int, without: Iterable[int]
) -> list[int]:
    """The newest frame with the object, then every fifth that has it, newest first."""
    timeline, taken = frames.timeline, set(without)
    seen = timeline.has_result & (timeline.area > 0) & ~timeline.stale
    behind = np.flatnonzero(seen[:frame_idx])[::-1] if step > 0 else np.flatnonzero(seen)
    if step < 0:
        behind = behind[behind > frame_idx]
    if not count or not len(behind):
        return []
    newest = int(behind[0])
    found = [] if newest in taken else [newest]
    further = behind[(behind % _STRIDE == 0) & (np.abs(behind - frame_idx) >= 2)]
    for frame in further.tolist():
        if len(found) == count:
            break
        if frame != newest and frame not in taken:
            found.append(frame)
    return found[:count]


def _kept_behind(frame_idx: int, frames: ObjectFrames, step: int) -> list[int]:
    """The frames that were kept on the way here."""
    timeline = frames.timeline
    is_kept = timeline.kept & timeline.has_result & ~timeline.stale & (timeline.direction == step)
    kept = np.flatnonzero(is_kept)
    behind = kept[kept < frame_idx] if step > 0 else kept[kept > frame_idx]
    return [int(frame) for frame in behind]


def _is_steady(frame_idx: int, frames: ObjectFrames, step: int) -> bool:
    """Whether a mask has about the size of those before it; the first tracked one has none."""
    timeline = frames.timeline
    if step > 0:
        window = slice(max(frame_idx - _AREAS_WITHIN + 1, 0), frame_idx + 1)
        areas = timeline.area[window]
    else:
        window = slice(frame_idx, frame_idx + _AREAS_WITHIN)
        areas = timeline.area[window][::-1]
    tracked = timeline.has_result[window] & (timeline.direction[window] == step)
    if np.count_nonzero(tracked) < 2 or not areas[-1] > 0:
        return False
    median = float(np.median(areas[areas > 0][-_AREAS:]))
    least, most = _AREA_RANGE
    return least <= float(areas[-1]) / median <= most


def _has_distractor(candidates: Candidates) -> bool:
    """Whether a mask that was not chosen reaches for something beside the object."""
    chosen = candidates.mask_logits[candidates.chosen] > 0
    overlaps = []
    for token in (1, 2, 3):
        if token == candidates.chosen:
            continue
        beside = (candidates.mask_logits[token] > 0) & ~chosen
        union = chosen | _largest_part(beside)
        overlaps.append(_box_iou(chosen, union))
    return min(overlaps) <= _ALIKE


def _largest_part(mask: BoolArray) -> BoolArray:
    """The largest 8-connected part of a mask."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.view(np.uint8), connectivity=8)
    if count < 2:
        return mask
    largest = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    part: BoolArray = labels == largest
    return part


def _box_iou(inner: BoolArray, outer: BoolArray) -> float:
    """Of the boxes around two masks, of which the one lies in the other."""
    areas = []
    for mask in (inner, outer):
        _, _, width, height = cv2.boundingRect(mask.view(np.uint8))
        areas.append(width * height)
    return areas[0] / max(areas[1], 1)
