"""A session read like upstream's dictionary."""

from typing import Any

import numpy as np
import pytest

from sam2ov.upstream.inference_state import InferenceState
from tests.upstream.test_sam2_video_predictor import HEIGHT, WIDTH, make_predictor, make_state


@pytest.fixture
def state() -> Any:
    predictor = make_predictor()
    with make_state(predictor) as opened:
        yield predictor, opened


def test_the_keys_that_programs_read(state: tuple[Any, InferenceState]) -> None:
    predictor, opened = state
    assert (opened["video_height"], opened["video_width"]) == (HEIGHT, WIDTH)
    assert opened["num_frames"] == 5
    assert (opened["obj_ids"], dict(opened["obj_id_to_idx"])) == ([], {})
    predictor.add_new_points_or_box(opened, 1, 7, points=[[20, 12]], labels=[1])
    mask = np.zeros((HEIGHT, WIDTH), np.bool_)
    mask[8:40, 8:40] = True
    predictor.add_new_mask(opened, 1, 4, mask)
    for _ in predictor.propagate_in_video(opened, max_frame_num_to_track=1):
        pass
    for _ in predictor.propagate_in_video(opened, reverse=True):
        pass
    assert opened["obj_ids"] == [7, 4]
    assert dict(opened["obj_id_to_idx"]) == {7: 0, 4: 1}
    assert dict(opened["obj_idx_to_id"]) == {0: 7, 1: 4}
    tracked = opened["frames_tracked_per_obj"]
    assert {k: dict(v) for k, v in tracked.items()} == {
        idx: {0: {"reverse": True}, 1: {"reverse": True}, 2: {"reverse": False}} for idx in (0, 1)
    }
    points = opened["point_inputs_per_obj"][0][1]
    assert points["point_coords"].tolist() == [[[16.0, 16.0]]]  # of 64 pixels
    assert points["point_labels"].tolist() == [[1]]
    masks = opened["mask_inputs_per_obj"][1][1]
    assert masks.shape == (1, 1, 64, 64)
    assert masks.sum() == pytest.approx(mask.sum() * 64 * 64 / mask.size, rel=0.05)
    assert opened["mask_inputs_per_obj"][0] == {}
    assert opened["device"].type == opened["storage_device"] == "cpu"
    assert opened["offload_state_to_cpu"] is opened["offload_video_to_cpu"] is True


def test_other_keys_name_those_that_exist(state: tuple[Any, InferenceState]) -> None:
    _, opened = state
    with pytest.raises(KeyError, match=r"output_dict.*num_frames.*video_height"):
        opened["output_dict"]
    assert "output_dict" not in opened
    assert opened.get("output_dict") is None
    assert opened.get("num_frames") == 5
    assert set(opened) == set(opened.keys())
    assert len(opened) == len(opened.keys())


def test_it_cannot_be_written_to(state: tuple[Any, Any]) -> None:
    predictor, opened = state
    predictor.add_new_points_or_box(opened, 1, 7, points=[[20, 12]], labels=[1])
    with pytest.raises(TypeError):
        opened["num_frames"] = 3
    with pytest.raises(TypeError):
        opened["obj_id_to_idx"][9] = 1
    opened["obj_ids"].append(9)  # a list of the caller's own
    assert opened["obj_ids"] == [7]
