"""``python -m tests.reference.family_process CONFIG FOLDER``: a family's reference, as files.

Run by the interpreter of the family's environment, with the repository on PYTHONPATH. It makes
seeded random weights and writes

    checkpoint.pt      in upstream's format
    networks.npz       inputs of each network and what it answers (``load_cases``)
    interactions.npz   answers to all scripts, by the bookkeeping of sam2 1.1.0 (``load_answers``)
    bfloat16.npz       the same, computed in bfloat16 as upstream does
    own.npz            answers to ``ANSWERED_ALIKE`` by the package's own predictor
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch

from tests.reference import interactions
from tests.reference.cases import ALL_SIZES, Sizes, network_cases
from tests.reference.clip import make_clip
from tests.reference.interactions import Script, play
from tests.reference.random_weights import build_random, build_reference
from tests.reference.record import Answer, save_answers, save_cases
from tools.torch_predictor import (
    Predictor,
    build_predictor,
    init_state,
    load_checkpoint,
    save_checkpoint,
)

CLIP_SEED = 4
CLIP_SIZE_HW = (120, 160)


def record(
    config: str,
    folder: Path,
    image_size: int | None,
    *,
    frames: int,
    seed: int,
    sizes: Sequence[Sizes],
    scripts: Sequence[Script],
) -> None:
    """Write all files that were asked for; without sizes or scripts, not those.

    Args:
        config: upstream's name.
        folder: where the files go.
        image_size: side of the square model input; None keeps the configuration's.
        frames: in the clip that the scripts are about.
        seed: of the weights.
        sizes: of the networks' inputs.
        scripts: what users do.
    """
    predictor = (build_reference if scripts else build_random)(config, image_size, seed)
    checkpoint = folder / "checkpoint.pt"
    save_checkpoint(predictor, checkpoint)
    if sizes:
        save_cases(folder / "networks.npz", list(network_cases(predictor, tuple(sizes))))
    if scripts:
        save_answers(folder / "interactions.npz", _answers(predictor, scripts, frames))
        with torch.autocast("cpu", torch.bfloat16):
            save_answers(folder / "bfloat16.npz", _answers(predictor, scripts, frames))
    alike = [script for script in scripts if script in interactions.ANSWERED_ALIKE]
    if alike:
        own = build_predictor(config, image_size)
        load_checkpoint(own, checkpoint)
        if not hasattr(own, "add_new_points_or_box"):  # there are no boxes yet
            own.add_new_points_or_box = own.add_new_points
        save_answers(folder / "own.npz", _answers(own, alike, frames))


def _answers(
    predictor: Predictor, scripts: Sequence[Script], frames: int
) -> dict[str, list[Answer]]:
    clip = make_clip(frames, *CLIP_SIZE_HW, seed=CLIP_SEED)
    return {
        script.__name__: play(script, predictor, init_state(predictor, clip), clip)
        for script in scripts
    }


def main() -> None:
    """Record what the command line asks for."""
    scripts = {s.__name__: s for s in (*interactions.SCRIPTS, interactions.everything)}
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--image-size", type=int, help="default: the configuration's")
    parser.add_argument("--frames", type=int, default=6)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sizes", type=int, nargs="*", default=[], help="indices of ALL_SIZES")
    parser.add_argument("--scripts", nargs="*", default=[], choices=list(scripts))
    options = parser.parse_args()
    torch.set_num_threads(1)
    record(
        options.config,
        options.folder,
        options.image_size,
        frames=options.frames,
        seed=options.seed,
        sizes=[ALL_SIZES[index] for index in options.sizes],
        scripts=[scripts[name] for name in options.scripts],
    )


if __name__ == "__main__":
    main()
