"""PNGs: label maps of all objects (DAVIS, MOTS), or a picture of each object and frame."""

import io
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import PurePosixPath

from PIL import Image, UnidentifiedImageError

from sam2ov.errors import PromptError
from sam2ov.mask_files.bundle import MAX_PICTURE_BYTES, Bundle
from sam2ov.mask_files.found import MOST_DIGITS, FoundMask, ObjectIds, last_number
from sam2ov.mask_files.pictures import Labels, Reading, labels_of
from sam2ov.mask_files.schemas import MAX_PIXELS, MAX_SIDE
from sam2ov.values.rle import encode_rle


def png_masks(
    bundle: Bundle, names: list[str], how: Reading, classes: Mapping[int, str]
) -> Iterator[FoundMask]:
    """The masks of PNGs, by frame.

    The last number of a name is the frame; one without is frame 0. What their values and colours
    mean, ``pictures`` tells. Pictures in several folders show an object per folder, whose number
    or name is the folder's.

    Args:
        bundle: that holds them.
        names: of the pictures.
        how: to take them.
        classes: the names of MOTS's classes, for objects of one.

    Raises:
        PromptError: a picture cannot be read; frames appear twice; or there are several videos.
    """
    by_folder: dict[str, dict[int, str]] = defaultdict(dict)
    for name in names:
        path = PurePosixPath(name)
        number = last_number(path.stem)
        number = 0 if number is None else number
        folder = path.parent.as_posix()
        if number in by_folder[folder]:
            raise PromptError(f"{name} and {by_folder[folder][number]} are of one frame.")
        by_folder[folder][number] = name
    first = next(iter(by_folder.values()))
    are_maps = how.kind == "labels" or (
        how.kind == "auto" and _is_label_map(bundle, next(iter(first.values())))
    )
    if len(by_folder) > 1 and are_maps:
        raise PromptError(
            f"There are label maps in {len(by_folder)} folders. Give the folder of one video."
        )
    ids = ObjectIds()
    numbers = sorted({number for frames in by_folder.values() for number in frames})
    for number in numbers:
        for folder, frames in by_folder.items():
            if number not in frames:
                continue
            labels = _labels(bundle, frames[number], how)
            if labels.is_soft:  # where it fades, values alone would not tell
                how = replace(how, kind="matte")
            if len(by_folder) > 1:
                leaf = PurePosixPath(folder).name
                is_number = leaf.isdecimal() and len(leaf) <= MOST_DIGITS
                key: object = int(leaf) if is_number else leaf
                name = "" if is_number else leaf
                yield FoundMask(number, ids.of(key), name, encode_rle(labels.everything()))
                continue
            for label in labels.objects:
                obj_id = ids.of(label.value, label.number or 0)
                class_name = "" if label.class_id is None else classes.get(label.class_id, "")
                mask = encode_rle(labels.mask(label.value))
                yield FoundMask(number, obj_id, label.name or class_name, mask)


def _is_label_map(bundle: Bundle, name: str) -> bool:
    with _opened(bundle, name) as image:
        return image.mode == "P" or image.mode.startswith("I")


def _labels(bundle: Bundle, name: str, how: Reading) -> Labels:
    with _opened(bundle, name) as image:
        try:
            return labels_of(image, name, how)
        except (OSError, ValueError, SyntaxError) as error:
            if isinstance(error, PromptError):
                raise
            raise PromptError(f"{name} cannot be read: {error}.") from error


def _opened(bundle: Bundle, name: str) -> Image.Image:
    content = bundle.read(name, MAX_PICTURE_BYTES)
    try:
        image = Image.open(io.BytesIO(content), formats=["PNG"])
    except UnidentifiedImageError as error:
        raise PromptError(f"{name} is no readable PNG, or damaged.") from error
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise PromptError(f"{name} is no readable PNG: {error}.") from error
    if image.width * image.height > MAX_PIXELS or max(image.size) > MAX_SIDE:
        raise PromptError(f"{name} has {image.width}×{image.height} pixels, which is too many.")
    return image
