"""The memory bank of one object: it keeps memories, rebuilds them, selects and gathers them."""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from sam2ov.engine.features import FrameFeatures
from sam2ov.engine.policy import BankSelection, Candidates, ObjectFrames, pointer_range
from sam2ov.engine.tracker import BankContents, Tracker
from sam2ov.store.results import FrameResult
from sam2ov.values.masks import FloatArray


@dataclass(frozen=True, eq=False)
class FrameMemory:
    """What a frame leaves in the bank: ``memory`` [T, M] and ``pointer`` [C], float32."""

    memory: FloatArray
    pointer: FloatArray


class MemoryBank:
    """Memories of an object's frames, as many as a frame attends to; the session's lock guards it.

    Which frames those are, the policy says. Others are encoded again from their stored results when
    they are needed, so that neither the length of the video nor the number of corrections counts.

    Args:
        tracker: the model's per-frame logic and its policy.
        features: of the session's video.
        result: the stored result of a frame.
    """

    def __init__(
        self, tracker: Tracker, features: FrameFeatures, result: Callable[[int], FrameResult]
    ) -> None:
        self._tracker = tracker
        self._manifest = tracker.manifest
        self._policy = tracker.policy
        self._features = features
        self._result = result
        self._memories: OrderedDict[int, FrameMemory] = OrderedDict()
        self._pointers: OrderedDict[int, FloatArray] = OrderedDict()
        # A frame attends to the pointers of what it has memories of, and of more neighbours.
        self._most_pointers = self._policy.capacity + 2 * self._manifest.max_obj_ptrs

    def keep(self, frame_idx: int, memory: FrameMemory) -> None:
        """Take in what a frame leaves; what was used longest ago makes room."""
        self._memories[frame_idx] = memory
        self._memories.move_to_end(frame_idx)
        if len(self._memories) > self._policy.capacity:
            self._memories.popitem(last=False)
        self._keep_pointer(frame_idx, memory.pointer)

    def repeat(self, frame_idx: int, earlier: int) -> None:
        """Take in, for a frame, what another frame with the same picture and answer has left."""
        self.keep(frame_idx, FrameMemory(self._memory(earlier), self._pointer(earlier)))

    def forget(self, frame_idx: int) -> None:
        """Drop what a frame left: its result has changed."""
        self._memories.pop(frame_idx, None)
        self._pointers.pop(frame_idx, None)

    def clear(self) -> None:
        """Drop everything."""
        self._memories.clear()
        self._pointers.clear()

    @property
    def frames(self) -> set[int]:
        """Those of which something is held."""
        return {*self._memories, *self._pointers}

    def renumber(self, places: Mapping[int, int]) -> None:
        """Keep the frames that are in ``places`` alone, under the numbers that it has for them."""
        self._memories = OrderedDict(
            (places[frame], memory) for frame, memory in self._memories.items() if frame in places
        )
        self._pointers = OrderedDict(
            (places[frame], pointer) for frame, pointer in self._pointers.items() if frame in places
        )

    def remembers(self, frame_idx: int, candidates: Candidates, frames: ObjectFrames) -> bool:
        """Whether the policy wants a frame that was just tracked to be kept; see there."""
        return self._policy.keeps(frame_idx, candidates, frames)

    def select(self, frame_idx: int, frames: ObjectFrames, *, reverse: bool) -> BankSelection:
        """The memories and pointers that tracking a frame attends to.

        Of a video that forgets its frames, those which the bank does not hold have no memories.
        """
        chosen = self._policy.select(frame_idx, frames, reverse=reverse)
        there = tuple(
            slot
            for slot in chosen.spatial
            if slot.frame_idx in self._memories or self._features.holds(slot.frame_idx)
        )
        return chosen if len(there) == len(chosen.spatial) else replace(chosen, spatial=there)

    def gather(self, selection: BankSelection, frames: ObjectFrames) -> BankContents:
        """Bring together the tensors of a selection."""
        tpos = self._tracker.model.constants.maskmem_tpos_enc
        pointers = [self._pointer(slot.frame_idx) for slot in selection.pointers]
        return BankContents(
            memory=np.stack([self._memory(slot.frame_idx) for slot in selection.spatial]),
            memory_tpos=tpos[[slot.slot for slot in selection.spatial]],
            pointers=np.stack(pointers)
            if pointers
            else np.zeros((0, self._manifest.hidden_dim), np.float32),
            pointer_tpos=self._encoded(
                tuple(slot.distance for slot in selection.pointers), frames.length
            ),
        )

    def _memory(self, frame_idx: int) -> FloatArray:
        known = self._memories.get(frame_idx)
        if known is None:
            result = self._result(frame_idx)
            memory = self._tracker.remember(self._features[frame_idx], [result])[0]
            known = FrameMemory(memory, result.pointer)
            self.keep(frame_idx, known)
        self._memories.move_to_end(frame_idx)
        return known.memory

    def _pointer(self, frame_idx: int) -> FloatArray:
        if frame_idx not in self._pointers:
            self._keep_pointer(frame_idx, self._result(frame_idx).pointer)
        self._pointers.move_to_end(frame_idx)
        return self._pointers[frame_idx]

    def _keep_pointer(self, frame_idx: int, pointer: FloatArray) -> None:
        self._pointers[frame_idx] = pointer
        self._pointers.move_to_end(frame_idx)
        if len(self._pointers) > self._most_pointers:
            self._pointers.popitem(last=False)

    def _encoded(self, distances: tuple[int, ...], length: int | None) -> FloatArray:
        """Temporal encodings [p, M] of object pointers."""
        constants = self._tracker.model.constants
        weight, bias = constants.obj_ptr_tpos_proj_weight, constants.obj_ptr_tpos_proj_bias
        if weight is None or bias is None:  # SAM 2.0 does not encode the distance
            return np.zeros((len(distances), self._manifest.mem_dim), np.float32)
        largest = pointer_range(length, self._manifest) - 1
        sine = pointer_sine_encoding(distances, self._manifest.hidden_dim, largest)
        encoded: FloatArray = np.matmul(sine, weight.T, dtype=np.float32) + bias
        return encoded


def pointer_sine_encoding(distances: tuple[int, ...], dim: int, largest: int) -> FloatArray:
    """Sine encoding [p, dim] of pointer distances (sam2_utils.py, ``get_1d_sine_pe``).

    Args:
        distances: in frames.
        dim: of the encoding.
        largest: distance within reach, which counts as 1.
    """
    # One frame alone has no distance but 0; upstream would divide by zero.
    positions = np.array(distances, np.float32).reshape(-1, 1) / np.float32(max(largest, 1))
    half = dim // 2
    exponents = 2 * (np.arange(half, dtype=np.float32) // 2) / np.float32(half)
    angles = positions / np.float32(10000) ** exponents
    return np.concatenate([np.sin(angles), np.cos(angles)], axis=1).astype(np.float32)
