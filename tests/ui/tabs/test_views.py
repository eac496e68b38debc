"""What the page is told about objects."""

import numpy as np
import pytest

from sam2ov.project import Project
from sam2ov.ui.tabs.views import object_views, ranges
from tests.click_model import ClickModel
from tests.project.conftest import track


@pytest.fixture
def model() -> ClickModel:
    """A project without the app takes no turns."""
    return ClickModel()


@pytest.mark.parametrize(
    ("flags", "text"),
    [("", ""), ("0000", ""), ("1111", "0-3"), ("0110", "1-2"), ("1001", "0-0,3-3"), ("1", "0-0")],
)
def test_ranges(flags: str, text: str) -> None:
    assert ranges(np.array([flag == "1" for flag in flags], np.bool_)) == text


def test_objects_with_prompts_and_tracked_frames(project: Project) -> None:
    project.objects.add()
    project.prompts.box(1, 2, (10, 10), (40, 50))
    project.prompts.click(1, 2, (20, 30), positive=False)
    track(project)
    project.prompts.click(1, 5, (20, 30), positive=True)
    first, second = object_views(project)
    assert list(first.prompts[2].points) == [(10, 10, 2), (40, 50, 3), (20, 30, 0)]
    assert list(first.prompts[5].points) == [(20, 30, 1)]
    assert (first.tracked, first.stale) == ("2-5", "6-11")
    assert second.prompts == {}
    assert (second.tracked, second.stale) == ("", "")
