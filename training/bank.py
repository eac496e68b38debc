"""All photos on the training device, and batches of crops of them made there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from training import geometry, photometric
from training.data import MASKS_PER_IMAGE, MAX_CUT, MIN_SHARE, SPARSE_SHARE, TURNED_SHARE
from training.model import normalise
from training.pictures import Pictures
from training.tracking import Batch


@dataclass(frozen=True)
class _Objects:
    """A row for each object that can be asked for; those of photo p begin at `starts[p]`."""

    photo: NDArray[np.int64]
    label: NDArray[np.int64]
    box: NDArray[np.float64]  # [R, 4]: x0, y0, x1, y1, ends excluded
    fill: NDArray[np.float64]  # the share of its box that an object fills
    starts: NDArray[np.int64]


class Bank:
    """Photos uint8 [P, 3, L, L] and label maps [P, L, L] on a device, in their upper left."""

    def __init__(self, pictures: Pictures, device: torch.device) -> None:
        side = max(max(still.labels.shape) for still in pictures.stills)
        shape = (len(pictures.objects), side, side)
        rgb, labels = np.zeros((*shape, 3), np.uint8), np.zeros(shape, np.uint8)
        sizes = []
        for row, (index, _) in enumerate(pictures.objects):
            still = pictures.stills[index]
            height, width = still.labels.shape
            rgb[row, :height, :width] = still.rgb
            labels[row, :height, :width] = still.labels
            sizes.append((width, height))
        self.sizes = np.array(sizes, np.float64)
        self.rgb = torch.from_numpy(rgb).to(device).movedim(-1, 1)
        self.labels = torch.from_numpy(labels).to(device)[:, None]
        self.device = device
        self._objects = _table(pictures)

    def draw(self, rng: np.random.Generator, count: int, size: int) -> Batch:
        """`count` photos as clips of one frame, with three objects each."""
        rows = self._pick(rng, count)
        photo = self._objects.photo[rows]
        index = torch.from_numpy(photo).to(self.device, non_blocking=True)
        label = torch.from_numpy(self._objects.label[rows]).to(self.device, non_blocking=True)
        view = _views(rng, self._objects.box[rows], self.sizes[photo])
        extents = (self.sizes[photo, 0], self.sizes[photo, 1])
        rgb, labels = geometry.look(view, self.rgb[index], self.labels[index], size, extents)
        chosen = geometry.choose(labels[:, 0], MASKS_PER_IMAGE, label, MIN_SHARE)
        masks = (labels == chosen[..., None, None]).to(torch.uint8)
        rgb = photometric.degrade(rng, photometric.recolour(rng, rgb))
        return Batch(normalise(rgb.movedim(1, -1))[:, None], masks[:, :, None])

    def _pick(self, rng: np.random.Generator, count: int) -> NDArray[np.int64]:
        """Rows of the table: a photo, one of its objects; often the sparser of two such draws."""
        starts = self._objects.starts
        photos = rng.integers(len(starts) - 1, size=(2, count))
        spans = starts[photos + 1] - starts[photos]
        rows = starts[photos] + np.floor(rng.random((2, count)) * spans).astype(np.int64)
        sparse = rng.random(count) < SPARSE_SHARE
        second = sparse & (self._objects.fill[rows[1]] < self._objects.fill[rows[0]])
        return np.asarray(np.where(second, rows[1], rows[0]), np.int64)


def _views(
    rng: np.random.Generator, boxes: NDArray[np.float64], sizes: NDArray[np.float64]
) -> geometry.View:
    """Crops that hold the object with a random margin; some lean to a side and cut it."""
    count = len(boxes)
    turned = rng.random(count) < TURNED_SHARE
    ends = []
    for axis in (0, 1):
        first, last, whole = boxes[:, axis], boxes[:, axis + 2], sizes[:, axis]
        extent = last - first
        cuts = np.where(turned, rng.uniform(-MAX_CUT, MAX_CUT, (2, count)).clip(0), 0.0)
        first, last = first + cuts[0] * extent, last - cuts[1] * extent
        margins = rng.random((2, count)) ** 1.5
        start = first * margins[0]
        stop = last + (whole - last) * (1 - margins[1])
        ends.append((start, np.maximum(stop, start + 16)))
    (x0, x1), (y0, y1) = ends
    mirrored = np.where(rng.random(count) < 0.5, -1.0, 1.0)
    angle = np.where(turned, rng.uniform(-0.35, 0.35, count), 0.0)
    return geometry.View(
        (x0 + x1) / 2, (y0 + y1) / 2, mirrored * (x1 - x0) / 2, (y1 - y0) / 2, angle
    )


def _table(pictures: Pictures) -> _Objects:
    photo, label, box, fill, starts = [], [], [], [], [0]
    for row, (index, labels) in enumerate(pictures.objects):
        for wanted in labels:
            mask = pictures.stills[index].labels == wanted
            xs, ys = np.flatnonzero(mask.any(0)), np.flatnonzero(mask.any(1))
            x0, y0, x1, y1 = int(xs[0]), int(ys[0]), int(xs[-1]) + 1, int(ys[-1]) + 1
            photo.append(row)
            label.append(wanted)
            box.append((x0, y0, x1, y1))
            fill.append(float(mask.sum()) / ((x1 - x0) * (y1 - y0)))
        starts.append(len(photo))
    return _Objects(
        np.array(photo), np.array(label), np.array(box, float), np.array(fill), np.array(starts)
    )
