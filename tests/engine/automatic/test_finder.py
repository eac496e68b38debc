"""Finding masks with a stand-in for the networks."""

from typing import Any, cast

import numpy as np
import pytest

from sam2ov.engine.automatic import AutomaticSettings, FoundMask, MaskFinder
from sam2ov.engine.image import AT_ONCE
from sam2ov.engine.model import DecodedMasks, SAM2Model
from sam2ov.errors import CancelledError
from sam2ov.progress import Progress
from tests.fake_model import FakeModel

HEIGHT, WIDTH = 100, 160


class Quadrants(FakeModel):
    """Answers a click with the quadrant of the picture that it lies in."""

    at_once = 0

    def encode_prompts(self, points_xy_model: Any, labels: Any, mask_logits: Any) -> Any:
        self.points = points_xy_model[:, 0]
        return super().encode_prompts(points_xy_model, labels, mask_logits)

    def decode_masks(self, embedding: Any, features: Any, prompts: Any) -> DecodedMasks:
        decoded = super().decode_masks(embedding, features, prompts)
        Quadrants.at_once = max(Quadrants.at_once, len(self.points))
        side = self.manifest.low_res_size
        half, low = side // 2, self.manifest.image_size / 2
        decoded.mask_logits[:] = -8
        decoded.ious[:] = 0.2
        for index, (x, y) in enumerate(self.points):
            rows = slice(half) if y < low else slice(half, None)
            columns = slice(half) if x < low else slice(half, None)
            decoded.mask_logits[index, 1:, rows, columns] = 8
            decoded.ious[index, 1:] = (0.7, 0.9 + x / 1e4, 0.85)
        return decoded


def find(image: Any = None, **settings: Any) -> list[FoundMask]:
    values = {"points_per_side": 6, **settings}
    finder = MaskFinder(cast(SAM2Model, Quadrants()), AutomaticSettings.checked(values))
    return finder.find(np.zeros((HEIGHT, WIDTH, 3), np.uint8) if image is None else image)


def test_each_thing_is_found_once() -> None:
    found = find()
    assert len(found) == 4
    assert [round(each.iou, 3) for each in found] == sorted(
        (round(each.iou, 3) for each in found), reverse=True
    )
    total = np.sum([each.mask for each in found], axis=0)
    assert total.min() >= 0
    assert abs(total.sum() - HEIGHT * WIDTH) < 0.1 * HEIGHT * WIDTH
    for each in found:
        x0, y0, x1, y1 = each.box
        rows, columns = np.nonzero(each.mask)
        assert (x0, y0, x1, y1) == (columns.min(), rows.min(), columns.max(), rows.max())
        assert each.area == each.mask.sum()
        assert each.stability > 0.95
        x, y = each.point
        assert each.mask[int(y), int(x)]
        assert each.box_xywh == (x0, y0, x1 - x0, y1 - y0)


def test_thresholds_leave_out() -> None:
    assert find(pred_iou_thresh=0.95) == []
    assert find(stability_score_thresh=0.999) == []
    assert len(find(box_nms_thresh=1.0, multimask_output=True)) == 6 * 6 * 2
    assert len(find(box_nms_thresh=1.0, pred_iou_thresh=0)) == 6 * 6 * 3


def test_crops_are_looked_at_too() -> None:
    found = find(crop_n_layers=1, crop_overlap_ratio=0.0)
    # Quadrants of quadrants; those at inner edges of the crops are cut off and do not count.
    assert {each.crop.layer for each in found} == {0, 1}
    for each in found:
        assert each.mask.shape == (HEIGHT, WIDTH)
        assert each.mask[int(each.point[1]), int(each.point[0])]


def test_clicks_go_through_the_networks_in_parts() -> None:
    Quadrants.at_once = 0
    find(points_per_batch=5)
    assert Quadrants.at_once == 5
    find(points_per_side=8, points_per_batch=1000)
    assert Quadrants.at_once == AT_ONCE


def test_progress_and_cancelling() -> None:
    finder = MaskFinder(cast(SAM2Model, Quadrants()), AutomaticSettings(points_per_side=8))
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    told: list[Progress] = []
    finder.find(image, progress=told.append)
    assert [(step.done, step.total) for step in told] == [(n, 64) for n in (0, 16, 32, 48, 64)]
    with pytest.raises(CancelledError):
        finder.find(image, progress=told.append, cancel=lambda: len(told) > 7)
    assert len(told) == 8


def test_nothing_to_be_found_is_no_error() -> None:
    assert find(np.zeros((1, 1, 3), np.uint8), pred_iou_thresh=1.0) == []
