"""MOTS: a 16-bit PNG for each frame and the same as text, as the KITTI MOTS tools read it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import numpy as np

from sam2ov.export.categories import Categories
from sam2ov.export.files import file_tree, spools
from sam2ov.export.pictures import number_png, with_pixel_aspect
from sam2ov.export.plan import AddFrame, ExportFrame, ExportPlan
from sam2ov.values.rle import encode_rle

_CLASS_FACTOR: Final = 1000
_KNOWN: Final = {"car": 1, "pedestrian": 2, "person": 2}
_OTHERS: Final = (*range(3, 10), *range(11, 65))
"""10 marks regions that evaluations ignore; beyond 64 the numbers exceed 16 bits."""


@contextmanager
def open_mots(plan: ExportPlan) -> Iterator[AddFrame]:
    """Begin a folder or archive.

    Where masks overlap, the highest logit wins.

    Raises:
        ExportError: the path is taken by something else, or the disk is full.
    """
    source = plan.source
    classes = _class_ids(Categories.of(plan.sources).names)
    values = np.zeros(len(source.masks.objects) + 1, np.uint16)
    names = Categories.of(plan.sources)
    for number, target in enumerate(source.masks.objects, 1):
        class_id = classes[names.names[names.number(target)]]
        values[number] = class_id * _CLASS_FACTOR + target.obj_id
    layout = (
        r"instances/[\w.-]+/\d+\.png",
        r"instances/labels\.txt",
        r"instances_txt/[\w.-]+\.txt",
        r"classes\.txt",
    )
    with file_tree(plan.path, layout) as tree, spools(plan.path, 1) as (text,):
        tree.write("classes.txt", "".join(f"{i} {name}\n" for name, i in classes.items()).encode())
        tree.write("instances/labels.txt", _datumaro_labels(classes).encode())

        def add(frame: ExportFrame) -> None:
            numbers = values[frame.label_map()]
            name = f"instances/{source.stem}/{plan.name(frame)}.png"
            tree.write(name, with_pixel_aspect(number_png(numbers), frame.pixel_aspect))
            height, width = numbers.shape
            for value in values[1:]:
                mask = numbers == value
                if mask.any():
                    counts = encode_rle(mask).counts
                    class_id = int(value) // _CLASS_FACTOR
                    text.write(f"{frame.number} {value} {class_id} {height} {width} {counts}\n")

        yield add
        tree.copy(f"instances_txt/{source.stem}.txt", [text])


def _datumaro_labels(classes: dict[str, int]) -> str:
    """The name of class n on line n, as Datumaro reads it beside the pictures."""
    names = {number: name for name, number in _KNOWN.items()} | {2: "pedestrian", 10: "ignored"}
    names |= {number: name for name, number in classes.items()}
    lines = (names.get(number, f"class-{number}") for number in range(1, max(names) + 1))
    return "".join(f"{line}\n" for line in lines)


def _class_ids(names: tuple[str, ...]) -> dict[str, int]:
    """KITTI's numbers of cars and pedestrians, and others for others."""
    found: dict[str, int] = {}
    others = iter(_OTHERS)
    for name in names:
        known = _KNOWN.get(name.casefold())
        found[name] = next(others) if known is None else known
    return found
