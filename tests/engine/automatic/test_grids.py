"""Where clicks go, and crops."""

import numpy as np
import pytest

from sam2ov.engine.automatic.grids import crops, given_grids, grid, point_grids
from sam2ov.engine.automatic.settings import AutomaticSettings
from sam2ov.errors import PromptError


def test_clicks_are_in_the_middle_of_cells() -> None:
    assert grid(2).tolist() == [[0.25, 0.25], [0.75, 0.25], [0.25, 0.75], [0.75, 0.75]]
    assert len(grid(32)) == 1024


def test_deeper_layers_have_fewer_points() -> None:
    settings = AutomaticSettings(
        points_per_side=8, crop_n_layers=3, crop_n_points_downscale_factor=3
    )
    assert [len(each) for each in point_grids(settings)] == [64, 4, 1, 1]


def test_crops_cover_the_image_and_overlap() -> None:
    found = list(crops((101, 200), 2, 0.3))
    assert [crop.layer for crop in found] == [0] + 4 * [1] + 16 * [2]
    assert found[0].size_hw == (101, 200)
    for layer in (1, 2):
        covered = np.zeros((101, 200), int)
        for crop in found:
            if crop.layer == layer:
                covered[crop.y0 : crop.y1, crop.x0 : crop.x1] += 1
        assert covered.min() == 1
        assert covered.max() == 4
    assert (found[1].x0, found[1].y0, found[2].x0, found[2].y0) == (0, 0, 0, 36)


def test_crops_of_a_narrow_image_have_pixels() -> None:
    assert all(min(crop.size_hw) > 0 for crop in crops((3, 200), 3, 0.34))


def test_grids_of_ones_own() -> None:
    assert len(given_grids([[[0.5, 0.5]], [[0.1, 0.2]]], 1)) == 2
    with pytest.raises(PromptError, match="needs 3"):
        given_grids([[[0.5, 0.5]], [[0.1, 0.2]]], 2)
    with pytest.raises(PromptError, match=r"\[P, 2\]"):
        given_grids([[0.5, 0.5]], 0)


@pytest.mark.parametrize(
    "values",
    [{"points_per_side": 0}, {"pred_iou_thresh": 1.5}, {"crop_n_layers": 9}, {"side": 3}],
)
def test_settings_out_of_range_are_refused(values: dict[str, float]) -> None:
    with pytest.raises(PromptError, match=next(iter(values))):
        AutomaticSettings.checked(values)
