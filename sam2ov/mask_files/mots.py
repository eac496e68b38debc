"""MOTS: the classes of its pictures, and its lines of text with run lengths."""

import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Final

from sam2ov.errors import PromptError
from sam2ov.mask_files.bundle import Bundle
from sam2ov.mask_files.found import FoundMask, ObjectIds
from sam2ov.mask_files.pictures import MOTS_FACTOR, MOTS_IGNORED
from sam2ov.mask_files.schemas import RleFields
from sam2ov.values.rle import Rle, require_valid

_KNOWN: Final = {1: "car", 2: "pedestrian"}
_MAX_CLASSES_BYTES: Final = 1 << 20
_LINE = re.compile(r"\d{1,18} \d{1,9} \d{1,4} \d{1,9} \d{1,9} [!-~]+")


def mots_classes(bundle: Bundle) -> Mapping[int, str]:
    """The names of classes by their numbers.

    ``classes.txt`` has lines of a number and a name; ``labels.txt``, Datumaro's, has the name of
    class n on line n. Without them they are those of KITTI.

    Raises:
        PromptError: such a file cannot be read.
    """
    for name in bundle.ending(".txt"):
        kind = PurePosixPath(name).name.casefold()
        if kind not in {"classes.txt", "labels.txt"}:
            continue
        text = bundle.read(name, _MAX_CLASSES_BYTES).decode("utf-8", "replace")
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        if kind == "labels.txt":
            return dict(enumerate(lines, 1))
        found = [re.fullmatch(r"(\d{1,9})\s+(.+)", line) for line in lines]
        if all(found):
            return {int(match[1]): match[2] for match in found if match is not None}
    return _KNOWN


def is_mots_text(first_line: str) -> bool:
    """Whether a file with such a line is one of MOTS."""
    return _LINE.fullmatch(first_line.strip()) is not None


def mots_masks(content: bytes, name: str, classes: Mapping[int, str]) -> Iterator[FoundMask]:
    """The masks of lines "frame object class height width run-lengths", by frame.

    Raises:
        PromptError: a line is malformed.
    """
    ids = ObjectIds()
    found: list[tuple[int, int, int, Rle]] = []
    for place, line in enumerate(content.decode("utf-8", "replace").splitlines(), 1):
        if not line.strip():
            continue
        if not is_mots_text(line):
            raise PromptError(
                f"{name} is malformed at line {place}: it is not a frame, an object, a class, "
                "height, width and run lengths."
            )
        *numbers, counts = line.split()
        frame, value, class_id, height, width = map(int, numbers)
        if class_id != MOTS_IGNORED:
            found.append((frame, value, class_id, _mask((height, width), counts, name)))
    for frame, value, class_id, mask in sorted(found, key=lambda each: each[0]):
        own = value % MOTS_FACTOR if value >= MOTS_FACTOR else value
        yield FoundMask(frame, ids.of((class_id, value), own), classes.get(class_id, ""), mask)


def _mask(size_hw: tuple[int, int], counts: str, name: str) -> Rle:
    try:
        fields = RleFields(size=size_hw, counts=counts)
    except ValueError as error:
        raise PromptError(f"{name} has a mask of {size_hw[1]}×{size_hw[0]} pixels.") from error
    mask = Rle(fields.size, counts)
    require_valid(mask)
    return mask
