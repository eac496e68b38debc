"""Measure every export format on a 10 s clip of 1280×720 with two objects; prints a README table.

    python -m tools.export_sizes [--seconds 10]

The clip is made here: textured objects over a panning, textured background with noise, 24 frames
per second, with sound; masks are those that it was painted with, so that no model is needed. Times
are those of this machine and include reading the clip.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from sam2ov.export import FORMATS, ExportFormat
from sam2ov.export.plan import ExportSource
from sam2ov.export.run import run_export
from sam2ov.export.tracked_masks import TrackedMasks
from sam2ov.progress import Progress
from sam2ov.values.masks import BoolArray, FloatArray
from sam2ov.values.objects import ClipObject
from sam2ov.values.palette import default_colour, to_hex
from sam2ov.video import open_video
from tests.clips import Encoding, make_scene, write_clip

FPS = 24
SIZE_HW = (720, 1280)
NAMES = ("dog", "ball")


class PaintedMasks:
    """Masks that are known, as where masks come from: bits [T, N, …] of ``size_hw``."""

    def __init__(self, masks: Sequence[BoolArray]) -> None:
        self.num_frames = sum(len(part) for part in masks)
        self.size_hw = SIZE_HW
        self.obj_ids = (1, 2)
        self._bits = np.concatenate([np.packbits(part, axis=-1) for part in masks])

    def logits_at(
        self, frame_idx: int, size_hw: tuple[int, int], obj_ids: Sequence[int] | None = None
    ) -> FloatArray:
        """The masks as logits of ±10."""
        assert size_hw == self.size_hw
        bits = self._bits[frame_idx, [i - 1 for i in obj_ids or self.obj_ids]]
        return np.unpackbits(bits, axis=-1).astype(np.float32) * 20 - 10


def make_clip(folder: Path, seconds: float) -> tuple[Path, PaintedMasks]:
    """Paint the clip; frames have noise, because cameras do."""
    scene = make_scene(round(seconds * FPS), SIZE_HW, seed=5, barcode=False)
    noise = np.random.default_rng(5).normal(0, 3, (8, *SIZE_HW, 3)).astype(np.float32)
    for number, frame in enumerate(scene.frames):
        frame[:] = (frame + noise[number % 8]).clip(0, 255).astype(np.uint8)
    encoding = Encoding(options={"crf": "20", "preset": "medium"}, audio="aac")
    path = write_clip(folder / "clip", scene.frames, encoding)
    return path, PaintedMasks([scene.masks])


def measure(
    known: ExportFormat, clip: Path, stored: PaintedMasks, folder: Path
) -> tuple[int, float]:
    """Write a format; returns bytes and frames per second."""
    objects = [ClipObject(i, name, to_hex(default_colour(i))) for i, name in enumerate(NAMES, 1)]
    out = folder / f"out-{known.name}{known.suffix or ''}"

    def show(step: Progress) -> None:
        if sys.stderr.isatty():
            print(f"\r{known.name}: {step.done} of {step.total}  ", end="", file=sys.stderr)

    with open_video(clip) as reader:
        source = ExportSource.of("clip.mp4", reader, TrackedMasks(stored, objects))
        started = time.perf_counter()
        (path,) = run_export(known, [source], out, progress=show)
        seconds = time.perf_counter() - started
    files = [path] if path.is_file() else [p for p in path.rglob("*") if p.is_file()]
    return sum(file.stat().st_size for file in files), stored.num_frames / seconds


def in_words(num_bytes: int) -> str:
    """A size with two digits or more."""
    if num_bytes < 950_000:
        return f"{num_bytes / 1e3:.0f} kB"
    return f"{num_bytes / 1e6:.{0 if num_bytes > 9.5e6 else 1}f} MB"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10, help="length of the clip")
    seconds = parser.parse_args().seconds
    print("| Format | For | Alpha | Lossless | Size | Frames/s |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="sam2ov-sizes-") as name:
        folder = Path(name)
        clip, stored = make_clip(folder, seconds)
        for known in FORMATS.values():
            num_bytes, fps = measure(known, clip, stored, folder)
            facts = ("yes" if fact else "–" for fact in (known.has_alpha, known.is_lossless))
            print(
                f"| `{known.name}` | {known.purpose} | {' | '.join(facts)} "
                f"| {in_words(num_bytes)} | {fps:.0f} |",
                flush=True,
            )
        print(f"\nThe clip itself: {clip.stat().st_size / 1e6:.1f} MB.")


if __name__ == "__main__":
    main()
