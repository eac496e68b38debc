"""Jobs: every object on every frame it can have, from a specification that is data alone."""

import pickle
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from fractions import Fraction
from multiprocessing import get_context
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from sam2ov.engine.model import SAM2Model
from sam2ov.engine.plan import Direction
from sam2ov.engine.tracker import Tracker
from sam2ov.errors import ExportError, PromptError, VideoError
from sam2ov.jobs import ClipJob, ClipOutcome, ClipRun, ObjectOutcome, Output, run_clip_job
from sam2ov.mask_files.prompt_file import (
    FramePrompt,
    ObjectPrompts,
    Point,
    PromptFile,
    VideoFacts,
    from_prompt,
    read_prompt_file,
)
from sam2ov.progress import Progress
from sam2ov.values.prompts import MaskPrompt, PointPrompt
from sam2ov.video import open_video
from tests.clips import Encoding, write_clip
from tests.fake_model import FakeModel

NUM_FRAMES = 12
SIZE_HW = (48, 80)
GONE = range(7, 9)

MakeJob = Callable[..., ClipJob]


@pytest.fixture
def model() -> FakeModel:
    return FakeModel()


@pytest.fixture
def tracker(model: FakeModel) -> Tracker:
    return Tracker(cast(SAM2Model, model))


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A red square on 12 frames of 80×48 that is gone on frames 7 and 8."""
    frames = np.full((NUM_FRAMES, *SIZE_HW, 3), 60, np.uint8)
    frames[:, 8:40, 8:40] = (255, 0, 0)
    frames[GONE.start : GONE.stop] = 60
    return write_clip(tmp_path_factory.mktemp("clip") / "square", frames)


def clicked(*objects: tuple[int, list[int]]) -> PromptFile:
    """A prompt file with one click on each of the given frames of each object."""
    return PromptFile(
        objects=tuple(
            ObjectPrompts(
                id=obj_id,
                prompts=tuple(FramePrompt(frame=f, points=(Point(x=20, y=20),)) for f in frames),
            )
            for obj_id, frames in objects
        )
    )


@pytest.fixture
def job(clip: Path) -> MakeJob:
    def make(*objects: tuple[int, list[int]], **options: Any) -> ClipJob:
        prompts = options.pop("prompts", None) or clicked(*objects)
        return ClipJob(clip=clip, prompts=prompts, **options)

    return make


def masked(run: ClipRun, obj_id: int) -> list[int]:
    return np.flatnonzero(run.session.timeline(obj_id).has_result).tolist()


def test_both_directions_leave_no_frame_out(job: MakeJob, tracker: Tracker) -> None:
    outcome = run_clip_job(job((1, [5]), (2, [0, 9]), (7, [11])), tracker)
    assert outcome is not None
    assert not outcome.interrupted
    assert outcome.seconds > 0
    assert (outcome.frames, outcome.first_frame, outcome.outputs) == (NUM_FRAMES, 0, ())
    assert outcome.objects == (
        ObjectOutcome(1, "object 1", prompted=1, tracked=12, absent=2),
        ObjectOutcome(2, "object 2", prompted=2, tracked=12, absent=2),
        ObjectOutcome(7, "object 7", prompted=1, tracked=12, absent=2),
    )


@pytest.mark.parametrize(
    ("direction", "tracked"),
    [("forward", range(4, 12)), ("backward", range(10)), ("both", range(12))],
)
def test_a_direction_says_what_is_tracked(
    job: MakeJob, tracker: Tracker, direction: Direction, tracked: range
) -> None:
    with ClipRun(job((1, [4, 9]), direction=direction), tracker) as run:
        run.advance()
        assert masked(run, 1) == list(tracked)


def test_an_object_on_the_first_frame_alone_has_its_mask_there(
    job: MakeJob, tracker: Tracker
) -> None:
    with ClipRun(job((1, [0]), (2, [3]), direction="backward"), tracker) as run:
        run.advance()
        assert masked(run, 1) == [0]
        assert masked(run, 2) == [0, 1, 2, 3]


def test_prompts_outside_the_range_are_remembered_but_not_enough(
    job: MakeJob, tracker: Tracker, model: FakeModel
) -> None:
    with ClipRun(job((1, [1, 6]), first=5, last=9), tracker) as run:
        run.advance()
        assert masked(run, 1) == [1, 5, 6, 7, 8, 9]
        assert model.banks[0][1] == 2, "frame 7, the first that is not prompted, attends to both"
        assert run.outcome().objects == (ObjectOutcome(1, "object 1", 1, 5, 2),)
    with pytest.raises(PromptError, match="Object 2 is prompted on frame 1, 2 only, outside"):
        ClipRun(job((2, [1, 2]), first=5, last=9), tracker)


def test_clicks_and_box_of_a_frame_are_one_prompt(
    job: MakeJob, tracker: Tracker, model: FakeModel
) -> None:
    entry = FramePrompt(
        frame=2, points=(Point(x=20, y=20), Point(x=60, y=20, label=0)), box=(8, 8, 40, 40)
    )
    prompts = PromptFile(objects=(ObjectPrompts(id=1, prompts=(entry,)),))
    with ClipRun(job(prompts=prompts), tracker) as run:
        assert [step.total for step in run.prompt()] == [1]
        applied = run.session.prompts(1)[2]
        assert isinstance(applied, PointPrompt)
        assert applied.labels.tolist() == [2, 3, 1, 0]
        assert applied.points_xy_video.tolist() == [[8, 8], [40, 40], [20, 20], [60, 20]]
        assert model.feedback == [None]


def test_a_mask_is_a_prompt(job: MakeJob, tracker: Tracker) -> None:
    mask = np.zeros(SIZE_HW, np.bool_)
    mask[10:30, 10:30] = True
    entry = from_prompt(3, MaskPrompt.of(mask))
    prompts = PromptFile(objects=(ObjectPrompts(id=1, prompts=(entry,)),))
    with ClipRun(job(prompts=prompts), tracker) as run:
        run.advance()
        applied = run.session.prompts(1)[3]
        assert isinstance(applied, MaskPrompt)
        np.testing.assert_array_equal(applied.mask, mask)


def test_progress_and_cancellation_keep_what_is_tracked(job: MakeJob, tracker: Tracker) -> None:
    seen: list[Progress] = []
    with ClipRun(job((1, [0])), tracker) as run:
        run.advance(seen.append, lambda: len(seen) >= 4)
        assert [(p.stage, p.done, p.total) for p in seen] == [
            ("Segmenting prompts", 1, 1),
            ("Tracking", 1, 12),
            ("Tracking", 2, 12),
            ("Tracking", 3, 12),
        ]
        assert (run.completed, run.tracked_frames) == (False, 3)
        assert masked(run, 1) == [0, 1, 2]
        assert list(run.session.propagate()), "the session is not left locked or broken"


def test_a_cancelled_job_writes_what_there_is(
    job: MakeJob, tracker: Tracker, tmp_path: Path
) -> None:
    output = Output(path=tmp_path / "masks", format="davis")
    seen: list[Progress] = []
    outcome = run_clip_job(
        job((1, [0]), outputs=(output,)),
        tracker,
        progress=seen.append,
        cancel=lambda: len(seen) >= 4,
    )
    assert outcome is not None
    assert outcome.interrupted
    assert outcome.outputs == (str(tmp_path / "masks"),)
    assert len(list((tmp_path / "masks").rglob("*.png"))) == NUM_FRAMES


def test_a_cancellation_before_the_first_frame_tracks_nothing(
    job: MakeJob, tracker: Tracker, tmp_path: Path
) -> None:
    output = Output(path=tmp_path / "matte.mp4", format="matte")
    cancelled = job((1, [0]), outputs=(output,))
    assert run_clip_job(cancelled, tracker, cancel=lambda: True) is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("prompts", "message"),
    [
        (clicked((3, [12])), "Object 3 is prompted on frame 12, but the video ends with frame 11"),
        (
            PromptFile(
                objects=(
                    ObjectPrompts(
                        id=2, prompts=(FramePrompt(frame=4, points=(Point(x=81, y=4),)),)
                    ),
                )
            ),
            r"Object 2: \(81, 4\) on frame 4 is outside the picture, which is 80×48",
        ),
        (
            clicked((1, [0])).model_copy(
                update={"video": VideoFacts(file="a.mp4", num_frames=9, width=80, height=48)}
            ),
            "made for a.mp4, 9 frames of 80×48; this video has 12 frames of 80×48",
        ),
    ],
)
def test_prompts_that_do_not_fit_are_rejected_before_anything_is_done(
    job: MakeJob, tracker: Tracker, model: FakeModel, prompts: PromptFile, message: str
) -> None:
    with pytest.raises(PromptError, match=message):
        run_clip_job(job(prompts=prompts), tracker)
    assert model.calls == {}


def test_places_and_ranges_are_checked_before_the_model_is_loaded(
    job: MakeJob, tmp_path: Path, clip: Path
) -> None:
    taken = tmp_path / "taken.mp4"
    taken.touch()
    missing = {"model": "no such model"}
    wanted: list[tuple[type[Exception], str, dict[str, Any]]] = [
        (ExportError, "is there already", {"outputs": (Output(path=taken, format="overlay"),)}),
        (
            ExportError,
            "is the video itself",
            {"outputs": (Output(path=clip, format="overlay", overwrite=True),)},
        ),
        (
            ExportError,
            "no export 'holo'",
            {"outputs": (Output(path=taken, format="holo"),)},
        ),
        (
            ExportError,
            "does not take shine=1",
            {"outputs": (Output(path=taken, format="matte", options={"shine": 1}),)},
        ),
        (PromptError, "Frames 8 to 5 are not in the clip", {"first": 8, "last": 5}),
        (PromptError, "Frames 0 to 12 are not in the clip", {"last": 12}),
        (VideoError, "nowhere.mp4", {"clip": tmp_path / "nowhere.mp4"}),
    ]
    for kind, message, options in wanted:
        broken = job((1, [0]), **missing).model_copy(update=options)
        with pytest.raises(kind, match=message):
            run_clip_job(broken)


def full_job(clip: Path, folder: Path) -> ClipJob:
    return ClipJob(
        clip=clip,
        prompts=clicked((1, [2]), (5, [3])),
        precision="f32",
        first=1,
        direction="both",
        save_prompts=folder / "prompts.json",
        outputs=(
            Output(path=folder / "masks", format="davis", first_number=100),
            Output(path=folder / "matte.mkv", format="alpha-ffv1", per_object=True),
        ),
    )


def contents(folder: Path) -> dict[str, bytes]:
    """All files; of videos, whose headers hold numbers of their own, the pictures."""
    found = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        if path.suffix == ".mkv":
            with open_video(path) as video:
                content = b"".join(video.read(i).tobytes() for i in range(video.num_frames))
        else:
            content = path.read_bytes()
        found[str(path.relative_to(folder))] = content
    return found


def test_a_job_is_data_and_means_the_same_elsewhere(clip: Path, tmp_path: Path) -> None:
    """With the bundled model, here and in another process, from JSON and pickled."""
    folders = [tmp_path / name for name in ("here", "json", "pickle")]
    jobs = []
    for folder in folders:
        folder.mkdir()
        jobs.append(full_job(clip, folder))
    assert ClipJob.model_validate_json(jobs[1].model_dump_json()) == jobs[1]
    assert pickle.loads(pickle.dumps(jobs[2])) == jobs[2]
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as elsewhere:
        outcomes: list[ClipOutcome | None] = [
            run_clip_job(jobs[0]),
            elsewhere.submit(
                run_clip_job, ClipJob.model_validate_json(jobs[1].model_dump_json())
            ).result(),
            elsewhere.submit(run_clip_job, jobs[2]).result(),
        ]
    here, *others = [contents(folder) for folder in folders]
    assert {"masks", "matte-1.mkv", "matte-5.mkv", "prompts.json"} <= {
        name.split("/")[0] for name in here
    }
    assert all(other == here for other in others)
    assert all(outcome is not None and not outcome.interrupted for outcome in outcomes)
    first = outcomes[0]
    assert first is not None
    assert (first.frames, first.first_frame, first.model) == (11, 1, "micro")
    saved = read_prompt_file(folders[0] / "prompts.json")
    assert saved.video is not None
    assert saved.video.num_frames == NUM_FRAMES
    with open_video(folders[0] / "matte-1.mkv") as written:
        assert written.num_frames == 11


@pytest.mark.parametrize(
    ("output", "message"),
    [
        (
            Output(path=Path("a"), format="png-matte", names="{clip}.{timecode}"),
            "has no timecode to put into names",
        ),
        (
            Output(path=Path("a"), format="timeline", options={"timeline": "edl"}),
            "edl cannot tell of 12 frames a second",
        ),
    ],
)
def test_what_a_format_cannot_tell_of_a_clip_is_said_before_tracking(
    tracker: Tracker, model: FakeModel, tmp_path: Path, output: Output, message: str
) -> None:
    frames = np.full((3, *SIZE_HW, 3), 60, np.uint8)
    clip = write_clip(tmp_path / "clip", frames, Encoding(fps=Fraction(12)))
    there = output.model_copy(update={"path": tmp_path / "a"})
    with pytest.raises(ExportError, match=message):
        ClipRun(ClipJob(clip=clip, prompts=clicked((1, [0])), outputs=(there,)), tracker)
    assert not model.calls
