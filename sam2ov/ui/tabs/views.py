"""Turns the state of a project into the messages that the page shows."""

import numpy as np

from sam2ov.project import Project, ProjectObject
from sam2ov.project.prompt_sequence import PromptSequence, points_of
from sam2ov.ui.contract.messages import ObjectView, PromptView
from sam2ov.values.masks import BoolArray
from sam2ov.values.prompts import MaskPrompt


def object_views(project: Project) -> tuple[ObjectView, ...]:
    """All objects of a project with their prompts and tracked ranges."""
    return tuple(_object_view(project, target) for target in project.objects)


def ranges(flags: BoolArray) -> str:
    """Where ``flags`` [T] are set, as inclusive ranges: "0-36,50-96"."""
    edges = np.flatnonzero(np.diff(flags.astype(np.int8), prepend=0, append=0))
    starts, ends = edges[::2], edges[1::2]
    return ",".join(f"{start}-{end - 1}" for start, end in zip(starts, ends, strict=True))


def _object_view(project: Project, target: ProjectObject) -> ObjectView:
    obj_id = target.obj_id
    tracked = stale = np.zeros(0, np.bool_)
    if obj_id in project.session.obj_ids:
        timeline = project.session.timeline(obj_id)
        tracked, stale = timeline.has_result & ~timeline.stale, timeline.stale
    return ObjectView(
        id=obj_id,
        name=target.name,
        colour=target.colour,
        hidden=target.hidden,
        locked=target.locked,
        clean_up=target.clean_up,
        prompts={
            frame: _prompt_view(project.prompts.sequence(obj_id, frame))
            for frame in project.prompts.frames(obj_id)
        },
        tracked=ranges(tracked),
        stale=ranges(stale),
    )


def _prompt_view(sequence: PromptSequence) -> PromptView:
    return PromptView(
        points=tuple(points_of(sequence)),
        has_mask=any(isinstance(prompt, MaskPrompt) for prompt in sequence),
    )
