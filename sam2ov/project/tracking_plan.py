"""What to track when the user asks for it: nothing twice, nothing left out."""

from collections.abc import Collection
from typing import Literal

import numpy as np

from sam2ov.engine.plan import Direction, Segment, ToTrack, plan_tracking
from sam2ov.project.project import Project

Reach = Direction | Literal["frame"]
"""How far to track from the frame that the user looks at; "frame": that frame only."""


def plan_project(
    project: Project, reach: Reach, frame_idx: int, obj_ids: Collection[int] | None = None
) -> tuple[Segment, ...]:
    """Choose what to track when the user looks at ``frame_idx``.

    What is already tracked from the present prompts is kept, so that a cancelled run goes on where
    it stopped, and nothing outside the in and out points is tracked; see ``plan_tracking`` for
    where objects start.

    Args:
        project: with prompts.
        reach: see there.
        frame_idx: the frame that the user looks at.
        obj_ids: the objects to track; None for all. Locked ones and those without prompts are
            left out.
    """
    objects = {}
    for target in project.objects:
        prompted = project.prompts.frames(target.obj_id)
        chosen = obj_ids is None or target.obj_id in obj_ids
        if target.locked or not prompted or not chosen:
            continue
        missing = _missing(project, target.obj_id, prompted)
        if reach == "frame":
            prompted, missing = [frame_idx], [f for f in missing if f == frame_idx]
        objects[target.obj_id] = ToTrack(prompted, missing)
    return plan_tracking(objects, "forward" if reach == "frame" else reach, frame_idx)


def _missing(project: Project, obj_id: int, prompted: list[int]) -> list[int]:
    """The frames on which an object has no mask of its present prompts, ascending."""
    timeline = project.session.timeline(obj_id)
    missing = ~timeline.has_result | timeline.stale
    missing[prompted] = False
    if project.in_out is not None:
        missing[: project.in_out.start] = False
        missing[project.in_out.stop :] = False
    return [int(frame) for frame in np.flatnonzero(missing)]
