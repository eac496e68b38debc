"""``sam2ov export``: what was tracked in projects, without a model."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sam2ov.commands.clean_up_options import CleanUpOption, changed
from sam2ov.commands.console import progress_display
from sam2ov.commands.outputs import (
    FirstNumberOption,
    FormatOption,
    KeepStartOption,
    NamesOption,
    OptionValue,
    OutOption,
    OverwriteOption,
    PerObjectOption,
    SetOption,
    SquarePixelsOption,
    make_output,
)
from sam2ov.commands.stored_projects import opened_with_clip
from sam2ov.errors import ExportError
from sam2ov.export import FORMATS
from sam2ov.values.clean_up import NO_CLEAN_UP, CleanUp
from sam2ov.values.field_order import FieldOrder

if TYPE_CHECKING:
    from sam2ov.export.plan import ExportSource
    from sam2ov.project.stored import StoredProject
    from sam2ov.values.objects import ClipObject


def export(
    projects: Annotated[
        list[str],
        typer.Argument(
            help="Project files (.sam2ov), folders of kept projects, or their names; several for "
            "--format dataset.",
            metavar="PROJECT…",
        ),
    ],
    out: OutOption,
    output_format: FormatOption = FORMATS["overlay"],
    objects: Annotated[
        list[str] | None,
        typer.Option(
            "--object",
            help="Only this one, by number or name; all that are not hidden if left out.",
        ),
    ] = None,
    start: Annotated[
        int | None, typer.Option(min=0, help="The first frame, from 0; the in point if left out.")
    ] = None,
    end: Annotated[
        int | None, typer.Option(min=0, help="The last frame, included; else the out point.")
    ] = None,
    clip: Annotated[
        Path | None, typer.Option(help="The clip, for a project file that is without it.")
    ] = None,
    non_overlap: Annotated[
        bool, typer.Option("--non-overlap", help="Give each pixel to one object at most.")
    ] = False,
    clean_up: CleanUpOption = None,
    no_clean_up: Annotated[
        bool,
        typer.Option("--no-clean-up", help="Leave out what the projects say of cleaning up."),
    ] = False,
    field_order: Annotated[
        FieldOrder | None,
        typer.Option(help="How an interlaced clip is read; as the project has it if left out."),
    ] = None,
    per_object: PerObjectOption = False,
    first_number: FirstNumberOption = None,
    names: NamesOption = None,
    keep_start: KeepStartOption = False,
    square_pixels: SquarePixelsOption = False,
    options: SetOption = None,
    overwrite: OverwriteOption = False,
) -> None:
    """Write the masks of projects; no model is needed, and the projects stay as they are.

    A project that is open in the app has to be closed there first.
    """
    output = make_output(
        out,
        output_format,
        options or [],
        per_object=per_object,
        first_number=first_number,
        names=names,
        keep_start=keep_start,
        square_pixels=square_pixels,
        overwrite=overwrite,
        num_clips=len(projects),
    )
    changes = _CleanUpChanges(clean_up or [], starts_anew=no_clean_up)
    with ExitStack() as stack, progress_display() as progress:
        sources = [
            _opened(
                stack,
                place,
                clip,
                objects or [],
                start,
                end,
                changes,
                field_order,
                non_overlap=non_overlap,
            )
            for place in projects
        ]
        videos = [source.video.info.path for source in sources]
        output.check_places(videos, sources[0].stem, sources[0].objects)
        paths = output.write(sources, progress)
    print("\n".join(map(str, paths)))


@dataclass(frozen=True)
class _CleanUpChanges:
    """What becomes of the projects' settings; ``starts_anew`` forgets them first."""

    values: list[OptionValue]
    starts_anew: bool

    def of(self, present: CleanUp) -> CleanUp:
        return changed(NO_CLEAN_UP if self.starts_anew else present, self.values)


def _opened(
    stack: ExitStack,
    place: str,
    clip: Path | None,
    objects: Sequence[str],
    start: int | None,
    end: int | None,
    changes: _CleanUpChanges,
    field_order: FieldOrder | None,
    *,
    non_overlap: bool,
) -> "ExportSource":
    from sam2ov.export.plan import ExportSource
    from sam2ov.export.tracked_masks import TrackedMasks

    project, reader = stack.enter_context(opened_with_clip(place, clip, field_order))
    frames = project.in_out or range(reader.num_frames)
    frames = range(
        frames.start if start is None else start, frames.stop if end is None else end + 1
    )
    if not frames or frames.stop > reader.num_frames:
        raise typer.BadParameter(
            f"--start and --end: {project.info.clip_name} has frames 0 to "
            f"{reader.num_frames - 1}, and the start comes first."
        )
    chosen = [
        replace(target, clean_up=changes.of(target.clean_up))
        for target in _chosen(project, objects)
    ]
    masks = TrackedMasks(project.masks, chosen, frames, non_overlapping=non_overlap)
    return ExportSource.of(project.info.clip_name, reader, masks)


def _chosen(project: "StoredProject", wanted: Sequence[str]) -> list["ClipObject"]:
    prompted = [target for target in project.objects if target.obj_id in project.masks.obj_ids]
    if not prompted:
        raise ExportError(f"Nothing was prompted in the project of {project.info.clip_name} yet.")
    if wanted:
        chosen = [t for t in prompted if t.name in wanted or str(t.obj_id) in wanted]
        known = {text for t in chosen for text in (t.name, str(t.obj_id))}
        if unknown := sorted(set(wanted) - known):
            names = ", ".join(f"{target.obj_id} ({target.name})" for target in prompted)
            raise ExportError(
                f"The project of {project.info.clip_name} has no object {', '.join(unknown)} with "
                f"masks. It has: {names}."
            )
    else:
        chosen = [target for target in prompted if not target.hidden]
        if not chosen:
            raise ExportError("All objects are hidden. Name those that you want: --object NAME.")
    return chosen
