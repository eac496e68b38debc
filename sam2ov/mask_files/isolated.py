"""Masks and prompts from elsewhere, read by a process of its own.

The modules beside this one parse in whatever process they are called in; commands and the app call
these functions, since a file of annotations is as little to be trusted as a video.
"""

from pathlib import Path

from sam2ov.errors import PromptError
from sam2ov.mask_files import detections, prompt_file, reading
from sam2ov.mask_files.bundle import MAX_TEXT_BYTES
from sam2ov.mask_files.detections import Detection
from sam2ov.mask_files.prompt_file import FramePrompt, PromptFile
from sam2ov.mask_files.reading import Choice
from sam2ov.progress import CancelCheck
from sam2ov.workers.confinement import Confinement
from sam2ov.workers.worker import call_in_worker


def read_prompts_or_masks(
    path: Path, choice: Choice, max_text_bytes: int, cancel: CancelCheck | None = None
) -> PromptFile:
    """Read a prompt file, or masks of any known kind; see ``reading.read_prompts_or_masks``.

    Raises:
        PromptError: it is neither, or harms who reads it.
        CancelledError: ``cancel`` returned true.
    """
    return call_in_worker(
        reading.read_prompts_or_masks,
        path,
        choice,
        max_text_bytes,
        allowed=_only(path),
        lost=lambda how: _lost(path, how),
        cancel=cancel,
        stage="Reading the masks",
    )


def read_masks(
    path: Path, choice: Choice | None = None, max_text_bytes: int = MAX_TEXT_BYTES
) -> PromptFile:
    """Read masks as prompts; see ``reading.read_masks``.

    Raises:
        PromptError: it is nothing of that kind, is damaged, or holds no mask.
    """
    return call_in_worker(
        reading.read_masks,
        path,
        choice,
        max_text_bytes,
        allowed=_only(path),
        lost=lambda how: _lost(path, how),
    )


def read_detections(
    path: Path, choice: Choice, labels: tuple[str, ...] = (), min_score: float = 0.0
) -> list[Detection]:
    """Read what a detector has found; see ``detections.read_detections``.

    Raises:
        PromptError: it is nothing of that kind, is damaged, or nothing is left of it.
    """
    return call_in_worker(
        detections.read_detections,
        path,
        choice,
        labels,
        min_score,
        allowed=_only(path),
        lost=lambda how: _lost(path, how),
    )


def read_prompt_file(path: Path) -> PromptFile:
    """Read a prompt file and embed the PNG masks it refers to.

    Raises:
        PromptError: the file or a mask is missing, unreadable or malformed.
    """
    prompts = call_in_worker(
        prompt_file.read_without_masks,
        path,
        allowed=_only(path),
        lost=lambda how: _lost(path, how),
    )
    masks = prompt_file.mask_paths(prompts, path.parent)
    if not masks:
        return prompts
    return call_in_worker(
        prompt_file.with_embedded_masks,
        prompts,
        path.parent,
        allowed=_only(*masks),
        lost=lambda how: _lost(path, how),
    )


def read_mask_prompt(path: Path, frame: int) -> FramePrompt:
    """Read a mask from a picture as the prompt of a frame; see ``prompt_file.read_mask_image``.

    Raises:
        PromptError: the file is missing or is no picture.
    """
    return call_in_worker(
        prompt_file.mask_prompt,
        path,
        frame,
        allowed=_only(path),
        lost=lambda how: _lost(path, how),
    )


def _only(*paths: Path) -> Confinement:
    return Confinement(reads=tuple(path.resolve() for path in paths))


def _lost(path: Path, how: str) -> PromptError:
    return PromptError(
        f"{path.name} cannot be read: reading it {how}. It is damaged, or made to do harm; export "
        "it again."
    )
