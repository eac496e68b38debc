from pathlib import Path

import numpy as np
import pytest
import torch
from sam2.modeling.sam2_base import SAM2Base

from training import data, export_checkpoint, model, tracking
from training.pretext import pretext_loss
from training.prompts import Kind
from training.scenes import make_clip
from training.steps import clip_loss, image_loss
from training.tracking import Batch

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def network() -> SAM2Base:
    torch.manual_seed(0)
    built: SAM2Base = model.build()
    model.initialise(built)
    return built


@pytest.fixture
def batch() -> Batch:
    return data.clip_batch(np.random.default_rng(0), 1, 3, 64, 2, None, CPU)


def test_size(network: SAM2Base) -> None:
    assert model.parameter_count(network) <= 12_000_000


def test_all_switches_of_sam_2_1_are_on(network: SAM2Base) -> None:
    for switch in (
        "use_high_res_features_in_sam",
        "use_obj_ptrs_in_encoder",
        "pred_obj_scores",
        "proj_tpos_enc_in_obj_ptrs",
        "use_signed_tpos_enc_to_obj_ptrs",
        "fixed_no_obj_ptr",
        "multimask_output_for_tracking",
        "use_multimask_token_for_obj_ptr",
        "only_obj_ptrs_in_the_past_for_eval",
        "use_mask_input_as_output_without_sam",
    ):
        assert getattr(network, switch) is True
    assert network.no_obj_embed_spatial is not None


def test_weights_load_strictly_into_the_predictor(network: SAM2Base, tmp_path: Path) -> None:
    predictor = model.build(target=model.PREDICTOR)
    half = tmp_path / "half.safetensors"
    export_checkpoint.write_pt(network.state_dict(), tmp_path / "full.pt")
    export_checkpoint.write_safetensors(network.state_dict(), half)
    for path in (tmp_path / "full.pt", half):
        predictor.load_state_dict(export_checkpoint.read_weights(path), strict=True)
    assert half.stat().st_size <= 25_000_000


def test_encoding_equals_upstream(network: SAM2Base) -> None:
    model.set_image_size(network, 128)
    images = torch.randn(2, 3, 128, 128)
    with torch.no_grad():
        ours, theirs = model.encode(network, images), network.forward_image(images)
    for mine, reference in zip(
        (ours.stride4, ours.stride8, ours.embedding), theirs["backbone_fpn"], strict=True
    ):
        torch.testing.assert_close(mine, reference, rtol=1e-4, atol=1e-5)


def test_plain_attention_equals_the_fused_one() -> None:
    query, key, value = torch.randn(3, 2, 4, 6, 8).unbind(0)
    torch.testing.assert_close(
        model.plain_attention(query, key, value),
        torch.nn.functional.scaled_dot_product_attention(query, key, value),
    )
    with pytest.raises(ValueError, match="dropout"):
        model.plain_attention(query, key, value, 0.1)


def test_a_box_is_read_where_upstream_reads_it(network: SAM2Base) -> None:
    """One prompted frame gives the logits of `SAM2Base._forward_sam_heads`."""
    model.set_image_size(network, 64)
    features = model.encode(network, torch.randn(1, 3, 64, 64))
    features = model.without_memory(network, features)
    xy, labels = (
        torch.tensor([[[8.0, 8.0], [40.0, 50.0]]]),
        torch.tensor([[2, 3]], dtype=torch.int32),
    )
    decoded = model.decode(network, features, xy, labels)
    with torch.no_grad():
        reference = network._forward_sam_heads(
            backbone_features=features.embedding,
            point_inputs={"point_coords": xy, "point_labels": labels},
            high_res_features=[features.stride4, features.stride8],
        )
    torch.testing.assert_close(decoded.choose(False)[0], reference[3])


@pytest.mark.parametrize("kind", ["mask", "box", "click"])
def test_tracking_reaches_every_frame_and_learns(
    network: SAM2Base, batch: Batch, kind: Kind
) -> None:
    model.set_image_size(network, 64)
    steps = list(
        tracking.track(network, batch, tracking.Plan(kind, {0: 1, 1: 2}), np.random.default_rng(0))
    )
    assert [step.frame for step in steps] == [0, 1, 2]
    assert len(steps[0].decoded) == (0 if kind == "mask" else 2)
    assert all(step.mask_logits.shape == (2, 1, 16, 16) for step in steps)
    assert [len(step.decoded) for step in steps[1:]] == [3, 1]
    last = steps[-1].decoded[-1]
    torch.autograd.backward(last.logits.mean())
    touched = network.memory_attention.layers[0].cross_attn_image.k_proj.weight.grad
    assert touched is not None
    assert touched.abs().max() > 0
    network.zero_grad()


def test_frames_without_gradient_have_the_same_features_and_the_rest_still_learns(
    network: SAM2Base, batch: Batch
) -> None:
    model.set_image_size(network, 64)
    results = []
    for encoder_frames in (0, 1):
        plan = tracking.Plan("mask", encoder_frames=encoder_frames)
        steps = list(tracking.track(network, batch, plan, np.random.default_rng(0)))
        results.append(steps[-1].mask_logits)
    torch.testing.assert_close(results[0], results[1])
    torch.autograd.backward(results[1].mean())
    assert network.image_encoder.trunk.patch_embed.proj.weight.grad is not None
    network.zero_grad()


def test_frames_before_the_burn_in_learn_nothing_and_later_ones_do(
    network: SAM2Base, batch: Batch
) -> None:
    model.set_image_size(network, 64)
    plan = tracking.Plan("box", encoder_frames=1, burn_in=2)
    with torch.autocast("cpu", torch.bfloat16):
        steps = list(tracking.track(network, batch, plan, np.random.default_rng(0)))
    learns = [step.decoded[-1].logits.requires_grad for step in steps]
    assert learns == [False, False, True]
    torch.autograd.backward(steps[-1].decoded[-1].logits.mean())
    for weight in (
        network.image_encoder.trunk.patch_embed.proj.weight,
        network.sam_mask_decoder.transformer.layers[0].mlp.layers[0].weight,
    ):
        assert weight.grad is not None
        assert weight.grad.abs().max() > 0
    network.zero_grad()


def test_losses_of_all_steps_are_finite(network: SAM2Base, batch: Batch) -> None:
    model.set_image_size(network, 64)
    rng = np.random.default_rng(1)
    for _ in range(4):
        images = data.image_batch(rng, 2, 64, None, CPU)
        for loss in (
            pretext_loss(network, rng, 3, 64, CPU),
            image_loss(network, images, rng),
            clip_loss(network, batch, rng, teacher=0.5),
        ):
            assert torch.isfinite(loss)


def test_batches_hold_what_was_drawn() -> None:
    clip = make_clip(np.random.default_rng(0), 2, (64, 64), 1, "easy")
    made = data.to_batch(clip.frames[None], clip.masks[None, None], CPU)
    pixel = made.frames[0, 1, :, 5, 7] * torch.tensor(model.STD) + torch.tensor(model.MEAN)
    np.testing.assert_allclose(pixel * 255, clip.frames[1, 5, 7], atol=1e-3)
