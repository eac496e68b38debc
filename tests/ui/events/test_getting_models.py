"""Models that are not here: shown, fetched from a hub, converted, loaded; all from the page."""

import hashlib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import gradio as gr
import huggingface_hub
import pytest

from sam2ov.errors import ModelError
from sam2ov.ui.contract.messages import Snapshot
from sam2ov.ui.pool.models import ModelChoice
from sam2ov.ui.settings import Settings
from sam2ov.ui.tabs.job import Job
from sam2ov.zoo import checkpoints, conversion
from tests.hub_server import HubServer, hub_server
from tests.ui.conftest import CHOICE, OneModel, Tab, event, snapshot_of, told

NAME = "sam2.1-hiera-tiny"
FILE = "sam2.1_hiera_tiny.pt"
CONTENT = hashlib.shake_256(b"a checkpoint").digest(1_500_000)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own, and the converter's stand-in."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("SAM2OV_CACHE", str(folder))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(conversion, "CONVERTER", "tests.fake_convert")
    monkeypatch.setattr(checkpoints, "SECONDS_BETWEEN_ATTEMPTS", 0.01)
    return folder


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    with hub_server({f"facebook/{NAME}/{FILE}": CONTENT}) as server:
        template = server.endpoint + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", server.endpoint)
        monkeypatch.setattr(huggingface_hub.constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        yield server
        huggingface_hub.close_session()


def wanted(model: str = NAME, preset: str = "quality") -> gr.EventData:
    return event({"model": model, "device": "CPU", "preset": preset, "memory": "upstream"})


def get(tab: Tab, during: Callable[[], object] | None = None, model: str = NAME) -> list[Snapshot]:
    """Press Get, and do something at the first sign of progress."""
    told = []
    for text in tab.models.get(wanted(model), tab.request):
        told.append(snapshot_of(text))
        if during is not None and told[-1].getting is not None:
            during()
            during = None
    return told


def test_what_is_not_here_is_not_used(open_tab: Tab) -> None:
    with told(open_tab, "There is no model"):
        *_, last = open_tab.models.use(wanted(), open_tab.request)
    assert snapshot_of(last).model.name == CHOICE.model
    assert open_tab.workspace.choice == CHOICE


def test_getting_downloads_converts_and_loads(
    open_tab: Tab, hub: HubServer, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_CONVERT", "slow")
    open_tab.click(0, 24, 32)
    told = get(open_tab, during=lambda: open_tab.click(0, 60, 32))
    under_way = [each.getting for each in told if each.getting]
    assert under_way, "the user saw how far it was"
    assert under_way[0].model == NAME
    last = told[-1]
    assert (last.model.name, last.model.title) == (NAME, "SAM 2.1 tiny")
    assert not last.model.is_demonstration, "the banner of the bundled model goes"
    assert last.getting is None
    assert open_tab.workspace.choice.model == NAME
    assert (cache / "models" / NAME / "manifest.json").is_file()
    models = open_tab.models._models
    assert isinstance(models, OneModel)
    assert models.asked[-1].model == NAME
    assert open_tab.project.prompts.frames(1) == [0], "the prompts were kept"


def test_a_model_is_got_once_for_all_presets(
    open_tab: Tab, hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_CONVERT_LOG", str(tmp_path / "converter.log"))
    get(open_tab)
    asked = len(hub.content_ranges)
    *_, last = open_tab.models.use(wanted(preset="fast"), open_tab.request)
    told = snapshot_of(last).model
    assert (told.name, told.preset) == (NAME, "fast")
    assert ModelChoice.of(open_tab.project.model) == ModelChoice(NAME, "CPU", "fast")
    assert len(hub.content_ranges) == asked, "nothing is fetched"
    assert len((tmp_path / "converter.log").read_text().splitlines()) == 1


def test_cancelling_keeps_what_has_arrived(
    open_tab: Tab, hub: HubServer, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_CONVERT", "hang")
    *_, last = get(open_tab, during=lambda: open_tab.models.cancel(open_tab.request))
    assert last.getting is None, "it can be got again"
    assert open_tab.workspace.choice == CHOICE
    assert list((cache / "models").glob("*")) == []
    monkeypatch.setenv("FAKE_CONVERT", "ok")
    asked = len(hub.content_ranges)
    get(open_tab)
    assert open_tab.workspace.choice.model == NAME
    whole = (cache / "checkpoints" / FILE).read_bytes()
    assert whole == CONTENT
    assert len(hub.content_ranges) - asked <= 1, "nothing is fetched twice"


def test_two_clicks_at_once_get_a_model_once(
    open_tab: Tab, hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = threading.Barrier(2)

    def job(*args: Any, **options: Any) -> Job:
        both.wait(20)
        return Job(*args, **options)

    monkeypatch.setenv("FAKE_CONVERT", "hang")
    monkeypatch.setattr("sam2ov.ui.events.models.Job", job)
    choice = ModelChoice(NAME, "CPU")
    fetching = [open_tab.models._fetched(open_tab.workspace, choice) for _ in range(2)]
    with ThreadPoolExecutor(2) as threads:
        firsts = [threads.submit(next, running, None) for running in fetching]
        errors = [first.exception(20) for first in firsts]
    assert [type(error) for error in errors if error] == [ModelError]
    for running in fetching:
        running.close()  # type: ignore[attr-defined]
    assert open_tab.workspace.getting is None


def test_a_closed_tab_stops_its_download(
    open_tab: Tab, hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_CONVERT", "hang")
    running = open_tab.models.get(wanted(), open_tab.request)
    next(running)
    running.close()  # type: ignore[attr-defined]
    assert open_tab.workspace.getting is None


def test_a_failure_is_told_and_can_be_repeated(open_tab: Tab, hub: HubServer) -> None:
    hub.files.clear()
    with told(open_tab, f"Cannot fetch {FILE}"):
        *_, last = get(open_tab)
    assert last.getting is None
    assert open_tab.workspace.choice == CHOICE


def test_a_server_may_fetch_nothing(open_tab: Tab) -> None:
    open_tab.workspaces.settings = Settings(downloads=False)
    with told(open_tab, "does not fetch models"):
        get(open_tab)
    assert open_tab.workspace.choice == CHOICE


@pytest.mark.parametrize("asked", ["facebook/anything", "hf:me/birds/best.pt", __file__])
def test_only_what_is_offered_is_fetched_or_read(open_tab: Tab, asked: str) -> None:
    """Neither files of the server nor all of the hub are within a page's reach."""
    with told(open_tab, "There is no model"):
        list(open_tab.models.use(wanted(asked), open_tab.request))
    assert open_tab.workspace.choice == CHOICE
    with told(open_tab, "There is no model"):
        get(open_tab, model=asked)
    assert open_tab.workspace.choice == CHOICE


@pytest.mark.parametrize("payload", [None, {"model": NAME}, {"model": "", "device": "CPU"}, 3])
def test_malformed_wishes_are_refused(open_tab: Tab, payload: object) -> None:
    for handler in (open_tab.models.use, open_tab.models.get):
        with told(open_tab, "does not accept"):
            (answer,) = handler(event(payload), open_tab.request)
        assert snapshot_of(answer).model.name == CHOICE.model


def add(tab: Tab) -> list[Snapshot]:
    asked = event({"device": "CPU", "preset": "quality", "memory": "upstream"})
    return [snapshot_of(text) for text in tab.models.add(asked, tab.request)]


def test_an_uploaded_checkpoint_is_converted_and_used(open_tab: Tab, cache: Path) -> None:
    open_tab.click(0, 24, 32)
    partial = open_tab.workspace.new_upload()
    partial.write_bytes(CONTENT)
    open_tab.workspace.take_checkpoint(partial, "birds.pt")
    last = add(open_tab)[-1]
    assert last.model.name.startswith("birds-")
    assert (cache / "models" / "own" / last.model.name / "manifest.json").is_file()
    assert open_tab.project.prompts.frames(1) == [0], "the prompts were kept"
    assert open_tab.workspace.checkpoint is None, "the upload is not kept beside what it became"
    assert list(open_tab.workspace.folder.glob("*.checkpoint")) == []


def test_a_bad_checkpoint_is_refused_and_deleted(
    open_tab: Tab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_CONVERT", "refuse")
    partial = open_tab.workspace.new_upload()
    partial.write_bytes(b"no checkpoint")
    open_tab.workspace.take_checkpoint(partial, "birds.pt")
    with told(open_tab, r"birds\.pt is truncated"):
        last = add(open_tab)[-1]
    assert (last.getting, last.model.name) == (None, CHOICE.model)
    assert open_tab.workspace.checkpoint is None


def test_without_an_upload_there_is_nothing_to_add(open_tab: Tab) -> None:
    with told(open_tab, "Choose one first"):
        (answer,) = add(open_tab)
    assert answer.model.name == CHOICE.model
