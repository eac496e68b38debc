"""What is shown of a live frame: painted, with an effect, cut out, or the matte alone."""

import numpy as np
import numpy.typing as npt

from sam2ov.export.effects import Area, Image, applied
from sam2ov.export.paint import paint_mask
from sam2ov.export.rendering import area_of, effect_of, style_of
from sam2ov.export.video_options import OverlayOptions
from sam2ov.values.masks import BoolArray
from sam2ov.values.palette import default_colour


def painted(
    image: Image, obj_ids: tuple[int, ...], masks: BoolArray, options: OverlayOptions
) -> Image:
    """A picture with an effect on the objects or around them, and the objects painted.

    Args:
        image: uint8 RGB [H, W, 3]; it stays as it is.
        obj_ids: of the N objects; they choose the colours.
        masks: bool [N, H, W].
        options: as of the export; ``replace`` is refused.

    Raises:
        ExportError: the effect needs a clip.
    """
    effect = effect_of(options)
    shown = np.array(image)
    if effect is not None:
        area = area_of(options, Area(_covered(masks).astype(np.float32)))
        shown = np.array(applied(shown, area, effect))
    style = style_of(options)
    for obj_id, mask in zip(obj_ids, masks, strict=True):
        paint_mask(shown, mask, default_colour(obj_id), style)
    return shown


def matte(masks: BoolArray) -> npt.NDArray[np.uint8]:
    """White where any object is: uint8 [H, W]."""
    return _covered(masks).astype(np.uint8) * np.uint8(255)


def cut_out(image: Image, masks: BoolArray) -> npt.NDArray[np.uint8]:
    """The objects with alpha, straight: uint8 RGBA [H, W, 4]; black where nothing is kept."""
    alpha = matte(masks)
    return np.dstack([np.where(alpha[..., None] > 0, image, np.uint8(0)), alpha])


def _covered(masks: BoolArray) -> BoolArray:
    covered: BoolArray = np.logical_or.reduce(masks, axis=0)
    return covered
