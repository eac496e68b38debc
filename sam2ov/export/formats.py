"""The formats, in the order in which people are shown them.

A new one is an entry here and a module with its writer; command line, app and API have it then.
"""

from collections.abc import Mapping
from typing import Final, Literal

from sam2ov.export.annotation_options import (
    DavisOptions,
)
from sam2ov.export.format import ExportFormat, OpenOutput
from sam2ov.export.video_options import OverlayOptions

FormatName = Literal["overlay", "matte", "davis", "masks"]
"""The names of ``FORMATS``, for signatures."""

# Writers are imported when they are needed: they bring OpenCV and FFmpeg with them.


def _overlay() -> OpenOutput:
    from sam2ov.export.overlay import open_overlay

    return open_overlay


def _matte() -> OpenOutput:
    from sam2ov.export.matte import open_matte

    return open_matte


def _davis() -> OpenOutput:
    from sam2ov.export.davis import open_davis

    return open_davis


def _masks() -> OpenOutput:
    from sam2ov.export.object_masks import open_object_masks

    return open_object_masks


_ALL = (
    ExportFormat(
        name="overlay",
        label="Overlay video (mp4)",
        purpose="The clip with the objects in colour, with sound: to look at, to show, to check.",
        suffix=".mp4",
        load=_overlay,
        options=OverlayOptions,
        splits=True,
        is_lossless=False,
    ),
    ExportFormat(
        name="matte",
        label="Matte video (mp4)",
        purpose="White where an object is, black elsewhere: a track matte for an editing or "
        "compositing program.",
        suffix=".mp4",
        load=_matte,
        splits=True,
        is_lossless=False,
    ),
    ExportFormat(
        name="davis",
        label="Masks, DAVIS (PNG)",
        purpose="A palette picture for each frame whose values are the numbers of the objects: for "
        "research, evaluation and programs that read DAVIS.",
        suffix=None,
        load=_davis,
        options=DavisOptions,
        names="{frame:05d}",
        splits=True,
    ),
    ExportFormat(
        name="masks",
        label="Masks, one per object (PNG)",
        purpose="A black and white picture for each object and frame: for scripts, and to work on "
        "each object on its own. Masks may overlap.",
        suffix=None,
        load=_masks,
        names="{id:03d}/{frame:05d}",
    ),
)

FORMATS: Final[Mapping[str, ExportFormat]] = {known.name: known for known in _ALL}
