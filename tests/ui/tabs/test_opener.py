"""Kept projects, as tabs open them: reloads, crashes, other models, two at once."""

import io
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sam2ov.engine.tracker import Tracker
from sam2ov.errors import DeviceError, ModelNotFoundError
from sam2ov.progress import CancelCheck, ProgressCallback
from sam2ov.project import ModelDocument
from sam2ov.project.archive import SUFFIX
from sam2ov.project.library import ProjectLibrary
from sam2ov.samples import SAMPLE_CLEAN_UP
from sam2ov.ui.contract.messages import Snapshot
from sam2ov.ui.events.editing import EditorHandlers
from sam2ov.ui.events.files import FileHandlers
from sam2ov.ui.events.models import ModelHandlers
from sam2ov.ui.events.tracking import TrackingHandlers
from sam2ov.ui.pool.models import ModelChoice, ModelPool
from sam2ov.ui.settings import Settings
from sam2ov.ui.tabs.opener import ProjectOpener
from sam2ov.ui.tabs.workspaces import Workspaces
from sam2ov.values.clean_up import NO_CLEAN_UP
from tests.conftest import REPOSITORY
from tests.ui.conftest import (
    CHOICE,
    OneModel,
    Tab,
    event,
    leave,
    masks_of,
    request_of,
    snapshot_of,
    told,
)

OTHER = ModelChoice("other", "CPU", "fast")


class TwoModels(OneModel):
    """Pretends to have models of different weights; ``missing`` are not here."""

    def __init__(self, tracker: Tracker) -> None:
        super().__init__(tracker)
        self.missing: set[ModelChoice] = set()

    def get(
        self,
        choice: ModelChoice,
        progress: ProgressCallback | None = None,
        cancel: CancelCheck | None = None,
    ) -> Tracker:
        if choice in self.missing:
            raise ModelNotFoundError(f"{choice.model} is not here")
        return super().get(choice, progress, cancel)

    def document(self, choice: ModelChoice) -> ModelDocument:
        return ModelDocument(
            model=choice.model,
            device=choice.device,
            weights=f"{choice.model} {choice.preset}",
            preset=choice.preset,
        )

    def is_here(self, choice: ModelChoice) -> bool:
        return choice not in self.missing


@pytest.fixture
def models(tracker: Tracker) -> TwoModels:
    return TwoModels(tracker)


@pytest.fixture
def tab(workspaces: Workspaces, models: TwoModels) -> Tab:
    return tab_of(workspaces, models, "tab-1")


def tab_of(workspaces: Workspaces, models: ModelPool, name: str) -> Tab:
    opener = ProjectOpener(models, Settings().video)
    return Tab(
        EditorHandlers(workspaces, models, opener),
        TrackingHandlers(workspaces, models),
        FileHandlers(workspaces, models),
        ModelHandlers(workspaces, models, opener, CHOICE.model),
        workspaces,
        request_of(name),
    )


def other_tab(tab: Tab) -> Tab:
    return tab.other(request_of("tab-2"))


def token_of(tab: Tab) -> str:
    assert tab.workspace.clip is not None
    return tab.workspace.clip.folder.token


def save(tab: Tab, *, with_clip: bool) -> Path:
    *_, last = tab.files.save_project(event({"with_clip": with_clip}), tab.request)
    download = snapshot_of(last).download
    assert download is not None
    path = tab.workspace.exported(download.name)
    assert path is not None
    return path


def choose(tab: Tab, choice: ModelChoice) -> None:
    clip = tab.workspace.clip
    assert clip is not None
    opener = tab.editor._opener
    opener.change_model(clip, choice, lambda _: None, lambda: False, tab.workspace.turn)
    tab.workspace.choice = choice


def what_is_shown(snapshot: Snapshot) -> dict[str, Any]:
    assert snapshot.project is not None
    return {
        "objects": snapshot.objects,
        "range": snapshot.range,
        "undo": snapshot.undo,
        "redo": snapshot.redo,
        "project": snapshot.project.token,
    }


def ready(tab: Tab) -> Snapshot:
    return snapshot_of(tab.editor.ready(tab.request))


def work_on(tab: Tab) -> Snapshot:
    """Some of everything, the last thing undone."""
    tab.edit("add_object")
    tab.click(0, 24, 32)
    tab.edit("box", frame=3, object=2, x0=10, y0=10, x1=50, y1=40)
    list(tab.track(0, "both"))
    tab.edit("rename_object", object=2, name="Ball")
    tab.edit("recolour_objects", objects=[2], colour="#00ff00")
    tab.edit("hide_objects", objects=[2], hidden=True)
    tab.edit("move_object", object=2, position=0)
    tab.edit("set_range", first=1, last=9)
    tab.click(5, 40, 40, positive=False)
    return tab.edit("undo")


def test_a_reloaded_page_comes_back_to_everything(open_tab: Tab) -> None:
    before = what_is_shown(work_on(open_tab))
    masks = [masks_of(open_tab, frame) for frame in (0, 3, 7)]
    token = token_of(open_tab)
    leave(open_tab)
    reloaded = other_tab(open_tab)
    assert ready(reloaded).project is None
    assert what_is_shown(reloaded.open("project", token)) == before
    for mask, frame in zip(masks, (0, 3, 7), strict=True):
        np.testing.assert_array_equal(mask, masks_of(reloaded, frame))
    while reloaded.edit("undo").undo is not None:
        pass
    assert reloaded.project.prompts.obj_ids() == ()
    while reloaded.edit("redo").redo is not None:
        pass
    np.testing.assert_array_equal(masks[2], masks_of(reloaded, 7))


def test_a_project_moves_to_the_page_that_opens_it(open_tab: Tab) -> None:
    open_tab.click(0, 24, 32)
    token = token_of(open_tab)
    other = other_tab(open_tab)
    assert other.open("project", token).objects[0].prompts
    assert ready(open_tab).clip is None
    with told(open_tab, "another page opened it"):
        open_tab.edit("add_object", clip="the-clip-of-before")
    assert open_tab.open("project", token).objects[0].prompts, "and back"
    assert ready(other).clip is None


def test_it_is_opened_again_by_the_page_that_has_it(open_tab: Tab) -> None:
    open_tab.click(0, 24, 32)
    assert open_tab.open("project", token_of(open_tab)).objects[0].prompts


def test_a_page_that_tracks_loses_its_project_without_noise(
    open_tab: Tab, caplog: pytest.LogCaptureFixture
) -> None:
    open_tab.click(0, 24, 32)
    running = open_tab.track()
    for _ in range(4):
        next(running)
    other = other_tab(open_tab)
    moved = other.open("project", token_of(open_tab))
    assert moved.objects[0].tracked.startswith("0-"), "what was done is kept"
    list(running)
    assert not caplog.records
    assert other.click(9, 40, 40).undo == "Click on Object 1"


def test_another_clip_leaves_the_project_in_the_list(open_tab: Tab) -> None:
    open_tab.click(0, 24, 32)
    token = token_of(open_tab)
    assert open_tab.open("sample").objects[0].prompts == {}
    assert open_tab.open("project", token).objects[0].prompts


def test_closing_keeps_the_project(open_tab: Tab) -> None:
    open_tab.click(0, 24, 32)
    token = token_of(open_tab)
    assert open_tab.workspace.clip is not None
    close = event({"clip": open_tab.workspace.clip.token})
    assert snapshot_of(open_tab.editor.close(close, open_tab.request)).clip is None
    with told(open_tab, "no longer open"):
        open_tab.editor.close(close, open_tab.request)
    assert open_tab.open("project", token).objects[0].prompts


def test_nothing_is_closed_while_it_is_worked_on(open_tab: Tab) -> None:
    open_tab.click(0, 24, 32)
    running = open_tab.track()
    next(running)
    assert open_tab.workspace.clip is not None
    with told(open_tab, "still running"):
        open_tab.editor.close(event({"clip": open_tab.workspace.clip.token}), open_tab.request)
    list(running)
    assert open_tab.workspace.clip is not None


@pytest.mark.parametrize("token", ["x" * 24, "../../../etc/passwd", None])
def test_other_names_open_nothing(open_tab: Tab, token: str | None) -> None:
    before = open_tab.workspace.clip
    with told(open_tab, "no longer here|did not say which"):
        snapshot = open_tab.open("project", token)
    assert snapshot.opened == 2
    assert open_tab.workspace.clip is before


def test_a_project_whose_clip_is_missing_is_explained(open_tab: Tab) -> None:
    token = token_of(open_tab)
    leave(open_tab)
    tab = other_tab(open_tab)
    clip = tab.workspaces.libraries.of("").find(token).clip
    clip.rename(clip.with_suffix(".away"))
    with told(tab, r"square\.mp4"):
        assert tab.open("project", token).clip is None
    clip.with_suffix(".away").rename(clip)
    assert tab.open("project", token).clip is not None, "nothing was left locked"


def test_a_damaged_journal_is_explained(open_tab: Tab) -> None:
    token = token_of(open_tab)
    leave(open_tab)
    tab = other_tab(open_tab)
    tab.workspaces.libraries.of("").find(token).journal.write_bytes(b"no database " * 1000)
    with told(tab, "damaged"):
        assert tab.open("project", token).clip is None
    assert tab.open("sample").clip is not None


def test_a_page_that_leaves_while_opening_locks_nothing(
    open_tab: Tab, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = token_of(open_tab)
    leave(open_tab)
    opened = ProjectOpener.open
    may_go_on, is_open = threading.Event(), threading.Event()

    def slow(self: ProjectOpener, *args: Any) -> Any:
        found = opened(self, *args)
        is_open.set()
        assert may_go_on.wait(20)
        return found

    monkeypatch.setattr(ProjectOpener, "open", slow)
    left = other_tab(open_tab)
    running = left.editor.open(event({"source": "project", "project": token}), left.request)
    next(running)
    next(running)
    assert is_open.wait(20)
    leave(left)
    may_go_on.set()
    assert isinstance(running, Generator)
    running.close()
    monkeypatch.undo()
    again = left.other(request_of("tab-3"))
    assert again.open("project", token).clip is not None


def test_a_clip_that_cannot_be_opened_leaves_no_project(tab: Tab, models: TwoModels) -> None:
    models.missing.add(CHOICE)
    with told(tab, "not here"):
        tab.open("sample")
    kept = [
        path for path in tab.workspaces.libraries.of("").folder.iterdir() if path.name[0] != "."
    ]
    assert kept == []


# ---- Models


def test_undo_goes_back_to_the_model_before(open_tab: Tab, models: TwoModels) -> None:
    open_tab.click(0, 24, 32)
    list(open_tab.track())
    tracked = masks_of(open_tab, 6)
    choose(open_tab, OTHER)
    assert ready(open_tab).undo == "Change the model to other (fast)"
    assert ready(open_tab).objects[0].tracked == ""
    snapshot = open_tab.edit("undo")
    assert open_tab.workspace.choice == CHOICE
    assert snapshot.redo == "Change the model to other (fast)"
    np.testing.assert_array_equal(tracked, masks_of(open_tab, 6))
    open_tab.edit("redo")
    assert open_tab.workspace.choice == OTHER
    assert open_tab.click(0, 40, 40).undo == "Click on Object 1"


def test_a_model_that_has_gone_stops_undo_there(open_tab: Tab, models: TwoModels) -> None:
    open_tab.click(0, 24, 32)
    choose(open_tab, OTHER)
    open_tab.click(3, 30, 30)
    models.missing.add(CHOICE)
    open_tab.edit("undo")
    for _ in range(2):
        with told(open_tab, "Choose the model first"):
            snapshot = open_tab.edit("undo")
        assert snapshot.undo == "Change the model to other (fast)"
        assert open_tab.workspace.choice == OTHER
    assert open_tab.edit("redo").undo == "Click on Object 1", "what lies ahead is still there"
    assert open_tab.click(4, 30, 30).objects[0].prompts.keys() == {0, 3, 4}
    models.missing.clear()
    for _ in range(3):
        open_tab.edit("undo")
    assert open_tab.workspace.choice == CHOICE


def test_a_project_brings_its_model(open_tab: Tab, models: TwoModels) -> None:
    open_tab.click(0, 24, 32)
    choose(open_tab, OTHER)
    token = token_of(open_tab)
    leave(open_tab)
    tab = other_tab(open_tab)
    assert tab.open("project", token).undo == "Change the model to other (fast)"
    assert tab.workspace.choice == OTHER


def test_without_its_model_the_prompts_are_answered_anew(open_tab: Tab, models: TwoModels) -> None:
    open_tab.click(0, 24, 32)
    choose(open_tab, OTHER)
    list(open_tab.track())
    token = token_of(open_tab)
    leave(open_tab)
    models.missing.add(OTHER)
    tab = other_tab(open_tab)
    snapshot = tab.open("project", token)
    assert snapshot.undo == "Change the model to fake"
    assert tab.workspace.choice == CHOICE
    assert snapshot.objects[0].prompts.keys() == {0}
    assert masks_of(tab, 0).any()
    models.missing.clear()
    assert tab.edit("undo").objects[0].tracked == "0-11", "and they are not lost"


def test_a_device_that_fails_is_no_reason_to_lose_anything(
    open_tab: Tab, models: TwoModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_tab.click(0, 24, 32)
    choose(open_tab, OTHER)
    get = TwoModels.get

    def failing(self: TwoModels, choice: ModelChoice, *args: Any) -> Tracker:
        if choice == CHOICE:
            raise DeviceError("The device is busy.")
        return get(self, choice, *args)

    monkeypatch.setattr(TwoModels, "get", failing)
    with told(open_tab, "busy"):
        open_tab.edit("undo")
    monkeypatch.undo()
    assert open_tab.edit("undo").undo == "Click on Object 1"


# ---- Project files


def test_a_project_file_goes_to_another_server(
    open_tab: Tab, tmp_path: Path, tracker: Tracker
) -> None:
    before = what_is_shown(work_on(open_tab))
    masks = masks_of(open_tab, 7)
    path = save(open_tab, with_clip=True)
    assert path.name == f"square{SUFFIX}"
    elsewhere = Workspaces(CHOICE, Settings(), ProjectLibrary(tmp_path / "elsewhere"))
    try:
        tab = tab_of(elsewhere, TwoModels(tracker), "tab-9")
        tab.upload(path, "any name.sam2ov")
        snapshot = tab.open("upload")
        assert snapshot.clip is not None
        assert snapshot.clip.name == "square.mp4"
        assert snapshot.objects == before["objects"]
        assert snapshot.range == before["range"]
        assert (snapshot.undo, snapshot.redo) == (None, None)
        np.testing.assert_array_equal(masks, masks_of(tab, 7))
        assert tab.click(2, 30, 30, obj=1).undo == "Click on Object 1"
    finally:
        elsewhere.close()


def test_a_project_file_without_clip_takes_the_open_one(open_tab: Tab) -> None:
    open_tab.click(0, 24, 32)
    slim = save(open_tab, with_clip=False)
    kept = shutil.copyfile(slim, slim.parent.parent / "slim")
    first = token_of(open_tab)
    open_tab.upload(kept, "slim.sam2ov")
    snapshot = open_tab.open("upload")
    assert snapshot.objects[0].prompts
    assert token_of(open_tab) != first
    open_tab.workspaces.libraries.of("").delete(first)
    assert open_tab.click(5, 30, 30).mask is not None, "it does not depend on the other project"


def test_a_project_file_needs_the_right_clip(tab: Tab, open_tab: Tab) -> None:
    open_tab.click(0, 24, 32)
    path = save(open_tab, with_clip=False)
    kept = shutil.copyfile(path, path.parent.parent / "slim")
    other = other_tab(open_tab)
    other.upload(kept, "slim.sam2ov")
    with told(other, r"Open square\.mp4 .* first"):
        assert other.open("upload").clip is None
    other.open("sample")
    other.upload(kept, "slim.sam2ov")
    with told(other, "Give the right clip: open it first"):
        snapshot = other.open("upload")
    assert snapshot.clip is not None
    assert snapshot.clip.name == "sample.mp4", "what was open still is"


def test_saving_needs_a_clip(tab: Tab) -> None:
    with told(tab, "no clip open"):
        list(tab.files.save_project(event({"with_clip": True}), tab.request))
    with told(tab, "does not accept"):
        list(tab.files.save_project(event({"with_clip": "yes"}), tab.request))


# ---- A killed server

KILLED = """
import os, signal, sys
from pathlib import Path
from typing import cast
from sam2ov.engine.model import SAM2Model
from sam2ov.project.library import ProjectLibrary
from sam2ov.engine.tracker import Tracker
from sam2ov.ui.settings import Settings
from sam2ov.ui.tabs.workspaces import Workspaces
from tests.click_model import ClickModel
from tests.ui.conftest import CHOICE
from tests.ui.tabs.test_opener import TwoModels, tab_of, token_of, work_on

tracker = Tracker(cast(SAM2Model, ClickModel()))
workspaces = Workspaces(CHOICE, Settings(), ProjectLibrary(Path(sys.argv[1])))
tab = tab_of(workspaces, TwoModels(tracker), "tab-1")
tab.upload(Path(sys.argv[2]), "square.mp4")
tab.open("upload")
work_on(tab)
tab.click(11, 40, 40)
running = tab.track(11, "backward", [1])
tab.edit("undo")
for _ in range(2):
    next(running, None)
print(token_of(tab), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_server_loses_nothing(
    clip_file: Path, tmp_path: Path, tracker: Tracker, open_tab: Tab
) -> None:
    expected = work_on(open_tab)
    ended = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path / "killed"), str(clip_file)],
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE,
        check=False,
        timeout=120,
    )
    assert ended.returncode == -signal.SIGKILL
    token = ended.stdout.decode().strip()
    library = ProjectLibrary(tmp_path / "killed")
    assert len(library.summaries([token])) == 1
    workspaces = Workspaces(CHOICE, Settings(), library)
    try:
        tab = tab_of(workspaces, TwoModels(tracker), "tab-1")
        started = time.monotonic()
        snapshot = tab.open("project", token)
        assert time.monotonic() - started < 20
        assert snapshot.objects == expected.objects
        assert (snapshot.range, snapshot.undo) == (expected.range, expected.undo)
        assert snapshot.redo is not None
        np.testing.assert_array_equal(masks_of(open_tab, 7), masks_of(tab, 7))
        assert tab.click(2, 30, 30).edits > 0
    finally:
        workspaces.close()


def test_objects_of_the_sample_begin_with_clean_up(open_tab: Tab) -> None:
    assert open_tab.project.objects[0].clean_up == NO_CLEAN_UP, "clips of one's own as tracked"
    first = open_tab.open("sample").objects[0]
    added = open_tab.edit("add_object").objects[-1]
    assert first.clean_up == added.clean_up == SAMPLE_CLEAN_UP


def test_images_may_become_larger_than_an_upload(
    tab: Tab, tracker: Tracker, tmp_path: Path
) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (3, 64, 96, 3), np.uint8)
    path = tmp_path / "shot.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number, picture in enumerate(noise):
            image = io.BytesIO()
            Image.fromarray(picture).save(image, "jpeg", quality=70)
            archive.writestr(f"{number}.jpg", image.getvalue())
    limits = replace(Settings().video, max_bytes=path.stat().st_size)
    opener = ProjectOpener(OneModel(tracker), limits)
    tab.upload(path, "shot.zip")
    upload = tab.workspace.upload
    assert upload is not None
    library = ProjectLibrary(tmp_path / "kept")
    folder = opener.make(library, upload, None, lambda _: None, lambda: False)
    assert folder.clip.stat().st_size > limits.max_bytes
    assert folder.read_info().num_frames == 3
    assert not upload.path.exists()
