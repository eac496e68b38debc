"""``SAM2AutomaticMaskGenerator``: masks of everything in an image.

Line numbers are those of ``sam2/automatic_mask_generator.py`` at upstream's commit 2b90b9f.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
from PIL import Image

from sam2ov.engine.automatic.finder import MaskFinder
from sam2ov.engine.automatic.found import FoundMask
from sam2ov.engine.automatic.grids import given_grids
from sam2ov.engine.automatic.settings import AutomaticSettings
from sam2ov.engine.devices import Precision
from sam2ov.engine.model import SAM2Model
from sam2ov.errors import PromptError
from sam2ov.progress import CancelCheck, ProgressCallback
from sam2ov.upstream.arrays import TensorArray
from sam2ov.upstream.build_sam import build_sam2_hf
from sam2ov.upstream.module import Module
from sam2ov.upstream.pixels import rgb_pixels
from sam2ov.upstream.sam2_image_predictor import SAM2ImagePredictor
from sam2ov.values.rle import unpack_counts
from sam2ov.zoo.presets import PresetName

OutputMode = Literal["binary_mask", "uncompressed_rle", "coco_rle"]
_MODES = ("binary_mask", "uncompressed_rle", "coco_rle")


class SAM2AutomaticMaskGenerator(Module):
    """Drop-in for upstream's class in ``sam2.automatic_mask_generator``, without torch (l. 35).

    Arguments mean what they do upstream; ``AutomaticSettings`` describes each. Unlike upstream,
    ``min_mask_region_area`` works on the CPU too.

    Args:
        model: of ``build_sam2``, or any compiled model.
        points_per_side: clicks along a side; None where there are ``point_grids``.
        points_per_batch: clicks that go through the networks together, at most.
        pred_iou_thresh: least predicted IoU, 0 to 1.
        stability_score_thresh: least stability, 0 to 1.
        stability_score_offset: in logits.
        mask_threshold: logits above it are the object.
        box_nms_thresh: IoU of boxes that are much alike.
        crop_n_layers: layers of crops.
        crop_nms_thresh: IoU of boxes of different crops that are much alike.
        crop_overlap_ratio: share of the image's shorter side by which crops overlap.
        crop_n_points_downscale_factor: by which layers have fewer points a side.
        point_grids: for each layer [P, 2], (x, y) in shares, 0 to 1.
        min_mask_region_area: in pixels of the low-resolution mask.
        output_mode: what ``segmentation`` is: bool [H, W], or COCO's run lengths as numbers or
            as text.
        use_m2m: refine each mask once.
        multimask_output: three masks for each click.

    Raises:
        PromptError: a value is out of range, or both or neither of ``points_per_side`` and
            ``point_grids`` are given.
    """

    def __init__(
        self,
        model: SAM2Model,
        points_per_side: int | None = 32,
        points_per_batch: int = 64,
        pred_iou_thresh: float = 0.8,
        stability_score_thresh: float = 0.95,
        stability_score_offset: float = 1.0,
        mask_threshold: float = 0.0,
        box_nms_thresh: float = 0.7,
        crop_n_layers: int = 0,
        crop_nms_thresh: float = 0.7,
        crop_overlap_ratio: float = 512 / 1500,
        crop_n_points_downscale_factor: int = 1,
        point_grids: Sequence[Any] | None = None,
        min_mask_region_area: float = 0,
        output_mode: OutputMode = "binary_mask",
        use_m2m: bool = False,
        multimask_output: bool = True,
    ) -> None:
        if (points_per_side is None) == (point_grids is None):
            raise PromptError("give either points_per_side or point_grids, and the other as None.")
        if output_mode not in _MODES:
            raise PromptError(f"output_mode is one of {', '.join(_MODES)}, got {output_mode!r}.")
        settings = AutomaticSettings.checked(
            {
                "points_per_side": 1 if points_per_side is None else points_per_side,
                "points_per_batch": points_per_batch,
                "pred_iou_thresh": pred_iou_thresh,
                "stability_score_thresh": stability_score_thresh,
                "stability_score_offset": stability_score_offset,
                "mask_threshold": mask_threshold,
                "box_nms_thresh": box_nms_thresh,
                "crop_n_layers": crop_n_layers,
                "crop_nms_thresh": crop_nms_thresh,
                "crop_overlap_ratio": crop_overlap_ratio,
                "crop_n_points_downscale_factor": crop_n_points_downscale_factor,
                "min_mask_region_area": min_mask_region_area,
                "use_m2m": use_m2m,
                "multimask_output": multimask_output,
            }
        )
        grids = None if point_grids is None else given_grids(point_grids, crop_n_layers)
        self._finder = MaskFinder(model, settings, grids)
        self.output_mode = output_mode
        self.predictor = SAM2ImagePredictor(
            model, mask_threshold, min_mask_region_area, min_mask_region_area
        )

    @classmethod
    def from_pretrained(
        cls,
        model_id: str | Path,
        *,
        device: Any = "CPU",
        mode: str = "eval",
        hydra_overrides_extra: Sequence[str] = (),
        apply_postprocessing: bool = True,
        precision: Precision | None = None,
        preset: PresetName = "quality",
        **kwargs: Any,
    ) -> Self:
        """Load a model by name or folder (l. 145); ``kwargs`` are the arguments of the class.

        Args:
            model_id: as ``build_sam2_hf`` takes it, like the others.
            device: see there.
            mode: see there.
            hydra_overrides_extra: see there.
            apply_postprocessing: see there.
            precision: see there.
            preset: see there.
            **kwargs: of the class.

        Raises:
            ModelError: the model cannot be found, fetched or read.
            DeviceError: the device or precision is not there.
        """
        model = build_sam2_hf(
            model_id,
            device=device,
            mode=mode,
            hydra_overrides_extra=hydra_overrides_extra,
            apply_postprocessing=apply_postprocessing,
            precision=precision,
            preset=preset,
        )
        return cls(model, **kwargs)

    def generate(
        self,
        image: npt.NDArray[np.uint8] | Image.Image,
        *,
        progress: ProgressCallback | None = None,
        cancel: CancelCheck | None = None,
    ) -> list[dict[str, Any]]:
        """Find the masks of an image (l. 162).

        Args:
            image: as ``SAM2ImagePredictor.set_image`` takes it.
            progress: told of the clicks that are answered.
            cancel: asked after every few clicks.

        Returns:
            A dictionary for each mask: ``segmentation`` as ``output_mode`` says; ``area`` in
            pixels; ``bbox``, four floats: x, y, and by how much its last column and row lie behind
            its first; ``predicted_iou``; ``point_coords`` [[x, y]], the click in pixels;
            ``stability_score``; ``crop_box``, four floats: x, y, width, height of where it was
            found.

        Raises:
            PromptError: not an RGB image.
            CancelledError: ``cancel`` returned true.
        """
        found = self._finder.find(rgb_pixels(image), progress=progress, cancel=cancel)
        return [self._record(each) for each in found]

    def _record(self, found: FoundMask) -> dict[str, Any]:
        crop = found.crop
        return {
            "segmentation": _segmentation(found, self.output_mode),
            "area": found.area,
            "bbox": [float(value) for value in found.box_xywh],
            "predicted_iou": found.iou,
            "point_coords": [list(found.point)],
            "stability_score": found.stability,
            "crop_box": [float(v) for v in (crop.x0, crop.y0, *reversed(crop.size_hw))],
        }

    @property
    def _compiled(self) -> SAM2Model:
        return self._finder.model


def _segmentation(found: FoundMask, mode: OutputMode) -> Any:
    if mode == "binary_mask":
        return TensorArray.of(found.mask)
    size = list(found.rle.size_hw)
    if mode == "coco_rle":
        return {"size": size, "counts": found.rle.counts}
    return {"size": size, "counts": unpack_counts(found.rle.counts).tolist()}
