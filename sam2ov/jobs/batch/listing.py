"""Which clips a batch has: those of a folder, or those that a manifest names."""

import csv
import hashlib
import io
import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from sam2ov.errors import PromptError, first_fault
from sam2ov.export.names import file_stem
from sam2ov.jobs import TrackingSettings
from sam2ov.jobs.batch.item import (
    ANY_DETECTION,
    BatchItem,
    DetectionChoice,
    OutputWish,
    defaults_with,
)
from sam2ov.video.stills import FORMATS

_VIDEO_KINDS: Final = (
    "mp4 mov m4v mkv webm avi gif mpg mpeg ts mts m2ts mxf wmv flv ogv 3gp y4m mjpeg dv vob"
)
VIDEO_SUFFIXES: Final = frozenset(f".{kind}" for kind in _VIDEO_KINDS.split())
PROMPT_SUFFIXES: Final = (".prompts.json", ".json", ".xml", ".txt", ".zip")
"""Of the prompts beside a clip, in the order in which they are looked for."""
BOXES_SUFFIXES: Final = (".boxes.json", ".boxes.txt", ".boxes.xml", ".boxes.zip")
"""Of what a detector has found in a clip, likewise."""
MANIFEST_SUFFIXES: Final = frozenset({".csv", ".jsonl", ".ndjson", ".yaml", ".yml"})

_MAX_MANIFEST_BYTES: Final = 256 << 20
_LONGEST_NAME: Final = 160
"""Bytes: file systems take 255, and files beside it have longer ones."""
_MAX_CLIPS: Final = 1_000_000


@dataclass(frozen=True)
class Defaults:
    """What holds for clips that say nothing else.

    Attributes:
        settings: how they are tracked.
        outputs: what is written of them.
        prompts: one file for all; None: one beside each.
        keep_projects: a project file is written of each.
        detect: which detections beside a clip begin objects.
    """

    settings: TrackingSettings
    outputs: tuple[OutputWish, ...]
    prompts: Path | None = None
    keep_projects: bool = False
    detect: DetectionChoice = ANY_DETECTION


class _Row(BaseModel):
    """A clip in a manifest; whatever else it has are ``TrackingSettings``."""

    model_config = ConfigDict(frozen=True, extra="allow")

    clip: str
    prompts: str | None = None
    boxes: str | None = None
    name: str | None = None
    formats: str | list[str | dict[str, Any]] | None = None


def list_jobs(jobs: Path, defaults: Defaults) -> tuple[BatchItem, ...]:
    """Find the clips of a folder or of a manifest.

    Args:
        jobs: a folder of clips and of folders of images, searched to the bottom; or a manifest,
            whose paths are relative to it.
        defaults: for what is not said.

    Raises:
        PromptError: it is neither, or a line of the manifest is malformed.
        ExportError: a line asks for an output that there is not.
    """
    if jobs.is_dir():
        return _of_folder(jobs, defaults)
    if jobs.suffix.lower() not in MANIFEST_SUFFIXES:
        raise PromptError(
            f"{jobs} is neither a folder nor a manifest ({', '.join(sorted(MANIFEST_SUFFIXES))})."
        )
    return _of_manifest(jobs, defaults)


def _of_folder(folder: Path, defaults: Defaults) -> tuple[BatchItem, ...]:
    found = list(find_clips(folder))
    if not found:
        raise PromptError(f"{folder} holds no clip: no video, and no folder of numbered images.")
    names = unique_names([told_name(clip, folder) for clip in found])
    return tuple(item_of(clip, name, defaults) for clip, name in zip(found, names, strict=True))


def item_of(clip: Path, name: str, defaults: Defaults, boxes: Path | None = None) -> BatchItem:
    """A clip with the prompts for all, or those beside it, and what a detector found in it."""
    place = clip.absolute()
    return BatchItem(
        name=name,
        clip=place,
        prompts=defaults.prompts or _beside(place, PROMPT_SUFFIXES),
        boxes=boxes or _beside(place, BOXES_SUFFIXES),
        detect=defaults.detect,
        settings=defaults.settings,
        outputs=defaults.outputs,
        keep_project=defaults.keep_projects,
    )


def _beside(clip: Path, suffixes: Sequence[str]) -> Path | None:
    """A file beside a clip, of the same name but for its suffix."""
    stem = clip.name if clip.is_dir() else clip.stem
    for suffix in suffixes:
        path = clip.with_name(stem + suffix)
        if path.is_file():
            return path
    return None


def find_clips(folder: Path) -> Iterator[Path]:
    """The videos in a folder and below, and the folders that hold images and no videos, by name."""
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if name[0] not in "._")
        visible = sorted(name for name in files if name[0] != ".")
        videos = [name for name in visible if Path(name).suffix.lower() in VIDEO_SUFFIXES]
        yield from (Path(place, name) for name in videos)
        images = [name for name in visible if Path(name).suffix.lower() in FORMATS]
        if images and not videos and Path(place) != folder:
            yield Path(place)
            folders.clear()


def told_name(clip: Path, folder: Path) -> tuple[str, str]:
    """The name of a clip's results, and what tells it from another of that name."""
    path = clip.relative_to(folder)
    plain = path if clip.is_dir() else path.with_suffix("")
    name = "__".join(file_stem(part) for part in plain.parts)
    if len(name.encode()) > _LONGEST_NAME:
        name = f"{file_stem(plain.name)[:20]}-{_short_digest(name)}"
    return name, path.as_posix()


def unique_names(told: Sequence[tuple[str, str]]) -> list[str]:
    """Names of which none is another's, whatever the case of their letters.

    Args:
        told: the name that is wanted, and what tells those apart that want the same one; so the
            order in which they are found does not matter.
    """
    wanted = Counter(name.casefold() for name, _ in told)
    return [
        name if wanted[name.casefold()] == 1 else f"{name}-{_short_digest(apart)}"
        for name, apart in told
    ]


def _short_digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:8]


def _of_manifest(path: Path, defaults: Defaults) -> tuple[BatchItem, ...]:
    try:
        if path.stat().st_size > _MAX_MANIFEST_BYTES:
            raise PromptError(f"{path} is larger than {_MAX_MANIFEST_BYTES >> 20} MB. Part it.")
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise PromptError(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise PromptError(f"{path} is no text in UTF-8.") from error
    if path.suffix.lower() in {".yaml", ".yml"} and (text.count("*") and "&" in text):
        raise PromptError(f"{path} has anchors or aliases of YAML, which a manifest has not.")
    rows = list(_rows(path, text))
    if not rows:
        raise PromptError(f"{path} names no clip.")
    if len(rows) > _MAX_CLIPS:
        raise PromptError(f"{path} names more than {_MAX_CLIPS:,} clips. Part it.")
    parsed = [_row(path, where, values) for where, values in rows]
    told = [(_wanted_name(row), row.clip) for row in parsed]
    given = Counter(row.name.casefold() for row in parsed if row.name is not None)
    if twice := [name for name, count in given.items() if count > 1]:
        raise PromptError(f"{path} gives the name {twice[0]!r} to several clips.")
    if len(set(told)) < len(told):
        raise PromptError(f"{path} names a clip twice; give each line a name of its own.")
    return tuple(
        _manifest_item(path, where, row, name, defaults)
        for (where, _), row, name in zip(rows, parsed, unique_names(told), strict=True)
    )


def _wanted_name(row: _Row) -> str:
    return file_stem(row.name if row.name is not None else Path(row.clip).stem)


def _rows(path: Path, text: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each clip with where it stands, for messages."""
    kind = path.suffix.lower()
    try:
        if kind == ".csv":
            table = csv.DictReader(io.StringIO(text), restkey="")
            for number, row in enumerate(table, 2):
                filled = {key: value for key, value in row.items() if value not in ("", None)}
                if filled:
                    yield f"line {number}", filled
        elif kind in {".jsonl", ".ndjson"}:
            for number, line in enumerate(text.splitlines(), 1):
                if line.strip():
                    yield f"line {number}", _mapping(json.loads(line), path, f"line {number}")
        else:
            found = yaml.safe_load(text)
            listed = found.get("clips") if isinstance(found, dict) else found
            if not isinstance(listed, list):
                raise PromptError(f'{path} is no list of clips, nor has it one called "clips".')
            for number, entry in enumerate(listed, 1):
                yield f"clip {number}", _mapping(entry, path, f"clip {number}")
    except (csv.Error, ValueError, RecursionError, yaml.YAMLError) as error:
        if isinstance(error, PromptError):
            raise
        raise PromptError(f"{path} cannot be read: {error}.") from error


def _mapping(entry: object, path: Path, where: str) -> Mapping[str, Any]:
    if not isinstance(entry, dict):
        raise PromptError(f"{path}, {where}: that is no clip with its settings.")
    return {str(key): value for key, value in entry.items() if value is not None}


def _row(path: Path, where: str, values: Mapping[str, Any]) -> _Row:
    try:
        return _Row.model_validate(dict(values))
    except ValidationError as error:
        raise PromptError(f"{path}, {where}: {first_fault(error)}.") from error


def _manifest_item(path: Path, where: str, row: _Row, name: str, defaults: Defaults) -> BatchItem:
    folder = path.absolute().parent
    try:
        settings = defaults_with(defaults.settings, row.model_extra or {})
    except ValidationError as error:
        own_fields = ("clip", "prompts", "boxes", "name", "formats")
        known = ", ".join((*own_fields, *TrackingSettings.model_fields))
        raise PromptError(
            f"{path}, {where}: {first_fault(error)}. A clip may have: {known}."
        ) from error
    own = replace(
        defaults,
        settings=settings,
        outputs=defaults.outputs if row.formats is None else tuple(_wishes(row.formats)),
        prompts=defaults.prompts if row.prompts is None else folder / row.prompts,
    )
    boxes = None if row.boxes is None else folder / row.boxes
    return item_of(folder / row.clip, name, own, boxes)


def _wishes(formats: str | Sequence[str | Mapping[str, Any]]) -> Iterator[OutputWish]:
    """``FORMAT:NAME=VALUE`` texts, of which a text has several; or mappings with ``format``."""
    each = formats.split() if isinstance(formats, str) else formats
    for one in each:
        if isinstance(one, str):
            yield OutputWish.parse(one)
        else:
            values = {str(key): value for key, value in one.items() if key != "format"}
            wish = OutputWish(format=str(one.get("format", "")), values=values)
            wish.check()
            yield wish
