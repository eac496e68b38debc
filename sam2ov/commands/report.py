"""``sam2ov report``: how good tracked masks are, as a page to look at."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sam2ov.commands.console import progress_display, say
from sam2ov.commands.outputs import OverwriteOption, check_file
from sam2ov.commands.stored_projects import opened_with_clip

if TYPE_CHECKING:
    from sam2ov.evaluation.report.batch_report import BatchClip, BatchReport
    from sam2ov.evaluation.report.clip_report import ClipReport
    from sam2ov.progress import ProgressCallback

_PICTURES_IN_BATCHES = 6


def report(
    place: Annotated[
        str,
        typer.Argument(
            help="A project file (.sam2ov), the folder of a kept project, its name, or the folder "
            "of a batch.",
            metavar="PROJECT|FOLDER",
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="The page: one file (.html).")],
    as_json: Annotated[
        Path | None,
        typer.Option("--json", help="The numbers (.json); beside the page if left out."),
    ] = None,
    truth: Annotated[
        Path | None,
        typer.Option(
            help="True masks, a data set as eval reads it: J and F, too. The sequence has the name "
            "of the clip, labels are the numbers of objects.",
            metavar="DATASET",
        ),
    ] = None,
    clip: Annotated[
        Path | None, typer.Option(help="The clip, for a project file that is without it.")
    ] = None,
    overwrite: OverwriteOption = False,
) -> None:
    """Report on what was tracked: confidence, absences, steadiness, frames worth a look.

    One page of HTML that needs no network, and the numbers as JSON beside it. No model is needed.
    """
    from sam2ov.evaluation.report.batch_report import is_batch
    from sam2ov.evaluation.report.plots import require_matplotlib

    require_matplotlib()
    numbers = out.with_suffix(".json") if as_json is None else as_json
    check_file(out, (".html", ".htm"), overwrite=overwrite)
    check_file(numbers, (".json",), overwrite=overwrite)
    with progress_display() as progress:
        if is_batch(Path(place)):
            if clip is not None:
                raise typer.BadParameter("--clip: a batch says itself where its clips are.")
            made: BatchReport | ClipReport = _on_batch(Path(place), truth, progress)
        else:
            made = _on_project(place, clip, truth, progress)
    _write(out, numbers, made)
    print(f"{out}\n{numbers}")


def _on_project(
    place: str, clip: Path | None, truth: Path | None, progress: "ProgressCallback"
) -> "ClipReport":
    from sam2ov.evaluation.report.clip_report import make_clip_report
    from sam2ov.evaluation.report.truths import truth_for

    with opened_with_clip(place, clip) as (project, reader):
        truths = None if truth is None else truth_for(truth, project, is_only=True)
        found = make_clip_report(project, reader, truths, progress=progress)
    if found.calibration is None:
        say(f"Confidence is not calibrated for {found.model}: it is what the model claims.")
    return found


def _on_batch(folder: Path, truth: Path | None, progress: "ProgressCallback") -> "BatchReport":
    from sam2ov.evaluation.report.batch_report import make_batch_report
    from sam2ov.evaluation.report.clip_report import ClipReport, make_clip_report
    from sam2ov.evaluation.report.truths import truth_for

    def report_on(each: "BatchClip", progress: "ProgressCallback | None") -> ClipReport:
        with opened_with_clip(str(each.project), each.clip) as (project, reader):
            truths = None if truth is None else truth_for(truth, project, is_only=False)
            return make_clip_report(
                project, reader, truths, max_pictures=_PICTURES_IN_BATCHES, progress=progress
            )

    return make_batch_report(folder, report_on, progress=progress)


def _write(out: Path, numbers: Path, made: "ClipReport | BatchReport") -> None:
    from sam2ov.evaluation.report.page import write_page
    from sam2ov.evaluation.report.results import write_results
    from sam2ov.unfinished import unfinished_file

    with unfinished_file(out) as page, unfinished_file(numbers) as values:
        write_page(page, made, out)
        write_results(values, made)
