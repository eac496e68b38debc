"""Reading checkpoints that may come from anywhere: nothing in them is executed."""

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from sam2ov.errors import CheckpointError

_NAMED_IN_MESSAGE = 5


def load_state_dict(path: Path) -> dict[str, Tensor]:
    """Read the weights of a ``.pt`` (``{"model": {...}}`` or bare) or ``.safetensors`` file.

    Raises:
        CheckpointError: the file is missing, truncated, would execute code when loaded, holds no
            weights, or holds weights that are not finite.
    """
    content = _read(path)
    state_dict = content.get("model", content) if isinstance(content, Mapping) else None
    if not isinstance(state_dict, Mapping) or not state_dict:
        raise CheckpointError(
            f"{path} holds no weights: expected {{'model': state_dict}} as upstream writes it, "
            f"or a state_dict, found {type(content).__name__}."
        )
    for key, tensor in state_dict.items():
        if not isinstance(tensor, Tensor):
            raise CheckpointError(
                f"{path} holds no plain weights: {key!r} is a {type(tensor).__name__}."
            )
        if not torch.isfinite(tensor).all():
            raise CheckpointError(
                f"{path} is damaged or its training diverged: {key!r} has values that are not "
                "finite."
            )
    return {str(key): tensor for key, tensor in state_dict.items()}


def _read(path: Path) -> Any:
    if not path.is_file():
        raise CheckpointError(f"There is no checkpoint at {path}.")
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        # Torch's restricted unpickler met a byte that is no instruction: this is no pickle.
        if "Unsupported operand" not in str(error):
            raise CheckpointError(
                f"{path} was refused: loading it would run code that it contains, or build objects "
                "other than tensors. Save its weights alone, "
                "torch.save({'model': model.state_dict()}, path), and convert that."
            ) from error
        raise _damaged(path) from error
    except (SafetensorError, RuntimeError, EOFError, ValueError, KeyError, OSError) as error:
        raise _damaged(path) from error


def _damaged(path: Path) -> CheckpointError:
    return CheckpointError(
        f"{path} cannot be read: it is truncated, damaged, or no checkpoint "
        f"({path.stat().st_size:,} bytes). Download or copy it again."
    )


def check_fits(model: torch.nn.Module, state_dict: Mapping[str, Tensor], config: str) -> None:
    """Check that a checkpoint has the keys and shapes of a model, and no others.

    Raises:
        CheckpointError: keys are missing or unexpected, or shapes differ; the message names them.
    """
    expected = model.state_dict()
    problems = (
        ("missing", sorted(expected.keys() - state_dict.keys())),
        ("unexpected", sorted(state_dict.keys() - expected.keys())),
        (
            "of another shape",
            [
                f"{key} {tuple(state_dict[key].shape)} instead of {tuple(tensor.shape)}"
                for key, tensor in expected.items()
                if key in state_dict and state_dict[key].shape != tensor.shape
            ],
        ),
    )
    found = [f"{len(keys)} {kind} ({_some(keys)})" for kind, keys in problems if keys]
    if found:
        raise CheckpointError(
            f"The checkpoint does not fit the configuration {config}: tensors {'; '.join(found)}. "
            "Give the configuration that it was trained with (--config NAME or a yaml file)."
        )


def _some(keys: list[str]) -> str:
    more = len(keys) - _NAMED_IN_MESSAGE
    return ", ".join(keys[:_NAMED_IN_MESSAGE]) + (f" and {more} more" if more > 0 else "")
