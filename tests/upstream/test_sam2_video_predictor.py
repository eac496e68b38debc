"""Upstream's interface: shapes, types, errors."""

from typing import Any, cast

import numpy as np
import pytest

from sam2ov.engine.model import SAM2Model
from sam2ov.engine.session import VideoSession
from sam2ov.errors import ModelError, PromptError, Sam2ovError, TrackingError
from sam2ov.upstream.sam2_video_predictor import SAM2VideoPredictor
from tests.fake_model import FakeModel

HEIGHT, WIDTH = 48, 80


def make_predictor(**options: Any) -> SAM2VideoPredictor:
    return SAM2VideoPredictor(cast(SAM2Model, FakeModel()), **options)


def make_state(predictor: SAM2VideoPredictor, num_frames: int = 5) -> VideoSession:
    frames = np.full((num_frames, HEIGHT, WIDTH, 3), 60, np.uint8)
    frames[:, 8:40, 8:40] = (255, 0, 0)
    return predictor.init_state(frames)


def test_masks_have_upstreams_shape_and_type() -> None:
    predictor = make_predictor()
    with make_state(predictor) as state:
        frame_idx, obj_ids, masks = predictor.add_new_points_or_box(
            state, frame_idx=2, obj_id=7, points=[[10, 10]], labels=[1]
        )
        assert (frame_idx, obj_ids) == (2, [7])
        assert masks.shape == (1, 1, HEIGHT, WIDTH)
        assert masks.dtype == np.float32
        assert (masks[0, 0, 12:36, 12:36] > 0).all()
        assert (masks[0, 0, :, 50:] < 0).all()
        for frame_idx, obj_ids, masks in predictor.propagate_in_video(state):
            assert 2 <= frame_idx < 5
            assert obj_ids == [7]
            assert masks.shape == (1, 1, HEIGHT, WIDTH)


def test_an_object_without_answer_is_absent() -> None:
    predictor = make_predictor()
    with make_state(predictor) as state:
        predictor.add_new_points_or_box(state, 0, 1, points=[[10, 10]], labels=[1])
        _, obj_ids, masks = predictor.add_new_points_or_box(state, 3, 2, box=[8, 8, 40, 40])
        assert obj_ids == [1, 2]
        assert (masks[0] == -1024).all()
        assert (masks[1] > 0).any()


def test_overlaps_are_resolved_on_request() -> None:
    predictor = make_predictor(non_overlap_masks=True)
    with make_state(predictor) as state:
        for obj_id in (1, 2):
            _, _, masks = predictor.add_new_points_or_box(
                state, 0, obj_id, points=[[10, 10]], labels=[1]
            )
        assert ((masks > 0).sum(axis=0) <= 1).all()


@pytest.mark.parametrize(
    "arguments",
    [
        {"points": [[1, 2]]},
        {"labels": [1]},
        {},
        {"box": [0, 0, 5, 5], "clear_old_points": False},
    ],
)
def test_contradictory_prompts_raise_value_errors(arguments: dict[str, Any]) -> None:
    predictor = make_predictor()
    with make_state(predictor) as state, pytest.raises(ValueError, match=r"\w+"):
        predictor.add_new_points_or_box(state, 0, 1, **arguments)


def test_propagating_without_prompts_raises_runtime_error() -> None:
    predictor = make_predictor()
    with make_state(predictor) as state, pytest.raises(RuntimeError, match="nothing to track"):
        next(predictor.propagate_in_video(state))


def test_removing_tells_what_remains() -> None:
    predictor = make_predictor()
    with make_state(predictor) as state:
        for obj_id in (4, 5):
            predictor.add_new_points_or_box(state, obj_id - 4, obj_id, points=[[9, 9]], labels=[1])
        obj_ids, updated = predictor.remove_object(state, 5)
        assert obj_ids == [4]
        assert [(frame, masks.shape) for frame, masks in updated] == [(1, (1, 1, HEIGHT, WIDTH))]
        assert predictor.remove_object(state, 5) == ([4], [])
        with pytest.raises(TrackingError, match="existing object ids: \\[4\\]"):
            predictor.remove_object(state, 5, strict=True)
        assert predictor.remove_object(state, 4) == ([], [])


def test_clearing_gives_the_masks_back_only_if_needed() -> None:
    predictor = make_predictor()
    with make_state(predictor) as state:
        predictor.add_new_points_or_box(state, 0, 1, points=[[9, 9]], labels=[1])
        assert predictor.clear_all_prompts_in_frame(state, 0, 1, need_output=False) is None
        cleared = predictor.clear_all_prompts_in_frame(state, 0, 1)
        assert cleared is not None
        assert (cleared[2] == -1024).all()


def test_resetting_leaves_the_video_open() -> None:
    predictor = make_predictor()
    with make_state(predictor) as state:
        predictor.add_new_points_or_box(state, 0, 1, points=[[9, 9]], labels=[1])
        predictor.reset_state(state)
        assert state.obj_ids == ()
        predictor.add_new_mask(state, 1, 3, np.ones((HEIGHT, WIDTH), bool))
        assert [frame for frame, _, _ in predictor.propagate_in_video(state)] == [1, 2, 3, 4]


def test_unknown_presets_are_refused() -> None:
    with pytest.raises(ModelError, match="quality, balanced, fast"):
        SAM2VideoPredictor.from_pretrained("micro", preset=cast(Any, "turbo"))


def test_all_errors_have_one_root() -> None:
    assert issubclass(PromptError, Sam2ovError)
    assert issubclass(TrackingError, Sam2ovError)
