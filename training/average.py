"""Weights between those of two runs, which are often better than either.

`python -m training.average A.safetensors B.safetensors --out MEAN.safetensors [--share 0.5]`
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from training.export_checkpoint import read_weights, write_safetensors


def average(
    first: Mapping[str, Tensor], second: Mapping[str, Tensor], share: float = 0.5
) -> dict[str, Tensor]:
    """`share` of the second, the rest of the first, float32.

    Raises ValueError when they are of different networks.
    """
    if {k: v.shape for k, v in first.items()} != {k: v.shape for k, v in second.items()}:
        raise ValueError("the weights are of different networks")
    return {key: first[key].float().lerp(second[key].float(), share) for key in first}


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("first", type=Path)
    parser.add_argument("second", type=Path)
    parser.add_argument("--share", type=float, default=0.5, help="of the second")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    weights = average(
        read_weights(arguments.first), read_weights(arguments.second), arguments.share
    )
    write_safetensors(weights, arguments.out)


if __name__ == "__main__":
    main()
