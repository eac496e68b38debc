"""Hydra's overrides: honoured, or refused by name."""

import pytest

from sam2ov.errors import ModelError
from sam2ov.upstream.overrides import Overrides, read_overrides
from tests.fake_model import make_manifest


def test_what_is_set_beside_the_networks() -> None:
    overrides = read_overrides(
        [
            "++model.fill_hole_area=3",
            "+model.fill_hole_area=5",
            "model.non_overlap_masks=true",
            "++model.image_size=512",
            "++model._target_=sam2.sam2_video_predictor.SAM2VideoPredictorVOS",
            "++model.compile_image_encoder=True",
            "++model.add_all_frames_to_correct_as_cond=true",
        ]
    )
    assert overrides == Overrides(512, 5, non_overlap_masks=True)


def test_switches_reach_the_manifest() -> None:
    manifest = read_overrides(
        [
            "++model.multimask_max_pt_num=4",
            "++model.sam_mask_decoder_extra_args.dynamic_multimask_via_stability=true",
            "++model.sam_mask_decoder_extra_args.dynamic_multimask_stability_delta=0.1",
            "++model.max_cond_frames_in_attn=2",
        ]
    ).applied(make_manifest())
    switches = manifest.switches
    assert switches.multimask_max_points == 4
    assert switches.dynamic_multimask
    assert switches.dynamic_multimask_delta == 0.1
    assert switches.max_conditioning_frames == 2
    assert not switches.binarize_prompted_masks  # it is a part of postprocessing


def test_without_postprocessing_the_plain_model_runs() -> None:
    switches = read_overrides([]).applied(make_manifest()).switches
    assert (switches.dynamic_multimask, switches.binarize_prompted_masks) == (False, False)
    assert read_overrides([]).fill_hole_area == 0


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("++model.num_maskmem=3", "networks are fixed"),
        ("++model.image_encoder.scalp=2", "networks are fixed"),
        ("++model.add_all_frames_to_correct_as_cond=false", "always True"),
        ("++model.clear_non_cond_mem_around_input=true", "always False"),
        ("++model.fill_hole_area=many", "cannot be 'many'"),
        ("++model.fill_hole_area=-1", "cannot be -1"),
        ("++model.non_overlap_masks=1", "cannot be 1"),
        ("++trainer.lr=1", "not of the form"),
        ("~model.fill_hole_area", "not of the form"),
        ("++model.fill_hole_area={", "no readable value"),
    ],
)
def test_what_cannot_be_honoured_is_refused(line: str, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        read_overrides([line])


def test_a_switch_of_no_use_is_refused() -> None:
    with pytest.raises(ModelError, match="multimask_max_points"):
        read_overrides(["++model.multimask_max_pt_num=often"]).applied(make_manifest())
