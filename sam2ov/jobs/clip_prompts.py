"""Prompts for a clip from a file of any known kind: what the file leaves open, the clip says."""

from dataclasses import replace
from pathlib import Path

from sam2ov.errors import UnknownSizeError
from sam2ov.mask_files import isolated
from sam2ov.mask_files.bundle import MAX_TEXT_BYTES
from sam2ov.mask_files.detections import Detection
from sam2ov.mask_files.pictures import AS_THEY_LOOK, Reading
from sam2ov.mask_files.prompt_file import PromptFile, mask_paths
from sam2ov.mask_files.reading import Choice
from sam2ov.video import open_video
from sam2ov.video.sequences import find_sequence, is_pattern


def read_masks_for(
    clip: Path,
    path: Path,
    *,
    every: int | None = None,
    first_number: int | None = None,
    pictures: Reading = AS_THEY_LOOK,
    hold_gaps: bool = False,
) -> PromptFile:
    """Read masks from elsewhere as prompts for a clip.

    Args:
        clip: that they are for.
        path: of any known kind.
        every: see ``Choice``.
        first_number: the number that the clip's frame 0 has there; None for that of its image, or
            0.
        pictures: what their values mean.
        hold_gaps: images of the clip that are missing are frames, too.

    Raises:
        PromptError: the masks cannot be read.
        VideoError: the file leaves the size open, and the clip cannot be read either.
    """
    choice = _choice(clip, every, first_number, pictures, hold_gaps=hold_gaps)
    try:
        return isolated.read_masks(path, choice)
    except UnknownSizeError:
        return isolated.read_masks(path, _sized(choice, clip))


def read_prompts_for(clip: Path, path: Path, *, hold_gaps: bool = False) -> PromptFile:
    """Read a prompt file, or the first mask of each object in a file of any other known kind.

    Args:
        clip: that they are for.
        path: a prompt file, whose masks may be pictures beside it, or masks from elsewhere.
        hold_gaps: as for ``read_masks_for``.

    Raises:
        PromptError, VideoError: as ``read_masks_for``.
    """
    return read_prompts_with_pictures(clip, path, hold_gaps=hold_gaps)[0]


def read_prompts_with_pictures(
    clip: Path, path: Path, *, hold_gaps: bool = False
) -> tuple[PromptFile, tuple[Path, ...]]:
    """``read_prompts_for``, and the pictures of masks that the prompt file refers to."""
    choice = _choice(clip, None, None, AS_THEY_LOOK, hold_gaps=hold_gaps)
    try:
        found = isolated.read_prompts_or_masks(path, choice, MAX_TEXT_BYTES)
    except UnknownSizeError:
        found = isolated.read_prompts_or_masks(path, _sized(choice, clip), MAX_TEXT_BYTES)
    pictures = tuple(mask_paths(found, path.parent))
    return (isolated.read_prompt_file(path) if pictures else found), pictures


def read_detections_for(
    clip: Path,
    path: Path,
    *,
    labels: tuple[str, ...] = (),
    min_score: float = 0.0,
    every: int = 1,
    hold_gaps: bool = False,
) -> tuple[Detection, ...]:
    """Read what a detector has found in a clip.

    Args:
        clip: that it was found in.
        path: of any known kind, see ``mask_files.detections``.
        labels: those that are wanted; empty for all.
        min_score: of those that are wanted, 0 to 1.
        every: of how many frames one is looked at, from frame 0 on.
        hold_gaps: as for ``read_masks_for``.

    Raises:
        PromptError, VideoError: as ``read_masks_for``; or nothing is left.
    """
    choice = _choice(clip, every, None, AS_THEY_LOOK, hold_gaps=hold_gaps)
    try:
        found = isolated.read_detections(path, choice, labels, min_score)
    except UnknownSizeError:
        found = isolated.read_detections(path, _sized(choice, clip), labels, min_score)
    return tuple(found)


def _choice(
    clip: Path,
    every: int | None,
    first_number: int | None,
    pictures: Reading,
    *,
    hold_gaps: bool,
) -> Choice:
    numbers: tuple[int, ...] = ()
    if first_number is None and (clip.is_dir() or is_pattern(clip)):
        numbers = find_sequence(clip, str(clip)).numbers
        if hold_gaps and numbers:  # one follows the other then
            first_number, numbers = numbers[0], ()
    return Choice(every, first_number or 0, numbers, pictures)


def _sized(choice: Choice, clip: Path) -> Choice:
    with open_video(clip) as reader:
        return replace(choice, size_hw=reader.info.size_hw)
