"""What detectors find: boxes and masks by frame, with labels and scores, that belong to no object.

COCO (results, or instances with categories), YOLO, MOT, and the lines of supervision's JSON sink.
CVAT and Label Studio tell objects, so what they hold is read as masks are (``reading``), and taken
for detections.
"""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, TypeAdapter, ValidationError

from sam2ov.errors import PromptError, UnknownSizeError, first_fault
from sam2ov.mask_files.bundle import MAX_TEXT_BYTES, Bundle, open_bundle
from sam2ov.mask_files.json_bounds import require_few_values
from sam2ov.mask_files.jsons import corners_of, frame_numbers, mask_of, valid_rle
from sam2ov.mask_files.prompt_file import LARGEST_NUMBER, RleMask
from sam2ov.mask_files.reading import Choice, found_masks, json_keys
from sam2ov.mask_files.schemas import CocoFile, CocoResult, Coordinate, Number, Several
from sam2ov.mask_files.yolo import is_yolo_text, yolo_class_names, yolo_shapes
from sam2ov.values.masks import box_of
from sam2ov.values.rle import Rle, decode_rle
from sam2ov.workers.heartbeat import beat

MAX_DETECTIONS: Final = 500_000
_MOT_COLUMNS: Final = 6
_UNKNOWN: Final = -1
"""MOT's score of what has none."""


class Detection(BaseModel):
    """A box or a mask that a detector has found on a frame.

    Attributes:
        frame: index of the frame.
        label: of its kind, or empty.
        score: how sure the detector is, 0 to 1; 1 where it does not say.
        box: (x0, y0, x1, y1) in video pixels.
        mask: of the video's size; None where there is a box alone.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    frame: Annotated[int, Field(ge=0, le=LARGEST_NUMBER)]
    label: str = ""
    score: float = 1.0
    box: tuple[FiniteFloat, FiniteFloat, FiniteFloat, FiniteFloat]
    mask: RleMask | None = None


class _SinkRow(BaseModel):
    """A row of supervision's ``JSONSink``; numbers may be texts there."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    x_min: Coordinate
    y_min: Coordinate
    x_max: Coordinate
    y_max: Coordinate
    class_id: Number | str | None = None
    class_name: str | None = None
    confidence: Any = None
    frame: Number | None = None
    frame_number: Number | None = None
    frame_index: Number | None = None


def read_detections(
    path: Path,
    choice: Choice,
    labels: tuple[str, ...] = (),
    min_score: float = 0.0,
    max_text_bytes: int = MAX_TEXT_BYTES,
) -> list[Detection]:
    """Read detections of any known kind, by frame and then by score, the highest first.

    Args:
        path: a file, a folder or an archive, from anywhere.
        choice: how its numbers of frames are the clip's; ``every`` counts from frame 0.
        labels: those that are wanted, whatever the case of their letters; empty for all.
        min_score: of those that are wanted.
        max_text_bytes: that a file of text may have.

    Raises:
        UnknownSizeError: they are in shares of a picture whose size is not known.
        PromptError: it is nothing of that kind, is damaged, or nothing is left of it.
    """
    wanted = {label.casefold() for label in labels}
    every = choice.every or 1
    kept: list[Detection] = []
    seen: set[str] = set()
    with open_bundle(path) as bundle:
        for found in _found(bundle, path, choice, max_text_bytes):
            beat()
            seen.add(found.label)
            if wanted and found.label.casefold() not in wanted:
                continue
            if found.score >= min_score and found.frame % every == 0:
                kept.append(found)
            if len(kept) > MAX_DETECTIONS:
                raise PromptError(
                    f"{path.name} has more than {MAX_DETECTIONS:,} detections. Take those of a "
                    "higher score, or of every N-th frame."
                )
    if not kept:
        known = ", ".join(sorted(filter(None, seen))[:20])
        there = f" It has: {known}." if known else ""
        raise PromptError(f"No detection in {path.name} is of those that are asked for.{there}")
    return sorted(kept, key=lambda each: (each.frame, -each.score, each.box))


def _found(bundle: Bundle, path: Path, choice: Choice, most: int) -> Iterator[Detection]:
    texts = bundle.ending(".json")
    if len(texts) == 1:
        content = bundle.read(texts[0], most)
        require_few_values(content, texts[0])
        keys = json_keys(content)
        try:
            if "x_min" in keys:
                yield from _of_sink(content, choice)
                return
            if {"image_id", "category_id"} <= keys:
                yield from _of_results(content, choice)
                return
            if {"images", "annotations"} <= keys:
                yield from _of_instances(content, choice)
                return
        except ValidationError as error:
            raise PromptError(f"{texts[0]} is malformed at {first_fault(error)}.") from error
    lines = [name for name in bundle.ending(".txt") if not _is_list(name)]
    first = {name: _first_line(bundle, name, most) for name in lines}
    mot = [name for name, line in first.items() if _is_mot(line)]
    if len(mot) == 1:
        yield from _of_mot(bundle.read(mot[0], most), mot[0], choice)
        return
    yolo = [name for name, line in first.items() if is_yolo_text(line)]
    if yolo:
        yield from _of_yolo(bundle, yolo, choice)
        return
    for found in found_masks(bundle, path.name, most, choice):
        box = found.box
        if box is None and found.mask is not None:
            box = box_of(decode_rle(found.mask))
        if box is not None:
            yield Detection(
                frame=choice.frame_of(found.number),
                label=found.name,
                box=box,
                mask=_embedded(found.mask),
            )


def _of_results(content: bytes, choice: Choice) -> Iterator[Detection]:
    for result in TypeAdapter(Several[CocoResult]).validate_json(content):
        mask = None if result.segmentation is None else valid_rle(result.segmentation)
        box = corners_of(result.bbox) or (None if mask is None else box_of(decode_rle(mask)))
        if box is not None:
            yield Detection(
                frame=choice.frame_of(result.image_id),
                label=str(result.category_id),
                score=_score(result.score),
                box=box,
                mask=_embedded(mask),
            )


def _of_instances(content: bytes, choice: Choice) -> Iterator[Detection]:
    file = CocoFile.model_validate_json(content)
    images = {image.id: image for image in file.images}
    numbers = frame_numbers(file.images)
    names = {category.id: category.name for category in file.categories}
    for annotation in file.annotations:
        image = images.get(annotation.image_id)
        if image is None:
            continue
        mask = mask_of(annotation, image) if annotation.segmentation else None
        box = corners_of(annotation.bbox) or (None if mask is None else box_of(decode_rle(mask)))
        if box is not None:
            yield Detection(
                frame=choice.frame_of(numbers[image.id]),
                label=names.get(annotation.category_id, str(annotation.category_id)),
                score=_score(annotation.score),
                box=box,
                mask=_embedded(mask),
            )


def _of_sink(content: bytes, choice: Choice) -> Iterator[Detection]:
    for row in TypeAdapter(Several[_SinkRow]).validate_json(content):
        numbers = (row.frame, row.frame_number, row.frame_index)
        number = next((number for number in numbers if number is not None), None)
        if number is None:
            raise PromptError(
                "The detections do not say their frame. Write it with them: "
                'sink.append(detections, custom_data={"frame": index}).'
            )
        if row.x_min < row.x_max and row.y_min < row.y_max:
            yield Detection(
                frame=choice.frame_of(number),
                label=str(row.class_name or row.class_id or ""),
                score=_score(row.confidence),
                box=(row.x_min, row.y_min, row.x_max, row.y_max),
            )


def _of_mot(content: bytes, name: str, choice: Choice) -> Iterator[Detection]:
    """Lines of frame (from 1), track, left, top, width, height, score, class, …."""
    for place, line in enumerate(content.decode("utf-8-sig", "replace").splitlines(), 1):
        if not line.strip():
            continue
        values = _numbers(line)
        if values is None:
            raise PromptError(f"{name}, line {place}: that is no detection of MOT: {line[:60]!r}.")
        number, _, x, y, width, height, *rest = values
        if width > 0 and height > 0:
            frame = int(number) - 1 if not choice.numbers else choice.frame_of(int(number))
            label = str(int(rest[1])) if len(rest) > 1 and rest[1] >= 0 else ""
            score = _score(rest[0] if rest and rest[0] != _UNKNOWN else None)
            box = (x, y, x + width, y + height)
            yield Detection(frame=max(frame, 0), label=label, score=score, box=box)


def _of_yolo(bundle: Bundle, names: list[str], choice: Choice) -> Iterator[Detection]:
    if choice.size_hw is None:
        raise UnknownSizeError("YOLO tells boxes in shares of the picture, whose size it lacks.")
    height, width = choice.size_hw
    classes = yolo_class_names(bundle)
    for shape in yolo_shapes(bundle, names):
        label = classes.get(shape.class_id, str(shape.class_id))
        x0, y0, x1, y1 = shape.edges
        yield Detection(
            frame=choice.frame_of(shape.number),
            label=label,
            score=shape.score,
            box=(x0 * width, y0 * height, x1 * width, y1 * height),
        )


def _is_list(name: str) -> bool:
    return PurePosixPath(name).name.casefold() in {"classes.txt", "labels.txt", "readme.txt"}


def _first_line(bundle: Bundle, name: str, most: int) -> str:
    return bundle.read(name, most).strip().split(b"\n", 1)[0].decode("utf-8-sig", "replace")


def _is_mot(line: str) -> bool:
    return "," in line and _numbers(line) is not None


def _numbers(line: str) -> list[float] | None:
    try:
        values = [float(word) for word in line.split(",")]
    except ValueError:
        return None
    if len(values) < _MOT_COLUMNS or not all(abs(value) < 1e9 for value in values):
        return None
    return values if values[0] >= 1 and values[0] == int(values[0]) else None


def _score(told: object) -> float:
    """A score from 0 to 1; 1 where there is none.

    Raises:
        PromptError: it is something else, so that nobody knows which are the sure ones.
    """
    if told is None or told == "":
        return 1.0
    try:
        score = float(str(told))
    except ValueError:
        score = -1.0
    if not 0 <= score <= 1:
        raise PromptError(
            f"A detection has the score {str(told)[:40]}; scores are from 0 to 1. Divide those of "
            "your detector, or leave them out."
        )
    return score


def _embedded(mask: Rle | None) -> RleMask | None:
    return None if mask is None else RleMask(size=mask.size_hw, counts=mask.counts)
