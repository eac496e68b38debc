"""Project files: everything about a project in one zip, to be kept or taken elsewhere.

It holds ``project.json``, ``journal.sqlite`` without the history, and the clip if wanted. A file
from elsewhere is not trusted: only these members are taken, within bounds, and the journal has to
have exactly our tables, filled as we fill them.
"""

import errno
import io
import os
import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Final

from pydantic import ValidationError

from sam2ov.errors import ProjectError, StorageError
from sam2ov.mask_files.bundle import ZIP_DAMAGE, zip_damage
from sam2ov.progress import CancelCheck, Progress, ProgressCallback, raise_if_cancelled
from sam2ov.project.clip_match import Pictures, marks_of
from sam2ov.project.folder import CLIP_FILE, INFO_FILE, JOURNAL_FILE, ProjectFolder, ProjectInfo
from sam2ov.project.inspection import inspect_journal
from sam2ov.store.journal import Journal
from sam2ov.unfinished import unfinished_file
from sam2ov.workers.confinement import Confinement
from sam2ov.workers.worker import call_in_worker

SUFFIX: Final = ".sam2ov"
_ZIP_SIGNATURE: Final = b"PK\x03\x04"
_MAX_INFO_BYTES = 1 << 16
_CHUNK_BYTES = 4 << 20


class _CautiousFile(io.FileIO):
    """Is read in small parts, whatever the file says about the size of its table of contents."""

    def read(self, size: int | None = -1, /) -> bytes:
        left = max(os.fstat(self.fileno()).st_size - self.tell(), 0)
        wanted = left if size is None or size < 0 else min(size, left)
        if wanted > 2 * _CHUNK_BYTES:
            raise zipfile.BadZipFile("a part of it is far too long")
        return super().read(wanted) or b""


def is_project_file(path: Path) -> bool:
    """Whether a file is an archive, as ``save_project_file`` writes; no clip is one."""
    if not path.is_file():  # opening a pipe would wait
        return False
    try:
        with path.open("rb") as file:
            return file.read(len(_ZIP_SIGNATURE)) == _ZIP_SIGNATURE
    except OSError:
        return False


def save_project_file(
    path: Path,
    info: ProjectInfo,
    journal: Journal,
    clip: Path | None,
    progress: ProgressCallback | None = None,
    cancel: CancelCheck | None = None,
    *,
    pictures: Pictures | None = None,
) -> None:
    """Write a project to one file.

    Args:
        path: of the file.
        info: of the project.
        journal: may be in use.
        clip: to be put in; None leaves it out.
        progress: told of bytes.
        cancel: asked now and then.
        pictures: of the clip, by which it is known again where it is left out; None: by its length
            and size alone.

    Raises:
        ExportError: the disk is full, or the folder cannot be written to.
        VideoError: a frame cannot be read.
        CancelledError: ``cancel`` returned true; nothing is left at ``path``.
    """
    if clip is None and pictures is not None:
        told = {
            "fps": str(pictures.info.fps.limit_denominator(100_000)),
            "marks": marks_of(pictures),
        }
        info = info.model_copy(update=told)
    with (
        unfinished_file(path) as unfinished,
        TemporaryDirectory(dir=unfinished.parent) as folder,
        zipfile.ZipFile(unfinished, "w") as archive,
    ):
        copy = Path(folder) / JOURNAL_FILE
        journal.copy_to(copy)
        members = [(JOURNAL_FILE, copy), *([(CLIP_FILE, clip)] if clip else [])]
        total = sum(source.stat().st_size for _, source in members)
        archive.writestr(INFO_FILE, info.model_dump_json(indent=1))
        copied = 0
        for name, source in members:
            with source.open("rb") as reader, archive.open(name, "w", force_zip64=True) as writer:
                copied = _copy(reader, writer, "Saving", copied, total, progress, cancel)


def open_project_file(
    path: Path,
    folder: ProjectFolder,
    max_bytes: int,
    clip: Path | None = None,
    progress: ProgressCallback | None = None,
    cancel: CancelCheck | None = None,
) -> ProjectInfo:
    """Unpack a project file into an empty project folder.

    Args:
        path: of the file.
        folder: made for it; the caller makes it a project with ``write_info``.
        max_bytes: that each member may have unpacked.
        clip: the clip, for a file without it.
        progress: told of bytes.
        cancel: asked now and then.

    Raises:
        ProjectError: the file is damaged or no project, or it needs its clip.
        StorageError: the disk is full.
        CancelledError: ``cancel`` returned true.
    """
    unpacked = unpack_cautiously(path, folder, max_bytes, progress, cancel)
    info = unpacked.info
    if not unpacked.has_clip and not info.is_sample:
        _share(unpacked.needed_clip(clip), folder.clip)
    return info


def unpack_cautiously(
    path: Path,
    folder: ProjectFolder,
    max_bytes: int,
    progress: ProgressCallback | None = None,
    cancel: CancelCheck | None = None,
) -> "Unpacked":
    """As ``open_project_file``, but a clip that is not in the file stays where it is."""
    return call_in_worker(
        unpack_project_file,
        path,
        folder.path,
        max_bytes,
        allowed=Confinement(
            reads=(path.resolve(),), writes=(folder.path.resolve(),), file_bytes=max_bytes
        ),
        lost=lambda how: ProjectError(
            f"The project file cannot be opened: reading it {how}. Open another copy."
        ),
        progress=progress,
        cancel=cancel,
        stage="Opening",
    )


@dataclass(frozen=True)
class Unpacked:
    """What was in a project file."""

    info: ProjectInfo
    has_clip: bool

    def needed_clip(self, clip: Path | None) -> Path:
        """The clip for a file without one.

        Raises:
            ProjectError: there is none.
        """
        if clip is None:
            info = self.info
            raise ProjectError(
                f"This project file was saved without its clip. Open {info.clip_name} "
                f"({info.num_frames} frames, {info.width}×{info.height}) first, then this file."
            )
        return clip


def unpack_project_file(
    path: Path, folder: Path, max_bytes: int, progress: ProgressCallback
) -> Unpacked:
    """Unpack a project file in the process of a worker, and look at its journal.

    Raises:
        ProjectError: the file is damaged or no project.
        StorageError: the disk is full.
    """
    try:
        unpacked = _unpack(path, folder, max_bytes, progress)
    except ZIP_DAMAGE as error:
        raise ProjectError(
            f"The project file is damaged ({zip_damage(error)}). Open another copy."
        ) from error
    except OSError as error:
        if error.errno == errno.EINVAL:  # it names places before its beginning
            raise ProjectError("The project file is damaged. Open another copy.") from error
        raise StorageError(
            f"The project cannot be unpacked: {error.strerror}. Free some disk space."
        ) from error
    with Journal(folder / JOURNAL_FILE) as journal:  # refuses what is none of ours
        inspect_journal(journal, unpacked.info.num_frames)
    return unpacked


def _unpack(path: Path, folder: Path, max_bytes: int, progress: ProgressCallback) -> Unpacked:
    with _CautiousFile(path) as file, zipfile.ZipFile(file) as archive:
        info = _read_info(archive)
        members = {entry.filename: entry for entry in archive.infolist()}
        names = [JOURNAL_FILE, *([] if info.is_sample else [CLIP_FILE])]
        wanted = [members[name] for name in names if name in members]
        if JOURNAL_FILE not in members:
            raise ProjectError("This project file has no journal. Save the project again.")
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in wanted):
            raise ProjectError("This project file was packed again. Open it as it was saved.")
        total = sum(entry.file_size for entry in wanted)
        if any(entry.file_size > max_bytes for entry in wanted):
            raise ProjectError(
                f"This project file is too large to be opened here ({total / 1e9:.1f} GB)."
            )
        copied = 0
        for entry in wanted:
            target = folder / entry.filename
            with archive.open(entry) as reader, target.open("wb") as writer:
                copied = _copy(reader, writer, "Opening", copied, total, progress, None)
        return Unpacked(info, CLIP_FILE in members and not info.is_sample)


def _share(clip: Path, target: Path) -> None:
    """Have a clip in a second project; clips are never written to, so one copy will do."""
    try:
        try:
            target.hardlink_to(clip)
        except OSError:  # another disk, or one without links
            shutil.copyfile(clip, target)
    except OSError as error:
        raise StorageError(
            f"The clip cannot be copied: {error.strerror}. Free some disk space."
        ) from error


def _read_info(archive: zipfile.ZipFile) -> ProjectInfo:
    try:
        with archive.open(INFO_FILE) as member:
            return ProjectInfo.model_validate_json(member.read(_MAX_INFO_BYTES))
    except (KeyError, ValidationError) as error:
        raise ProjectError(
            "This is no project file of this version of sam2ov. Save the project again."
        ) from error


def _copy(
    reader: IO[bytes],
    writer: IO[bytes],
    stage: str,
    copied: int,
    total: int,
    progress: ProgressCallback | None,
    cancel: CancelCheck | None,
) -> int:
    """Copy at most what was announced; returns how much of ``total`` is done."""
    while chunk := reader.read(_CHUNK_BYTES):
        raise_if_cancelled(cancel, stage)
        copied += len(chunk)
        if copied > total:
            raise ProjectError("The project file is damaged: it holds more than it says.")
        writer.write(chunk)
        if progress is not None:
            progress(Progress(stage, copied, total, "bytes"))
    return copied
