"""Paired differences of two evaluations, and how sure they are."""

import numpy as np
import pytest

from sam2ov.evaluation.comparison import compare
from sam2ov.evaluation.scores import ObjectScores, SequenceScores, overall


def scored(name: str, *objects: float) -> SequenceScores:
    """A sequence of two frames, whose objects have these J and F."""
    return SequenceScores(
        name,
        tuple(
            ObjectScores(number, {1: value, 2: value}, {1: value, 2: value})
            for number, value in enumerate(objects, 1)
        ),
        2,
        1.0,
    )


def test_objects_count_alike_and_sequences_are_told() -> None:
    before = [scored("a", 0.5, 0.6), scored("b", 0.4)]
    after = [scored("a", 0.6, 0.6), scored("b", 0.7)]
    found = compare(before, after)
    assert found.sequences == pytest.approx({"a": 5, "b": 30})
    assert found.mean == pytest.approx(overall(after).j_and_f - overall(before).j_and_f)
    assert found.mean == pytest.approx(40 / 3)
    assert found.low == pytest.approx(5)
    assert found.high == pytest.approx(30)
    assert found.as_json()["interval"] == [5.0, 30.0]


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(3)
    covered = 0
    for _ in range(40):
        before = [scored(str(i), 0.5) for i in range(30)]
        after = [scored(str(i), 0.5 + float(rng.normal(0.02, 0.05))) for i in range(30)]
        found = compare(before, after)
        covered += found.low <= 2.0 <= found.high
    assert covered >= 33


def test_equal_results_differ_by_nothing() -> None:
    same = [scored("a", 0.5), scored("b", 0.9)]
    found = compare(same, same)
    assert (found.mean, found.low, found.high) == (0, 0, 0)
