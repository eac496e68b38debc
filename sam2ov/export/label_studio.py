"""Label Studio: boxes that follow the objects through the video, as its import takes them.

Label Studio has no masks in videos. Frames count from 1; between two boxes it interpolates, and
behind one that is not "enabled" the object is gone until the next. Its player knows no frames but
those of an even rate, which the interface tells it: time × rate. Where a clip's frames are uneven,
the rate is one at which no two of them are one.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from xml.sax.saxutils import quoteattr

import cv2
import numpy as np

from sam2ov.export.annotation_options import LabelStudioOptions
from sam2ov.export.categories import Categories, category_name
from sam2ov.export.files import Spool, copy_parts, spools
from sam2ov.export.plan import AddFrame, ExportFrame, ExportPlan
from sam2ov.unfinished import unfinished_file
from sam2ov.values.masks import BoolArray
from sam2ov.video import VideoInfo


@dataclass
class _Track:
    """The boxes of an object; the last one waits until it is known whether the object stays."""

    text: Spool
    every: int
    rate: Fraction
    waiting: dict[str, float | int | bool] | None = None
    is_wanted: bool = False

    def add(self, mask: BoolArray, frame: ExportFrame) -> None:
        """Take the mask of a frame."""
        height, width = mask.shape
        x, y, w, h = cv2.boundingRect(mask.view(np.uint8))
        if not w:
            self.end()
            return
        is_first = self.waiting is None
        self._write(is_last=False)
        self.waiting = {
            "frame": round(frame.seconds * self.rate) + 1,
            "enabled": True,
            "rotation": 0,
            "x": round(100 * x / width, 4),
            "y": round(100 * y / height, 4),
            "width": round(100 * w / width, 4),
            "height": round(100 * h / height, 4),
            "time": round(float(frame.seconds), 6),
        }
        self.is_wanted = is_first or frame.index % self.every == 0

    def end(self) -> None:
        """The object goes, or the frames are over."""
        self._write(is_last=True)
        self.waiting = None

    def _write(self, *, is_last: bool) -> None:
        if self.waiting is not None and (is_last or self.is_wanted):
            self.text.write_item(json.dumps(self.waiting | {"enabled": not is_last}))


@contextmanager
def open_label_studio(plan: ExportPlan) -> Iterator[AddFrame]:
    """Begin a JSON file with one task.

    Raises:
        ExportError: the disk is full, or the place cannot be written to.
    """
    source, every = plan.source, plan.options(LabelStudioOptions).every
    with (
        unfinished_file(plan.path) as unfinished,
        spools(unfinished, len(source.objects)) as texts,
    ):
        rate = _rate(source.video.info)
        tracks = [_Track(text, every, rate) for text in texts]

        def add(frame: ExportFrame) -> None:
            for target, track in zip(source.objects, tracks, strict=True):
                track.add(frame.mask(target), frame)

        yield add
        for track in tracks:
            track.end()
        copy_parts(unfinished, _parts(plan, tracks))


def _parts(plan: ExportPlan, tracks: list[_Track]) -> Iterator[str | Spool]:
    """The file's text. Numbers of frames are those of the clip: it is what people annotate."""
    source, options = plan.source, plan.options(LabelStudioOptions)
    info = source.video.info
    task = {
        "data": {"video": options.video or source.clip_name},
        "meta": {"labeling_config": _interface(plan)},
    }
    yield "[" + json.dumps(task, ensure_ascii=False).removesuffix("}")
    yield ', "annotations": [{"result": [\n'
    for number, (target, track) in enumerate(zip(source.objects, tracks, strict=True)):
        region = {
            "id": f"object-{target.obj_id}",
            "type": "videorectangle",
            "from_name": "box",
            "to_name": "video",
            "meta": {"text": [target.name]},
        }
        value = {
            "framesCount": max(round(info.duration * _rate(info)), 1),
            "duration": float(info.duration),
            "labels": [category_name(target)],
        }
        yield ",\n" if number else ""
        yield json.dumps(region, ensure_ascii=False).removesuffix("}") + ', "value": '
        yield json.dumps(value, ensure_ascii=False).removesuffix("}") + ', "sequence": [\n'
        yield track.text
        yield "\n]}}"
    yield "\n]}]}]\n"


def _rate(info: VideoInfo) -> Fraction:
    """Frames per second of Label Studio's player."""
    if not info.is_vfr or info.num_frames < 2:
        return info.fps
    shortest = int(np.diff(info.frame_pts).min()) * info.time_base
    return Fraction(max(round(1 / shortest), 1))


def _interface(plan: ExportPlan) -> str:
    """The labelling interface that the boxes fit, for the settings of a project."""
    labels = "".join(
        f"<Label value={quoteattr(name)}/>" for name in Categories.of(plan.sources).names
    )
    return (
        f'<View><Labels name="label" toName="video">{labels}</Labels>'
        f'<Video name="video" value="$video" frameRate="{float(_rate(plan.source.video.info)):g}"/>'
        '<VideoRectangle name="box" toName="video"/></View>'
    )
