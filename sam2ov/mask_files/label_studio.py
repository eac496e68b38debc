"""Label Studio: regions of pictures (brush, polygon, rectangle) and boxes of videos, in JSON."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

import numpy as np
import numpy.typing as npt

from sam2ov.errors import PromptError, UnknownSizeError
from sam2ov.mask_files.found import FoundMask, ObjectIds, last_number, require_one_per_frame
from sam2ov.mask_files.polygons import fill_polygons
from sam2ov.mask_files.schemas import (
    MAX_PIXELS,
    LabelStudioRegion,
    LabelStudioTask,
    RegionValue,
)
from sam2ov.values.masks import BoolArray
from sam2ov.values.rle import Rle, encode_rle

_ALPHA: Final = 3
_CHANNELS: Final = 4
_HALF: Final = 128


@dataclass(frozen=True, eq=False)
class _Region:
    number: int
    label: str
    value: RegionValue
    size_hw: tuple[int, int]


def label_studio_masks(
    tasks: list[LabelStudioTask], size_hw: tuple[int, int] | None
) -> Iterator[FoundMask]:
    """The regions of a project's export, by frame.

    A task is a picture, whose frame is the last number in its name, or its place; there, a label is
    an object. In a task of a video each track of boxes is one.

    Args:
        tasks: of the file.
        size_hw: of the clip, since tasks of videos do not have it; None if it is not known.

    Raises:
        UnknownSizeError: there are boxes of a video, and ``size_hw`` is None.
        PromptError: it cannot be told which regions are one object, or one is malformed.
    """
    found = [task for task in tasks if task.annotations]
    tracks = list(_tracks(found))
    if tracks:
        yield from _boxes(tracks, size_hw)
        return
    regions = list(_regions(tasks))
    require_one_per_frame(
        ((f"frame {region.number}", region.label) for region in regions), "tracks"
    )
    ids = ObjectIds()
    for region in sorted(regions, key=lambda region: region.number):
        name, value = region.label, region.value
        obj_id = ids.of(name)
        if value.rle is None and value.points is None and not value.rotation % 360:
            yield FoundMask(region.number, obj_id, name, None, _box(value, region.size_hw))
        else:
            yield FoundMask(region.number, obj_id, name, _mask(value, region.size_hw))


def _answers(task: LabelStudioTask) -> list[LabelStudioRegion]:
    """The regions of the last answer that was not given up."""
    kept = [answer for answer in task.annotations if not answer.was_cancelled]
    return kept[-1].result if kept else []


def _tracks(tasks: list[LabelStudioTask]) -> Iterator[LabelStudioRegion]:
    videos = [
        [r for r in _answers(task) if r.value is not None and r.value.sequence is not None]
        for task in tasks
    ]
    if sum(map(bool, videos)) > 1:
        raise PromptError(f"The file holds {sum(map(bool, videos))} videos. Export one task alone.")
    for regions in videos:
        yield from regions


def _boxes(tracks: list[LabelStudioRegion], size_hw: tuple[int, int] | None) -> Iterator[FoundMask]:
    found = []
    for place, region in enumerate(tracks):
        assert region.value is not None
        if region.original_height is not None and region.original_width is not None:
            size_hw = region.original_height, region.original_width
        if size_hw is None:
            raise UnknownSizeError("The file has boxes of a video, whose size is not known.")
        height, width = size_hw
        for box in region.value.sequence or []:
            x0, y0 = box.x * width / 100, box.y * height / 100
            x1, y1 = x0 + box.width * width / 100, y0 + box.height * height / 100
            if not (x0 < x1 and y0 < y1):
                raise PromptError(f"The file has a box without an area on frame {box.frame}.")
            label = _label(region.value)
            found.append(FoundMask(box.frame - 1, place + 1, label, None, (x0, y0, x1, y1)))
    yield from sorted(found, key=lambda each: each.number)


def _regions(tasks: list[LabelStudioTask]) -> Iterator[_Region]:
    names = [_picture_name(task) for task in tasks]
    numbers = [last_number(PurePosixPath(name).stem) for name in names]
    are_told = None not in numbers and len(set(numbers)) == len(numbers)
    for place, (task, number) in enumerate(zip(tasks, numbers, strict=True)):
        for region in _answers(task):
            value = region.value
            if value is None or (
                value.rle is None
                and value.points is None
                and (value.width is None or value.height is None)
            ):
                continue
            if region.original_height is None or region.original_width is None:
                raise PromptError(f"A region of {names[place][-60:]} lacks the picture's size.")
            yield _Region(
                number if are_told and number is not None else place,
                _label(value),
                value,
                (region.original_height, region.original_width),
            )


def _picture_name(task: LabelStudioTask) -> str:
    texts = [value for value in task.data.values() if isinstance(value, str)]
    paths = [text.split("?")[0] for text in texts]
    return next((path for path in paths if PurePosixPath(path).suffix), "")[-4096:]


def _label(value: RegionValue) -> str:
    kinds = (value.brushlabels, value.polygonlabels, value.rectanglelabels, value.labels)
    return next((labels[0] for labels in kinds if labels), "")


def _box(value: RegionValue, size_hw: tuple[int, int]) -> tuple[float, float, float, float]:
    (x0, y0), _, (x1, y1), _ = _corners(value, size_hw).tolist()
    return x0, y0, x1, y1


def _mask(value: RegionValue, size_hw: tuple[int, int]) -> Rle:
    if value.rle is not None:
        return encode_rle(_brushed(bytes(value.rle), size_hw))
    if value.points is not None:
        height, width = size_hw
        corners = np.array(value.points, np.float64).reshape(-1, 2) * (width / 100, height / 100)
        return encode_rle(fill_polygons([corners], size_hw))
    return encode_rle(fill_polygons([_corners(value, size_hw)], size_hw))


def _corners(value: RegionValue, size_hw: tuple[int, int]) -> npt.NDArray[np.float64]:
    """Of a rectangle in percent, turned clockwise about its first corner."""
    if value.x is None or value.y is None or not value.width or not value.height:
        raise PromptError("The file has a rectangle without an area.")
    if min(value.width, value.height) < 0:
        raise PromptError("The file has a rectangle without an area.")
    height, width = size_hw
    x, y = value.x * width / 100, value.y * height / 100
    w, h = value.width * width / 100, value.height * height / 100
    turn = np.radians(value.rotation)
    along = np.array([np.cos(turn), np.sin(turn)])
    down = np.array([-np.sin(turn), np.cos(turn)])
    first = np.array([x, y])
    return np.array([first, first + w * along, first + w * along + h * down, first + h * down])


def _brushed(packed: bytes, size_hw: tuple[int, int]) -> BoolArray:
    """Where the brush was: the alpha of an RGBA picture, packed as ``@thi.ng/rle-pack`` does it.

    A stream of bits: the number of values (32), the bits of a value less 1 (5), and four sizes less
    1 (4 each). Then items: whether one value repeats (1), which size (2), their number less 1 in so
    many bits, and the value, or as many values.

    Raises:
        PromptError: it is cut off, or has another number of values than the picture.
    """
    height, width = size_hw
    count = height * width * _CHANNELS
    assert height * width <= MAX_PIXELS
    bits = _Bits(packed)
    named, word = bits.take(32), bits.take(5) + 1
    sizes = [bits.take(4) + 1 for _ in range(4)]
    if named != count or word != 8:
        raise PromptError(
            f"A brush of {named:,} values of {word} bits does not fit a picture of "
            f"{width}×{height} pixels, which has four of 8 bits each."
        )
    values = np.zeros(count, np.uint8)
    place = 0
    while place < count:
        repeats = bits.take(1)
        run = bits.take(sizes[bits.take(2)]) + 1
        if place + run > count:
            raise PromptError("A brush has more values than its picture.")
        if repeats:
            values[place : place + run] = bits.take(word)
        else:
            values[place : place + run] = bits.take_bytes(run)
        place += run
    alpha = values.reshape(height, width, _CHANNELS)[..., _ALPHA]
    covered: BoolArray = alpha >= _HALF
    return covered


class _Bits:
    """Reads numbers of any number of bits."""

    def __init__(self, packed: bytes) -> None:
        self._packed = packed
        self._place = 0

    def take(self, count: int) -> int:
        """The next ``count`` bits, the first one the highest."""
        first, last = self._place // 8, (self._place + count + 7) // 8
        if last > len(self._packed):
            raise PromptError("A brush of the file is cut off. Export it again.")
        number = int.from_bytes(self._packed[first:last], "big")
        behind = last * 8 - self._place - count
        self._place += count
        return (number >> behind) & ((1 << count) - 1)

    def take_bytes(self, count: int) -> npt.NDArray[np.uint8]:
        """The next ``count`` values of 8 bits."""
        number = self.take(8 * count)
        return np.frombuffer(number.to_bytes(count, "big"), np.uint8)
