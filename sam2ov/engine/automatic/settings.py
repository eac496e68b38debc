"""What finding masks automatically takes into account."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sam2ov.errors import PromptError, first_fault

MOST_PER_SIDE: Final = 256
MOST_LAYERS: Final = 4
"""Of the deepest layer's crops there are 4 to the power of this."""

_Share = Annotated[float, Field(ge=0, le=1)]


class AutomaticSettings(BaseModel):
    """Upstream's arguments (automatic_mask_generator.py, l. 36), by the same names.

    Attributes:
        points_per_side: clicks along a side of the image; their square is the number of clicks.
        points_per_batch: clicks that go through the networks together, at most. Fewer may, since
            more save no time; it has no effect on the masks.
        pred_iou_thresh: masks whose predicted IoU is not above it are left out; 0 keeps all.
        stability_score_thresh: masks less stable are left out; 0 keeps all.
        stability_score_offset: in logits: a mask's stability is the IoU of what lies above the
            threshold plus this and what lies above the threshold minus this.
        mask_threshold: logits above it are the object.
        box_nms_thresh: of masks of a crop whose boxes have an IoU above it, the one with the best
            predicted IoU is kept.
        crop_n_layers: the image's crops are looked at too, in so many layers of 4, 16, … of them.
        crop_nms_thresh: the same as ``box_nms_thresh`` between crops; masks of smaller ones win.
        crop_overlap_ratio: by which crops overlap, as a share of the image's shorter side; half as
            much in each further layer.
        crop_n_points_downscale_factor: layer n has the points of a side divided by this to the
            power of n.
        min_mask_region_area: fill holes and remove specks of up to so many pixels of the
            low-resolution mask; 0 leaves masks as they are.
        use_m2m: show each mask to the decoder once more, to refine it.
        multimask_output: three masks for each click.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    points_per_side: Annotated[int, Field(ge=1, le=MOST_PER_SIDE)] = 32
    points_per_batch: Annotated[int, Field(ge=1)] = 64
    pred_iou_thresh: _Share = 0.8
    stability_score_thresh: _Share = 0.95
    stability_score_offset: Annotated[float, Field(ge=0)] = 1.0
    mask_threshold: float = 0.0
    box_nms_thresh: _Share = 0.7
    crop_n_layers: Annotated[int, Field(ge=0, le=MOST_LAYERS)] = 0
    crop_nms_thresh: _Share = 0.7
    crop_overlap_ratio: Annotated[float, Field(ge=0, lt=1)] = 512 / 1500
    crop_n_points_downscale_factor: Annotated[int, Field(ge=1)] = 1
    min_mask_region_area: Annotated[float, Field(ge=0)] = 0
    use_m2m: bool = False
    multimask_output: bool = True

    @classmethod
    def checked(cls, values: Mapping[str, Any]) -> Self:
        """Settings of values that come from a program.

        Raises:
            PromptError: one is unknown, or out of range.
        """
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise PromptError(f"Masks cannot be found like this: {first_fault(error)}.") from error


PointGrids = tuple[npt.NDArray[np.float64], ...]
"""For each layer of crops the clicks [P, 2], (x, y) in shares of a crop's width and height."""
