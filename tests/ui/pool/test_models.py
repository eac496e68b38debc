"""Choosing another model: prompts stay, masks are made anew."""

from pathlib import Path
from typing import ClassVar

import gradio as gr
import numpy as np
import pytest

from sam2ov.engine.devices import available_devices
from sam2ov.engine.policy import AS_TRAINED, PolicyName
from sam2ov.errors import DeviceError
from sam2ov.ui.contract.messages import Snapshot
from sam2ov.ui.events.models import ModelHandlers
from sam2ov.ui.pool.models import ModelChoice, ModelPool
from sam2ov.ui.pool.offers import is_demonstration, offered_models
from sam2ov.ui.routes.models import offered_devices
from sam2ov.ui.settings import Settings
from sam2ov.ui.tabs.job import Job
from sam2ov.ui.tabs.opener import ProjectOpener
from sam2ov.zoo.catalogue import BUNDLED_NAME
from sam2ov.zoo.presets import PRESETS, PresetName
from sam2ov.zoo.quantization import NEEDS_NNCF
from tests.fake_model import make_manifest
from tests.quantized import MEASURED, quantized_copy
from tests.ui.conftest import CHOICE, OneModel, Tab, event, masks_of, snapshot_of, told


def test_models_that_are_here_are_offered(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = str(tmp_path_factory.mktemp("mine"))
    offers = {offer.name: offer for offer in offered_models(folder)}
    assert offers[BUNDLED_NAME].is_here
    assert offers[BUNDLED_NAME].disk_bytes > 1e6
    assert (offers[folder].title, offers[folder].is_here) == (Path(folder).name, True)
    assert set(available_devices()) < set(offered_devices())
    assert is_demonstration(BUNDLED_NAME)
    assert not is_demonstration("sam2.1-hiera-tiny")


def wanted(
    model: str, device: str, preset: PresetName = "quality", memory: PolicyName = "upstream"
) -> gr.EventData:
    return event({"model": model, "device": device, "preset": preset, "memory": memory})


def use(
    tab: Tab,
    model: str,
    device: str,
    preset: PresetName = "quality",
    memory: PolicyName = "upstream",
) -> list[Snapshot]:
    """Press Use; gives what the page is told."""
    asked = wanted(model, device, preset, memory)
    return [snapshot_of(text) for text in tab.models.use(asked, tab.request)]


def test_another_memory_answers_anew_and_stays_with_the_project(open_tab: Tab) -> None:
    open_tab.click(0, 24, 32)
    *_, told = use(open_tab, BUNDLED_NAME, "CPU", memory="distractor-aware")
    assert told.model.memory == "distractor-aware"
    known = open_tab.project.snapshot.model
    assert known is not None
    assert known.memory == "distractor-aware"
    assert known.title == "micro (distractor-aware memory)"
    assert ModelChoice.of(known).memory == "distractor-aware"


def test_another_model_answers_the_same_prompts(open_tab: Tab) -> None:
    open_tab.click(0, 24, 32)
    open_tab.click(0, 60, 32)
    open_tab.click(5, 30, 32)
    masks = masks_of(open_tab, 0)
    before = open_tab.project
    *_, told = use(open_tab, BUNDLED_NAME, "AUTO")
    assert open_tab.project is not before
    assert (told.model.name, told.model.device) == (BUNDLED_NAME, "AUTO")
    assert told.model.is_demonstration
    assert sorted(told.objects[0].prompts) == [0, 5]
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
    *_, told = use(open_tab, BUNDLED_NAME, "CPU", "balanced")
    assert (told.model.name, told.model.preset) == (BUNDLED_NAME, "balanced")
    assert told.undo == f"Change the model to {BUNDLED_NAME} (balanced)"
    balanced = ModelChoice(BUNDLED_NAME, "CPU", "balanced")
    assert open_tab.workspace.choice == balanced
    assert ModelChoice.of(open_tab.project.model) == balanced
    weights = {
        models.document(ModelChoice(BUNDLED_NAME, "CPU", p.name)).weights for p in PRESETS.values()
    }
    assert len(weights) == len(PRESETS), "results of one are not taken for those of another"
    assert open_tab.edit("undo").model.preset == "quality"


def test_the_model_in_use_does_nothing(open_tab: Tab) -> None:
    open_tab.click(0, 24, 32)
    before = open_tab.project
    (told,) = use(open_tab, CHOICE.model, CHOICE.device)
    assert told.job is None
    assert open_tab.project is before
    assert told.undo == "Click on Object 1"


def test_only_offered_models_are_loaded(open_tab: Tab) -> None:
    with told(open_tab, "There is no model"):
        *_, last = use(open_tab, "/etc", "CPU")
    assert (last.model.name, last.model.device) == (CHOICE.model, CHOICE.device)
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
    with told(open_tab, "no device"):
        *_, last = use(open_tab, BUNDLED_NAME, "GPU")
    assert last.model.device == "CPU"
    assert open_tab.project is before


def test_a_cancelled_change_of_model_changes_nothing(open_tab: Tab) -> None:
    open_tab.click(0, 24, 32)
    before = open_tab.project
    running = open_tab.models.use(wanted(BUNDLED_NAME, "CPU", "balanced"), open_tab.request)
    workspace = open_tab.workspace
    start = workspace.start

    def start_cancelled(job: Job) -> Job:
        job.cancel()
        return start(job)

    workspace.start = start_cancelled  # type: ignore[method-assign]
    *_, last = running
    assert snapshot_of(last).model.name == CHOICE.model
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
    """The handlers of an app that was started with a model folder, whose pool loads it."""
    pool = ModelPool()
    opener = ProjectOpener(pool, Settings().video)
    return ModelHandlers(tab.workspaces, pool, opener, started_with=str(micro_model))


@pytest.mark.parametrize(("error", "time_ratio", "note"), MEASURED)
def test_it_is_told_what_came_of_int8(
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

    def notes_with(preset: PresetName) -> str:
        asked = wanted(str(micro_model), "CPU", preset)
        *_, last = own_model.use(asked, tab.request)
        assert snapshot_of(last).model.preset == preset
        return " ".join(own_model._models.notes(tab.workspace.choice))

    assert "INT8" not in notes_with("quality")
    assert note in notes_with("balanced")
    notes_with("quality")
    notes_with("fast")
    assert note in notes_with("balanced"), "also when the pool has dropped it meanwhile"


def test_it_is_told_what_int8_needs(tab: Tab, own_model: ModelHandlers, micro_model: Path) -> None:
    list(own_model.use(wanted(str(micro_model), "CPU", "balanced"), tab.request))
    assert own_model._models.notes(tab.workspace.choice) == (NEEDS_NNCF,)
    list(own_model.use(wanted(BUNDLED_NAME, "CPU", "balanced"), tab.request))
    (note,) = own_model._models.notes(tab.workspace.choice)
    assert note == "INT8 is not tried on micro, whose image encoder is small."
