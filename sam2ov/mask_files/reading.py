"""Reading masks of any known kind into the form of a prompt file."""

import json
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from pydantic import TypeAdapter, ValidationError

from sam2ov.errors import PromptError, first_fault
from sam2ov.mask_files.bundle import MAX_TEXT_BYTES, Bundle, open_bundle
from sam2ov.mask_files.cvat import cvat_masks
from sam2ov.mask_files.found import FoundMask
from sam2ov.mask_files.json_bounds import require_few_values
from sam2ov.mask_files.jsons import coco_masks, coco_results, sav_masks
from sam2ov.mask_files.label_studio import label_studio_masks
from sam2ov.mask_files.mots import is_mots_text, mots_classes, mots_masks
from sam2ov.mask_files.pictures import AS_THEY_LOOK, Reading
from sam2ov.mask_files.pngs import png_masks
from sam2ov.mask_files.prompt_file import (
    LARGEST_NUMBER,
    FramePrompt,
    ObjectPrompts,
    PromptFile,
    RleMask,
    from_prompt,
    parse_prompt_file,
)
from sam2ov.mask_files.schemas import CocoFile, CocoResult, LabelStudioTask, SavFile, Several
from sam2ov.mask_files.yolo import is_yolo_text, yolo_masks
from sam2ov.values.prompts import MaskPrompt
from sam2ov.values.rle import Rle, decode_rle, encode_rle, is_empty
from sam2ov.workers.heartbeat import beat

_MAX_PROMPTS = 20_000
_KINDS = (
    "COCO, SA-V or Label Studio (json), CVAT (xml), YOLO or MOTS (txt), or PNGs (DAVIS, MOTS, or a "
    "folder per object), each also in a folder or a zip"
)
_OF_MASKS: Final = frozenset({"Annotations", "instances", "SegmentationObject"})
"""Folders whose pictures are masks, whatever lies beside them."""
_NO_LABELS: Final = frozenset({"classes.txt", "labels.txt", "readme.txt"})


@dataclass(frozen=True)
class Choice:
    """Which masks become prompts.

    Attributes:
        every: None for the first mask of each object; 1 for all; n for the first and those n, 2 n …
            frames behind it.
        first_number: the number that the video's frame 0 has in the files.
        numbers: those of the video's frames, ascending, instead; masks are found by them.
        pictures: what their values mean.
        size_hw: of the video, for files that tell shares of it; None if it is not known.
    """

    every: int | None = None
    first_number: int = 0
    numbers: tuple[int, ...] = ()
    pictures: Reading = AS_THEY_LOOK
    size_hw: tuple[int, int] | None = None

    def frame_of(self, number: int) -> int:
        """The frame of the video that a number in the files means.

        Raises:
            PromptError: there is none.
        """
        if not self.numbers:
            if number < self.first_number:
                raise PromptError(
                    f"The files begin with frame {number}, before the first number, "
                    f"{self.first_number}."
                )
            return number - self.first_number
        place = bisect_left(self.numbers, number)
        if place == len(self.numbers) or self.numbers[place] != number:
            raise PromptError(
                f"The files have a frame {number}, which the clip has not: its images are "
                f"{self.numbers[0]} to {self.numbers[-1]}. If they count otherwise, say what the "
                "first one is called there (--masks-first-number)."
            )
        return place


def read_prompts_or_masks(path: Path, choice: Choice, max_text_bytes: int) -> PromptFile:
    """Read a prompt file, or masks of any known kind; other files are not opened.

    Args:
        path: from anywhere.
        choice: which masks.
        max_text_bytes: that a file of text may have.

    Raises:
        PromptError: it is neither.
    """
    if path.suffix.lower() == ".json":
        with open_bundle(path) as bundle:
            content = bundle.read(path.name, max_text_bytes)
        require_few_values(content, path.name)
        if not json_keys(content) & {"masklet", "annotations", "image_id"}:
            return parse_prompt_file(content, path.name)
    return read_masks(path, choice, max_text_bytes)


def read_masks(
    path: Path, choice: Choice | None = None, max_text_bytes: int = MAX_TEXT_BYTES
) -> PromptFile:
    """Read masks as prompts; what they are is found out.

    Args:
        path: a file, a folder or an archive, from anywhere.
        choice: which masks; None for the first one of each object.
        max_text_bytes: that a file of text may have.

    Raises:
        PromptError: it is nothing of that kind, is damaged, or holds no mask.
    """
    choice = choice or Choice()
    kept: dict[int, dict[int, FramePrompt]] = {}
    names: dict[int, str] = {}
    count = 0
    with open_bundle(path) as bundle:
        for found in found_masks(bundle, path.name, max_text_bytes, choice):
            beat()
            frame = choice.frame_of(found.number)
            entry = _entry(found, frame, kept.get(found.obj_id, {}), choice)
            if entry is None:
                continue
            names.setdefault(found.obj_id, found.name)
            kept.setdefault(found.obj_id, {})[frame] = entry
            count += 1
            if count > _MAX_PROMPTS:
                raise PromptError(
                    f"{path.name} has more than {_MAX_PROMPTS:,} masks. Take fewer frames of it."
                )
    if not kept:
        raise PromptError(f"There is no mask in {path.name} that is not empty.")
    return PromptFile(
        objects=tuple(
            ObjectPrompts(id=obj_id, name=names[obj_id], prompts=tuple(kept[obj_id].values()))
            for obj_id in sorted(kept)
        )
    )


def _entry(
    found: FoundMask, frame: int, earlier: dict[int, FramePrompt], choice: Choice
) -> FramePrompt | None:
    """The prompt of a mask; None if it is not wanted."""
    if frame in earlier:
        return _together(found, earlier[frame])
    if earlier:
        distance = frame - min(earlier)
        if choice.every is None or distance % choice.every:
            return None
    if frame > LARGEST_NUMBER:
        raise PromptError(f"The files have a frame {found.number:.3e}, which no video has.")
    if found.box is not None:
        return FramePrompt(frame=frame, box=found.box)
    if found.mask is None or is_empty(found.mask):
        return None
    return from_prompt(frame, MaskPrompt(found.mask))


def _together(found: FoundMask, earlier: FramePrompt) -> FramePrompt | None:
    """An object in several parts is all of them.

    Raises:
        PromptError: one of them is a box.
    """
    if found.mask is not None and is_empty(found.mask):
        return None
    if found.mask is None or not isinstance(earlier.mask, RleMask):
        raise PromptError(
            f"The file has several shapes of object {found.obj_id} on frame {found.number}, and "
            "one of them is a box. Give each box an object of its own."
        )
    known = Rle(earlier.mask.size, earlier.mask.counts)
    if known.size_hw != found.mask.size_hw:
        raise PromptError(f"Two masks of frame {found.number} differ in size.")
    both = encode_rle(decode_rle(known) | decode_rle(found.mask))
    return from_prompt(earlier.frame, MaskPrompt(both))


def found_masks(bundle: Bundle, name: str, most: int, choice: Choice) -> Iterator[FoundMask]:
    """Find out what there is: folders of masks, a file of annotations, labels, or pictures."""
    pictures = bundle.ending(".png")
    masks = [picture for picture in pictures if _OF_MASKS & set(picture.split("/")[:-1])]
    texts = bundle.ending(".json", ".xml")
    if not masks and len(texts) == 1:
        found = _annotated(bundle.read(texts[0], most), texts[0], choice)
        if found is not None:
            return found
    if not masks and (found := _labelled(bundle, most, choice)) is not None:
        return found
    if pictures:
        return png_masks(bundle, masks or pictures, choice.pictures, mots_classes(bundle))
    if len(texts) == 1:
        raise PromptError(f"{texts[0]} is none of {_KINDS}.")
    what = f"{len(texts)} files of annotations" if texts else "nothing that can be read"
    raise PromptError(f"{name} holds {what}. Give one of {_KINDS}.")


def _labelled(bundle: Bundle, most: int, choice: Choice) -> Iterator[FoundMask] | None:
    """The masks of texts, if there are any: lines of MOTS in one file, or YOLO's in many."""
    names = [
        name
        for name in bundle.ending(".txt")
        if PurePosixPath(name).name.casefold() not in _NO_LABELS
    ]
    lines = {name: _first_line(bundle, name, most) for name in names}
    mots = [name for name, line in lines.items() if is_mots_text(line)]
    if len(mots) > 1:
        raise PromptError(f"There are texts of {len(mots)} videos. Give the file of one of them.")
    if mots:
        return mots_masks(bundle.read(mots[0], most), mots[0], mots_classes(bundle))
    # Beside labels lie lists of pictures, licences and notes.
    labels = [name for name, line in lines.items() if is_yolo_text(line)]
    return yolo_masks(bundle, labels, choice.size_hw) if labels else None


def _first_line(bundle: Bundle, name: str, most: int) -> str:
    content = bundle.read(name, most).strip()
    return content.split(b"\n", 1)[0].decode("utf-8-sig", "replace")


def _annotated(content: bytes, name: str, choice: Choice) -> Iterator[FoundMask] | None:
    """The masks of a file of annotations; None if it is something else."""
    if name.lower().endswith(".xml"):
        return cvat_masks(content)
    require_few_values(content, name)
    keys = json_keys(content)
    try:
        if "masklet" in keys:
            return sav_masks(SavFile.model_validate_json(content))
        if {"images", "annotations"} <= keys:
            return coco_masks(CocoFile.model_validate_json(content))
        if {"data", "annotations"} <= keys:
            tasks = TypeAdapter(Several[LabelStudioTask]).validate_json(content)
            return label_studio_masks(tasks, choice.size_hw)
        if {"image_id", "category_id"} <= keys:
            return coco_results(TypeAdapter(Several[CocoResult]).validate_json(content))
    except ValidationError as error:
        raise PromptError(f"{name} is malformed at {first_fault(error)}.") from error
    return None


def json_keys(content: bytes) -> set[str]:
    """The keys of a JSON object, or of the first one in a list; none if it is something else."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return set()
    if isinstance(found, list) and found:
        found = found[0]
    return set(found) if isinstance(found, dict) else set()
