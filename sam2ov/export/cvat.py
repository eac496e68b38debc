"""CVAT for video 1.1: XML that CVAT imports into a task of the same clip.

CVAT has no tracks of masks: its masks are shapes of single frames, which stand here with their
frame, and those of an object are a group. (In a track, where CVAT itself writes them, its import
loses the group.) Polygons and boxes are tracks.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

import cv2
import numpy as np

from sam2ov.export.annotation_options import CvatOptions
from sam2ov.export.categories import Categories, category_name
from sam2ov.export.files import Spool, copy_parts, spools
from sam2ov.export.plan import AddFrame, ExportFrame, ExportPlan
from sam2ov.export.polygons import Ring, edge_polygons, joined_polygon
from sam2ov.unfinished import unfinished_file
from sam2ov.values.masks import BoolArray
from sam2ov.values.objects import ClipObject
from sam2ov.values.palette import default_colour, to_hex


@contextmanager
def open_cvat(plan: ExportPlan) -> Iterator[AddFrame]:
    """Begin an XML file.

    Raises:
        ExportError: the disk is full, or the place cannot be written to.
    """
    options, objects = plan.options(CvatOptions), plan.source.objects
    with unfinished_file(plan.path) as unfinished, spools(unfinished, len(objects)) as texts:
        written: _Masks | _Tracks = (
            _Masks(texts[0], objects)
            if options.shapes == "mask"
            else _Tracks(objects, [_Track(text, options) for text in texts])
        )

        def add(frame: ExportFrame) -> None:
            if (frame.index - plan.source.frames.start) % options.every == 0:
                written.add(frame)

        yield add
        behind = plan.source.frames.stop
        if behind < plan.source.video.num_frames:
            written.end(behind)
        copy_parts(unfinished, [_head(plan), *written.parts(), "</annotations>\n"])


@dataclass
class _Masks:
    """The masks of all objects, by frame."""

    text: Spool
    objects: tuple[ClipObject, ...]

    def add(self, frame: ExportFrame) -> None:
        """Write the masks of a frame."""
        shapes = [
            shape
            for number, target in enumerate(self.objects)
            if (shape := self._shape(frame.mask(target), target, number))
        ]
        if shapes:
            height, width = frame.mask(self.objects[0]).shape
            self.text.write(
                f'  <image id="{frame.index}" name="frame_{frame.index:06d}.png" width="{width}" '
                f'height="{height}">\n{"".join(shapes)}  </image>\n'
            )

    def end(self, frame_idx: int) -> None:
        """Masks are shapes of their own frame."""

    def parts(self) -> Iterator[str | Spool]:
        """What was written."""
        yield self.text

    def _shape(self, mask: BoolArray, target: ClipObject, number: int) -> str:
        x, y, width, height = cv2.boundingRect(mask.view(np.uint8))
        if not width:
            return ""
        runs = ", ".join(map(str, _row_runs(mask[y : y + height, x : x + width])))
        return (
            f'    <mask label={quoteattr(category_name(target))} source="semi-auto" occluded="0" '
            f'rle="{runs}" left="{x}" top="{y}" width="{width}" height="{height}" '
            f'z_order="{number}" group_id="{target.obj_id}"></mask>\n'
        )


@dataclass
class _Tracks:
    """The tracks of all objects."""

    objects: tuple[ClipObject, ...]
    tracks: "list[_Track]"

    def add(self, frame: ExportFrame) -> None:
        """Write the shapes of a frame."""
        for target, track in zip(self.objects, self.tracks, strict=True):
            track.add(frame.mask(target), frame.index)

    def end(self, frame_idx: int) -> None:
        """Nothing is known of the objects from this frame on."""
        for track in self.tracks:
            track.end(frame_idx)

    def parts(self) -> Iterator[str | Spool]:
        """What was written."""
        for number, (target, track) in enumerate(zip(self.objects, self.tracks, strict=True)):
            if not track.text.is_empty:
                label = quoteattr(category_name(target))
                yield (
                    f'  <track id="{number}" label={label} source="semi-auto" '
                    f'group_id="{target.obj_id}">\n'
                )
                yield track.text
                yield "  </track>\n"


@dataclass
class _Track:
    """The polygons or boxes of an object, a keyframe each, and where it is gone."""

    text: Spool
    options: CvatOptions
    latest: str = ""
    is_seen: bool = False

    def add(self, mask: BoolArray, frame_idx: int) -> None:
        """Write the shape of a frame."""
        x, y, width, height = cv2.boundingRect(mask.view(np.uint8))
        if width:
            self.latest = (
                f'<box xtl="{x}" ytl="{y}" xbr="{x + width}" ybr="{y + height}"'
                if self.options.shapes == "box"
                else f'<polygon points="{_points(joined_polygon(edge_polygons(mask)))}"'
            )
        elif not self.is_seen:
            return
        self._write(frame_idx, is_seen=bool(width))

    def end(self, frame_idx: int) -> None:
        """Nothing is known of the object from this frame on."""
        if self.is_seen:
            self._write(frame_idx, is_seen=False)

    def _write(self, frame_idx: int, *, is_seen: bool) -> None:
        self.is_seen = is_seen
        kind = "box" if self.options.shapes == "box" else "polygon"
        self.text.write(
            f'    {self.latest} frame="{frame_idx}" keyframe="1" outside="{int(not is_seen)}" '
            f'occluded="0" z_order="0"></{kind}>\n'
        )


def _head(plan: ExportPlan) -> str:
    source = plan.source
    kind = {"mask": "mask", "polygon": "polygon", "box": "rectangle"}
    shape = kind[plan.options(CvatOptions).shapes]
    labels = "".join(
        f"        <label><name>{escape(name)}</name><color>{to_hex(default_colour(number))}"
        f"</color><type>{shape}</type><attributes></attributes></label>\n"
        for number, name in enumerate(Categories.of(plan.sources).names, 1)
    )
    height, width = source.masks.size_hw
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n  <version>1.1</version>\n'
        f"  <meta>\n    <task>\n      <name>{escape(source.clip_name)}</name>\n"
        f"      <size>{source.video.num_frames}</size>\n      <mode>interpolation</mode>\n"
        "      <overlap>0</overlap>\n      <start_frame>0</start_frame>\n"
        f"      <stop_frame>{source.video.num_frames - 1}</stop_frame>\n"
        f"      <labels>\n{labels}      </labels>\n"
        f"      <original_size><width>{width}</width><height>{height}</height></original_size>\n"
        f"      <source>{escape(source.clip_name)}</source>\n    </task>\n  </meta>\n"
    )


def _points(ring: Ring) -> str:
    return ";".join(f"{x:.2f},{y:.2f}" for x, y in ring.tolist())


def _row_runs(mask: BoolArray) -> list[int]:
    """Lengths of runs, row by row, background first."""
    pixels = np.concatenate([[False], mask.ravel()])
    borders = np.flatnonzero(pixels[1:] != pixels[:-1])
    runs: list[int] = np.diff(np.concatenate([[0], borders, [mask.size]])).tolist()
    return runs
