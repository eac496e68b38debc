"""Logistic curves fitted to what was judged, in plain NumPy."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from sam2ov.evaluation.trust import JudgedTrack
from sam2ov.project.confidence import is_absent, signals
from sam2ov.values.masks import BoolArray
from sam2ov.zoo.calibration import RIGHT_FROM, Curve, SignalName

Array = npt.NDArray[np.float64]

PRESENT: Final[Mapping[SignalName, int]] = {
    "iou": 1,
    "score": 1,
    "mean_iou": 1,
    "least_iou": 1,
    "grown": -1,
    "shrunk": -1,
    "resized": -1,
    "jumped": -1,
}
"""What speaks for a mask (1) or against it (-1). Signals that a fit turns around are left out: they
would tell of the clips of the fit and of no others. So would "area" and "age", which are not
offered: how large objects are and how long clips last is not the model's doing."""
ABSENT: Final[Mapping[SignalName, int]] = {
    "score": -1,
    "left": 1,
    "mean_iou": 1,
    "least_iou": 1,
    "resized": -1,
}
_PENALTY: Final = 1e-3
_STEPS: Final = 100


class Judged:
    """The frames of tracked objects: signals by name, what was right, and each frame's weight."""

    def __init__(self, groups: Sequence[tuple[float, Sequence[JudgedTrack]]]) -> None:
        """Take groups, each with how much it counts; in one all frames count alike."""
        tracks = [track for _, group in groups for track in group]
        found = [(signals(each.track), each.frames) for each in tracks]
        self.signals: dict[SignalName, Array] = {
            name: np.concatenate([values[name][frames] for values, frames in found])
            for name in (*PRESENT, *ABSENT)
        }
        self.absent: BoolArray = np.concatenate(
            [is_absent(each.track.timeline)[each.frames] for each in tracks]
        )
        self.right: BoolArray = np.concatenate([each.j for each in tracks]) >= RIGHT_FROM
        sizes = [(weight, sum(len(each.j) for each in group)) for weight, group in groups]
        self.weights: Array = np.concatenate([np.full(n, weight / n) for weight, n in sizes if n])

    def fitted(self, *, absent: bool) -> Curve:
        """The curve for frames on which the model sees the object, or for those where it does not.

        Raises:
            ValueError: there are no such frames, or nothing speaks for or against them.
        """
        here = self.absent if absent else ~self.absent
        signs = dict(ABSENT if absent else PRESENT)
        while signs:
            names = list(signs)
            matrix = np.stack([self.signals[name][here] for name in names], axis=1)
            bias, slopes = fit_logistic(matrix, self.right[here], self.weights[here])
            weight = dict(zip(names, slopes.tolist(), strict=True))
            # By how much each turned one speaks, over what is usual.
            strength = dict(zip(names, np.abs(slopes) * matrix.std(axis=0), strict=True))
            turned = [name for name in names if weight[name] * signs[name] < 0]
            if not turned:
                rounded = {name: round(each, 4) for name, each in weight.items()}
                return Curve(bias=round(bias, 4), weights=rounded)
            del signs[max(turned, key=strength.__getitem__)]
        raise ValueError("No signal tells right from wrong on these clips.")


def fit_logistic(matrix: Array, right: BoolArray, weights: Array) -> tuple[float, Array]:
    """Bias and slopes of a logistic regression, by Newton's method.

    Args:
        matrix: [N, K].
        right: [N].
        weights: [N], of the rows.
    """
    middle, spread = matrix.mean(axis=0), matrix.std(axis=0) + 1e-6
    rows = np.column_stack([np.ones(len(matrix)), (matrix - middle) / spread])
    weights = weights / weights.mean()
    penalty = np.diag([0.0, *[_PENALTY * len(rows)] * matrix.shape[1]])
    found = np.zeros(rows.shape[1])
    for _ in range(_STEPS):
        chance = 1 / (1 + np.exp(-np.clip(rows @ found, -50, 50)))
        slope = rows.T @ (weights * (right - chance)) - penalty @ found
        bend = (rows * (weights * chance * (1 - chance) + 1e-9)[:, None]).T @ rows + penalty
        step = np.linalg.solve(bend, slope)
        found += step
        if np.abs(step).max() < 1e-9:
            break
    slopes = found[1:] / spread
    return float(found[0] - slopes @ middle), slopes
