"""Tracking objects that begin while it goes on: where a detector finds what no object covers."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from sam2ov.engine.plan import Direction, Segment, ToTrack, plan_tracking, track_segments
from sam2ov.engine.session import TrackedFrame, VideoSession
from sam2ov.errors import PromptError
from sam2ov.jobs.detected import Seen, beginnings, prompt_of
from sam2ov.mask_files.detections import Detection
from sam2ov.mask_files.prompt_file import ObjectPrompts, to_prompt
from sam2ov.values.masks import box_of
from sam2ov.values.prompts import MaskPrompt, Prompt


class DetectedObjects:
    """The objects of a clip, to which detections add.

    Args:
        found: by a detector.
        targets: objects that are known; others are appended.
        prompts: theirs, by number and frame; likewise.
        frames: to be tracked.
        direction: forward, or both: backwards from where objects began, too.

    Attributes:
        confirmed: by object, on how many frames it was found again.
        left_out: detections that would have begun more objects than fit together.

    Raises:
        PromptError: no detection is on one of the frames.
    """

    def __init__(
        self,
        found: Sequence[Detection],
        targets: list[ObjectPrompts],
        prompts: dict[int, dict[int, Prompt]],
        frames: range,
        direction: Direction,
    ) -> None:
        self.confirmed: Counter[int] = Counter()
        self.left_out = 0
        self._targets, self._prompts = targets, prompts
        self._frames, self._direction = frames, direction
        self._found: dict[int, list[Detection]] = {}
        for detection in found:
            if detection.frame in frames:
                self._found.setdefault(detection.frame, []).append(detection)
        if not self._found:
            raise PromptError(
                f"All {len(found)} detections are outside frames {frames[0]} to {frames[-1]}. "
                "Track others, or look at how the detector counts frames."
            )

    @property
    def total_frames(self) -> int:
        """How many frames will be gone through, as far as that is known."""
        backwards = sum(len(segment.frames) for segment in self._backwards())
        return self._frames.stop - self._joints()[0] - 1 + backwards  # the first one is prompted

    def track(self, session: VideoSession, most: int) -> Iterator[TrackedFrame]:
        """Track forwards, beginning objects where they are found; then backwards from there.

        Args:
            session: in which the objects that are known have been prompted.
            most: objects.
        """
        yield from track_segments(session, self._forwards(session, most))
        yield from track_segments(session, self._backwards())

    def _forwards(self, session: VideoSession, most: int) -> Iterator[Segment]:
        """Stretches from joint to joint; what begins at one is tracked from there on."""
        upcoming = self._frames.start
        for joint in (*self._joints(), None):
            stop = self._frames.stop if joint is None else joint + 1
            active = tuple(i for i, by_frame in self._prompts.items() if min(by_frame) < upcoming)
            if active and upcoming < stop:
                yield Segment(range(upcoming, stop), active)
            upcoming = stop
            if joint is not None:
                self._begin(session, joint, most)

    def _joints(self) -> list[int]:
        """The frames on which objects begin, or may; at least one."""
        prompted = (min(by_frame) for by_frame in self._prompts.values())
        return sorted({*self._found, *(frame for frame in prompted if frame in self._frames)})

    def _begin(self, session: VideoSession, frame_idx: int, most: int) -> None:
        """Compare what was found on a frame with what is tracked there; what is new begins."""
        seen = {}
        for target in self._targets:
            logits = session.logits_at(frame_idx, session.size_hw, [target.id])
            if (box := box_of(logits[0] > 0)) is not None:
                seen[target.id] = Seen(target.name, box)
        new, confirmed = beginnings(self._found.get(frame_idx, []), seen)
        self.confirmed.update(confirmed.keys())
        for detection in new:
            if len(self._targets) >= most:
                self.left_out += 1
                continue
            obj_id = max((target.id for target in self._targets), default=0) + 1
            entry = prompt_of(detection)
            prompt = to_prompt(entry, session.size_hw)
            if isinstance(prompt, MaskPrompt):
                session.add_mask(frame_idx, obj_id, prompt)
            else:
                session.add_points(frame_idx, obj_id, prompt)
            self._targets.append(ObjectPrompts(id=obj_id, name=detection.label, prompts=(entry,)))
            self._prompts[obj_id] = {frame_idx: prompt}

    def _backwards(self) -> list[Segment]:
        if self._direction != "both":
            return []
        planned = plan_objects(self._prompts, self._frames, "both")
        return [segment for segment in planned if segment.frames.step < 0]


def plan_objects(
    prompts: Mapping[int, Mapping[int, Prompt]], frames: range, direction: Direction
) -> tuple[Segment, ...]:
    """What of a clip's objects is tracked together.

    Args:
        prompts: by object and frame.
        frames: to be tracked.
        direction: from the prompts.

    Raises:
        PromptError: an object is prompted outside the frames only.
    """
    objects = {}
    for obj_id, by_frame in prompts.items():
        inside = sorted(frame for frame in by_frame if frame in frames)
        if not inside:
            where = ", ".join(map(str, sorted(by_frame)))
            raise PromptError(
                f"Object {obj_id} is prompted on frame {where} only, outside frames "
                f"{frames[0]} to {frames[-1]}. Prompt it inside them, or track more frames."
            )
        objects[obj_id] = ToTrack(inside, frames)
    return plan_tracking(objects, direction)
