"""Long work for a tab: in a thread, with progress on the page, and with a Cancel button."""

from collections.abc import Callable, Generator, Iterator

from sam2ov.progress import CancelCheck, ProgressCallback
from sam2ov.ui.contract.messages import About, DownloadView
from sam2ov.ui.events.reporting import reported
from sam2ov.ui.tabs.job import Job
from sam2ov.ui.tabs.workspace import Workspace

Finish = Callable[[], DownloadView | None]
"""Puts finished work into effect, while nobody else changes the tab's state."""

Work = Callable[[ProgressCallback, CancelCheck], Finish]


def carry_out(
    workspace: Workspace, about: About, job: Job, work: Work, *, show_frame: int | None = None
) -> Iterator[str]:
    """Do ``work`` while the page shows ``job``; yields snapshots.

    Args:
        workspace: of the tab.
        about: what the user did.
        job: what the page shows.
        work: in a thread of its own; returns what puts it into effect.
        show_frame: where the page goes when it has succeeded.

    Nothing is put into effect when the work fails or is cancelled; the user is told why.
    """
    with workspace.turn():
        workspace.begin(about)
        with reported(workspace, about):
            workspace.start(job)
        snapshot = workspace.snapshot()
    if workspace.job is not job:
        yield snapshot
        return
    download = None
    has_succeeded = False
    try:
        yield snapshot
        with reported(workspace, about):
            finish = yield from _told(workspace, job.run(work))
            with workspace.turn():
                download = finish()
            has_succeeded = True
    finally:
        workspace.finish(job)
    with workspace.turn():
        snapshot = workspace.snapshot(
            download=download, show_frame=show_frame if has_succeeded else None
        )
    yield snapshot


def _told(
    workspace: Workspace, running: Generator[None, None, Finish]
) -> Generator[str, None, Finish]:
    while True:
        try:
            next(running)
        except StopIteration as stopped:
            finish: Finish = stopped.value
            return finish
        with workspace.turn():
            snapshot = workspace.snapshot()
        yield snapshot
