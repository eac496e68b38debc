"""Masks that are known, and what was read of files."""

import numpy as np

from sam2ov.mask_files.prompt_file import PromptFile, RleMask
from sam2ov.mask_files.reading import Choice
from sam2ov.values.masks import BoolArray
from sam2ov.values.rle import Rle, decode_rle

SIZE_HW = (40, 60)
ALL = Choice(every=1)


def square(x: int, y: int, side: int = 6) -> BoolArray:
    mask = np.zeros(SIZE_HW, np.bool_)
    mask[y : y + side, x : x + side] = True
    return mask


def masks_of(prompts: PromptFile) -> dict[tuple[int, int], BoolArray]:
    """By frame and object."""
    found = {}
    for target in prompts.objects:
        for prompt in target.prompts:
            if isinstance(prompt.mask, RleMask):
                found[prompt.frame, target.id] = decode_rle(
                    Rle(prompt.mask.size, prompt.mask.counts)
                )
    return found


def boxes_of(prompts: PromptFile) -> dict[tuple[int, int], tuple[float, ...]]:
    return {
        (prompt.frame, target.id): tuple(prompt.box)
        for target in prompts.objects
        for prompt in target.prompts
        if prompt.box is not None
    }


def names_of(prompts: PromptFile) -> dict[int, str]:
    return {target.id: target.name for target in prompts.objects}
