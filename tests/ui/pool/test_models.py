"""Choosing another model: prompts stay, masks are made anew."""

from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from sam2ov.engine.devices import available_devices
from sam2ov.engine.policy import AS_TRAINED
from sam2ov.errors import DeviceError
from sam2ov.ui.events.models import ModelHandlers, offered_devices
from sam2ov.ui.pool.models import ModelChoice, ModelPool
from sam2ov.ui.pool.offers import is_demonstration, offered_models
from sam2ov.ui.settings import Settings
from sam2ov.ui.tabs.job import Job
from sam2ov.ui.tabs.opener import ProjectOpener
from sam2ov.zoo.catalogue import BUNDLED_NAME
from sam2ov.zoo.presets import PRESETS, PresetName
from tests.fake_model import make_manifest
from tests.quantized import MEASURED, quantized_copy
from tests.ui.conftest import CHOICE, OneModel, Tab, masks_of, snapshot_of


def test_models_that_are_here_are_offered(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = str(tmp_path_factory.mktemp("mine"))
    offers = {offer.name: offer for offer in offered_models(folder)}
    assert offers[BUNDLED_NAME].is_here
    assert "MB on disk" in offers[BUNDLED_NAME].label
    assert (offers[folder].title, offers[folder].is_here) == (Path(folder).name, True)
    assert set(available_devices()) < set(offered_devices())
    assert is_demonstration(BUNDLED_NAME)
    assert not is_demonstration("sam2.1-hiera-tiny")


def test_another_model_answers_the_same_prompts(open_tab: Tab) -> None:
    open_tab.click(0, 24, 32)
    open_tab.click(0, 60, 32)
    open_tab.click(5, 30, 32)
    masks = masks_of(open_tab, 0)
    before = open_tab.project
    *_, told, last = open_tab.models.choose(BUNDLED_NAME, "AUTO", "quality", open_tab.request)
    assert open_tab.project is not before
    assert (last[1]["value"], last[2]) == (BUNDLED_NAME, "AUTO")
    assert last[3]["visible"] is True
    assert sorted(snapshot_of(told[0]).objects[0].prompts) == [0, 5]
    np.testing.assert_array_equal(masks, masks_of(open_tab, 0))
    assert open_tab.project.history.revision > before.history.revision
    models = open_tab.models._models
    assert isinstance(models, OneModel)
    assert models.asked[-1] == ModelChoice(BUNDLED_NAME, "AUTO")
    assert open_tab.edit("undo").undo == "Click on Object 1"
    assert open_tab.workspace.choice == CHOICE, "the model before is back"
    np.testing.assert_array_equal(masks, masks_of(open_tab, 0))
    assert open_tab.edit("undo").show_frame == 5


def test_a_preset_is_like_another_model(open_tab: Tab) -> None:
    open_tab.click(0, 24, 32)
    models = open_tab.models._models
    *_, told, last = open_tab.models.choose(BUNDLED_NAME, "CPU", "balanced", open_tab.request)
    assert (last[1]["value"], last[7]) == (BUNDLED_NAME, "balanced")
    assert "Balanced: remembers" in last[4]
    assert snapshot_of(told[0]).undo == f"Change the model to {BUNDLED_NAME} (balanced)"
    balanced = ModelChoice(BUNDLED_NAME, "CPU", "balanced")
    assert open_tab.workspace.choice == balanced
    assert ModelChoice.of(open_tab.project.model) == balanced
    weights = {
        models.document(ModelChoice(BUNDLED_NAME, "CPU", p.name)).weights for p in PRESETS.values()
    }
    assert len(weights) == len(PRESETS), "results of one are not taken for those of another"
    assert open_tab.edit("undo").model == CHOICE.label
    assert open_tab.models.show(open_tab.request)[7] == "quality"


def test_only_offered_models_are_loaded(open_tab: Tab) -> None:
    with pytest.warns(UserWarning, match="There is no model"):
        *_, last = open_tab.models.choose("/etc", "CPU", "quality", open_tab.request)
    assert (last[1]["value"], last[2]) == (CHOICE.model, CHOICE.device), "the pickers go back"
    assert open_tab.workspace.choice == CHOICE
    models = open_tab.models._models
    assert isinstance(models, OneModel)
    assert set(models.asked) == {CHOICE}


def test_a_device_that_is_not_there_changes_nothing(
    open_tab: Tab, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_tab.click(0, 24, 32)
    before = open_tab.project

    def absent(choice: ModelChoice, *_: object) -> object:
        raise DeviceError(f"There is no device {choice.device!r} here.")

    monkeypatch.setattr(open_tab.models._models, "get", absent)
    with pytest.warns(UserWarning, match="no device"):
        *_, last = open_tab.models.choose(BUNDLED_NAME, "GPU", "quality", open_tab.request)
    assert last[2] == "CPU"
    assert open_tab.project is before


def test_a_cancelled_change_of_model_changes_nothing(open_tab: Tab) -> None:
    open_tab.click(0, 24, 32)
    before = open_tab.project
    running = open_tab.models.choose(BUNDLED_NAME, "CPU", "quality", open_tab.request)
    workspace = open_tab.workspace
    start = workspace.start

    def start_cancelled(job: Job) -> Job:
        job.cancel()
        return start(job)

    workspace.start = start_cancelled  # type: ignore[method-assign]
    *_, last = running
    assert last[1]["value"] == CHOICE.model
    assert open_tab.project is before
    assert workspace.job is None


class NotCompiled:
    """In place of compiled networks; ``loaded`` lists the folders."""

    manifest = make_manifest()
    memory = AS_TRAINED
    loaded: ClassVar[list[str]] = []

    def __init__(self, folder: Path, *_: object, **__: object) -> None:
        self.loaded.append(folder.name)


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Folders that are loaded by a pool of its own, without compiling them."""
    monkeypatch.setattr(NotCompiled, "loaded", [])
    monkeypatch.setattr("sam2ov.zoo.loading.SAM2Model", NotCompiled)
    return NotCompiled.loaded


def test_the_pool_compiles_once_and_keeps_two(
    loaded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sam2ov.zoo.loading.resolve_model", lambda name, **_: Path(name))
    monkeypatch.setattr("sam2ov.zoo.loading.read_manifest", lambda _: make_manifest())
    pool = ModelPool()
    for name in ("a", "b", "a", "c", "a", "b"):
        pool.get(ModelChoice(name, "CPU"))
    assert loaded == ["a", "b", "c", "b"]
    pool.get(ModelChoice("b", "CPU", "balanced"))
    assert loaded[-2:] == ["b", "b"], "another preset is another model"


@pytest.fixture
def own_model(tab: Tab, micro_model: Path, loaded: list[str]) -> ModelHandlers:
    """The panel of an app that was started with a model folder, whose pool loads it."""
    pool = ModelPool()
    opener = ProjectOpener(tab.workspaces.library, pool, Settings().video)
    return ModelHandlers(tab.workspaces, pool, opener, started_with=str(micro_model))


@pytest.mark.parametrize(("error", "time_ratio", "note"), MEASURED)
def test_the_panel_says_what_came_of_int8(
    tab: Tab,
    own_model: ModelHandlers,
    micro_model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: float,
    time_ratio: float,
    note: str,
) -> None:
    monkeypatch.setattr("sam2ov.zoo.loading.is_installed", lambda: True)
    monkeypatch.setattr(
        "sam2ov.zoo.loading.quantize_model",
        lambda folder, *_, **__: quantized_copy(folder, tmp_path / "int8", error, time_ratio),
    )

    def choose(preset: PresetName) -> str:
        *_, last = own_model.choose(str(micro_model), "CPU", preset, tab.request)
        assert last[7] == preset
        return str(last[4])

    assert "INT8" not in choose("quality")
    assert f"<p>{note}" in choose("balanced")
    assert f"<p>{note}" in own_model.show(tab.request)[4], "also after the page is reloaded"
    choose("quality")
    choose("fast")
    assert f"<p>{note}" in choose("balanced"), "also when the pool has dropped it meanwhile"


def test_the_panel_says_once_what_int8_needs(
    tab: Tab, own_model: ModelHandlers, micro_model: Path
) -> None:
    *_, last = own_model.choose(str(micro_model), "CPU", "balanced", tab.request)
    assert "may be faster in INT8, which needs NNCF: pip install &quot;sam2ov[qu" in last[4]
    assert str(last[4]).count("pip install") == 1
    *_, last = own_model.choose(BUNDLED_NAME, "CPU", "balanced", tab.request)
    assert "INT8 is not tried on micro, whose image encoder is small." in last[4]
    assert "pip install" not in last[4]
