"""Turn a checkpoint of a run into what others use.

`python -m training.export_checkpoint RUN_DIR/best.pt --pt micro.pt --safetensors micro.safetensors`

The `.pt` holds `{"model": state_dict}` in float32, as upstream's checkpoints do; the safetensors
file holds the same weights in float16.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from sam2ov.unfinished import unfinished_file
from training.model import PREDICTOR, build

MAX_BYTES = 25_000_000


def read_weights(path: Path) -> dict[str, Tensor]:
    """The weights of a run's checkpoint, of an exported `.pt` or of safetensors, float32."""
    if path.suffix == ".safetensors":
        weights = load_file(path)
    else:
        weights = torch.load(path, map_location="cpu", weights_only=True)["model"]
    return {name: tensor.float() for name, tensor in weights.items()}


def write_pt(weights: dict[str, Tensor], path: Path) -> None:
    """Write an upstream-style checkpoint, atomically."""
    with unfinished_file(path) as unfinished:
        torch.save({"model": weights}, unfinished)


def write_safetensors(weights: dict[str, Tensor], path: Path) -> None:
    """Write float16 safetensors; refuses weights that overflow and files over the limit."""
    half = {name: tensor.half().contiguous() for name, tensor in weights.items()}
    for name, tensor in half.items():
        if not torch.isfinite(tensor).all():
            raise ValueError(f"{name} does not fit into float16")
    save_file(half, path)
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise ValueError(f"{path} has {size} bytes, more than {MAX_BYTES}")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--pt", type=Path)
    parser.add_argument("--safetensors", type=Path)
    arguments = parser.parse_args()
    weights = read_weights(arguments.checkpoint)
    build(target=PREDICTOR).load_state_dict(weights)  # strictly, or it raises
    if arguments.pt is not None:
        write_pt(weights, arguments.pt)
    if arguments.safetensors is not None:
        write_safetensors(weights, arguments.safetensors)


if __name__ == "__main__":
    main()
