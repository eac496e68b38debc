"""How much better one way of tracking is than another on the same sequences."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from sam2ov.evaluation.scores import SequenceScores, average

_DRAWS: Final = 10_000
_SEED: Final = 1


@dataclass(frozen=True)
class Comparison:
    """Differences in J&F, other less baseline, 0 to 100.

    Attributes:
        sequences: by name, the mean of its objects.
        mean: over all objects, as ``overall`` takes it.
        low: the interval in which that mean lies with 95 % confidence, by the bootstrap over
            sequences (10,000 draws, fixed seed); ``high``: see there.
        high: see ``low``.
    """

    sequences: dict[str, float]
    mean: float
    low: float
    high: float

    def as_json(self) -> dict[str, Any]:
        """For a results file."""
        return {
            "mean": round(self.mean, 2),
            "interval": [round(self.low, 2), round(self.high, 2)],
            "sequences": {name: round(value, 2) for name, value in self.sequences.items()},
        }


def compare(baseline: Sequence[SequenceScores], other: Sequence[SequenceScores]) -> Comparison:
    """Compare two evaluations of the same sequences, object by object.

    Args:
        baseline: one way.
        other: the other, of the same sequences in the same order.
    """
    found: dict[str, list[float]] = {}
    for before, after in zip(baseline, other, strict=True):
        assert before.name == after.name, "the same sequences"
        found[before.name] = [
            average([new]).j_and_f - average([old]).j_and_f
            for old, new in zip(before.objects, after.objects, strict=True)
        ]
    sums = np.array([sum(each) for each in found.values()])
    counts = np.array([len(each) for each in found.values()])
    drawn = np.random.default_rng(_SEED).integers(len(sums), size=(_DRAWS, len(sums)))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    low, high = np.percentile(means, (2.5, 97.5))
    return Comparison(
        {name: float(np.mean(each)) for name, each in found.items()},
        float(sums.sum() / counts.sum()),
        float(low),
        float(high),
    )
