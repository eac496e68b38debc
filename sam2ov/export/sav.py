"""SA-V: the JSON of the SA-V data set, whose masklets SAM 2 was trained on."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from sam2ov.export.annotation_options import EveryOptions
from sam2ov.export.coco import rle_fields
from sam2ov.export.plan import AddFrame, ExportFrame, ExportPlan
from sam2ov.unfinished import unfinished_file
from sam2ov.values.masks import BoolArray

_SMALL, _LARGE = 32**2, 96**2


@dataclass
class _Masklet:
    """What is counted of an object on the way."""

    num_seen: int = 0
    area: int = 0
    changes: int = 0
    first: int = 0
    is_seen: bool = False

    def count(self, mask: BoolArray, index: int) -> None:
        """Take a frame into account; ``index`` counts the annotated frames."""
        area = int(np.count_nonzero(mask))
        if index and self.is_seen != (area > 0):
            self.changes += 1
        if area and not self.num_seen:
            self.first = index
        self.is_seen = area > 0
        self.num_seen += area > 0
        self.area += area

    @property
    def mean_area(self) -> float:
        """In pixels, where it is seen."""
        return self.area / max(self.num_seen, 1)

    @property
    def bucket(self) -> str:
        """COCO's three sizes."""
        sizes = (("small", _SMALL), ("medium", _LARGE))
        return next((name for name, limit in sizes if self.mean_area < limit), "large")


@contextmanager
def open_sav(plan: ExportPlan) -> Iterator[AddFrame]:
    """Begin a JSON file: a list per frame of run lengths per object, then what SA-V tells of them.

    Raises:
        ExportError: the disk is full, or the place cannot be written to.
    """
    source, every = plan.source, plan.options(EveryOptions).every
    masklets = [_Masklet() for _ in source.objects]
    with (
        unfinished_file(plan.path) as unfinished,
        unfinished.open("w", encoding="utf-8", newline="") as file,
    ):
        file.write(json.dumps(_video(plan), indent=1).removesuffix("\n}"))
        file.write(',\n "masklet": [')
        count = 0

        def add(frame: ExportFrame) -> None:
            nonlocal count
            if (frame.index - source.frames.start) % every:
                return
            masks = []
            for target, masklet in zip(source.objects, masklets, strict=True):
                mask = frame.mask(target)
                masklet.count(mask, count)
                masks.append(rle_fields(mask))
            file.write((",\n" if count else "\n") + json.dumps(masks))
            count += 1

        yield add
        file.write("\n ],")
        file.write(json.dumps(_masklets(plan, masklets, count), indent=1).removeprefix("{"))
        file.write("\n")


def _video(plan: ExportPlan) -> dict[str, Any]:
    source = plan.source
    info = source.video.info
    first, last = source.frames[0], source.frames[-1]
    end = info.duration if last + 1 == info.num_frames else info.time_of(last + 1)
    return {
        "video_id": source.stem,
        "video_duration": float(end - info.time_of(first)),
        "video_frame_count": float(len(source.frames)),
        "video_height": float(info.height),
        "video_width": float(info.width),
        "video_resolution": float(info.height * info.width),
        "video_environment": "",
        "video_split": "",
        "video_first_frame": source.number_of(first, plan.settings),
        "masklet_every": plan.options(EveryOptions).every,
    }


def _masklets(plan: ExportPlan, masklets: list[_Masklet], count: int) -> dict[str, Any]:
    source = plan.source
    height, width = source.masks.size_hw
    size = height * width
    return {
        "masklet_id": list(range(len(masklets))),
        "masklet_object_id": [target.obj_id for target in source.objects],
        "masklet_name": [target.name for target in source.objects],
        "masklet_size_rel": [masklet.mean_area / size for masklet in masklets],
        "masklet_size_abs": [masklet.mean_area for masklet in masklets],
        "masklet_size_bucket": [masklet.bucket for masklet in masklets],
        "masklet_visibility_changes": [masklet.changes for masklet in masklets],
        "masklet_first_appeared_frame": [float(masklet.first) for masklet in masklets],
        "masklet_frame_count": [count] * len(masklets),
        "masklet_edited_frame_count": [0] * len(masklets),
        "masklet_type": ["manual"] * len(masklets),
        "masklet_stability_score": [None] * len(masklets),
        "masklet_num": len(masklets),
    }
