"""A report as one HTML file, which needs nothing else: no network, no script."""

import base64
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from sam2ov._version import __version__
from sam2ov.evaluation.report.batch_report import BatchReport
from sam2ov.evaluation.report.clip_report import ClipReport, ObjectReport
from sam2ov.evaluation.report.pictures import Picture
from sam2ov.evaluation.report.plots import draw_object, runs
from sam2ov.project.review import ReviewItem

_FILES: Final = Path(__file__).parent / "page_files"
_MOST_ABSENCES: Final = 40
_DASH: Final = "–"


def write_page(path: Path, report: ClipReport | BatchReport, place: Path) -> None:
    """Write the page of a report.

    Args:
        path: to be written to, UTF-8.
        report: on a clip or on a batch.
        place: where the page will stand: links to results are relative to its folder.

    Raises:
        ExportError: matplotlib is not installed.
        OSError: the file cannot be written.
    """
    environment = Environment(
        loader=FileSystemLoader(_FILES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        percent=_percent,
        points=lambda share: _DASH if share is None else f"{100 * share:.1f}",
        pixels=lambda value: _DASH if value is None else f"{value:.2f} px",
        clock=_clock,
        data_url=_data_url,
        reason=lambda look, report: reason(look.item, report),
        figure=lambda report, place: Markup(draw_object(report, place)),  # noqa: S704  # ours
        absences=_absences,
        relative=lambda folder: _relative(folder, place),
    )
    is_clip = isinstance(report, ClipReport)
    stream = environment.get_template("page.html").stream(
        title=f"Tracking report: {report.name}" if is_clip else f"Batch report: {report.name}",
        style=Markup((_FILES / "style.css").read_text(encoding="utf-8")),  # noqa: S704  # ours
        report=report if is_clip else None,
        batch=None if is_clip else report,
        version=__version__,
    )
    with path.open("w", encoding="utf-8", errors="replace") as file:
        file.writelines(stream)


def reason(item: ReviewItem, report: ClipReport) -> str:
    """What is unusual on a frame, in words."""
    names = [report.object(obj_id).name for obj_id in item.obj_ids]
    one, other = names[0], names[-1]
    frames = f"{item.num_frames} frame{'s' if item.num_frames != 1 else ''}"
    return {
        "unsure": f"{one}: probably wrong for {frames}"
        if item.num_frames > 1
        else f"{one}: not sure",
        "jumped": f"{one} jumps",
        "resized": f"{one} changes its size",
        "grown": f"{one} is far larger than prompted for {frames}",
        "lost": f"{one} is lost",
        "returned": f"{one} is back after {frames}",
        "merged": f"{one} and {other} lie on each other",
        "cut": "Another scene begins",
        "swapped": f"{one} and {other} swap places",
    }[item.reason]


def _percent(share: float | None) -> str:
    return _DASH if share is None else f"{100 * share:.0f} %"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours}:{minutes:02}:{rest:05.2f}" if hours else f"{minutes}:{rest:05.2f}"


def _data_url(picture: Picture) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(picture.jpeg).decode('ascii')}"


def _absences(report: ClipReport, each: ObjectReport) -> list[str]:
    found = list(_stretches(report, each))
    if len(found) > _MOST_ABSENCES:
        rest = len(found) - _MOST_ABSENCES
        return [*found[:_MOST_ABSENCES], f"and {rest} more"]
    return found


def _stretches(report: ClipReport, each: ObjectReport) -> Iterator[str]:
    for away in runs(each.absent):
        first, last = report.frames[away.start], report.frames[away.stop - 1]
        yield f"{first}" if first == last else f"{first} to {last}"


def _relative(folder: Path, place: Path) -> str:
    """A link to a folder; on another drive there is no relative one."""
    try:
        path = os.path.relpath(folder.resolve(), place.resolve().parent)
    except ValueError:
        return folder.resolve().as_uri()
    return quote(Path(path).as_posix(), errors="replace") + "/"
