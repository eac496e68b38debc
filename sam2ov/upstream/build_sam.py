"""``build_sam2`` and its kin: a configuration and a checkpoint to something that predicts.

Line numbers are those of ``sam2/build_sam.py`` at upstream's commit 2b90b9f. A checkpoint is
converted on first use and kept in sam2ov's cache, by the content of both files.
"""

import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sam2ov.engine.devices import Precision
from sam2ov.errors import DeviceError, ModelError, ModelNotFoundError
from sam2ov.upstream.overrides import Overrides, read_overrides
from sam2ov.upstream.sam2_base import SAM2Base
from sam2ov.zoo.catalogue import resolve_configured
from sam2ov.zoo.loading import prepare_model
from sam2ov.zoo.presets import PresetName

if TYPE_CHECKING:
    from sam2ov.upstream.sam2_video_predictor import SAM2VideoPredictor

_log = logging.getLogger(__name__)

_TORCH_DEVICES = frozenset({"cuda", "mps", "xpu", "hip", "meta"})

_IMAGE_POSTPROCESSING = (
    "++model.sam_mask_decoder_extra_args.dynamic_multimask_via_stability=true",
    "++model.sam_mask_decoder_extra_args.dynamic_multimask_stability_delta=0.05",
    "++model.sam_mask_decoder_extra_args.dynamic_multimask_stability_thresh=0.98",
)
_VIDEO_POSTPROCESSING = (
    *_IMAGE_POSTPROCESSING,
    "++model.binarize_mask_from_pts_for_mem_enc=true",
    "++model.fill_hole_area=8",
)


def build_sam2(
    config_file: str | Path,
    ckpt_path: str | Path | None = None,
    device: Any = "CPU",
    mode: str = "eval",
    hydra_overrides_extra: Sequence[str] = (),
    apply_postprocessing: bool = True,
    *,
    precision: Precision | None = None,
    preset: PresetName = "quality",
) -> SAM2Base:
    """The model for ``SAM2ImagePredictor`` and ``SAM2AutomaticMaskGenerator`` (l. 72).

    Args:
        config_file: upstream's name ("configs/sam2.1/sam2.1_hiera_t.yaml", "sam2.1_hiera_t") or a
            yaml file of one's own.
        ckpt_path: a .pt or .safetensors file.
        device: "cpu" or another device of OpenVINO ("GPU", "GPU.1", "NPU", "AUTO"), also as a
            ``torch.device``; "cuda" and "mps" are refused.
        mode: "eval".
        hydra_overrides_extra: as upstream's; see ``sam2ov.upstream.overrides`` for the keys.
        apply_postprocessing: where a single mask is not stable, take the best of three.
        precision: inside the graphs: "f32", "bf16", "f16", or None for the device's best.
        preset: "quality" (the results of upstream), "balanced" or "fast".

    Raises:
        ModelError: there is no checkpoint, it cannot be converted, or an argument asks for what
            compiled networks do not do.
        DeviceError: the device or precision is not there.
    """
    overrides = _overrides(
        hydra_overrides_extra, _IMAGE_POSTPROCESSING if apply_postprocessing else (), mode
    )
    return _built(config_file, ckpt_path, device, overrides, precision, preset)


def build_sam2_hf(
    model_id: str | Path,
    device: Any = "CPU",
    mode: str = "eval",
    hydra_overrides_extra: Sequence[str] = (),
    apply_postprocessing: bool = True,
    *,
    precision: Precision | None = None,
    preset: PresetName = "quality",
) -> SAM2Base:
    """``build_sam2`` for a model by name (l. 148).

    Args:
        model_id: upstream's repository ("facebook/sam2.1-hiera-tiny"), or whatever
            ``sam2ov models`` and ``--model`` know: "micro", a folder, ``hf:ORG/REPO/FILE`` …
        device: see ``build_sam2``; so are the others.
        mode: likewise.
        hydra_overrides_extra: likewise.
        apply_postprocessing: likewise.
        precision: likewise.
        preset: likewise.

    Raises:
        ModelError: as ``build_sam2``, or the checkpoint cannot be fetched.
        DeviceError: the device or precision is not there.
    """
    overrides = _overrides(
        hydra_overrides_extra, _IMAGE_POSTPROCESSING if apply_postprocessing else (), mode
    )
    return _loaded(model_id, device, overrides, precision, preset)


def build_sam2_video_predictor(
    config_file: str | Path,
    ckpt_path: str | Path | None = None,
    device: Any = "CPU",
    mode: str = "eval",
    hydra_overrides_extra: Sequence[str] = (),
    apply_postprocessing: bool = True,
    vos_optimized: bool = False,
    *,
    precision: Precision | None = None,
    preset: PresetName = "quality",
) -> "SAM2VideoPredictor":
    """The predictor for videos (l. 99).

    Args:
        config_file: see ``build_sam2``.
        ckpt_path: see ``build_sam2``.
        device: see ``build_sam2``.
        mode: "eval".
        hydra_overrides_extra: see ``build_sam2``.
        apply_postprocessing: besides what it is for images: fill holes of up to 8 low-resolution
            pixels, and remember clicked masks as they are shown.
        vos_optimized: upstream compiles the networks with torch then; OpenVINO always does, so that
            it changes nothing here.
        precision: see ``build_sam2``.
        preset: see ``build_sam2``.

    Raises:
        ModelError: as ``build_sam2``.
        DeviceError: the device or precision is not there.
    """
    overrides = _overrides(
        hydra_overrides_extra, _VIDEO_POSTPROCESSING if apply_postprocessing else (), mode
    )
    model = _built(config_file, ckpt_path, device, overrides, precision, preset)
    return _video_predictor(model, overrides, vos_optimized=vos_optimized)


def build_sam2_video_predictor_hf(
    model_id: str | Path,
    device: Any = "CPU",
    mode: str = "eval",
    hydra_overrides_extra: Sequence[str] = (),
    apply_postprocessing: bool = True,
    vos_optimized: bool = False,
    *,
    precision: Precision | None = None,
    preset: PresetName = "quality",
) -> "SAM2VideoPredictor":
    """``build_sam2_video_predictor`` for a model by name (l. 153); see ``build_sam2_hf``.

    Raises:
        ModelError: as ``build_sam2_hf``.
        DeviceError: the device or precision is not there.
    """
    overrides = _overrides(
        hydra_overrides_extra, _VIDEO_POSTPROCESSING if apply_postprocessing else (), mode
    )
    model = _loaded(model_id, device, overrides, precision, preset)
    return _video_predictor(model, overrides, vos_optimized=vos_optimized)


def openvino_device(device: Any) -> str:
    """What OpenVINO calls a device: of "cpu", a ``torch.device("cpu")`` or a name of its own.

    Raises:
        DeviceError: it is one that only torch has.
    """
    name = "CPU" if device is None else str(device)
    if name.partition(":")[0].lower() in _TORCH_DEVICES:
        raise DeviceError(
            f"sam2ov runs on OpenVINO, which has no device {name!r}. Leave device out for the CPU, "
            'or give one that "sam2ov devices" lists.'
        )
    return "CPU" if name.lower() in ("cpu", "cpu:0") else name


def _overrides(given: Sequence[str], postprocessing: Sequence[str], mode: str) -> Overrides:
    if mode != "eval":
        raise ModelError(
            f'mode is "eval", got {mode!r}: compiled networks cannot be trained. Train with torch '
            "and sam2, and give the checkpoint to sam2ov."
        )
    return read_overrides((*given, *postprocessing))


def _built(
    config_file: str | Path,
    ckpt_path: str | Path | None,
    device: Any,
    overrides: Overrides,
    precision: Precision | None,
    preset: PresetName,
) -> SAM2Base:
    if ckpt_path is None:
        raise ModelError(
            "ckpt_path is needed: a network without trained weights finds nothing. Give a "
            'checkpoint, or load a model by name: SAM2VideoPredictor.from_pretrained("micro").'
        )
    checkpoint = Path(ckpt_path).expanduser()
    if not checkpoint.exists():
        raise ModelNotFoundError(f"There is no checkpoint at {os.fspath(checkpoint)!r}.")
    wanted = openvino_device(device)
    folder = resolve_configured(checkpoint, os.fspath(config_file), overrides.image_size)
    return _compiled(folder, wanted, overrides, precision, preset)


def _loaded(
    model_id: str | Path,
    device: Any,
    overrides: Overrides,
    precision: Precision | None,
    preset: PresetName,
) -> SAM2Base:
    return _compiled(model_id, openvino_device(device), overrides, precision, preset)


def _compiled(
    model: str | Path,
    device: str,
    overrides: Overrides,
    precision: Precision | None,
    preset: PresetName,
) -> SAM2Base:
    prepared = prepare_model(
        model,
        device=device,
        precision=precision,
        preset=preset,
        image_size=overrides.image_size,
    )
    for note in prepared.notes:
        _log.info(note)
    compiled = prepared.compile_as(SAM2Base, device, precision)
    compiled.manifest = overrides.applied(compiled.manifest)
    return compiled


def _video_predictor(
    model: SAM2Base, overrides: Overrides, *, vos_optimized: bool
) -> "SAM2VideoPredictor":
    from sam2ov.upstream.sam2_video_predictor import SAM2VideoPredictor

    if vos_optimized:
        _log.info("vos_optimized: OpenVINO compiles all networks in any case.")
    return SAM2VideoPredictor(
        model,
        fill_hole_area=overrides.fill_hole_area,
        non_overlap_masks=overrides.non_overlap_masks,
    )
