"""Reports that are made up."""

import numpy as np
import pytest

from sam2ov.evaluation.report.clip_report import ClipReport, Look, ObjectReport
from sam2ov.evaluation.report.measures import ObjectMeasures
from sam2ov.evaluation.report.pictures import Picture
from sam2ov.project.review import ReviewItem
from sam2ov.values.objects import ClipObject

HOSTILE = "<script>alert(1)</script>$x^2$&\"'"


def made_report(
    name: str = "clip.mp4",
    num_frames: int = 30,
    confidence: float = 0.8,
    j: float | None = None,
    object_name: str = "Dog",
) -> ClipReport:
    """A clip with two objects, of which the second is away on the frames 5 to 9."""
    return ClipReport(
        name=name,
        size_hw=(60, 80),
        fps=25.0,
        frames=range(10, 10 + num_frames),
        model="micro",
        calibration=None,
        objects=(
            _object(ClipObject(1, object_name, "#ff0000"), num_frames, confidence, j),
            _object(ClipObject(2, "Cat", "#00ff00"), num_frames, 0.9, j, away=slice(5, 10)),
        ),
        looks=(
            Look(ReviewItem(12, (1,), "unsure", 0.9, 7), 0.08, Picture(b"\xff\xd8jpeg", 40, 30)),
            Look(ReviewItem(15, (1, 2), "swapped", 0.5), 0.2, None),
        ),
    )


def _object(
    target: ClipObject,
    num_frames: int,
    confidence: float,
    j: float | None,
    away: slice = slice(0, 0),
) -> ObjectReport:
    absent = np.zeros(num_frames, np.bool_)
    absent[away] = True
    ramp = np.linspace(0.1, 0.3, num_frames)
    seen = np.where(absent, np.nan, ramp)
    scores = np.full(num_frames, np.nan if j is None else j, np.float32)
    return ObjectReport(
        target=target,
        known=np.ones(num_frames, np.bool_),
        absent=absent,
        area=seen,
        x=seen,
        y=1 - seen,
        confidence=np.full(num_frames, confidence),
        measures=ObjectMeasures(
            flicker=seen.astype(np.float32),
            trembling=seen.astype(np.float32),
            stability=seen.astype(np.float32),
            j=scores,
            f=scores,
        ),
        prompted=(10,),
        first_frame=10,
    )


@pytest.fixture
def report() -> ClipReport:
    return made_report()
