"""Prompts on a single image: any number of them, a bounded number at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from sam2ov.engine.model import DecodedMasks, ImageFeatures, PromptEmbeddings, SAM2Model
from sam2ov.engine.tracker import choose_tokens, no_points
from sam2ov.values.masks import FloatArray, resize_antialiased

AT_ONCE: Final = 16
"""Prompts that go through the networks together. More take more memory, and no less time each:
what the decoder writes for them no longer fits into the processor's caches."""


@dataclass(frozen=True, eq=False)
class EmbeddedImage:
    """An image as the mask decoder sees it.

    Attributes:
        features: of the image encoder.
        embedding: float32 [1, C, h, w], with ``no_mem_embed``.
        size_hw: height and width of the image.
    """

    features: ImageFeatures
    embedding: FloatArray
    size_hw: tuple[int, int]


@dataclass(frozen=True, eq=False)
class ImagePrompts:
    """Prompts for B objects on one image.

    Attributes:
        points_xy_model: float32 [B, P, 2] in model pixels; P is 0 where there are masks alone.
        labels: int32 [B, P], values of ``Label``.
        mask_logits: float32 [B, 4h, 4w] of earlier answers, or [1, 4h, 4w] for all, or None.
    """

    points_xy_model: FloatArray
    labels: npt.NDArray[np.int32]
    mask_logits: FloatArray | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def part(self, start: int, stop: int) -> "ImagePrompts":
        """Those of some of the objects."""
        masks = self.mask_logits
        if masks is not None and len(masks) > 1:
            masks = masks[start:stop]
        return ImagePrompts(self.points_xy_model[start:stop], self.labels[start:stop], masks)


@dataclass(frozen=True, eq=False)
class ImageMasks:
    """Answers for some of the objects: ``start`` and as many as there are.

    Attributes:
        start: index of the first object.
        mask_logits: float32 [B, C, 4h, 4w]; C is 3 candidates, or the one that was chosen.
        ious: predicted, float32 [B, C].
    """

    start: int
    mask_logits: FloatArray
    ious: FloatArray


def embed_image(model: SAM2Model, image: npt.NDArray[np.uint8]) -> EmbeddedImage:
    """Embed an image, uint8 RGB [H, W, 3].

    It is squashed to the model's square as torchvision's ``Resize`` does to float images: bilinear,
    with antialiasing, without rounding to whole values (utils/transforms.py).
    """
    size = model.manifest.image_size
    height, width = image.shape[:2]
    if (height, width) == (size, size):
        squashed: npt.NDArray[np.uint8] | FloatArray = image
    else:
        channels = [
            resize_antialiased(image[..., channel].astype(np.float32), (size, size))
            for channel in range(3)
        ]
        squashed = np.stack(channels, axis=-1)
    features = model.encode_image(squashed)
    embedding = features.embedding + model.constants.no_mem_embed[:, None, None]
    return EmbeddedImage(features, embedding, (height, width))


def answer_prompts(
    model: SAM2Model,
    image: EmbeddedImage,
    prompts: ImagePrompts,
    *,
    multimask: bool,
    at_once: int = AT_ONCE,
) -> Iterator[ImageMasks]:
    """Segment objects on an image, part by part.

    Args:
        model: the networks.
        image: embedded by the same model.
        prompts: for B objects.
        multimask: three candidates for each; without, token 0 or, where its mask is unstable, the
            best of the three (mask_decoder.py, ``forward``).
        at_once: objects that go through the networks together, at most.
    """
    for start in range(0, len(prompts), at_once):
        part = prompts.part(start, start + at_once)
        decoded = model.decode_masks(image.embedding, image.features, _encoded(model, part))
        yield _chosen(model, decoded, start, multimask=multimask)


def _encoded(model: SAM2Model, prompts: ImagePrompts) -> PromptEmbeddings:
    if prompts.labels.shape[1]:
        return model.encode_prompts(prompts.points_xy_model, prompts.labels, prompts.mask_logits)
    # The decoder then sees no token for prompts, not even the padding of videos.
    encoded = model.encode_prompts(*no_points(len(prompts)), prompts.mask_logits)
    return PromptEmbeddings(encoded.sparse[:, :0], encoded.dense)


def _chosen(model: SAM2Model, decoded: DecodedMasks, start: int, *, multimask: bool) -> ImageMasks:
    if multimask:
        return ImageMasks(start, decoded.mask_logits[:, 1:], decoded.ious[:, 1:])
    tokens = np.array(choose_tokens(decoded, model.manifest, multimask=False))[:, None]
    return ImageMasks(
        start,
        np.take_along_axis(decoded.mask_logits, tokens[..., None, None], axis=1),
        np.take_along_axis(decoded.ious, tokens, axis=1),
    )
