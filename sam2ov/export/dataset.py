"""A training set of one or several clips: pictures, masks, COCO and YOLO labels, and the split."""

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np

from sam2ov.export.annotation_options import DatasetOptions
from sam2ov.export.categories import Categories
from sam2ov.export.coco import CocoText
from sam2ov.export.files import file_tree, spools
from sam2ov.export.pictures import palette_png, with_pixel_aspect
from sam2ov.export.plan import AddFrame, ExportFrame, ExportPlan, ExportSource
from sam2ov.export.split import PARTS, Split
from sam2ov.export.yolo import YoloWriter, yolo_layout

"""255 is void in palette masks."""

_README = """\
Training data made with sam2ov from {clips} clips, {frames} frames.

images/{{train,val}}       the frames, JPEG
masks/{{train,val}}        PNG of the same name: 0 background, n the n-th category (semantic masks)
objects/{{train,val}}      PNG of the same name: 0 background, n the n-th object of the clip
annotations/*.json       COCO, masks as RLE: instances_train.json, instances_val.json
labels/{{train,val}}       YOLO segmentation; data.yaml is what Ultralytics is given
split.json               which frames of which clip are where

Categories: {categories}.
Objects of one class are one category, and without a class those of one name; what was not named
either is "object".

Split by {kind}: {explanation}
"""
_BY_CLIPS = "whole clips are kept for validation; no clip is in both."
_BY_STRETCHES = (
    "the end of each clip is kept for validation. {gap:g} seconds before it are left out, so that\n"
    "no frame has a neighbour on the other side. Clips too short for that are for training."
)


@contextmanager
def open_dataset(plan: ExportPlan) -> Iterator[AddFrame]:
    """Begin a folder or archive.

    Raises:
        ExportError: the path is taken by something else, or the disk is full.
    """
    options = plan.options(DatasetOptions)
    sources = plan.sources
    categories = Categories.of(sources)
    split = Split(sources, options)
    stems = _different_stems(sources)
    part = "(train|val)"
    layout = (
        *yolo_layout(r"[\w.-]+"),
        rf"masks/{part}/[\w.-]+\.png",
        rf"objects/{part}/[\w.-]+\.png",
        r"annotations/instances_(train|val)\.json",
        r"README\.txt",
        r"split\.json",
    )
    values = [
        np.array([0, *(categories.number(target) + 1 for target in source.objects)], np.uint8)
        for source in sources
    ]
    with file_tree(plan.path, layout) as tree, ExitStack() as stack:
        texts = stack.enter_context(spools(plan.path, 4))
        coco = {
            "train": CocoText(sources, texts[0], texts[1]),
            "val": CocoText(sources, texts[2], texts[3]),
        }
        yolo = YoloWriter(sources, split, options, tree)
        tree.write("README.txt", _readme(sources, split, options).encode())
        tree.write("split.json", json.dumps(_split_fields(sources, split), indent=1).encode())

        def add(frame: ExportFrame) -> None:
            part = split.part(frame)
            if part is None:
                return
            source = sources[frame.source]
            last = source.number_of(source.frames[-1], plan.settings)
            digits = max(5, len(str(last)))
            name = f"{stems[frame.source]}_{frame.number:0{digits}d}"
            if not yolo.add(frame, part, name):
                return
            labels = frame.label_map()
            for kind, numbers in (("objects", labels), ("masks", values[frame.source][labels])):
                picture = with_pixel_aspect(palette_png(numbers), frame.pixel_aspect)
                tree.write(f"{kind}/{part}/{name}.png", picture)
            coco[part].add(frame, f"{name}.jpg")

        yield add
        for name in PARTS:
            tree.copy(f"annotations/instances_{name}.json", coco[name].parts())


def _different_stems(sources: Sequence[ExportSource]) -> list[str]:
    """Names of clips for files; those that are the same get a number."""
    stems: list[str] = []
    for source in sources:
        stem, number = source.stem, 2
        while stem in stems:
            stem = f"{source.stem}-{number}"
            number += 1
        stems.append(stem)
    return stems


def _readme(sources: Sequence[ExportSource], split: Split, options: DatasetOptions) -> str:
    stretches = _BY_STRETCHES.format(gap=options.gap)
    names = Categories.of(sources).names
    return _README.format(
        clips=len(sources),
        frames=sum(len(source.frames) for source in sources),
        categories=", ".join(f"{number} {name}" for number, name in enumerate(names, 1)),
        kind=split.kind,
        explanation=_BY_CLIPS if split.kind == "clips" else stretches,
    )


def _split_fields(sources: Sequence[ExportSource], split: Split) -> dict[str, Any]:
    """First and last frame of each clip's parts, as their clips count them."""
    return {
        "split": split.kind,
        "clips": [
            {
                "clip": source.clip_name,
                **{
                    name: [frames[0], frames[-1]] if frames else None
                    for name, frames in zip(PARTS, split.frames(number), strict=True)
                },
            }
            for number, source in enumerate(sources)
        ],
    }
