"""Small pictures of frames, with the outlines of masks: JPEG, to be put into a page."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from sam2ov.errors import ExportError
from sam2ov.progress import CancelCheck, Progress, ProgressCallback, raise_if_cancelled
from sam2ov.project.review import ReviewItem
from sam2ov.values.masks import BoolArray, MaskSource
from sam2ov.values.objects import ClipObject
from sam2ov.values.palette import Rgb
from sam2ov.video import FrameReader, PictureForm

MAX_SIDE: Final = 360
_QUALITY: Final = 80
_CASING: Final = (255, 255, 255)


@dataclass(frozen=True)
class Picture:
    """A JPEG file and its size in pixels."""

    jpeg: bytes
    width: int
    height: int


def draw_pictures(
    items: Sequence[ReviewItem],
    reader: FrameReader,
    masks: MaskSource,
    targets: Sequence[ClipObject],
    progress: ProgressCallback | None = None,
    cancel: CancelCheck | None = None,
) -> dict[int, Picture]:
    """A picture of each item: its frame, and its objects' outlines in their colours.

    Args:
        items: frames and objects.
        reader: of the clip.
        masks: of the objects.
        targets: the objects' colours.
        progress: told of pictures.
        cancel: asked before each one.

    Returns:
        By the item's place.

    Raises:
        VideoError: a frame cannot be read.
        CancelledError: ``cancel`` returned true.
    """
    colours = {target.obj_id: target.rgb for target in targets}
    # Forwards: what a decoder does best.
    order = sorted(range(len(items)), key=lambda place: items[place].frame_idx)
    made: dict[int, Picture] = {}
    with reader.twin(cache_bytes=0, form=PictureForm(max_side=MAX_SIDE, is_square=True)) as small:
        for done, place in enumerate(order, 1):
            raise_if_cancelled(cancel, "Drawing pictures")
            item = items[place]
            picture = small.read(item.frame_idx).copy()
            size_hw = (picture.shape[0], picture.shape[1])
            logits = masks.logits_at(item.frame_idx, size_hw, item.obj_ids)
            for obj_id, mask in zip(item.obj_ids, logits > 0, strict=True):
                draw_outline(picture, mask, colours[obj_id])
            made[place] = _encoded(picture)
            if progress is not None:
                progress(Progress("Drawing pictures", done, len(order), "items"))
    return made


def draw_outline(picture: np.ndarray, mask: BoolArray, colour: Rgb) -> None:
    """Draw the outline of a mask [H, W] onto a picture, uint8 RGB [H, W, 3], in place.

    White on both sides of the colour, so that it is seen on any ground.
    """
    lines, _ = cv2.findContours(mask.view(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(picture, lines, -1, _CASING, 4, cv2.LINE_AA)
    cv2.drawContours(picture, lines, -1, colour, 2, cv2.LINE_AA)


def _encoded(picture: np.ndarray) -> Picture:
    is_made, jpeg = cv2.imencode(
        ".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]
    )
    if not is_made:
        raise ExportError("A picture could not be encoded as JPEG.")
    return Picture(jpeg.tobytes(), picture.shape[1], picture.shape[0])
