"""One object of a session: its prompts, its answers to them, and its memory bank."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from sam2ov.engine.features import FrameFeatures
from sam2ov.engine.memory import BankSelection, select_from_bank
from sam2ov.engine.tracker import BankContents, Tracker
from sam2ov.errors import TrackingError
from sam2ov.store.results import FrameResult, Kind, ResultStore
from sam2ov.values.masks import NO_OBJECT_LOGIT, FloatArray
from sam2ov.values.prompts import PointPrompt, Prompt
from sam2ov.values.timeline import Timeline


@dataclass(frozen=True, eq=False)
class FrameMemory:
    """What a frame leaves in the bank: ``memory`` [h·w, M] and ``pointer`` [C], float32."""

    memory: FloatArray
    pointer: FloatArray


class TrackedObject:
    """State of one object; the session's lock guards it.

    ``answers`` are segmented prompts whose memory is not encoded yet; ``commit`` moves them to
    ``conditioning`` when tracking starts (upstream: ``temp_output_dict_per_obj``). Conditioning
    memories stay, there are as many as the user prompts; they are None, to be encoded when needed,
    after ``load``. Those of tracked frames are dropped when their neighbours have been tracked, and
    encoded again where tracking resumes.

    Args:
        obj_id: the caller's number for it.
        num_frames: length of the video.
        tracker: the model's per-frame logic.
        features: of the session's video.
        store: of the session's results.
    """

    def __init__(
        self,
        obj_id: int,
        num_frames: int,
        tracker: Tracker,
        features: FrameFeatures,
        store: ResultStore,
    ) -> None:
        self.obj_id = obj_id
        self.timeline = Timeline.empty(num_frames)
        self.prompts: dict[int, Prompt] = {}
        self.answers: dict[int, FrameResult] = {}
        self.conditioning: dict[int, FrameMemory | None] = {}
        self._num_frames = num_frames
        self._tracker = tracker
        self._manifest = tracker.manifest
        self._features = features
        self._store = store
        self._prompted: set[int] = set()  # frames whose current result came from a prompt
        self._memories: OrderedDict[int, FrameMemory] = OrderedDict()
        self._pointers: OrderedDict[int, FloatArray] = OrderedDict()

    def load(self, prompts: Mapping[int, Prompt]) -> None:
        """Take up what the store knows of this object, in place of what is known here.

        Args:
            prompts: by frame; those that the stored results answer.
        """
        self.timeline = Timeline.empty(self._num_frames)
        self.prompts = dict(prompts)
        for known in (self.answers, self.conditioning, self._memories, self._pointers):
            known.clear()
        self._prompted.clear()
        stale_since, stale = self._store.stale(self.obj_id, self._num_frames)
        for row in self._store.rows(self.obj_id):
            frame_idx = row.frame_idx
            if row.kind is Kind.ANSWER:
                self.answers[frame_idx] = self._stored(frame_idx, Kind.ANSWER)
                continue
            self.timeline.record(frame_idx, row.facts)
            self.timeline.direction[frame_idx] = row.direction
            self.timeline.stale[frame_idx] = stale[frame_idx] and row.born <= stale_since
            if row.kind is Kind.CONDITIONING:
                self._prompted.add(frame_idx)
                if frame_idx in prompts:
                    self.conditioning[frame_idx] = None
                    self.timeline.stale[frame_idx] = False

    def answer(self, frame_idx: int, prompt: Prompt, size_hw: tuple[int, int]) -> None:
        """Segment the object on a frame from its prompt.

        The frame's earlier answer is fed back with new clicks. On a frame that was tracked, the
        memories are attended to as well (sam2_video_predictor.py, ``add_new_points_or_box``).
        """
        features = self._features[frame_idx]
        if isinstance(prompt, PointPrompt):
            result = self._tracker.segment_points(
                features,
                prompt,
                size_hw,
                feedback=self.mask_logits(frame_idx) if self.result(frame_idx) else None,
                bank=self._bank_of_correction(frame_idx),
            )
        else:
            result = self._tracker.segment_mask(features, prompt)
        self._store.put(self.obj_id, frame_idx, Kind.ANSWER, result)
        self.prompts[frame_idx] = prompt
        self.answers[frame_idx] = result
        self._mark_stale(frame_idx)

    def clear_frame(self, frame_idx: int) -> None:
        """Remove the prompt of a frame; a mask found there stays as a tracked one."""
        self.prompts.pop(frame_idx, None)
        self._drop_answer(frame_idx)
        if frame_idx in self.conditioning:
            # No longer a conditioning frame, but still a neighbour of others
            # (sam2_video_predictor.py, clear_all_prompts_in_frame).
            committed = self.conditioning.pop(frame_idx)
            if committed is not None:
                self._keep(frame_idx, committed)
            self._store.set_direction(self.obj_id, frame_idx, 0)
            self.timeline.direction[frame_idx] = 0
        self._mark_stale(frame_idx)

    def forget_frame(self, frame_idx: int) -> None:
        """Make a frame as if never prompted; what was tracked there before comes back."""
        self.prompts.pop(frame_idx, None)
        self._drop_answer(frame_idx)
        self.conditioning.pop(frame_idx, None)
        if frame_idx in self._prompted:
            self._drop_prompted(frame_idx)
            self._memories.pop(frame_idx, None)
            self._pointers.pop(frame_idx, None)
            self.timeline.forget(frame_idx)
            tracked = self._store.get(self.obj_id, frame_idx, Kind.TRACKED)
            if tracked is not None:
                self.timeline.record(frame_idx, tracked.facts)
                self.timeline.stale[frame_idx] = True
            else:
                self.timeline.direction[frame_idx] = 0
        self._mark_stale(frame_idx)

    def commit(self) -> None:
        """Encode the memories of newly prompted frames (``propagate_in_video_preflight``).

        Raises:
            TrackingError: the object has no prompts.
        """
        for frame_idx, answer in list(self.answers.items()):
            memory = self._tracker.remember(self._features[frame_idx], [answer])[0]
            self.timeline.record(frame_idx, self._store.commit_answer(self.obj_id, frame_idx))
            self._prompted.add(frame_idx)
            self.conditioning[frame_idx] = FrameMemory(memory, answer.pointer)
            self._memories.pop(frame_idx, None)
            self._pointers.pop(frame_idx, None)
            del self.answers[frame_idx]
        if not self.conditioning:
            raise TrackingError(
                f"object {self.obj_id} has no prompts: add points, a box or a mask to a frame "
                "first, or remove the object."
            )

    def add_tracked(
        self, frame_idx: int, result: FrameResult, memory: FloatArray, direction: int
    ) -> None:
        """Take in what tracking found on a frame; ``memory`` is [h·w, M]."""
        if frame_idx in self._prompted:  # its prompt was cleared
            self._drop_prompted(frame_idx)
        facts = self._store.put(self.obj_id, frame_idx, Kind.TRACKED, result, direction)
        self.timeline.record(frame_idx, facts)
        self.timeline.direction[frame_idx] = direction
        # A copy: a row of a batch would keep the other objects' memories alive.
        self._keep(frame_idx, FrameMemory(memory.copy(), result.pointer))

    def pass_by(self, frame_idx: int, direction: int) -> None:
        """Take note that tracking came through a frame that it starts from."""
        if self.timeline.direction[frame_idx] != direction:
            self._store.set_direction(self.obj_id, frame_idx, direction)
            self.timeline.direction[frame_idx] = direction

    def result(self, frame_idx: int) -> FrameResult | None:
        """The current answer on a frame, of its prompt or of tracking; None without either."""
        answer = self.answers.get(frame_idx)
        if answer is not None or not self._has_result(frame_idx):
            return answer
        return self._store.get(self.obj_id, frame_idx, self._stored_kind(frame_idx))

    def mask_logits(self, frame_idx: int) -> FloatArray:
        """The current answer [h, w] with holes filled; -1024 everywhere without one."""
        result = self.result(frame_idx)
        if result is None:
            size = self._manifest.low_res_size
            return np.full((size, size), NO_OBJECT_LOGIT, np.float32)
        filled: FloatArray = self._tracker.filled(result.mask_logits[None])[0]
        return filled

    def select(self, frame_idx: int, *, reverse: bool) -> BankSelection:
        """The memories and pointers that tracking a frame attends to."""
        return select_from_bank(
            frame_idx,
            self.conditioning,
            self._has_result,
            num_frames=self._num_frames,
            reverse=reverse,
            manifest=self._manifest,
            memory_frames=self._tracker.model.memory_frames,
        )

    def gather(self, selection: BankSelection) -> BankContents:
        """Bring together the tensors of a selection."""
        tpos = self._tracker.model.constants.maskmem_tpos_enc
        pointers = [self._pointer(slot.frame_idx) for slot in selection.pointers]
        return BankContents(
            memory=np.stack([self._memory(slot.frame_idx) for slot in selection.spatial]),
            memory_tpos=tpos[[slot.slot for slot in selection.spatial]],
            pointers=np.stack(pointers)
            if pointers
            else np.zeros((0, self._manifest.hidden_dim), np.float32),
            pointer_tpos=self._tracker.encode_distances(selection.pointers, self._num_frames),
        )

    def _bank_of_correction(self, frame_idx: int) -> BankContents | None:
        direction = self.timeline.direction[frame_idx]
        if direction == 0 or not self.conditioning:
            return None
        return self.gather(self.select(frame_idx, reverse=bool(direction < 0)))

    def _has_result(self, frame_idx: int) -> bool:
        inside = 0 <= frame_idx < self._num_frames
        return inside and bool(self.timeline.has_result[frame_idx])

    def _mark_stale(self, frame_idx: int) -> None:
        """What was tracked away from ``frame_idx`` follows from a prompt that has changed."""
        timeline = self.timeline
        after = slice(frame_idx + 1, None)
        before = slice(0, frame_idx)
        timeline.stale[after] |= timeline.has_result[after] & (timeline.direction[after] > 0)
        timeline.stale[before] |= timeline.has_result[before] & (timeline.direction[before] < 0)
        timeline.stale[[*self.conditioning, *self.answers]] = False
        self._store.put_stale(self.obj_id, timeline.stale)

    def _drop_answer(self, frame_idx: int) -> None:
        if self.answers.pop(frame_idx, None) is not None:
            self._store.remove(self.obj_id, frame_idx, Kind.ANSWER)

    def _drop_prompted(self, frame_idx: int) -> None:
        self._store.remove(self.obj_id, frame_idx, Kind.CONDITIONING)
        self._prompted.discard(frame_idx)

    def _memory(self, frame_idx: int) -> FloatArray:
        known = self.conditioning.get(frame_idx) or self._memories.get(frame_idx)
        if known is None:
            result = self._stored(frame_idx, self._stored_kind(frame_idx))
            memory = self._tracker.remember(self._features[frame_idx], [result])[0]
            known = FrameMemory(memory, result.pointer)
            if frame_idx in self.conditioning:
                self.conditioning[frame_idx] = known
            else:
                self._keep(frame_idx, known)
        return known.memory

    def _pointer(self, frame_idx: int) -> FloatArray:
        known = self.conditioning.get(frame_idx)
        if known is not None:
            return known.pointer
        if frame_idx not in self._pointers:
            result = self._stored(frame_idx, self._stored_kind(frame_idx))
            self._keep_pointer(frame_idx, result.pointer)
        return self._pointers[frame_idx]

    def _stored_kind(self, frame_idx: int) -> Kind:
        return Kind.CONDITIONING if frame_idx in self._prompted else Kind.TRACKED

    def _stored(self, frame_idx: int, kind: Kind) -> FrameResult:
        result = self._store.get(self.obj_id, frame_idx, kind)
        if result is None:
            raise TrackingError(
                f"The stored result of object {self.obj_id} on frame {frame_idx} has gone. "
                "Track the object again from its first prompt."
            )
        return result

    def _keep(self, frame_idx: int, memory: FrameMemory) -> None:
        self._memories[frame_idx] = memory
        self._memories.move_to_end(frame_idx)
        if len(self._memories) > self._manifest.num_maskmem:
            self._memories.popitem(last=False)
        self._keep_pointer(frame_idx, memory.pointer)

    def _keep_pointer(self, frame_idx: int, pointer: FloatArray) -> None:
        self._pointers[frame_idx] = pointer
        self._pointers.move_to_end(frame_idx)
        if len(self._pointers) > 2 * self._manifest.max_obj_ptrs:
            self._pointers.popitem(last=False)
