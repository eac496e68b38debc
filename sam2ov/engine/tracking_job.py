"""Tracking a whole prompt file through a video: what the command line runs, and batches.

Every object is tracked from its own prompts: forwards from its first, backwards from its first or
last. Objects whose first prompts lie on different frames share the passes through the video, so a
frame is decoded and embedded once per direction.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

from sam2ov.engine.session import TrackedFrame, VideoSession
from sam2ov.errors import PromptError
from sam2ov.mask_files.prompt_file import ObjectPrompts, PromptFile, VideoFacts, to_prompt
from sam2ov.progress import CancelCheck, Progress, ProgressCallback
from sam2ov.values.prompts import MaskPrompt, Prompt

_TRACKING = "Tracking"

Direction = Literal["forward", "backward", "both"]
"""Forwards: from each object's first prompt to the end. Backwards: from its last prompt to the
beginning. Both: backwards from its first prompt, then forwards from there to the end, which gives
the object a mask on every frame."""


@dataclass(frozen=True)
class Segment:
    """A stretch of a pass on which the same objects are tracked.

    It runs from ``first`` to ``last``, both included; in reverse ``last`` is the smaller one.
    """

    first: int
    last: int
    reverse: bool
    obj_ids: tuple[int, ...]

    @property
    def num_frames(self) -> int:
        """How many frames it takes."""
        return abs(self.last - self.first) + 1


@dataclass(frozen=True)
class ObjectCounts:
    """What tracking found of an object, in frames.

    ``tracked`` have a result, prompted ones included; on ``absent`` of them the model says that
    the object is not to be seen.
    """

    obj_id: int
    prompted: int
    tracked: int
    absent: int


@dataclass(frozen=True)
class TrackingOutcome:
    """How tracking ended.

    ``completed`` is false after a cancellation; ``steps`` counts the frames gone through, those
    passed in both directions twice; ``seconds`` includes segmenting the prompts.
    """

    completed: bool
    steps: int
    seconds: float


def track_prompts(
    session: VideoSession,
    prompts: PromptFile,
    *,
    direction: Direction = "both",
    frames: range | None = None,
    progress: ProgressCallback | None = None,
    cancel: CancelCheck | None = None,
) -> TrackingOutcome:
    """Apply prompts to a session and track all their objects.

    All prompts of an object on a frame are applied in one go. Results stay in the session, also
    after a cancellation: nothing is rolled back.

    Args:
        session: of the video, without these objects yet.
        prompts: masks embedded.
        direction: see ``Direction``.
        frames: a range of consecutive frames to stay in; None for the whole video. Prompts
            outside it are remembered, but every object needs one inside.
        progress: told of every frame, in steps.
        cancel: asked before every frame.

    Raises:
        PromptError: a prompt does not fit the video or the range; nothing has been done then.
    """
    started = time.perf_counter()
    steps = tracking_steps(session, prompts, direction=direction, frames=frames)
    tracked, completed = 0, False
    while not completed and not (cancel is not None and cancel()):
        step = next(steps, None)
        if step is None:  # the rest of the objects have been removed meanwhile
            break
        if step.stage == _TRACKING:
            tracked, completed = step.done, step.done == step.total
        if progress is not None:
            progress(step)
    return TrackingOutcome(completed, tracked, time.perf_counter() - started)


def tracking_steps(
    session: VideoSession,
    prompts: PromptFile,
    *,
    direction: Direction = "both",
    frames: range | None = None,
) -> Iterator[Progress]:
    """The steps of ``track_prompts``, one by one: each is done when it is asked for.

    Args and errors are those of ``track_prompts``; errors come before the first step.

    Returns:
        An iterator over what has been done: first prompts that were segmented, then frames.
    """
    frames = range(session.num_frames) if frames is None else frames
    checked = check_prompts(session, prompts)
    segments = plan_segments(
        {target.id: [entry.frame for entry in target.prompts] for target in prompts.objects},
        frames,
        direction,
    )
    return _steps(session, checked, segments)


def check_prompts(
    session: VideoSession, prompts: PromptFile
) -> list[tuple[int, dict[int, Prompt]]]:
    """Every object's prompts by frame in the engine's form, without applying them.

    Raises:
        PromptError: a prompt lies outside the video or the picture, a mask has another size, or
            the file was made for another video.
    """
    if prompts.video is not None:
        _check_video(session, prompts.video)
    return [(target.id, _checked(session, target)) for target in prompts.objects]


def plan_segments(
    prompted: Mapping[int, Sequence[int]], frames: range, direction: Direction
) -> tuple[Segment, ...]:
    """Split the passes through ``frames`` where objects join.

    Args:
        prompted: the prompted frames of each object.
        frames: consecutive frames to stay in.
        direction: see ``Direction``.

    Raises:
        PromptError: an object is prompted on no frame of ``frames``.
    """
    inside = {i: sorted(f for f in prompted[i] if f in frames) for i in prompted}
    for obj_id, found in inside.items():
        if not found:
            where = ", ".join(map(str, sorted(prompted[obj_id])))
            raise PromptError(
                f"Object {obj_id} is prompted on frame {where} only, outside frames {frames[0]} "
                f"to {frames[-1]}. Prompt it inside them, or track more frames."
            )
    first = {obj_id: found[0] for obj_id, found in inside.items()}
    last = {obj_id: found[-1] for obj_id, found in inside.items()}
    if direction == "forward":
        return tuple(_forward(first, frames))
    if direction == "backward":
        # Objects prompted on the first frame alone have a mask there and nothing to go back to.
        alone = [
            Segment(f, f, reverse=False, obj_ids=(i,)) for i, f in last.items() if f == frames[0]
        ]
        return (*_backward(last, frames), *alone)
    return (*_backward(first, frames), *_forward(first, frames))


def count_frames(session: VideoSession, frames: range) -> tuple[ObjectCounts, ...]:
    """What is known about each object of a session on some frames."""
    counts = []
    for obj_id in session.obj_ids:
        timeline = session.timeline(obj_id)
        known = timeline.has_result[frames.start : frames.stop]
        seen = timeline.object_score[frames.start : frames.stop] > 0
        counts.append(
            ObjectCounts(
                obj_id=obj_id,
                prompted=sum(frame in frames for frame in session.prompts(obj_id)),
                tracked=int(np.count_nonzero(known)),
                absent=int(np.count_nonzero(known & ~seen)),
            )
        )
    return tuple(counts)


def _forward(joining: Mapping[int, int], frames: range) -> Iterator[Segment]:
    for start, following in pairwise([*sorted(set(joining.values())), frames[-1] + 1]):
        active = tuple(i for i, frame in joining.items() if frame <= start)
        yield Segment(start, following - 1, reverse=False, obj_ids=active)


def _backward(joining: Mapping[int, int], frames: range) -> Iterator[Segment]:
    # Those on the first frame have nothing to go back to; without them no segment starts there,
    # where going backwards means nothing (``VideoSession.propagate``).
    starts = sorted({frame for frame in joining.values() if frame > frames[0]}, reverse=True)
    for start, following in pairwise([*starts, frames[0] - 1]):
        active = tuple(i for i, frame in joining.items() if frame >= start)
        yield Segment(start, following + 1, reverse=True, obj_ids=active)


def _steps(
    session: VideoSession,
    checked: Sequence[tuple[int, Mapping[int, Prompt]]],
    segments: Sequence[Segment],
) -> Iterator[Progress]:
    total = sum(len(by_frame) for _, by_frame in checked)
    prompted = ((obj_id, *entry) for obj_id, by_frame in checked for entry in by_frame.items())
    for done, (obj_id, frame_idx, prompt) in enumerate(prompted, 1):
        if isinstance(prompt, MaskPrompt):
            session.add_mask(frame_idx, obj_id, prompt)
        else:
            session.add_points(frame_idx, obj_id, prompt)
        yield Progress("Segmenting prompts", done, total, "steps")
    total = sum(segment.num_frames for segment in segments)
    for done, _ in enumerate(_tracked_frames(session, segments), 1):
        yield Progress(_TRACKING, done, total, "steps")


def _tracked_frames(session: VideoSession, segments: Sequence[Segment]) -> Iterator[TrackedFrame]:
    for segment in segments:
        yield from session.propagate(
            segment.first,
            segment.num_frames - 1,
            reverse=segment.reverse,
            obj_ids=segment.obj_ids,
        )


def _checked(session: VideoSession, target: ObjectPrompts) -> dict[int, Prompt]:
    by_frame = {}
    for entry in target.prompts:
        if entry.frame >= session.num_frames:
            raise PromptError(
                f"Object {target.id} is prompted on frame {entry.frame}, but the video ends with "
                f"frame {session.num_frames - 1} (frames count from 0)."
            )
        try:
            by_frame[entry.frame] = to_prompt(entry, session.size_hw)
        except PromptError as error:
            raise PromptError(f"Object {target.id}: {error}") from error
    return by_frame


def _check_video(session: VideoSession, facts: VideoFacts) -> None:
    height, width = session.size_hw
    if (facts.num_frames, facts.width, facts.height) != (session.num_frames, width, height):
        raise PromptError(
            f"The prompts were made for {facts.file}, {facts.num_frames} frames of "
            f"{facts.width}×{facts.height}; this video has {session.num_frames} frames of "
            f'{width}×{height}. If it is the right one, delete "video" from the prompt file.'
        )
