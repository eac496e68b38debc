"""What there is to say of a tracked clip: its objects, measured, and the frames worth a look."""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from sam2ov.cleanup.masks import CleanedMasks
from sam2ov.errors import ExportError
from sam2ov.evaluation.report.measures import ObjectMeasures, TrueMasks, measure
from sam2ov.evaluation.report.pictures import Picture, draw_pictures
from sam2ov.progress import CancelCheck, ProgressCallback
from sam2ov.project.calibrated import calibration_of
from sam2ov.project.confidence import ObjectTrack, Signal, confidence, is_absent
from sam2ov.project.review import ReviewItem, find_review_items
from sam2ov.project.stored import StoredProject
from sam2ov.values.masks import BoolArray
from sam2ov.values.objects import ClipObject
from sam2ov.video import FrameReader
from sam2ov.zoo.calibration import RIGHT_FROM, Calibration

MAX_PICTURES: Final = 24


@dataclass(frozen=True)
class ObjectSummary:
    """An object in numbers.

    Shares are 0 to 1, means are over the frames where there is something to measure; None where
    there are none.

    Attributes:
        tracked: frames with a result.
        absent: those of them on which the object is said to be away.
        doubtful: share of the tracked frames with a confidence below one half.
        confidence: mean.
        flicker: mean, see ``ObjectMeasures``.
        trembling: mean, in pixels of the clip.
        j: mean with true masks, prompted frames aside; ``f``: likewise.
        f: see ``j``.
        wrong: share of these frames on which J is below one half.
    """

    tracked: int
    absent: int
    doubtful: float | None
    confidence: float | None
    flicker: float | None
    trembling: float | None
    j: float | None
    f: float | None
    wrong: float | None


@dataclass(frozen=True)
class ClipSummary:
    """A clip in numbers; attributes are those of ``ClipReport``.

    Attributes:
        objects: who they are, and what is to be said of each.
        num_looks: how many frames are worth a look.
    """

    name: str
    frames: range
    model: str
    is_calibrated: bool
    objects: tuple[tuple[ClipObject, ObjectSummary], ...]
    num_looks: int

    @property
    def badness(self) -> tuple[float, float]:
        """What clips are put in order by, the worst last: its worst object counts.

        With true masks the share of wrong frames, else that of doubtful ones; then the mean.
        """
        worst = (0.0, 0.0)
        for _, found in self.objects:
            if found.wrong is not None and found.j is not None:
                worst = max(worst, (found.wrong, 1 - found.j))
            elif found.doubtful is not None and found.confidence is not None:
                worst = max(worst, (found.doubtful, 1 - found.confidence))
        return worst

    def most(self, name: Literal["doubtful", "wrong"]) -> float | None:
        """The greatest number of that name among the objects; None if none has one."""
        return max(self._numbers(name), default=None)

    def least(self, name: Literal["confidence", "j"]) -> float | None:
        """The least number of that name among the objects; None if none has one."""
        return min(self._numbers(name), default=None)

    def _numbers(self, name: str) -> list[float]:
        found = (getattr(summary, name) for _, summary in self.objects)
        return [value for value in found if value is not None]


@dataclass(frozen=True, eq=False)
class ObjectReport:
    """An object on the frames of a report; arrays have one entry for each of these.

    Attributes:
        target: who it is.
        known: where there is a result.
        absent: where it says that the object is away.
        area: share of the picture, 0 to 1; NaN where it is not seen.
        x: of its centre, in shares of the width from the left; ``y``: of the height from the top.
        y: see ``x``.
        confidence: see ``project.confidence``.
        measures: from its masks.
        prompted: the frames that the user has prompted.
        first_frame: of the report.
    """

    target: ClipObject
    known: BoolArray
    absent: BoolArray
    area: Signal
    x: Signal
    y: Signal
    confidence: Signal
    measures: ObjectMeasures
    prompted: tuple[int, ...]
    first_frame: int

    @property
    def summary(self) -> ObjectSummary:
        """All of it in a few numbers."""
        tracked = int(np.count_nonzero(self.known))
        places = [frame - self.first_frame for frame in self.prompted]
        j, f = np.delete(self.measures.j, places), np.delete(self.measures.f, places)
        return ObjectSummary(
            tracked=tracked,
            absent=int(np.count_nonzero(self.absent)),
            doubtful=_share(self.confidence, RIGHT_FROM),
            confidence=_mean(self.confidence),
            flicker=_mean(self.measures.flicker),
            trembling=_mean(self.measures.trembling),
            j=_mean(j),
            f=_mean(f),
            wrong=_share(j, RIGHT_FROM),
        )


@dataclass(frozen=True)
class Look:
    """A frame worth a look.

    Attributes:
        item: what is unusual there.
        seconds: from the clip's first frame.
        picture: of it, None if there are enough pictures already.
    """

    item: ReviewItem
    seconds: float
    picture: Picture | None


@dataclass(frozen=True, eq=False)
class ClipReport:
    """A report on one clip.

    Attributes:
        name: of the clip.
        size_hw: of its frames.
        fps: frames per second.
        frames: those that the report is on.
        model: for people; empty if nothing was tracked.
        calibration: of that model, None if there is none.
        objects: in the user's order.
        looks: the frames worth a look, the worst first.
    """

    name: str
    size_hw: tuple[int, int]
    fps: float
    frames: range
    model: str
    calibration: Calibration | None
    objects: tuple[ObjectReport, ...]
    looks: tuple[Look, ...]

    @property
    def summary(self) -> ClipSummary:
        """All of it in a few numbers."""
        return ClipSummary(
            name=self.name,
            frames=self.frames,
            model=self.model,
            is_calibrated=self.calibration is not None,
            objects=tuple((each.target, each.summary) for each in self.objects),
            num_looks=len(self.looks),
        )

    def object(self, obj_id: int) -> ClipObject:
        """An object by its number."""
        return next(each.target for each in self.objects if each.target.obj_id == obj_id)


def make_clip_report(
    project: StoredProject,
    reader: FrameReader,
    truths: TrueMasks | None = None,
    *,
    max_pictures: int = MAX_PICTURES,
    progress: ProgressCallback | None = None,
    cancel: CancelCheck | None = None,
) -> ClipReport:
    """Measure what a project holds, as it would be exported.

    Args:
        project: with prompts.
        reader: of its clip.
        truths: true masks of the objects by their numbers.
        max_pictures: of frames worth a look.
        progress: told of frames.
        cancel: asked before each frame.

    Raises:
        ExportError: nothing was prompted in it.
        ProjectError: a stored mask is damaged.
        DatasetError: a true mask cannot be read.
        VideoError: a frame cannot be read.
        CancelledError: ``cancel`` returned true.
    """
    tracks = {track.obj_id: track for track in project.tracks}
    targets = [target for target in project.objects if target.obj_id in tracks]
    if not targets:
        raise ExportError(f"Nothing was prompted in the project of {project.info.clip_name} yet.")
    frames = project.in_out or range(project.info.num_frames)
    calibration = None if project.model is None else calibration_of(project.model)
    masks = CleanedMasks(project.masks, {each.obj_id: each.clean_up for each in targets})
    measures = measure(masks, [*tracks], frames, truths, progress, cancel)
    info = reader.info
    aspect = info.width * info.pixel_aspect / info.height
    items = find_review_items(
        project.tracks, float(info.fps), aspect, project.cuts, calibration, frames
    )
    pictures = draw_pictures(items[:max_pictures], reader, masks, targets, progress, cancel)
    seconds = (info.frame_pts - info.frame_pts[0]) * float(info.time_base)
    return ClipReport(
        name=project.info.clip_name,
        size_hw=project.masks.size_hw,
        fps=float(info.fps),
        frames=frames,
        model="" if project.model is None else project.model.title,
        calibration=calibration,
        objects=tuple(
            _object_report(each, tracks[each.obj_id], frames, calibration, measures[each.obj_id])
            for each in targets
        ),
        looks=tuple(
            Look(item, float(seconds[item.frame_idx]), pictures.get(place))
            for place, item in enumerate(items)
        ),
    )


def _object_report(
    target: ClipObject,
    track: ObjectTrack,
    frames: range,
    calibration: Calibration | None,
    measures: ObjectMeasures,
) -> ObjectReport:
    inside = slice(frames.start, frames.stop)
    timeline = track.timeline
    known = timeline.has_result[inside]
    absent = is_absent(timeline)[inside]
    seen = known & ~absent
    centre = np.where(seen[:, None], timeline.centre[inside].astype(np.float64), np.nan)
    return ObjectReport(
        target=target,
        known=known,
        absent=absent,
        area=np.where(seen, timeline.area[inside].astype(np.float64), np.nan),
        x=centre[:, 0],
        y=centre[:, 1],
        confidence=confidence(track, calibration)[inside],
        measures=measures,
        prompted=tuple(frame for frame in track.prompted_frames if frame in frames),
        first_frame=frames[0],
    )


_Values = npt.NDArray[np.float32] | Signal


def _mean(values: _Values) -> float | None:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else None


def _share(values: _Values, below: float) -> float | None:
    known = values[np.isfinite(values)]
    return float((known < below).mean()) if len(known) else None
