"""COCO: masks as run lengths or polygons in one JSON file, with the clip and the objects told."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import cv2
import numpy as np

from sam2ov.export.annotation_options import CocoOptions
from sam2ov.export.categories import Categories
from sam2ov.export.files import Spool, copy_parts, spools
from sam2ov.export.plan import AddFrame, ExportFrame, ExportPlan, ExportSource
from sam2ov.export.polygons import edge_polygons
from sam2ov.unfinished import unfinished_file
from sam2ov.values.masks import BoolArray
from sam2ov.values.objects import ClipObject
from sam2ov.values.rle import encode_rle


class CocoText:
    """Collects pictures and annotations of any number of clips; ``parts`` is the file.

    Args:
        sources: the clips.
        images: an empty text.
        annotations: likewise.
        polygons: masks as polygons instead of run lengths.
    """

    def __init__(
        self,
        sources: Sequence[ExportSource],
        images: Spool,
        annotations: Spool,
        *,
        polygons: bool = False,
    ) -> None:
        self._sources = sources
        self._categories = Categories.of(sources)
        self._images = images
        self._annotations = annotations
        self._polygons = polygons
        self._num_images = 0
        self._num_annotations = 0

    def add(self, frame: ExportFrame, file_name: str) -> None:
        """Add a picture with the masks of all objects on it."""
        source = self._sources[frame.source]
        height, width = source.masks.size_hw
        self._num_images += 1
        image = {
            "id": self._num_images,
            "file_name": file_name,
            "width": width,
            "height": height,
            "video_id": frame.source + 1,
            "frame_id": frame.number,
            "time": round(float(frame.seconds), 6),
        }
        self._images.write_item(json.dumps(image))
        for target in source.objects:
            mask = frame.mask(target)
            if mask.any():
                self._annotations.write_item(json.dumps(self._annotation(frame, target, mask)))

    def parts(self) -> Iterator[str | Spool]:
        """The file's text."""
        categories = [
            {"id": number, "name": name, "supercategory": ""}
            for number, name in enumerate(self._categories.names, 1)
        ]
        videos = [_video(number, source) for number, source in enumerate(self._sources, 1)]
        head = {
            "info": {"description": "Masks tracked with sam2ov", "version": "1.0"},
            "licenses": [],
            "videos": videos,
            "tracks": [
                {
                    "id": _track_id(number, target),
                    "video_id": number + 1,
                    "category_id": self._categories.number(target) + 1,
                    "name": target.name,
                    "object_id": target.obj_id,
                }
                for number, source in enumerate(self._sources)
                for target in source.objects
            ],
            "categories": categories,
        }
        yield json.dumps(head, indent=1).removesuffix("\n}")
        yield ',\n "images": [\n'
        yield self._images
        yield '\n ],\n "annotations": [\n'
        yield self._annotations
        yield "\n ]\n}\n"

    def _annotation(
        self, frame: ExportFrame, target: ClipObject, mask: BoolArray
    ) -> dict[str, Any]:
        self._num_annotations += 1
        return {
            "id": self._num_annotations,
            "image_id": self._num_images,
            "video_id": frame.source + 1,
            "category_id": self._categories.number(target) + 1,
            "track_id": _track_id(frame.source, target),
            "segmentation": _polygons(mask) if self._polygons else rle_fields(mask),
            "area": int(np.count_nonzero(mask)),
            "bbox": list(cv2.boundingRect(mask.view(np.uint8))),
            "iscrowd": 0,
            # CVAT and Datumaro keep what they do not know in here.
            "attributes": {"track_id": _track_id(frame.source, target), "occluded": False},
        }


@contextmanager
def open_coco(plan: ExportPlan) -> Iterator[AddFrame]:
    """Begin a JSON file.

    Raises:
        ExportError: the disk is full, or the place cannot be written to.
    """
    options = plan.options(CocoOptions)
    with unfinished_file(plan.path) as unfinished, spools(unfinished, 2) as (images, annotations):
        text = CocoText(
            plan.sources, images, annotations, polygons=options.segmentation == "polygon"
        )

        def add(frame: ExportFrame) -> None:
            if (frame.index - plan.source.frames.start) % options.every == 0:
                text.add(frame, f"{plan.name(frame)}.{options.images}")

        yield add
        copy_parts(unfinished, text.parts())


def rle_fields(mask: BoolArray) -> dict[str, Any]:
    """A mask in COCO's run-length encoding, as it stands in JSON."""
    rle = encode_rle(mask)
    return {"size": list(rle.size_hw), "counts": rle.counts}


def _polygons(mask: BoolArray) -> list[list[float]]:
    return [ring.ravel().tolist() for ring in edge_polygons(mask)]


def _track_id(source: int, target: ClipObject) -> int:
    """Unique among all clips; the object's own number where there is one clip."""
    return source * 1_000_000 + target.obj_id


def _video(number: int, source: ExportSource) -> dict[str, Any]:
    info = source.video.info
    return {
        "id": number,
        "name": source.clip_name,
        "width": info.width,
        "height": info.height,
        "length": len(source.frames),
        "fps": round(float(info.fps), 6),
    }
