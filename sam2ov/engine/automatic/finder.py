"""Finding masks: clicks all over an image, and of what they give the good ones, each once."""

from collections.abc import Iterator
from functools import partial
from typing import Final

import numpy as np
import numpy.typing as npt

from sam2ov.engine.automatic.boxes import suppress, touch_crop_edge
from sam2ov.engine.automatic.found import Candidate, FoundMask, measured
from sam2ov.engine.automatic.grids import Crop, crops, point_grids
from sam2ov.engine.automatic.settings import AutomaticSettings, PointGrids
from sam2ov.engine.image import (
    AT_ONCE,
    EmbeddedImage,
    ImageMasks,
    ImagePrompts,
    answer_prompts,
    embed_image,
)
from sam2ov.engine.model import SAM2Model
from sam2ov.engine.side_by_side import side_by_side
from sam2ov.progress import CancelCheck, Progress, ProgressCallback, raise_if_cancelled
from sam2ov.values.masks import FloatArray
from sam2ov.values.prompts import Label, points_to_model

STAGE: Final = "Finding masks"
_FEEDBACK_LIMIT: Final = 32.0


class MaskFinder:
    """Finds masks of everything in images, one image at a time.

    Memory does not grow with the number of clicks: what was found is kept as run lengths.

    Args:
        model: the compiled networks.
        settings: see there.
        grids: clicks of one's own for each layer, in place of ``points_per_side``.
    """

    def __init__(
        self, model: SAM2Model, settings: AutomaticSettings, grids: PointGrids | None = None
    ) -> None:
        self.model = model
        self.settings = settings
        self.grids = point_grids(settings) if grids is None else grids

    def find(
        self,
        image: npt.NDArray[np.uint8],
        *,
        progress: ProgressCallback | None = None,
        cancel: CancelCheck | None = None,
    ) -> list[FoundMask]:
        """The masks of an image, those with the best predicted IoU first.

        Args:
            image: uint8 RGB [H, W, 3].
            progress: told of the clicks that are answered.
            cancel: asked after every few clicks.

        Raises:
            CancelledError: ``cancel`` returned true.
        """
        found: list[FoundMask] = []
        for step in self.steps(image):
            if isinstance(step, Progress):
                if progress is not None:
                    progress(step)
                raise_if_cancelled(cancel, STAGE)
            else:
                found = step
        return found

    def steps(self, image: npt.NDArray[np.uint8]) -> Iterator[Progress | list[FoundMask]]:
        """The same, a few clicks at a time: progress, and last the masks.

        Whoever shares the model takes a turn for each step.
        """
        settings, size_hw = self.settings, image.shape[:2]
        places = list(crops(size_hw, settings.crop_n_layers, settings.crop_overlap_ratio))
        total = sum(len(self.grids[crop.layer]) for crop in places)
        done = 0
        kept: list[FoundMask] = []
        for crop in places:
            pixels = image[crop.y0 : crop.y1, crop.x0 : crop.x1]
            embedded = embed_image(self.model, pixels)
            yield Progress(STAGE, done, total, "items")
            measured_parts: list[list[FoundMask | None]] = []
            with side_by_side(len(self.grids[crop.layer])) as run:
                for answered, candidates in self._candidates(embedded, crop):
                    part: list[FoundMask | None] = [None] * len(candidates)
                    measured_parts.append(part)
                    run(partial(self._measure, part, crop, size_hw), enumerate(candidates))
                    yield Progress(STAGE, done + answered, total, "items")
            done += len(self.grids[crop.layer])
            found = [each for part in measured_parts for each in part if each is not None]
            kept += self._best_of_crop(found, crop, size_hw)
        yield self._best(kept) if len(places) > 1 else kept

    def _measure(
        self,
        part: list[FoundMask | None],
        crop: Crop,
        size_hw: tuple[int, int],
        numbered: tuple[int, Candidate],
    ) -> None:
        """Put what a candidate comes to at its place in ``part``."""
        index, candidate = numbered
        part[index] = measured(candidate, crop, size_hw, self.settings)

    def _candidates(
        self, image: EmbeddedImage, crop: Crop
    ) -> Iterator[tuple[int, list[Candidate]]]:
        """The answers to a crop's clicks, and how many have been answered."""
        height, width = image.size_hw
        settings = self.settings
        points = np.asarray(self.grids[crop.layer] * (width, height), np.float32)
        answers = answer_prompts(
            self.model,
            image,
            self._clicks(points, image),
            multimask=settings.multimask_output,
            at_once=min(AT_ONCE, settings.points_per_batch),
        )
        for found in answers:
            clicked = np.repeat(
                points[found.start : found.start + len(found.ious)], found.ious.shape[1], axis=0
            )
            logits = found.mask_logits.reshape(-1, *found.mask_logits.shape[2:])
            ious = found.ious.reshape(-1)
            if settings.use_m2m:
                logits, ious = self._refined(image, clicked, logits)
            good = np.flatnonzero(
                ious > settings.pred_iou_thresh
                if settings.pred_iou_thresh > 0
                else np.ones(len(ious), np.bool_)
            )
            yield (
                found.start + len(found.ious),
                [Candidate(logits[i], ious[i], clicked[i]) for i in good],
            )

    def _clicks(
        self, points: FloatArray, image: EmbeddedImage, logits: FloatArray | None = None
    ) -> ImagePrompts:
        side = self.model.manifest.image_size
        labels = np.full((len(points), 1), Label.POSITIVE, np.int32)
        return ImagePrompts(points_to_model(points, image.size_hw, side)[:, None], labels, logits)

    def _refined(
        self, image: EmbeddedImage, points: FloatArray, logits: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Each mask shown to the decoder with its click: logits [N, h, w] and IoUs [N]."""
        feedback = np.clip(logits, -_FEEDBACK_LIMIT, _FEEDBACK_LIMIT)
        answers: list[ImageMasks] = list(
            answer_prompts(
                self.model, image, self._clicks(points, image, feedback), multimask=False
            )
        )
        return (
            np.concatenate([each.mask_logits[:, 0] for each in answers]),
            np.concatenate([each.ious[:, 0] for each in answers]),
        )

    def _best_of_crop(
        self, found: list[FoundMask], crop: Crop, size_hw: tuple[int, int]
    ) -> list[FoundMask]:
        """Without masks that the crop cuts off, and of those much alike the best."""
        boxes = _boxes(found)
        whole = [
            each
            for each, is_cut in zip(found, touch_crop_edge(boxes, crop, size_hw), strict=True)
            if not is_cut
        ]
        scores = np.array([each.iou for each in whole], np.float32)
        return [whole[i] for i in suppress(_boxes(whole), scores, self.settings.box_nms_thresh)]

    def _best(self, found: list[FoundMask]) -> list[FoundMask]:
        """Of masks of several crops that are much alike, that of the smallest crop."""
        scores = np.array([1 / each.crop.area for each in found], np.float32)
        return [found[i] for i in suppress(_boxes(found), scores, self.settings.crop_nms_thresh)]


def _boxes(found: list[FoundMask]) -> FloatArray:
    return np.array([each.box for each in found], np.float32).reshape(-1, 4)
