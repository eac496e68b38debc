"""Where an output fails after all was tracked, the tracking stays, and can be exported."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from sam2ov.engine.model import SAM2Model
from sam2ov.engine.tracker import Tracker
from sam2ov.errors import ExportError
from sam2ov.export.plan import AddFrame, ExportFrame, ExportPlan
from sam2ov.jobs import ClipJob, ClipRun, Output
from sam2ov.jobs.rescue import write_or_keep
from sam2ov.mask_files.prompt_file import FramePrompt, ObjectPrompts, Point, PromptFile
from sam2ov.project.archive import save_project_file
from sam2ov.project.stored import open_stored_project
from tests.clips import write_clip
from tests.fake_model import FakeModel

SIZE_HW = (48, 80)
MAX_BYTES = 20_000_000


@pytest.fixture
def tracked(tmp_path: Path) -> Iterator[ClipRun]:
    """A job over frames 2 to 9 of 12, whose objects are a named and a nameless one."""
    frames = np.full((12, *SIZE_HW, 3), 60, np.uint8)
    frames[:, 8:40, 8:40] = (255, 0, 0)
    clip = write_clip(tmp_path / "square", frames)
    click = FramePrompt(frame=3, points=(Point(x=20, y=20),))
    prompts = PromptFile(
        objects=(
            ObjectPrompts(id=2, name="dog", prompts=(click,)),
            ObjectPrompts(id=5, prompts=(click,)),
        )
    )
    output = Output(path=tmp_path / "out" / "matte.mp4", format="matte")
    output.path.parent.mkdir()
    job = ClipJob(clip=clip, prompts=prompts, first=2, last=9, outputs=(output,))
    with ClipRun(job, Tracker(cast(SAM2Model, FakeModel()))) as run:
        run.advance()
        yield run


@contextmanager
def _full(plan: ExportPlan) -> Iterator[AddFrame]:
    """A writer whose disk is full at the third frame."""

    def add(frame: ExportFrame) -> None:
        if frame.index == 4:
            raise ExportError(f"{plan.path} cannot be written: No space left on device.")

    yield add


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sam2ov.export.matte.open_matte", _full)


@pytest.mark.usefixtures("full")
def test_what_was_tracked_is_kept_beside_the_output(tracked: ClipRun, tmp_path: Path) -> None:
    expected = [tracked.session.logits_at(i, SIZE_HW, [2, 5]) > 0 for i in range(12)]
    assert sum(mask.any() for mask in expected) == 8
    with pytest.raises(ExportError) as failure:
        write_or_keep(tracked)
    path = tmp_path / "out" / "square-tracked.sam2ov"
    message = str(failure.value)
    assert "No space left" in message
    assert f"sam2ov export {path} --clip {tracked.job.clip}" in message
    assert "\n" not in message
    assert list(path.parent.iterdir()) == [path]
    with open_stored_project(str(path), MAX_BYTES, tracked.job.clip) as project:
        assert [(target.obj_id, target.name) for target in project.objects] == [
            (2, "dog"),
            (5, "object 5"),
        ]
        assert project.in_out == range(2, 10)
        for frame_idx, masks in enumerate(expected):
            found = project.masks.logits_at(frame_idx, SIZE_HW, [2, 5]) > 0
            np.testing.assert_array_equal(found, masks)


@pytest.mark.usefixtures("full")
def test_where_the_disk_is_full_it_is_kept_elsewhere(
    tracked: ClipRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(elsewhere))
    places: list[Path] = []
    save: Callable[..., None] = save_project_file

    def saved(path: Path, *arguments: object, **named: object) -> None:
        places.append(path)
        if path.parent.name == "out":
            raise ExportError(f"{path} cannot be written: No space left on device.")
        save(path, *arguments, **named)

    monkeypatch.setattr("sam2ov.jobs.rescue.save_project_file", saved)
    with pytest.raises(ExportError, match=r"sam2ov export .*elsewhere/square-tracked\.sam2ov"):
        write_or_keep(tracked)
    assert [path.parent.name for path in places] == ["out", "elsewhere"]
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "out"))
    with pytest.raises(ExportError, match=r"Nor could the tracking be kept: .*No space left"):
        write_or_keep(tracked)


def test_nothing_is_kept_where_all_goes_well(tracked: ClipRun, tmp_path: Path) -> None:
    (written,) = write_or_keep(tracked)
    assert list((tmp_path / "out").iterdir()) == [written]
