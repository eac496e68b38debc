"""Batches: what is done, tried again, counted; with an executor that does nothing."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from sam2ov.jobs import TrackingSettings
from sam2ov.jobs.batch.item import BatchItem
from sam2ov.jobs.batch.listing import Defaults, list_jobs
from sam2ov.jobs.batch.place import FolderPlace
from sam2ov.jobs.batch.pool import Finished, Running
from sam2ov.jobs.batch.record import RECORD_NAME, JobRecord
from sam2ov.jobs.batch.run import Executor, run_batch


def same_weights(_settings: TrackingSettings) -> str:
    return "weights"


class Pretended:
    """Writes records instead of tracking; ``failing`` clips fail, ``lost`` ones have none."""

    def __init__(self, place: FolderPlace) -> None:
        self.place = place
        self.failing: set[str] = set()
        self.lost: set[str] = set()
        self.tried: list[str] = []
        self.weights = "weights"

    @property
    def running(self) -> list[Running]:
        return []

    def results(
        self, items: Iterable[BatchItem | None], look: Callable[[Executor], None]
    ) -> Iterator[Finished]:
        for item in items:
            if item is None:
                continue
            self.tried.append(item.name)
            if item.name in self.lost:
                yield Finished(item, None, "it was lost")
                continue
            failed = item.name in self.failing
            record = JobRecord(
                name=item.name,
                clip=str(item.clip),
                state="failed" if failed else "done",
                reason="it is bad" if failed else "",
                settings=item.settings_digest(),
                weights=self.weights,
                sources=item.sources(),
                outcome=None if failed else {"frames": 8},
                finished="2026-01-01T00:00:00+00:00",
                program="0",
            )
            self.place.note(item.name, record)
            yield Finished(item, record)


@pytest.fixture
def place(tmp_path: Path) -> FolderPlace:
    return FolderPlace(tmp_path / "out")


@pytest.fixture
def executor(place: FolderPlace) -> Pretended:
    place.root.mkdir()
    return Pretended(place)


def test_what_is_done_is_not_done_again(
    clips: Path, defaults: Defaults, place: FolderPlace, executor: Pretended
) -> None:
    items = list_jobs(clips, defaults)
    first = run_batch(items, place, executor, weights=same_weights)
    assert (sorted(first.done), first.frames) == (["clip0", "clip1", "clip2"], 24)
    again = run_batch(items, place, executor, weights=same_weights)
    assert (again.unchanged, again.frames, again.left) == (3, 0, 0)
    assert len(executor.tried) == 3


def test_changed_prompts_and_settings_are_tracked_again(
    clips: Path, defaults: Defaults, place: FolderPlace, executor: Pretended
) -> None:
    run_batch(list_jobs(clips, defaults), place, executor, weights=same_weights)
    executor.tried.clear()
    (clips / "clip1.json").write_text("{}")
    run_batch(list_jobs(clips, defaults), place, executor, weights=same_weights)
    assert executor.tried == ["clip1"]


def test_failures_stay_until_they_are_tried_again(
    clips: Path, defaults: Defaults, place: FolderPlace, executor: Pretended
) -> None:
    executor.failing = {"clip2"}
    executor.lost = {"clip0"}
    items = list_jobs(clips, defaults)
    expected = {"clip2": "it is bad", "clip0": "it was lost"}
    assert run_batch(items, place, executor, weights=same_weights).failed == expected
    assert run_batch(items, place, executor, weights=same_weights).failed == expected, (
        "what was lost is written down"
    )
    assert len(executor.tried) == 3
    executor.failing, executor.lost = set(), set()
    assert run_batch(items, place, executor, weights=same_weights, retry_failed=True).failed == {}
    assert sorted(executor.tried[3:]) == ["clip0", "clip2"]


def test_results_that_have_gone_are_made_again(
    clips: Path, defaults: Defaults, place: FolderPlace, executor: Pretended
) -> None:
    items = list_jobs(clips, defaults)
    run_batch(items, place, executor, weights=same_weights)
    (place.root / "clip0" / RECORD_NAME).unlink()
    executor.tried.clear()
    run_batch(items, place, executor, weights=same_weights)
    assert executor.tried == ["clip0"]


def test_an_ended_batch_says_what_is_left(
    clips: Path, defaults: Defaults, place: FolderPlace, executor: Pretended
) -> None:
    items = list_jobs(clips, defaults)

    def ended() -> bool:
        return len(executor.tried) > 1

    def some() -> Iterator[BatchItem]:
        for item in items:
            if ended():
                return
            yield item

    summary = run_batch(some(), place, executor, weights=same_weights, total=3, cancel=ended)
    assert summary.interrupted
    assert (len(summary.done), summary.left) == (2, 1)


def test_another_model_is_noticed(
    clips: Path, defaults: Defaults, place: FolderPlace, executor: Pretended
) -> None:
    items = list_jobs(clips, defaults)
    executor.weights = "old"
    run_batch(items, place, executor, weights=lambda _settings: "old")
    run_batch(items, place, executor, weights=lambda _settings: "old")
    assert len(executor.tried) == 3
    run_batch(items, place, executor, weights=lambda _settings: "new")
    assert len(executor.tried) == 6


def test_a_clip_that_is_mended_is_no_failure_any_more(
    clips: Path, defaults: Defaults, place: FolderPlace, executor: Pretended
) -> None:
    item = list_jobs(clips, defaults)[0]

    def twice() -> Iterator[BatchItem]:
        executor.failing = {item.name}
        yield item
        executor.failing = set()
        assert item.prompts is not None
        item.prompts.write_text("{}")
        yield item

    summary = run_batch(twice(), place, executor, weights=same_weights)
    assert (summary.done, summary.failed) == ([item.name], {})


def test_what_is_known_does_not_keep_a_batch_from_ending(
    clips: Path, defaults: Defaults, place: FolderPlace, executor: Pretended
) -> None:
    items = list_jobs(clips, defaults)
    run_batch(items, place, executor, weights=same_weights)
    asked: list[int] = []

    def ended() -> bool:
        asked.append(1)
        return len(asked) > 1

    summary = run_batch(items, place, executor, weights=same_weights, total=3, cancel=ended)
    assert (len(summary.done), summary.left) == (1, 2)


def test_an_unreadable_record_concerns_one_clip(
    clips: Path, defaults: Defaults, place: FolderPlace, executor: Pretended
) -> None:
    items = list_jobs(clips, defaults)
    run_batch(items, place, executor, weights=same_weights)
    (place.root / "clip1" / RECORD_NAME).write_text("{")
    executor.tried.clear()
    assert len(run_batch(items, place, executor, weights=same_weights).done) == 3
    assert executor.tried == ["clip1"]
