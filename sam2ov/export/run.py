"""Writing an export: every format, from the command line, the app and programs, comes through here.

Frames go by one at a time, each into all outputs; nothing is held of those that have gone by.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from sam2ov.errors import ExportError
from sam2ov.export.categories import category_name
from sam2ov.export.format import ExportFormat, ExportSettings
from sam2ov.export.names import NameTemplate, file_stem
from sam2ov.export.plan import ExportFrame, ExportPlan, ExportSource, SourcePictures
from sam2ov.progress import CancelCheck, Progress, ProgressCallback, raise_if_cancelled
from sam2ov.values.objects import ClipObject
from sam2ov.video import VideoInfo


def run_export(
    wanted: ExportFormat,
    sources: Sequence[ExportSource],
    path: Path,
    settings: ExportSettings | None = None,
    *,
    progress: ProgressCallback | None = None,
    cancel: CancelCheck | None = None,
) -> list[Path]:
    """Write masks in a format.

    Args:
        wanted: the format, one of ``sam2ov.export.FORMATS``.
        sources: the clips; more than one if the format takes several.
        path: of the file, folder or archive; with ``settings.per_object`` the outputs lie beside
            it. What stands there is replaced: a folder only if it holds such an export.
        settings: see there.
        progress: told of every frame.
        cancel: asked before every frame.

    Returns:
        What was written.

    Raises:
        ExportError: the format does not take the path, the settings or the objects; or it cannot be
            written (disk full). Nothing is left under the final name.
        VideoError: a frame cannot be read, or a video cannot be written; likewise.
        CancelledError: ``cancel`` returned true; likewise.
    """
    settings = settings or ExportSettings()
    wanted.check(path, settings, len(sources))
    check_objects(wanted, settings, [source.objects for source in sources])
    for source in sources:
        check_clip(wanted, settings, source.clip_name, source.video.info)
    total = sum(len(source.frames) for source in sources)
    done = 0
    with ExitStack() as stack:
        if settings.square_pixels:
            sources = [_with_square_pixels(source, stack) for source in sources]
        pictures = [SourcePictures(source.video) for source in sources]
        for each in pictures:
            stack.callback(each.close)
        plans = _plans(wanted, sources, path, settings)
        stage = f"Writing {path.name}" if len(plans) == 1 else f"Writing {len(plans)} files"
        opened = wanted.load()
        outputs = [stack.enter_context(opened(plan)) for plan in plans]
        for number, source in enumerate(sources):
            for index in source.frames:
                raise_if_cancelled(cancel, stage)
                named = source.number_of(index, settings)
                frame = ExportFrame(number, source, pictures[number], index, named)
                for add in outputs:
                    add(frame)
                done += 1
                if progress is not None:
                    progress(Progress(stage, done, total, "items"))
        raise_if_cancelled(cancel, stage)
    return [plan.path for plan in plans]


def output_paths(
    wanted: ExportFormat,
    clip_stem: str,
    objects: Sequence[ClipObject],
    path: Path,
    settings: ExportSettings,
) -> list[Path]:
    """What ``run_export`` will write."""
    if not settings.per_object:
        return [path]
    return [_object_path(wanted, clip_stem, target, path, settings) for target in objects]


def check_clip(
    wanted: ExportFormat, settings: ExportSettings, clip_name: str, info: VideoInfo
) -> None:
    """Find out what the format cannot tell of a clip, before its objects are tracked.

    Raises:
        ExportError: names have a timecode in them, which the clip has not, or its rate is unknown
            to what writes the format.
    """
    has_names = wanted.names is not None
    if has_names and info.timecode is None and "timecode" in wanted.template(settings).fields:
        raise ExportError(f"{clip_name} has no timecode to put into names. Use {{frame}} instead.")
    if wanted.load_clip_check is not None:
        wanted.load_clip_check()(info, settings.options or wanted.options())


def _with_square_pixels(source: ExportSource, stack: ExitStack) -> ExportSource:
    if source.video.info.sample_aspect_ratio == 1:
        return source
    form = replace(source.video.form, is_square=True)
    video = stack.enter_context(source.video.twin(cache_bytes=0, form=form))
    return source.with_square_pixels(video)


def _plans(
    wanted: ExportFormat, sources: Sequence[ExportSource], path: Path, settings: ExportSettings
) -> list[ExportPlan]:
    if not settings.per_object:
        return [ExportPlan(path, wanted, settings, tuple(sources))]
    (source,) = sources
    paths = output_paths(wanted, source.stem, source.objects, path, settings)
    return [
        ExportPlan(place, wanted, settings, (replace(source, objects=(target,)),))
        for target, place in zip(source.objects, paths, strict=True)
    ]


def _object_path(
    wanted: ExportFormat, stem: str, target: ClipObject, path: Path, settings: ExportSettings
) -> Path:
    if settings.names is None or wanted.names is not None:
        return path.with_name(f"{path.stem}-{target.obj_id}{path.suffix}")
    values: dict[str, str | int] = {"clip": stem, "object": file_stem(target.name)}
    values |= {"id": target.obj_id, "frame": 0}
    return path.with_name(NameTemplate(settings.names).expand(values) + path.suffix)


def check_objects(
    wanted: ExportFormat, settings: ExportSettings, clips: Sequence[Sequence[ClipObject]]
) -> None:
    """Find out what the format cannot hold of the objects, before they are tracked.

    Args:
        wanted: the format.
        settings: see there.
        clips: the objects of each clip.

    Raises:
        ExportError: a number or the number of names is too large, or files would have one name.
    """
    objects = [target for clip in clips for target in clip]
    most = wanted.max_object_id
    largest = max((target.obj_id for target in objects), default=0)
    if most is not None and largest > most:
        raise ExportError(
            f"The format {wanted.name} holds objects 1 to {most}, not {largest}: renumber the "
            "object."
        )
    if wanted.max_objects is not None and not settings.per_object:
        for clip in clips:
            if len(clip) > wanted.max_objects:
                raise ExportError(
                    f"The format {wanted.name} holds up to {wanted.max_objects} objects, here are "
                    f"{len(clip)}. Choose some, or a file for each object."
                )
    kinds = {category_name(target) for target in objects}
    kinds = {kind for kind in kinds if kind.casefold() not in wanted.known_kinds}
    if wanted.max_kinds is not None and len(kinds) > wanted.max_kinds:
        besides = f" besides {', '.join(sorted(wanted.known_kinds))}" if wanted.known_kinds else ""
        raise ExportError(
            f"The format {wanted.name} holds {wanted.max_kinds} kinds of objects{besides}, here "
            f"are {len(kinds)} names. Give objects of one kind the same name."
        )
    _require_different_names(wanted, settings, clips)


def _require_different_names(
    wanted: ExportFormat, settings: ExportSettings, clips: Sequence[Sequence[ClipObject]]
) -> None:
    """Objects of one name must not write into one file."""
    text = settings.names or wanted.names
    if text is None or "object" not in NameTemplate(text).fields:
        return
    if "id" in NameTemplate(text).fields:
        return
    for objects in clips:
        names = [file_stem(target.name).casefold() for target in objects]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ExportError(
                f"Several objects are called {twice[0]}, so that {{object}} gives them the same "
                "file. Put {id} into the names, or rename one of them."
            )
