"""A browser tab without the browser."""

import json
import re
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from sam2ov.engine.tracker import Tracker
from sam2ov.locks import Rank, held, require_order
from sam2ov.progress import CancelCheck, ProgressCallback
from sam2ov.project import Project
from sam2ov.project.library import ProjectLibrary
from sam2ov.ui.contract.messages import Snapshot
from sam2ov.ui.events.editing import EditorHandlers
from sam2ov.ui.events.files import FileHandlers
from sam2ov.ui.events.models import ModelHandlers
from sam2ov.ui.events.tracking import TrackingHandlers
from sam2ov.ui.gate.caller import Caller
from sam2ov.ui.pool.models import ModelChoice, ModelPool
from sam2ov.ui.settings import Settings
from sam2ov.ui.tabs.opener import ProjectOpener
from sam2ov.ui.tabs.workspace import Workspace
from sam2ov.ui.tabs.workspaces import Workspaces, caller_of_page
from sam2ov.values.masks import BoolArray
from tests.click_model import ClickModel

CHOICE = ModelChoice("fake", "CPU")
CALLER = Caller("192.0.2.7")
SECONDS = 20


@dataclass
class ModelInTurns(ClickModel):
    """Notes which of its networks run without a turn: ``astray``."""

    astray: list[str] = field(default_factory=list)

    def _count(self, method: str) -> None:
        super()._count(method)
        if Rank.MODEL_TURN not in held():
            self.astray.append(method)


class OneModel(ModelPool):
    """Has one model, whatever is asked for; ``asked`` lists that."""

    def __init__(self, tracker: Tracker) -> None:
        super().__init__()
        self.tracker = tracker
        self.asked: list[ModelChoice] = []

    def get(
        self,
        choice: ModelChoice,
        progress: ProgressCallback | None = None,
        cancel: CancelCheck | None = None,
    ) -> Tracker:
        require_order(Rank.COMPILING, self)
        self.asked.append(choice)
        return self.tracker

    def is_here(self, choice: ModelChoice) -> bool:
        return choice == CHOICE or super().is_here(choice)


@dataclass
class Tab:
    """A browser tab without the browser."""

    editor: EditorHandlers
    tracking: TrackingHandlers
    files: FileHandlers
    models: ModelHandlers
    workspaces: Workspaces
    request: gr.Request
    edits: int = 0

    def __post_init__(self) -> None:
        self.editor.ready(self.request)

    def other(self, request: gr.Request) -> "Tab":
        """Another tab of the same server."""
        return replace(self, request=request, edits=0)

    @property
    def workspace(self) -> Workspace:
        return self.workspaces.enter(str(self.request.session_hash), caller_of_page(self.request))

    @property
    def project(self) -> Project:
        assert self.workspace.clip is not None
        return self.workspace.clip.project

    def edit(self, kind: str, **values: Any) -> Snapshot:
        clip = self.workspace.clip
        self.edits += 1
        payload = {"clip": clip.token if clip else "no clip at all", "number": self.edits}
        payload |= {"kind": kind, **values}
        return snapshot_of(self.editor.edit(event(payload), self.request))

    def click(
        self, frame: int, x: float, y: float, *, obj: int = 1, positive: bool = True
    ) -> Snapshot:
        return self.edit("click", frame=frame, object=obj, x=x, y=y, positive=positive)

    def upload(self, path: Path, name: str) -> None:
        """Receive a copy of a file."""
        copy = self.workspace.new_upload()
        shutil.copyfile(path, copy)
        self.workspace.take_upload(copy, name)

    def attach(self, path: Path) -> None:
        """Receive a copy of a file that goes with the next event."""
        copy = self.workspace.new_upload()
        shutil.copyfile(path, copy)
        self.workspace.take_attachment(copy, path.name)

    def open_prompts(self, path: Path, masks: str = "first") -> Iterator[str]:
        self.attach(path)
        return self.files.open_prompts(event({"masks": masks}), self.request)

    def export(self, name: str, **choices: Any) -> Iterator[str]:
        asked: dict[str, Any] = {
            "format": name,
            "objects": None,
            "whole_clip": False,
            "per_object": False,
            "keep_start": False,
            "square_pixels": False,
            "first_number": None,
            "names": "",
            "options": {},
            "file": None,
        }
        return self.files.export(event(asked | choices), self.request)

    def open(self, source: str, project: str | None = None) -> Snapshot:
        payload = {"source": source, "project": project}
        *_, last = self.editor.open(event(payload), self.request)
        return snapshot_of(last)

    def track(
        self, frame: int = 0, direction: str = "forward", objects: list[int] | None = None
    ) -> Iterator[Snapshot]:
        assert self.workspace.clip is not None
        payload = {"clip": self.workspace.clip.token, "frame": frame, "direction": direction}
        payload["objects"] = objects
        for text in self.tracking.track(event(payload), self.request):
            yield snapshot_of(text)


@contextmanager
def told(tab: Tab, match: str) -> Iterator[None]:
    """What is done inside has the page told something."""
    before = tab.workspace.problem
    yield
    problem = tab.workspace.problem
    assert problem is not None
    assert problem is not before
    assert re.search(match, problem.text), problem.text


def masks_of(tab: Tab, frame_idx: int) -> BoolArray:
    """The masks of all prompted objects [N, H, W]."""
    return tab.project.masks(frame_idx, tab.project.session.size_hw)[1] > 0


def leave(tab: Tab) -> None:
    """The tab's page goes, and what it had on the server is closed."""
    assert tab.workspaces.leave(tab.workspace.token)
    wait_for_closing()


def wait_for_closing() -> None:
    """Until no tab is being closed any more."""
    for thread in threading.enumerate():
        if thread.name == "sam2ov-closing":
            thread.join(SECONDS)
            assert not thread.is_alive()


def event(payload: Any) -> gr.EventData:
    return gr.EventData(None, {"payload": payload})


def request_of(session_hash: str | None) -> gr.Request:
    return gr.Request(session_hash=session_hash)


def snapshot_of(text: str) -> Snapshot:
    return Snapshot.model_validate(json.loads(text), strict=False)


@pytest.fixture(autouse=True)
def no_nncf(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is no network cannot be quantised."""
    for place in ("sam2ov.zoo.loading", "sam2ov.ui.routes.models"):
        monkeypatch.setattr(f"{place}.is_installed", lambda: False)


@pytest.fixture
def model() -> Iterator[ModelInTurns]:
    """No test of the app lets a network run without a turn."""
    made = ModelInTurns()
    yield made
    assert made.astray == []


@pytest.fixture
def library(tmp_path: Path) -> ProjectLibrary:
    return ProjectLibrary(tmp_path / "projects")


@pytest.fixture
def workspaces(library: ProjectLibrary) -> Iterator[Workspaces]:
    made = Workspaces(CHOICE, Settings(), library)
    yield made
    made.close()


@pytest.fixture
def tab(workspaces: Workspaces, tracker: Tracker) -> Tab:
    models = OneModel(tracker)
    opener = ProjectOpener(models, Settings().video)
    return Tab(
        EditorHandlers(workspaces, models, opener),
        TrackingHandlers(workspaces, models),
        FileHandlers(workspaces, models),
        ModelHandlers(workspaces, models, opener, CHOICE.model),
        workspaces,
        request_of("tab-1"),
    )


@pytest.fixture
def open_tab(tab: Tab, clip_file: Path) -> Tab:
    """A tab that has opened ``clip_file``."""
    tab.upload(clip_file, "square.mp4")
    assert tab.open("upload").clip is not None
    return tab
