"""A red square that moves right, a model that answers clicks, and a tab without a browser."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import gradio as gr
import numpy as np
import numpy.typing as npt
import pytest

from sam2ov.masks import FloatArray
from sam2ov.model import DecodedMasks, ImageFeatures, PromptEmbeddings, SAM2Model
from sam2ov.progress import CancelCheck, ProgressCallback
from sam2ov.session import VideoSession
from sam2ov.tracker import Tracker
from sam2ov.ui.clip import OpenClip, Upload
from sam2ov.ui.file_handlers import FileHandlers
from sam2ov.ui.handlers import EditorHandlers
from sam2ov.ui.messages import Snapshot
from sam2ov.ui.model_handlers import ModelHandlers
from sam2ov.ui.model_pool import ModelChoice, ModelPool
from sam2ov.ui.project import Project
from sam2ov.ui.settings import Settings
from sam2ov.ui.workspace import Workspace
from sam2ov.ui.workspaces import Workspaces
from sam2ov.video import open_video
from tests.clips import write_clip
from tests.fake_model import SIZE, FakeModel

NUM_FRAMES = 12
HEIGHT, WIDTH = 64, 96
CHOICE = ModelChoice("fake", "CPU")


@dataclass
class ClickModel(FakeModel):
    """Clicks make discs, boxes areas, earlier answers shine through; tracking finds what is red."""

    prompts: list[tuple[FloatArray, npt.NDArray[np.int32], FloatArray | None]] = field(
        default_factory=list
    )

    def encode_prompts(
        self,
        points_xy_model: FloatArray,
        labels: npt.NDArray[np.int32],
        mask_logits: FloatArray | None,
    ) -> PromptEmbeddings:
        self.prompts.append((points_xy_model, labels, mask_logits))
        return super().encode_prompts(points_xy_model, labels, mask_logits)

    def decode_masks(
        self, embedding: FloatArray, features: ImageFeatures, prompts: PromptEmbeddings
    ) -> DecodedMasks:
        found = super().decode_masks(embedding, features, prompts)
        points, labels, feedback = self.prompts[-1]
        if labels.max() < 0 or len(embedding) != len(points):  # tracking: no prompts
            return found
        side = self.manifest.low_res_size
        y, x = np.mgrid[:side, :side] * (SIZE / side) + SIZE / side / 2
        logits = np.full((side, side), -4.0, np.float32)
        if feedback is not None:
            logits += 0.25 * feedback[0]
        kinds = labels[0].tolist()
        if 2 in kinds:
            (x0, y0), (x1, y1) = points[0][kinds.index(2)], points[0][kinds.index(3)]
            logits[(x >= x0) & (x <= x1) & (y >= y0) & (y <= y1)] = 6
        for (px, py), label in zip(points[0], kinds, strict=True):
            if label in (0, 1):
                logits[np.hypot(x - px, y - py) < 12] = 6 if label else -6
        return DecodedMasks(
            np.broadcast_to(logits, (1, 4, side, side)).copy(),
            found.ious,
            found.pointers,
            np.full(1, 5.0, np.float32),
        )


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
        self.asked.append(choice)
        return self.tracker


@dataclass
class Tab:
    """A browser tab without the browser."""

    editor: EditorHandlers
    files: FileHandlers
    models: ModelHandlers
    workspaces: Workspaces
    request: gr.Request
    edits: int = 0

    @property
    def workspace(self) -> Workspace:
        return self.workspaces.of(self.request)

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

    def track(self, frame: int = 0, direction: str = "forward") -> Iterator[Snapshot]:
        assert self.workspace.clip is not None
        payload = {"clip": self.workspace.clip.token, "frame": frame, "direction": direction}
        for text in self.editor.track(event(payload), self.request):
            yield snapshot_of(text)


def event(payload: Any) -> gr.EventData:
    return gr.EventData(None, {"payload": payload})


def request_of(session_hash: str | None) -> gr.Request:
    return gr.Request(session_hash=session_hash)


def snapshot_of(text: str) -> Snapshot:
    return Snapshot.model_validate(json.loads(text), strict=False)


@pytest.fixture(scope="session")
def clip_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    frames = np.full((NUM_FRAMES, HEIGHT, WIDTH, 3), 60, np.uint8)
    for index, frame in enumerate(frames):
        frame[16:48, 8 + 2 * index : 40 + 2 * index] = (255, 0, 0)
    return write_clip(tmp_path_factory.mktemp("ui") / "square", frames)


@pytest.fixture
def model() -> ClickModel:
    return ClickModel()


@pytest.fixture
def tracker(model: ClickModel) -> Tracker:
    return Tracker(cast(SAM2Model, model))


@pytest.fixture
def project(tracker: Tracker, clip_file: Path) -> Iterator[Project]:
    with VideoSession(tracker, open_video(clip_file)) as session:
        yield Project(session)


@pytest.fixture
def workspaces() -> Iterator[Workspaces]:
    made = Workspaces(CHOICE, Settings())
    yield made
    made.close()


@pytest.fixture
def tab(workspaces: Workspaces, tracker: Tracker) -> Tab:
    models = OneModel(tracker)
    return Tab(
        EditorHandlers(workspaces, models),
        FileHandlers(workspaces, models),
        ModelHandlers(workspaces, models, CHOICE.model),
        workspaces,
        request_of("tab-1"),
    )


@pytest.fixture
def open_tab(tab: Tab, clip_file: Path, tracker: Tracker) -> Tab:
    """A tab that has opened ``clip_file``."""
    workspace = tab.workspace
    upload = Upload(clip_file, "square.mp4")
    workspace.replace_clip(OpenClip.open(upload, tracker, workspace.folder))
    return tab
