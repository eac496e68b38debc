"""Many clips: found, tracked side by side or on a cluster, resumed, and written down one by one."""

from sam2ov.jobs.batch.item import BatchItem, OutputWish
from sam2ov.jobs.batch.listing import list_jobs
from sam2ov.jobs.batch.place import Place, open_place
from sam2ov.jobs.batch.record import JobRecord
from sam2ov.jobs.batch.run import BatchSummary, run_batch

__all__ = [
    "BatchItem",
    "BatchSummary",
    "JobRecord",
    "OutputWish",
    "Place",
    "list_jobs",
    "open_place",
    "run_batch",
]
