"""What happens when the user has everything on a frame segmented, to choose objects from it."""

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

import gradio as gr
import numpy as np

from sam2ov.cleanup.shape import without_holes, without_specks
from sam2ov.engine.automatic import FoundMask, MaskFinder
from sam2ov.jobs.segment_images import settings_for
from sam2ov.progress import Progress
from sam2ov.ui.contract.payloads import Find, parse
from sam2ov.ui.events.reporting import reported
from sam2ov.ui.pool.models import ModelPool
from sam2ov.ui.tabs.clip import Found, OpenClip
from sam2ov.ui.tabs.job import Job
from sam2ov.ui.tabs.workspace import Workspace
from sam2ov.ui.tabs.workspaces import Workspaces
from sam2ov.values.rle import encode_rle

_SECONDS_BETWEEN_SNAPSHOTS: Final = 0.2
_SETTINGS: Final[dict[str, Any]] = {"points_per_side": 16, "min_mask_region_area": 25}
"""A quarter of the clicks that programs have by default: somebody waits. They find what is larger
than a sixteenth of the picture, and much that is smaller."""
_WHOLE: Final = 0.75
"""Of what a mask covers, this much lies in its largest part: others are nothing to choose."""
_HOLES: Final = 0.05
"""Holes of up to this share of a mask are filled."""


class FindingHandlers:
    """The event that finds masks. It answers with snapshots, also when something went wrong.

    Args:
        workspaces: of all tabs.
        models: shared by all tabs.
    """

    def __init__(self, workspaces: Workspaces, models: ModelPool) -> None:
        self._workspaces = workspaces
        self._models = models

    def find(self, event: gr.EventData, request: gr.Request) -> Iterator[str]:
        """Find masks of everything on a frame; yields while it goes on.

        What was found before stays when this one is cancelled.
        """
        workspace = self._workspaces.of(request)
        job: Job | None = None
        with workspace.turn():
            workspace.begin("edit")
            with reported(workspace, "edit"):
                wanted = parse(Find, event)
                self._workspaces.usage.require(workspace.caller, "tracking")
                clip = workspace.clip_of(wanted.clip)
                job = workspace.start(Job("find", "Finding objects", unit="items"))
            snapshot = workspace.snapshot()
        if job is None:
            yield snapshot
            return
        masks: list[FoundMask] | None = None
        try:
            yield snapshot
            with reported(workspace, "edit"):
                finder = MaskFinder(
                    self._models.get(workspace.choice).model,
                    settings_for(workspace.choice.model, _SETTINGS),
                )
                told = time.monotonic()
                for found in self._steps(workspace, finder, clip, wanted.frame, job):
                    masks = found if found is not None else masks
                    if time.monotonic() - told >= _SECONDS_BETWEEN_SNAPSHOTS:
                        told = time.monotonic()
                        with workspace.turn():
                            snapshot = workspace.snapshot()
                        yield snapshot
            tidied = tuple(one for one in map(_tidied, masks or ()) if one is not None)
            if masks is not None and not job.cancelled:
                number = 1 if clip.found is None else clip.found.number + 1
                with workspace.turn():  # before the job ends: a page looks for it then
                    clip.found = Found(number, wanted.frame, tidied)
        finally:
            workspace.finish(job)
        with workspace.turn():
            snapshot = workspace.snapshot()
        yield snapshot

    def _steps(
        self, workspace: Workspace, finder: MaskFinder, clip: OpenClip, frame_idx: int, job: Job
    ) -> Iterator[list[FoundMask] | None]:
        """The masks at the end, and None before that, also while others have their turns."""
        caller, counted = workspace.caller, time.monotonic()
        image = clip.project.session.read_frame(frame_idx)
        for step in self._models.turns.tracked(finder.steps(image), job):
            if step is not None:
                self._workspaces.usage.spend(caller, "tracking", time.monotonic() - counted)
                self._workspaces.usage.require(caller, "tracking")
            counted = time.monotonic()
            if isinstance(step, Progress):
                job.done, job.total = step.done, step.total
            yield step if isinstance(step, list) else None


def _tidied(found: FoundMask) -> FoundMask | None:
    """Its largest part without small holes; None where that is not most of it."""
    whole = without_holes(found.mask, round(_HOLES * found.area))
    mask = without_specks(whole, round((1 - _WHOLE) * np.count_nonzero(whole)))
    area = int(np.count_nonzero(mask))
    if not area or area < _WHOLE * np.count_nonzero(whole):
        return None
    return replace(found, rle=encode_rle(mask), area=area)
