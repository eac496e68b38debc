"""The folder of one project: what lies in it, and under which names."""

import os
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from sam2ov.errors import ProjectError, StorageError
from sam2ov.project.clip_match import ClipMark
from sam2ov.store.database import is_in_use
from sam2ov.unfinished import unfinished_file
from sam2ov.values.field_order import FieldOrder
from sam2ov.values.objects import plain_name

INFO_FILE: Final = "project.json"
JOURNAL_FILE: Final = "journal.sqlite"
CLIP_FILE: Final = "clip"
THUMBNAIL_FILE: Final = "thumbnail.jpg"
PROXIES_FOLDER: Final = "proxies"
SOUND_FILE = "sound.m4a"

_OURS = re.compile(
    rf"{re.escape(INFO_FILE)}|\.{re.escape(INFO_FILE)}\.\w+|{re.escape(JOURNAL_FILE)}(-\w+)?"
    rf"|{CLIP_FILE}|{re.escape(THUMBNAIL_FILE)}|{PROXIES_FOLDER}"
)


def is_known(name: str) -> bool:
    """Whether a file or folder of this name belongs to a project, perhaps half-written."""
    return _OURS.fullmatch(name) is not None


class ProjectInfo(BaseModel):
    """What is known of a project without opening it.

    ``clip_name`` is the name that the user knows the clip by; ``is_sample`` says that it is the one
    that comes with sam2ov, of which no copy is kept. ``fps`` and ``marks`` are there where the clip
    is not: another one is told by them. ``field_order`` is how the clip is read, ``is_verified``
    that its damaged frames were left out, ``holds_gaps`` that missing images were not.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = 1
    clip_name: Annotated[str, Field(min_length=1, max_length=255), AfterValidator(plain_name)]
    is_sample: bool = False
    num_frames: int = Field(ge=1, le=1 << 31)
    width: int = Field(ge=1, le=1 << 16)
    height: int = Field(ge=1, le=1 << 16)
    fps: Annotated[str, Field(pattern=r"^[1-9]\d{0,8}(/[1-9]\d{0,8})?$")] | None = None
    marks: Annotated[tuple[ClipMark, ...], Field(max_length=100)] = ()
    field_order: FieldOrder = "auto"
    is_verified: bool = False
    holds_gaps: bool = False


@dataclass(frozen=True)
class ProjectFolder:
    """The folder of one project."""

    path: Path

    @property
    def token(self) -> str:
        """Its key."""
        return self.path.name

    @property
    def journal(self) -> Path:
        """The file with everything that was done."""
        return self.path / JOURNAL_FILE

    @property
    def clip(self) -> Path:
        """The copy of the clip; not there for the sample."""
        return self.path / CLIP_FILE

    @property
    def thumbnail(self) -> Path:
        """A small picture of the clip, for lists; may be missing."""
        return self.path / THUMBNAIL_FILE

    @property
    def proxies(self) -> Path:
        """For small pictures of the clip."""
        return self.path / PROXIES_FOLDER

    @property
    def sound(self) -> Path:
        """The clip's sound as browsers play it; there once somebody listened."""
        return self.path / SOUND_FILE

    @property
    def is_in_use(self) -> bool:
        """Whether it is open somewhere, perhaps in another server on the same folder."""
        return is_in_use(self.journal)

    def read_info(self) -> ProjectInfo:
        """What is known of it.

        Raises:
            ProjectError: the entry is damaged or of another version.
        """
        try:
            return ProjectInfo.model_validate_json((self.path / INFO_FILE).read_bytes())
        except (OSError, ValidationError) as error:
            raise ProjectError(
                "This project cannot be opened: it is damaged, or was made by another version of "
                "sam2ov."
            ) from error

    def write_info(self, info: ProjectInfo) -> None:
        """Make the folder a project; this comes last when one is made."""
        with unfinished_file(self.path / INFO_FILE, _cannot_store) as unfinished:
            unfinished.write_text(info.model_dump_json(indent=1), encoding="utf-8")

    def touch(self) -> None:
        """Take note that it is in use; one that was deleted meanwhile is fine."""
        with suppress(FileNotFoundError):
            os.utime(self.path / INFO_FILE)


def _cannot_store(path: Path, error: OSError) -> StorageError:
    """The error for a file of a project, whose folder's name is a secret."""
    return StorageError(
        f"The project cannot be stored in {path.parent.parent}: {error.strerror}. Free some "
        "disk space, or choose another folder."
    )
