"""A simulated user: prompts for a mask that is known, and clicks that correct an answer."""

from typing import Literal, assert_never, get_args

import cv2
import numpy as np

from sam2ov.engine.session import VideoSession
from sam2ov.errors import PromptError
from sam2ov.values.masks import BoolArray
from sam2ov.values.prompts import Prompt, make_mask_prompt, make_point_prompt

PromptKind = Literal["mask", "box", "click", "clicks3"]
"""The mask itself; its tight box; a click at its deepest point; that click and two corrections,
each at the deepest point of what is wrong."""

PROMPT_KINDS: tuple[PromptKind, ...] = get_args(PromptKind)


def first_prompt(truth: BoolArray, kind: PromptKind) -> Prompt:
    """What a user says at once about an object whose mask they see, bool [H, W]."""
    size_hw = truth.shape[0], truth.shape[1]
    match kind:
        case "mask":
            return make_mask_prompt(truth)
        case "box":
            return make_point_prompt(None, None, tight_box(truth), size_hw)
        case "click" | "clicks3":
            return make_point_prompt([deepest_point(truth)[0]], [1], None, size_hw)
        case _:
            assert_never(kind)


def corrections_of(kind: PromptKind) -> int:
    """How often the answer to the first prompt is corrected (``correct``)."""
    return 2 if kind == "clicks3" else 0


def correct(session: VideoSession, frame_idx: int, obj_id: int, truth: BoolArray) -> None:
    """Click where the object's current mask is most wrong; nothing if it is right everywhere."""
    answer = current_mask(session, frame_idx, obj_id)
    if (answer != truth).any():
        point, positive = error_click(answer, truth)
        prompt = make_point_prompt([point], [int(positive)], None, session.size_hw)
        session.add_points(frame_idx, obj_id, prompt, clear_old_points=False)


def current_mask(session: VideoSession, frame_idx: int, obj_id: int) -> BoolArray:
    """An object's answer on a frame, bool [H, W]."""
    logits = session.to_video_size(session.mask_logits(frame_idx, [obj_id]))
    mask: BoolArray = logits[0] > 0
    return mask


def tight_box(mask: BoolArray) -> tuple[int, int, int, int]:
    """The edges (x0, y0, x1, y1) of a mask that is not empty, in video pixels."""
    x, y, width, height = cv2.boundingRect(mask.view(np.uint8))
    if not width:
        raise PromptError("an empty mask has no box: prompt the object where it can be seen.")
    return x, y, x + width, y + height


def deepest_point(mask: BoolArray) -> tuple[tuple[float, float], float]:
    """The centre (x, y) of the pixel deepest inside a mask, and its depth in pixels.

    The edge of the picture counts as outside; the depth of an empty mask is 0.
    """
    padded = cv2.copyMakeBorder(mask.view(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    depth = cv2.distanceTransform(padded, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
    y, x = divmod(int(depth.argmax()), depth.shape[1])
    return (x + 0.5, y + 0.5), float(depth[y, x])


def error_click(answer: BoolArray, truth: BoolArray) -> tuple[tuple[float, float], bool]:
    """The point (x, y) deepest inside what is missed or spilled, and whether it is missed.

    ``sample_one_point_from_error_center`` of SAM 2's training.
    """
    missed, spilled = deepest_point(truth & ~answer), deepest_point(answer & ~truth)
    return (missed[0], True) if missed[1] >= spilled[1] else (spilled[0], False)
