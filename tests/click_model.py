"""A red square that moves right, and a model that answers clicks."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from sam2ov.engine.model import DecodedMasks, ImageFeatures, PromptEmbeddings
from sam2ov.project import ModelDocument
from sam2ov.values.masks import FloatArray
from tests.clips import write_clip
from tests.fake_model import SIZE, FakeModel

NUM_FRAMES = 12
HEIGHT, WIDTH = 64, 96
MODEL = ModelDocument(model="fake", device="CPU", weights="0")


@dataclass
class ClickModel(FakeModel):
    """Clicks make discs, boxes areas, earlier answers shine through; tracking finds what is red."""

    prompts: list[tuple[FloatArray, npt.NDArray[np.int32], FloatArray | None]] = field(
        default_factory=list
    )

    def encode_prompts(
        self,
        points_xy_model: FloatArray,
        labels: npt.NDArray[np.int32],
        mask_logits: FloatArray | None,
    ) -> PromptEmbeddings:
        self.prompts.append((points_xy_model, labels, mask_logits))
        return super().encode_prompts(points_xy_model, labels, mask_logits)

    def decode_masks(
        self, embedding: FloatArray, features: ImageFeatures, prompts: PromptEmbeddings
    ) -> DecodedMasks:
        found = super().decode_masks(embedding, features, prompts)
        points, labels, feedback = self.prompts[-1]
        if labels.max() < 0 or len(embedding) != len(points):  # tracking: no prompts
            return found
        side = self.manifest.low_res_size
        y, x = np.mgrid[:side, :side] * (SIZE / side) + SIZE / side / 2
        logits = np.full((side, side), -4.0, np.float32)
        if feedback is not None:
            logits += 0.25 * feedback[0]
        kinds = labels[0].tolist()
        if 2 in kinds:
            (x0, y0), (x1, y1) = points[0][kinds.index(2)], points[0][kinds.index(3)]
            logits[(x >= x0) & (x <= x1) & (y >= y0) & (y <= y1)] = 6
        for (px, py), label in zip(points[0], kinds, strict=True):
            if label in (0, 1):
                logits[np.hypot(x - px, y - py) < 12] = 6 if label else -6
        return DecodedMasks(
            np.broadcast_to(logits, (1, 4, side, side)).copy(),
            found.ious,
            found.pointers,
            np.full(1, 5.0, np.float32),
        )


def write_square_clip(folder: Path) -> Path:
    """The red square as a clip."""
    frames = np.full((NUM_FRAMES, HEIGHT, WIDTH, 3), 60, np.uint8)
    for index, frame in enumerate(frames):
        frame[16:48, 8 + 2 * index : 40 + 2 * index] = (255, 0, 0)
    return write_clip(folder / "square", frames)
