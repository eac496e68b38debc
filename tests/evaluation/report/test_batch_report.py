"""Batches: records, order, and what cannot be measured."""

from pathlib import Path
from typing import Any

import pytest

from sam2ov.errors import CancelledError, ProjectError, StorageError
from sam2ov.evaluation.report.batch_report import BatchClip, is_batch, make_batch_report, read_batch
from sam2ov.evaluation.report.clip_report import ClipReport
from sam2ov.jobs.batch.record import RECORD_NAME, JobRecord
from sam2ov.progress import Progress, ProgressCallback
from tests.evaluation.report.conftest import made_report

CONFIDENCES = {"good": 0.95, "bad": 0.2, "fair": 0.45, "fine": 0.7}


def write_record(folder: Path, name: str, *, keep: bool = True, **more: Any) -> Path:
    place = folder / name
    place.mkdir()
    facts = {"name": f"{name}.mp4", "state": "done", "clip": f"/clips/{name}.mp4", **more}
    record = JobRecord(settings="", sources={}, finished="", program="", **facts)
    (place / RECORD_NAME).write_text(record.text())
    if keep:
        (place / f"{name}.sam2ov").touch()
    return place


def report_on(each: BatchClip, progress: ProgressCallback | None) -> ClipReport:
    assert each.project is not None
    if each.project.stem == "damaged":
        raise ProjectError("The project file is damaged.\nOpen another copy.")
    if progress is not None:
        progress(Progress("Measuring", 1, 2, "items"))
    return made_report(each.name, confidence=CONFIDENCES[each.project.stem])


@pytest.fixture
def batch(tmp_path: Path) -> Path:
    folder = tmp_path / "batch"
    folder.mkdir()
    for name in CONFIDENCES:
        write_record(folder, name)
    write_record(folder, "broken", keep=False, state="failed", reason="It is\nno video.")
    write_record(folder, "bare", keep=False)
    write_record(folder, "damaged")
    (folder / ".hidden").mkdir()
    (folder / ".hidden" / "job.json").write_text("{}")
    (folder / "notes.txt").touch()
    return folder


def test_a_folder_of_records_is_a_batch(batch: Path, tmp_path: Path) -> None:
    assert is_batch(batch)
    assert not is_batch(tmp_path)
    assert not is_batch(batch / "notes.txt")


def test_records(batch: Path) -> None:
    found = {each.name: each for each in read_batch(batch)}
    assert len(found) == 7
    assert found["good.mp4"].clip == Path("/clips/good.mp4")
    assert found["good.mp4"].project == batch / "good" / "good.sam2ov"
    assert found["broken.mp4"].is_failed
    assert found["broken.mp4"].reason == "It is no video."


@pytest.mark.parametrize("content", ["", "[]", '{"name": "x", "state": "lost"}', "{" * 100])
def test_a_malformed_record_is_named(batch: Path, content: str) -> None:
    (batch / "good" / "job.json").write_text(content)
    with pytest.raises(StorageError, match=r"good/job\.json is no record of a batch"):
        read_batch(batch)


def test_the_worst_come_first(batch: Path) -> None:
    told: list[Progress] = []
    found = make_batch_report(batch, report_on, max_detailed=2, progress=told.append)
    assert [each.name for each in found.ranked] == ["bad.mp4", "fair.mp4", "fine.mp4", "good.mp4"]
    assert [each.name for each in found.detailed] == ["bad.mp4", "fair.mp4"]
    assert [each.name for each in found.failed] == ["broken.mp4"]
    reasons = {each.name: each.reason for each in found.unmeasured}
    assert reasons["damaged.mp4"] == "The project file is damaged. Open another copy."
    assert "--keep-projects" in reasons["bare.mp4"]
    assert (found.num_done, len(found.clips)) == (6, 7)
    assert not found.has_truth
    assert told[0].stage.startswith("bad.mp4 (1 of")


def test_it_can_be_cancelled(batch: Path) -> None:
    with pytest.raises(CancelledError):
        make_batch_report(batch, report_on, cancel=lambda: True)
