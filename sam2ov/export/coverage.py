"""How much of each pixel all objects of an output cover together; cutting them out with it."""

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from sam2ov.export.plan import ExportFrame
from sam2ov.export.video_options import CutOutOptions, Edges
from sam2ov.values.masks import FloatArray
from sam2ov.values.objects import ClipObject

_FRINGE: Final = 16
"""So many pixels beside an object its surroundings are kept, though they cannot be seen: encoders
and programs that scale the picture mix neighbours."""


def coverage(
    frame: ExportFrame, objects: Sequence[ClipObject], edges: Edges = "soft"
) -> FloatArray:
    """float32 [H, W] from 0 to 1; the most of all objects."""
    is_hard = edges == "hard"
    covered = frame.matte(objects[0], hard=is_hard)
    for target in objects[1:]:
        np.maximum(covered, frame.matte(target, hard=is_hard), out=covered)
    return covered


def cut_out(
    frame: ExportFrame, objects: Sequence[ClipObject], options: CutOutOptions
) -> npt.NDArray[np.uint8]:
    """The picture with alpha, uint8 RGBA [H, W, 4]."""
    covered = coverage(frame, objects, options.edges)
    if options.keep == "background":
        covered = 1 - covered
    alpha = (covered * 255 + np.float32(0.5)).astype(np.uint8)
    colours = frame.image
    if options.premultiplied:
        colours = ((colours * alpha[..., None].astype(np.uint16) + 127) // 255).astype(np.uint8)
    elif not options.hidden:
        side = 2 * _FRINGE + 1
        near = cv2.dilate(alpha, cv2.getStructuringElement(cv2.MORPH_RECT, (side, side)))
        colours = np.where(near[..., None] > 0, colours, np.uint8(0))
    return np.dstack([colours, alpha])
