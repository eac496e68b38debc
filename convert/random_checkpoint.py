"""``python -m convert.random_checkpoint CONFIG OUT``: seeded random weights of an architecture.

For measuring speed where trained weights cannot be had: random ones cost the same.
"""

from pathlib import Path
from typing import Annotated, Final

import numpy as np
import typer
from numpy.typing import NDArray
from safetensors.numpy import save_file

from convert.infer import named_architecture
from convert.shapes import expected_shapes
from sam2ov.unfinished import unfinished_file

Float32Array = NDArray[np.float32]

_PRESENCE: Final = 30.0
"""Added to the logit of an object's presence."""


def make_checkpoint(
    config: Annotated[str, typer.Argument(help="Upstream's name, or a yaml file of your own.")],
    out: Annotated[Path, typer.Argument(help="The .safetensors file to write.")],
    seed: Annotated[int, typer.Option(help="Other seeds give other weights.")] = 0,
) -> None:
    """Write a checkpoint of random weights, which finds every object on every frame.

    Objects that are gone would have empty masks, which cost less to store and are always alike.
    """
    rng = np.random.default_rng(seed)
    shapes = expected_shapes(named_architecture(config))
    tensors = {name: _draw(name, shape, rng) for name, shape in shapes.items()}
    tensors["sam_mask_decoder.pred_obj_score_head.layers.2.bias"] += _PRESENCE
    with unfinished_file(out) as unfinished:
        save_file(tensors, unfinished)


def _draw(name: str, shape: tuple[int, ...], rng: np.random.Generator) -> Float32Array:
    """Values of a scale at which they matter and nothing grows from layer to layer."""
    normal: Float32Array = rng.standard_normal(shape, np.float32)
    leaf = name.rpartition(".")[2]
    if leaf == "bias":
        return normal * np.float32(0.1)
    if leaf == "running_var":
        return np.abs(normal) * np.float32(0.2) + np.float32(0.9)
    if leaf == "gamma" or (leaf == "weight" and len(shape) == 1):  # layer scales and norms
        return normal * np.float32(0.2) + np.float32(0.9)
    if leaf == "weight" and shape[0] > 1 and "embed" not in name and "token" not in name:
        normal /= np.sqrt(np.prod(shape[1:]))
        return normal
    return normal * np.float32(0.6)


if __name__ == "__main__":
    typer.run(make_checkpoint)
