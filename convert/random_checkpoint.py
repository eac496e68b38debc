"""``python -m convert.random_checkpoint CONFIG OUT``: seeded random weights of an architecture.

For measuring speed where trained weights cannot be had: random ones cost the same.
"""

from pathlib import Path
from typing import Annotated, Final

import torch
import typer

from convert.reference import build_reference, save_checkpoint
from sam2ov.unfinished import unfinished_file

_PRESENCE: Final = 30.0
"""Added to the logit of an object's presence."""


def make_checkpoint(
    config: Annotated[str, typer.Argument(help="Upstream's name, or a yaml file of your own.")],
    out: Annotated[Path, typer.Argument(help="The .pt file to write.")],
    seed: Annotated[int, typer.Option(help="Other seeds give other weights.")] = 0,
) -> None:
    """Write a checkpoint of random weights, which finds every object on every frame.

    Objects that are gone would have empty masks, which cost less to store and are always alike.
    """
    predictor = build_reference(config, seed=seed)
    with torch.no_grad():
        predictor.sam_mask_decoder.pred_obj_score_head.layers[-1].bias += _PRESENCE
    with unfinished_file(out) as unfinished:
        save_checkpoint(predictor, unfinished)


if __name__ == "__main__":
    typer.run(make_checkpoint)
