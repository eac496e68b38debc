"""Results on disk."""

from pathlib import Path

import numpy as np
import pytest

from sam2ov.errors import TrackingError
from sam2ov.results import FrameResult, ResultStore


def make_result(seed: int = 0, size: int = 16) -> FrameResult:
    rng = np.random.default_rng(seed)
    return FrameResult(
        mask_logits=rng.normal(0, 10, (size, size)).astype(np.float32),
        pointer=rng.normal(size=8).astype(np.float32),
        object_score=float(np.float32(rng.normal())),
        iou=0.75,
        prompted=bool(seed % 2),
    )


def test_round_trip(tmp_path: Path) -> None:
    with ResultStore(16, tmp_path) as store:
        for seed in range(4):
            store.put(seed % 2, seed, make_result(seed))
        for seed in range(4):
            expected = make_result(seed)
            stored = store.get(seed % 2, seed, prompted=expected.prompted)
            assert stored is not None
            np.testing.assert_allclose(stored.mask_logits, expected.mask_logits, rtol=5e-4)
            np.testing.assert_array_equal(stored.mask_logits > 0, expected.mask_logits > 0)
            np.testing.assert_array_equal(stored.pointer, expected.pointer)
            assert stored.object_score == expected.object_score
            assert (stored.iou, stored.prompted) == (expected.iou, expected.prompted)
        assert store.get(0, 1, prompted=True) is None
        assert store.get(9, 0, prompted=False) is None


def test_absence_survives_exactly(tmp_path: Path) -> None:
    absent = np.full((16, 16), -1024, np.float32)
    with ResultStore(16, tmp_path) as store:
        store.put(1, 0, FrameResult(absent, np.zeros(8, np.float32), -3.0, 0.1, False))
        stored = store.get(1, 0, prompted=False)
        assert stored is not None
        np.testing.assert_array_equal(stored.mask_logits, absent)


def test_replacing_and_removing(tmp_path: Path) -> None:
    with ResultStore(16, tmp_path) as store:
        store.put(1, 0, make_result(0))
        store.put(1, 0, make_result(2))
        store.put(2, 0, make_result(3))
        replaced = store.get(1, 0, prompted=False)
        assert replaced is not None
        np.testing.assert_array_equal(replaced.pointer, make_result(2).pointer)
        store.remove_object(1)
        assert store.get(1, 0, prompted=False) is None
        assert store.get(2, 0, prompted=True) is not None
        store.clear()
        assert store.get(2, 0, prompted=True) is None


def test_a_prompted_result_lies_over_a_tracked_one(tmp_path: Path) -> None:
    with ResultStore(16, tmp_path) as store:
        store.put(1, 0, make_result(0))
        store.put(1, 0, make_result(1))
        assert store.get(1, 0, prompted=True) is not None
        store.remove_prompted(1, 0)
        assert store.get(1, 0, prompted=True) is None
        assert store.get(1, 0, prompted=False) is not None


def test_closing_deletes_the_file(tmp_path: Path) -> None:
    store = ResultStore(16, tmp_path)
    store.put(1, 0, make_result())
    assert list(tmp_path.rglob("*.sqlite"))
    store.close()
    store.close()
    assert not list(tmp_path.iterdir())


def test_a_full_disk_is_a_clear_error(tmp_path: Path) -> None:
    with ResultStore(256, tmp_path, max_bytes=1 << 20) as store:
        store.put(1, 0, make_result(0, size=256))

        def fill() -> None:
            for frame in range(1, 64):
                store.put(1, frame, make_result(frame, size=256))

        with pytest.raises(TrackingError, match="Free some disk space"):
            fill()
        assert store.get(1, 0, prompted=False) is not None, "what was stored before stays readable"
