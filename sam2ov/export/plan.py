"""What goes into an output: clips with their masks, and how the files are to be called."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from sam2ov.export.format import ExportFormat, ExportSettings, FormatOptions
from sam2ov.export.names import clip_stem, file_stem
from sam2ov.export.tracked_masks import TrackedMasks
from sam2ov.values.masks import BoolArray, FloatArray, LabelMap
from sam2ov.values.objects import ClipObject
from sam2ov.video import FrameReader

Options = TypeVar("Options", bound=FormatOptions)


@dataclass(frozen=True, eq=False)
class ExportSource:
    """A clip with its masks.

    Attributes:
        clip_name: what people know the clip by.
        video: the clip; read in order.
        masks: which objects and frames there are.
        objects: those that go into one output; all of ``masks`` or one of them.
    """

    clip_name: str
    video: FrameReader
    masks: TrackedMasks
    objects: tuple[ClipObject, ...]

    @staticmethod
    def of(clip_name: str, video: FrameReader, masks: TrackedMasks) -> "ExportSource":
        """All objects of ``masks``."""
        return ExportSource(clip_name, video, masks, masks.objects)

    @property
    def stem(self) -> str:
        """The clip's name as part of file names."""
        return clip_stem(self.clip_name)

    @property
    def frames(self) -> range:
        """The frames that are exported."""
        return self.masks.frames

    def number_of(self, index: int, settings: ExportSettings) -> int:
        """What a frame is called in names and annotations."""
        return self.video.info.number_of(index, settings.first_number)


class ExportFrame:
    """A frame on its way into all outputs; picture and masks are made when they are asked for.

    Attributes:
        source: the number of its clip in ``ExportPlan.sources``.
        index: its number in the clip, from 0.
        number: what it is called in names and annotations.
        seconds: when it appears, from the clip's frame 0 on.
    """

    def __init__(self, source: int, clip: ExportSource, index: int, number: int) -> None:
        self.source = source
        self.index = index
        self.number = number
        self._clip = clip

    @property
    def seconds(self) -> Fraction:
        """When it appears, from the clip's frame 0 on."""
        return self._clip.video.info.time_of(self.index)

    @property
    def image(self) -> npt.NDArray[np.uint8]:
        """The picture, uint8 RGB [H, W, 3], read-only."""
        return self._clip.video.read(self.index)

    def mask(self, target: ClipObject) -> BoolArray:
        """Where an object is, [H, W]."""
        return self._clip.masks.mask(self.index, target)

    def matte(self, target: ClipObject, *, hard: bool = False) -> FloatArray:
        """How much of each pixel an object covers, float32 [H, W] from 0 to 1."""
        return self._clip.masks.matte(self.index, target, hard=hard)

    def label_map(self) -> LabelMap:
        """Which of ``ExportSource.masks.objects`` a pixel belongs to, see ``TrackedMasks``."""
        return self._clip.masks.label_map(self.index)


AddFrame = Callable[[ExportFrame], None]
"""Takes the frames of an output: clip by clip, in order, each once."""


@dataclass(frozen=True, eq=False)
class ExportPlan:
    """An output: what an ``ExportFormat``'s writer is told.

    Attributes:
        path: the file or folder, as ``ExportFormat.suffix`` says.
        format: of the output.
        settings: common to all formats.
        sources: one clip, or several if ``ExportFormat.takes_several``.
    """

    path: Path
    format: ExportFormat
    settings: ExportSettings
    sources: tuple[ExportSource, ...]

    @property
    def source(self) -> ExportSource:
        """The clip of an output that holds one."""
        (source,) = self.sources
        return source

    def options(self, kind: type[Options]) -> Options:
        """The format's own options."""
        options = self.settings.options or kind()
        assert isinstance(options, kind)
        return options

    def name(self, frame: ExportFrame, target: ClipObject | None = None) -> str:
        """The name of a file of a frame, or of an object on it, without suffix."""
        source = self.sources[frame.source]
        values: dict[str, str | int] = {"clip": source.stem, "frame": frame.number}
        # What lies in a file of all objects has no object in its name, unless there is just one.
        if target is None and len(source.objects) == 1:
            (target,) = source.objects
        values["object"] = "objects" if target is None else file_stem(target.name)
        values["id"] = 0 if target is None else target.obj_id
        timecode = source.video.info.timecode_of(frame.index)
        values["timecode"] = re.sub("[:;]", "-", str(timecode))
        last = source.number_of(source.frames[-1], self.settings)
        return self.format.template(self.settings).expand(values, last)
