"""One frame: from features, prompts and memories to masks, pointers and new memories."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from sam2ov.engine.model import DecodedMasks, ImageFeatures, PromptEmbeddings, SAM2Model
from sam2ov.engine.policies import make_policy
from sam2ov.engine.policy import Candidates
from sam2ov.manifest import Manifest
from sam2ov.store.results import FrameResult
from sam2ov.values.masks import (
    HOLE_AREA,
    NO_OBJECT_LOGIT,
    PROMPT_LOGIT,
    BoolArray,
    FloatArray,
    fill_holes,
    mask_prompt_logits,
    mask_to_model,
    stability_scores,
)
from sam2ov.values.prompts import Label, MaskPrompt, PointPrompt, points_to_model

# Logits fed back with new clicks are clamped (sam2_video_predictor.py, add_new_points_or_box).
_BANKS_BYTES: Final = 4 << 30
"""Of the memories of all objects of a session."""

_FEEDBACK_LIMIT = 32.0


@dataclass(frozen=True, eq=False)
class BankContents:
    """What one object attends to on one frame, float32.

    Attributes:
        memory: [n, T, M], n ≥ 1.
        memory_tpos: [n, M].
        pointers: [p, C], p ≥ 0.
        pointer_tpos: [p, M].
    """

    memory: FloatArray
    memory_tpos: FloatArray
    pointers: FloatArray
    pointer_tpos: FloatArray


@dataclass(frozen=True, eq=False)
class Segmentation:
    """What is said about an object on a frame: the ``result``, one of the ``candidates``."""

    result: FrameResult
    candidates: Candidates


class Tracker:
    """The model's per-frame logic without any state of its own.

    Args:
        model: the compiled networks.
        fill_hole_area: background components up to this many low-resolution pixels are filled in
            every answer; 0 switches it off (as upstream without CUDA).

    Attributes:
        policy: which memories the banks of objects keep, and what a frame attends to.
        most_objects: of a session; the memories in their banks take 4 GiB at most.
    """

    def __init__(self, model: SAM2Model, fill_hole_area: int = HOLE_AREA) -> None:
        self.model = model
        self.manifest = model.manifest
        self.policy = make_policy(model.manifest, model.memory)
        self.most_objects = max(_BANKS_BYTES // self._bank_bytes(), 1)
        self.fill_hole_area = fill_hole_area
        self._no_prompt: PromptEmbeddings | None = None

    def _bank_bytes(self) -> int:
        """What the bank of an object takes once it is full: memories [T, M] and pointers [C]."""
        manifest, capacity = self.manifest, self.policy.capacity
        memory = manifest.memory_tokens * manifest.mem_dim
        pointers = (2 * capacity + 2 * manifest.max_obj_ptrs) * manifest.hidden_dim
        return np.dtype(np.float32).itemsize * (capacity * memory + pointers)

    def filled(self, mask_logits: FloatArray) -> FloatArray:
        """Logits [N, h, w] as the user sees them: small holes filled."""
        return fill_holes(mask_logits, self.fill_hole_area)

    def segment_points(
        self,
        features: ImageFeatures,
        prompt: PointPrompt,
        size_hw: tuple[int, int],
        *,
        feedback: FloatArray | None,
        attended: FloatArray | None,
    ) -> FrameResult:
        """Segment an object from clicks and a box.

        Args:
            features: of the frame.
            prompt: the frame's clicks and box in video pixels.
            size_hw: of the video.
            feedback: the answer [h, w] that the user corrects, or None.
            attended: what ``attend`` made of the frame, [1, C, h, w]; None where the object has
                not been tracked through it.
        """
        points = points_to_model(prompt.points_xy_video, size_hw, self.manifest.image_size)
        if feedback is not None:
            feedback = np.clip(feedback, -_FEEDBACK_LIMIT, _FEEDBACK_LIMIT)[None]
        prompts = self.model.encode_prompts(points[None], prompt.labels[None], feedback)
        embedding = self._without_memory(features) if attended is None else attended
        decoded = self.model.decode_masks(embedding, features, prompts)
        multimask = self._use_multimask(len(prompt.labels), tracking=attended is not None)
        return self._choose(decoded, multimask=multimask, prompted=True)[0].result

    def segment_mask(self, features: ImageFeatures, prompt: MaskPrompt) -> FrameResult:
        """Take a mask prompt as the answer; only its pointer comes from the decoder.

        Upstream: sam2_base.py, ``_use_mask_as_output``.
        """
        mask = mask_to_model(prompt.mask, self.manifest.image_size)
        prompts = self.model.encode_prompts(*no_points(1), self._downsample(mask)[None])
        decoded = self.model.decode_masks(features.embedding, features, prompts)
        result = self._choose(decoded, multimask=False, prompted=True)[0].result
        present = bool(mask.any())
        return FrameResult(
            mask_logits=mask_prompt_logits(mask, self.manifest.low_res_size),
            pointer=result.pointer if present else self._absent_pointer(result.pointer),
            object_score=PROMPT_LOGIT if present else -PROMPT_LOGIT,
            iou=1.0,
            prompted=True,
        )

    def track(self, features: ImageFeatures, banks: Sequence[BankContents]) -> list[Segmentation]:
        """Segment objects on a frame from their memories; all banks have the same lengths."""
        if self._no_prompt is None:
            self._no_prompt = self.model.encode_prompts(*no_points(1), None)
        batch = len(banks)
        prompts = PromptEmbeddings(
            np.repeat(self._no_prompt.sparse, batch, axis=0), self._no_prompt.dense
        )
        decoded = self.model.decode_masks(self.attend(features, banks), features, prompts)
        multimask = self._use_multimask(0, tracking=True)
        return self._choose(decoded, multimask=multimask, prompted=False)

    def remember(self, features: ImageFeatures, results: Sequence[FrameResult]) -> FloatArray:
        """Encode results of B objects on a frame into memories [B, T, M].

        A prompted frame is remembered as the user sees it (holes filled, thresholded), a tracked
        one as the decoder gave it (sam2_video_predictor.py, ``propagate_in_video_preflight``).
        """
        logits = [
            self.filled(result.mask_logits[None]) if result.prompted else result.mask_logits[None]
            for result in results
        ]
        binarize = self.manifest.switches.binarize_prompted_masks
        return self.model.encode_memory(
            features,
            np.concatenate(logits),
            np.array([binarize and result.prompted for result in results], np.float32),
            np.array([result.object_score for result in results], np.float32),
        )

    def _without_memory(self, features: ImageFeatures) -> FloatArray:
        conditioned: FloatArray = (
            features.embedding + self.model.constants.no_mem_embed[:, None, None]
        )
        return conditioned

    def attend(self, features: ImageFeatures, banks: Sequence[BankContents]) -> FloatArray:
        """A frame's embedding [B, C, h, w] as B objects see it that remember other frames."""
        return self.model.attend_memory(
            features,
            np.stack([bank.memory for bank in banks]),
            np.stack([bank.memory_tpos for bank in banks]),
            np.stack([bank.pointers for bank in banks]),
            np.stack([bank.pointer_tpos for bank in banks]),
        )

    def _use_multimask(self, num_points: int, *, tracking: bool) -> bool:
        """Whether to choose among three candidates (sam2_base.py, ``_use_multimask``)."""
        switches = self.manifest.switches
        return (
            switches.multimask_output
            and (not tracking or switches.multimask_output_for_tracking)
            and switches.multimask_min_points <= num_points <= switches.multimask_max_points
        )

    def _choose(
        self, decoded: DecodedMasks, *, multimask: bool, prompted: bool
    ) -> list[Segmentation]:
        """Pick one candidate per object, handle absence (upstream: ``_forward_sam_heads``)."""
        tokens = choose_tokens(decoded, self.manifest, multimask=multimask)
        found = []
        for index, token in enumerate(tokens):
            present = bool(decoded.object_score[index] > 0)
            use_token = multimask and self.manifest.switches.use_multimask_token_for_pointer
            pointer = decoded.pointers[index, token if use_token else 0]
            logits = decoded.mask_logits[index, token]
            score = float(decoded.object_score[index])
            result = FrameResult(
                # Copies: a view would keep all four candidates alive.
                mask_logits=logits.copy() if present else np.full_like(logits, NO_OBJECT_LOGIT),
                pointer=pointer.copy() if present else self._absent_pointer(pointer),
                object_score=score,
                iou=float(decoded.ious[index, token]),
                prompted=prompted,
            )
            candidates = Candidates(
                decoded.mask_logits[index], decoded.ious[index], score, chosen=token
            )
            found.append(Segmentation(result, candidates))
        return found

    def _absent_pointer(self, pointer: FloatArray) -> FloatArray:
        no_obj_ptr = self.model.constants.no_obj_ptr
        return no_obj_ptr if self.manifest.switches.fixed_no_obj_ptr else pointer + no_obj_ptr

    def _downsample(self, mask_model: BoolArray) -> FloatArray:
        """Stride-4 convolution of a mask prompt [S, S] to [h, w] (``mask_downsample``)."""
        constants = self.model.constants
        size = self.manifest.low_res_size
        blocks = mask_model.reshape(size, 4, size, 4).astype(np.float32)
        weighted = np.einsum("yaxb,ab->yx", blocks, constants.mask_downsample_weight)
        downsampled: FloatArray = np.add(weighted, constants.mask_downsample_bias, dtype=np.float32)
        return downsampled


def choose_tokens(decoded: DecodedMasks, manifest: Manifest, *, multimask: bool) -> list[int]:
    """The decoder token (0 to 3) that answers for each object.

    With ``multimask`` the candidate of tokens 1 to 3 with the best predicted IoU; without, token 0
    unless its mask is unstable (mask_decoder.py, ``_dynamic_multimask_via_stability``).
    """
    best = decoded.ious[:, 1:].argmax(axis=1) + 1
    if multimask:
        return [int(token) for token in best]
    switches = manifest.switches
    if not switches.dynamic_multimask:
        return [0] * len(best)
    scores = stability_scores(decoded.mask_logits[:, 0], switches.dynamic_multimask_delta)
    stable = scores >= np.float32(switches.dynamic_multimask_threshold)
    return [0 if is_stable else int(token) for is_stable, token in zip(stable, best, strict=True)]


def no_points(batch: int) -> tuple[FloatArray, npt.NDArray[np.int32]]:
    """The padding that stands for the absence of points."""
    return (
        np.zeros((batch, 1, 2), np.float32),
        np.full((batch, 1), Label.PADDING, np.int32),
    )
