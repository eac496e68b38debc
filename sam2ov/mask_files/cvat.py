"""CVAT for video 1.1: masks, polygons and boxes in XML."""

import io
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping

import numpy as np

from sam2ov.errors import PromptError
from sam2ov.mask_files.found import FoundMask, ObjectIds
from sam2ov.mask_files.polygons import fill_polygons
from sam2ov.mask_files.schemas import MAX_PIXELS
from sam2ov.values.masks import BoolArray
from sam2ov.values.rle import encode_rle

_SHAPES = {"mask", "polygon", "box"}


def cvat_masks(content: bytes) -> Iterator[FoundMask]:
    """The shapes of all tracks where they are inside the picture, by frame.

    A track is an object; masks of one group are one, because CVAT has no tracks of masks.

    Raises:
        PromptError: the file is malformed, or has no video's size.
    """
    plain = content.replace(b"\0", b"")  # of UTF-16 too
    if b"<!DOCTYPE" in plain[:4096] or b"<!ENTITY" in plain:
        raise PromptError("The XML file defines entities, which annotations do not need.")
    try:
        root = ET.parse(io.BytesIO(content)).getroot()  # noqa: S314 - no entities, see above
        yield from sorted(_found(root), key=lambda found: found.number)
    except (ET.ParseError, KeyError, ValueError) as error:
        raise PromptError(
            f"The XML file is no annotation of a video from CVAT: {error}."
        ) from error


def _found(root: ET.Element) -> Iterator[FoundMask]:
    size = root.find("meta//original_size")
    if size is None:
        raise ValueError("it has no original_size")
    height, width = int(size.findtext("height", "0")), int(size.findtext("width", "0"))
    if not (height > 0 and width > 0 and height * width <= MAX_PIXELS):
        raise ValueError(f"its pictures have {width}×{height} pixels")
    size_hw, ids = (height, width), ObjectIds()
    for track in root.iter("track"):
        group = int(track.get("group_id") or 0)
        for shape in track:
            if shape.tag not in _SHAPES or shape.get("outside") == "1":
                continue
            is_mask = shape.tag == "mask" and group
            key: object = group if is_mask else ("track", int(track.attrib["id"]))
            number, name = int(shape.attrib["frame"]), track.get("label", "")
            mask, box = None, None
            if shape.tag == "box":
                corners = [float(shape.attrib[key]) for key in ("xtl", "ytl", "xbr", "ybr")]
                box = (corners[0], corners[1], corners[2], corners[3])
            elif shape.tag == "polygon":
                pairs = [pair.split(",") for pair in shape.attrib["points"].split(";")]
                mask = encode_rle(fill_polygons([np.array(pairs, np.float64)], size_hw))
            else:
                mask = encode_rle(_mask(shape.attrib, size_hw))
            yield FoundMask(number, ids.of(key), name, mask, box)


def _mask(shape: Mapping[str, str], size_hw: tuple[int, int]) -> BoolArray:
    """Runs row by row, background first, inside of a box."""
    left, top, width, height = (int(shape[name]) for name in ("left", "top", "width", "height"))
    runs = [int(run) for run in shape["rle"].split(",")]  # of any size, as its sum
    inside = 0 <= left <= left + width <= size_hw[1] and 0 <= top <= top + height <= size_hw[0]
    if not inside or min(runs) < 0 or sum(runs) != width * height:
        raise ValueError("a mask does not fit its box")
    mask = np.zeros(size_hw, np.bool_)
    pixels = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
    mask[top : top + height, left : left + width] = pixels.reshape(height, width)
    return mask
