"""``python -m tests.parity.image_speed [micro|tiny]``: masks on images beside upstream's.

``tiny`` is SAM 2.1 tiny with random weights. Both sides take turns in one process: automatic masks
of a 32×32 grid (``--points``), ours and upstream's in bfloat16 (autocast), and 64 boxes on one
embedded image in one call and in 64. What is timed begins with the pixels of an image, of boxes
with the call, and ends with masks at 1280×720.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from convert import convert_checkpoint
from sam2ov.engine.model import SAM2Model
from sam2ov.upstream.automatic_mask_generator import SAM2AutomaticMaskGenerator
from sam2ov.upstream.sam2_image_predictor import SAM2ImagePredictor
from sam2ov.zoo.catalogue import resolve_model
from tests.reference.clip import make_clip
from tests.reference.random_weights import build_reference
from tools.torch_images import mask_generator
from tools.torch_predictor import Predictor, save_checkpoint

ROOT = Path(__file__).parents[2]
SIZE_HW = (720, 1280)
BOXES = 64


def load(name: str, folder: Path) -> tuple[Predictor, SAM2Model, dict[str, Any]]:
    """Both sides, and thresholds that let some of the masks through."""
    if name == "micro":
        recipe = ROOT / "training"
        reference = build_reference(
            recipe / "micro.yaml", checkpoint=recipe / "checkpoint" / "micro.safetensors"
        )
        thresholds = {"pred_iou_thresh": 0.5, "stability_score_thresh": 0.65}
        return reference, SAM2Model(resolve_model("micro")), thresholds
    reference = build_reference("sam2.1_hiera_t")
    save_checkpoint(reference, folder / "tiny.pt")
    convert_checkpoint(folder / "tiny.pt", folder / "ir", config="sam2.1_hiera_t")
    model = SAM2Model(folder / "ir")
    every: dict[str, Any] = {
        "pred_iou_thresh": 0.0,
        "stability_score_thresh": 0.0,
        "box_nms_thresh": 1.0,
    }
    sample = SAM2AutomaticMaskGenerator(model, points_per_side=4, **every)
    ious = [each["predicted_iou"] for each in sample.generate(make_clip(1, *SIZE_HW)[0])]
    # A third of the masks are trusted; what is suppressed afterwards is seldom more than that.
    return reference, model, {**every, "pred_iou_thresh": float(np.quantile(ious, 2 / 3))}


def seconds(work: Callable[[], Any]) -> tuple[float, Any]:
    """How long it takes, and what it gives."""
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result


def automatic(
    reference: Predictor, model: SAM2Model, thresholds: dict[str, Any], image: Any, rounds: int
) -> None:
    """Print how long automatic masks take on both sides."""
    ours = SAM2AutomaticMaskGenerator(model, **thresholds)
    theirs = mask_generator(reference, **thresholds)
    pairs = []
    for _ in range(rounds):
        own, found = seconds(lambda: ours.generate(image))
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
            other, expected = seconds(lambda: theirs.generate(image))
        pairs.append((own, other))
        side = thresholds["points_per_side"]
        print(
            f"automatic masks, {side}×{side}: {own:.2f} s for {len(found)} masks, "
            f"torch bf16 {other:.2f} s for {len(expected)}: {other / own:.2f} times as fast",
            flush=True,
        )
    ratio = statistics.median(other / own for own, other in pairs)
    print(f"automatic masks: {ratio:.2f} times as fast as torch in bf16 (median of {rounds})")


def boxes(model: SAM2Model, image: Any, rounds: int) -> None:
    """Print how long boxes take in one call and one by one."""
    predictor = SAM2ImagePredictor(model)
    predictor.set_image(image)
    rng = np.random.default_rng(0)
    corners = rng.uniform((0, 0), SIZE_HW[::-1], (BOXES, 2, 2))
    drawn = np.concatenate([corners.min(1), corners.max(1) + 8], axis=1)

    def one_by_one() -> None:
        for box in drawn:
            predictor.predict(box=box, multimask_output=False)

    predictor.predict(box=drawn[:16], multimask_output=False)
    pairs = []
    for _ in range(rounds):
        together, _ = seconds(lambda: predictor.predict(box=drawn, multimask_output=False))
        apart, _ = seconds(one_by_one)
        pairs.append((together, apart))
        print(
            f"{BOXES} boxes: {together:.3f} s in one call, {apart:.3f} s one by one: "
            f"{together / apart:.2f} of the time",
            flush=True,
        )
    median = statistics.median(together / apart for together, apart in pairs)
    fastest = min(together for together, _ in pairs) / min(apart for _, apart in pairs)
    print(
        f"boxes in one call: {median:.2f} of the time (median of {rounds} pairs), {fastest:.2f} "
        "(the fastest of each, which others disturb least)"
    )


def main() -> None:
    """Measure one model."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", choices=("micro", "tiny"), nargs="?", default="micro")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--points", type=int, default=32, help="clicks along a side")
    parser.add_argument("--only", choices=("automatic", "boxes"))
    options = parser.parse_args()
    image = make_clip(1, *SIZE_HW, seed=3)[0]
    with tempfile.TemporaryDirectory() as folder:
        reference, model, thresholds = load(options.model, Path(folder))
        thresholds["points_per_side"] = options.points
        print(f"{options.model}: {model.precision}, torch {torch.get_num_threads()} threads")
        if options.only != "automatic":
            boxes(model, image, options.rounds)
        if options.only != "boxes":
            automatic(reference, model, thresholds, image, options.rounds)


if __name__ == "__main__":
    main()
