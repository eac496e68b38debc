"""Cutting objects out of pictures, or pictures out around objects."""

from collections.abc import Sequence
from typing import Final, cast

import cv2
import numpy as np

from sam2ov.export.plan import ExportFrame
from sam2ov.export.rendering import coverage
from sam2ov.export.video_options import CutOutOptions
from sam2ov.values.objects import ClipObject
from sam2ov.video.cache import Picture

_FRINGE: Final = 16
"""So many pixels beside an object its surroundings are kept, though they cannot be seen: encoders
and programs that scale the picture mix neighbours."""


def cut_out(
    frame: ExportFrame,
    objects: Sequence[ClipObject],
    options: CutOutOptions,
    *,
    is_deep: bool = False,
    keeps_hdr: bool = False,
) -> Picture:
    """The picture with alpha, RGBA [H, W, 4]: its own times what is kept of it.

    Args:
        frame: the frame.
        objects: what is cut out.
        options: see there.
        is_deep: uint16, otherwise uint8.
        keeps_hdr: see ``PictureForm``.
    """
    covered = coverage(frame, objects, options.edges)
    if options.keep == "background":
        covered = 1 - covered
    picture = frame.rgba(is_deep=is_deep, keeps_hdr=keeps_hdr)
    colours, most = picture[..., :3], 65535 if is_deep else 255
    alpha = cast("Picture", (covered * picture[..., 3] + np.float32(0.5)).astype(picture.dtype))
    if options.premultiplied:
        product = colours * alpha[..., None].astype(np.uint32) + most // 2
        colours = cast("Picture", (product // most).astype(picture.dtype))
    elif not options.hidden:
        side = 2 * _FRINGE + 1
        kernel = cv2.getStructuringElement(cv2.MORPH_RECT, (side, side))
        is_near = cv2.dilate((alpha > 0).view(np.uint8), kernel)[..., None] > 0
        colours = cast("Picture", np.where(is_near, colours, np.zeros((), picture.dtype)))
    return cast("Picture", np.dstack([colours, alpha]))
