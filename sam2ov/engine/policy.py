"""Memory policies: which frames an object's bank keeps, and which of them are attended to.

The default is upstream's (sam2_base.py, ``_prepare_memory_conditioned_features``): two windows over
the same frames, spatial memories of the prompted frames and up to ``num_maskmem - 1`` neighbours,
and object pointers of the prompted frames and up to ``max_obj_ptrs - 1`` neighbours. Merging them
breaks parity. A policy has no state: what it decided about a frame is kept with the frame, so that
undo and an opened project decide the same again.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, Protocol

from sam2ov.manifest import Manifest

if TYPE_CHECKING:  # named here, used where NumPy and OpenCV are loaded anyway
    from sam2ov.values.masks import FloatArray
    from sam2ov.values.timeline import Timeline

PolicyName = Literal["upstream", "distractor-aware"]

MAX_PROMPTED: Final = 8
"""So many prompted frames are attended to, where the model sets no limit of its own: with more, a
frame would cost the more the better an object was corrected."""


@dataclass(frozen=True)
class MemorySettings:
    """How a model remembers; chosen by a preset or by an option.

    Attributes:
        policy: by name; None for the one that the model's manifest names.
        frames: spatial memories of at most ``frames - 1`` neighbours are attended to, besides those
            of prompted frames; None for as many as the model was trained with.
        prompted: so many prompted frames are attended to, unless the model has a limit of its own.
    """

    policy: PolicyName | None = None
    frames: int | None = None
    prompted: int = MAX_PROMPTED


AS_TRAINED: Final = MemorySettings()


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
    """What an object attends to on a frame; objects with equal ``key`` can share a batch."""

    spatial: tuple[SpatialSlot, ...]
    pointers: tuple[PointerSlot, ...]

    @property
    def key(self) -> tuple[int, int]:
        """Numbers of memories and pointers: the lengths that a batch must have in common."""
        return len(self.spatial), len(self.pointers)


@dataclass(frozen=True, eq=False)
class Candidates:
    """All that the decoder says about an object on a frame; views, valid while it is tracked.

    Attributes:
        mask_logits: float32 [4, h, w]; token 0 is the single mask, 1 to 3 the multimask.
        ious: float32 [4], predicted, 0 to 1.
        object_score: logit; > 0 where the object is in the picture.
        chosen: the token that answers.
    """

    mask_logits: "FloatArray"
    ious: "FloatArray"
    object_score: float
    chosen: int


@dataclass(frozen=True, eq=False)
class ObjectFrames:
    """What is known about the frames of an object.

    Attributes:
        prompted: those whose prompts are in the bank, in the order of prompting.
        timeline: results, scores, areas, and which frames the policy kept; see there.
        length: of the video in frames; None while it grows.
    """

    prompted: Collection[int]
    timeline: "Timeline"
    length: int | None

    def behind(self, frame_idx: int, distance: int, step: int) -> int:
        """The frame so many frames back, of which those do not count on which the object is lost.

        So what was remembered before a scene cut stays until the object is found again.
        """
        lost = self.timeline.lost
        if not lost.any():
            return frame_idx - step * distance
        place = frame_idx
        while distance:
            place -= step
            if not 0 <= place < len(lost):
                return place
            distance -= not lost[place]
        return place

    def has_result(self, frame_idx: int) -> bool:
        """Whether there is a result on a frame; false outside the video."""
        known = self.timeline.has_result
        return 0 <= frame_idx < len(known) and bool(known[frame_idx])


class MemoryPolicy(Protocol):
    """Decides for the banks of all objects; without state, safe from any thread."""

    @property
    def capacity(self) -> int:
        """How many spatial memories a bank holds ready: at least as many as a frame attends to."""

    def select(self, frame_idx: int, frames: ObjectFrames, *, reverse: bool) -> BankSelection:
        """Choose what frame ``frame_idx``, which is about to be segmented, attends to."""

    def keeps(self, frame_idx: int, candidates: Candidates, frames: ObjectFrames) -> bool:
        """Whether a frame that was just tracked is worth keeping beyond its neighbours' time.

        It is noted in ``Timeline.kept``, which ``select`` can go by from the next frame on.
        ``frames`` knows the frame's result already.
        """


class UpstreamPolicy:
    """Upstream's two windows, bit for bit; beyond ``prompted`` prompted frames a choice of them.

    Of more prompted frames the first in time is attended to, and those nearest to the frame.

    Args:
        manifest: sizes and switches of the model.
        settings: see ``MemorySettings``.
    """

    def __init__(self, manifest: Manifest, settings: MemorySettings) -> None:
        self._manifest = manifest
        trained = manifest.num_maskmem
        self._memory_frames = trained if settings.frames is None else min(settings.frames, trained)
        self._limit = manifest.switches.max_conditioning_frames
        self._prompted = settings.prompted

    @property
    def capacity(self) -> int:
        """Of all prompted frames that are attended to, and all neighbours."""
        prompted = self._prompted if self._limit == -1 else self._limit
        return prompted + self._manifest.num_maskmem

    def select(self, frame_idx: int, frames: ObjectFrames, *, reverse: bool) -> BankSelection:
        """Prompted frames and neighbours, in the order in which upstream has them."""
        manifest, switches = self._manifest, self._manifest.switches
        near, far = self._attended(frame_idx, frames.prompted)

        def has_result(neighbour: int) -> bool:
            return neighbour in far or (neighbour not in near and frames.has_result(neighbour))

        step = -1 if reverse else 1
        last_slot = manifest.num_maskmem - 1
        spatial = [SpatialSlot(frame, last_slot) for frame in near]
        for distance in range(self._memory_frames - 1, 0, -1):
            neighbour = _neighbour(frame_idx, distance, switches.memory_stride, reverse)
            neighbour = frames.behind(frame_idx, (frame_idx - neighbour) * step, step)
            if has_result(neighbour):
                spatial.append(SpatialSlot(neighbour, distance - 1))

        pointers = [
            PointerSlot(frame, distance if switches.signed_pointer_tpos else abs(distance))
            for frame in near
            for distance in [(frame_idx - frame) * step]
            if distance >= 0 or not switches.past_pointers_only
        ]
        for distance in range(1, pointer_range(frames.length, manifest)):
            neighbour = frames.behind(frame_idx, distance, step)
            if has_result(neighbour):
                pointers.append(PointerSlot(neighbour, distance))
        return BankSelection(tuple(spatial), tuple(pointers))

    def keeps(self, frame_idx: int, candidates: Candidates, frames: ObjectFrames) -> bool:
        """Neighbours alone are remembered."""
        del frame_idx, candidates, frames
        return False

    def _attended(
        self, frame_idx: int, prompted: Collection[int]
    ) -> tuple[list[int], frozenset[int]]:
        """Split prompted frames into those attended to as such, and the rest."""
        if self._limit != -1:
            near = _closest(frame_idx, prompted, self._limit)
        elif len(prompted) > self._prompted:
            first, *rest = sorted(prompted)
            nearest = sorted(rest, key=lambda frame: abs(frame - frame_idx))
            near = [first, *sorted(nearest[: self._prompted - 1])]
        else:
            near = list(prompted)
        return near, frozenset(prompted).difference(near)


def pointer_range(length: int | None, manifest: Manifest) -> int:
    """So many frames, the present one included, are within the reach of pointers.

    Upstream's limit is ``min(num_frames, max_obj_ptrs)``; a video that still grows counts as long.
    """
    return manifest.max_obj_ptrs if length is None else min(length, manifest.max_obj_ptrs)


def _closest(frame_idx: int, prompted: Collection[int], limit: int) -> list[int]:
    """Upstream's choice where the model has a limit (``select_closest_cond_frames``)."""
    if len(prompted) <= limit:
        return list(prompted)
    before = max((t for t in prompted if t < frame_idx), default=None)
    after = min((t for t in prompted if t >= frame_idx), default=None)
    near = [t for t in (before, after) if t is not None]
    others = sorted((t for t in prompted if t not in near), key=lambda t: abs(t - frame_idx))
    return near + others[: limit - len(near)]


def _neighbour(frame_idx: int, distance: int, stride: int, reverse: bool) -> int:
    """The frame ``distance`` memories away; beyond the first, only every ``stride``-th counts."""
    if distance == 1:
        return frame_idx + 1 if reverse else frame_idx - 1
    if reverse:
        return -(-(frame_idx + 2) // stride) * stride + (distance - 2) * stride
    return (frame_idx - 2) // stride * stride - (distance - 2) * stride
