"""One object of a session: its prompts, its answers to them, and what is known of its frames."""

from collections import OrderedDict
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Literal

from sam2ov.engine.bank import FrameMemory, MemoryBank
from sam2ov.engine.features import FrameFeatures
from sam2ov.engine.policy import BankSelection, ObjectFrames
from sam2ov.engine.tracker import BankContents, Segmentation, Tracker
from sam2ov.errors import TrackingError
from sam2ov.store.results import FrameResult, Kind, ResultStore
from sam2ov.values.masks import BoolArray, FloatArray, no_object
from sam2ov.values.prompts import MaskPrompt, PointPrompt, Prompt
from sam2ov.values.timeline import Timeline

_EXACT_ANSWERS = 8
"""So many new answers are encoded into memory as the decoder gave them; of more, the others are
read from the store, which rounds their logits to half precision."""


class TrackedObject:
    """State of one object; the session's lock guards it.

    Answers are segmented prompts whose memory is not encoded yet; ``commit`` makes their frames
    ``conditioning`` ones when tracking starts (upstream: ``temp_output_dict_per_obj``). Results are
    in the store, memories in the bank: what is held here per prompt is its frame's number.

    Args:
        obj_id: the caller's number for it.
        tracker: the model's per-frame logic.
        features: of the session's video.
        store: of the session's results.

    Attributes:
        timeline: what is known on each frame.
        prompts: by frame.
        conditioning: the frames whose prompts are committed, in the order of prompting.
    """

    def __init__(
        self, obj_id: int, tracker: Tracker, features: FrameFeatures, store: ResultStore
    ) -> None:
        self.obj_id = obj_id
        self.timeline = Timeline.empty(features.num_frames)
        self.prompts: dict[int, Prompt] = {}
        self.conditioning: dict[int, None] = {}  # an ordered set
        self._tracker = tracker
        self._features = features
        self._store = store
        self._bank = MemoryBank(tracker, features, self._committed)
        self._answered: dict[int, None] = {}  # an ordered set
        self._exact: OrderedDict[int, FrameResult] = OrderedDict()
        self._prompted: set[int] = set()  # frames whose current result came from a prompt
        # A frame as it is seen with the present memories: what a correction there begins with.
        self._attended: tuple[int, FloatArray] | None = None

    def load(self, prompts: Mapping[int, Prompt]) -> None:
        """Take up what the store knows of this object, in place of what is known here.

        Args:
            prompts: by frame; those that the stored results answer.
        """
        found = self._store.timeline(self.obj_id, self._features.num_frames, prompts)
        self.timeline = found.timeline
        self.prompts = dict(prompts)
        self.conditioning = {frame: None for frame in found.conditioning if frame in prompts}
        self._bank.clear()
        self._answered = dict.fromkeys(found.answered)
        self._exact.clear()
        self._prompted = set(found.conditioning)
        self._attended = None

    def answer(self, frame_idx: int, prompt: Prompt, size_hw: tuple[int, int]) -> None:
        """Segment the object on a frame from its prompt.

        The frame's earlier answer is fed back with new clicks. On a frame that was tracked, the
        memories are attended to as well (sam2_video_predictor.py, ``add_new_points_or_box``).
        """
        result = self._segmented(frame_idx, prompt, size_hw)
        self._attended = None
        self._store.put(self.obj_id, frame_idx, Kind.ANSWER, result)
        self.prompts[frame_idx] = prompt
        self._answered[frame_idx] = None
        self._exact[frame_idx] = result
        if len(self._exact) > _EXACT_ANSWERS:
            self._exact.popitem(last=False)
        self._mark_stale(frame_idx)

    def preview(
        self, frame_idx: int, prompt: Prompt, size_hw: tuple[int, int]
    ) -> FloatArray | None:
        """What ``answer`` would show, [h, w], without anything being changed.

        None where the frame is not prepared: it would take more than the mask decoder.
        """
        if frame_idx not in self._features or not self._is_attended(frame_idx):
            return None
        result = self._segmented(frame_idx, prompt, size_hw)
        filled: FloatArray = self._tracker.filled(result.mask_logits[None])[0]
        return filled

    def prepare(self, frame_idx: int) -> None:
        """Embed a frame, with what is remembered, ahead of the first prompt on it."""
        self._correction(frame_idx)

    def drop_prepared(self) -> None:
        """Another object is the one that prompts are expected for."""
        self._attended = None

    def clear_frame(self, frame_idx: int) -> None:
        """Remove the prompt of a frame; a mask found there stays as a tracked one."""
        self._attended = None
        self.prompts.pop(frame_idx, None)
        self._drop_answer(frame_idx)
        if frame_idx in self.conditioning:
            # No longer a conditioning frame, but still a neighbour of others
            # (sam2_video_predictor.py, clear_all_prompts_in_frame).
            del self.conditioning[frame_idx]
            self._store.set_direction(self.obj_id, frame_idx, 0)
            self.timeline.direction[frame_idx] = 0
        self._mark_stale(frame_idx)

    def forget_frame(self, frame_idx: int) -> None:
        """Make a frame as if never prompted; what was tracked there before comes back."""
        self._attended = None
        self.prompts.pop(frame_idx, None)
        self._drop_answer(frame_idx)
        self.conditioning.pop(frame_idx, None)
        if frame_idx in self._prompted:
            self._drop_prompted(frame_idx)
            self._bank.forget(frame_idx)
            self.timeline.forget(frame_idx)
            tracked = self._store.get(self.obj_id, frame_idx, Kind.TRACKED)
            if tracked is not None:
                self.timeline.record(frame_idx, tracked.facts)
                self.timeline.stale[frame_idx] = True
            else:
                self.timeline.direction[frame_idx] = 0
        self._mark_stale(frame_idx)

    def is_lost(self, result: FrameResult, before: int, *, is_cut: bool) -> bool:
        """Whether an object that was in the scene before a cut has not been found since.

        Args:
            result: what was found on a frame.
            before: the frame that was tracked before it.
            is_cut: a scene begins between the two.
        """
        was_lost = self._frames.has_result(before) and bool(self.timeline.lost[before])
        return (is_cut or was_lost) and not (result.mask_logits > 0).any()

    def commit(self) -> None:
        """Put newly prompted frames into the bank (``propagate_in_video_preflight``).

        Raises:
            TrackingError: the object has no prompts.
        """
        self._attended = None
        for frame_idx in list(self._answered):
            self.timeline.record(frame_idx, self._store.commit_answer(self.obj_id, frame_idx))
            self._prompted.add(frame_idx)
            self.conditioning[frame_idx] = None
            self._bank.forget(frame_idx)
            answer = self._exact.pop(frame_idx, None)
            if answer is not None:  # what the store rounds need not be rounded now
                memory = self._tracker.remember(self._features[frame_idx], [answer])[0]
                self._bank.keep(frame_idx, FrameMemory(memory, answer.pointer))
            del self._answered[frame_idx]
        if not self.conditioning:
            raise TrackingError(
                f"object {self.obj_id} has no prompts: add points, a box or a mask to a frame "
                "first, or remove the object."
            )

    def add_tracked(
        self,
        frame_idx: int,
        found: Segmentation,
        memory: FloatArray,
        direction: int,
        *,
        is_lost: bool = False,
    ) -> None:
        """Take in what tracking found on a frame; ``memory`` is [T, M].

        ``is_lost`` says that it has no place in memory: since a scene cut the object was not found.
        """
        self._attended = None
        if frame_idx in self._prompted:  # its prompt was cleared
            self._drop_prompted(frame_idx)
        result = found.result
        facts = self._store.put(self.obj_id, frame_idx, Kind.TRACKED, result, direction)
        self.timeline.record(frame_idx, facts)
        self.timeline.direction[frame_idx] = direction
        # A copy: a row of a batch would keep the other objects' memories alive.
        self._bank.keep(frame_idx, FrameMemory(memory.copy(), result.pointer))
        is_kept = self._bank.remembers(frame_idx, found.candidates, self._frames)
        self._mark("kept", frame_idx, is_kept)
        self._mark("lost", frame_idx, is_lost)

    def repeat(self, frame_idx: int, earlier: int, direction: int) -> bool:
        """Take over the answer of a frame that shows the same picture; tells whether it has one."""
        self._attended = None
        timeline = self._frames.timeline
        is_known = self._frames.has_result(earlier) and not timeline.stale[earlier]
        # A given mask is finer than what tracking has of it.
        if not is_known or isinstance(self.prompts.get(earlier), MaskPrompt):
            return False
        if frame_idx in self._prompted:
            self._drop_prompted(frame_idx)
        result = replace(self._committed(earlier), prompted=False)
        facts = self._store.put(self.obj_id, frame_idx, Kind.TRACKED, result, direction)
        timeline.record(frame_idx, facts)
        timeline.direction[frame_idx] = direction
        if earlier in self._prompted:  # which is remembered in another way than what was tracked
            memory = self._tracker.remember(self._features[frame_idx], [result])[0]
            self._bank.keep(frame_idx, FrameMemory(memory, result.pointer))
        else:
            self._bank.repeat(frame_idx, earlier)
        self._mark("kept", frame_idx, False)
        self._mark("lost", frame_idx, bool(timeline.lost[earlier]))
        return True

    def pass_by(self, frame_idx: int, direction: int) -> None:
        """Take note that tracking came through a frame that it starts from."""
        self._attended = None
        if self.timeline.direction[frame_idx] != direction:
            self._store.set_direction(self.obj_id, frame_idx, direction)
            self.timeline.direction[frame_idx] = direction

    @property
    def remembered(self) -> set[int]:
        """The frames of which the bank holds something, and those that are yet to go there."""
        return self._bank.frames | set(self._answered)

    def renumber(self, places: Mapping[int, int], prompted: Collection[int]) -> None:
        """Keep the frames that are in ``places`` alone, under the numbers that it has for them.

        Args:
            places: by frame; where one frame came before another it does so still.
            prompted: the conditioning frames that are still such.
        """
        self.timeline = self._frames.timeline.renumbered(places)
        self.prompts = {
            places[frame]: prompt
            for frame, prompt in self.prompts.items()
            if frame in prompted or frame in self._answered
        }
        self.conditioning = {
            places[frame]: None for frame in self.conditioning if frame in prompted
        }
        self._prompted = {places[frame] for frame in self._prompted if frame in places}
        self._answered = {places[frame]: None for frame in self._answered}
        self._exact = OrderedDict((places[frame], answer) for frame, answer in self._exact.items())
        self._bank.renumber(places)
        self._store.renumber(self.obj_id, places)
        self._store.put_marks(self.obj_id, "stale", self.timeline.stale)
        self._store.put_marks(self.obj_id, "kept", self.timeline.kept)
        self._store.put_marks(self.obj_id, "lost", self.timeline.lost)

    def result(self, frame_idx: int) -> FrameResult | None:
        """The current answer on a frame, of its prompt or of tracking; None without either."""
        if frame_idx in self._answered:
            return self._exact.get(frame_idx) or self._stored(frame_idx, Kind.ANSWER)
        if not self._frames.has_result(frame_idx):
            return None
        return self._store.get(self.obj_id, frame_idx, self._stored_kind(frame_idx))

    def mask_logits(self, frame_idx: int) -> FloatArray:
        """The current answer [h, w] with holes filled; -1024 everywhere without one."""
        result = self.result(frame_idx)
        if result is None:
            size = self._tracker.manifest.low_res_size
            return no_object((size, size))
        filled: FloatArray = self._tracker.filled(result.mask_logits[None])[0]
        return filled

    def select(self, frame_idx: int, *, reverse: bool) -> BankSelection:
        """The memories and pointers that tracking a frame attends to."""
        return self._bank.select(frame_idx, self._frames, reverse=reverse)

    def gather(self, selection: BankSelection) -> BankContents:
        """Bring together the tensors of a selection."""
        return self._bank.gather(selection, self._frames)

    @property
    def _frames(self) -> ObjectFrames:
        self.timeline.grow(self._features.num_frames)
        return ObjectFrames(self.conditioning, self.timeline, self._features.length)

    def _has_answer(self, frame_idx: int) -> bool:
        return frame_idx in self._answered or self._frames.has_result(frame_idx)

    def _segmented(self, frame_idx: int, prompt: Prompt, size_hw: tuple[int, int]) -> FrameResult:
        features = self._features[frame_idx]
        if not isinstance(prompt, PointPrompt):
            return self._tracker.segment_mask(features, prompt)
        return self._tracker.segment_points(
            features,
            prompt,
            size_hw,
            feedback=self.mask_logits(frame_idx) if self._has_answer(frame_idx) else None,
            attended=self._correction(frame_idx),
        )

    def _attends(self, frame_idx: int) -> bool:
        """Whether prompts on a frame correct what was tracked there."""
        return bool(self.conditioning and self._frames.timeline.direction[frame_idx])

    def _is_attended(self, frame_idx: int) -> bool:
        known = self._attended is not None and self._attended[0] == frame_idx
        return known or not self._attends(frame_idx)

    def _correction(self, frame_idx: int) -> FloatArray | None:
        """What a correction of a frame begins with, [1, C, h, w]; None where it was not tracked."""
        features = self._features[frame_idx]
        if not self._attends(frame_idx):
            return None
        if self._attended is None or self._attended[0] != frame_idx:
            reverse = bool(self._frames.timeline.direction[frame_idx] < 0)
            bank = self.gather(self.select(frame_idx, reverse=reverse))
            self._attended = frame_idx, self._tracker.attend(features, [bank])
        return self._attended[1]

    def _mark_stale(self, frame_idx: int) -> None:
        """What was tracked away from ``frame_idx`` follows from a prompt that has changed."""
        timeline = self._frames.timeline
        after = slice(frame_idx + 1, None)
        before = slice(0, frame_idx)
        timeline.stale[after] |= timeline.has_result[after] & (timeline.direction[after] > 0)
        timeline.stale[before] |= timeline.has_result[before] & (timeline.direction[before] < 0)
        timeline.stale[[*self.conditioning, *self._answered]] = False
        self._store.put_marks(self.obj_id, "stale", timeline.stale)

    def _mark(self, mark: Literal["kept", "lost"], frame_idx: int, value: bool) -> None:
        flags: BoolArray = getattr(self.timeline, mark)
        if flags[frame_idx] != value:
            flags[frame_idx] = value
            self._store.put_marks(self.obj_id, mark, flags)

    def _drop_answer(self, frame_idx: int) -> None:
        self._exact.pop(frame_idx, None)
        if frame_idx in self._answered:
            del self._answered[frame_idx]
            self._store.remove(self.obj_id, frame_idx, Kind.ANSWER)

    def _drop_prompted(self, frame_idx: int) -> None:
        self._store.remove(self.obj_id, frame_idx, Kind.CONDITIONING)
        self._prompted.discard(frame_idx)

    def _stored_kind(self, frame_idx: int) -> Kind:
        return Kind.CONDITIONING if frame_idx in self._prompted else Kind.TRACKED

    def _committed(self, frame_idx: int) -> FrameResult:
        """The stored result that others may attend to: of a committed prompt, or of tracking."""
        return self._stored(frame_idx, self._stored_kind(frame_idx))

    def _stored(self, frame_idx: int, kind: Kind) -> FrameResult:
        result = self._store.get(self.obj_id, frame_idx, kind)
        if result is None:
            raise TrackingError(
                f"The stored result of object {self.obj_id} on frame {frame_idx} has gone. "
                "Track the object again from its first prompt."
            )
        return result
