"""``--point``, ``--box``, ``--mask`` and ``--prompts``: from the command line to a prompt file."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from sam2ov.mask_files.pictures import PictureKind
    from sam2ov.mask_files.prompt_file import FramePrompt, ObjectPrompts, PromptFile

POINT_FORM = "FRAME:OBJECT:X,Y"
BOX_FORM = "FRAME:OBJECT:X0,Y0,X1,Y1"
MASK_FORM = "FRAME:OBJECT:FILE"

_NEGATIVE = ":-"
_MOST_DIGITS = 18


@dataclass(frozen=True)
class PointOption:
    """``0:1:420,300``, or ``0:1:420,300:-`` for a point that is not on the object."""

    frame: int
    obj_id: int
    xy: tuple[float, float]
    positive: bool


@dataclass(frozen=True)
class BoxOption:
    """``12:2:10,20,200,220``, the top left corner first."""

    frame: int
    obj_id: int
    box: tuple[float, float, float, float]


@dataclass(frozen=True)
class MaskOption:
    """``0:3:mask.png``; relative to the working directory."""

    frame: int
    obj_id: int
    path: Path


def read_mask_files(
    path: Path,
    frames: str,
    first_number: int | None,
    kind: "PictureKind",
    threshold: float,
    video: Path,
    *,
    hold_gaps: bool,
) -> "PromptFile":
    """Read the masks of ``--masks``.

    Args:
        path: of any known kind.
        frames: "first", "all", or a number.
        first_number: the number that the video's frame 0 has there; None for that of its image,
            or 0.
        kind: what the values of pictures mean.
        threshold: of white, above which a soft matte is the object.
        video: that they are for.
        hold_gaps: its images that are missing are frames, too.

    Raises:
        typer.BadParameter: ``frames`` is none of these.
        PromptError: the masks cannot be read.
    """
    from sam2ov.jobs.clip_prompts import read_masks_for
    from sam2ov.mask_files.pictures import Reading

    words = {"first": None, "all": 1}
    if frames not in words and not (
        frames.isdecimal() and len(frames) <= _MOST_DIGITS and int(frames) > 0
    ):
        raise typer.BadParameter(
            f"--masks-frames: {frames!r} is neither first, all, nor a number from 1."
        )
    every = words[frames] if frames in words else int(frames)
    return read_masks_for(
        video,
        path,
        every=every,
        first_number=first_number,
        pictures=Reading(kind, threshold),
        hold_gaps=hold_gaps,
    )


def parse_point(text: str) -> PointOption:
    """Parse a value of ``--point``; a usage error says what one looks like."""
    example = f"{POINT_FORM}, as in 0:1:420,300 (or 0:1:420,300:- for a point off the object)"
    positive = not text.endswith(_NEGATIVE)
    frame, obj_id, rest = _addressed(text.removesuffix(_NEGATIVE), example)
    x, y = _numbers(rest, 2, text, example)
    return PointOption(frame, obj_id, (x, y), positive)


def parse_box(text: str) -> BoxOption:
    """Parse a value of ``--box``."""
    example = f"{BOX_FORM}, as in 12:2:10,20,200,220"
    frame, obj_id, rest = _addressed(text, example)
    x0, y0, x1, y1 = _numbers(rest, 4, text, example)
    if not (x0 < x1 and y0 < y1):
        raise typer.BadParameter(f"{text!r}: the top left corner comes first, in {example}.")
    return BoxOption(frame, obj_id, (x0, y0, x1, y1))


def parse_mask(text: str) -> MaskOption:
    """Parse a value of ``--mask``."""
    example = f"{MASK_FORM}, as in 0:3:mask.png"
    frame, obj_id, rest = _addressed(text, example)
    if not rest:
        raise typer.BadParameter(f"{text!r} names no file. Write {example}.")
    return MaskOption(frame, obj_id, Path(rest))


def collect_prompts(
    points: Sequence[PointOption],
    boxes: Sequence[BoxOption],
    masks: Sequence[MaskOption],
    file: Path | None,
    imported: "PromptFile | None" = None,
) -> "PromptFile":
    """Put the options together with a prompt file; what they say about a frame is one prompt.

    ``imported`` are masks of other files; what a prompt file says of the same object and frame
    counts more.

    Raises:
        typer.BadParameter: nothing is prompted, or options contradict each other or the file.
        PromptError: the prompt file or a mask cannot be read.
    """
    from sam2ov.mask_files.isolated import read_prompt_file
    from sam2ov.mask_files.prompt_file import PromptFile

    given = read_prompt_file(file) if file is not None else None
    if imported is not None:
        given = imported if given is None else _overlaid(imported, given)
    earlier = {target.id: target for target in given.objects} if given is not None else {}
    options: list[PointOption | BoxOption | MaskOption] = [*points, *boxes, *masks]
    if not options and not earlier:
        raise typer.BadParameter(
            f"nothing to track: say what and where with --point {POINT_FORM}, --box {BOX_FORM}, "
            f"--mask {MASK_FORM}, --masks FILE, --boxes FILE or --prompts FILE."
        )
    ids = dict.fromkeys([*earlier, *(option.obj_id for option in options)])
    objects = (
        _merged(i, earlier.get(i), [o for o in options if o.obj_id == i]) if options else earlier[i]
        for i in ids
    )
    video = given.video if given is not None else None
    return PromptFile(video=video, objects=tuple(objects))


def _overlaid(below: "PromptFile", above: "PromptFile") -> "PromptFile":
    """The prompts of two files; those of ``above`` replace others of one object and frame."""
    objects = {target.id: target for target in below.objects}
    for target in above.objects:
        earlier = objects.get(target.id)
        if earlier is not None:
            by_frame = {p.frame: p for p in earlier.prompts} | {p.frame: p for p in target.prompts}
            prompts = tuple(by_frame[frame] for frame in sorted(by_frame))
            target = target.model_copy(update={"prompts": prompts})
        objects[target.id] = target
    return above.model_copy(update={"objects": tuple(objects.values())})


def _merged(
    obj_id: int,
    earlier: "ObjectPrompts | None",
    options: Sequence[PointOption | BoxOption | MaskOption],
) -> "ObjectPrompts":
    from sam2ov.mask_files.prompt_file import ObjectPrompts

    by_frame = {entry.frame: entry for entry in earlier.prompts} if earlier is not None else {}
    for frame in sorted({option.frame for option in options}):
        by_frame[frame] = _combined(
            obj_id, frame, by_frame.get(frame), [o for o in options if o.frame == frame]
        )
    return ObjectPrompts(
        id=obj_id,
        name=earlier.name if earlier is not None else "",
        colour=earlier.colour if earlier is not None else None,
        prompts=tuple(by_frame[frame] for frame in sorted(by_frame)),
    )


def _combined(
    obj_id: int,
    frame: int,
    earlier: "FramePrompt | None",
    options: Iterable[PointOption | BoxOption | MaskOption],
) -> "FramePrompt":
    from sam2ov.mask_files.isolated import read_mask_prompt
    from sam2ov.mask_files.prompt_file import FramePrompt, Point

    points = list(earlier.points) if earlier is not None else []
    boxes = [earlier.box] if earlier is not None and earlier.box is not None else []
    masks = [earlier] if earlier is not None and earlier.mask is not None else []
    for option in options:
        if isinstance(option, PointOption):
            x, y = option.xy
            points.append(Point(x=x, y=y, label=1 if option.positive else 0))
        elif isinstance(option, BoxOption):
            boxes.append(option.box)
        else:
            masks.append(read_mask_prompt(option.path, frame))
    where = f"object {obj_id} on frame {frame}"
    if len(boxes) > 1 or len(masks) > 1:
        what = "boxes" if len(boxes) > 1 else "masks"
        raise typer.BadParameter(f"{where} has two {what}: leave one out.")
    if masks and (points or boxes):
        raise typer.BadParameter(
            f"{where} has a mask and points or a box: a mask says everything, leave the rest out."
        )
    return masks[0] if masks else FramePrompt(frame=frame, points=points, box=(*boxes, None)[0])


def _addressed(text: str, example: str) -> tuple[int, int, str]:
    parts = text.split(":", 2)
    if len(parts) != 3:
        raise typer.BadParameter(f"{text!r} is not {example}.")
    frame, obj_id = (
        int(part) if part.isdecimal() and len(part) <= _MOST_DIGITS else -1 for part in parts[:2]
    )
    if frame < 0:
        raise typer.BadParameter(f"{text!r}: a frame is a number from 0, in {example}.")
    if obj_id < 1:
        raise typer.BadParameter(f"{text!r}: an object is a number from 1, in {example}.")
    return frame, obj_id, parts[2]


def _numbers(text: str, count: int, whole: str, example: str) -> list[float]:
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) != count or not all(map(math.isfinite, numbers)):
        raise typer.BadParameter(f"{whole!r} is not {example}: it needs {count} coordinates.")
    return numbers
