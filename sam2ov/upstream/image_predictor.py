"""``SAM2ImagePredictor``: prompts on a single image."""

from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from PIL import Image

from sam2ov.engine.devices import Precision
from sam2ov.engine.model import ImageFeatures, SAM2Model
from sam2ov.engine.tracker import choose_tokens, no_points
from sam2ov.errors import PromptError
from sam2ov.values.masks import BoolArray, FloatArray, fill_holes, resize_logits
from sam2ov.values.prompts import PointPrompt, make_point_prompt, points_to_model
from sam2ov.zoo.loading import load_model

_LOGIT_LIMIT = 32.0


class SAM2ImagePredictor:
    """Drop-in for upstream's ``sam2.sam2_image_predictor.SAM2ImagePredictor``, without torch.

    Args:
        model: the compiled networks, shared with video predictors if you like.
        mask_threshold: logits above it are the object.
        max_hole_area: in pixels of the low-resolution mask; 0 switches hole filling off.
    """

    def __init__(
        self, model: SAM2Model, *, mask_threshold: float = 0.0, max_hole_area: int = 0
    ) -> None:
        self.model = model
        self.mask_threshold = mask_threshold
        self.max_hole_area = max_hole_area
        self._features: ImageFeatures | None = None
        self._size_hw = (0, 0)

    @classmethod
    def from_pretrained(
        cls,
        model_id: str | Path,
        *,
        device: str = "CPU",
        precision: Precision | None = None,
        mask_threshold: float = 0.0,
        max_hole_area: int = 0,
    ) -> Self:
        """Load a model by name or folder; see ``SAM2VideoPredictor.from_pretrained``."""
        model = load_model(model_id, device=device, precision=precision)
        return cls(model, mask_threshold=mask_threshold, max_hole_area=max_hole_area)

    def set_image(self, image: npt.NDArray[np.uint8] | Image.Image) -> None:
        """Embed an image: uint8 RGB [H, W, 3] or a Pillow image.

        Raises:
            PromptError: not an RGB image.
        """
        array = np.asarray(image.convert("RGB") if isinstance(image, Image.Image) else image)
        if array.ndim != 3 or array.shape[2] != 3 or array.dtype != np.uint8 or array.size == 0:
            raise PromptError(
                f"an image must be uint8 RGB [H, W, 3], got {array.dtype} {array.shape}."
            )
        size = self.model.manifest.image_size
        # torchvision's Resize: bilinear with antialiasing (utils/transforms.py).
        squashed = Image.fromarray(array).resize((size, size), Image.Resampling.BILINEAR)
        self._features = self.model.encode_image(np.asarray(squashed))
        self._size_hw = (array.shape[0], array.shape[1])

    def reset_predictor(self) -> None:
        """Forget the image."""
        self._features = None

    def predict(
        self,
        point_coords: Any = None,
        point_labels: Any = None,
        box: Any = None,
        mask_input: Any = None,
        multimask_output: bool = True,
        return_logits: bool = False,
        normalize_coords: bool = True,
    ) -> tuple[BoolArray | FloatArray, FloatArray, FloatArray]:
        """Segment one object.

        Args:
            point_coords: [P, 2] (x, y) in image pixels.
            point_labels: [P], 1 for the object, 0 for background.
            box: (x0, y0, x1, y1) in image pixels.
            mask_input: low-resolution logits [1, h, w] of an earlier call, fed back.
            multimask_output: give three candidates, best for a single ambiguous click.
            return_logits: give logits instead of thresholded masks.
            normalize_coords: False where coordinates are fractions of width and height.

        Returns:
            Masks [C, H, W] (bool, or float32 logits), predicted IoUs [C] float32, and logits
            [C, h, w] float32 in [-32, 32] at low resolution; C is 3 or 1.

        Raises:
            PromptError: there is no image yet, or a prompt is malformed.
        """
        if self._features is None:
            raise PromptError("call set_image() before predict().")
        points, labels = no_points(1)
        if point_coords is not None or point_labels is not None or box is not None:
            prompt = make_point_prompt(
                point_coords, point_labels, box, self._size_hw, normalize_coords=normalize_coords
            )
            points, labels = self._to_model(prompt)
        feedback = None if mask_input is None else self._feedback(mask_input)
        embedding = self._features.embedding + self.model.constants.no_mem_embed[:, None, None]
        decoded = self.model.decode_masks(
            embedding, self._features, self.model.encode_prompts(points, labels, feedback)
        )
        tokens = [1, 2, 3]
        if not multimask_output:
            tokens = choose_tokens(decoded, self.model.manifest, multimask=False)
        low_res = decoded.mask_logits[0, tokens]
        logits = resize_logits(fill_holes(low_res, self.max_hole_area), self._size_hw)
        masks = logits if return_logits else logits > self.mask_threshold
        return masks, decoded.ious[0, tokens], np.clip(low_res, -_LOGIT_LIMIT, _LOGIT_LIMIT)

    def _to_model(self, prompt: PointPrompt) -> tuple[FloatArray, npt.NDArray[np.int32]]:
        size = self.model.manifest.image_size
        points = points_to_model(prompt.points_xy_video, self._size_hw, size)
        return points[None], prompt.labels[None]

    def _feedback(self, mask_input: Any) -> FloatArray:
        size = self.model.manifest.low_res_size
        logits = np.asarray(mask_input, np.float32)
        if logits.size != size * size:
            raise PromptError(
                f"mask_input must be logits [1, {size}, {size}] of an earlier call, "
                f"got {logits.shape}."
            )
        return logits.reshape(1, size, size)
