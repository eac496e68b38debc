"""Models that are not here: shown, fetched from a hub, converted, loaded; all from the page."""

import hashlib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest

from sam2ov.errors import ModelError
from sam2ov.ui.events.model_facts import facts_html
from sam2ov.ui.events.models import PanelUpdate
from sam2ov.ui.pool.models import ModelChoice
from sam2ov.ui.pool.offers import find_offer
from sam2ov.ui.settings import Settings
from sam2ov.ui.tabs.job import Job
from sam2ov.zoo import checkpoints, conversion
from sam2ov.zoo.presets import PRESETS
from tests.fake_convert import write_model_folder
from tests.hub_server import HubServer, hub_server
from tests.ui.conftest import CHOICE, OneModel, Tab

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


def label_of(update: PanelUpdate, name: str) -> str:
    (label,) = (label for label, value in update[1]["choices"] if value == name)
    return str(label)


def is_visible(update: Any) -> bool:
    return bool(update["visible"])


def get(tab: Tab, during: Callable[[], object] | None = None) -> list[PanelUpdate]:
    """Press Get, and do something at the first sign of progress."""
    updates = []
    for update in tab.models.get(NAME, "CPU", "quality", tab.request):
        if during is not None and isinstance(update[4], str) and "<progress" in update[4]:
            during()
            during = None
        updates.append(update)
    return updates


def test_a_model_that_is_not_here_is_explained_and_not_loaded(open_tab: Tab) -> None:
    (shown,) = open_tab.models.choose(NAME, "CPU", "quality", open_tab.request)
    assert shown[1]["value"] == NAME
    assert label_of(shown, NAME) == f"{NAME} · get 156 MB"
    assert "Fastest of SAM 2&#x27;s sizes" in shown[4]
    assert "156 MB to download" in shown[4]
    assert (is_visible(shown[5]), shown[5]["value"]) == (True, f"Get {NAME}")
    assert open_tab.workspace.choice == CHOICE
    again = open_tab.models.show(open_tab.request)
    assert again[1]["value"] == CHOICE.model
    assert not is_visible(again[5])


def test_getting_downloads_converts_and_loads(
    open_tab: Tab, hub: HubServer, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_CONVERT", "slow")
    open_tab.click(0, 24, 32)
    updates = get(open_tab, during=lambda: open_tab.click(0, 60, 32))
    progress = [update for update in updates if "<progress" in str(update[4])]
    assert progress, "the user saw how far it was"
    assert is_visible(progress[0][6]), "and could cancel"
    last = updates[-1]
    assert last[1]["value"] == NAME
    assert "on disk" in label_of(last, NAME)
    assert not is_visible(last[3]), "the banner of the bundled model goes"
    assert (is_visible(last[5]), is_visible(last[6])) == (False, False)
    assert open_tab.workspace.choice.model == NAME
    assert (cache / "models" / NAME / "manifest.json").is_file()
    models = open_tab.models._models
    assert isinstance(models, OneModel)
    assert models.asked[-1].model == NAME
    assert open_tab.project.prompts.frames(1) == [0]


def test_a_model_is_got_once_for_all_presets(
    open_tab: Tab, hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_CONVERT_LOG", str(tmp_path / "converter.log"))
    get(open_tab)
    asked = len(hub.content_ranges)
    *_, last = open_tab.models.choose(NAME, "CPU", "fast", open_tab.request)
    assert (last[1]["value"], last[7]) == (NAME, "fast")
    assert "on disk" in label_of(last, NAME)
    assert "at half the resolution" in last[4]
    assert "INT8 needs NNCF on the server: pip install" in last[4]
    assert ModelChoice.of(open_tab.project.model) == ModelChoice(NAME, "CPU", "fast")
    assert len(hub.content_ranges) == asked, "nothing is fetched"
    assert len((tmp_path / "converter.log").read_text().splitlines()) == 1


def test_a_folder_that_lacks_a_presets_size_says_what_to_do(tmp_path: Path) -> None:
    write_model_folder(tmp_path / "mine", name="mine")
    offer = find_offer(str(tmp_path / "mine"), str(tmp_path / "mine"))
    facts = {
        preset.name: facts_html(offer, preset.name, (), may_fetch=True)
        for preset in PRESETS.values()
    }
    assert "has no networks for 512 px" in facts["fast"]
    assert "--image-size 1024,512" in facts["fast"]
    assert "has no networks" not in facts["quality"] + facts["balanced"]


def test_cancelling_keeps_what_has_arrived(
    open_tab: Tab, hub: HubServer, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_CONVERT", "hang")
    *_, last = get(open_tab, during=lambda: open_tab.models.cancel(open_tab.request))
    assert last[1]["value"] == NAME
    assert is_visible(last[5]), "it can be got again"
    assert open_tab.workspace.choice == CHOICE
    assert open_tab.models._fetching == {}
    assert list((cache / "models").glob("*")) == []
    monkeypatch.setenv("FAKE_CONVERT", "ok")
    asked = len(hub.content_ranges)
    *_, last = get(open_tab)
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
    wanted = ModelChoice(NAME, "CPU")
    fetching = [open_tab.models._fetched(wanted, "tab-1") for _ in range(2)]
    with ThreadPoolExecutor(2) as threads:
        firsts = [threads.submit(next, running, None) for running in fetching]
        errors = [first.exception(20) for first in firsts]
    assert [type(error) for error in errors if error] == [ModelError]
    for running in fetching:
        running.close()  # type: ignore[attr-defined]
    assert open_tab.models._fetching == {}


def test_a_closed_tab_stops_its_download(
    open_tab: Tab, hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_CONVERT", "hang")
    running = open_tab.models.get(NAME, "CPU", "quality", open_tab.request)
    next(running)
    running.close()  # type: ignore[attr-defined]
    assert open_tab.models._fetching == {}


def test_a_failure_is_told_and_can_be_repeated(open_tab: Tab, hub: HubServer) -> None:
    hub.files.clear()
    with pytest.warns(UserWarning, match=f"Cannot fetch {FILE}"):
        *_, last = get(open_tab)
    assert is_visible(last[5])
    assert open_tab.workspace.choice == CHOICE


def test_a_server_may_fetch_nothing(open_tab: Tab) -> None:
    open_tab.workspaces.settings = Settings(downloads=False)
    (shown,) = open_tab.models.choose(NAME, "CPU", "quality", open_tab.request)
    assert "Ask who runs it" in shown[4]
    assert not is_visible(shown[5])
    with pytest.warns(UserWarning, match="does not fetch models"):
        get(open_tab)
    assert open_tab.workspace.choice == CHOICE


@pytest.mark.parametrize("asked", ["facebook/anything", "hf:me/birds/best.pt", __file__])
def test_only_what_is_offered_is_fetched_or_read(open_tab: Tab, asked: str) -> None:
    """Neither files of the server nor all of the hub are within a page's reach."""
    with pytest.warns(UserWarning, match="There is no model"):
        list(open_tab.models.choose(asked, "CPU", "quality", open_tab.request))
    assert open_tab.workspace.choice == CHOICE
    with pytest.warns(UserWarning, match="There is no model"):
        *_, last = open_tab.models.get(asked, "CPU", "quality", open_tab.request)
    assert "no longer on the server" in last[4]
