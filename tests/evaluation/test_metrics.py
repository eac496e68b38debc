import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from sam2ov.evaluation.metrics import boundary_accuracy, outline, region_similarity
from sam2ov.values.masks import BoolArray


def blobs(seed: int, size_hw: tuple[int, int] = (60, 80), share: float = 0.4) -> BoolArray:
    """Smooth random areas; a small share may leave nothing."""
    noise = np.random.default_rng(seed).standard_normal(size_hw).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 5)
    mask: BoolArray = smooth > np.quantile(smooth, 1 - share)
    return mask


seeds = st.integers(0, 2**16)
shares = st.sampled_from([0.0, 0.02, 0.3, 0.8, 1.0])


@settings(deadline=None, max_examples=40)
@given(seeds, seeds, shares, shares)
def test_both_are_symmetric_and_between_0_and_1(
    one: int, other: int, share: float, other_share: float
) -> None:
    a, b = blobs(one, share=share), blobs(other, share=other_share)
    for metric in (region_similarity, boundary_accuracy):
        value = metric(a, b)
        assert 0 <= value <= 1
        assert metric(b, a) == pytest.approx(value)
        assert metric(a, a) == metric(b, b) == 1


@settings(deadline=None, max_examples=20)
@given(seeds, st.integers(1, 20))
def test_growing_an_error_lowers_j(seed: int, width: int) -> None:
    truth = blobs(seed)
    worse = truth.copy()
    worse[:, :width] ^= True
    worst = truth.copy()
    worst[:, : width + 10] ^= True
    assert region_similarity(worst, truth) < region_similarity(worse, truth) < 1


def test_empty_masks() -> None:
    empty, full = np.zeros((20, 30), bool), blobs(1, (20, 30))
    assert region_similarity(empty, empty) == boundary_accuracy(empty, empty) == 1
    assert region_similarity(empty, full) == boundary_accuracy(empty, full) == 0
    assert boundary_accuracy(full, empty) == 0


def test_an_outline_within_the_tolerance_is_right() -> None:
    truth = np.zeros((300, 400), bool)
    truth[100:200, 100:200] = True
    radius = 4  # 0.008 of a diagonal of 500
    assert boundary_accuracy(np.roll(truth, radius, axis=1), truth) == 1
    assert boundary_accuracy(np.roll(truth, radius + 1, axis=1), truth) < 1
    assert boundary_accuracy(np.roll(truth, 150, axis=1), truth) == 0


def test_the_edge_of_the_picture_is_no_outline() -> None:
    mask = np.zeros((10, 10), bool)
    mask[:, 6:] = True
    assert np.flatnonzero(outline(mask).any(0)).tolist() == [5]
    assert not outline(np.ones((10, 10), bool)).any()


@pytest.mark.parametrize("size_hw", [(60, 80), (270, 480)])
def test_an_independent_implementation_agrees(size_hw: tuple[int, int]) -> None:
    """Rex Cheng's vos-benchmark, whose F is that of davis2017-evaluation."""
    evaluator_module = pytest.importorskip(
        "vos_benchmark.evaluator",
        reason="vos-benchmark is not installed (pip install --no-deps vos-benchmark)",
    )
    theirs = evaluator_module.Evaluator()
    j: dict[int, list[float]] = {1: [], 2: []}
    f: dict[int, list[float]] = {1: [], 2: []}
    for frame in range(8):
        truth, answer = (labels(10 * frame + k, size_hw) for k in (0, 1))
        answer = np.where(labels(10 * frame + 2, size_hw) > 0, truth, answer)
        theirs.feed_frame(answer, truth)
        for obj_id in (1, 2):
            j[obj_id].append(region_similarity(answer == obj_id, truth == obj_id))
            f[obj_id].append(boundary_accuracy(answer == obj_id, truth == obj_id))
    their_j, their_f = theirs.conclude()
    for obj_id in (1, 2):
        assert 100 * np.mean(j[obj_id]) == pytest.approx(their_j[obj_id], abs=1e-9)
        assert 100 * np.mean(f[obj_id]) == pytest.approx(their_f[obj_id], abs=1e-9)


def labels(seed: int, size_hw: tuple[int, int]) -> NDArray[np.uint8]:
    one, two = blobs(seed, size_hw, 0.3), blobs(seed + 1000, size_hw, 0.2)
    return np.where(two, 2, one).astype(np.uint8)
