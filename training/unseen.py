"""Drawn clips that neither training nor validation has seen, also as a data set of files.

`python -m training.unseen FOLDER [--clips 12]` writes `FOLDER/easy`, `FOLDER/hard` and
`FOLDER/distractors` in the layout that `sam2ov eval` reads: `<sequence>/frames/*.jpg` and
`<sequence>/masks/*.png`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np

from sam2ov.export.pictures import palette_png
from training.distractors import TROUBLES, distractor_clip
from training.objects import Difficulty
from training.scenes import Clip, make_clip

SEED = 2_000_000  # neither training nor validation comes here
FRAMES, SIZE_HW, OBJECTS = 24, (240, 426), 2
LEVELS: tuple[Difficulty, ...] = ("easy", "hard")


def unseen_clip(difficulty: Difficulty, index: int) -> Clip:
    """The clip of that number; no photos are in it."""
    return long_clip(difficulty, index, FRAMES)


def long_clip(difficulty: Difficulty, index: int, num_frames: int) -> Clip:
    """A clip of another length; one of the same number and length is the same."""
    rng = np.random.default_rng(SEED + index)
    return make_clip(rng, num_frames, SIZE_HW, OBJECTS, difficulty)


def write_frames(clip: Clip, folder: Path) -> None:
    """The frames as JPEG files, named by their numbers."""
    for index, frame in enumerate(clip.frames):
        path = folder / f"{index:05d}.jpg"
        if not cv2.imwrite(str(path), frame[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95]):
            raise OSError(f"{path} cannot be written: is the folder there, and the disk not full?")


def write_sequence(clip: Clip, folder: Path) -> None:
    """Frames and label maps into the new folders `frames` and `masks` of a folder."""
    for name in ("frames", "masks"):
        (folder / name).mkdir(parents=True)
    write_frames(clip, folder / "frames")
    for index, labels in enumerate(clip.masks):
        (folder / "masks" / f"{index:05d}.png").write_bytes(palette_png(labels))


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, help="where the data set goes")
    parser.add_argument("--clips", type=int, default=12, help="of each difficulty")
    arguments = parser.parse_args()
    for difficulty in LEVELS:
        for index in range(arguments.clips):
            name = f"{difficulty}{index:02d}"
            write_sequence(unseen_clip(difficulty, index), arguments.folder / difficulty / name)
    for index in range(arguments.clips):
        name = f"{TROUBLES[index % len(TROUBLES)]}{index:02d}"
        write_sequence(distractor_clip(index), arguments.folder / "distractors" / name)


if __name__ == "__main__":
    main()
