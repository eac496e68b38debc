"""The memory bank: which frames an object's next step attends to.

Two windows over the same frames (sam2_base.py, ``_prepare_memory_conditioned_features``): spatial
memories of the conditioning frames and up to ``num_maskmem - 1`` neighbours, and object pointers
of the conditioning frames and up to ``max_obj_ptrs - 1`` neighbours. Merging them breaks parity.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np

from sam2ov.manifest import Manifest
from sam2ov.values.masks import FloatArray


@dataclass(frozen=True)
class SpatialSlot:
    """A spatial memory to attend to: its frame and its row in ``maskmem_tpos_enc``."""

    frame_idx: int
    slot: int


@dataclass(frozen=True)
class PointerSlot:
    """An object pointer to attend to: its frame and its distance in tracking direction."""

    frame_idx: int
    distance: int


@dataclass(frozen=True)
class BankSelection:
    """What one step of one object attends to; steps with equal ``key`` can share a batch."""

    spatial: tuple[SpatialSlot, ...]
    pointers: tuple[PointerSlot, ...]

    @property
    def key(self) -> tuple[int, int]:
        """Numbers of memories and pointers: the lengths that a batch must have in common."""
        return len(self.spatial), len(self.pointers)


def select_from_bank(
    frame_idx: int,
    conditioning: Collection[int],
    is_tracked: Callable[[int], bool],
    *,
    num_frames: int,
    reverse: bool,
    manifest: Manifest,
    memory_frames: int,
) -> BankSelection:
    """Choose the memories and pointers that frame ``frame_idx`` attends to.

    Args:
        frame_idx: the frame about to be segmented.
        conditioning: frames whose prompts have been encoded into memory, in the order of prompting.
        is_tracked: whether a frame that is no conditioning frame has a result.
        num_frames: length of the video.
        reverse: tracking backwards in time.
        manifest: sizes and switches of the model.
        memory_frames: at most ``num_maskmem``; of the spatial memories of neighbours the nearest
            ``memory_frames - 1`` are attended to, in the slots that they were trained in.
    """
    near, far = _closest(frame_idx, conditioning, manifest.switches.max_conditioning_frames)

    def has_result(neighbour: int) -> bool:
        return neighbour in far or (neighbour not in near and is_tracked(neighbour))

    step = -1 if reverse else 1
    last_slot = manifest.num_maskmem - 1
    spatial = [SpatialSlot(frame, last_slot) for frame in near]
    for distance in range(memory_frames - 1, 0, -1):
        neighbour = _neighbour(frame_idx, distance, manifest.switches.memory_stride, reverse)
        if has_result(neighbour):
            spatial.append(SpatialSlot(neighbour, distance - 1))

    pointers = [
        PointerSlot(frame, distance if manifest.switches.signed_pointer_tpos else abs(distance))
        for frame in near
        for distance in [(frame_idx - frame) * step]
        if distance >= 0 or not manifest.switches.past_pointers_only
    ]
    for distance in range(1, min(num_frames, manifest.max_obj_ptrs)):
        neighbour = frame_idx - step * distance
        if not 0 <= neighbour < num_frames:
            break
        if has_result(neighbour):
            pointers.append(PointerSlot(neighbour, distance))
    return BankSelection(tuple(spatial), tuple(pointers))


def pointer_sine_encoding(
    distances: tuple[int, ...], dim: int, *, num_frames: int, max_obj_ptrs: int
) -> FloatArray:
    """Sine encoding [p, dim] of pointer distances (sam2_utils.py, ``get_1d_sine_pe``)."""
    # One frame alone has no distance but 0; upstream would divide by zero.
    largest = max(min(num_frames, max_obj_ptrs) - 1, 1)
    positions = np.array(distances, np.float32).reshape(-1, 1) / np.float32(largest)
    half = dim // 2
    exponents = 2 * (np.arange(half, dtype=np.float32) // 2) / np.float32(half)
    angles = positions / np.float32(10000) ** exponents
    return np.concatenate([np.sin(angles), np.cos(angles)], axis=1).astype(np.float32)


def _closest(
    frame_idx: int, conditioning: Collection[int], limit: int
) -> tuple[list[int], frozenset[int]]:
    """Split into attended conditioning frames and the rest (``select_closest_cond_frames``)."""
    if limit == -1 or len(conditioning) <= limit:
        return list(conditioning), frozenset()
    before = max((t for t in conditioning if t < frame_idx), default=None)
    after = min((t for t in conditioning if t >= frame_idx), default=None)
    near = [t for t in (before, after) if t is not None]
    others = sorted((t for t in conditioning if t not in near), key=lambda t: abs(t - frame_idx))
    near += others[: limit - len(near)]
    return near, frozenset(conditioning) - frozenset(near)


def _neighbour(frame_idx: int, distance: int, stride: int, reverse: bool) -> int:
    """The frame ``distance`` memories away; beyond the first, only every ``stride``-th counts."""
    if distance == 1:
        return frame_idx + 1 if reverse else frame_idx - 1
    if reverse:
        return -(-(frame_idx + 2) // stride) * stride + (distance - 2) * stride
    return (frame_idx - 2) // stride * stride - (distance - 2) * stride
