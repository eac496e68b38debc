"""The public functions as programs call them: the documented example, MCP tools, bad callers."""

import json
import re
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest
from gradio_client import Client, handle_file
from PIL import Image

from sam2ov.samples import SAMPLE_PATH
from tests.conftest import REPOSITORY
from tests.e2e.conftest import checked_app
from tests.e2e.editor_page import ball
from tools.driven_app import RunningApp
from tools.make_sample import HEIGHT, WIDTH, ball_xy

BALL_X, BALL_Y = (float(value) for value in ball_xy(0))
BALL: Any = {
    "objects": [{"id": 1, "prompts": [{"frame": 0, "points": [{"x": BALL_X, "y": BALL_Y}]}]}]
}


def calls(server: RunningApp) -> int:
    """How many calls have files on the server now."""
    return len(list((server.log.parent / "tmp").glob("sam2ov-call-*")))


def test_the_documented_example_runs(server: RunningApp, tmp_path: Path) -> None:
    text = (REPOSITORY / "docs" / "api.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.+?)```", text, re.DOTALL)
    example = example.replace("http://127.0.0.1:7860", server.url).replace(
        '"clip.mp4"', repr(str(SAMPLE_PATH))
    )
    example += "\nprint(mask)\nprint(archive)\n"
    done = subprocess.run(
        [sys.executable, "-c", example], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert any(line.startswith("micro bundled Comes with") for line in lines)
    mask, archive = (tmp_path / line for line in lines[-2:])
    pixels = np.asarray(Image.open(mask))
    assert pixels.shape == (HEIGHT, WIDTH)
    assert (pixels == 255)[ball(0)].mean() > 0.5
    with zipfile.ZipFile(archive) as masks:
        assert sum(name.endswith(".png") for name in masks.namelist()) == 96
    assert calls(server) == 0


def test_a_call_can_be_followed_and_cancelled(server: RunningApp) -> None:
    client = Client(server.url, verbose=False)
    job = client.submit(handle_file(SAMPLE_PATH), BALL, api_name="/track")
    deadline = time.monotonic() + 60
    while not job.status().progress_data:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert calls(server) == 1
    assert job.cancel()
    while calls(server):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_mistakes_are_explained_to_callers(server: RunningApp) -> None:
    client = Client(server.url, verbose=False)
    video = handle_file(SAMPLE_PATH)
    with pytest.raises(Exception, match="ends with frame 95"):
        client.predict(video, frame=500, box=[1, 1, 50, 50], api_name="/segment_frame")
    with pytest.raises(Exception, match="There is no model 'large'"):
        client.predict(video, frame=0, box=[1, 1, 9, 9], model="large", api_name="/segment_frame")
    assert calls(server) == 0


@pytest.mark.parametrize("mark", [{}, {"meta": {"_type": "gradio.FileData"}}])
def test_paths_on_the_server_cannot_be_read(server: RunningApp, mark: dict[str, Any]) -> None:
    """Neither with the mark, which Gradio checks, nor without it, which the function does."""
    video = {"path": str(SAMPLE_PATH), **mark}
    asked = httpx2.post(
        f"{server.url}/gradio_api/call/segment_frame",
        json={"data": [video, 0, [{"x": BALL_X, "y": BALL_Y}], None, None, None]},
    )
    event = asked.json()["event_id"]
    answer = httpx2.get(f"{server.url}/gradio_api/call/segment_frame/{event}", timeout=60)
    assert "event: error" in answer.text
    assert str(SAMPLE_PATH) not in answer.text
    if not mark:  # Gradio's own words are kept from callers: they would name the path
        assert "uploaded" in answer.text


def test_events_of_the_page_are_not_for_programs(server: RunningApp) -> None:
    info = httpx2.get(f"{server.url}/gradio_api/info").json()
    public = {
        "/track",
        "/segment_frame",
        "/segment_everything",
        "/list_models",
        "/list_formats",
    }
    assert set(info["named_endpoints"]) == public
    assert info["unnamed_endpoints"] == {}


@pytest.fixture(scope="module")
def mcp_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApp]:
    with checked_app(tmp_path_factory.mktemp("mcp"), "--mcp") as running:
        yield running


MCP_CALLS = """
import base64, json, pathlib, sys
import anyio
from mcp import ClientSession
from mcp.client.streamable_http import streamablehttp_client

url, video, x, y = sys.argv[1:]
data = base64.b64encode(pathlib.Path(video).read_bytes()).decode()

async def main():
    async with streamablehttp_client(url) as (receive, send, _):
        async with ClientSession(receive, send) as session:
            await session.initialize()
            tools = [tool.name for tool in (await session.list_tools()).tools]
            models = await session.call_tool("list_models", {})
            mask = await session.call_tool("segment_frame", {
                "video": f"data:video/mp4;base64,{data}",
                "frame": 0,
                "points": [{"x": float(x), "y": float(y), "label": 1}],
            })
            local = await session.call_tool("segment_frame", {"video": "/etc/passwd"})
            print(json.dumps({
                "tools": tools,
                "models": models.content[0].text,
                "kinds": [content.type for content in mask.content],
                "png": mask.content[0].data if not mask.isError else mask.content[0].text,
                "local": [local.isError, local.content[0].text],
            }))

anyio.run(main)
"""


@pytest.mark.skipif(find_spec("mcp") is None, reason='needs pip install "sam2ov[mcp]"')
def test_the_functions_are_mcp_tools(mcp_server: RunningApp) -> None:
    command = [sys.executable, "-c", MCP_CALLS, f"{mcp_server.url}/gradio_api/mcp/"]
    command += [str(SAMPLE_PATH), str(BALL_X), str(BALL_Y)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert set(told["tools"]) == {
        "track",
        "segment_frame",
        "segment_everything",
        "list_models",
        "list_formats",
    }
    assert "micro" in told["models"]
    assert told["kinds"][0] == "image", told["png"]
    assert told["local"][0], "paths are refused"
    assert calls(mcp_server) == 0
