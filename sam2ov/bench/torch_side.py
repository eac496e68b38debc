"""The authors' own predictor in torch, tracking the same clip in a process of its own.

The runtime knows no torch: ``tools.torch_baseline`` has it, and is told what to do line by line.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import numpy as np

import sam2ov
from sam2ov.bench.clip import BenchClip, Box
from sam2ov.bench.model import Weights
from sam2ov.bench.tracking import PackedMasks
from sam2ov.errors import ModelError
from sam2ov.video import open_video
from sam2ov.workers.environment import module_environment

BASELINE = "tools.torch_baseline"
"""The module that is run."""

_BESIDE = Path(sam2ov.__file__).parents[1]

TorchPrecision = Literal["f32", "bf16"]

# While one side computes the other must not: threads that wait for work sleep.
_SLEEPING_THREADS = {"OMP_WAIT_POLICY": "PASSIVE", "KMP_BLOCKTIME": "0"}
_FRAMES_FILE = "frames.npy"
_SECONDS_TO_STOP = 5.0
_CHARACTERS_IN_MESSAGE = 2000


@dataclass(frozen=True, eq=False)
class TorchRound:
    """Frames that torch tracked in one go.

    Attributes:
        first_frame: index of the first one.
        seconds_per_frame: from the decoded frame to boolean masks at video size, on average.
        peak_memory_bytes: of its process so far, or None.
        masks: [K, N, H, W / 8] of the frames.
    """

    first_frame: int
    seconds_per_frame: float
    peak_memory_bytes: int | None
    masks: PackedMasks


class TorchBaseline:
    """A process with the authors' predictor; ends with the block.

    Args:
        precision: "bf16" as upstream runs it (autocast), or "f32".
        weights: the same as on the other side.
        image_size: side of the model's input.
        threads: how many it may compute on.
        folder: holds what ``write_decoded_frames`` wrote; masks on their way here go there, too.
        python: the interpreter that has torch and the model's package; None is this one.

    Attributes:
        version: of torch.

    Raises:
        ModelError: this is no checkout, the process cannot load the model, or fails later on.
    """

    def __init__(
        self,
        precision: TorchPrecision,
        weights: Weights,
        image_size: int,
        threads: int,
        folder: Path,
        python: Path | None = None,
    ) -> None:
        source = _BESIDE.joinpath(*BASELINE.split(".")).with_suffix(".py")
        if not source.is_file():
            raise ModelError(
                f"Torch's side of the comparison is part of a checkout, not of the installed "
                f"package: there is no {source}. Run sam2ov bench from a clone of the repository."
            )
        self.precision = precision
        self._folder = folder
        self._command = [os.fspath(python or sys.executable), "-P", "-m", BASELINE]
        self._command.append(os.fspath(weights.checkpoint))
        self._command += ["--config", weights.config, "--image-size", str(image_size)]
        self._command += ["--precision", precision, "--threads", str(threads)]
        self._environment = module_environment() | _SLEEPING_THREADS
        self._environment["OMP_NUM_THREADS"] = str(threads)

    def __enter__(self) -> Self:
        self._log = tempfile.TemporaryFile(mode="w+", encoding="utf-8", errors="replace")
        try:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                encoding="utf-8",
                errors="replace",
                env=self._environment,
            )
        except OSError as error:
            self._log.close()
            raise ModelError(f"{self._command[0]} cannot be run: {error.strerror}.") from error
        try:
            self.version: str = self._answer()["torch"]
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()

    def open(self, boxes: Sequence[Box]) -> None:
        """Begin the clip anew, with a box for each object on frame 0."""
        frames = os.fspath(self._folder / _FRAMES_FILE)
        self._tell({"command": "open", "frames": frames, "boxes": boxes})

    def track(self, frames: int) -> TorchRound:
        """Go on by some frames."""
        path = self._folder / f"masks-{self.precision}.npy"
        done = self._tell({"command": "track", "frames": frames, "masks": os.fspath(path)})
        return TorchRound(
            first_frame=done["first_frame"],
            seconds_per_frame=done["seconds"] / frames,
            peak_memory_bytes=done["peak_memory_bytes"],
            masks=np.load(path),
        )

    def _tell(self, message: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(message) + "\n")
            self._process.stdin.flush()
        except OSError as error:
            raise self._failure(None) from error
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            try:
                message: dict[str, Any] = json.loads(line)
            except json.JSONDecodeError:  # some library's print
                continue
            if "error" in message:
                raise self._failure(f"{message['error']}: {message['message']}")
            return message
        raise self._failure(None)

    def _failure(self, reason: str | None) -> ModelError:
        if reason is None:
            self._log.seek(0)
            reason = self._log.read()[-_CHARACTERS_IN_MESSAGE:].rstrip() or "(nothing)"
            reason = f"it ended; the last it wrote:\n{reason}"
        return ModelError(f"torch's side of the comparison ({self.precision}) failed: {reason}")

    def _stop(self) -> None:
        self._process.terminate()
        with self._process:
            try:
                self._process.wait(_SECONDS_TO_STOP)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._log.close()


def write_decoded_frames(clip: BenchClip, num_frames: int, folder: Path) -> None:
    """Decode the first frames of a clip into a file, uint8 RGB [T, H, W, 3]."""
    frames = np.lib.format.open_memmap(
        folder / _FRAMES_FILE, mode="w+", dtype=np.uint8, shape=(num_frames, *clip.size_hw, 3)
    )
    with open_video(clip.path) as reader:
        for frame_idx in range(num_frames):
            frames[frame_idx] = reader.read(frame_idx)
    frames.flush()
