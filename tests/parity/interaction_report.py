"""Parity of whole interactions, as a table: ``python -m tests.parity.interaction_report``.

For each configuration sam2 runs in torch FP32 with seeded random weights, sam2ov with the same
weights in FP32 and, where the CPU has it, BF16. ``worst`` is the frame with the lowest mask IoU.
"""

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path

import torch

from convert import convert_checkpoint
from sam2ov.engine.devices import Precision
from sam2ov.engine.model import SAM2Model
from sam2ov.upstream.sam2_video_predictor import SAM2VideoPredictor
from tests.parity.agreement import Agreement, compare
from tests.parity.small import OFFICIAL_CONFIGS
from tests.reference import interactions
from tests.reference.clip import make_clip
from tests.reference.interactions import Script, play
from tests.reference.random_weights import build_reference
from tools.torch_predictor import init_state, save_checkpoint


def measure(
    config: str,
    image_size: int | None,
    num_frames: int,
    seed: int,
    scripts: tuple[Script, ...],
    precisions: tuple[Precision, ...],
) -> Iterator[tuple[Precision, str, Agreement]]:
    """Run scripts through both sides of one configuration."""
    expected = build_reference(config, image_size=image_size, seed=seed)
    clip = make_clip(num_frames, 120, 160, seed=seed + 1)
    answers = {
        script.__name__: play(script, expected, init_state(expected, clip), clip)
        for script in scripts
    }
    with tempfile.TemporaryDirectory() as folder:
        checkpoint, out = Path(folder) / "checkpoint.pt", Path(folder) / "ir"
        save_checkpoint(expected, checkpoint)
        sizes = None if image_size is None else [image_size]
        convert_checkpoint(checkpoint, out, config=config, image_sizes=sizes, weights="f32")
        for precision in precisions:
            predictor = SAM2VideoPredictor(SAM2Model(out, precision=precision), fill_hole_area=0)
            for script in scripts:
                yield (
                    precision,
                    script.__name__,
                    compare(answers[script.__name__], predictor, clip, script),
                )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--configs", nargs="+", default=list(OFFICIAL_CONFIGS))
    parser.add_argument("--image-size", type=int, help="default: the configuration's")
    parser.add_argument("--frames", type=int, default=6)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--scripts", nargs="+", default=["everything"], help="names, or: all")
    parser.add_argument("--precisions", nargs="+", default=["f32", "bf16"])
    options = parser.parse_args()
    torch.set_num_threads(1)
    known = {script.__name__: script for script in (*interactions.SCRIPTS, interactions.everything)}
    names = list(known) if options.scripts == ["all"] else options.scripts
    print("| configuration | px | script | precision | mask IoU | worst | answers | absent |")
    print("|---|---|---|---|---|---|---|---|")
    for config in options.configs:
        rows = measure(
            config,
            options.image_size,
            options.frames,
            options.seed,
            tuple(known[name] for name in names),
            tuple(options.precisions),
        )
        for precision, name, agreement in rows:
            print(
                f"| {config} | {options.image_size or 1024} | {name} | {precision} "
                f"| {agreement.iou:.5f} | {agreement.worst_iou:.4f} "
                f"| {agreement.frames} | {agreement.absent} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
