"""Which frames to track when the user asks for it: nothing twice, nothing left out."""

from collections.abc import Mapping
from itertools import pairwise

import numpy as np

from sam2ov.tracking_job import Direction, Segment
from sam2ov.ui.project import Project

Span = tuple[int, int]
"""First and last frame of a stretch, in the order of tracking."""


def plan_tracking(project: Project, direction: Direction, frame_idx: int) -> list[Segment]:
    """Choose what to track when the user looks at ``frame_idx``.

    Each object starts at its prompted frame nearest to the user: forwards at one that is not ahead
    if there is any, backwards at one that is not behind; both directions start at the same one.
    What is already tracked from the present prompts is kept, so that a cancelled run goes on where
    it stopped.
    """
    forward: dict[int, Span] = {}
    backward: dict[int, Span] = {}
    for obj_id in project.prompted_objects():
        prompted = project.log.frames(obj_id)
        missing = _missing(project, obj_id, prompted)
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
