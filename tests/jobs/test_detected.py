"""Objects that begin where a detector finds them."""

from pathlib import Path
from typing import cast

import numpy as np
import pytest
from pydantic import ValidationError

from sam2ov.engine.model import SAM2Model
from sam2ov.engine.tracker import Tracker
from sam2ov.errors import PromptError
from sam2ov.jobs import ClipJob, ClipRun, Output, run_clip_job
from sam2ov.jobs.detected import Seen, beginnings
from sam2ov.mask_files.detections import Detection
from sam2ov.mask_files.prompt_file import FramePrompt, ObjectPrompts, PromptFile, read_prompt_file
from tests.clips import write_clip
from tests.fake_model import FakeModel

NUM_FRAMES = 12
SQUARE = (8.0, 8.0, 40.0, 40.0)


def detection(frame: int = 0, label: str = "car", score: float = 1.0, **more: object) -> Detection:
    return Detection.model_validate(
        {"frame": frame, "label": label, "score": score, "box": SQUARE, **more}
    )


@pytest.fixture
def tracker() -> Tracker:
    return Tracker(cast(SAM2Model, FakeModel()))


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A red square that comes on frame 3 and stays."""
    frames = np.full((NUM_FRAMES, 48, 80, 3), 60, np.uint8)
    frames[3:, 8:40, 8:40] = (255, 0, 0)
    return write_clip(tmp_path_factory.mktemp("clip") / "square", frames)


def test_what_overlaps_an_object_of_its_kind_confirms_it() -> None:
    objects = {4: Seen("car", (10, 10, 42, 40)), 7: Seen("person", SQUARE)}
    new, confirmed = beginnings([detection()], objects)
    assert (new, list(confirmed)) == ([], [4])


def test_what_lies_in_an_object_of_its_kind_is_part_of_it() -> None:
    part = detection(box=(20, 20, 26, 26))
    assert beginnings([part], {1: Seen("car", SQUARE)})[0] == []


def test_another_kind_in_the_same_place_begins() -> None:
    rider = detection(label="person")
    assert beginnings([rider], {1: Seen("horse", SQUARE)})[0] == [rider]


def test_of_two_in_one_place_the_surer_begins() -> None:
    sure, unsure = detection(score=0.9), detection(score=0.6, box=(9, 9, 41, 41))
    assert beginnings([unsure, sure], {})[0] == [sure]


def test_kinds_without_a_name_may_be_the_same() -> None:
    assert beginnings([detection(label="")], {1: Seen("car", SQUARE)})[0] == []


def test_an_object_begins_once_and_is_confirmed(
    clip: Path, tracker: Tracker, tmp_path: Path
) -> None:
    found = tuple(detection(frame) for frame in (4, 6, 8))
    saved = tmp_path / "prompts.json"
    job = ClipJob(
        clip=clip,
        detections=found,
        save_prompts=saved,
        outputs=(Output(path=tmp_path / "masks", format="davis"),),
    )
    outcome = run_clip_job(job, tracker)
    assert outcome is not None
    (car,) = outcome.objects
    assert (car.name, car.tracked, car.confirmed) == ("car", NUM_FRAMES, 2)
    assert car.absent == 3, "it has not come yet on the first three"
    assert not outcome.interrupted
    assert [p.frame for p in read_prompt_file(saved).objects[0].prompts] == [4]


def test_saved_prompts_give_the_same_masks(clip: Path, tracker: Tracker, tmp_path: Path) -> None:
    saved = tmp_path / "prompts.json"
    for name, more in {
        "first": {"detections": (detection(4), detection(6)), "save_prompts": saved},
        "second": {},
    }.items():
        prompts = None if more else read_prompt_file(saved)
        outputs = (Output(path=tmp_path / name, format="davis"),)
        job = ClipJob.model_validate({"clip": clip, "prompts": prompts, "outputs": outputs, **more})
        run_clip_job(job, tracker)
    first, second = (
        {path.name: path.read_bytes() for path in (tmp_path / name).rglob("*.png")}
        for name in ("first", "second")
    )
    assert first == second
    assert len(first) == NUM_FRAMES


def test_detections_join_objects_with_prompts(clip: Path, tracker: Tracker) -> None:
    entry = FramePrompt(frame=5, box=SQUARE)
    prompts = PromptFile(objects=(ObjectPrompts(id=3, name="car", prompts=(entry,)),))
    found = (detection(4, "bus"), detection(7, "car"))
    job = ClipJob(clip=clip, prompts=prompts, detections=found, direction="forward")
    with ClipRun(job, tracker) as run:
        run.advance()
        outcome = run.outcome()
    told = {each.name: (each.id, each.tracked, each.confirmed) for each in outcome.objects}
    assert told == {"car": (3, 7, 1), "bus": (4, 8, 0)}


def test_what_has_no_room_is_counted(
    clip: Path, tracker: Tracker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracker, "most_objects", 1)
    found = (detection(4, "a"), detection(4, "b"), detection(5, "c"))
    with ClipRun(ClipJob(clip=clip, detections=found), tracker) as run:
        run.advance()
        outcome = run.outcome()
    assert (len(outcome.objects), outcome.left_out) == (1, 2)


def test_a_cancelled_run_is_not_complete(clip: Path, tracker: Tracker) -> None:
    with ClipRun(ClipJob(clip=clip, detections=(detection(0),)), tracker) as run:
        run.advance(cancel=lambda: run.tracked_frames >= 3)
        assert not run.completed
        assert run.outcome().interrupted


def test_jobs_that_make_no_sense_are_refused(clip: Path, tracker: Tracker) -> None:
    with pytest.raises(ValidationError, match="needs prompts or detections"):
        ClipJob(clip=clip)
    with pytest.raises(ValidationError, match="tracked forward"):
        ClipJob(clip=clip, detections=(detection(),), direction="backward")
    with pytest.raises(PromptError, match="outside frames 0 to 11"):
        ClipRun(ClipJob(clip=clip, detections=(detection(90),)), tracker)
