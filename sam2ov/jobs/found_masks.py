"""What is written of the masks of everything in images, image by image."""

import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal, get_args

import numpy as np
import numpy.typing as npt
from PIL import Image

from sam2ov.engine.automatic import FoundMask
from sam2ov.errors import ExportError
from sam2ov.export.files import copy_parts, file_tree, spools
from sam2ov.export.paint import OverlayStyle, paint_mask
from sam2ov.unfinished import unfinished_file
from sam2ov.values.palette import default_colour

FoundFormat = Literal["coco", "png", "overlay"]
FOUND_FORMATS: Final[tuple[FoundFormat, ...]] = get_args(FoundFormat)

PICTURE_SUFFIXES: Final = (".png", ".jpg", ".jpeg")
"""Of an overlay that is one file."""

_MASK_NAME: Final = r"(?:.+/)?\d{3,}\.png"
_OVERLAY_NAME: Final = r".+\.png"

Pixels = npt.NDArray[np.uint8]
AddImage = Callable[[str, Pixels, list[FoundMask]], None]
"""Takes the name of an image (a file of its folder), its pixels and its masks."""


def check_place(path: Path, wanted: FoundFormat, *, is_folder: bool, overwrite: bool) -> None:
    """Find out what would only fail after hours.

    Raises:
        ExportError: the name does not fit the format, or the place is taken or not there.
    """
    suffix = path.suffix.lower()
    if wanted == "coco" and suffix != ".json":
        raise ExportError(f"{path} does not end in .json, as COCO annotations do.")
    if wanted == "overlay" and not is_folder and suffix not in PICTURE_SUFFIXES:
        raise ExportError(
            f"{path} does not end in {' or '.join(PICTURE_SUFFIXES)}, as a picture does."
        )
    if not path.absolute().parent.is_dir():
        raise ExportError(f"The folder of {path} does not exist: create it first.")
    is_free = not path.exists() or (path.is_dir() and not any(path.iterdir()))
    if not is_free and not overwrite:
        raise ExportError(f"{path} is there already. Choose another --out, or add --overwrite.")


@contextmanager
def open_found(path: Path, wanted: FoundFormat, *, is_folder: bool) -> Iterator[AddImage]:
    """Begin an output, which stands at ``path`` once the block has succeeded.

    Args:
        path: coco: a .json file; png: a folder or a .zip file; overlay: the same for a folder of
            images, or a picture for one.
        wanted: the format.
        is_folder: whether there may be several images.

    Raises:
        ExportError: the disk is full, or the place cannot be written to.
    """
    if wanted == "coco":
        with _coco(path) as add:
            yield add
    elif wanted == "png":
        with file_tree(path, [_MASK_NAME]) as tree:

            def write_masks(name: str, _: Pixels, found: list[FoundMask]) -> None:
                folder = f"{name}/" if is_folder else ""
                for number, each in enumerate(found, 1):
                    mask = each.mask.view(np.uint8) * np.uint8(255)
                    tree.write(f"{folder}{number:03d}.png", _encoded(mask, "PNG"))

            yield write_masks
    elif is_folder:
        with file_tree(path, [_OVERLAY_NAME]) as tree:

            def write_overlay(name: str, image: Pixels, found: list[FoundMask]) -> None:
                tree.write(f"{name}.png", _encoded(_painted(image, found), "PNG"))

            yield write_overlay
    else:
        with unfinished_file(path) as unfinished:

            def write_picture(_: str, image: Pixels, found: list[FoundMask]) -> None:
                kind = "PNG" if path.suffix.lower() == ".png" else "JPEG"
                unfinished.write_bytes(_encoded(_painted(image, found), kind))

            yield write_picture


@contextmanager
def _coco(path: Path) -> Iterator[AddImage]:
    numbers = {"images": 0, "annotations": 0}
    with unfinished_file(path) as unfinished, spools(unfinished, 2) as (images, annotations):

        def add(name: str, image: Pixels, found: list[FoundMask]) -> None:
            numbers["images"] += 1
            height, width = image.shape[:2]
            fields = {"id": numbers["images"], "file_name": name, "width": width, "height": height}
            images.write_item(json.dumps(fields))
            for each in found:
                numbers["annotations"] += 1
                fields = _annotation(each) | {
                    "id": numbers["annotations"],
                    "image_id": numbers["images"],
                }
                annotations.write_item(json.dumps(fields))

        yield add
        head = {
            "info": {"description": "Masks found with sam2ov", "version": "1.0"},
            "licenses": [],
            "categories": [{"id": 1, "name": "object", "supercategory": ""}],
        }
        copy_parts(
            unfinished,
            [
                json.dumps(head, indent=1).removesuffix("\n}"),
                ',\n "images": [\n',
                images,
                '\n ],\n "annotations": [\n',
                annotations,
                "\n ]\n}\n",
            ],
        )


def _annotation(found: FoundMask) -> dict[str, Any]:
    x0, y0, x1, y1 = found.box
    is_empty = not found.area
    return {
        "category_id": 1,
        "segmentation": {"size": list(found.rle.size_hw), "counts": found.rle.counts},
        "area": found.area,
        # COCO's boxes cover whole pixels; upstream's end at the last one.
        "bbox": [0, 0, 0, 0] if is_empty else [x0, y0, x1 - x0 + 1, y1 - y0 + 1],
        "iscrowd": 0,
        "predicted_iou": round(found.iou, 6),
        "stability_score": None if is_empty else round(found.stability, 6),
        "point_coords": [[round(value, 3) for value in found.point]],
    }


def _painted(image: Pixels, found: list[FoundMask]) -> Pixels:
    """The image with its masks in colour, smaller ones over larger ones."""
    painted = np.array(image)
    for number, each in enumerate(sorted(found, key=lambda mask: -mask.area), 1):
        paint_mask(painted, each.mask, default_colour(number), OverlayStyle())
    return painted


def _encoded(pixels: Pixels, kind: str) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind)
    return buffer.getvalue()
