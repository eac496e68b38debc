"""Drawn photos with masks, in the layout that packing reads."""

from pathlib import Path

import cv2
import numpy as np

from training.textures import texture


def write_photos(folder: Path, count: int = 22) -> None:
    """Photos with two objects each."""
    (folder / "drawn").mkdir(parents=True)
    rng = np.random.default_rng(0)
    for index in range(count):
        labels = np.zeros((90, 120), np.uint8)
        labels[20:60, 15:50], labels[40:80, 70:110] = 1, 2
        path = folder / "drawn" / f"{index:02d}.jpg"
        cv2.imwrite(str(path), texture(rng, (90, 120)))
        cv2.imwrite(str(path.with_suffix(".png")), labels)
