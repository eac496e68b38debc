"""``python -m tools.torch_baseline``: the authors' own predictor, tracking on command.

It is the other side of ``sam2ov bench --against torch``. A command is a JSON object on a line of
standard input, its answer a line of standard output; the first line says that the model is loaded:

    {"command": "open", "frames": PATH, "boxes": [[x0, y0, x1, y1], …]}  → {}
    {"command": "track", "frames": K, "masks": PATH}
        → {"first_frame": i, "seconds": of all K, "peak_memory_bytes": … or null}

``frames`` is uint8 RGB [T, H, W, 3] in a .npy file, mapped, not read; ``masks`` is written: uint8
[K, N, H, W / 8], bits. What is timed begins with a decoded frame (resizing and normalising are
in) and ends with boolean masks at video size. What goes wrong is {"error": CLASS, "message": …}.
"""

import argparse
import json
import re
import sys
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from tools.torch_predictor import (
    Predictor,
    build_predictor,
    init_state,
    keep_memories_in_float32,
    load_checkpoint,
)

Precision = Literal["f32", "bf16"]


class TorchBaseline:
    """A predictor and the clip that it tracks.

    Args:
        predictor: upstream's.
        precision: "bf16" is upstream's way: autocast, and memories stored as bfloat16.
    """

    def __init__(self, predictor: Predictor, precision: Precision) -> None:
        self._predictor = predictor
        self._precision = precision
        self._steps: Iterator[tuple[int, list[int], torch.Tensor]] = iter(())

    def open(self, frames: Path, boxes: list[list[float]]) -> dict[str, Any]:
        """Open a clip and give each object's box on frame 0."""
        clip: NDArray[np.uint8] = np.load(frames, mmap_mode="r")
        with torch.inference_mode(), self._autocast():
            state = init_state(self._predictor, clip)
            for obj_id, box in enumerate(boxes, 1):
                # A box is two points with labels of their own; EfficientTAM's has no other way.
                corners = np.array(box).reshape(2, 2)
                self._predictor.add_new_points(state, 0, obj_id, points=corners, labels=[2, 3])
        self._steps = self._predictor.propagate_in_video(state)
        return {}

    def track(self, frames: int, masks: Path) -> dict[str, Any]:
        """Go on by some frames."""
        indices, found = [], []
        started = time.perf_counter()
        with torch.inference_mode(), self._autocast():
            for _ in range(frames):
                frame_idx, _, logits = next(self._steps)
                indices.append(frame_idx)
                found.append((logits[:, 0] > 0).numpy())
        seconds = time.perf_counter() - started
        np.save(masks, np.packbits(np.stack(found), axis=-1))
        return {
            "first_frame": indices[0],
            "seconds": seconds,
            "peak_memory_bytes": _peak_memory_bytes(),
        }

    def answer(self, message: dict[str, Any]) -> dict[str, Any]:
        """Do what a command says."""
        match message["command"]:
            case "open":
                return self.open(Path(message["frames"]), message["boxes"])
            case "track":
                return self.track(message["frames"], Path(message["masks"]))
            case unknown:
                raise ValueError(f"there is no command {unknown!r}")

    def _autocast(self) -> Any:
        if self._precision == "bf16":
            return torch.autocast("cpu", torch.bfloat16)
        return nullcontext()


def load_baseline(
    checkpoint: Path, config: str, image_size: int, precision: Precision
) -> TorchBaseline:
    """The predictor of a configuration with a checkpoint's weights.

    Raises:
        ValueError: the configuration is unknown or names what is no part of upstream's model, or
            the checkpoint does not fit it.
        pickle.UnpicklingError: the checkpoint holds more than tensors.
    """
    if precision == "f32":
        keep_memories_in_float32()
    predictor = build_predictor(config, image_size)
    load_checkpoint(predictor, checkpoint)
    return TorchBaseline(predictor, precision)


def _peak_memory_bytes() -> int | None:
    status = Path("/proc/self/status")
    if not status.is_file():
        return None
    found = re.search(r"^VmHWM:\s*(\d+) kB$", status.read_text(), re.MULTILINE)
    return int(found[1]) * 1024 if found is not None else None


def _say(message: dict[str, Any]) -> None:
    print(json.dumps(message), flush=True)


def main() -> None:
    """Load, then answer until standard input ends."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--config", required=True)
    parser.add_argument("--image-size", type=int, required=True)
    parser.add_argument("--precision", choices=("f32", "bf16"), required=True)
    parser.add_argument("--threads", type=int, required=True)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    try:
        baseline = load_baseline(
            options.checkpoint, options.config, options.image_size, options.precision
        )
        _say({"torch": torch.__version__, "threads": torch.get_num_threads()})
        for line in sys.stdin:
            _say(baseline.answer(json.loads(line)))
    except Exception as error:
        _say({"error": type(error).__name__, "message": str(error)})
        raise SystemExit(1) from error


if __name__ == "__main__":
    main()
