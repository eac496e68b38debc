"""sam2's own video predictor in torch: what parity and speed are measured against.

Official weights are not needed. The architectures are the official ones (or any configuration
file's), the weights are random but seeded, and adjusted so that nothing is degenerate: every
parameter matters (upstream initialises layer scales to 1e-6, temporal encodings to 0.02, position
embeddings to zero; a converter that forgets one would go unnoticed), mask logits have both signs,
object scores are positive on some frames and negative on others, predicted IoUs do not tie.

Two deviations from upstream, both on purpose: every prompted frame is a conditioning frame
(``add_all_frames_to_correct_as_cond``), as in sam2ov, and the memories of ``build_reference`` stay
in float32 (upstream stores bfloat16, which blurs a float32 comparison).
"""

from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Final, cast

import numpy as np
import sam2.sam2_video_predictor as upstream
import torch
from hydra.utils import instantiate
from numpy.typing import NDArray
from omegaconf import DictConfig, OmegaConf
from PIL import Image
from torch import Tensor, nn

from convert.build import config_path
from convert.checkpoint import load_state_dict

IMAGE_MEAN: Final = (0.485, 0.456, 0.406)
IMAGE_STD: Final = (0.229, 0.224, 0.225)

Predictor = Any  # sam2 ships no types
InferenceState = dict[str, Any]


class _TorchWithFloat32Memories(ModuleType):
    """``torch`` as the predictor module sees it; its only use of bfloat16 is storing memories."""

    bfloat16 = torch.float32

    def __getattr__(self, name: str) -> Any:
        return getattr(torch, name)


upstream.tqdm = lambda frames, **_: frames  # no progress bars in logs


def keep_memories_in_float32() -> None:
    """From now on, the predictors of this process store their memories as they were computed."""
    upstream.torch = _TorchWithFloat32Memories("torch")


def build_predictor(config: str | Path, image_size: int | None = None) -> Predictor:
    """An untrained ``SAM2VideoPredictor`` as ``build_sam2_video_predictor`` would build it.

    Args:
        config: upstream's name, or a yaml file with a ``model:`` key that is to be trusted.
        image_size: side of the square model input, a multiple of 32; None keeps the config's.
    """
    loaded = cast(DictConfig, OmegaConf.load(config_path(config)))
    # The overrides of upstream's build_sam.py (apply_postprocessing=True), but without hole
    # filling: it is a CUDA kernel there and silently skipped on CPU.
    overrides: dict[str, Any] = {
        "_target_": "sam2.sam2_video_predictor.SAM2VideoPredictor",
        "sam_mask_decoder_extra_args.dynamic_multimask_via_stability": True,
        "sam_mask_decoder_extra_args.dynamic_multimask_stability_delta": 0.05,
        "sam_mask_decoder_extra_args.dynamic_multimask_stability_thresh": 0.98,
        "binarize_mask_from_pts_for_mem_enc": True,
        "fill_hole_area": 0,
        "add_all_frames_to_correct_as_cond": True,
    }
    if image_size is not None:
        feat_sizes = [image_size // 16, image_size // 16]
        overrides["image_size"] = image_size
        overrides["memory_attention.layer.self_attention.feat_sizes"] = feat_sizes
        overrides["memory_attention.layer.cross_attention.feat_sizes"] = feat_sizes
    for key, value in overrides.items():
        OmegaConf.update(loaded, f"model.{key}", value, force_add=True)
    return instantiate(loaded.model, _recursive_=True).eval()


def build_reference(
    config: str | Path,
    image_size: int | None = None,
    seed: int = 0,
    checkpoint: Path | None = None,
) -> Predictor:
    """A predictor with the weights of a checkpoint, or with seeded random ones.

    Memories stay in float32, in all predictors of this process.
    """
    keep_memories_in_float32()
    predictor = build_predictor(config, image_size)
    if checkpoint is not None:
        state_dict = load_state_dict(checkpoint)
    else:
        # Calibrated at 256 px: no weight depends on the size, and the run takes a second.
        calibrated = build_predictor(config, 256)
        randomize(calibrated, seed)
        calibrate(calibrated, make_clip(frames=6, height=192, width=256, seed=seed))
        state_dict = calibrated.state_dict()
    predictor.load_state_dict(state_dict)
    return predictor


def save_checkpoint(predictor: Predictor, path: Path) -> None:
    """Write upstream's checkpoint format, ``{"model": state_dict}``."""
    torch.save({"model": predictor.state_dict()}, path)


def make_clip(frames: int, height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    """A synthetic clip, RGB [T, H, W, 3]: two discs cross a textured, drifting background.

    Disc 0 leaves the picture to the right in the second half; disc 1 stays.
    """
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=(height // 8 + 2, width // 8 + frames + 2, 3))
    texture = np.kron(noise, np.ones((8, 8, 1)))
    y, x = np.mgrid[:height, :width]
    clip = np.empty((frames, height, width, 3), np.uint8)
    for t in range(frames):
        picture = 110 + 28 * texture[:height, 2 * t : 2 * t + width]
        progress = t / max(frames - 1, 1)
        for color, center_x, center_y, radius in (
            ((220, 60, 40), 0.3 + 0.95 * progress, 0.4, 0.17),
            ((40, 90, 230), 0.7 - 0.4 * progress, 0.65, 0.2),
        ):
            distance = np.hypot(x - center_x * width, y - center_y * height)
            picture[distance < radius * height] = color
        clip[t] = np.clip(picture, 0, 255)
    return clip


def frame_to_image(frame: NDArray[np.uint8], image_size: int) -> Tensor:
    """Model input float32 [3, S, S] from an RGB frame [H, W, 3], as upstream's folder loader.

    Upstream: ``_load_img_as_tensor`` and ``load_video_frames_from_jpg_images`` in utils/misc.py
    (``Image.resize`` of an RGB picture is bicubic by default).
    """
    resized = Image.fromarray(frame).resize((image_size, image_size), Image.Resampling.BICUBIC)
    image = torch.from_numpy(np.array(resized) / 255.0).permute(2, 0, 1).float()
    image -= torch.tensor(IMAGE_MEAN)[:, None, None]
    image /= torch.tensor(IMAGE_STD)[:, None, None]
    return image


def frames_to_images(frames: NDArray[np.uint8], image_size: int) -> Tensor:
    """Model input float32 [T, 3, S, S] from RGB frames [T, H, W, 3]."""
    return torch.stack([frame_to_image(frame, image_size) for frame in frames])


class ImagesOnDemand:
    """What upstream takes for its images [T, 3, S, S], each made when it is asked for.

    Args:
        frames: uint8 RGB [T, H, W, 3], may be mapped from a file.
        image_size: S.
    """

    def __init__(self, frames: NDArray[np.uint8], image_size: int) -> None:
        self._frames = frames
        self._image_size = image_size

    def __len__(self) -> int:
        return len(self._frames)

    def __getitem__(self, frame_idx: int) -> Tensor:
        return frame_to_image(self._frames[frame_idx], self._image_size)


def init_state(predictor: Predictor, frames: NDArray[np.uint8]) -> InferenceState:
    """Upstream's ``inference_state`` for RGB frames uint8 [T, H, W, 3], without any file."""
    height, width = frames.shape[1:3]
    images = ImagesOnDemand(frames, predictor.image_size)

    def load_video_frames(**_: Any) -> tuple[ImagesOnDemand, int, int]:
        return images, height, width

    original = upstream.load_video_frames
    upstream.load_video_frames = load_video_frames
    try:
        return cast(InferenceState, predictor.init_state(video_path=""))
    finally:
        upstream.load_video_frames = original


def randomize(predictor: Predictor, seed: int = 0) -> None:
    """Overwrite every parameter with seeded values of a scale at which it matters."""
    generator = torch.Generator().manual_seed(seed)

    def normal(parameter: Tensor, std: float, mean: float = 0.0) -> None:
        parameter.copy_(torch.randn(parameter.shape, generator=generator) * std + mean)

    with torch.no_grad():
        for name, parameter in predictor.state_dict(keep_vars=True).items():
            leaf = name.rsplit(".", 1)[-1]
            if "norm" in name or _is_norm(predictor, name):
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
    return "LayerNorm" in type(_owner(predictor, name)).__name__


def _is_embedding(predictor: Predictor, name: str) -> bool:
    return isinstance(_owner(predictor, name), nn.Embedding)


def _fan_in(predictor: Predictor, name: str, weight: Tensor) -> int:
    if isinstance(_owner(predictor, name), nn.ConvTranspose2d):
        return weight.shape[0]  # stride = kernel size: one tap per output pixel
    return weight[0].numel()


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
