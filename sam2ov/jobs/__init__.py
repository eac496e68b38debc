"""Tracking a clip from one specification: what commands, programs, evaluation and bench run."""

from sam2ov.jobs.clip_job import ClipJob, TrackingSettings
from sam2ov.jobs.clip_run import ClipRun, run_clip_job
from sam2ov.jobs.outcome import ClipOutcome, ObjectOutcome
from sam2ov.jobs.output import Output

__all__ = [
    "ClipJob",
    "ClipOutcome",
    "ClipRun",
    "ObjectOutcome",
    "Output",
    "TrackingSettings",
    "run_clip_job",
]
