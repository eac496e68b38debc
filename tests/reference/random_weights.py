"""Predictors whose random weights make nothing degenerate.

Official weights are not needed. The architectures are the official ones (or any configuration
file's), the weights are random but seeded, and adjusted so that nothing is degenerate: every
parameter matters (upstream initialises layer scales to 1e-6, temporal encodings to 0.02, position
embeddings to zero; a converter that forgets one would go unnoticed), mask logits have both signs,
object scores are positive on some frames and negative on others, predicted IoUs do not tie.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tests.reference.bookkeeping import use_current_bookkeeping
from tests.reference.clip import make_clip
from tools.torch_predictor import (
    Predictor,
    build_predictor,
    frames_to_images,
    init_state,
    keep_memories_in_float32,
    load_checkpoint,
)


def build_reference(
    config: str | Path,
    image_size: int | None = None,
    seed: int = 0,
    checkpoint: Path | None = None,
) -> Predictor:
    """A predictor with the weights of a checkpoint, or with seeded random ones.

    Memories stay in float32, in all predictors of this process. Predictors of other packages than
    sam2 1.1.0 get its bookkeeping.
    """
    predictor = _build(config, image_size)
    if checkpoint is not None:
        load_checkpoint(predictor, checkpoint)
        return predictor
    # Calibrated at 256 px: no weight depends on the size, and the run takes a second.
    calibrated = build_random(config, 256, seed)
    calibrate(calibrated, _calibration_clip(seed))
    predictor.load_state_dict(calibrated.state_dict())
    return predictor


def build_random(config: str | Path, image_size: int | None = None, seed: int = 0) -> Predictor:
    """Random weights that do for each network alone: object scores may all be negative."""
    predictor = _build(config, image_size)
    randomize(predictor, seed)
    calibrate_batch_norms(predictor, _calibration_clip(seed))
    return predictor


def _calibration_clip(seed: int) -> NDArray[np.uint8]:
    return make_clip(frames=6, height=192, width=256, seed=seed)


def _build(config: str | Path, image_size: int | None) -> Predictor:
    keep_memories_in_float32()
    predictor = build_predictor(config, image_size)
    if not hasattr(predictor, "_clear_obj_non_cond_mem_around_input"):  # not sam2 1.1.0's
        use_current_bookkeeping(predictor)
    return predictor


def randomize(predictor: Predictor, seed: int = 0) -> None:
    """Overwrite every parameter with seeded values of a scale at which it matters."""
    generator = torch.Generator().manual_seed(seed)

    def normal(parameter: Tensor, std: float, mean: float = 0.0) -> None:
        parameter.copy_(torch.randn(parameter.shape, generator=generator) * std + mean)

    with torch.no_grad():
        for name, parameter in predictor.state_dict(keep_vars=True).items():
            leaf = name.rsplit(".", 1)[-1]
            if not parameter.is_floating_point():  # batches that a norm has seen
                continue
            if leaf == "running_var":
                parameter.copy_(0.5 + torch.rand(parameter.shape, generator=generator))
            elif "norm" in name or _is_norm(predictor, name):
                normal(parameter, 0.2, mean=1.0 if leaf == "weight" else 0.0)
            elif leaf == "bias":
                normal(parameter, 0.1)
            elif leaf == "gamma":
                normal(parameter, 0.2, mean=0.7)
            elif leaf == "weight" and parameter.ndim >= 2 and not _is_embedding(predictor, name):
                normal(parameter, _fan_in(predictor, name, parameter) ** -0.5)
            elif leaf == "positional_encoding_gaussian_matrix":
                normal(parameter, 1.0)
            else:  # embeddings, tokens, position and temporal encodings
                normal(parameter, 0.6)


def _owner(predictor: Predictor, name: str) -> nn.Module:
    return cast(nn.Module, predictor.get_submodule(name.rpartition(".")[0]))


def _is_norm(predictor: Predictor, name: str) -> bool:
    return "Norm" in type(_owner(predictor, name)).__name__


def _is_embedding(predictor: Predictor, name: str) -> bool:
    return isinstance(_owner(predictor, name), nn.Embedding)


def _fan_in(predictor: Predictor, name: str, weight: Tensor) -> int:
    if isinstance(_owner(predictor, name), nn.ConvTranspose2d):
        return weight.shape[0]  # stride = kernel size: one tap per output pixel
    return weight[0].numel()


def calibrate_batch_norms(predictor: Predictor, frames: NDArray[np.uint8]) -> None:
    """Set running statistics to those of a clip, and let the neck's maps have a deviation of 1.

    With random statistics activations grow from block to block until no bias matters, and with
    large maps no memory does.
    """
    norms = [module for module in predictor.modules() if isinstance(module, nn.BatchNorm2d)]
    if not norms:
        return
    for norm in norms:
        norm.train()
        norm.momentum = 1.0
    with torch.no_grad():
        maps = predictor.image_encoder.trunk(frames_to_images(frames, predictor.image_size))
        for conv, level_map in zip(predictor.image_encoder.neck.convs, reversed(maps), strict=True):
            conv.conv.weight /= conv(level_map).std()
    for norm in norms:
        norm.eval()


@dataclass(frozen=True)
class _DecoderCall:
    """What one run of the mask decoder shows; ``prompted``: the frame had a click."""

    upscaled: Tensor  # [1, C/8, S/4, S/4], what the hypernetworks are multiplied with
    mask_logits: Tensor  # [1, 4, S/4, S/4]
    score_features: Tensor  # [1, C], what the last layer of the score head sees
    object_score: float
    prompted: bool


def calibrate(predictor: Predictor, frames: NDArray[np.uint8]) -> None:
    """Centre mask logits and object scores on a short run, so that both signs occur.

    Only the last layers of the heads change: hypernetworks are made orthogonal to the mean of the
    upscaled embedding (else a random mask is all foreground or all background) and scaled to a
    standard deviation of 8; object scores move to 6 where there is a click (else every click
    would risk an empty mask) and to mean 1, standard deviation 3 on tracked frames.
    """
    decoder = predictor.sam_mask_decoder
    hypernetworks = [mlp.layers[-1] for mlp in decoder.output_hypernetworks_mlps]
    with torch.no_grad():
        calls = _run_decoder(predictor, frames)
        means = torch.cat([call.upscaled.mean(dim=(2, 3)) for call in calls])  # [calls, C/8]
        basis = torch.linalg.svd(means, full_matrices=False).Vh[:2]  # prompted and tracked frames
        for layer in hypernetworks:
            layer.weight -= basis.T @ (basis @ layer.weight)
            layer.bias -= basis.T @ (basis @ layer.bias)
        calls = _run_decoder(predictor, frames)
        for token, layer in enumerate(hypernetworks):
            gain = 8.0 / torch.stack([call.mask_logits[0, token] for call in calls]).std()
            layer.weight *= gain
            layer.bias *= gain
        calls = _run_decoder(predictor, frames)
        features = torch.cat([call.score_features for call in calls])
        scores = torch.tensor([call.object_score for call in calls])
        prompted = torch.tensor([call.prompted for call in calls])
        tracked = scores[~prompted]
        targets = torch.where(prompted, 6.0, 1.0 + 3.0 * (scores - tracked.mean()) / tracked.std())
        # Least squares on the whole run with a ridge: the smallest change that gets there.
        design = torch.cat([features, torch.ones(len(calls), 1)], dim=1)
        gram = design @ design.T
        ridge = 1e-3 * gram.diagonal().mean() * torch.eye(len(calls))
        change = design.T @ torch.linalg.solve(gram + ridge, targets - scores)
        score_layer = decoder.pred_obj_score_head.layers[-1]
        score_layer.weight += change[:-1]
        score_layer.bias += change[-1]


def _run_decoder(predictor: Predictor, frames: NDArray[np.uint8]) -> list[_DecoderCall]:
    """Click two objects on the first frame, track them, and report every decoder call."""
    upscaled: list[Tensor] = []
    features: list[Tensor] = []
    calls: list[_DecoderCall] = []
    decoder = predictor.sam_mask_decoder
    original = decoder.predict_masks

    def predict_masks(*args: Any, **kwargs: Any) -> Any:
        outputs = original(*args, **kwargs)
        calls.append(
            _DecoderCall(
                upscaled=upscaled[-1],
                mask_logits=outputs[0],
                score_features=features[-1],
                object_score=float(outputs[3]),
                prompted=len(calls) < 2,
            )
        )
        return outputs

    hooks = (
        decoder.output_upscaling[-1].register_forward_hook(
            lambda _module, _inputs, output: upscaled.append(output)
        ),
        decoder.pred_obj_score_head.layers[-1].register_forward_hook(
            lambda _module, inputs, _output: features.append(inputs[0])
        ),
    )
    decoder.predict_masks = predict_masks
    try:
        height, width = frames.shape[1:3]
        state = init_state(predictor, frames)
        for obj_id, (x, y) in enumerate([(0.3, 0.4), (0.7, 0.65)]):
            predictor.add_new_points_or_box(
                state, 0, obj_id, points=[[x * width, y * height]], labels=[1]
            )
        for _ in predictor.propagate_in_video(state):
            pass
    finally:
        for hook in hooks:
            hook.remove()
        del decoder.predict_masks
    return calls
