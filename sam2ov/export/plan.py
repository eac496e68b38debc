"""What goes into an output: clips with their masks, and how the files are to be called."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from sam2ov.export.format import ExportFormat, ExportSettings, FormatOptions
from sam2ov.export.names import clip_stem, file_stem
from sam2ov.export.tracked_masks import TrackedMasks
from sam2ov.values.masks import BoolArray, FloatArray, LabelMap
from sam2ov.values.objects import ClipObject, plain_name
from sam2ov.video import FrameReader, PictureForm
from sam2ov.video.cache import Picture

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
        return ExportSource(plain_name(clip_name), video, masks, masks.objects)

    def with_square_pixels(self, video: FrameReader) -> "ExportSource":
        """The same, scaled.

        Args:
            video: the clip in a form with square pixels.
        """
        masks = self.masks.at_size(video.size_hw)
        return replace(self, video=video, masks=masks)

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


class SourcePictures:
    """A clip's frames in every form that outputs want; each form is decoded once for all of them.

    Args:
        video: the clip, which stays the caller's.
    """

    def __init__(self, video: FrameReader) -> None:
        self._video = video
        self._twins: dict[PictureForm, FrameReader] = {}

    def read(self, index: int, form: PictureForm) -> Picture:
        """A frame, read-only."""
        if form == self._video.form:
            return self._video.read(index)
        if form not in self._twins:
            height, width = self._video.size_hw
            frame_bytes = height * width * form.pixel_bytes
            self._twins[form] = self._video.twin(cache_bytes=2 * frame_bytes, form=form)
        twin = self._twins[form]
        return twin.read_deep(index) if form.is_deep else twin.read(index)

    def close(self) -> None:
        """Release what was opened."""
        for twin in self._twins.values():
            twin.close()


class ExportFrame:
    """A frame on its way into all outputs; picture and masks are made when they are asked for.

    Args:
        source: see ``source``.
        clip: the clip.
        pictures: of the clip.
        index: see ``index``.
        number: see ``number``.

    Attributes:
        source: the number of its clip in ``ExportPlan.sources``.
        index: its number in the clip, from 0.
        number: what it is called in names and annotations.
        seconds: when it appears, from the clip's frame 0 on.
    """

    def __init__(
        self, source: int, clip: ExportSource, pictures: SourcePictures, index: int, number: int
    ) -> None:
        self._pictures = pictures
        self.source = source
        self.index = index
        self.number = number
        self._clip = clip

    @property
    def seconds(self) -> Fraction:
        """When it appears, from the clip's frame 0 on."""
        return self._clip.video.info.time_of(self.index)

    @property
    def pixel_aspect(self) -> Fraction:
        """Width / height of a pixel of it."""
        return self._clip.video.info.sample_aspect_ratio

    @property
    def image(self) -> npt.NDArray[np.uint8]:
        """The picture, uint8 RGB [H, W, 3], read-only; on black where it is transparent."""
        return self._clip.video.read(self.index)

    def rgba(self, *, is_deep: bool, keeps_hdr: bool = False) -> Picture:
        """The picture with its own alpha, straight, [H, W, 4], read-only; see ``PictureForm``."""
        form = self._clip.video.form
        wanted = replace(form, has_alpha=True, is_deep=is_deep, keeps_hdr=keeps_hdr)
        return self._pictures.read(self.index, wanted)

    @property
    def deep_image(self) -> npt.NDArray[np.uint16]:
        """As ``image``, uint16."""
        wanted = replace(self._clip.video.form, is_deep=True)
        return np.asarray(self._pictures.read(self.index, wanted), np.uint16)

    def mask(self, target: ClipObject) -> BoolArray:
        """Where an object is, [H, W]."""
        return self._clip.masks.mask(self.index, target)

    def matte(self, target: ClipObject, *, hard: bool = False) -> FloatArray:
        """How much of each pixel an object covers, float32 [H, W] from 0 to 1."""
        aspect = self._clip.video.info.pixel_aspect
        return self._clip.masks.matte(self.index, target, hard=hard, pixel_aspect=aspect)

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
