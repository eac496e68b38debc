"""Palette PNGs in the layout of DAVIS: a picture per frame, whose values are the objects."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import numpy as np

from sam2ov.export.annotation_options import DavisOptions
from sam2ov.export.files import file_tree
from sam2ov.export.pictures import jpeg, palette_png, with_pixel_aspect
from sam2ov.export.plan import AddFrame, ExportFrame, ExportPlan

"""255 is void, which evaluations leave out."""

MASKS: Final = "Annotations/480p"
"""Called so whatever the size, because that is where the programs made for DAVIS look."""
FRAMES: Final = "JPEGImages/480p"
LIST: Final = "ImageSets/2017/val.txt"


@contextmanager
def open_davis(plan: ExportPlan) -> Iterator[AddFrame]:
    """Begin a folder or archive in the layout of DAVIS 2017.

    A pixel's palette index is the id of its object, 0 for the background; the palette is that of
    DAVIS whatever the objects' colours. Where masks overlap, the highest logit wins.

    Raises:
        ExportError: the path is taken by something else, or the disk is full.
    """
    source, options = plan.source, plan.options(DavisOptions)
    values = np.array([0, *(target.obj_id for target in source.masks.objects)])
    layout = (rf"{MASKS}/[\w.-]+/\d+\.png", rf"{FRAMES}/[\w.-]+/\d+\.jpg", LIST)
    with file_tree(plan.path, layout) as tree:
        tree.write(LIST, f"{source.stem}\n".encode())

        def add(frame: ExportFrame) -> None:
            if len(source.objects) == 1:  # nothing is hidden by objects of other files
                (target,) = source.objects
                labels = frame.mask(target) * np.uint8(target.obj_id)
            else:
                labels = values.astype(np.uint8)[frame.label_map()]
            name = plan.name(frame)
            tree.write(
                f"{MASKS}/{source.stem}/{name}.png",
                with_pixel_aspect(palette_png(labels), frame.pixel_aspect),
            )
            if options.images:
                picture = jpeg(frame.image, options.quality, frame.pixel_aspect)
                tree.write(f"{FRAMES}/{source.stem}/{name}.jpg", picture)

        yield add
