"""What ``sam2ov track`` does once its command line is understood."""

from typing import TYPE_CHECKING

from sam2ov.commands.console import progress_display, say
from sam2ov.commands.interrupt import Interruptible

if TYPE_CHECKING:
    from sam2ov.jobs import ClipJob, ClipOutcome


def run_tracking(job: "ClipJob") -> "ClipOutcome | None":
    """Do a job, which Ctrl-C ends early; None if there was nothing to write by then.

    Raises:
        Sam2ovError: whatever went wrong.
    """
    from sam2ov.jobs import ClipRun

    with ClipRun(job) as run:
        run.save_prompts()
        with progress_display() as progress:
            run.load(progress, note=say)
        with progress_display() as progress:
            with Interruptible() as interruptible:
                run.advance(progress, lambda: interruptible.requested)
            if not run.tracked_frames:
                return None
            if not run.completed:
                say("Interrupted; writing what is tracked so far (Ctrl-C again: write nothing).")
            return run.outcome(run.write(progress))
