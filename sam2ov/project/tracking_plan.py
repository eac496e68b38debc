"""Which frames to track when the user asks for it: nothing twice, nothing left out."""

from collections.abc import Collection, Mapping
from itertools import pairwise
from typing import Literal

import numpy as np

from sam2ov.engine.tracking_job import Segment
from sam2ov.project.project import Project

Direction = Literal["forward", "backward", "both", "frame"]
"""Where to track from the frame that the user looks at; "frame": that frame only."""

Span = tuple[int, int]
"""First and last frame of a stretch, in the order of tracking."""


def plan_tracking(
    project: Project,
    direction: Direction,
    frame_idx: int,
    obj_ids: Collection[int] | None = None,
) -> list[Segment]:
    """Choose what to track when the user looks at ``frame_idx``.

    Each object starts at its prompted frame nearest to the user: forwards at one that is not ahead
    if there is any, backwards at one that is not behind; both directions start at the same one.
    What is already tracked from the present prompts is kept, so that a cancelled run goes on where
    it stopped, and nothing outside the in and out points is tracked.

    Args:
        project: with prompts.
        direction: see ``Direction``.
        frame_idx: the frame that the user looks at.
        obj_ids: the objects to track; None for all. Locked ones and those without prompts are
            left out.
    """
    forward: dict[int, Span] = {}
    backward: dict[int, Span] = {}
    for target in project.objects:
        obj_id = target.obj_id
        prompted = project.prompts.frames(obj_id)
        chosen = obj_ids is None or obj_id in obj_ids
        if target.locked or not prompted or not chosen:
            continue
        missing = _missing(project, obj_id, prompted)
        if direction == "frame":
            if frame_idx in missing:
                forward[obj_id] = (frame_idx, frame_idx)
            continue
        behind = max((f for f in prompted if f <= frame_idx), default=prompted[0])
        ahead = min((f for f in prompted if f >= frame_idx), default=prompted[-1])
        later = [f for f in missing if f > behind]
        earlier = [f for f in missing if f < (behind if direction == "both" else ahead)]
        if later and direction != "backward":
            forward[obj_id] = (later[0], later[-1])
        if earlier and direction != "forward":
            # The engine does not go back from frame 0: there is nothing before it.
            backward[obj_id] = (max(earlier[-1], 1), earlier[0])
    return _segments(forward, reverse=False) + _segments(backward, reverse=True)


def _missing(project: Project, obj_id: int, prompted: list[int]) -> list[int]:
    """The frames on which an object has no mask of its present prompts, ascending."""
    timeline = project.session.timeline(obj_id)
    missing = ~timeline.has_result | timeline.stale
    missing[prompted] = False
    if project.in_out is not None:
        missing[: project.in_out.start] = False
        missing[project.in_out.stop :] = False
    return [int(frame) for frame in np.flatnonzero(missing)]


def _segments(spans: Mapping[int, Span], *, reverse: bool) -> list[Segment]:
    """Split overlapping spans where objects join and leave."""
    step = -1 if reverse else 1
    cuts = {first for first, _ in spans.values()} | {last + step for _, last in spans.values()}
    ordered = sorted(cuts, reverse=reverse)
    segments = []
    for start, following in pairwise(ordered):
        last = following - step
        active = tuple(
            obj_id
            for obj_id, (first, end) in spans.items()
            if (start - first) * step >= 0 and (end - last) * step >= 0
        )
        if active:
            segments.append(Segment(start, last, reverse=reverse, obj_ids=active))
    return segments
