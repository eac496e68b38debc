"""``SAM2ImagePredictor``: prompts on single images.

Line numbers are those of ``sam2/sam2_image_predictor.py`` at upstream's commit 2b90b9f.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Self

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from sam2ov.engine.devices import Precision
from sam2ov.engine.image import EmbeddedImage, ImagePrompts, answer_prompts, embed_image
from sam2ov.engine.model import SAM2Model
from sam2ov.engine.side_by_side import side_by_side
from sam2ov.errors import PromptError, TrackingError
from sam2ov.upstream.arrays import TensorArray
from sam2ov.upstream.build_sam import build_sam2_hf
from sam2ov.upstream.image_prompts import make_image_prompts
from sam2ov.upstream.module import Module
from sam2ov.upstream.pixels import rgb_pixels
from sam2ov.values.masks import FloatArray, clean_logits, resize_logits
from sam2ov.zoo.presets import PresetName

_LOGIT_LIMIT = 32.0


class SAM2ImagePredictor(Module):
    """Drop-in for upstream's class in ``sam2.sam2_image_predictor``, without torch (l. 21).

    Unlike upstream, holes are filled and specks removed on the CPU too.

    Args:
        sam_model: of ``build_sam2``, or any compiled model; predictors can share it.
        mask_threshold: logits above it are the object.
        max_hole_area: holes of up to so many pixels of the low-resolution mask are filled; 0: none.
        max_sprinkle_area: specks of up to so many are removed; 0: none.
    """

    def __init__(
        self,
        sam_model: SAM2Model,
        mask_threshold: float = 0.0,
        max_hole_area: float = 0.0,
        max_sprinkle_area: float = 0.0,
    ) -> None:
        self.model = sam_model
        self.mask_threshold = mask_threshold
        self.max_hole_area = max_hole_area
        self.max_sprinkle_area = max_sprinkle_area
        self._images: list[EmbeddedImage] = []
        self._is_batch = False

    @classmethod
    def from_pretrained(
        cls,
        model_id: str | Path,
        *,
        mask_threshold: float = 0.0,
        max_hole_area: float = 0.0,
        max_sprinkle_area: float = 0.0,
        device: Any = "CPU",
        mode: str = "eval",
        hydra_overrides_extra: Sequence[str] = (),
        apply_postprocessing: bool = True,
        precision: Precision | None = None,
        preset: PresetName = "quality",
    ) -> Self:
        """Load a model by name or folder (l. 73); the other arguments are those of ``build_sam2``.

        Args:
            model_id: "micro", "sam2.1-hiera-tiny", "facebook/sam2.1-hiera-tiny", a model folder, a
                checkpoint, ``hf:ORG/REPO/FILE`` …
            mask_threshold: see the class; so are ``max_hole_area`` and ``max_sprinkle_area``.
            max_hole_area: see the class.
            max_sprinkle_area: see the class.
            device: as ``build_sam2`` takes it.
            mode: "eval".
            hydra_overrides_extra: as ``build_sam2`` takes it.
            apply_postprocessing: as ``build_sam2`` takes it.
            precision: inside the graphs: "f32", "bf16", "f16", or None for the device's best.
            preset: "quality" (the results of upstream), "balanced" or "fast".

        Raises:
            ModelError: the model cannot be found, fetched or read, or there is no such preset.
            DeviceError: the device or precision is not there.
        """
        model = build_sam2_hf(
            model_id,
            device=device,
            mode=mode,
            hydra_overrides_extra=hydra_overrides_extra,
            apply_postprocessing=apply_postprocessing,
            precision=precision,
            preset=preset,
        )
        return cls(model, mask_threshold, max_hole_area, max_sprinkle_area)

    def set_image(self, image: npt.NDArray[np.uint8] | Image.Image) -> None:
        """Embed an image, which ``predict`` then works on (l. 90).

        Args:
            image: uint8 RGB [H, W, 3] or [3, H, W], or a Pillow image of any mode.

        Raises:
            PromptError: not an RGB image.
        """
        self.reset_predictor()
        self._images = [embed_image(self.model, rgb_pixels(image))]

    def set_image_batch(self, image_list: Sequence[npt.NDArray[np.uint8] | Image.Image]) -> None:
        """Embed several images, which ``predict_batch`` then works on (l. 136).

        Args:
            image_list: each as ``set_image`` takes it, of any sizes. They are embedded one after
                the other, since the encoder takes one at a time.

        Raises:
            PromptError: one is not an RGB image, or there is none.
        """
        self.reset_predictor()
        if isinstance(image_list, np.ndarray | Image.Image) or not len(image_list):
            raise PromptError("set_image_batch takes a list of at least one image.")
        self._images = [embed_image(self.model, pixels) for pixels in map(rgb_pixels, image_list)]
        self._is_batch = True

    def predict(
        self,
        point_coords: Any = None,
        point_labels: Any = None,
        box: Any = None,
        mask_input: Any = None,
        multimask_output: bool = True,
        return_logits: bool = False,
        normalize_coords: bool = True,
    ) -> tuple[TensorArray, TensorArray, TensorArray]:
        """Segment one object, or N at once, on the image (l. 237).

        Args:
            point_coords: [P, 2] (x, y) in image pixels, or [N, P, 2].
            point_labels: [P] or [N, P]: 1 for the object, 0 for background, -1 for no point (to
                fill up shorter rows).
            box: (x0, y0, x1, y1) in image pixels, or [N, 4]; with points, N of both.
            mask_input: low-resolution logits [1, h, w] of an earlier call, fed back; for N
                objects [N, 1, h, w] or [1, h, w] for all.
            multimask_output: give three candidates, best for a single ambiguous click.
            return_logits: give logits instead of thresholded masks.
            normalize_coords: False where coordinates are fractions of width and height.

        Returns:
            Masks [C, H, W], float32: 1 and 0, or logits; predicted IoUs [C], float32; and logits
            [C, h, w] float32 in [-32, 32] at low resolution. C is 3 or 1. For N > 1 objects each
            has an axis N in front. The result of many objects is large: 4 bytes a pixel and mask.

        Raises:
            TrackingError: a ``RuntimeError``; there is no image yet.
            PromptError: a ``ValueError``; a prompt is malformed.
        """
        self._require_image("set_image")
        return self._predict(
            self._images[-1],
            (point_coords, point_labels, box, mask_input),
            multimask_output=multimask_output,
            return_logits=return_logits,
            normalize_coords=normalize_coords,
        )

    def predict_batch(
        self,
        point_coords_batch: Sequence[Any] | None = None,
        point_labels_batch: Sequence[Any] | None = None,
        box_batch: Sequence[Any] | None = None,
        mask_input_batch: Sequence[Any] | None = None,
        multimask_output: bool = True,
        return_logits: bool = False,
        normalize_coords: bool = True,
    ) -> tuple[list[TensorArray], list[TensorArray], list[TensorArray]]:
        """Segment objects on each of the images of ``set_image_batch`` (l. 168).

        Args:
            point_coords_batch: for each image what ``predict`` takes; so are the others.
            point_labels_batch: likewise.
            box_batch: likewise.
            mask_input_batch: likewise.
            multimask_output: as in ``predict``.
            return_logits: as in ``predict``.
            normalize_coords: as in ``predict``.

        Returns:
            Lists with the masks, IoUs and low-resolution logits of each image.

        Raises:
            TrackingError: a ``RuntimeError``; there are no images yet.
            PromptError: a ``ValueError``; a prompt is malformed, or a list has another length.
        """
        self._require_image("set_image_batch")
        if not self._is_batch:
            raise TrackingError("predict_batch() is for images of set_image_batch().")
        given = {
            "point_coords_batch": point_coords_batch,
            "point_labels_batch": point_labels_batch,
            "box_batch": box_batch,
            "mask_input_batch": mask_input_batch,
        }
        count = len(self._images)
        for name, values in given.items():
            if values is not None and len(values) != count:
                raise PromptError(f"{name} must have {count} entries, one for each image.")
        rows = [[None] * count if values is None else values for values in given.values()]
        results = [
            self._predict(
                image,
                (rows[0][index], rows[1][index], rows[2][index], rows[3][index]),
                multimask_output=multimask_output,
                return_logits=return_logits,
                normalize_coords=normalize_coords,
            )
            for index, image in enumerate(self._images)
        ]
        masks, ious, low_res = zip(*results, strict=True)
        return list(masks), list(ious), list(low_res)

    def get_image_embedding(self) -> TensorArray:
        """The embedding of the image, float32 [1, C, h, w], of images [N, C, h, w] (l. 437).

        Raises:
            TrackingError: a ``RuntimeError``; there is no image yet.
        """
        self._require_image("set_image")
        return TensorArray.of(np.concatenate([image.embedding for image in self._images]))

    def reset_predictor(self) -> None:
        """Forget the images (l. 456)."""
        self._images = []
        self._is_batch = False

    @property
    def _features(self) -> dict[str, Any]:
        """What upstream keeps under this name, and its own notebook looks at (l. 132)."""
        self._require_image("set_image")
        maps = [image.features.high_res for image in self._images]
        return {
            "image_embed": self.get_image_embedding(),
            "high_res_feats": [
                TensorArray.of(np.concatenate([each[name] for each in maps]))
                for name in sorted(maps[0])
            ],
        }

    @property
    def _compiled(self) -> SAM2Model:
        return self.model

    def _require_image(self, method: str) -> None:
        if not self._images:
            raise TrackingError(f"An image must be set with .{method}(...) before mask prediction.")

    def _predict(
        self,
        image: EmbeddedImage,
        given: tuple[Any, Any, Any, Any],
        *,
        multimask_output: bool,
        return_logits: bool,
        normalize_coords: bool,
    ) -> tuple[TensorArray, TensorArray, TensorArray]:
        prompts = make_image_prompts(
            *given, image.size_hw, self.model.manifest, normalize_coords=normalize_coords
        )
        masks, ious, low_res = self._answers(
            image, prompts, multimask=multimask_output, return_logits=return_logits
        )
        if len(prompts) == 1:
            masks, ious, low_res = masks[0], ious[0], low_res[0]
        return TensorArray.of(masks), TensorArray.of(ious), TensorArray.of(low_res)

    def _answers(
        self, image: EmbeddedImage, prompts: ImagePrompts, *, multimask: bool, return_logits: bool
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """For all B objects; the results are filled part by part, beside the networks."""
        candidates, size = 3 if multimask else 1, self.model.manifest.low_res_size
        masks = np.empty((len(prompts), candidates, *image.size_hw), np.float32)
        ious = np.empty((len(prompts), candidates), np.float32)
        low_res = np.empty((len(prompts), candidates, size, size), np.float32)
        finish = partial(self._finish, return_logits=return_logits)
        with side_by_side(len(prompts)) as run:
            for found in answer_prompts(self.model, image, prompts, multimask=multimask):
                part = slice(found.start, found.start + len(found.ious))
                ious[part] = found.ious
                np.clip(found.mask_logits, -_LOGIT_LIMIT, _LOGIT_LIMIT, out=low_res[part])
                run(finish, zip(found.mask_logits, masks[part], strict=True))
        return masks, ious, low_res

    def _finish(self, of: tuple[FloatArray, FloatArray], *, return_logits: bool) -> None:
        """Bring the logits [C, h, w] of an object to the size of its masks [C, H, W]."""
        logits, masks = of
        cleaned = clean_logits(
            logits, self.mask_threshold, self.max_hole_area, self.max_sprinkle_area
        )
        for source, target in zip(cleaned, masks, strict=True):
            resized = resize_logits(source[None], target.shape)[0]
            if return_logits:
                target[:] = resized
            else:
                cv2.threshold(resized, self.mask_threshold, 1, cv2.THRESH_BINARY, dst=target)
