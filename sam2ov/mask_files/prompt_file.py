"""``prompts.json``: what to track in a video, written by people, programs, the app and the CLI.

The models below are the schema (``sam2ov schema prompts`` prints it as JSON Schema). Coordinates
are video pixels, x to the right, y down; the centre of the top-left pixel is (0.5, 0.5). Frames
count from 0.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from PIL import Image, UnidentifiedImageError
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    ValidationError,
    field_validator,
    model_validator,
)

from sam2ov.errors import PromptError, first_fault
from sam2ov.mask_files.bundle import MAX_TEXT_BYTES, read_file, require_file
from sam2ov.mask_files.json_bounds import require_few_values
from sam2ov.mask_files.pictures import AS_THEY_LOOK, labels_of
from sam2ov.mask_files.schemas import MAX_PIXELS, MAX_SIDE
from sam2ov.unfinished import unfinished_file
from sam2ov.values.clean_up import NO_CLEAN_UP, CleanUp
from sam2ov.values.masks import BoolArray
from sam2ov.values.objects import ClipObject, Colour, plain_name
from sam2ov.values.palette import default_colour, to_hex
from sam2ov.values.prompts import Label, MaskPrompt, Prompt, make_point_prompt
from sam2ov.values.rle import Rle, require_valid

FORMAT_VERSION: Final = 1
_MOST_VALUES: Final = 2_000_000
LARGEST_NUMBER: Final = (1 << 63) - 1
"""Of a frame or an object: what a database and arrays hold."""

Size = Annotated[int, Field(ge=1, le=MAX_SIDE)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Point(_Frozen):
    """A click in video pixels; label 1 lies on the object, 0 does not."""

    x: FiniteFloat
    y: FiniteFloat
    label: Literal[0, 1] = 1


class RleMask(_Frozen):
    """A mask in COCO's run-length encoding: size (height, width) and compressed counts."""

    size: tuple[Size, Size]
    counts: str


class FramePrompt(_Frozen):
    """What is said about an object on one frame: points and at most one box, or a mask.

    ``box`` is (x0, y0, x1, y1) in video pixels, the top left corner first. ``mask`` is embedded, or
    the path of a PNG relative to the file: what is not 0 is the object.
    """

    frame: int = Field(ge=0, le=LARGEST_NUMBER)
    points: Annotated[tuple[Point, ...], Field(fail_fast=True)] = ()
    box: tuple[FiniteFloat, FiniteFloat, FiniteFloat, FiniteFloat] | None = None
    mask: RleMask | Annotated[str, Field(pattern=r"^[^\x00]{1,4000}$")] | None = None

    @field_validator("box")
    @classmethod
    def _corners_in_order(
        cls, box: tuple[float, float, float, float] | None
    ) -> tuple[float, float, float, float] | None:
        if box is not None and not (box[0] < box[2] and box[1] < box[3]):
            raise ValueError(
                f"a box is (x0, y0, x1, y1) with x0 < x1 and y0 < y1, got {_numbers(box)}"
            )
        return box

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        has_points = bool(self.points) or self.box is not None
        if has_points == (self.mask is not None):
            raise ValueError("a frame's prompt is points and a box, or a mask: give one of the two")
        return self


class ObjectPrompts(_Frozen):
    """An object to track: a number from 1, a name and a colour for people, and its prompts."""

    id: int = Field(ge=1, le=LARGEST_NUMBER)
    name: str = ""
    colour: Colour | None = None
    prompts: Annotated[tuple[FramePrompt, ...], Field(min_length=1, fail_fast=True)]

    @field_validator("prompts")
    @classmethod
    def _one_prompt_a_frame(cls, prompts: tuple[FramePrompt, ...]) -> tuple[FramePrompt, ...]:
        _require_unique((prompt.frame for prompt in prompts), "frame", "prompts")
        return prompts

    def known_as(self, clean_up: CleanUp = NO_CLEAN_UP) -> ClipObject:
        """The object without its prompts; a name and a colour are made of the number if need be."""
        name, colour = plain_name(self.name) or f"object {self.id}", self.colour
        return ClipObject(
            self.id, name, colour or to_hex(default_colour(self.id)), clean_up=clean_up
        )


class VideoFacts(_Frozen):
    """The video that prompts were made on; checked against the one they are applied to."""

    file: str
    num_frames: int = Field(ge=1, le=LARGEST_NUMBER)
    width: Size
    height: Size


class PromptFile(_Frozen):
    """Everything that tracking a video needs to know besides the model."""

    version: Literal[1] = FORMAT_VERSION
    video: VideoFacts | None = None
    objects: Annotated[tuple[ObjectPrompts, ...], Field(min_length=1, fail_fast=True)]

    @field_validator("objects")
    @classmethod
    def _one_entry_an_object(cls, objects: tuple[ObjectPrompts, ...]) -> tuple[ObjectPrompts, ...]:
        _require_unique((target.id for target in objects), "object", "objects")
        return objects


def read_prompt_file(path: Path) -> PromptFile:
    """Read a prompt file and embed the PNG masks it refers to.

    Raises:
        PromptError: the file or a mask is missing, unreadable or malformed.
    """
    return with_embedded_masks(read_without_masks(path), path.parent)


def read_without_masks(path: Path) -> PromptFile:
    """Read a prompt file alone.

    Raises:
        PromptError: the file is missing, unreadable or malformed.
    """
    try:
        content = read_file(path, MAX_TEXT_BYTES)
    except OSError as error:
        raise PromptError(f"{path} cannot be read: {error.strerror}.") from error
    return parse_prompt_file(content, str(path))


def mask_paths(prompts: PromptFile, folder: Path) -> list[Path]:
    """The pictures of masks that a prompt file in ``folder`` refers to."""
    return [
        folder / entry.mask
        for target in prompts.objects
        for entry in target.prompts
        if isinstance(entry.mask, str)
    ]


def with_embedded_masks(prompts: PromptFile, folder: Path) -> PromptFile:
    """The same prompts with the masks that they refer to.

    Raises:
        PromptError: a mask is missing or unreadable.
    """
    objects = [
        target.model_copy(
            update={"prompts": tuple(_embedded(entry, folder) for entry in target.prompts)}
        )
        for target in prompts.objects
    ]
    return prompts.model_copy(update={"objects": tuple(objects)})


def mask_prompt(path: Path, frame: int) -> FramePrompt:
    """A mask from a picture as the prompt of a frame; see ``read_mask_image``."""
    return from_prompt(frame, MaskPrompt.of(read_mask_image(path)))


def parse_prompt_file(content: str | bytes, source: str) -> PromptFile:
    """Parse the text of a prompt file; ``source`` names it in messages. Opens no other file.

    Raises:
        PromptError: it is no JSON or does not fit the schema.
    """
    require_few_values(content, source, _MOST_VALUES)
    try:
        return PromptFile.model_validate_json(content)
    except ValidationError as error:
        raise PromptError(
            f"{source} is not a prompt file: {first_fault(error)}. "
            '"sam2ov schema prompts" prints what one looks like.'
        ) from error


def write_prompt_file(path: Path, prompts: PromptFile) -> None:
    """Write a prompt file, replacing an earlier one only when it is complete.

    Raises:
        ExportError: the file cannot be written.
    """
    text = prompts.model_dump_json(indent=1, exclude_none=True) + "\n"
    with unfinished_file(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8")


def read_mask_image(path: Path) -> BoolArray:
    """Read a mask prompt from a picture: bool [H, W], true where it shows any object.

    Soft edges are cut at half; see ``pictures``.

    Raises:
        PromptError: the file is missing or is no picture.
    """
    try:
        require_file(path)
        with Image.open(path) as image:
            if image.width * image.height > MAX_PIXELS or max(image.size) > MAX_SIDE:
                raise PromptError(
                    f"The mask {path} has {image.width}×{image.height} pixels, which is too many."
                )
            return labels_of(image, path.name, AS_THEY_LOOK).everything()
    except PromptError:
        raise
    except UnidentifiedImageError as error:
        raise PromptError(
            f"The mask {path} cannot be read: it is no picture, or damaged."
        ) from error
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise PromptError(f"The mask {path} cannot be read: {error}.") from error


def to_prompt(entry: FramePrompt, size_hw: tuple[int, int]) -> Prompt:
    """A frame's prompt for the engine, checked against the size of the video.

    Raises:
        PromptError: a coordinate is outside the picture, or a mask has another size.
    """
    height, width = size_hw
    if entry.mask is not None:
        return MaskPrompt(_checked_rle(entry, size_hw))
    corners = [] if entry.box is None else [entry.box[:2], entry.box[2:]]
    for x, y in [*((point.x, point.y) for point in entry.points), *corners]:
        if not (0 <= x <= width and 0 <= y <= height):
            raise PromptError(
                f"({_numbers((x, y))}) on frame {entry.frame} is outside the picture, which is "
                f"{width}×{height}."
            )
    points = [(point.x, point.y) for point in entry.points] or None
    labels = [point.label for point in entry.points] or None
    return make_point_prompt(points, labels, entry.box, size_hw)


def from_prompt(frame_idx: int, prompt: Prompt) -> FramePrompt:
    """The file's form of an engine's prompt, masks embedded."""
    if isinstance(prompt, MaskPrompt):
        mask = RleMask(size=prompt.rle.size_hw, counts=prompt.rle.counts)
        return FramePrompt(frame=frame_idx, mask=mask)
    located = list(zip(prompt.points_xy_video.tolist(), prompt.labels.tolist(), strict=True))
    corners = [xy for xy, label in located if label >= Label.BOX_TOP_LEFT]
    clicks = [(xy, label) for xy, label in located if label < Label.BOX_TOP_LEFT]
    return FramePrompt(
        frame=frame_idx,
        points=tuple(Point(x=x, y=y, label=label) for (x, y), label in clicks),
        box=(*corners[0], *corners[1]) if corners else None,
    )


def from_prompts(target: ClipObject, prompts: Mapping[int, Prompt]) -> ObjectPrompts:
    """The file's form of an object's prompts by frame (``VideoSession.prompts``)."""
    entries = tuple(from_prompt(frame, prompts[frame]) for frame in sorted(prompts))
    return ObjectPrompts(id=target.obj_id, name=target.name, colour=target.colour, prompts=entries)


def fitting_prompts(
    prompts: PromptFile, num_frames: int, size_hw: tuple[int, int]
) -> dict[int, dict[int, Prompt]]:
    """Every object's prompts by frame in the engine's form, checked against a video.

    Args:
        prompts: masks embedded.
        num_frames: length of the video.
        size_hw: of the video.

    Raises:
        PromptError: a prompt lies outside the video or the picture, a mask has another size, or
            the file was made for another video.
    """
    if prompts.video is not None:
        _check_video(prompts.video, num_frames, size_hw)
    return {target.id: _fitting(target, num_frames, size_hw) for target in prompts.objects}


def _fitting(target: ObjectPrompts, num_frames: int, size_hw: tuple[int, int]) -> dict[int, Prompt]:
    by_frame = {}
    for entry in target.prompts:
        if entry.frame >= num_frames:
            raise PromptError(
                f"Object {target.id} is prompted on frame {entry.frame}, but the video ends with "
                f"frame {num_frames - 1} (frames count from 0)."
            )
        try:
            by_frame[entry.frame] = to_prompt(entry, size_hw)
        except PromptError as error:
            raise PromptError(f"Object {target.id}: {error}") from error
    return by_frame


def _check_video(facts: VideoFacts, num_frames: int, size_hw: tuple[int, int]) -> None:
    height, width = size_hw
    if (facts.num_frames, facts.width, facts.height) != (num_frames, width, height):
        raise PromptError(
            f"The prompts were made for {facts.file}, {facts.num_frames} frames of "
            f"{facts.width}×{facts.height}; this video has {num_frames} frames of "
            f'{width}×{height}. If it is the right one, delete "video" from the prompt file.'
        )


def _embedded(entry: FramePrompt, folder: Path) -> FramePrompt:
    if not isinstance(entry.mask, str):
        return entry
    return mask_prompt(folder / entry.mask, entry.frame)


def _checked_rle(entry: FramePrompt, size_hw: tuple[int, int]) -> Rle:
    if not isinstance(entry.mask, RleMask):
        raise PromptError(
            f"The mask of frame {entry.frame} is a file name ({entry.mask}). It can only be read "
            "beside the prompt file: embed it, or give the prompt file to sam2ov track."
        )
    if entry.mask.size != size_hw:
        raise PromptError(
            f"The mask of frame {entry.frame} is {entry.mask.size[1]}×{entry.mask.size[0]}, the "
            f"video is {size_hw[1]}×{size_hw[0]}. Give a mask of the video's size."
        )
    rle = Rle(size_hw, entry.mask.counts)
    require_valid(rle)
    return rle


def _require_unique(numbers: Iterable[int], what: str, where: str) -> None:
    seen: set[int] = set()
    for number in numbers:
        if number in seen:
            raise ValueError(f"{what} {number} stands twice in {where}")
        seen.add(number)


def _numbers(values: Iterable[float]) -> str:
    return ", ".join(f"{value:g}" for value in values)
