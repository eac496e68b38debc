"""Planning and running: which frames of which objects are tracked together, and in which order.

Objects whose tracking starts on different frames share the passes through the video, so that a
frame is decoded and embedded once per direction.
"""

from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from sam2ov.engine.session import TrackedFrame, VideoSession

Direction = Literal["forward", "backward", "both"]
"""Where an object is tracked from the prompted frame that it starts at. Both: forwards from there,
then backwards from there, which gives it a mask on every frame."""


@dataclass(frozen=True)
class ToTrack:
    """What is to be tracked of an object.

    Attributes:
        prompted: the frames that it is prompted on, ascending; at least one.
        wanted: the frames that it is to have a mask on, ascending.
    """

    prompted: Sequence[int]
    wanted: Sequence[int]


@dataclass(frozen=True)
class Segment:
    """A stretch of a pass on which the same objects are tracked.

    Attributes:
        frames: in the order of tracking, one by one; descending where it goes back in time.
        obj_ids: the objects.
    """

    frames: range
    obj_ids: tuple[int, ...]


def plan_tracking(
    objects: Mapping[int, ToTrack], direction: Direction, frame_idx: int | None = None
) -> tuple[Segment, ...]:
    """Split the passes through the video where objects join and leave.

    An object starts at its prompted frame nearest to ``frame_idx``: forwards at one that is not
    ahead if there is any, backwards at one that is not behind; both directions start at the same
    one, the former. Everything from there to the last frame that is wanted is tracked.

    Args:
        objects: what is to be tracked of each.
        direction: see ``Direction``.
        frame_idx: where the user is; None: forwards and in both directions objects start at their
            first prompted frame, backwards at their last.
    """
    forward: dict[int, range] = {}
    backward: dict[int, range] = {}
    for obj_id, target in objects.items():
        prompted, wanted = target.prompted, target.wanted
        behind, ahead = prompted[0], prompted[-1]
        if frame_idx is not None:
            behind = max((f for f in prompted if f <= frame_idx), default=behind)
            ahead = min((f for f in prompted if f >= frame_idx), default=ahead)
        later = [f for f in wanted if f >= behind]
        earlier = [f for f in wanted if (f < behind if direction == "both" else f <= ahead)]
        if later and direction != "backward":
            forward[obj_id] = range(later[0], later[-1] + 1)
        if earlier and direction != "forward":
            backward[obj_id] = range(earlier[-1], earlier[0] - 1, -1)
    return (*_split(forward), *_split(backward))


def track_segments(
    session: VideoSession, segments: Iterable[Segment]
) -> Generator[TrackedFrame, None, None]:
    """Track along segments, each asked for when it begins; removed objects are left out.

    Those that a scene cut has stopped, by choice of the session, go no farther in that direction.
    """
    stopped: dict[int, set[int]] = {1: set(), -1: set()}
    for segment in segments:
        frames, gone = segment.frames, stopped[segment.frames.step]
        present = [i for i in segment.obj_ids if i in session.obj_ids and i not in gone]
        if not present:
            continue
        last = None
        for found in session.propagate(
            frames[0], len(frames) - 1, reverse=frames.step < 0, obj_ids=present
        ):
            last = found.frame_idx
            yield found
        if last != frames[-1]:
            gone.update(present)


def _split(spans: Mapping[int, range]) -> list[Segment]:
    """Cut overlapping spans of one direction where objects join and leave."""
    if not spans:
        return []
    step = next(iter(spans.values())).step
    cuts = {span.start for span in spans.values()} | {span.stop for span in spans.values()}
    segments = []
    for start, stop in pairwise(sorted(cuts, reverse=step < 0)):
        active = tuple(obj_id for obj_id, span in spans.items() if start in span)
        if active:
            segments.append(Segment(range(start, stop, step), active))
    return segments
