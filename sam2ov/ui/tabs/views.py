"""Turns the state of a project into the messages that the page shows."""

from collections.abc import Mapping

import numpy as np

from sam2ov.project import Project
from sam2ov.project.prompt_sequence import PromptSequence, points_of
from sam2ov.ui.contract.messages import ModelView, ObjectView, PromptView
from sam2ov.ui.pool.models import ModelChoice
from sam2ov.ui.pool.offers import is_demonstration, title_of
from sam2ov.values.masks import BoolArray
from sam2ov.values.objects import ClipObject
from sam2ov.values.prompts import MaskPrompt
from sam2ov.values.timeline import Timeline


def object_views(project: Project) -> tuple[ObjectView, ...]:
    """All objects of a project with their prompts and tracked ranges."""
    known, shown = project.timelines(), project.snapshot
    return tuple(
        _object_view(target, shown.sequences.get(obj_id, {}), known.get(obj_id))
        for obj_id, target in shown.objects.items()
    )


def ranges(flags: BoolArray) -> str:
    """Where ``flags`` [T] are set, as inclusive ranges: "0-36,50-96"."""
    edges = np.flatnonzero(np.diff(flags.astype(np.int8), prepend=0, append=0))
    starts, ends = edges[::2], edges[1::2]
    return ",".join(f"{start}-{end - 1}" for start, end in zip(starts, ends, strict=True))


def _object_view(
    target: ClipObject, prompts: Mapping[int, PromptSequence], timeline: Timeline | None
) -> ObjectView:
    tracked = stale = np.zeros(0, np.bool_)
    if timeline is not None:
        tracked, stale = timeline.has_result & ~timeline.stale, timeline.stale
    return ObjectView(
        **vars(target),
        prompts={frame: _prompt_view(prompts[frame]) for frame in sorted(prompts)},
        tracked=ranges(tracked),
        stale=ranges(stale),
    )


def _prompt_view(sequence: PromptSequence) -> PromptView:
    return PromptView(
        points=tuple(points_of(sequence)),
        has_mask=any(isinstance(prompt, MaskPrompt) for prompt in sequence),
    )


def model_view(choice: ModelChoice) -> ModelView:
    """The model that a tab works with."""
    return ModelView(
        name=choice.model,
        title=title_of(choice.model),
        device=choice.device,
        preset=choice.preset,
        memory=choice.memory,
        is_demonstration=is_demonstration(choice.model),
    )
