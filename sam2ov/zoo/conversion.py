"""Running the converter in a process of its own, which can be stopped and gives its memory back."""

import logging
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any, Literal

import sam2ov.errors
from sam2ov.errors import ConversionError, ModelError
from sam2ov.progress import CancelCheck, Progress, ProgressCallback
from sam2ov.zoo.child_process import how_it_ended, json_lines, last_words, running_module

Weights = Literal["f16", "f32"]

CONVERTER = "convert"
"""The module that is run."""

_log = logging.getLogger(__name__)


def convert_checkpoint(
    checkpoint: Path,
    out: Path,
    *,
    config: str | None,
    name: str,
    image_sizes: Sequence[int] | None = None,
    halved: bool = False,
    weights: Weights = "f16",
    progress: ProgressCallback | None = None,
    cancel: CancelCheck | None = None,
) -> None:
    """Convert ``checkpoint`` into the model folder ``out`` and wait for it.

    ``config`` is upstream's name or a yaml file; None lets the converter find the official one.
    ``image_sizes`` are sides of the input; None takes the one that the model was trained at, and
    with ``halved`` half of it besides: all that presets ask for.

    Raises:
        CheckpointError: the checkpoint is truncated, unsafe, or does not fit ``config``.
        ConversionError: the converter failed or was killed.
        CancelledError: ``cancel`` returned true; the converter was stopped.
    """
    arguments: list[str | Path] = [checkpoint.absolute(), "--out", out.absolute()]
    arguments += ["--name", name]
    arguments += ["--weights", weights, "--progress", "json"]
    if config is not None:
        arguments += ["--config", config]
    if image_sizes is not None:
        arguments += ["--image-size", ",".join(map(str, image_sizes))]
    if halved:
        arguments += ["--halved"]
    with tempfile.TemporaryFile(mode="w+", encoding="utf-8", errors="replace") as log:
        error: dict[str, Any] | None = None
        with running_module(CONVERTER, arguments, log) as process:
            for message in json_lines(process, cancel, "Conversion"):
                if "error" in message:
                    error = message
                elif "note" in message:
                    _log.info("%s: %s", checkpoint.name, message["note"])
                elif progress is not None:
                    stage, done, total = message["stage"], message["done"], message["total"]
                    progress(Progress(stage, done, total, "items"))
            exit_code = process.wait()
        if exit_code != 0 or error is not None:
            raise _failure(checkpoint, exit_code, error, log)


def _failure(
    checkpoint: Path, exit_code: int, error: dict[str, Any] | None, log: IO[str]
) -> ModelError:
    """The converter's own error, or the end of what it wrote to standard error."""
    if error is not None:
        kind = getattr(sam2ov.errors, error["error"], None)
        if isinstance(kind, type) and issubclass(kind, ModelError):
            return kind(error["message"])
        return ConversionError(f"{checkpoint}: {error['error']}: {error['message']}")
    return ConversionError(
        f"The converter {how_it_ended(exit_code)} on {checkpoint}. The last it wrote:\n"
        f"{last_words(log)}"
    )
