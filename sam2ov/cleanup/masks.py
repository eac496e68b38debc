"""Masks as they come out after clean-up, frame by frame, from where the tracked ones are."""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, Literal

import numpy as np

from sam2ov.cleanup.majority import Neighbour, aligned, majority
from sam2ov.cleanup.motion import Patch, between
from sam2ov.cleanup.shape import grown, smoothed, without_holes, without_specks
from sam2ov.values.clean_up import NO_CLEAN_UP, CleanUp
from sam2ov.values.masks import FloatArray, MaskSource

_CACHE_BYTES: Final = 96 << 20
_CHANGED_LOGIT: Final = 0.1
"""Of pixels that were added, and minus this of those that were taken away: where objects compete
for a pixel, one that was tracked there wins."""

_Stage = Literal["own", "whole"]
_Key = tuple[_Stage, int, int, tuple[int, int]]


class CleanedMasks:
    """A ``MaskSource`` over another one; what is tracked is only ever read.

    Frames around are read for steps that look at several; what was found of them last is held, up
    to a limit. At another size than the video's, as for a preview, lengths are scaled with it.

    Args:
        tracked: where masks come from. It may change meanwhile, but what has been read of it counts
            for as long as this exists.
        clean_ups: by object; those left out are given as they are.
    """

    def __init__(self, tracked: MaskSource, clean_ups: Mapping[int, CleanUp]) -> None:
        self.num_frames = tracked.num_frames
        self.size_hw = tracked.size_hw
        self._tracked = tracked
        self._clean_ups = dict(clean_ups)
        self._cache: OrderedDict[_Key, Patch] = OrderedDict()
        self._cached_bytes = 0

    @property
    def obj_ids(self) -> Sequence[int]:
        """The objects that have prompts."""
        return self._tracked.obj_ids

    def logits_at(
        self, frame_idx: int, size_hw: tuple[int, int], obj_ids: Sequence[int] | None = None
    ) -> FloatArray:
        """Logits [N, H, W] whose signs are the cleaned masks; unchanged where these are."""
        ids = self.obj_ids if obj_ids is None else obj_ids
        if not any(self._clean_up(obj_id).changes_masks for obj_id in ids):
            return self._tracked.logits_at(frame_idx, size_hw, ids)
        logits = self._tracked.logits_at(frame_idx, size_hw, ids).copy()
        for obj_id, found in zip(ids, logits, strict=True):
            if self._clean_up(obj_id).changes_masks:
                mask = self._cleaned(obj_id, frame_idx, size_hw, found)
                found[mask & (found <= 0)] = _CHANGED_LOGIT
                found[~mask & (found > 0)] = -_CHANGED_LOGIT
        return logits

    def _clean_up(self, obj_id: int) -> CleanUp:
        return self._clean_ups.get(obj_id, NO_CLEAN_UP)

    def _cleaned(
        self, obj_id: int, frame_idx: int, size_hw: tuple[int, int], logits: FloatArray
    ) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
        wanted = self._clean_up(obj_id)
        self._kept(("own", obj_id, frame_idx, size_hw), lambda: self._single(obj_id, logits))
        patch = self._whole(obj_id, frame_idx, size_hw)
        if wanted.steady and not patch.is_empty:
            around = list(self._around(obj_id, frame_idx, size_hw, patch, wanted.steady))
            patch = majority(patch, around, size_hw)
        scale = size_hw[0] / self.size_hw[0]
        mask = smoothed(patch.mask(size_hw), wanted.smooth * scale)
        return grown(mask, wanted.grow * scale)

    def _single(self, obj_id: int, logits: FloatArray) -> Patch:
        """A frame by itself, without holes and specks."""
        wanted = self._clean_up(obj_id)
        scale = (logits.shape[0] / self.size_hw[0]) ** 2
        mask = without_holes(logits > 0, round(wanted.fill_holes * scale))
        return Patch.of(without_specks(mask, round(wanted.remove_specks * scale)))

    def _own(self, obj_id: int, frame_idx: int, size_hw: tuple[int, int]) -> Patch:
        def made() -> Patch:
            logits = self._tracked.logits_at(frame_idx, size_hw, [obj_id])[0]
            return self._single(obj_id, logits)

        return self._kept(("own", obj_id, frame_idx, size_hw), made)

    def _whole(self, obj_id: int, frame_idx: int, size_hw: tuple[int, int]) -> Patch:
        """A frame's mask, or what belongs in a gap."""
        own = self._own(obj_id, frame_idx, size_hw)
        longest = self._clean_up(obj_id).close_gaps
        if not own.is_empty or not longest:
            return own
        return self._kept(
            ("whole", obj_id, frame_idx, size_hw),
            lambda: self._bridged(obj_id, frame_idx, size_hw, longest) or own,
        )

    def _bridged(
        self, obj_id: int, frame_idx: int, size_hw: tuple[int, int], longest: int
    ) -> Patch | None:
        ends: list[int] = []
        for step in (-1, 1):
            reach = range(frame_idx + step, frame_idx + step * (longest + 1), step)
            for index in (i for i in reach if 0 <= i < self.num_frames):
                if not self._own(obj_id, index, size_hw).is_empty:
                    ends.append(index)
                    break
        if len(ends) < 2 or ends[1] - ends[0] - 1 > longest:
            return None
        before, after = (self._own(obj_id, index, size_hw) for index in ends)
        return between(before, after, (frame_idx - ends[0]) / (ends[1] - ends[0]), size_hw)

    def _around(
        self,
        obj_id: int,
        frame_idx: int,
        size_hw: tuple[int, int],
        present: Patch,
        reach: int,
    ) -> Iterator[Neighbour]:
        """The frames around, as far as the object is to be seen without a pause."""
        for step in (-1, 1):
            for distance in range(1, reach + 1):
                index = frame_idx + step * distance
                if not 0 <= index < self.num_frames:
                    break
                other = self._whole(obj_id, index, size_hw)
                if other.is_empty:
                    break
                found = aligned(other, present, size_hw, is_next=distance == 1)
                if found is not None:
                    yield found

    def _kept(self, key: _Key, make: Callable[[], Patch]) -> Patch:
        known = self._cache.get(key)
        if known is not None:
            self._cache.move_to_end(key)
            return known
        made = make()
        self._cache[key] = made
        self._cached_bytes += made.inside.nbytes
        while self._cached_bytes > _CACHE_BYTES:
            _, dropped = self._cache.popitem(last=False)
            self._cached_bytes -= dropped.inside.nbytes
        return made
