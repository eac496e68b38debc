"""Automatic masks against upstream's: the same set."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pycocotools import mask as coco

from sam2ov.engine.model import SAM2Model
from sam2ov.upstream.automatic_mask_generator import SAM2AutomaticMaskGenerator
from sam2ov.zoo.catalogue import resolve_model
from tests.reference.clip import make_clip
from tests.reference.random_weights import build_reference
from tools.torch_images import mask_generator
from tools.torch_predictor import Predictor

ROOT = Path(__file__).parents[2]
HEIGHT, WIDTH = 200, 260

# An untrained model's masks are spots all over the image: their boxes are alike, so that
# suppressing those would leave one. Spots above a high threshold have boxes of their own.
ALL: dict[str, Any] = {"box_nms_thresh": 1.0, "crop_nms_thresh": 1.0}
SPOTS: dict[str, Any] = {"mask_threshold": 17.0, "box_nms_thresh": 0.9, "crop_nms_thresh": 0.8}
CALLS: dict[str, dict[str, Any]] = {
    "the grid": {**ALL, "points_per_side": 8},
    "one mask a click": {**ALL, "points_per_side": 8, "multimask_output": False},
    "spots": {**SPOTS, "points_per_side": 8, "points_per_batch": 7},
    "crops": {
        **SPOTS,
        "points_per_side": 6,
        "crop_n_layers": 1,
        "crop_n_points_downscale_factor": 2,
        "crop_overlap_ratio": 0.5,
    },
    "refined": {**ALL, "points_per_side": 5, "use_m2m": True},
    "points of one's own": {
        **ALL,
        "points_per_side": None,
        "point_grids": [np.random.default_rng(0).random((40, 2))],
        "stability_score_offset": 0.5,
    },
}


def as_mask(segmentation: Any) -> Any:
    if isinstance(segmentation, np.ndarray):
        return segmentation
    size = segmentation["size"]
    if isinstance(segmentation["counts"], list):
        segmentation = coco.frPyObjects(segmentation, *size)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of pycocotools, about NumPy
        return coco.decode(segmentation).astype(np.bool_)


def require_same_set(found: list[dict[str, Any]], expected: list[dict[str, Any]]) -> None:
    """Each mask has its twin: IoU ≥ 0.99; areas, boxes and scores within 1e-3."""
    assert len(found) == len(expected)
    masks = [as_mask(each["segmentation"]) for each in found]
    left = list(range(len(found)))
    for wanted in expected:
        target = as_mask(wanted["segmentation"])
        ious = [(masks[i] & target).sum() / max((masks[i] | target).sum(), 1) for i in left]
        best = int(np.argmax(ious))
        assert ious[best] >= 0.99
        twin = found[left.pop(best)]
        scale = max(HEIGHT, WIDTH)
        assert abs(twin["area"] - wanted["area"]) <= 1e-3 * max(wanted["area"], 1000)
        assert np.abs(np.subtract(twin["bbox"], wanted["bbox"])).max() <= 1 + 1e-3 * scale
        assert abs(twin["predicted_iou"] - wanted["predicted_iou"]) <= 1e-3
        assert abs(twin["stability_score"] - wanted["stability_score"]) <= 1e-3
        assert twin["crop_box"] == wanted["crop_box"]
        np.testing.assert_allclose(twin["point_coords"], wanted["point_coords"], rtol=1e-5)


def with_thresholds(generator: Any, image: Any, share: float) -> dict[str, float]:
    """Thresholds between the scores of an untrained model, that let a share of masks through."""
    scores = generator.generate(image)
    ious = np.sort([each["predicted_iou"] for each in scores])
    index = int(len(ious) * (1 - share))
    gap = int(np.argmax(np.diff(ious[max(index - 5, 0) : index + 5]))) + max(index - 5, 0)
    return {"pred_iou_thresh": float(ious[gap : gap + 2].mean())}


@pytest.mark.parity
@pytest.mark.parametrize("call", CALLS.values(), ids=list(CALLS))
def test_random_weights(small: tuple[Predictor, SAM2Model], call: dict[str, Any]) -> None:
    reference, model = small
    image = make_clip(1, HEIGHT, WIDTH, seed=7)[0]
    open_to_all = {**call, "pred_iou_thresh": 0.0, "stability_score_thresh": 0.0}
    every = with_thresholds(SAM2AutomaticMaskGenerator(model, **open_to_all), image, 0.6)
    options = {**call, **every, "stability_score_thresh": 0.1}
    expected = mask_generator(reference, **options).generate(image)
    assert len(expected) >= 3
    require_same_set(SAM2AutomaticMaskGenerator(model, **options).generate(image), expected)


@pytest.mark.parity
@pytest.mark.parametrize("mode", ["binary_mask", "uncompressed_rle", "coco_rle"])
def test_the_bundled_model(mode: Any) -> None:
    reference = build_reference(
        ROOT / "training" / "micro.yaml",
        checkpoint=ROOT / "training" / "checkpoint" / "micro.safetensors",
    )
    model = SAM2Model(resolve_model("micro"), precision="f32")
    image = make_clip(1, HEIGHT, WIDTH, seed=7)[0]
    options = {
        "points_per_side": 10,
        "pred_iou_thresh": 0.6,
        "stability_score_thresh": 0.8,
        "output_mode": mode,
    }
    expected = mask_generator(reference, **options).generate(image)
    assert len(expected) >= 2
    found = SAM2AutomaticMaskGenerator(model, **options).generate(image)
    require_same_set(found, expected)
    assert type(found[0]["segmentation"]) is not type(None)
    for key in expected[0]:
        kind = type(expected[0][key])
        assert isinstance(found[0][key], kind), key
