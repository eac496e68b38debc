"""Keeping what was tracked as a project where an output of it could not be written."""

import tempfile
from dataclasses import replace
from pathlib import Path
from shlex import quote

from sam2ov.errors import ExportError, Sam2ovError, VideoError
from sam2ov.export.names import clip_stem
from sam2ov.jobs.clip_run import ClipRun
from sam2ov.progress import CancelCheck, ProgressCallback
from sam2ov.project.archive import SUFFIX, save_project_file
from sam2ov.project.documents import ModelDocument
from sam2ov.project.folder import ProjectInfo
from sam2ov.project.state import ProjectState
from sam2ov.values.objects import MAX_NAME_LENGTH, plain_name


def write_or_keep(
    run: ClipRun, progress: ProgressCallback | None = None, cancel: CancelCheck | None = None
) -> tuple[Path, ...]:
    """Write the outputs of a job; where one fails, its tracking is kept in a project file.

    Returns:
        What was written.

    Raises:
        ExportError: an output could not be written; it says where the tracking is.
        CancelledError: ``cancel`` returned true.
    """
    try:
        return run.write(progress, cancel)
    except (ExportError, VideoError) as error:
        raise ExportError(f"{error} {_kept(run)}") from error


def _kept(run: ClipRun) -> str:
    """Keep it beside the first output, else where the system has room; say where."""
    failed: Exception | None = None
    for folder in (run.job.outputs[0].path.parent, Path(tempfile.gettempdir())):
        path = _free(folder, f"{clip_stem(run.name)}-tracked")
        try:
            save_as_project(run, path)
        except (Sam2ovError, OSError, ValueError) as error:
            failed = error
            continue
        return (
            f"What was tracked is kept: sam2ov export {quote(str(path))} --clip "
            f"{quote(str(run.job.clip))} writes it without tracking again."
        )
    return f"Nor could the tracking be kept: {failed}"


def _free(folder: Path, stem: str) -> Path:
    path, number = folder / f"{stem}{SUFFIX}", 2
    while path.exists():
        path, number = folder / f"{stem}-{number}{SUFFIX}", number + 1
    return path


def save_as_project(run: ClipRun, path: Path) -> None:
    """Write prompts and masks of a job as a project file without its clip.

    Raises:
        ExportError, StorageError: the disk is full, or the folder cannot be written to.
        VideoError: a frame of the clip cannot be read.
    """
    about, job = run.reader.info, run.job
    state = ProjectState(run.journal, run.reader.size_hw, about.num_frames)
    with run.journal.transaction():
        state.put_model(
            ModelDocument.of(
                job.model, job.device, job.preset, job.memory or "upstream", run.tracker.manifest
            )
        )
        for target in run.targets:
            known = target.known_as()
            state.put_object(replace(known, name=known.name[:MAX_NAME_LENGTH]))
        state.put_order([target.id for target in run.targets])
        for obj_id, by_frame in run.prompts.items():
            for frame_idx, prompt in by_frame.items():
                state.put_sequence(obj_id, frame_idx, (prompt,))
        if len(run.frames) < about.num_frames:
            state.put_in_out(run.frames)
    info = ProjectInfo(
        clip_name=plain_name(run.name)[-255:],
        num_frames=about.num_frames,
        width=about.width,
        height=about.height,
        field_order=job.field_order,
        is_verified=True,
        holds_gaps=job.hold_gaps,
    )
    save_project_file(path, info, run.journal, None, pictures=run.reader)
