"""YOLO segmentation: pictures, a text of polygons beside each, and ``data.yaml``."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import cv2
import numpy as np

from sam2ov.cleanup.shape import without_specks
from sam2ov.export.annotation_options import YoloOptions
from sam2ov.export.categories import Categories
from sam2ov.export.files import FileTree, file_tree
from sam2ov.export.pictures import jpeg
from sam2ov.export.plan import AddFrame, ExportFrame, ExportPlan, ExportSource
from sam2ov.export.polygons import Ring, centre_polygons
from sam2ov.export.split import Part, Split
from sam2ov.values.masks import BoolArray

_MIN_IOU = 0.98
_SPECK = 0.01
"""Share of a mask up to which one of its parts is rather left out than made an object."""
_YAML = "data.yaml"


def yolo_layout(names: str) -> tuple[str, ...]:
    """What files ``YoloWriter`` makes, as regular expressions; ``names`` is that of pictures."""
    part = "(train|val)"
    return (rf"images/{part}/{names}\.jpg", rf"labels/{part}/{names}\.txt", r"data\.yaml")


class YoloWriter:
    """Writes pictures and labels of clips.

    Args:
        sources: the clips.
        split: of their frames.
        options: of the format.
        tree: takes the files.
    """

    def __init__(
        self,
        sources: Sequence[ExportSource],
        split: Split,
        options: YoloOptions,
        tree: FileTree,
    ) -> None:
        self._sources = sources
        self._categories = Categories.of(sources)
        self._options = options
        self._tree = tree
        tree.write(_YAML, _data_yaml(self._categories.names, split).encode())

    def add(self, frame: ExportFrame, part: Part, name: str) -> bool:
        """Write a picture and its labels; tells whether it was taken."""
        height, width = self._sources[frame.source].masks.size_hw
        lines = [
            _line(self._categories.number(target), ring, width, height)
            for target in self._sources[frame.source].objects
            for ring in _rings(frame.mask(target), self._options.parts)
        ]
        if not lines and not self._options.empty:
            return False
        picture = jpeg(frame.image, self._options.quality, frame.pixel_aspect)
        self._tree.write(f"images/{part}/{name}.jpg", picture)
        self._tree.write(f"labels/{part}/{name}.txt", "".join(lines).encode())
        return True


@contextmanager
def open_yolo(plan: ExportPlan) -> Iterator[AddFrame]:
    """Begin a folder or archive that Ultralytics trains from.

    Raises:
        ExportError: the path is taken by something else, or the disk is full.
    """
    options = plan.options(YoloOptions)
    split = Split(plan.sources, options)
    with file_tree(plan.path, yolo_layout(plan.format.template(plan.settings).pattern())) as tree:
        writer = YoloWriter(plan.sources, split, options, tree)

        def add(frame: ExportFrame) -> None:
            part = split.part(frame)
            if part is not None:
                writer.add(frame, part, plan.name(frame))

        yield add


def _rings(mask: BoolArray, parts: str) -> list[Ring]:
    """The polygons of an object, see ``YoloOptions.parts``."""
    separate = centre_polygons(mask, joined=False)
    if parts == "separate" or len(separate) < 2:
        return separate
    joined = centre_polygons(mask, joined=True)
    if parts == "joined" or _drawn_iou(joined, mask) >= _MIN_IOU:
        return joined
    specks = round(_SPECK * np.count_nonzero(mask))
    clear = centre_polygons(without_specks(mask, specks), joined=False)
    return clear if _drawn_iou(clear, mask) >= _MIN_IOU else separate


def _drawn_iou(rings: Sequence[Ring], mask: BoolArray) -> float:
    """How much of a mask is what its polygons are when they are drawn again."""
    drawn = np.zeros(mask.shape, np.uint8)
    for ring in rings:
        cv2.fillPoly(drawn, [np.floor(ring).astype(np.int32)], 1)
    both = int(np.count_nonzero(drawn.view(np.bool_) & mask))
    return both / max(int(np.count_nonzero(drawn.view(np.bool_) | mask)), 1)


def _line(number: int, ring: Ring, width: int, height: int) -> str:
    shares = (ring / (width, height)).clip(0, 1)
    return f"{number} " + " ".join(f"{value:.6f}" for value in shares.ravel().tolist()) + "\n"


def _data_yaml(names: Sequence[str], split: Split) -> str:
    """The description that Ultralytics reads; names are JSON strings, which YAML takes."""
    val = (
        "val: images/val"
        if split.has_val
        else ("val: images/train  # nothing was kept for validation: these frames were trained on")
    )
    listed = "\n".join(
        f"  {number}: {json.dumps(name, ensure_ascii=False)}" for number, name in enumerate(names)
    )
    return f"train: images/train\n{val}\nnames:\n{listed}\n"
