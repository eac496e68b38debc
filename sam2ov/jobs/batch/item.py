"""A clip of a batch: what to track in it, how, and what to write, before its prompts are read."""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from sam2ov.errors import ExportError
from sam2ov.export.names import clip_stem
from sam2ov.jobs import ClipJob, Output, TrackingSettings
from sam2ov.mask_files.detections import Detection
from sam2ov.mask_files.prompt_file import PromptFile

_OF_OUTPUT: Final = frozenset(Output.model_fields) - {"path", "format", "options", "overwrite"}
_BLOCK_BYTES: Final = 1 << 20


class OutputWish(BaseModel):
    """What to write of each clip; see ``Output``, whose path the batch chooses."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: str
    values: dict[str, bool | int | float | str] = {}

    @classmethod
    def parse(cls, text: str) -> "OutputWish":
        """``FORMAT`` or ``FORMAT:NAME=VALUE,NAME=VALUE``.

        Names are those of the format's options, and ``names``, ``per_object``, ``first_number``,
        ``keep_start`` and ``square_pixels``.

        Raises:
            ExportError: it is not of this form, or the format does not take it.
        """
        kind, _, rest = text.strip().partition(":")
        values = {}
        for part in filter(None, rest.split(",")):
            name, separator, value = part.partition("=")
            if not separator or not name.strip():
                raise ExportError(f"{text!r} is not FORMAT:NAME=VALUE,NAME=VALUE.")
            values[name.strip()] = value.strip()
        wish = cls(format=kind, values=values)
        wish.check()
        return wish

    @property
    def suffix(self) -> str:
        """Of the file; empty for a folder."""
        return self.output(Path("clip")).kind.suffix or ""

    def check(self) -> None:
        """Find out what the format would not take.

        Raises:
            ExportError: there is no such format or option, or it does not take a value.
        """
        self.output(Path("clip").with_suffix(self.suffix)).check()

    def output(self, path: Path) -> Output:
        """The output at a path.

        Raises:
            ExportError: a value is not of its kind.
        """
        own = {name: value for name, value in self.values.items() if name in _OF_OUTPUT}
        options = {name: value for name, value in self.values.items() if name not in _OF_OUTPUT}
        try:
            return Output.model_validate(
                {"path": path, "format": self.format, "options": options, **own}
            )
        except ValueError as error:
            raise ExportError(f"The output {self.format} does not take {own}.") from error


class DetectionChoice(BaseModel):
    """Which detections begin objects; see ``read_detections_for``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    classes: tuple[str, ...] = ()
    min_score: float = Field(default=0.5, ge=0, le=1)
    every: int = Field(default=1, ge=1)


ANY_DETECTION: Final = DetectionChoice()


class BatchItem(BaseModel):
    """A clip, and what is to come of it.

    Attributes:
        name: of its folder among the results; no other clip has it.
        clip: a video file, or a folder of numbered images.
        prompts: a prompt file, or masks of any known kind; None where none were found.
        boxes: what a detector has found; None where nothing was.
        detect: which of it begins objects.
        settings: how it is tracked.
        outputs: what is written; at least one.
        keep_project: a project file is written besides, to look at the result and correct it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    clip: Path
    prompts: Path | None
    boxes: Path | None = None
    detect: DetectionChoice = ANY_DETECTION
    settings: TrackingSettings = TrackingSettings()
    outputs: tuple[OutputWish, ...]
    keep_project: bool = False

    def job(
        self, prompts: PromptFile | None, detections: tuple[Detection, ...], folder: Path
    ) -> ClipJob:
        """The job that writes into a folder.

        Raises:
            ExportError: there is no such output.
        """
        return ClipJob(
            **self.settings.model_dump(),
            clip=self.clip,
            prompts=prompts,
            detections=detections,
            outputs=tuple(
                wish.output(folder / name)
                for wish, name in zip(self.outputs, self._file_names(), strict=True)
            ),
        )

    def settings_digest(self) -> str:
        """Of everything that is not in a file."""
        parts = {"settings", "outputs", "keep_project", *(["detect"] if self.boxes else [])}
        told = self.model_dump_json(include=parts)
        return hashlib.sha256(told.encode()).hexdigest()

    def sources(self) -> dict[str, str]:
        """What the file system says of the clip and what is told of it: path → size and time.

        Raises:
            OSError: one is not there.
        """
        files = (self.clip, self.prompts, self.boxes, self.settings.calibrate)
        return {printable(path): stamp(path) for path in files if path is not None}

    def fingerprint(
        self, prompts: PromptFile | None, detections: tuple[Detection, ...], weights: str
    ) -> str:
        """Of the contents and settings that decide the result, wherever the files are.

        Args:
            prompts: of the clip, masks embedded.
            detections: that begin objects.
            weights: what tells the model and its preset apart.

        Raises:
            OSError: the clip cannot be read.
        """
        digest = hashlib.sha256()
        told = "" if prompts is None else prompts.model_dump_json(exclude={"video"})
        for part in (content_digest(self.clip), told, self.settings_digest(), weights):
            digest.update(part.encode() + b"\0")
        for detection in detections:
            digest.update(detection.model_dump_json().encode() + b"\0")
        return digest.hexdigest()

    def _file_names(self) -> list[str]:
        stem = clip_stem(self.clip.name)
        names: list[str] = []
        for wish in self.outputs:
            name, number = f"{stem}-{wish.format}{wish.suffix}", 2
            while name in names:
                name, number = f"{stem}-{wish.format}-{number}{wish.suffix}", number + 1
            names.append(name)
        return names


def content_digest(path: Path) -> str:
    """Of a file, or of the names and contents of a folder's files.

    Raises:
        OSError: it cannot be read.
    """
    digest = hashlib.sha256()
    for each in _files(path):
        digest.update(each.name.encode("utf-8", "surrogateescape") + b"\0")
        with each.open("rb") as file:
            while block := file.read(_BLOCK_BYTES):
                digest.update(block)
    return digest.hexdigest()


def stamp(path: Path) -> str:
    """Size and time of a file, or what those of a folder's files come to.

    Raises:
        OSError: it is not there.
    """
    if not path.is_dir():
        facts = path.stat()
        return f"{facts.st_size} {facts.st_mtime_ns}"
    told = "\0".join(
        f"{each.relative_to(path)} {each.stat().st_size} {each.stat().st_mtime_ns}"
        for each in _files(path)
    )
    return hashlib.sha256(told.encode("utf-8", "surrogateescape")).hexdigest()


def printable(path: Path) -> str:
    """A path as text, whatever bytes its name has."""
    return str(path).encode("utf-8", "backslashreplace").decode()


def _files(path: Path) -> list[Path]:
    """A file, or all visible files of a folder."""
    if not path.is_dir():
        return [path]
    found = []
    for place, folders, files in os.walk(path):
        folders[:] = [name for name in folders if name[0] != "."]
        found += [Path(place, name) for name in files if name[0] != "."]
    return sorted(found)


def defaults_with(settings: TrackingSettings, values: Mapping[str, Any]) -> TrackingSettings:
    """Settings with some of them replaced; raises pydantic's ValidationError."""
    return TrackingSettings.model_validate({**settings.model_dump(), **values})
