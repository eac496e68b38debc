"""Scripted interactions: sam2ov against sam2 in torch on the same weights, FP32.

The small configuration runs every script on a clip long enough for the whole memory bank; what
the official configurations give is printed by ``python -m tests.parity.interaction_report``.
"""

from pathlib import Path

import pytest

from convert import convert_checkpoint
from sam2ov.engine.model import SAM2Model
from sam2ov.upstream.sam2_video_predictor import SAM2VideoPredictor
from tests.parity.agreement import compare
from tests.reference import interactions
from tests.reference.clip import make_clip
from tests.reference.interactions import play
from tests.reference.random_weights import build_reference
from tools.torch_predictor import Predictor, init_state, save_checkpoint


@pytest.mark.parity
@pytest.mark.parametrize("script", interactions.SCRIPTS, ids=lambda script: script.__name__)
def test_small_configuration(
    small: tuple[Predictor, SAM2Model], script: interactions.Script
) -> None:
    expected, model = small
    clip = make_clip(12, 120, 160, seed=3)
    answers = play(script, expected, init_state(expected, clip), clip)
    agreement = compare(answers, SAM2VideoPredictor(model, fill_hole_area=0), clip, script)
    assert agreement.iou >= 0.999
    assert agreement.worst_iou >= 0.99
    assert agreement.largest_error <= 1e-2
    assert agreement.present > 0


@pytest.mark.parity
@pytest.mark.parametrize("config", ["sam2.1_hiera_t", "sam2_hiera_t"])
def test_official_configuration(config: str, tmp_path: Path) -> None:
    expected = build_reference(config, image_size=256)
    save_checkpoint(expected, tmp_path / "checkpoint.pt")
    out = tmp_path / "ir"
    convert_checkpoint(
        tmp_path / "checkpoint.pt", out, config=config, image_sizes=[256], weights="f32"
    )
    model = SAM2Model(out, precision="f32")
    clip = make_clip(6, 120, 160, seed=4)
    absent = present = 0
    for script in (*interactions.SCRIPTS, interactions.everything):
        answers = play(script, expected, init_state(expected, clip), clip)
        agreement = compare(answers, SAM2VideoPredictor(model, fill_hole_area=0), clip, script)
        assert agreement.iou >= 0.999, script.__name__
        absent += agreement.absent
        present += agreement.present
    assert absent > 0, "the scripts must see occlusion"
    assert present > absent
