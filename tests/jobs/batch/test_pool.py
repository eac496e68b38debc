"""Processes side by side with the bundled model: equal to single runs, resumed, held to limits."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import psutil
import pytest

from sam2ov.jobs import run_clip_job
from sam2ov.jobs.batch.item import BatchItem
from sam2ov.jobs.batch.listing import Defaults, list_jobs
from sam2ov.jobs.batch.machine import Limits
from sam2ov.jobs.batch.place import FolderPlace
from sam2ov.jobs.batch.pool import Pool, Running
from sam2ov.jobs.batch.record import RECORD_NAME
from sam2ov.jobs.batch.run import BatchSummary, run_batch
from sam2ov.jobs.clip_prompts import read_prompts_for
from tools.batch_endurance import contents

GENEROUS = 64 << 30


def limits(at_once: int = 2, memory_bytes: int = GENEROUS) -> Limits:
    return Limits(at_once, at_once, memory_bytes)


def single_run(item: BatchItem, folder: Path) -> None:
    """The same by the interface for single clips, in this process."""
    folder.mkdir(parents=True)
    assert item.prompts is not None
    run_clip_job(item.job(read_prompts_for(item.clip, item.prompts), (), folder))


@pytest.fixture
def place(tmp_path: Path) -> FolderPlace:
    (tmp_path / "out").mkdir()
    return FolderPlace(tmp_path / "out")


def test_clips_come_out_as_they_do_one_by_one(
    clips: Path, defaults: Defaults, place: FolderPlace, tmp_path: Path
) -> None:
    (clips / "broken.mp4").write_bytes(b"no video")
    (clips / "broken.json").write_bytes((clips / "clip0.json").read_bytes())
    items = list_jobs(clips, defaults)
    summary = run_batch(items, place, Pool(place, limits(), lambda: False))
    assert sorted(summary.done) == ["clip0", "clip1", "clip2"]
    assert list(summary.failed) == ["broken"]
    assert "broken.mp4" in summary.failed["broken"]
    for item in items:
        if item.name != "broken":
            single_run(item, tmp_path / "single" / item.name)
    assert contents(place.root) == contents(tmp_path / "single")
    record = place.record("clip0")
    assert record is not None
    assert record.outcome is not None
    assert record.outcome["objects"][0]["tracked"] == record.outcome["frames"] == 8


def test_a_cancelled_batch_goes_on(clips: Path, defaults: Defaults, place: FolderPlace) -> None:
    items = list_jobs(clips, defaults)
    done: list[str] = []
    first = run_batch(
        items,
        place,
        Pool(place, limits(1), lambda: bool(done)),
        total=len(items),
        look=lambda summary, _running: done.extend(summary.done),
        cancel=lambda: bool(done),
    )
    assert first.interrupted
    assert 1 <= len(first.done) < 3
    again = run_batch(items, place, Pool(place, limits(), lambda: False))
    assert again.unchanged == len(first.done)
    assert len(again.done) == 3


def test_a_killed_process_is_replaced(clips: Path, defaults: Defaults, place: FolderPlace) -> None:
    killed: list[int] = []

    def kill_once(_summary: BatchSummary, running: list[Running]) -> None:
        if running and not killed:
            me = psutil.Process()
            spawned = [c for c in me.children() if "spawn_main" in " ".join(c.cmdline())]
            if spawned:
                spawned[-1].kill()
                killed.append(spawned[-1].pid)

    pool = Pool(place, limits(1), lambda: False)
    summary = run_batch(list_jobs(clips, defaults), place, pool, look=kill_once)
    assert killed
    assert len(summary.done) == 3


def test_what_does_not_fit_into_memory_fails_with_a_reason(
    clips: Path, defaults: Defaults, place: FolderPlace
) -> None:
    pool = Pool(place, limits(1, memory_bytes=32 << 20), lambda: False)
    items = list_jobs(clips, defaults)[:1]
    summary = run_batch(items, place, pool)
    assert "takes more than 0.0 GB" in summary.failed["clip0"]
    assert not (place.root / "clip0" / "clip0-masks").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_killed_batch_resumes_to_the_same_results(clips: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = [sys.executable, "-m", "sam2ov", "batch", str(clips), "--out", str(out)]
    command += ["--precision", "f32", "--at-once", "1", "--json"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
    try:
        for _ in range(600):
            if any(out.glob(f"*/{RECORD_NAME}")):
                break
            time.sleep(0.1)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    told = json.loads(finished.stdout)
    assert len(told["done"]) == 3
    assert told["unchanged"] >= 1
    assert sorted(path.name for path in out.iterdir()) == ["clip0", "clip1", "clip2"]
    for number in range(3):
        assert len(list((out / f"clip{number}").rglob("*.png"))) == 8


def test_items_may_come_while_it_runs(clips: Path, defaults: Defaults, place: FolderPlace) -> None:
    items = list_jobs(clips, defaults)

    def slowly() -> Iterator[BatchItem | None]:
        for item in items:
            yield None
            yield item

    summary = run_batch(slowly(), place, Pool(place, limits(1), lambda: False))
    assert len(summary.done) == summary.total == 3


def test_a_model_that_cannot_be_had_fails_each_clip(
    clips: Path, defaults: Defaults, place: FolderPlace
) -> None:
    settings = defaults.settings.model_copy(update={"model": "no-such-model"})
    item = list_jobs(clips, defaults)[0].model_copy(update={"settings": settings})
    summary = run_batch([item], place, Pool(place, limits(1), lambda: False))
    assert "no-such-model" in summary.failed["clip0"]


def test_what_a_detector_found_begins_objects(
    clips: Path, defaults: Defaults, place: FolderPlace
) -> None:
    told = json.loads((clips / "clip0.json").read_text())
    box = told["objects"][0]["prompts"][0]["box"]
    row = {"x_min": box[0], "y_min": box[1], "x_max": box[2], "y_max": box[3]}
    rows = [row | {"class_name": "ball", "frame": 0}, row | {"class_name": "cup", "frame": 4}]
    (clips / "clip0.json").unlink()
    (clips / "clip0.boxes.json").write_text(json.dumps(rows))
    items = [item for item in list_jobs(clips, defaults) if item.name == "clip0"]
    summary = run_batch(items, place, Pool(place, limits(1), lambda: False))
    assert summary.done == ["clip0"], summary.failed
    record = place.record("clip0")
    assert record is not None
    assert record.outcome is not None
    assert [each["name"] for each in record.outcome["objects"]] == ["ball", "cup"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_clips_are_no_failures_when_the_batch_alone_is_killed(clips: Path, tmp_path: Path) -> None:
    """Its processes find that nobody listens any more, and end without a word."""
    out = tmp_path / "out"
    command = [sys.executable, "-m", "sam2ov", "batch", str(clips), "--out", str(out)]
    process = subprocess.Popen(
        [*command, "--at-once", "1"], stderr=subprocess.DEVNULL, start_new_session=True
    )
    workers: list[psutil.Process] = []
    try:
        for _ in range(600):
            children = psutil.Process(process.pid).children(recursive=True)
            workers = [child for child in children if "spawn_main" in " ".join(child.cmdline())]
            if workers and len(children) > len(workers) + 1:  # it reads a clip
                break
            time.sleep(0.05)
        process.kill()
        process.wait()
        _, alive = psutil.wait_procs(workers, timeout=120)
        assert not alive
    finally:
        os.killpg(process.pid, signal.SIGKILL) if psutil.pid_exists(process.pid) else None
    states = [json.loads(path.read_text())["state"] for path in out.glob(f"*/{RECORD_NAME}")]
    assert "failed" not in states


def test_pictures_that_prompts_refer_to_are_looked_at(
    clips: Path, defaults: Defaults, place: FolderPlace
) -> None:
    mask = np.zeros((96, 128), np.uint8)
    mask[20:60, 30:80] = 255
    cv2.imwrite(str(clips / "mask.png"), mask)
    told = {"objects": [{"id": 1, "prompts": [{"frame": 0, "mask": "mask.png"}]}]}
    (clips / "clip0.json").write_text(json.dumps(told))
    items = [item for item in list_jobs(clips, defaults) if item.name == "clip0"]
    for _ in range(2):
        summary = run_batch(items, place, Pool(place, limits(1), lambda: False))
    assert summary.unchanged == 1
    mask[40:60, 30:80] = 0
    cv2.imwrite(str(clips / "mask.png"), mask)
    assert run_batch(items, place, Pool(place, limits(1), lambda: False)).unchanged == 0


def test_short_clips_are_tracked_side_by_side_too(
    clips: Path, defaults: Defaults, place: FolderPlace
) -> None:
    """Though none of them fills a memory bank, by which a process's memory is known else."""
    for name in ("clip3", "clip4"):
        for suffix in (".mp4", ".json"):
            (clips / f"{name}{suffix}").write_bytes((clips / f"clip0{suffix}").read_bytes())
    most = 0

    def look(_summary: BatchSummary, running: list[Running]) -> None:
        nonlocal most
        most = max(most, len(running))

    items = list_jobs(clips, defaults)
    summary = run_batch(items, place, Pool(place, limits(), lambda: False), look=look)
    assert len(summary.done) == 5
    assert most == 2
