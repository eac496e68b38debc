"""What the page's timeline draws: a lane per object, the review list, and the clock."""

import numpy as np
import numpy.typing as npt

from sam2ov.project import Project
from sam2ov.project.calibrated import calibration_of
from sam2ov.project.confidence import ObjectTrack, Signal, confidence, is_absent
from sam2ov.project.review import find_review_items
from sam2ov.ui.contract.answers import Lane, Lanes, ReviewEntry, ReviewList
from sam2ov.ui.tabs.views import ranges
from sam2ov.video import VideoInfo

MAX_BINS = 4096
"""More than a screen has columns."""


def lanes(project: Project, first: int, stop: int, bins: int) -> Lanes:
    """The lanes of all objects that have results, by id.

    Args:
        project: the objects.
        first: first frame that is in sight.
        stop: end of what is in sight.
        bins: columns; with more of them than frames there is one per frame.
    """
    made: dict[int, Lane] = {}
    calibration = calibration_of(project.model)
    for track in tracks_of(project):
        absent = is_absent(track.timeline)
        absent[:first] = absent[stop:] = False
        values = confidence(track, calibration)[first:stop]
        made[track.obj_id] = Lane(confidence=_binned(values, bins), absent=ranges(absent))
    return Lanes(made)


def review(project: Project, fps: float) -> ReviewList:
    """The frames most worth correcting, see ``sam2ov.project.review``."""
    height, width = project.session.size_hw
    calibration = calibration_of(project.model)
    return ReviewList(
        is_calibrated=calibration is not None,
        items=tuple(
            ReviewEntry(
                frame=item.frame_idx,
                objects=item.obj_ids,
                reason=item.reason,
                severity=round(item.severity, 3),
                frames=item.num_frames,
            )
            for item in find_review_items(
                tracks_of(project), fps, width / height, project.session.cuts, calibration
            )
        ),
    )


def tracks_of(project: Project) -> list[ObjectTrack]:
    """The objects with results, in the user's order."""
    known, shown = project.timelines(), project.snapshot
    return [
        ObjectTrack(obj_id, known[obj_id], tuple(shown.prompted_frames(obj_id)))
        for obj_id in shown.objects
        if obj_id in known
    ]


def frame_times(info: VideoInfo) -> npt.NDArray[np.float64]:
    """Seconds from the first frame to each frame, and to the end of the last; float64 [T + 1]."""
    ticks = np.append(info.frame_pts, info.end_pts) - info.frame_pts[0]
    return np.asarray(ticks * float(info.time_base))


def _binned(values: Signal, bins: int) -> tuple[int | None, ...]:
    """The least value of each bin, so that a single bad frame of a long clip is seen."""
    bins = min(bins, len(values))
    starts = np.arange(bins) * len(values) // bins
    least = np.fmin.reduceat(values, starts)
    return tuple(None if np.isnan(value) else round(100 * value) for value in least.tolist())
