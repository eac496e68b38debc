"""A clip that the stand-in networks track to the pixel, and the command line around them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from sam2ov.cli import app
from sam2ov.engine.devices import Precision
from sam2ov.engine.model import DecodedMasks, ImageFeatures, PromptEmbeddings
from sam2ov.engine.policy import MemorySettings
from sam2ov.values.masks import FloatArray
from tests.clips import Encoding, write_clip
from tests.fake_convert import write_model_folder
from tests.fake_model import FakeModel

NUM_FRAMES = 20
SIZE_HW = (48, 80)
GONE = range(12, 15)

Run = Callable[..., Result]


class LoadedFakeModel(FakeModel):
    """Takes the arguments of ``SAM2Model``.

    ``before_frame`` is called before a frame is segmented, in the thread that asks for it.
    """

    before_frame: Callable[[int], None] = staticmethod(lambda number: None)

    def __init__(
        self,
        folder: Path,
        device: str,
        precision: Precision | None,
        cache_dir: Path,
        memory: MemorySettings,
        image_size: int,
        threads: int | None = None,
    ) -> None:
        super().__init__(memory=memory)
        self.device = device
        self.precision = precision or "f32"

    def decode_masks(
        self, embedding: FloatArray, features: ImageFeatures, prompts: PromptEmbeddings
    ) -> DecodedMasks:
        type(self).before_frame(self.calls.get("decode_masks", 0))
        return super().decode_masks(embedding, features, prompts)


@pytest.fixture(autouse=True)
def no_nncf(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is no network cannot be quantised."""
    monkeypatch.setattr("sam2ov.zoo.loading.is_installed", lambda: False)


@pytest.fixture
def networks(monkeypatch: pytest.MonkeyPatch) -> type[LoadedFakeModel]:
    """The stand-in takes the place of the compiled networks."""
    fresh = type("Fresh", (LoadedFakeModel,), {})
    monkeypatch.setattr("sam2ov.zoo.loading.SAM2Model", fresh)
    return fresh


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder that resolves; its networks are placeholders."""
    folder = tmp_path_factory.mktemp("models") / "fake"
    write_model_folder(folder, image_sizes=(1024, 512))
    return folder


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A red square that moves to the right on grey, gone on frames 12 to 14; with sound."""
    frames = np.full((NUM_FRAMES, *SIZE_HW, 3), 90, np.uint8)
    for number in range(NUM_FRAMES):
        if number not in GONE:
            frames[number, 8:40, 8 + number : 40 + number] = (255, 0, 0)
    encoding = Encoding(options={"crf": "5", "g": "8"}, pix_fmt="yuv444p", audio="aac")
    return write_clip(tmp_path_factory.mktemp("clip") / "clip", frames, encoding)


@pytest.fixture
def run() -> Run:
    """Runs a command line; standard output and standard error are kept apart."""

    def invoke(*arguments: object) -> Result:
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    return invoke


@pytest.fixture
def track(run: Run, networks: type[LoadedFakeModel], model_folder: Path, clip: Path) -> Run:
    """Runs ``sam2ov track CLIP`` on the stand-in."""

    def invoke(*arguments: object) -> Result:
        return run("track", clip, "--model", model_folder, *arguments)

    return invoke
