"""What ``sam2ov track`` does once its command line is understood."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sam2ov.commands.console import progress_display, say
from sam2ov.commands.interrupt import Interruptible, exit_code

if TYPE_CHECKING:
    from sam2ov.jobs import ClipJob, ClipOutcome


@dataclass(frozen=True)
class TrackingRun:
    """How a job ended.

    Attributes:
        outcome: what came of it; None if there was nothing to write.
        exit_code: of the command; not 0 where a signal has ended the job early.
    """

    outcome: "ClipOutcome | None"
    exit_code: int = 0


def run_tracking(job: "ClipJob") -> TrackingRun:
    """Do a job, which Ctrl-C and other signals end early.

    Raises:
        Sam2ovError: whatever went wrong.
    """
    from sam2ov.jobs import ClipRun
    from sam2ov.jobs.rescue import write_or_keep

    with ClipRun(job) as run:
        if missing := run.reader.info.missing_numbers:
            say(f"{missing} images of {run.name} are missing in between; they are left out.")
        for line in run.reader.info.treatment:
            say(f"{run.name}: {line}.")
        run.save_prompts()
        with progress_display() as progress:
            run.load(progress, note=say)
        with progress_display() as progress:
            with Interruptible() as interruptible:
                run.advance(progress, lambda: interruptible.requested is not None)
                if interruptible.requested is not None and not run.completed:
                    code = exit_code(interruptible.requested)
                    if not run.tracked_frames:
                        return TrackingRun(None, code)
                    say(
                        "Interrupted; writing what is tracked so far (Ctrl-C again: write nothing)."
                    )
                    return TrackingRun(run.outcome(write_or_keep(run, progress)), code)
            return TrackingRun(run.outcome(write_or_keep(run, progress)))
