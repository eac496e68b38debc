"""A batch of clips: what its records say, and a report on each clip of which a project was kept.

A batch is a folder with one for each clip, as ``jobs.batch`` writes it. In there lies its record,
and, if it was kept, a project file: the only one that ends in ``.sam2ov``.
"""

import heapq
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from sam2ov.errors import CancelledError, ExportError, Sam2ovError, StorageError, one_line
from sam2ov.evaluation.report.clip_report import ClipReport, ClipSummary
from sam2ov.jobs.batch.record import MAX_RECORD_BYTES, RECORD_NAME, parse_record
from sam2ov.progress import CancelCheck, ProgressCallback, raise_if_cancelled
from sam2ov.project.archive import SUFFIX
from sam2ov.values.objects import plain_name

MAX_DETAILED: Final = 12
"""Clips of a batch, the worst ones, that are shown with figures and pictures."""

_MAX_CLIPS: Final = 100_000


@dataclass(frozen=True)
class BatchClip:
    """A clip of a batch.

    Attributes:
        name: of the clip.
        folder: with its results.
        is_failed: its results are not there.
        reason: why it failed, or why nothing is known of its masks.
        clip: where the clip is; None if that is not said.
        project: a project file of it, None if none was kept.
        summary: what is known of its masks.
        report: all that is known of them, for the worst ones.
    """

    name: str
    folder: Path
    is_failed: bool
    reason: str
    clip: Path | None
    project: Path | None
    summary: ClipSummary | None = None
    report: ClipReport | None = None


@dataclass(frozen=True)
class BatchReport:
    """A report on a batch.

    Attributes:
        name: of its folder.
        failed: clips without results.
        ranked: those that were measured, the worst first.
        unmeasured: those that are done and of which nothing else is known.
    """

    name: str
    failed: tuple[BatchClip, ...]
    ranked: tuple[BatchClip, ...]
    unmeasured: tuple[BatchClip, ...]

    @property
    def clips(self) -> tuple[BatchClip, ...]:
        """All of them."""
        return (*self.failed, *self.ranked, *self.unmeasured)

    @property
    def num_done(self) -> int:
        """How many have results."""
        return len(self.ranked) + len(self.unmeasured)

    @property
    def detailed(self) -> tuple[BatchClip, ...]:
        """The first of the ranked ones, of which everything is told."""
        return tuple(each for each in self.ranked if each.report is not None)

    @property
    def has_truth(self) -> bool:
        """Whether any clip was compared with true masks."""
        return any(each.summary and each.summary.least("j") is not None for each in self.ranked)


def is_batch(folder: Path) -> bool:
    """Whether a folder holds results of a batch."""
    return folder.is_dir() and next(_record_paths(folder), None) is not None


def read_batch(folder: Path) -> list[BatchClip]:
    """The clips of a batch, by name.

    Raises:
        StorageError: a record is none.
        ExportError: there are far too many.
    """
    found: list[BatchClip] = []
    for path in _record_paths(folder):
        if len(found) >= _MAX_CLIPS:
            raise ExportError(f"{folder} has more than {_MAX_CLIPS} clips. Report on parts of it.")
        found.append(_clip_of(path))
    return sorted(found, key=lambda each: (each.name, each.folder))


def make_batch_report(
    folder: Path,
    report_on: Callable[[BatchClip, ProgressCallback | None], ClipReport],
    *,
    max_detailed: int = MAX_DETAILED,
    progress: ProgressCallback | None = None,
    cancel: CancelCheck | None = None,
) -> BatchReport:
    """Report on all clips of a batch; what goes wrong with one is said of that one.

    Args:
        folder: of the batch.
        report_on: makes the report of a clip that has a project, told of progress.
        max_detailed: so many of the worst are kept whole.
        progress: told of clips and frames.
        cancel: asked between clips.

    Raises:
        StorageError, ExportError: the batch cannot be read.
        CancelledError: ``cancel`` returned true.
    """
    clips = read_batch(folder)
    ranked: list[BatchClip] = []
    unmeasured: list[BatchClip] = []
    whole: list[tuple[tuple[float, float], int, ClipReport]] = []  # a heap, the best on top
    for number, each in enumerate(clips, 1):
        raise_if_cancelled(cancel, "The report")
        if each.is_failed:
            continue
        if each.project is None:
            reason = "no project was kept (sam2ov batch --keep-projects keeps one)"
            unmeasured.append(replace(each, reason=reason))
            continue
        try:
            report = report_on(each, _counted(progress, each.name, number, len(clips)))
        except CancelledError:
            raise
        except (Sam2ovError, OSError) as error:
            unmeasured.append(replace(each, reason=one_line(str(error))))
            continue
        summary = report.summary
        heapq.heappush(whole, (summary.badness, len(ranked), report))
        if len(whole) > max_detailed:
            heapq.heappop(whole)
        ranked.append(replace(each, summary=summary))
    for _, place, report in whole:
        ranked[place] = replace(ranked[place], report=report)
    ranked.sort(key=_worst_first)
    failed = tuple(each for each in clips if each.is_failed)
    return BatchReport(folder.resolve().name, failed, tuple(ranked), tuple(unmeasured))


def _worst_first(each: BatchClip) -> tuple[float, float, bool]:
    assert each.summary is not None
    most, mean = each.summary.badness
    return -most, -mean, each.report is None


def _counted(
    progress: ProgressCallback | None, name: str, number: int, total: int
) -> ProgressCallback | None:
    """Tells whose frames are counted."""
    if progress is None:
        return None
    return lambda step: progress(replace(step, stage=f"{name} ({number} of {total}): {step.stage}"))


def _record_paths(folder: Path) -> Iterator[Path]:
    for entry in folder.iterdir():
        path = entry / RECORD_NAME
        if not entry.name.startswith(".") and path.is_file():
            yield path


def _clip_of(path: Path) -> BatchClip:
    with path.open("rb") as file:
        content = file.read(MAX_RECORD_BYTES + 1)
    record = parse_record(content)
    if record is None:
        raise StorageError(f"{path} is no record of a batch. Move it away, or run the batch again.")
    kept = _projects(path.parent)
    return BatchClip(
        name=plain_name(record.name),
        folder=path.parent,
        is_failed=record.state == "failed",
        reason=one_line(record.reason),
        clip=Path(record.clip) if record.clip else None,
        project=kept[0] if len(kept) == 1 else None,
    )


def _projects(folder: Path) -> Sequence[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix == SUFFIX and path.is_file())
