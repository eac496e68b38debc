"""PNGs: label maps of all objects (DAVIS, MOTS), or a picture of each object and frame."""

import io
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import PurePosixPath

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from sam2ov.errors import PromptError
from sam2ov.mask_files.bundle import MAX_PICTURE_BYTES, Bundle
from sam2ov.mask_files.found import FoundMask, ObjectIds
from sam2ov.mask_files.schemas import MAX_PIXELS
from sam2ov.values.rle import encode_rle

_MOST_LABELS = 1000
"""Of one picture: each takes a look at all of its pixels."""
_VOID = 255
_MOTS_FACTOR = 1000
_MOTS_IGNORED = 10


def png_masks(bundle: Bundle, names: list[str]) -> Iterator[FoundMask]:
    """The masks of PNGs, by frame.

    The last number of a name is the frame; one without is frame 0. Palette pictures, and others
    with more values than 0 and one more, are label maps: the values are the objects, and 255 is
    void. Values from 1000 on are those of MOTS. Pictures of one value in several folders show an
    object per folder, whose number or name is the folder's.

    Raises:
        PromptError: a picture cannot be read; frames appear twice; or there are several videos.
    """
    by_folder: dict[str, dict[int, str]] = defaultdict(dict)
    for name in names:
        path = PurePosixPath(name)
        digits = re.findall(r"\d+", path.stem)
        number = int(digits[-1]) if digits else 0
        folder = path.parent.as_posix()
        if number in by_folder[folder]:
            raise PromptError(f"{name} and {by_folder[folder][number]} are of one frame.")
        by_folder[folder][number] = name
    first = next(iter(by_folder.values()))
    if len(by_folder) > 1 and _is_label_map(bundle, next(iter(first.values()))):
        raise PromptError(
            f"There are label maps in {len(by_folder)} folders. Give the folder of one video."
        )
    ids = ObjectIds()
    numbers = sorted({number for frames in by_folder.values() for number in frames})
    for number in numbers:
        for folder, frames in by_folder.items():
            if number not in frames:
                continue
            values = _values(bundle, frames[number])
            if len(by_folder) > 1:
                leaf = PurePosixPath(folder).name
                key: object = int(leaf) if leaf.isdecimal() else leaf
                name = "" if leaf.isdecimal() else leaf
                yield FoundMask(number, ids.of(key), name, encode_rle(values > 0))
                continue
            for value, obj_id in _labels(values, frames[number]):
                yield FoundMask(number, ids.of(obj_id), "", encode_rle(values == value))


def _labels(values: npt.NDArray[np.integer], name: str) -> list[tuple[int, int]]:
    """The values of a label map that are objects, and the numbers of the objects."""
    found = [int(value) for value in np.unique(values) if value > 0]
    if len(found) > _MOST_LABELS:
        raise PromptError(
            f"{name} has {len(found):,} different values; a label map has one for each object, up "
            f"to {_MOST_LABELS:,}."
        )
    if found == [_VOID]:
        return [(_VOID, 1)]  # black and white
    return [
        (value, value % _MOTS_FACTOR if value >= _MOTS_FACTOR else value)
        for value in found
        if value != _VOID and value // _MOTS_FACTOR != _MOTS_IGNORED
    ]


def _is_label_map(bundle: Bundle, name: str) -> bool:
    with _opened(bundle, name) as image:
        return image.mode == "P" or image.mode.startswith("I")


def _values(bundle: Bundle, name: str) -> npt.NDArray[np.integer]:
    with _opened(bundle, name) as image:
        try:
            if image.mode == "1":
                return np.asarray(image, np.uint8) * np.uint8(_VOID)
            if image.mode in {"L", "P"} or image.mode.startswith("I"):
                return np.asarray(image)
            rgba = np.asarray(image.convert("RGBA"))
        except (OSError, ValueError, SyntaxError) as error:
            raise PromptError(f"{name} cannot be read: {error}.") from error
    visible = rgba[..., :3].any(axis=2) & (rgba[..., 3] > 0)
    return visible * np.uint8(_VOID)


def _opened(bundle: Bundle, name: str) -> Image.Image:
    content = bundle.read(name, MAX_PICTURE_BYTES)
    try:
        image = Image.open(io.BytesIO(content), formats=["PNG"])
    except (OSError, ValueError, SyntaxError, UnidentifiedImageError) as error:
        raise PromptError(f"{name} is no readable PNG: {error}.") from error
    if image.width * image.height > MAX_PIXELS:
        raise PromptError(f"{name} has {image.width}×{image.height} pixels, which is too many.")
    return image
