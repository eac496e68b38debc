"""A session: one video, its objects, their prompts, and everything derived from them.

Prompts are the only truth; masks, pointers and memories follow from them. Memory does not grow
with the length of the video: frames are decoded on demand, features and memories live in small
caches (memories are encoded again when tracking resumes elsewhere), results are on disk, and the
timeline takes 25 bytes per object and frame. The video may grow meanwhile, as a camera's does
(``GrowingSource``): nothing here needs its length in advance.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt

from sam2ov.engine.cuts import AtCuts
from sam2ov.engine.features import FrameFeatures, FrameSource
from sam2ov.engine.frame_step import track_frame
from sam2ov.engine.tracked_object import TrackedObject
from sam2ov.engine.tracker import Tracker
from sam2ov.errors import PromptError, TrackingError
from sam2ov.locks import Rank, new_rlock
from sam2ov.store.cuts import CutStore
from sam2ov.store.journal import Journal
from sam2ov.store.results import FrameResult, ResultStore
from sam2ov.values.masks import FloatArray, mask_at, resize_logits, without_overlaps
from sam2ov.values.prompts import MaskPrompt, PointPrompt, Prompt, merge_prompts
from sam2ov.values.timeline import Timeline


@dataclass(frozen=True, eq=False)
class TrackedFrame:
    """What propagation found on a frame.

    Attributes:
        frame_idx: index of the frame.
        obj_ids: the N objects, in the order of their creation.
        mask_logits: float32 [N, h, w] at low resolution, holes filled.
    """

    frame_idx: int
    obj_ids: tuple[int, ...]
    mask_logits: FloatArray


class VideoSession:
    """Objects tracked through one video. Every public call is safe from any thread.

    Args:
        tracker: the model's per-frame logic; sessions share it.
        frames: the video; the session closes it.
        journal: where results are kept; a temporary one is closed with the session. None for a
            temporary one in the system's folder.
        holds_pictures: a frame with the picture of the one before takes over its masks, instead of
            being tracked as upstream does it, which finds slightly others.
        at_cuts: what is done where a scene ends; None looks for no scene cuts, as upstream does.

    Attributes:
        at_cuts: the same, for what is tracked from now on.
    """

    def __init__(
        self,
        tracker: Tracker,
        frames: FrameSource,
        journal: Journal | None = None,
        *,
        holds_pictures: bool = False,
        at_cuts: AtCuts | None = None,
    ) -> None:
        self.size_hw = frames.size_hw
        self._tracker = tracker
        self._frames = frames
        self._objects: dict[int, TrackedObject] = {}
        self._features = FrameFeatures(
            tracker.model,
            frames,
            holds_pictures=holds_pictures,
            finds_cuts=at_cuts is not None,
        )
        self.at_cuts = at_cuts
        self._journal = Journal.temporary() if journal is None else journal
        self._cuts = CutStore(self._journal)
        self._store = ResultStore(self._journal, tracker.manifest.low_res_size)
        # Held for one frame at a time, so that a click never waits for a whole propagation.
        self._lock = new_rlock(Rank.SESSION)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release the video and the stored results; a temporary journal is deleted."""
        with self._lock:
            self._features.close()
            self._objects.clear()
            if self._journal.is_temporary:
                self._journal.close()
            self._frames.close()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Have whoever reads answers wait: the journal moves, and ``load`` has yet to follow it."""
        with self._lock:
            yield

    def load(self, obj_id: int, prompts: Mapping[int, Prompt]) -> None:
        """Take up what the journal knows of an object: after undo, or of an earlier session.

        Args:
            obj_id: the object.
            prompts: by frame; none: the object is not known (any more).

        Raises:
            ProjectError: a stored result is damaged, or of another model.
        """
        with self._lock:
            if not prompts:
                self._objects.pop(obj_id, None)
                return
            target = self._objects.get(obj_id) or self._new_object(obj_id)
            target.load(prompts)
            self._objects[obj_id] = target

    @property
    def num_frames(self) -> int:
        """Length of the video; of one that grows, the frames that have come."""
        return self._frames.num_frames

    @property
    def cuts(self) -> tuple[int, ...]:
        """The frames that are known to begin another scene, ascending."""
        return self._cuts.frames

    @property
    def obj_ids(self) -> tuple[int, ...]:
        """The objects, in the order of their creation."""
        return tuple(self._objects)

    def prompts(self, obj_id: int) -> dict[int, Prompt]:
        """The prompts of an object by frame (a copy)."""
        with self._lock:
            return dict(self._object(obj_id).prompts)

    def timeline(self, obj_id: int) -> Timeline:
        """What is known about an object on each frame (a live view, not to be written to)."""
        with self._lock:
            timeline = self._object(obj_id).timeline
            timeline.grow(self.num_frames)
            return timeline

    def read_frame(self, frame_idx: int) -> npt.NDArray[np.uint8]:
        """A frame of the video, uint8 RGB [H, W, 3]."""
        self._check_frame(frame_idx)
        return self._frames.read(frame_idx)

    def prepare_frame(self, frame_idx: int, obj_id: int | None = None) -> None:
        """Embed a frame ahead of the first click on it.

        Args:
            frame_idx: index of the frame.
            obj_id: the object that the click is expected for: what it remembers is attended to.
        """
        self._check_frame(frame_idx)
        with self._lock:
            self._features[frame_idx]
            for other in self._objects.values():
                if other.obj_id == obj_id:
                    other.prepare(frame_idx)
                else:
                    other.drop_prepared()

    def add_points(
        self, frame_idx: int, obj_id: int, prompt: PointPrompt, *, clear_old_points: bool = True
    ) -> None:
        """Add clicks or a box to a frame and segment the object there.

        Args:
            frame_idx: index of the frame.
            obj_id: a new id makes a new object.
            prompt: in video pixels.
            clear_old_points: replace the frame's earlier points instead of adding to them. The
                earlier answer is fed back to the decoder either way.
        """
        with self._lock:
            if not clear_old_points:
                prompt = self._with_earlier(frame_idx, obj_id, prompt)
            self._answer(frame_idx, obj_id, prompt)

    def preview_points(self, frame_idx: int, obj_id: int, prompt: PointPrompt) -> FloatArray | None:
        """What would be answered to points that are added to a frame, and nothing changes.

        Args:
            frame_idx: index of the frame.
            obj_id: the object, one that is not known yet likewise.
            prompt: in video pixels.

        Returns:
            float32 [h, w] at low resolution, holes filled; None where it would take more than the
            mask decoder: see ``prepare_frame``.
        """
        self._check_frame(frame_idx)
        with self._lock:
            target = self._objects.get(obj_id) or self._new_object(obj_id)
            prompt = self._with_earlier(frame_idx, obj_id, prompt)
            return target.preview(frame_idx, prompt, self.size_hw)

    def add_mask(self, frame_idx: int, obj_id: int, prompt: MaskPrompt) -> None:
        """Give an object's mask on a frame; it is the answer itself."""
        with self._lock:
            self._answer(frame_idx, obj_id, prompt)

    def replay(self, frame_idx: int, obj_id: int, prompts: Sequence[Prompt]) -> None:
        """Forget what was said about an object on a frame, then answer ``prompts`` one by one.

        This is how a prompt is undone: answers depend on the answers before them, so one cannot
        just be taken away. Points add to the points before them, a mask replaces them. Without
        prompts, the frame is as if it had never been prompted; what was tracked there comes back.
        """
        self._check_frame(frame_idx)
        with self._lock:
            if obj_id in self._objects:
                self._objects[obj_id].forget_frame(frame_idx)
            for count in range(1, len(prompts) + 1):
                self._answer(frame_idx, obj_id, merge_prompts(prompts[:count]))

    def clear_frame(self, frame_idx: int, obj_id: int) -> None:
        """Remove an object's prompts from a frame; a mask found there stays as a tracked one."""
        self._check_frame(frame_idx)
        with self._lock:
            self._object(obj_id).clear_frame(frame_idx)

    def remove_object(self, obj_id: int) -> None:
        """Remove an object with its prompts and results; the others keep theirs."""
        with self._lock:
            self._object(obj_id)
            del self._objects[obj_id]
            self._store.remove_object(obj_id)

    def forget(self, obj_id: int) -> None:
        """Remove what the journal holds of an object, whether it was loaded or not."""
        with self._lock:
            self._objects.pop(obj_id, None)
            self._store.remove_object(obj_id)

    def reset(self) -> None:
        """Remove all objects."""
        with self._lock:
            for obj_id in self._objects:
                self._store.remove_object(obj_id)
            self._objects.clear()

    def mask_logits(self, frame_idx: int, obj_ids: Sequence[int] | None = None) -> FloatArray:
        """The objects' current answers on a frame, float32 [N, h, w] at low resolution.

        An object without an answer there is -1024 everywhere. Holes are filled.
        """
        self._check_frame(frame_idx)
        with self._lock:
            objects = self._selected(obj_ids)
            size = self._tracker.manifest.low_res_size
            return np.array([target.mask_logits(frame_idx) for target in objects]).reshape(
                len(objects), size, size
            )

    def logits_at(
        self, frame_idx: int, size_hw: tuple[int, int], obj_ids: Sequence[int] | None = None
    ) -> FloatArray:
        """The objects' current answers on a frame, float32 [N, H, W] at a size.

        A mask that was given is shown as it is, not as the model's coarser grid remembers it.
        """
        with self._lock:
            logits = resize_logits(self.mask_logits(frame_idx, obj_ids), size_hw)
            for index, target in enumerate(self._selected(obj_ids)):
                prompt = target.prompts.get(frame_idx)
                if isinstance(prompt, MaskPrompt):
                    logits[index] = mask_at(prompt.mask, size_hw)
        return logits

    def result(self, frame_idx: int, obj_id: int) -> FrameResult | None:
        """An object's current answer on a frame, or None."""
        self._check_frame(frame_idx)
        with self._lock:
            return self._object(obj_id).result(frame_idx)

    def to_video_size(
        self, mask_logits: FloatArray, *, non_overlapping: bool = False
    ) -> FloatArray:
        """Bring low-resolution logits [N, h, w] to the size of the video [N, H, W]."""
        resized = resize_logits(mask_logits, self.size_hw)
        return without_overlaps(resized) if non_overlapping else resized

    def commit(self, obj_ids: Sequence[int] | None = None) -> int:
        """Put prompts that were answered since the last time into the objects' memory.

        Args:
            obj_ids: the objects; None takes all.

        Returns:
            The earliest of the frames that they are prompted on.

        Raises:
            TrackingError: there is no object, or one has no prompts.
        """
        with self._lock:
            targets = self._selected(obj_ids)
            if not targets:
                raise TrackingError("nothing to track: add points, a box or a mask first.")
            for target in targets:
                target.commit()
            return min(frame for target in targets for frame in target.conditioning)

    def propagate(
        self,
        start_frame_idx: int | None = None,
        max_frame_num_to_track: int | None = None,
        *,
        reverse: bool = False,
        obj_ids: Sequence[int] | None = None,
    ) -> Iterator[TrackedFrame]:
        """Track objects from their prompts through the video, frame by frame.

        Args:
            start_frame_idx: included; None starts at the earliest prompted frame.
            max_frame_num_to_track: frames beyond the start; None goes to the end, and in a video
                that grows to the last frame that has come when it is asked for.
            reverse: go back in time.
            obj_ids: the objects to track; None takes all.

        Yields:
            One item per frame, up to the end or, by choice, to a scene cut. Prompted frames come as
            prompted. Stopping early keeps what was
            tracked; an object removed meanwhile drops out.

        Raises:
            TrackingError: there is no object, or one has no prompts.
        """
        if start_frame_idx is not None:
            self._check_frame(start_frame_idx)
        with self._lock:
            first = self.commit(obj_ids)
            targets = self._selected(obj_ids)
        start = first if start_frame_idx is None else start_frame_idx
        step = -1 if reverse else 1
        last = None if max_frame_num_to_track is None else start + step * max_frame_num_to_track
        for frame_idx in count(start, step):
            if not 0 <= frame_idx < self.num_frames:
                return
            with self._lock:
                targets = [t for t in targets if self._objects.get(t.obj_id) is t]
                if not targets:
                    return
                self._features[frame_idx]  # embedded, and looked at for cuts
                is_cut = frame_idx != start and self._note_cut(frame_idx, step)
                if is_cut and self.at_cuts == "stop":
                    return
                if frame_idx != last and 0 <= frame_idx + step < self.num_frames:
                    self._features.look_ahead(frame_idx + step)
                logits = track_frame(
                    self._tracker,
                    self._features,
                    frame_idx,
                    targets,
                    reverse=reverse,
                    searches=self.at_cuts == "search",
                    is_cut=is_cut,
                )
                tracked = TrackedFrame(frame_idx, tuple(t.obj_id for t in targets), logits)
            yield tracked
            if frame_idx == last:
                return

    def _check_frame(self, frame_idx: int) -> None:
        if not 0 <= frame_idx < self.num_frames:
            raise PromptError(
                f"frame {frame_idx} is outside the video: it has frames 0 to {self.num_frames - 1}."
            )

    def _object(self, obj_id: int) -> TrackedObject:
        try:
            return self._objects[obj_id]
        except KeyError:
            raise PromptError(
                f"there is no object {obj_id}; existing objects: {list(self._objects)}."
            ) from None

    def _selected(self, obj_ids: Sequence[int] | None) -> list[TrackedObject]:
        return [self._object(i) for i in (self._objects if obj_ids is None else obj_ids)]

    def _with_earlier(self, frame_idx: int, obj_id: int, prompt: PointPrompt) -> PointPrompt:
        known = self._objects.get(obj_id)
        earlier = None if known is None else known.prompts.get(frame_idx)
        return earlier + prompt if isinstance(earlier, PointPrompt) else prompt

    def _answer(self, frame_idx: int, obj_id: int, prompt: Prompt) -> None:
        self._check_frame(frame_idx)
        target = self._objects.get(obj_id) or self._new_object(obj_id)
        target.answer(frame_idx, prompt, self.size_hw)
        self._objects[obj_id] = target

    def _new_object(self, obj_id: int) -> TrackedObject:
        most = self._tracker.most_objects
        if len(self._objects) >= most:
            raise PromptError(
                f"{most} objects are tracked together already, as many as fit into memory with "
                "this model. Remove one, or track the others for themselves."
            )
        return TrackedObject(obj_id, self._tracker, self._features, self._store)

    def _note_cut(self, frame_idx: int, step: int) -> bool:
        """Whether a scene ends before a frame, in the direction of tracking; it is kept."""
        if not self._features.is_cut(frame_idx, step):
            return False
        self._cuts.add(max(frame_idx, frame_idx - step))
        return True
