"""Error of each network against sam2 in torch FP32, as a table.

``python -m tests.parity.network_report``: seeded random weights, or a trained checkpoint with
``--checkpoint``. ``f32`` computes and stores float32; ``f16`` stores weights as float16 and
computes float32; ``bf16`` stores float16 and computes bfloat16, as most CPUs will run it.
"""

import argparse
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Literal

import torch

from convert import convert_checkpoint
from sam2ov.manifest import NetworkName
from tests.parity.comparison import CompiledFolder, Error
from tests.parity.small import OFFICIAL_CONFIGS
from tests.reference.cases import ALL_SIZES, network_cases
from tests.reference.random_weights import build_reference
from tools.torch_predictor import save_checkpoint

Variant = Literal["f32", "f16", "bf16"]
VARIANTS: dict[Variant, tuple[Literal["f16", "f32"], Literal["f32", "bf16"]]] = {
    "f32": ("f32", "f32"),
    "f16": ("f16", "f32"),
    "bf16": ("f16", "bf16"),
}
"""How weights are stored, and how the CPU computes."""


def measure(
    config: str | Path, image_size: int | None, checkpoint: Path | None, seed: int
) -> dict[tuple[NetworkName, str], dict[Variant, Error]]:
    """The worst errors over all cases: (network, output) → variant → error."""
    predictor = build_reference(config, image_size, seed, checkpoint)
    cases = list(network_cases(predictor, ALL_SIZES))
    errors: dict[tuple[NetworkName, str], dict[Variant, Error]] = defaultdict(dict)
    with tempfile.TemporaryDirectory() as folder:
        path, out = Path(folder) / "checkpoint.pt", Path(folder) / "ir"
        save_checkpoint(predictor, path)
        for variant, (weights, precision) in VARIANTS.items():
            sizes = None if image_size is None else [image_size]
            manifest = convert_checkpoint(path, out, config, sizes, weights=weights)
            networks = CompiledFolder(out, manifest, precision)
            for case in cases:
                for output, error in networks.errors(case).items():
                    row = errors[case.network, output]
                    seen = row.get(variant, error)
                    row[variant] = Error(max(seen.worst, error.worst), max(seen.rms, error.rms))
    return errors


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--configs", nargs="+", default=list(OFFICIAL_CONFIGS))
    parser.add_argument("--image-size", type=int, help="default: the configuration's")
    parser.add_argument("--checkpoint", type=Path, help="default: seeded random weights")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    print("| configuration | network | output | " + " | ".join(VARIANTS) + " |")
    print("|---|---|---|" + "---|" * len(VARIANTS))
    for config in options.configs:
        rows = measure(config, options.image_size, options.checkpoint, options.seed)
        for (network, output), errors in rows.items():
            cells = [f"{errors[v].worst:.1e} (rms {errors[v].rms:.1e})" for v in VARIANTS]
            print(
                f"| {Path(config).stem} | {network} | {output} | {' | '.join(cells)} |", flush=True
            )


if __name__ == "__main__":
    main()
