"""Results in a journal."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from sam2ov.errors import ProjectError, StorageError
from sam2ov.store.journal import Journal
from sam2ov.store.results import FrameResult, Kind, ResultStore


def make_result(seed: int = 0, size: int = 16) -> FrameResult:
    rng = np.random.default_rng(seed)
    return FrameResult(
        mask_logits=rng.normal(0, 10, (size, size)).astype(np.float32),
        pointer=rng.normal(size=8).astype(np.float32),
        object_score=float(np.float32(rng.normal())),
        iou=0.75,
        prompted=bool(seed % 2),
    )


def kind_of(result: FrameResult) -> Kind:
    return Kind.CONDITIONING if result.prompted else Kind.TRACKED


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal(tmp_path / "journal.sqlite") as journal:
        yield journal


@pytest.fixture
def store(journal: Journal) -> ResultStore:
    return ResultStore(journal, 16)


def num_tensors(journal: Journal) -> int:
    return int(journal.fetch_one("SELECT COUNT(*) FROM tensor")[0])


def test_round_trip(store: ResultStore) -> None:
    for seed in range(4):
        store.put(seed % 2, seed, kind_of(make_result(seed)), make_result(seed), direction=1)
    for seed in range(4):
        expected = make_result(seed)
        stored = store.get(seed % 2, seed, kind_of(expected))
        assert stored is not None
        np.testing.assert_allclose(stored.mask_logits, expected.mask_logits, rtol=5e-4)
        np.testing.assert_array_equal(stored.mask_logits > 0, expected.mask_logits > 0)
        np.testing.assert_array_equal(stored.pointer, expected.pointer)
        assert stored.object_score == expected.object_score
        assert (stored.iou, stored.prompted) == (expected.iou, expected.prompted)
    assert store.get(0, 1, Kind.CONDITIONING) is None
    assert store.get(9, 0, Kind.TRACKED) is None


def test_rows_say_where_the_mask_is(store: ResultStore) -> None:
    logits = np.full((16, 16), -5, np.float32)
    logits[4:8, 8:16] = 5
    store.put(1, 3, Kind.TRACKED, FrameResult(logits, np.zeros(8, np.float32), 2.0, 0.5, False), -1)
    store.put(1, 2, Kind.ANSWER, make_result(1))
    answer, tracked = store.rows(1)
    assert (answer.frame_idx, answer.kind, answer.direction) == (2, Kind.ANSWER, 0)
    assert (tracked.frame_idx, tracked.kind, tracked.direction) == (3, Kind.TRACKED, -1)
    assert tracked.facts.area == 32 / 256
    assert tracked.facts.centre == (0.75, 0.375)


def test_absence_survives_exactly(store: ResultStore) -> None:
    absent = np.full((16, 16), -1024, np.float32)
    result = FrameResult(absent, np.zeros(8, np.float32), -3.0, 0.1, False)
    store.put(1, 0, Kind.TRACKED, result)
    stored = store.get(1, 0, Kind.TRACKED)
    assert stored is not None
    np.testing.assert_array_equal(stored.mask_logits, absent)
    (row,) = store.rows(1)
    assert row.facts.area == 0
    assert np.isnan(row.facts.centre).all()


def test_replacing_and_removing(store: ResultStore, journal: Journal) -> None:
    store.put(1, 0, Kind.TRACKED, make_result(0))
    store.put(1, 0, Kind.TRACKED, make_result(2))
    store.put(2, 0, Kind.CONDITIONING, make_result(3))
    replaced = store.get(1, 0, Kind.TRACKED)
    assert replaced is not None
    np.testing.assert_array_equal(replaced.pointer, make_result(2).pointer)
    assert num_tensors(journal) == 2, "without steps, nothing is kept for undo"
    store.remove_object(1)
    assert store.get(1, 0, Kind.TRACKED) is None
    assert store.get(2, 0, Kind.CONDITIONING) is not None
    assert num_tensors(journal) == 1


def test_a_prompted_result_lies_over_a_tracked_one(store: ResultStore) -> None:
    store.put(1, 0, Kind.TRACKED, make_result(0))
    store.put(1, 0, Kind.ANSWER, make_result(1))
    store.commit_answer(1, 0)
    assert store.get(1, 0, Kind.ANSWER) is None
    assert store.get(1, 0, Kind.CONDITIONING) is not None
    store.remove(1, 0, Kind.CONDITIONING)
    assert store.get(1, 0, Kind.CONDITIONING) is None
    assert store.get(1, 0, Kind.TRACKED) is not None
    with pytest.raises(ProjectError, match="no answer of object 1 on frame 0"):
        store.commit_answer(1, 0)


def test_undo_brings_results_back(store: ResultStore, journal: Journal) -> None:
    with journal.step("one"):
        store.put(1, 0, Kind.ANSWER, make_result(1))
    with journal.step("two"):
        store.commit_answer(1, 0)
        store.set_direction(1, 0, 1)
        store.put(1, 1, Kind.TRACKED, make_result(2), direction=1)
    with journal.step("three"):
        store.put(1, 1, Kind.TRACKED, make_result(4), direction=-1)
        store.remove(1, 0, Kind.CONDITIONING)
    assert [row.direction for row in store.rows(1)] == [-1]
    assert journal.undo().obj_ids == {1}
    assert [(row.kind, row.direction) for row in store.rows(1)] == [
        (Kind.CONDITIONING, 1),
        (Kind.TRACKED, 1),
    ]
    stored = store.get(1, 1, Kind.TRACKED)
    assert stored is not None
    np.testing.assert_array_equal(stored.pointer, make_result(2).pointer)
    journal.undo()
    assert [row.kind for row in store.rows(1)] == [Kind.ANSWER]
    journal.undo()
    assert list(store.rows(1)) == []
    with journal.step("another way"):
        store.put(2, 0, Kind.ANSWER, make_result(1))
    assert num_tensors(journal) == 1, "what cannot be done again any more is gone"


def test_outdated_frames(store: ResultStore, journal: Journal) -> None:
    flags = np.zeros(13, np.bool_)
    assert store.marks(1, "stale", 13)[0] == 0
    assert not store.marks(1, "stale", 13)[1].any()
    flags[[2, 12]] = True
    with journal.step("change"):
        store.put_marks(1, "stale", flags)
    since, read = store.marks(1, "stale", 13)
    assert since == 1
    np.testing.assert_array_equal(read, flags)
    with pytest.raises(ProjectError, match="damaged"):
        store.marks(1, "stale", 100)


@pytest.mark.parametrize("body", [b"", b"no deflate", bytes(1 << 16)])
def test_a_damaged_mask_is_reported(store: ResultStore, journal: Journal, body: bytes) -> None:
    store.put(1, 0, Kind.TRACKED, make_result())
    journal.execute("UPDATE tensor SET logits = :body", {"body": body})
    with pytest.raises(ProjectError, match="damaged"):
        store.get(1, 0, Kind.TRACKED)


def test_a_full_disk_is_a_clear_error(tmp_path: Path) -> None:
    with Journal(tmp_path / "small.sqlite", max_bytes=1 << 20) as journal:
        store = ResultStore(journal, 256)
        store.put(1, 0, Kind.TRACKED, make_result(0, size=256))

        def fill() -> None:
            for frame in range(1, 64):
                store.put(1, frame, Kind.TRACKED, make_result(frame, size=256))

        with pytest.raises(StorageError, match="Free some disk space"):
            fill()
        assert store.get(1, 0, Kind.TRACKED) is not None, "what was stored before stays readable"
