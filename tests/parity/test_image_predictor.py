"""The image predictor against upstream's steps (its class needs torchvision, which may be absent).

Upstream: ``SAM2ImagePredictor.set_image`` and ``_predict`` (sam2_image_predictor.py).
"""

from typing import Any

import numpy as np
import pytest
import torch

from sam2ov.engine.model import SAM2Model
from sam2ov.upstream.image_predictor import SAM2ImagePredictor
from tests.reference.clip import make_clip
from tools.torch_predictor import Predictor, frames_to_images

POINTS = np.array([[90.0, 100.0], [150.0, 60.0]], np.float32)


def upstream_predict(
    predictor: Predictor, frame: Any, labels: list[int], *, multimask: bool
) -> tuple[torch.Tensor, torch.Tensor]:
    """Low-resolution logits [C, h, w] and IoUs [C] for ``POINTS`` with the given labels."""
    with torch.inference_mode():
        image = frames_to_images(frame[None], predictor.image_size)
        _, features, _, _ = predictor._prepare_backbone_features(predictor.forward_image(image))
        features[-1] = features[-1] + predictor.no_mem_embed
        size = predictor.image_size
        maps = [
            feature.permute(1, 2, 0).view(1, -1, size // stride, size // stride)
            for feature, stride in zip(features, (4, 8, 16), strict=True)
        ]
        points = torch.from_numpy(POINTS[None, : len(labels)])
        sparse, dense = predictor.sam_prompt_encoder(
            points=(points, torch.tensor([labels])), boxes=None, masks=None
        )
        masks, ious, _, _ = predictor.sam_mask_decoder(
            image_embeddings=maps[2],
            image_pe=predictor.sam_prompt_encoder.get_dense_pe(),
            sparse_prompt_embeddings=sparse,
            dense_prompt_embeddings=dense,
            multimask_output=multimask,
            repeat_image=False,
            high_res_features=maps[:2],
        )
    return masks[0].clamp(-32, 32), ious[0]


@pytest.mark.parity
@pytest.mark.parametrize(("labels", "multimask"), [([1], True), ([1, 0], False)])
def test_image_predictor(
    small: tuple[Predictor, SAM2Model], labels: list[int], multimask: bool
) -> None:
    expected, model = small
    size = expected.image_size
    frame = make_clip(1, size, size, seed=5)[0]  # model size: nothing is resized
    masks, ious = upstream_predict(expected, frame, labels, multimask=multimask)
    predictor = SAM2ImagePredictor(model)
    predictor.set_image(frame)
    ours, our_ious, low_res = predictor.predict(
        POINTS[: len(labels)], labels, multimask_output=multimask
    )
    assert ours.shape == (len(masks), size, size)
    np.testing.assert_allclose(our_ious, ious, rtol=1e-3)
    np.testing.assert_allclose(low_res, masks, atol=1e-3 * float(masks.abs().max()))
