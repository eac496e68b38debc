"""One clip of a batch from beginning to end, in whatever process has the time."""

import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from sam2ov._version import __version__
from sam2ov.engine.tracker import Tracker
from sam2ov.errors import CancelledError, PromptError, Sam2ovError, StorageError, one_line
from sam2ov.export.names import clip_stem
from sam2ov.jobs import ClipRun
from sam2ov.jobs.batch.item import BatchItem, printable, stamp
from sam2ov.jobs.batch.models import Models
from sam2ov.jobs.batch.place import Place
from sam2ov.jobs.batch.record import RECORD_NAME, JobRecord
from sam2ov.jobs.clip_prompts import read_detections_for, read_prompts_with_pictures
from sam2ov.jobs.rescue import save_as_project
from sam2ov.mask_files.detections import Detection
from sam2ov.mask_files.prompt_file import PromptFile
from sam2ov.progress import CancelCheck, ProgressCallback
from sam2ov.project.archive import SUFFIX


def track_item(
    item: BatchItem,
    place: Place,
    models: Models,
    progress: ProgressCallback | None = None,
    cancel: CancelCheck | None = None,
) -> JobRecord:
    """Track a clip and write its results, unless they are there already.

    Returns:
        What was written down. A clip that fails has a record with the reason.

    Raises:
        CancelledError: ``cancel`` returned true; nothing was written.
        StorageError: the place of the results cannot be used.
    """
    started = time.monotonic()
    try:
        return _tracked(item, place, models, started, progress, cancel)
    except (CancelledError, StorageError):
        raise
    except Exception as error:  # whatever it is, it stops one clip alone
        return note_failure(item, place, reason_of(error), time.monotonic() - started)


def note_failure(item: BatchItem, place: Place, reason: str, seconds: float) -> JobRecord:
    """Write down why a clip failed.

    Raises:
        ExportError, StorageError: that cannot be written either.
    """
    try:
        sources = item.sources()
    except OSError:
        sources = {}
    failed = _record(item, sources, seconds, state="failed", reason=reason)
    place.note(item.name, failed)
    return failed


def _record(item: BatchItem, sources: dict[str, str], seconds: float, **facts: object) -> JobRecord:
    common = {
        "name": item.name,
        "clip": printable(item.clip),
        "settings": item.settings_digest(),
        "sources": sources,
        "seconds": round(seconds, 3),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "program": __version__,
    }
    return JobRecord.model_validate(common | facts)


def reason_of(error: BaseException) -> str:
    """Why a clip failed, for people."""
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename} cannot be used: {error.strerror or error}."
    if isinstance(error, Sam2ovError):
        return str(error)
    return one_line(f"{type(error).__name__}: {error}")


def _tracked(
    item: BatchItem,
    place: Place,
    models: Models,
    started: float,
    progress: ProgressCallback | None,
    cancel: CancelCheck | None,
) -> JobRecord:
    sources = item.sources()  # before they are read: what changes meanwhile is read again
    prompts, detections, pictures = _told(item)
    sources |= {printable(path): stamp(path) for path in pictures}
    model, weights = models.model_for(item.settings, cancel)
    fingerprint = item.fingerprint(prompts, detections, weights)
    earlier = place.record(item.name)
    if (
        earlier is not None
        and earlier.state == "done"
        and earlier.fingerprint == fingerprint
        and place.has(item.name, earlier.outputs)
    ):
        same = earlier.model_copy(update={"sources": sources, "clip": printable(item.clip)})
        place.note(item.name, same)
        return same
    with place.folder(item.name) as folder:
        tracker = Tracker(model, item.settings.fill_hole_area)
        with ClipRun(item.job(prompts, detections, folder), tracker) as run:
            run.advance(progress, cancel)
            if not run.completed:
                raise CancelledError(f"Tracking {item.clip.name} was cancelled.")
            written = run.write(progress, cancel)
            outcome = run.outcome(written)
            if item.keep_project:
                project = folder / f"{clip_stem(item.clip.name)}{SUFFIX}"
                save_as_project(run, project)
                written = (*written, project)
        outputs = tuple(path.relative_to(folder).as_posix() for path in written)
        found = asdict(outcome) | {"outputs": list(outputs), "video": printable(item.clip)}
        done = _record(
            item,
            sources,
            time.monotonic() - started,
            state="done",
            fingerprint=fingerprint,
            weights=weights,
            outputs=outputs,
            outcome=found,
        )
        (folder / RECORD_NAME).write_text(done.text(), encoding="utf-8")
    return done


def _told(
    item: BatchItem,
) -> tuple[PromptFile | None, tuple[Detection, ...], tuple[Path, ...]]:
    """What is said of the objects of a clip, and the pictures that say it besides.

    Raises:
        PromptError: nothing, or it cannot be read.
    """
    hold_gaps = item.settings.hold_gaps
    if item.prompts is None and item.boxes is None:
        raise PromptError(
            f"Nothing says what to track in {item.clip.name}: put a prompt file beside it, "
            f"{item.clip.stem}.json, or give one for all clips."
        )
    prompts: PromptFile | None = None
    detections: tuple[Detection, ...] = ()
    pictures: tuple[Path, ...] = ()
    if item.prompts is not None:
        prompts, pictures = read_prompts_with_pictures(item.clip, item.prompts, hold_gaps=hold_gaps)
    if item.boxes is not None:
        detections = read_detections_for(
            item.clip,
            item.boxes,
            labels=item.detect.classes,
            min_score=item.detect.min_score,
            every=item.detect.every,
            hold_gaps=hold_gaps,
        )
    return prompts, detections, pictures
