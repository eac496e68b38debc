"""What happens when the user has objects tracked: it goes on for a while, and may be stopped."""

import time
from collections.abc import Iterator

import gradio as gr

from sam2ov.engine.plan import Segment
from sam2ov.engine.session import TrackedFrame
from sam2ov.errors import TrackingError
from sam2ov.project import Project, Reach, plan_project
from sam2ov.ui.contract.payloads import Track, parse
from sam2ov.ui.events.home import keep_home
from sam2ov.ui.events.reporting import reported
from sam2ov.ui.pool.models import ModelPool
from sam2ov.ui.tabs.job import Job
from sam2ov.ui.tabs.workspace import Workspace
from sam2ov.ui.tabs.workspaces import Workspaces

_SECONDS_BETWEEN_FRAMES = 0.07
"""The page is told of a frame at most this often."""

_TRACK_LABELS: dict[Reach, str] = {
    "forward": "Track forwards",
    "backward": "Track backwards",
    "both": "Track in both directions",
    "frame": "Track this frame",
}


class TrackingHandlers:
    """The event that tracks. It answers with snapshots, also when something went wrong.

    Args:
        workspaces: of all tabs.
        models: shared by all tabs.
    """

    def __init__(self, workspaces: Workspaces, models: ModelPool) -> None:
        self._workspaces = workspaces
        self._models = models

    def track(self, event: gr.EventData, request: gr.Request) -> Iterator[str]:
        """Track objects; yields while it goes on. What is done when it stops is kept."""
        workspace = self._workspaces.of(request)
        job: Job | None = None
        with workspace.edit_turn(), workspace.turn():
            workspace.begin("track")
            with reported(workspace, "track"):
                wanted = parse(Track, event)
                keep_home(workspace)
                self._workspaces.usage.require(workspace.caller, "tracking")
                project = workspace.clip_of(wanted.clip).project
                segments = _plan(project, wanted)
                total = sum(len(segment.frames) for segment in segments)
                job = workspace.start(Job("track", "Tracking", total))
            snapshot = workspace.snapshot()
        if job is None:
            yield snapshot
            return
        last: int | None = None
        began = counted = time.monotonic()
        tracked = project.track(_TRACK_LABELS[wanted.direction], segments)
        try:
            yield snapshot
            with reported(workspace, "track"):
                for last in _throttled(self._frames(tracked, job)):
                    counted = self._count(workspace, job, counted)
                    with workspace.turn():
                        keep_home(workspace)
                        snapshot = workspace.snapshot(mask_frame=last, show_frame=last)
                    yield snapshot
        finally:
            tracked.close()
            workspace.finish(job)
            seconds = time.monotonic() - began
            self._workspaces.usage.note(workspace.caller, "track", frames=job.done, seconds=seconds)
        with workspace.turn():
            project.history.revision += 1
            # Who stopped it, or went back, looks at what they want to look at.
            show_frame = None if job.cancelled else last
            snapshot = workspace.snapshot(mask_frame=last, show_frame=show_frame)
        yield snapshot

    def _count(self, workspace: Workspace, job: Job, since: float) -> float:
        """Count a user's time of tracking, and stop a run beyond what they have of it.

        Args:
            workspace: of the tab.
            job: the run; what it waits in the queue does not count.
            since: until when it is counted.

        Returns:
            The present moment.
        """
        now, usage = time.monotonic(), self._workspaces.usage
        if job.waiting is None:
            usage.spend(workspace.caller, "tracking", now - since)
        if not job.cancelled and usage.left(workspace.caller, "tracking") <= 0:
            job.cancel()
            with reported(workspace, "track"):
                usage.require(workspace.caller, "tracking")
        return now

    def _frames(self, tracked: Iterator[TrackedFrame], job: Job) -> Iterator[int | None]:
        """Each tracked frame, and None now and then while others have their turns."""
        for frame in self._models.turns.tracked(tracked, job):
            if frame is None:
                yield None
                continue
            job.done += 1
            yield frame.frame_idx
            if job.cancelled:
                return


def _plan(project: Project, wanted: Track) -> tuple[Segment, ...]:
    if not project.prompts.obj_ids():
        raise TrackingError(
            "There is nothing to track yet: click on an object in the picture first."
        )
    segments = plan_project(project, wanted.direction, wanted.frame, wanted.objects)
    if not segments:
        raise TrackingError(
            "Everything in this direction is tracked already from the present prompts, locked, or "
            "outside the in and out points. Correct a frame with a click, or go to another part of "
            "the clip."
        )
    return segments


def _throttled(frames: Iterator[int | None]) -> Iterator[int | None]:
    """The frames that the page can keep up with, and the last one."""
    told = 0.0
    frame_idx: int | None = None
    is_told = True
    for found in frames:
        frame_idx = frame_idx if found is None else found
        is_told = found is None or time.monotonic() - told >= _SECONDS_BETWEEN_FRAMES
        if is_told:
            told = time.monotonic()
            yield frame_idx
    if not is_told:
        yield frame_idx
