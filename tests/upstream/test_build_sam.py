"""From a configuration and a checkpoint to a predictor."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sam2ov
from sam2ov.errors import DeviceError, ModelError, ModelNotFoundError
from sam2ov.upstream.automatic_mask_generator import SAM2AutomaticMaskGenerator
from sam2ov.upstream.build_sam import (
    build_sam2,
    build_sam2_hf,
    build_sam2_video_predictor,
    build_sam2_video_predictor_hf,
)
from sam2ov.upstream.sam2_image_predictor import SAM2ImagePredictor
from sam2ov.upstream.sam2_video_predictor import SAM2VideoPredictor

CONFIG = "configs/sam2.1/sam2.1_hiera_t.yaml"


class TorchDevice:
    """``torch.device`` as far as programs hand it on."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __str__(self) -> str:
        return self._name


def test_a_checkpoint_is_converted_once(checkpoint: Path) -> None:
    model = build_sam2(CONFIG, checkpoint, device=TorchDevice("cpu"), precision="f32")
    predictor = build_sam2_video_predictor(
        config_file=CONFIG,
        ckpt_path=str(checkpoint),
        apply_postprocessing=False,
        hydra_overrides_extra=["++model.non_overlap_masks=true"],
        vos_optimized=True,
    )
    assert len(checkpoint.with_suffix(".log").read_text().splitlines()) == 1
    assert model.manifest.switches.dynamic_multimask
    assert not model.manifest.switches.binarize_prompted_masks
    assert not predictor.model.manifest.switches.dynamic_multimask
    assert (predictor.non_overlap_masks, predictor.fill_hole_area) == (True, 0)
    assert (predictor.device, model.device, predictor.image_size) == ("cpu", "cpu", 384)
    assert predictor.eval().to("cpu") is predictor
    assert model.eval() is model
    for moved in ("cuda", "GPU"):
        with pytest.raises(DeviceError, match="cannot be moved"):
            predictor.to(moved)
    with pytest.raises(ModelError, match="cannot be trained"):
        model.train()


def test_a_configuration_of_ones_own_counts(checkpoint: Path, tmp_path: Path) -> None:
    config = tmp_path / "mine.yaml"
    for text in ("model: 1", "model: 2", "model: 2"):
        config.write_text(text)
        build_sam2_video_predictor(str(config), checkpoint)
    runs = checkpoint.with_suffix(".log").read_text().splitlines()
    assert len(runs) == 2


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"ckpt_path": None}, ModelError, "ckpt_path is needed"),
        ({"ckpt_path": "/nowhere.pt"}, ModelNotFoundError, "no checkpoint"),
        ({"mode": "train"}, ModelError, "trained"),
        ({"device": "cuda"}, DeviceError, "no device 'cuda'"),
        ({"device": TorchDevice("cuda:1")}, DeviceError, "no device 'cuda:1'"),
        ({"device": "mps"}, DeviceError, "no device 'mps'"),
        ({"hydra_overrides_extra": ["++model.num_maskmem=3"]}, ModelError, "num_maskmem"),
    ],
)
@pytest.mark.parametrize("build", [build_sam2, build_sam2_video_predictor])
def test_what_cannot_be_honoured_is_refused(
    checkpoint: Path, build: Any, arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        build(CONFIG, **{"ckpt_path": checkpoint, **arguments})
    assert not checkpoint.with_suffix(".log").exists()  # before anything is converted


def test_unknown_arguments_are_errors(checkpoint: Path) -> None:
    with pytest.raises(TypeError):
        build_sam2(CONFIG, checkpoint, fast=True)  # type: ignore[call-arg]


def test_models_by_name() -> None:
    model = build_sam2_hf("micro", precision="f32")
    image = np.full((48, 80, 3), 60, np.uint8)
    image[8:40, 8:40] = (255, 0, 0)
    predictor = SAM2ImagePredictor(model, mask_threshold=0.0)
    predictor.set_image(image)
    masks, scores, _ = predictor.predict(box=np.array([[6, 6, 42, 42], [8, 8, 40, 40]]))
    assert masks.shape == (2, 3, 48, 80)
    best = masks[0, scores[0].argmax()]
    assert best[10:38, 10:38].mean() > 0.9
    found = SAM2AutomaticMaskGenerator(model, points_per_side=4, pred_iou_thresh=0.5).generate(
        image
    )
    assert {"segmentation", "area", "bbox", "predicted_iou"} <= set(found[0])
    video = build_sam2_video_predictor_hf("micro", hydra_overrides_extra=())
    assert (video.fill_hole_area, video.non_overlap_masks) == (8, False)


def test_classes_take_what_the_functions_take() -> None:
    predictor = SAM2VideoPredictor.from_pretrained(
        "micro", apply_postprocessing=False, hydra_overrides_extra=["++model.image_size=256"]
    )
    assert (predictor.image_size, predictor.fill_hole_area) == (256, 0)
    images = SAM2ImagePredictor.from_pretrained("micro", max_hole_area=3, preset="fast")
    assert (images.image_size, images.max_hole_area) == (256, 3)
    generator = SAM2AutomaticMaskGenerator.from_pretrained(
        "micro", points_per_side=5, output_mode="coco_rle"
    )
    assert generator.output_mode == "coco_rle"


def test_the_package_shows_the_classes() -> None:
    assert sam2ov.SAM2ImagePredictor is SAM2ImagePredictor
    assert sam2ov.SAM2VideoPredictor is SAM2VideoPredictor
    assert sam2ov.SAM2AutomaticMaskGenerator is SAM2AutomaticMaskGenerator
