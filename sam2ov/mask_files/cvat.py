"""CVAT for video 1.1: masks, polygons and boxes in XML."""

import io
import math
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

from sam2ov.errors import PromptError
from sam2ov.mask_files.found import FoundMask, ObjectIds
from sam2ov.mask_files.polygons import fill_polygons
from sam2ov.mask_files.schemas import MAX_PIXELS, MAX_SIDE
from sam2ov.values.masks import BoolArray
from sam2ov.values.rle import encode_rle

_SHAPES = {"mask", "polygon", "box"}
_FARTHEST: Final = 1e9
"""Of a coordinate; what is computed with it stays exact, and finite."""


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
    except KeyError as error:
        raise PromptError(
            f"The XML file is no annotation of a video from CVAT: a shape or track lacks {error}."
        ) from error
    except (ET.ParseError, LookupError, ValueError) as error:
        raise PromptError(
            f"The XML file is no annotation of a video from CVAT: {error}."
        ) from error


def _found(root: ET.Element) -> Iterator[FoundMask]:
    size = root.find("meta//original_size")
    if size is None:
        raise ValueError("it has no original_size")
    height, width = (_whole(size.findtext(side, "0"), side) for side in ("height", "width"))
    if not (0 < height <= MAX_SIDE and 0 < width <= MAX_SIDE and height * width <= MAX_PIXELS):
        raise ValueError(f"its pictures have {width}×{height} pixels")
    size_hw, ids = (height, width), ObjectIds()
    for track in root.iter("track"):
        group = _whole(track.get("group_id") or "0", "group_id")
        for shape in track:
            if shape.tag not in _SHAPES or shape.get("outside") == "1":
                continue
            is_mask = shape.tag == "mask" and group
            key: object = group if is_mask else ("track", _whole(track.attrib["id"], "id"))
            number, name = _whole(shape.attrib["frame"], "frame"), track.get("label", "")
            mask, box = None, None
            if shape.tag == "box":
                box = _box(shape.attrib)
            elif shape.tag == "polygon":
                mask = encode_rle(fill_polygons([_corners(shape.attrib["points"])], size_hw))
            else:
                mask = encode_rle(_mask(shape.attrib, size_hw))
            yield FoundMask(number, ids.of(key), name, mask, box)


def _whole(text: str, where: str) -> int:
    """An integer of up to 99 digits; ``int`` takes underscores and other digits too."""
    if re.fullmatch(r"\s*-?[0-9]{1,99}\s*", text) is None:
        raise ValueError(f"{where}={text[:40]!r} is no whole number")
    return int(text)


def _box(shape: Mapping[str, str]) -> tuple[float, float, float, float]:
    x0, y0, x1, y1 = (_coordinate(shape[key], key) for key in ("xtl", "ytl", "xbr", "ybr"))
    if not (x0 < x1 and y0 < y1):
        raise ValueError(f"a box goes from ({x0:g}, {y0:g}) to ({x1:g}, {y1:g})")
    return x0, y0, x1, y1


def _corners(points: str) -> npt.NDArray[np.float64]:
    pairs = [pair.split(",") for pair in points.split(";")]
    if any(len(pair) != 2 for pair in pairs):
        raise ValueError(f"points={points[:40]!r} are no pairs of coordinates")
    return np.array([[_coordinate(each, "points") for each in pair] for pair in pairs])


def _coordinate(text: str, where: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not abs(value) < _FARTHEST:
        raise ValueError(f"{where}={text[:40]!r} is no coordinate")
    return value


def _mask(shape: Mapping[str, str], size_hw: tuple[int, int]) -> BoolArray:
    """Runs row by row, background first, inside of a box."""
    left, top, width, height = (
        _whole(shape[name], name) for name in ("left", "top", "width", "height")
    )
    runs = [_whole(run, "rle") for run in shape["rle"].split(",")]
    inside = 0 <= left <= left + width <= size_hw[1] and 0 <= top <= top + height <= size_hw[0]
    if not inside or min(runs) < 0 or sum(runs) != width * height:
        raise ValueError("a mask does not fit its box")
    mask = np.zeros(size_hw, np.bool_)
    pixels = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
    mask[top : top + height, left : left + width] = pixels.reshape(height, width)
    return mask
