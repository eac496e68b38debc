"""Annotated videos of a red square, which the stand-in networks follow to the pixel."""

from pathlib import Path
from typing import cast

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from sam2ov.engine.model import SAM2Model
from sam2ov.engine.tracker import Tracker
from sam2ov.values.palette import davis_palette
from tests.fake_model import FakeModel

NUM_FRAMES = 8
SIZE_HW = (64, 96)


def square_masks(num_frames: int = NUM_FRAMES) -> NDArray[np.bool_]:
    """A square of 32 pixels that moves right by three pixels a frame, bool [T, H, W]."""
    masks = np.zeros((num_frames, *SIZE_HW), bool)
    for number, mask in enumerate(masks):
        mask[16:48, 8 + 3 * number : 40 + 3 * number] = True
    return masks


def write_frames(folder: Path, masks: NDArray[np.bool_]) -> None:
    """Red where the mask is, on grey; JPEG."""
    folder.mkdir(parents=True)
    for number, mask in enumerate(masks):
        rgb = np.where(mask[..., None], [250, 20, 20], 100).astype(np.uint8)
        Image.fromarray(rgb).save(folder / f"{number:05d}.jpg", quality=95)


def write_masks(folder: Path, labels: NDArray[np.uint8], *, palette: bool) -> None:
    """Label maps [T, H, W]: palette PNG, or grey with 0 and 255."""
    folder.mkdir(parents=True)
    for number, frame in enumerate(labels):
        image = Image.fromarray(frame if palette else (frame > 0).astype(np.uint8) * 255)
        if palette:
            image.putpalette(davis_palette().tobytes())
        image.save(folder / f"{number:05d}.png")


@pytest.fixture
def plain_dataset(tmp_path: Path) -> Path:
    """Two sequences with frames and masks."""
    for name in ("left", "right"):
        masks = square_masks()
        if name == "left":
            masks = masks[:, :, ::-1]
        write_frames(tmp_path / "data" / name / "frames", masks)
        labels = masks.astype(np.uint8)
        write_masks(tmp_path / "data" / name / "masks", labels, palette=name == "right")
    return tmp_path / "data"


@pytest.fixture
def tracker() -> Tracker:
    """On stand-in networks."""
    return Tracker(cast(SAM2Model, FakeModel()))
