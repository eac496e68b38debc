"""CVAT for video 1.1: XML that CVAT imports into a task of the same clip.

CVAT keeps masks as shapes of single frames: on import it takes the first mask of a track alone, so
each is a track of its own here, and those of an object are a group. Polygons and boxes are tracks.
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
        if options.shapes == "mask":
            shapes: list[_Masks | _Track] = [
                _Masks(texts[0], number, target) for number, target in enumerate(objects)
            ]
        else:
            shapes = [_Track(text, options) for text in texts]
        count = 0

        def add(frame: ExportFrame) -> None:
            nonlocal count
            if (frame.index - plan.source.frames.start) % options.every == 0:
                for target, kept in zip(objects, shapes, strict=True):
                    count += kept.add(frame.mask(target), frame.index, count)

        yield add
        behind = plan.source.frames.stop
        if behind < plan.source.video.num_frames:
            for kept in shapes:
                kept.end(behind)
        copy_parts(unfinished, _parts(plan, shapes))


@dataclass
class _Masks:
    """The masks of an object; all objects share one text."""

    text: Spool
    number: int
    target: ClipObject

    def add(self, mask: BoolArray, frame_idx: int, track: int) -> bool:
        """Write a mask as track number ``track``; tells whether there is one."""
        x, y, width, height = cv2.boundingRect(mask.view(np.uint8))
        if not width:
            return False
        runs = ", ".join(map(str, _row_runs(mask[y : y + height, x : x + width])))
        self.text.write(
            f'  <track id="{track}" label={quoteattr(category_name(self.target))} '
            f'source="semi-auto" group_id="{self.target.obj_id}">\n'
            f'    <mask frame="{frame_idx}" keyframe="1" outside="0" occluded="0" rle="{runs}" '
            f'left="{x}" top="{y}" width="{width}" height="{height}" z_order="{self.number}">'
            "</mask>\n  </track>\n"
        )
        return True

    def end(self, frame_idx: int) -> None:
        """Masks are shapes of their own frame."""


@dataclass
class _Track:
    """The polygons or boxes of an object, a keyframe each, and where it is gone."""

    text: Spool
    options: CvatOptions
    latest: str = ""
    is_seen: bool = False

    def add(self, mask: BoolArray, frame_idx: int, _: int) -> bool:
        """Write the shape of a frame; tells that no track is used up."""
        x, y, width, height = cv2.boundingRect(mask.view(np.uint8))
        if width:
            self.latest = (
                f'<box xtl="{x}" ytl="{y}" xbr="{x + width}" ybr="{y + height}"'
                if self.options.shapes == "box"
                else f'<polygon points="{_points(joined_polygon(edge_polygons(mask)))}"'
            )
        elif not self.is_seen:
            return False
        self._write(frame_idx, is_seen=bool(width))
        return False

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


def _parts(plan: ExportPlan, shapes: "list[_Masks | _Track]") -> Iterator[str | Spool]:
    yield _head(plan)
    for number, (target, kept) in enumerate(zip(plan.source.objects, shapes, strict=True)):
        if isinstance(kept, _Masks):
            if number == 0:
                yield kept.text
        elif not kept.text.is_empty:
            label = quoteattr(category_name(target))
            yield f'  <track id="{number}" label={label} source="semi-auto">\n'
            yield kept.text
            yield "  </track>\n"
    yield "</annotations>\n"


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
