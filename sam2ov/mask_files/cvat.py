"""CVAT for video 1.1 and CVAT for images 1.1: masks, polygons, ellipses and boxes in XML."""

import io
import math
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from sam2ov.errors import PromptError
from sam2ov.mask_files.found import FoundMask, ObjectIds, last_number, require_one_per_frame
from sam2ov.mask_files.polygons import fill_polygons
from sam2ov.mask_files.schemas import MAX_PIXELS, MAX_SIDE
from sam2ov.values.masks import BoolArray
from sam2ov.values.rle import encode_rle

_AREAS: Final = {"mask", "polygon", "box", "ellipse"}
_OTHERS: Final = {"polyline", "points", "cuboid", "skeleton"}
_FARTHEST: Final = 1e9
"""Of a coordinate; what is computed with it stays exact, and finite."""


@dataclass(frozen=True, eq=False)
class _Shape:
    """A shape where it is inside the picture.

    ``key`` tells its object; None where the file does not.
    """

    number: int
    size_hw: tuple[int, int]
    key: tuple[str, int] | None
    label: str
    element: ET.Element


def cvat_masks(content: bytes) -> Iterator[FoundMask]:
    """The shapes of all tracks and pictures, by frame.

    A track is an object, and so is a group of masks, because CVAT has no tracks of masks, or of
    shapes of single pictures. What has neither is told by its label, if each frame has one of it.

    Raises:
        PromptError: the file is malformed, lacks a size, or does not tell objects apart.
    """
    plain = content.replace(b"\0", b"")  # of UTF-16 too
    if b"<!DOCTYPE" in plain[:4096] or b"<!ENTITY" in plain:
        raise PromptError("The XML file defines entities, which annotations do not need.")
    try:
        root = ET.parse(io.BytesIO(content)).getroot()  # noqa: S314 - no entities, see above
        yield from _found(root)
    except KeyError as error:
        raise PromptError(
            f"The XML file is no annotation from CVAT: a shape, track or image lacks {error}."
        ) from error
    except (ET.ParseError, LookupError, ValueError) as error:
        raise PromptError(f"The XML file is no annotation from CVAT: {error}.") from error


def _found(root: ET.Element) -> Iterator[FoundMask]:
    tasks = {each.get("task_id") for kind in ("track", "image") for each in root.iter(kind)}
    if len(tasks) > 1:
        raise PromptError(f"The XML file holds {len(tasks)} tasks. Export one of them.")
    shapes = [*_of_tracks(root), *_of_images(root)]
    if not shapes:
        others = sorted({element.tag for element in root.iter() if element.tag in _OTHERS})
        if others:
            raise PromptError(
                f"The XML file holds shapes without an area alone ({', '.join(others)}). Export "
                "masks, polygons, ellipses or boxes."
            )
    require_one_per_frame(
        ((f"frame {s.number}", s.label) for s in shapes if s.key is None),
        "group (in CVAT: select the shapes of an object and press G)",
    )
    ids = ObjectIds()
    for shape in sorted(shapes, key=lambda shape: shape.number):
        key: object = shape.key or ("label", shape.label)
        own = shape.key[1] if shape.key is not None and shape.key[0] == "group" else 0
        yield _read(shape, ids.of(key, own))


def _read(shape: _Shape, obj_id: int) -> FoundMask:
    attributes = shape.element.attrib
    mask, box = None, None
    turned = _coordinate(attributes.get("rotation", "0"), "rotation")
    if shape.element.tag == "box" and not turned % 360:
        box = _box(attributes)
    elif shape.element.tag == "box":
        corners = _turned_box(_box(attributes), turned)
        mask = encode_rle(fill_polygons([corners], shape.size_hw))
    elif shape.element.tag == "polygon":
        mask = encode_rle(fill_polygons([_corners(attributes["points"])], shape.size_hw))
    elif shape.element.tag == "ellipse":
        mask = encode_rle(_ellipse(attributes, turned, shape.size_hw))
    else:
        mask = encode_rle(_mask(attributes, shape.size_hw))
    return FoundMask(shape.number, obj_id, shape.label, mask, box)


def _of_tracks(root: ET.Element) -> Iterator[_Shape]:
    """Shapes of video tasks."""
    tracks = list(root.iter("track"))
    if not tracks and root.find(".//image") is not None:
        return
    size = root.find("meta//original_size")
    if size is None:
        raise ValueError("it has no original_size")
    size_hw = _size(*(size.findtext(side, "0") for side in ("height", "width")))
    for track in tracks:
        group = _whole(track.get("group_id") or "0", "group_id")
        track_id, label = _whole(track.attrib["id"], "id"), track.get("label", "")
        for element in track:
            if element.tag not in _AREAS or element.get("outside") == "1":
                continue
            key: tuple[str, int] | None = ("track", track_id)
            if element.tag == "mask":
                key = ("group", group) if group else None
            yield _Shape(_whole(element.attrib["frame"], "frame"), size_hw, key, label, element)


def _of_images(root: ET.Element) -> Iterator[_Shape]:
    """Shapes of single pictures; the last number of a picture's name is its frame, as of PNGs."""
    images = list(root.iter("image"))
    named = [last_number(image.get("name", "").rsplit("/", 1)[-1]) for image in images]
    are_told = None not in named and len(set(named)) == len(named)
    for image, number in zip(images, named, strict=True):
        size_hw = _size(image.attrib["height"], image.attrib["width"])
        if number is None or not are_told:
            number = _whole(image.attrib["id"], "id")
        for element in image:
            if element.tag not in _AREAS:
                continue
            group = _whole(element.get("group_id") or "0", "group_id")
            key = ("group", group) if group else None
            yield _Shape(number, size_hw, key, element.get("label", ""), element)


def _size(*sides: str) -> tuple[int, int]:
    height, width = (
        _whole(text, name) for text, name in zip(sides, ("height", "width"), strict=True)
    )
    if not (0 < height <= MAX_SIDE and 0 < width <= MAX_SIDE and height * width <= MAX_PIXELS):
        raise ValueError(f"its pictures have {width}×{height} pixels")
    return height, width


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


def _turned_box(box: tuple[float, float, float, float], degrees: float) -> npt.NDArray[np.float64]:
    """The corners of a box that is turned clockwise about its centre."""
    x0, y0, x1, y1 = box
    centre = np.array([(x0 + x1) / 2, (y0 + y1) / 2])
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    corners = np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)]) - centre
    turned: npt.NDArray[np.float64] = corners @ np.array([(cosine, sine), (-sine, cosine)]) + centre
    return turned


def _ellipse(shape: Mapping[str, str], degrees: float, size_hw: tuple[int, int]) -> BoolArray:
    """The pixels whose centres lie in an ellipse that is turned clockwise about its own."""
    cx, cy, rx, ry = (_coordinate(shape[key], key) for key in ("cx", "cy", "rx", "ry"))
    if not (rx > 0 and ry > 0):
        raise ValueError(f"an ellipse has the radii {rx:g} and {ry:g}")
    reach = max(rx, ry) + 1
    height, width = size_hw
    top, bottom = (int(np.clip(y, 0, height)) for y in (cy - reach, cy + reach + 1))
    left, right = (int(np.clip(x, 0, width)) for x in (cx - reach, cx + reach + 1))
    y = (np.arange(top, bottom) + 0.5 - cy)[:, None]
    x = np.arange(left, right) + 0.5 - cx
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    mask = np.zeros(size_hw, np.bool_)
    mask[top:bottom, left:right] = ((x * cosine + y * sine) / rx) ** 2 + (
        (y * cosine - x * sine) / ry
    ) ** 2 <= 1
    return mask


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
