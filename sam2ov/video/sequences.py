"""Which images of a folder are a sequence, in which order, and which numbers they bear.

A sequence is told by its pattern: the name with one number replaced, ``shotA.####.exr``. Where more
than one number changes from file to file, it is the last of them. Two sequences in a folder are two
shots; which one is meant, a pattern says.
"""

import re
from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

from sam2ov.errors import VideoOpenError
from sam2ov.video.stills import FORMATS

_NUMBER: Final = re.compile(r"(\d+)")
_PLACE: Final = re.compile(r"#+|%0?\d*d|@+")
"""Stands for the number in a pattern, as Nuke, printf and Shake write it."""
_MOST_DIGITS: Final = 15
_SHOWN: Final = 4


@dataclass(frozen=True)
class Sequence:
    """Images in order.

    Attributes:
        paths: of the images.
        numbers: in their names, ascending; empty where they bear none.
    """

    paths: tuple[Path, ...]
    numbers: tuple[int, ...] = ()

    @property
    def span(self) -> int:
        """Images from the first number to the last, those that are missing included."""
        return self.numbers[-1] - self.numbers[0] + 1 if self.numbers else len(self.paths)

    def held(self) -> "Sequence":
        """With the image before each number that is missing in its place."""
        paths: list[Path] = []
        for path, number, behind in zip(
            self.paths, self.numbers, (*self.numbers[1:], *self.numbers[-1:]), strict=True
        ):
            paths += [path] * max(behind - number, 1)
        numbers = range(self.numbers[0], self.numbers[0] + len(paths)) if paths else ()
        return Sequence(tuple(paths), tuple(numbers))


def find_sequence(place: Path, name: str) -> Sequence:
    """The images that a folder, a pattern in a folder, or the name of an image means.

    Args:
        place: a folder, ``folder/shotA.####.exr``, ``folder/shotA.%04d.exr``, or an image.
        name: what people know it by, for messages.

    Raises:
        VideoOpenError: there are none, or several sequences or formats.
    """
    if place.is_file():
        return Sequence((place,))
    if not place.is_dir():
        return _of_pattern(place, name)
    paths = [path for path in place.iterdir() if _is_image_file(path)]
    if not paths:
        raise VideoOpenError(
            f"{name} contains no images ({', '.join(sorted(FORMATS))}). Give a folder of "
            "numbered images, or a video file."
        )
    formats = sorted({FORMATS[path.suffix.lower()] for path in paths})
    if len(formats) > 1:
        # Masks beside the frames, most often; reading both as one video would be nonsense.
        raise VideoOpenError(
            f"{name} mixes {' and '.join(formats)} images. Leave the frames alone in a folder."
        )
    found = _by_pattern(paths)
    if len(found) == 1:
        ((_, sequence),) = found.items()
        return sequence
    if all(len(sequence.paths) == 1 and not sequence.numbers for sequence in found.values()):
        return Sequence(tuple(sorted(paths, key=lambda path: path.name.lower())))
    shown = ", ".join(list(found)[:_SHOWN])
    raise VideoOpenError(
        f"{name} holds {len(found)} sequences of images ({shown}{', …' * (len(found) > _SHOWN)}). "
        f"Say which one: {name}/{next(iter(found))}."
    )


def is_pattern(place: Path) -> bool:
    """Whether a path that is not there is a pattern of images that are."""
    is_of_images = place.suffix.lower() in FORMATS and bool(_PLACE.search(place.name))
    return is_of_images and not place.exists() and place.parent.is_dir()


def _of_pattern(place: Path, name: str) -> Sequence:
    before, number, after = (
        place.name[: (found := _place(place.name)).start()],
        rf"(\d{{1,{_MOST_DIGITS}}})",
        place.name[found.end() :],
    )
    pattern = re.compile(re.escape(before) + number + re.escape(after))
    numbered = sorted(
        (int(match[1]), path)
        for path in place.parent.iterdir()
        if (match := pattern.fullmatch(path.name)) and _is_image_file(path)
    )
    if not numbered:
        raise VideoOpenError(f"There are no images {name}. Check the pattern and the folder.")
    _require_different([number for number, _ in numbered], name)
    return Sequence(tuple(path for _, path in numbered), tuple(number for number, _ in numbered))


def _place(name: str) -> "re.Match[str]":
    found = _PLACE.search(name)
    assert found is not None, "is_pattern has found it"
    return found


def _is_image_file(path: Path) -> bool:
    is_hidden = path.name.startswith(".")
    return path.suffix.lower() in FORMATS and not is_hidden and path.is_file()


def _by_pattern(paths: list[Path]) -> dict[str, Sequence]:
    """The sequences among images, by their patterns."""
    alike: dict[tuple[str, ...], list[tuple[list[str], Path]]] = defaultdict(list)
    for path in paths:
        parts = _NUMBER.split(path.stem)
        texts = tuple(part.lower() for part in parts[::2])
        alike[texts].append((parts, path))
    found: dict[str, Sequence] = {}
    for members in alike.values():
        count = len(members[0][0])
        changing = [
            place for place in range(1, count, 2) if len({int(p[place]) for p, _ in members}) > 1
        ]
        place = changing[-1] if changing else count - 2
        groups: dict[str, list[tuple[int, Path]]] = defaultdict(list)
        for parts, path in members:
            if place < 1 or len(parts[place]) > _MOST_DIGITS:
                found[path.name] = Sequence((path,))
                continue
            others = [part if i != place else "" for i, part in enumerate(parts)]
            others[1::2] = [number.lstrip("0") for number in others[1::2]]
            groups["\0".join(others)].append((int(parts[place]), path))
        for numbered in groups.values():
            numbered.sort(key=lambda entry: (entry[0], entry[1].name))
            first = numbered[0][1]
            parts = _NUMBER.split(first.stem)
            parts[place] = "#" * len(parts[place])
            pattern = "".join(parts) + first.suffix
            _require_different([number for number, _ in numbered], pattern)
            found[pattern] = Sequence(
                tuple(path for _, path in numbered), tuple(number for number, _ in numbered)
            )
    return dict(sorted(found.items()))


def _require_different(numbers: list[int], pattern: str) -> None:
    twice = next((a for a, b in pairwise(numbers) if a == b), None)
    if twice is not None:
        raise VideoOpenError(f"Two images of {pattern} have the number {twice}. Leave one of them.")
