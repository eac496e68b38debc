"""A timeline for editing programs: the clip, and a matte video on a track for each object.

Written by OpenTimelineIO and its adapters, which people install with sam2ov[otio].
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sam2ov.errors import ExportError
from sam2ov.export.files import file_tree
from sam2ov.export.format import ExportSettings, FormatOptions
from sam2ov.export.matte import open_matte
from sam2ov.export.names import file_stem
from sam2ov.export.plan import AddFrame, ExportFrame, ExportPlan, ExportSource
from sam2ov.export.video_options import MatteOptions, TimelineOptions
from sam2ov.unfinished import ScratchFolder
from sam2ov.values.objects import ClipObject
from sam2ov.video import VideoInfo

if TYPE_CHECKING:
    import opentimelineio as otio

_FOLDER: Final = "mattes"
_LAYOUT: Final = (r"[\w.-]+\.(otio|fcpxml|edl)", rf"{_FOLDER}/[\w.-]+\.mp4")
_ADAPTERS: Final = {"otio": "otio_json", "fcpxml": "fcpx_xml", "edl": "cmx_3600"}


@contextmanager
def open_timeline(plan: ExportPlan) -> Iterator[AddFrame]:
    """Begin a folder or archive of a timeline and the mattes that it refers to.

    Raises:
        ExportError: the path is taken by something else, or the disk is full.
        VideoWriteError: a matte cannot be written.
    """
    source, options = plan.source, plan.options(TimelineOptions)
    names = {target: _matte_name(source, target) for target in source.objects}
    with (
        file_tree(plan.path, _LAYOUT) as tree,
        ScratchFolder(f".{plan.path.name}.", plan.path.parent) as folder,
    ):
        with ExitStack() as mattes:
            writers = [
                mattes.enter_context(open_matte(_matte_plan(plan, folder / names[target], target)))
                for target in source.objects
            ]

            def add(frame: ExportFrame) -> None:
                for write in writers:
                    write(frame)

            yield add
        for name in names.values():
            tree.add(f"{_FOLDER}/{name}", folder / name)
        for name, content in _timelines(source, options, names):
            tree.write(name, content.encode())


def check_rate(info: VideoInfo, options: FormatOptions) -> None:
    """Find out whether the kind of timeline knows a clip's frame rate: not every adapter does.

    Raises:
        ExportError: it does not.
    """
    import opentimelineio as otio

    assert isinstance(options, TimelineOptions)
    rate = float(info.fps)
    start, length = (otio.opentime.RationalTime(frames, rate) for frames in (0, 1))
    shown = otio.opentime.TimeRange(start, length)
    timeline = otio.schema.Timeline("clip", global_start_time=start)
    for name in ("clip",) if options.timeline == "edl" else ("clip", "matte"):
        track = otio.schema.Track(kind=otio.schema.TrackKind.Video)
        track.append(otio.schema.Clip(name, otio.schema.ExternalReference(name, shown), shown))
        timeline.tracks.append(track)
    try:
        otio.adapters.write_to_string(timeline, _ADAPTERS[options.timeline])
    except (ValueError, KeyError, ArithmeticError, otio.exceptions.OTIOError) as error:
        raise ExportError(
            f"{options.timeline} cannot tell of {rate:g} frames a second ({error}). Choose "
            "timeline=otio."
        ) from error


def _matte_name(source: ExportSource, target: ClipObject) -> str:
    return f"{source.stem}-{target.obj_id}-{file_stem(target.name)}.mp4"


def _matte_plan(plan: ExportPlan, path: Path, target: ClipObject) -> ExportPlan:
    options = plan.options(TimelineOptions)
    wanted = MatteOptions(edges=options.edges, bits=options.bits)
    alone = replace(plan.source, objects=(target,))
    return replace(plan, path=path, settings=ExportSettings(options=wanted), sources=(alone,))


def _timelines(
    source: ExportSource, options: TimelineOptions, mattes: Mapping[ClipObject, str]
) -> Iterator[tuple[str, str]]:
    """The files of timelines: all tracks together, but for EDLs, which have one track each."""
    import opentimelineio as otio

    tracks = [_clip_track(source, options)]
    tracks += [_matte_track(source, target, name) for target, name in mattes.items()]
    if options.timeline == "edl":
        names = [source.stem, *(Path(name).stem for name in mattes.values())]
        parts = [(name, [track]) for name, track in zip(names, tracks, strict=True)]
    else:
        parts = [(source.stem, tracks)]
    for name, several in parts:
        timeline = otio.schema.Timeline(name, global_start_time=_time(source, source.frames.start))
        timeline.metadata["sam2ov"] = {"clip": source.clip_name}
        timeline.tracks.extend(several)
        text = otio.adapters.write_to_string(timeline, _ADAPTERS[options.timeline])
        yield f"{name}.{options.timeline}", text


def _clip_track(source: ExportSource, options: TimelineOptions) -> "otio.schema.Track":
    return _track(
        source,
        "Clip",
        source.clip_name,
        options.media or source.clip_name,
        range(source.video.num_frames),
        {"role": "clip"},
    )


def _matte_track(source: ExportSource, target: ClipObject, name: str) -> "otio.schema.Track":
    return _track(
        source,
        target.name,
        Path(name).stem,
        f"{_FOLDER}/{name}",
        source.frames,
        {
            "role": "matte",
            "object": target.name,
            "object_id": target.obj_id,
            "colour": target.colour,
        },
    )


def _track(
    source: ExportSource,
    track_name: str,
    name: str,
    url: str,
    held: range,
    told: Mapping[str, str | int],
) -> "otio.schema.Track":
    """A track of one clip, which shows the exported frames of a file that holds ``held``."""
    import opentimelineio as otio

    media = otio.schema.ExternalReference(url, _range(source, held))
    clip = otio.schema.Clip(name, media, _range(source, source.frames))
    clip.metadata["sam2ov"] = dict(told)
    track = otio.schema.Track(re.sub(r"\s+", " ", track_name), kind=otio.schema.TrackKind.Video)
    track.append(clip)
    return track


def _range(source: ExportSource, frames: range) -> "otio.opentime.TimeRange":
    import opentimelineio as otio

    start, stop = _time(source, frames.start), _time(source, frames.stop)
    return otio.opentime.TimeRange(start, stop - start)


def _time(source: ExportSource, frame_idx: int) -> "otio.opentime.RationalTime":
    """The name of a frame as the clip's timecode has it, or its number; by time where it is uneven.

    ``frame_idx`` may be the first one behind the clip.
    """
    import opentimelineio as otio

    info = source.video.info
    number = frame_idx
    if info.is_vfr:
        is_behind = frame_idx == info.num_frames
        seconds = info.duration if is_behind else info.time_of(frame_idx)
        number = round(seconds * info.fps)
    first = 0 if info.timecode is None else info.timecode.number
    return otio.opentime.RationalTime(first + number, float(Fraction(info.fps)))
