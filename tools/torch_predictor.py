"""The authors' own video predictor in torch: what parity and speed are measured against.

It needs torch, Hydra and a package ``sam2`` (of any family), and nothing of the runtime. Two
deviations from upstream, both on purpose: every prompted frame is a conditioning frame
(``add_all_frames_to_correct_as_cond``), as in sam2ov, and no holes are filled (a CUDA kernel there,
silently skipped on a CPU). Parity needs a third, ``keep_memories_in_float32``.
"""

import importlib
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, Final, cast

import numpy as np
import sam2.sam2_video_predictor as upstream
import torch
from hydra.utils import instantiate
from numpy.typing import NDArray
from omegaconf import OmegaConf
from PIL import Image
from torch import Tensor, nn

from tools.torch_families import (
    let_perceiver_take_several_objects,
    load_config,
    prepare_timm,
    set_image_size,
)

IMAGE_MEAN: Final = (0.485, 0.456, 0.406)
IMAGE_STD: Final = (0.229, 0.224, 0.225)

_NAMED_IN_MESSAGE = 5

Predictor = Any  # sam2 ships no types
InferenceState = dict[str, Any]


class _TorchWithFloat32Memories(ModuleType):
    """``torch`` as the predictor module sees it; its only use of bfloat16 is storing memories."""

    bfloat16 = torch.float32

    def __getattr__(self, name: str) -> Any:
        return getattr(torch, name)


upstream.tqdm = lambda frames, **_: frames  # no progress bars in logs


def keep_memories_in_float32(module: Any = upstream) -> None:
    """From now on, the predictors of a module store their memories as they were computed.

    Upstream stores bfloat16, which blurs a float32 comparison.
    """
    module.torch = _TorchWithFloat32Memories("torch")


def build_predictor(config: str | Path, image_size: int | None = None) -> Predictor:
    """An untrained ``SAM2VideoPredictor`` as ``build_sam2_video_predictor`` would build it.

    Args:
        config: upstream's name, or a yaml file with a ``model:`` key.
        image_size: side of the square model input, a multiple of 32; None keeps the config's.

    Raises:
        ValueError: there is no such configuration, or it names what is no part of upstream's model.
    """
    loaded = load_config(config)
    if image_size is not None:
        set_image_size(loaded, image_size)
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
    for key, value in overrides.items():
        OmegaConf.update(loaded, f"model.{key}", value, force_add=True)
    if loaded.model.image_encoder.trunk._target_ == "sam2.modeling.backbones.timm.TimmBackbone":
        prepare_timm()
    _check_targets(loaded.model, f"the configuration {config}")
    predictor: Predictor = instantiate(loaded.model, _recursive_=True).eval()
    perceiver = getattr(predictor, "spatial_perceiver", None)
    if perceiver is not None:
        let_perceiver_take_several_objects(perceiver)
    return predictor


def _check_targets(node: Any, where: str) -> None:
    """Refuse what upstream would instantiate, whatever it is: a file may come from anywhere.

    Only the classes of upstream's networks are taken, each by the module that defines it.
    """
    if OmegaConf.is_list(node):
        for value in node:
            _check_targets(value, where)
    if not OmegaConf.is_dict(node):
        return
    for value in node.values():
        _check_targets(value, where)
    if node.get("weights_path") is not None:
        raise ValueError(f"{where} would load another file, {node.weights_path}")
    target = node.get("_target_")
    if target is not None and not _is_network(target):
        raise ValueError(f"{where} names {target!r}, which is no part of sam2's model")


def _is_network(target: str) -> bool:
    module_name, _, name = target.rpartition(".")
    if not module_name.startswith("sam2."):
        return False
    try:
        found = getattr(importlib.import_module(module_name), name, None)
    except ImportError:
        return False
    return (
        isinstance(found, type) and issubclass(found, nn.Module) and found.__module__ == module_name
    )


def load_checkpoint(predictor: Predictor, checkpoint: Path) -> None:
    """Load upstream's ``{"model": state_dict}`` or a bare one, ``.pt`` or ``.safetensors``.

    Raises:
        ValueError: its keys or shapes are not the predictor's.
    """
    if checkpoint.suffix == ".safetensors":
        from safetensors.torch import load_file

        content: Any = load_file(checkpoint)
    else:
        content = torch.load(checkpoint, map_location="cpu", weights_only=True)
    state_dict: Mapping[str, Tensor] = content.get("model", content)
    # Counters of batches normalisations saw in training, which files may lack: nothing reads them.
    own = predictor.state_dict()
    counters = {key: value for key, value in own.items() if key.endswith("num_batches_tracked")}
    state_dict = {**counters, **state_dict}
    shapes = {key: tuple(tensor.shape) for key, tensor in own.items()}
    found = {key: tuple(tensor.shape) for key, tensor in state_dict.items()}
    differ = sorted(dict(shapes.items() ^ found.items()))
    if differ:
        raise ValueError(
            f"{checkpoint} does not fit the configuration: {len(differ)} tensors are missing, "
            f"unexpected or of another shape ({', '.join(differ[:_NAMED_IN_MESSAGE])}, …)"
        )
    predictor.load_state_dict(state_dict)


def save_checkpoint(predictor: Predictor, path: Path) -> None:
    """Write upstream's checkpoint format, ``{"model": state_dict}``."""
    torch.save({"model": predictor.state_dict()}, path)


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
    module = sys.modules[predictor.init_state.__module__]
    height, width = frames.shape[1:3]
    images = ImagesOnDemand(frames, predictor.image_size)

    def load_video_frames(**_: Any) -> tuple[ImagesOnDemand, int, int]:
        return images, height, width

    original = module.load_video_frames
    module.load_video_frames = load_video_frames  # type: ignore[attr-defined]
    try:
        return cast(InferenceState, predictor.init_state(video_path=""))
    finally:
        module.load_video_frames = original  # type: ignore[attr-defined]
