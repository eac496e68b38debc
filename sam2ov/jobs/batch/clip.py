"""One clip of a batch from beginning to end, in whatever process has the time."""

import time
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from sam2ov._version import __version__
from sam2ov.engine.model import SAM2Model
from sam2ov.engine.tracker import Tracker
from sam2ov.errors import CancelledError, PromptError, Sam2ovError
from sam2ov.export.names import clip_stem
from sam2ov.jobs import ClipRun, TrackingSettings
from sam2ov.jobs.batch.item import BatchItem
from sam2ov.jobs.batch.place import Place
from sam2ov.jobs.batch.record import RECORD_NAME, JobRecord
from sam2ov.jobs.clip_prompts import read_detections_for, read_prompts_for
from sam2ov.jobs.rescue import save_as_project
from sam2ov.mask_files.detections import Detection
from sam2ov.mask_files.prompt_file import PromptFile
from sam2ov.progress import CancelCheck, ProgressCallback
from sam2ov.project.archive import SUFFIX
from sam2ov.project.documents import ModelDocument
from sam2ov.zoo.loading import prepare_model


class Models:
    """Compiled models, the latest one kept: clips of a batch mostly have the same.

    Args:
        threads: that a model computes with; None for all of the machine.
        folders: where this machine has models that are known elsewhere by other names.
    """

    def __init__(
        self, threads: int | None = None, folders: Mapping[str, Path] | None = None
    ) -> None:
        self._threads = threads
        self._folders = folders or {}
        self._latest: tuple[TrackingSettings, SAM2Model, str] | None = None

    def model_for(
        self, settings: TrackingSettings, cancel: CancelCheck | None = None
    ) -> tuple[SAM2Model, str]:
        """The model that settings name, and what tells it and its preset apart.

        Raises:
            ModelError, DeviceError: it cannot be had, or does not run here.
        """
        asked = settings.model_copy(update=_NOT_OF_MODELS)
        if self._latest is None or self._latest[0] != asked:
            self._latest = None  # two would take the memory of two
            prepared = prepare_model(
                self._folders.get(settings.model, settings.model),
                device=settings.device,
                precision=settings.precision,
                preset=settings.preset,
                memory=settings.memory,
                calibrate=settings.calibrate,
                cancel=cancel,
            )
            model = prepared.compile(settings.device, settings.precision, threads=self._threads)
            weights = ModelDocument.of(
                settings.model,
                settings.device,
                settings.preset,
                settings.memory or "upstream",
                model.manifest,
            ).weights
            self._latest = asked, model, f"{weights} {model.precision}"
        return self._latest[1:]


_NOT_OF_MODELS = {
    name: field.default
    for name, field in TrackingSettings.model_fields.items()
    if name not in {"model", "device", "precision", "preset", "memory", "calibrate"}
}


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
        StorageError: not even the failure could be written down.
    """
    started = time.monotonic()
    try:
        return _tracked(item, place, models, started, progress, cancel)
    except CancelledError:
        raise
    except (Sam2ovError, OSError, MemoryError) as error:
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
        "clip": str(item.clip),
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
    return str(error) or type(error).__name__


def _tracked(
    item: BatchItem,
    place: Place,
    models: Models,
    started: float,
    progress: ProgressCallback | None,
    cancel: CancelCheck | None,
) -> JobRecord:
    sources = item.sources()  # before they are read: what changes meanwhile is read again
    prompts, detections = _told(item)
    model, weights = models.model_for(item.settings, cancel)
    fingerprint = item.fingerprint(prompts, detections, weights)
    earlier = place.record(item.name)
    if (
        earlier is not None
        and earlier.state == "done"
        and earlier.fingerprint == fingerprint
        and place.has(item.name, earlier.outputs)
    ):
        same = earlier.model_copy(update={"sources": sources, "clip": str(item.clip)})
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
        found = asdict(outcome) | {"outputs": list(outputs)}
        done = _record(
            item,
            sources,
            time.monotonic() - started,
            state="done",
            fingerprint=fingerprint,
            outputs=outputs,
            outcome=found,
        )
        (folder / RECORD_NAME).write_text(done.text(), encoding="utf-8")
    return done


def _told(item: BatchItem) -> tuple[PromptFile | None, tuple[Detection, ...]]:
    """What is said of the objects of a clip.

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
    if item.prompts is not None:
        prompts = read_prompts_for(item.clip, item.prompts, hold_gaps=hold_gaps)
    if item.boxes is not None:
        detections = read_detections_for(
            item.clip,
            item.boxes,
            labels=item.detect.classes,
            min_score=item.detect.min_score,
            every=item.detect.every,
            hold_gaps=hold_gaps,
        )
    return prompts, detections
