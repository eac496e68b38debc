"""Masks of everything in an image, or in all images of a folder, from one specification."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from sam2ov.engine.automatic import AutomaticSettings, FoundMask, MaskFinder
from sam2ov.engine.devices import Precision
from sam2ov.engine.model import SAM2Model
from sam2ov.errors import VideoError, VideoOpenError
from sam2ov.jobs.found_masks import FoundFormat, check_place, open_found
from sam2ov.progress import CancelCheck, Progress, ProgressCallback
from sam2ov.video import VideoLimits, open_video
from sam2ov.video.stills import FORMATS
from sam2ov.zoo.catalogue import BUNDLED_NAME
from sam2ov.zoo.loading import prepare_model
from sam2ov.zoo.presets import PresetName

_PARTS: Final = 1000
"""Of the work on an image, as progress counts it."""


_OF_BUNDLED: Final[Mapping[str, Any]] = {"pred_iou_thresh": 0.5, "stability_score_thresh": 0.65}
"""What suits the bundled model, which trusts its masks less and has softer edges than SAM 2's."""


def settings_for(model: str, values: Mapping[str, Any]) -> AutomaticSettings:
    """Settings of a program's values; those left out are what suits the model.

    Raises:
        PromptError: a value is unknown, or out of range.
    """
    usual = _OF_BUNDLED if model == BUNDLED_NAME else {}
    return AutomaticSettings.checked({**usual, **values})


class SegmentJob(BaseModel):
    """Which images to find masks in, how, and what to write of them.

    Attributes:
        images: an image, or a folder whose images are of any sizes and kinds.
        out: see ``open_found``.
        format: likewise.
        settings: how masks are found.
        model: as ``resolve_model`` takes it.
        preset: what may be given up for speed.
        device: an OpenVINO device string.
        precision: inside the networks; None for the device's best.
        calibrate: a clip to calibrate INT8 on; None for the sample.
        overwrite: replace what stands at ``out``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    images: Path
    out: Path
    format: FoundFormat = "coco"
    settings: AutomaticSettings = AutomaticSettings()
    model: str = "micro"
    preset: PresetName = "quality"
    device: str = "CPU"
    precision: Precision | None = None
    calibrate: Path | None = None
    overwrite: bool = False


@dataclass(frozen=True)
class SegmentedImage:
    """An image whose masks are written: its ``name``, size in pixels, and how many there are."""

    name: str
    width: int
    height: int
    masks: int


@dataclass
class SegmentOutcome:
    """What came of a job.

    Attributes:
        out: what was written; empty for nothing.
        images: those whose masks are in it.
        unreadable: for each image that could not be read, why.
        seconds: that it took, without loading the model.
    """

    out: str = ""
    images: list[SegmentedImage] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    seconds: float = 0.0


class SegmentRun:
    """A job that is being done: ``load``, then ``work``.

    Memory does not grow with the number of images. Each is read by a process of its own that may
    touch nothing else.

    Args:
        job: what to do.
        model: compiled already; None loads the job's.
        limits: on images from strangers.
        name: what people know the image by; None for the file's name.

    Attributes:
        outcome: what has come of it so far.
        paths: the images.

    Raises:
        VideoError: there is no image.
        ExportError: the output cannot be written to its place.
    """

    def __init__(
        self,
        job: SegmentJob,
        model: SAM2Model | None = None,
        *,
        limits: VideoLimits | None = None,
        name: str | None = None,
    ) -> None:
        self.paths = find_images(job.images)
        self.outcome = SegmentOutcome()
        self._job = job
        self._model = model
        self._limits = limits
        self._name = name
        self._is_folder = job.images.is_dir()
        check_place(job.out, job.format, is_folder=self._is_folder, overwrite=job.overwrite)

    @property
    def model(self) -> SAM2Model:
        """The networks, once loaded."""
        assert self._model is not None
        return self._model

    def load(
        self,
        progress: ProgressCallback | None = None,
        cancel: CancelCheck | None = None,
        note: Callable[[str], None] | None = None,
    ) -> None:
        """Get and compile the model.

        Raises:
            ModelError, DeviceError: it cannot be had.
            CancelledError: ``cancel`` returned true.
        """
        job = self._job
        prepared = prepare_model(
            job.model,
            device=job.device,
            precision=job.precision,
            preset=job.preset,
            calibrate=job.calibrate,
            progress=progress,
            cancel=cancel,
        )
        for each in prepared.notes:
            if note is not None:
                note(each)
        self._model = prepared.compile(job.device, job.precision)

    def work(self, cancel: CancelCheck | None = None) -> Iterator[Progress]:
        """Find and write the masks, a few clicks at a time.

        Once ``cancel`` returns true, what is found in whole images is written, and the work ends.

        Raises:
            VideoError: the only image cannot be read; of several, see ``outcome``.
            ExportError: the output cannot be written; nothing is left at its place.
        """
        finder = MaskFinder(self.model, self._job.settings)
        started = time.monotonic()
        found = self._found(finder, cancel)
        first = None
        for step in found:
            if not isinstance(step, Progress):
                first = step
                break
            yield step
        if first is None:  # cancelled, or none of them could be read: there is nothing to write
            return
        with open_found(self._job.out, self._job.format, is_folder=self._is_folder) as add:
            self._write(add, first)
            for step in found:
                if isinstance(step, Progress):
                    yield step
                else:
                    self._write(add, step)
        self.outcome.out = str(self._job.out)
        self.outcome.seconds = time.monotonic() - started

    def _found(
        self, finder: MaskFinder, cancel: CancelCheck | None
    ) -> Iterator["Progress | _FoundImage"]:
        total = len(self.paths) * _PARTS
        for index, (path, name) in enumerate(zip(self.paths, self._names(), strict=True)):
            if cancel is not None and cancel():
                return
            stage = f"Finding masks in {self._name or path.name}"
            yield Progress(stage, index * _PARTS, total, "items")
            try:
                image = read_image(path, self._limits, self._name)
            except VideoError as error:
                if not self._is_folder:
                    raise
                self.outcome.unreadable.append(str(error))
                continue
            for step in finder.steps(image):
                if cancel is not None and cancel():
                    return
                if isinstance(step, Progress):
                    done = index * _PARTS + _PARTS * step.done // max(step.total, 1)
                    yield Progress(stage, done, total, "items")
                else:
                    yield _FoundImage(name, image, step)

    def _names(self) -> list[str]:
        """What outputs call the images: COCO by their files, others without suffix if that do."""
        if self._job.format == "coco":
            return [self._name or path.name for path in self.paths]
        stems = Counter(path.stem.casefold() for path in self.paths)
        names = [
            path.stem if stems[path.stem.casefold()] == 1 else path.name for path in self.paths
        ]
        if len({name.casefold() for name in names}) < len(names):  # a.jpg, a.bmp and a.jpg.png
            return [path.name for path in self.paths]
        return names

    def _write(
        self,
        add: Callable[[str, npt.NDArray[np.uint8], list[FoundMask]], None],
        found: "_FoundImage",
    ) -> None:
        add(found.name, found.image, found.masks)
        height, width = found.image.shape[:2]
        self.outcome.images.append(SegmentedImage(found.name, width, height, len(found.masks)))


@dataclass(frozen=True, eq=False)
class _FoundImage:
    name: str
    image: npt.NDArray[np.uint8]
    masks: list[FoundMask]


def read_image(
    path: Path, limits: VideoLimits | None = None, name: str | None = None
) -> npt.NDArray[np.uint8]:
    """The pixels of an image, uint8 RGB [H, W, 3], read by a process of its own.

    Args:
        path: of the image.
        limits: on files from strangers.
        name: what people know it by; None for its path.

    Raises:
        VideoError: it cannot be read, or has several frames.
    """
    with open_video(path, limits, cache_bytes=0, name=name) as reader:
        if reader.num_frames != 1:
            raise VideoOpenError(
                f"{reader.info.name} has {reader.num_frames} frames. Give an image, or a folder of "
                "images."
            )
        return reader.read(0)


def find_images(path: Path) -> list[Path]:
    """An image, or those of a folder by name; other files, hidden ones and folders are left out.

    Raises:
        VideoOpenError: there is none.
    """
    if not path.is_dir():
        if not path.exists():
            raise VideoOpenError(f"{path} does not exist. Check the path.")
        return [path]
    images = sorted(
        entry
        for entry in path.iterdir()
        if entry.suffix.lower() in FORMATS and not entry.name.startswith(".") and entry.is_file()
    )
    if not images:
        raise VideoOpenError(
            f"{path} has no images. Known are {', '.join(sorted(FORMATS))}; folders in it are not "
            "searched."
        )
    return images
