"""Prompts that were made for another video: what of them goes with this one."""

from dataclasses import dataclass

import cv2
import numpy as np

from sam2ov.errors import PromptError
from sam2ov.mask_files.prompt_file import FramePrompt, Point, PromptFile, RleMask, from_prompt
from sam2ov.values.prompts import MaskPrompt
from sam2ov.values.rle import Rle, decode_rle, require_valid

_Size = tuple[int, int]


@dataclass(frozen=True)
class FittedPrompts:
    """Prompts for a video, and what was done to them, in one line; empty if nothing was."""

    prompts: PromptFile
    note: str


def fitted(prompts: PromptFile, name: str, num_frames: int, size_hw: _Size) -> FittedPrompts:
    """Scale prompts to the size of a video, and leave out those behind its end.

    Frames keep their numbers: nothing says how the two videos lie in time. Prompts that do not say
    what they were made for are taken as they are, but for masks of another size.

    Args:
        prompts: masks embedded, from anywhere.
        name: what people know the video by.
        num_frames: of the video.
        size_hw: of the video.

    Raises:
        PromptError: all prompts lie behind the end, or a mask is damaged.
    """
    made_for = prompts.video
    made_hw = size_hw if made_for is None else (made_for.height, made_for.width)
    left_out = scaled = 0
    objects = []
    for target in prompts.objects:
        kept = []
        for entry in target.prompts:
            if entry.frame >= num_frames:
                left_out += 1
                continue
            fitting = _scaled(entry, made_hw, size_hw)
            scaled += fitting is not entry
            kept.append(fitting)
        if kept:
            objects.append(target.model_copy(update={"prompts": tuple(kept)}))
    if not objects:
        raise PromptError(
            f"All prompts lie behind the end of {name}, which has frames 0 to {num_frames - 1}. "
            "Open the clip that they were made for, or a longer one."
        )
    video = made_for and made_for.model_copy(
        update={"num_frames": num_frames, "height": size_hw[0], "width": size_hw[1]}
    )
    is_other = made_for is not None and (made_for.num_frames, *made_hw) != (num_frames, *size_hw)
    note = ""
    if is_other or scaled or left_out:
        source = f"for {made_for.file}" if made_for is not None else "for another clip"
        note = f"The prompts were made {source} and are fitted to {name}"
        note += f", scaled to {size_hw[1]}×{size_hw[0]}" if scaled else ""
        note += f"; {left_out} behind its end are left out" if left_out else ""
        note += ". Look at them before you track."
    fitting_file = prompts.model_copy(update={"objects": tuple(objects), "video": video})
    return FittedPrompts(fitting_file, note)


def _scaled(entry: FramePrompt, made_hw: _Size, size_hw: _Size) -> FramePrompt:
    """A prompt at another size; the same one where nothing changes."""
    if isinstance(entry.mask, RleMask):
        return entry if entry.mask.size == size_hw else _scaled_mask(entry, entry.mask, size_hw)
    if made_hw == size_hw:
        return entry
    down, across = size_hw[0] / made_hw[0], size_hw[1] / made_hw[1]
    points = tuple(Point(x=p.x * across, y=p.y * down, label=p.label) for p in entry.points)
    box = entry.box and (
        entry.box[0] * across,
        entry.box[1] * down,
        entry.box[2] * across,
        entry.box[3] * down,
    )
    return entry.model_copy(update={"points": points, "box": box})


def _scaled_mask(entry: FramePrompt, mask: RleMask, size_hw: _Size) -> FramePrompt:
    rle = Rle(mask.size, mask.counts)
    require_valid(rle)
    known = decode_rle(rle).astype(np.uint8) * 255
    height, width = size_hw
    covered = np.asarray(cv2.resize(known, (width, height), interpolation=cv2.INTER_LINEAR))
    return from_prompt(entry.frame, MaskPrompt.of(covered > 127))
