"""YOLO: a text for each picture with a polygon or a box on each line, in shares of its sides.

Polygons are filled as Ultralytics fills them: corners cut off to whole pixels, and the pixels of
the outline belong to the object.
"""

import io
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

import cv2
import numpy as np
import yaml
from PIL import Image, UnidentifiedImageError

from sam2ov.errors import PromptError, UnknownSizeError
from sam2ov.mask_files.bundle import MAX_PICTURE_BYTES, Bundle
from sam2ov.mask_files.found import FoundMask, ObjectIds, last_number, require_one_per_frame
from sam2ov.mask_files.schemas import MAX_PIXELS, MAX_SIDE
from sam2ov.values.masks import BoolArray
from sam2ov.values.rle import encode_rle

_IMAGES: Final = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")
_MAX_NAMES_BYTES: Final = 1 << 20
_MAX_LABELS_BYTES: Final = 16 << 20
_BOX: Final = 4
_TRIANGLE: Final = 6
_OUTSIDE: Final = 0.01
"""By how much of a side a coordinate may lie outside, which some programs write."""


@dataclass(frozen=True)
class YoloShape:
    """A line of labels.

    Attributes:
        number: of the frame.
        class_id: of its kind.
        track: of its object; None where the line has none.
        shares: of the picture's sides: a box (its centre and sides) or the corners of a polygon.
        file: that it stands in.
        score: how sure the network was; 1 where the line does not say.
    """

    number: int
    class_id: int
    track: int | None
    shares: tuple[float, ...]
    file: str
    score: float = 1.0

    @property
    def edges(self) -> tuple[float, float, float, float]:
        """Its box (x0, y0, x1, y1) in shares of the picture's sides."""
        if len(self.shares) == _BOX:
            cx, cy, w, h = self.shares
            return cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2
        xs, ys = self.shares[::2], self.shares[1::2]
        return min(xs), min(ys), max(xs), max(ys)


def is_yolo_text(first_line: str) -> bool:
    """Whether a file with such a line is one of labels."""
    try:
        _parsed(first_line, 0, "")
    except PromptError:
        return False
    return True


def yolo_masks(
    bundle: Bundle, names: list[str], size_hw: tuple[int, int] | None
) -> Iterator[FoundMask]:
    """The masks and boxes of labels, by frame, which is the last number of a file's name.

    Objects are told by the track that Ultralytics writes behind a line; without it by their class.

    Args:
        bundle: that holds the labels, and perhaps pictures and ``data.yaml`` or ``classes.txt``.
        names: of the files of labels.
        size_hw: of pictures that are not there; None if it is not known.

    Raises:
        UnknownSizeError: a picture is not there, and ``size_hw`` is None.
        PromptError: a line is malformed, or objects are not told apart.
    """
    classes = yolo_class_names(bundle)
    lines = yolo_shapes(bundle, names)
    require_one_per_frame(
        (
            (line.file, classes.get(line.class_id, str(line.class_id)))
            for line in lines
            if line.track is None
        ),
        "track (Ultralytics writes them with save_txt where it tracks)",
    )
    ids, sizes = ObjectIds(), _Sizes(bundle, size_hw)
    for line in sorted(lines, key=lambda line: line.number):
        key: object = ("class", line.class_id) if line.track is None else ("track", line.track)
        obj_id = ids.of(key, line.class_id + 1 if line.track is None else line.track)
        height, width = sizes.of(line.file)
        class_name = classes.get(line.class_id, "")
        if len(line.shares) == _BOX:
            x0, y0, x1, y1 = line.edges
            box = (x0 * width, y0 * height, x1 * width, y1 * height)
            yield FoundMask(line.number, obj_id, class_name, None, box)
        else:
            mask = encode_rle(_drawn(line.shares, (height, width)))
            yield FoundMask(line.number, obj_id, class_name, mask)


def yolo_shapes(bundle: Bundle, names: list[str]) -> list[YoloShape]:
    """The lines of files of labels.

    Raises:
        PromptError: a line is malformed, or two files are of one frame.
    """
    texts: list[tuple[int, str, str]] = []
    by_number: dict[int, str] = {}
    for name in names:
        number = last_number(PurePosixPath(name).stem) or 0
        if by_number.setdefault(number, name) != name:
            raise PromptError(f"{name} and {by_number[number]} are of one frame.")
        content = bundle.read(name, _MAX_LABELS_BYTES).decode("utf-8-sig", "replace")
        texts += [(number, name, text) for text in content.splitlines() if text.strip()]
    has_tracks = _has_tracks([text for *_, text in texts])
    return [_parsed(text, number, name, has_tracks) for number, name, text in texts]


def _has_tracks(lines: list[str]) -> bool:
    """Whether lines end in tracks, which are whole numbers from 1 on.

    The 1 of the first track alone might be a side of a box (5 words), or a corner of a polygon.
    """
    words = [line.split() for line in lines]
    last = [line[-1] for line in words]
    are_whole = all(word.isdecimal() and int(word[:18]) >= 1 for word in last)
    if not are_whole or any(len(line) <= 1 + _BOX for line in words):
        return False
    return any(int(word[:18]) > 1 for word in last) or len(lines) > 1 or len(words[0]) == 7


def _parsed(line: str, number: int, file: str, has_tracks: bool = False) -> YoloShape:
    """A class, then shares, then perhaps a confidence and a track."""
    words = line.split()
    values = [_value(word) for word in words]
    if len(values) < 1 + _BOX or None in values or not words[0].isdecimal() or len(words[0]) > 6:
        raise PromptError(f"{file} has a line that is no label of YOLO: {line[:60]!r}.")
    shares = [value for value in values[1:] if value is not None]
    track: int | None = None
    if has_tracks or (shares[-1] > 1 + _OUTSIDE and words[-1].isdecimal()):
        track = int(shares.pop())
    score = shares.pop() if len(shares) % 2 == 1 else 1.0  # how sure the network was
    is_shape = len(shares) == _BOX or len(shares) >= _TRIANGLE
    is_inside = all(-_OUTSIDE <= share <= 1 + _OUTSIDE for share in shares)
    if not is_shape or not is_inside or (len(shares) == _BOX and min(shares[2:]) <= 0):
        raise PromptError(
            f"{file} has a line that is no label of YOLO, whose numbers are shares from 0 to 1: "
            f"{line[:60]!r}."
        )
    return YoloShape(number, int(words[0]), track, tuple(shares), file, min(max(score, 0.0), 1.0))


def _value(word: str) -> float | None:
    try:
        value = float(word)
    except ValueError:
        return None
    return value if math.isfinite(value) and abs(value) < 1e9 else None


def _drawn(shares: tuple[float, ...], size_hw: tuple[int, int]) -> BoolArray:
    height, width = size_hw
    corners = np.floor(np.array(shares).reshape(-1, 2) * (width, height))
    corners = corners.clip(0, (width - 1, height - 1)).astype(np.int32)
    mask = np.zeros(size_hw, np.uint8)
    cv2.fillPoly(mask, [corners], 1)
    return mask.view(np.bool_)


def yolo_class_names(bundle: Bundle) -> Mapping[int, str]:
    """The names of classes by number, of ``data.yaml`` or ``classes.txt``; none without them."""
    for name in bundle.ending(".yaml", ".yml"):
        try:
            # All scalars are texts then: tags have no say in what becomes of them.
            content = bundle.read(name, _MAX_NAMES_BYTES)
            found = yaml.load(content, yaml.BaseLoader)  # noqa: S506 - makes texts alone
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            raise PromptError(f"{name} is no YAML that can be read.") from error
        listed = found.get("names") if isinstance(found, dict) else None
        if isinstance(listed, list):
            listed = {str(number): each for number, each in enumerate(listed)}
        if isinstance(listed, dict):
            return {
                int(number): each[:200]
                for number, each in listed.items()
                if isinstance(each, str) and str(number)[:9].isdecimal()
            }
    for name in bundle.ending("classes.txt"):
        text = bundle.read(name, _MAX_NAMES_BYTES).decode("utf-8", "replace")
        return dict(enumerate(line.strip()[:200] for line in text.splitlines()))
    return {}


class _Sizes:
    """Heights and widths of the pictures that labels are for."""

    def __init__(self, bundle: Bundle, otherwise: tuple[int, int] | None) -> None:
        self._bundle = bundle
        self._otherwise = otherwise
        self._images = {PurePosixPath(name).stem: name for name in bundle.ending(*_IMAGES)}
        self._latest: tuple[str, tuple[int, int]] | None = None

    def of(self, labels: str) -> tuple[int, int]:
        """The size of a picture.

        Raises:
            UnknownSizeError: the picture is not there.
            PromptError: it is too large, or cannot be read.
        """
        image = self._images.get(PurePosixPath(labels).stem)
        if image is None:
            if self._otherwise is None:
                raise UnknownSizeError(
                    f"The picture of {labels} is missing, and without it its size is not known. "
                    "Give the folder that holds images and labels."
                )
            return self._otherwise
        if self._latest is None or self._latest[0] != image:
            self._latest = image, self._read(image)
        return self._latest[1]

    def _read(self, image: str) -> tuple[int, int]:
        content = self._bundle.read(image, MAX_PICTURE_BYTES)
        try:
            with Image.open(io.BytesIO(content)) as opened:
                width, height = opened.size
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            what = "" if isinstance(error, UnidentifiedImageError) else f": {error}"
            raise PromptError(f"{image} is no readable picture{what}.") from error
        if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
            raise PromptError(f"{image} has {width}×{height} pixels, which is too many.")
        return height, width
