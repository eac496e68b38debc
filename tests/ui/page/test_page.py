"""The page as Gradio describes it to the browser.

Gradio leaves event loops open, so pages are built in processes of their own.
"""

import json
import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sam2ov.ui.page.editor import editor_template
from sam2ov.ui.routes.routes import WEB_FOLDER
from tests.conftest import REPOSITORY

DESCRIBE = """
import inspect
import json
from typing import Any
from sam2ov.ui.pool.models import ModelChoice
from sam2ov.ui.page.page import Handlers, build_page
from sam2ov.ui.api.functions import PublicApi
from sam2ov.ui.events.files import FileHandlers
from sam2ov.ui.events.finding import FindingHandlers
from sam2ov.ui.events.editing import EditorHandlers
from sam2ov.ui.events.models import ModelHandlers
from sam2ov.ui.events.tracking import TrackingHandlers
from sam2ov.ui.settings import Settings
from sam2ov.ui.page.theme import make_theme
nobody: Any = None
handlers = Handlers(
    EditorHandlers(nobody, nobody, nobody),
    TrackingHandlers(nobody, nobody),
    FindingHandlers(nobody, nobody),
    FileHandlers(nobody, nobody),
    ModelHandlers(nobody, nobody, nobody, ""),
    PublicApi(nobody, Settings(), ModelChoice("micro", "CPU")),
)
page = build_page(handlers, Settings())
theme = make_theme()
print(json.dumps({
    "config": page.get_config_file(),
    "api": page.get_api_info(),
    "closed_by": {
        fn.fn.__name__: fn.fn.__code__.co_filename
        for fn in page.fns.values()
        if inspect.isgeneratorfunction(fn.fn)
    },
    "concurrency": sorted({str(fn.concurrency_id) for fn in page.fns.values()}),
    "theme": theme._get_theme_css(),
    "stylesheets": theme._stylesheets,
}, default=str))
"""


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def page() -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", DESCRIBE],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    described: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return described


def test_what_yields_is_not_closed_in_gradios_event_loop(page: dict[str, Any]) -> None:
    closed_by = {name: Path(path).name for name, path in page["closed_by"].items()}
    assert closed_by.keys() >= {"open", "track", "export", "open_prompts", "use", "get"}
    assert set(closed_by.values()) == {"abandoned.py"}


def test_events_are_private_and_clicks_are_never_dropped(page: dict[str, Any]) -> None:
    events = {d["targets"][0][1]: d for d in page["config"]["dependencies"] if d["targets"]}
    public = {
        d["api_name"]
        for d in page["config"]["dependencies"]
        if d["targets"] and d["targets"][0][1] != "unload" and d["api_visibility"] != "private"
    }
    assert public == set()
    assert events["edit"]["trigger_mode"] == "multiple"
    assert events["cancel"]["queue"] is False
    limited = {"edit", "track", "export", "load", "open", "prepare"}
    assert limited <= set(page["concurrency"]), "they do not wait for each other"


def test_what_programs_may_call_is_public_and_typed(page: dict[str, Any]) -> None:
    public = page["api"]["named_endpoints"]
    assert set(public) == {
        "/track",
        "/segment_frame",
        "/segment_everything",
        "/list_models",
        "/list_formats",
    }
    track = {p["parameter_name"]: p for p in public["/track"]["parameters"]}
    what = ["video", "prompts", "model", "direction", "output", "options", "clean_up", "preset"]
    what += ["field_order", "square_pixels", "memory"]
    assert list(track) == what
    assert "filepath" in track["video"]["python_type"]["type"]
    assert track["direction"]["type"] == {"enum": ["forward", "backward", "both"]}
    assert "objects: list[" in track["prompts"]["python_type"]["type"]
    assert "required" not in track["prompts"]["type"], "the version may be left out"
    assert public["/track"]["returns"][0]["python_type"]["type"] == "filepath"
    models = public["/list_models"]["returns"][0]["python_type"]["type"]
    assert "download_bytes: int" in models
    for name, endpoint in public.items():
        assert endpoint["description"], name


def test_the_editor_is_an_output_only(page: dict[str, Any]) -> None:
    components = page["config"]["components"]
    (editor,) = (c["id"] for c in components if c["props"].get("elem_id") == "editor")
    assert all(editor not in d["inputs"] for d in page["config"]["dependencies"])


def test_nothing_is_loaded_from_elsewhere(page: dict[str, Any]) -> None:
    assert page["stylesheets"] == []
    files = [path for path in WEB_FOLDER.rglob("*") if path.is_file()]
    text = page["theme"] + "".join(path.read_text(encoding="utf-8") for path in files)
    hosts = set(re.findall(r"https?://([^/\s\"'<>\\]+)", text)) - {"www.w3.org"}
    assert not hosts


def test_the_template_is_static() -> None:
    """A template with values in it would reset the canvases on every update."""
    template = editor_template()
    assert "<!-- include" not in template
    assert not re.search(r"\$\{|\{\{|`|\\", template)


def test_every_module_is_there() -> None:
    for path in WEB_FOLDER.rglob("*.js"):
        for name in re.findall(r'^import .* from "(.+?)"', path.read_text(encoding="utf-8"), re.M):
            assert (path.parent / name).is_file(), f"{path.name} imports {name}"


def test_a_taken_port_is_said_so() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run("-m", "sam2ov", "app", "--port", str(port))
    assert done.returncode == 1
    assert f"port {port}" in done.stderr
    assert "--port" in done.stderr
    assert "Traceback" not in done.stderr
