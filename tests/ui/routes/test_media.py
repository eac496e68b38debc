"""Pictures at levels, runs for playing, and what the timeline draws."""

import io
import json
import struct
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from sam2ov.ui.media.pictures import THUMBNAIL_HEIGHT
from sam2ov.ui.pool.turns import ModelTurns
from sam2ov.ui.routes.media import MAX_RUN, make_media_routes
from sam2ov.ui.tabs.lanes import MAX_BINS
from sam2ov.ui.tabs.workspaces import Workspaces
from tests.click_model import HEIGHT, NUM_FRAMES, WIDTH
from tests.clips import Encoding, make_scene, vfr_times, write_clip
from tests.ui.conftest import Tab, event, leave

PATHS = [
    "0.jpg",
    "0.png",
    "near/0.jpg",
    "thumbnails/0.jpg",
    "run/0",
    "found",
    'look/0.jpg?look={"format":"overlay","options":{},"objects":"all"}',
    'hover/0.png?hover={"object":1,"x":24,"y":32,"positive":true}',
    "lanes",
    "review",
    "times",
    "sound",
]


@pytest.fixture
def client(workspaces: Workspaces) -> Iterator[TestClient]:
    routes = make_media_routes(workspaces, ModelTurns(1))
    with TestClient(Starlette(routes=routes)) as made:
        yield made


@pytest.fixture
def base(open_tab: Tab) -> str:
    assert open_tab.workspace.clip is not None
    return f"/media/{open_tab.workspace.clip.token}"


def rgb(content: bytes) -> npt.NDArray[np.uint8]:
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))


def left_edge(picture: npt.NDArray[np.uint8]) -> int:
    """Where the red square begins: 8 + 2 per frame."""
    row = picture[32]
    return int(np.flatnonzero((row[:, 0] > 150) & (row[:, 1] < 90))[0])


def shows(content: bytes, frame: int) -> bool:
    return abs(left_edge(rgb(content)) - (8 + 2 * frame)) <= 2


@pytest.mark.parametrize("path", PATHS)
def test_each_needs_the_token_of_its_own_clip(
    client: TestClient, base: str, open_tab: Tab, path: str
) -> None:
    assert client.get(f"{base}/{path}").status_code in {200, 204}
    token = base.rsplit("/", 1)[1]
    for other in ("x" * len(token), token[:-1], token.swapcase(), open_tab.workspace.token):
        answer = client.get(f"/media/{other}/{path}")
        assert (answer.status_code, answer.text) == (404, "Not found.")


def test_a_closed_clip_shows_nothing_more(client: TestClient, base: str, open_tab: Tab) -> None:
    open_tab.workspace.replace_clip(None)
    for path in PATHS:
        answer = client.get(f"{base}/{path}")
        assert (answer.status_code, answer.content) == (204, b"")
    leave(open_tab)
    for path in PATHS:
        assert client.get(f"{base}/{path}").status_code == 404


@pytest.mark.parametrize("path", PATHS)
def test_what_is_asked_for_while_the_clip_is_closed_is_no_error(
    client: TestClient, base: str, open_tab: Tab, path: str
) -> None:
    answers: set[int] = set()

    def ask() -> None:
        while 204 not in answers:
            answers.add(client.get(f"{base}/{path}").status_code)

    with ThreadPoolExecutor(4) as threads:
        asking = [threads.submit(ask) for _ in range(4)]
        while not answers:
            time.sleep(0.01)
        open_tab.workspace.replace_clip(None)
        for one in asking:
            one.result(timeout=30)
    assert answers <= {200, 204}


@pytest.mark.parametrize("size", ["proxy", "view", "full"])
def test_pictures_at_every_level(client: TestClient, base: str, size: str) -> None:
    answer = client.get(f"{base}/5.jpg", params={"size": size})
    assert rgb(answer.content).shape == (HEIGHT, WIDTH, 3), "never larger than the video"
    assert shows(answer.content, 5)
    assert "immutable" in answer.headers["cache-control"]


@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_unknown_levels(client: TestClient, base: str, suffix: str) -> None:
    assert client.get(f"{base}/5.{suffix}", params={"size": "huge"}).status_code == 404


def test_near_tells_what_it_shows(client: TestClient, base: str, open_tab: Tab) -> None:
    clip = open_tab.workspace.clip
    assert clip is not None
    answer = client.get(f"{base}/near/7.jpg")
    assert shows(answer.content, int(answer.headers["x-frame"]))
    assert clip.proxies.is_done.wait(20)
    answer = client.get(f"{base}/near/7.jpg")
    assert answer.headers["x-frame"] == "7"
    assert shows(answer.content, 7)
    assert "immutable" in answer.headers["cache-control"]


def test_thumbnails(client: TestClient, base: str, open_tab: Tab) -> None:
    clip = open_tab.workspace.clip
    assert clip is not None
    assert clip.proxies.is_done.wait(20)
    answer = client.get(f"{base}/thumbnails/3.jpg")
    assert answer.headers["x-frame"] == "3"
    assert answer.headers["x-final"] == "1"
    assert "immutable" in answer.headers["cache-control"]
    assert rgb(answer.content).shape[0] == THUMBNAIL_HEIGHT


def parts_of(content: bytes) -> list[tuple[int, bytes, bytes]]:
    parts, at = [], 0
    while at < len(content):
        frame, jpeg, png = struct.unpack_from("<3I", content, at)
        at += 12
        parts.append((frame, content[at : at + jpeg], content[at + jpeg : at + jpeg + png]))
        at += jpeg + png
    assert at == len(content)
    return parts


def test_a_run_has_pictures_and_masks(client: TestClient, base: str, open_tab: Tab) -> None:
    open_tab.click(0, 24, 32)
    answer = client.get(f"{base}/run/2", params={"count": 4, "step": 3, "masks": 1})
    assert answer.headers["x-objects"] == "1:0"
    assert answer.headers["cache-control"] == "no-store", "masks change"
    parts = parts_of(answer.content)
    assert [frame for frame, _, _ in parts] == [2, 5, 8, 11]
    for frame, jpeg, png in parts:
        assert shows(jpeg, frame)
        assert Image.open(io.BytesIO(png)).size == (WIDTH, HEIGHT)
    answer = client.get(f"{base}/run/10", params={"count": 8, "masks": 0})
    assert [(frame, png) for frame, _, png in parts_of(answer.content)] == [(10, b""), (11, b"")]
    assert answer.headers["x-objects"] == ""


@pytest.mark.parametrize(
    "query", [{"count": 0}, {"count": MAX_RUN + 1}, {"step": 0}, {"step": 99}, {"count": "many"}]
)
def test_runs_are_bounded(client: TestClient, base: str, query: dict[str, str]) -> None:
    assert client.get(f"{base}/run/0", params=query).status_code == 404


def test_lanes(client: TestClient, base: str, open_tab: Tab) -> None:
    assert client.get(f"{base}/lanes").json() == {}
    open_tab.click(0, 24, 32)
    lanes = client.get(f"{base}/lanes").json()
    assert list(lanes) == ["1"]
    confidence = lanes["1"]["confidence"]
    assert len(confidence) == NUM_FRAMES
    assert confidence == [None] * NUM_FRAMES, "nothing is tracked yet"
    list(open_tab.track())
    lane = client.get(f"{base}/lanes", params={"bins": 4, "first": 4, "last": 11}).json()["1"]
    assert len(lane["confidence"]) == 4
    assert None not in lane["confidence"]
    assert lane["absent"] == ""


def test_absent_frames_and_the_worst_of_a_bin(client: TestClient, base: str, open_tab: Tab) -> None:
    open_tab.click(0, 24, 32)
    list(open_tab.track())
    timeline = open_tab.project.session.timeline(1)
    timeline.object_score[6:8] = -9
    timeline.iou[3] = 0.1
    lane = client.get(f"{base}/lanes", params={"bins": 3}).json()["1"]
    assert lane["absent"] == "6-7"
    assert lane["confidence"][0] == 10
    assert lane["confidence"][1] == 0
    assert lane["confidence"][2] > 50


@pytest.mark.parametrize(
    "query",
    [
        {"bins": 0},
        {"bins": MAX_BINS + 1},
        {"bins": "x"},
        {"first": 5, "last": 4},
        {"first": -1},
        {"last": NUM_FRAMES},
    ],
)
def test_lanes_are_bounded(client: TestClient, base: str, query: dict[str, str]) -> None:
    assert client.get(f"{base}/lanes", params=query).status_code == 404


def test_review(client: TestClient, base: str, open_tab: Tab) -> None:
    assert client.get(f"{base}/review").json() == {"items": [], "is_calibrated": False}
    open_tab.click(0, 24, 32)
    list(open_tab.track())
    timeline = open_tab.project.session.timeline(1)
    timeline.iou[6] = 0.1
    (item,) = client.get(f"{base}/review").json()["items"]
    assert item.pop("severity") > 0.5
    assert item == {"frame": 6, "objects": [1], "reason": "unsure", "frames": 1}


def test_times_of_an_even_clip_need_not_be_sent(client: TestClient, base: str) -> None:
    assert client.get(f"{base}/times").status_code == 204


def test_times_of_an_uneven_clip(client: TestClient, tab: Tab, tmp_path: Path) -> None:
    times = vfr_times(10)
    frames = make_scene(10, (48, 64), seed=3).frames
    encoding = Encoding(times=times, time_base=Fraction(1, 600))
    tab.upload(write_clip(tmp_path / "uneven", frames, encoding), "uneven.mp4")
    clip = tab.open("upload").clip
    assert clip is not None
    seconds = np.frombuffer(client.get(f"/media/{clip.token}/times").content, "<f8")
    assert len(seconds) == 11
    np.testing.assert_allclose(seconds[:10], (np.array(times) - times[0]) / 600)
    assert seconds[10] > seconds[9]


def test_everything_is_plain_json(client: TestClient, base: str, open_tab: Tab) -> None:
    open_tab.click(0, 24, 32)
    for path in ("lanes", "review"):
        text = client.get(f"{base}/{path}").text
        assert "NaN" not in text
        json.loads(text)


def test_looks_are_the_export_and_come_in_runs_too(
    client: TestClient, base: str, open_tab: Tab
) -> None:
    open_tab.click(0, 24, 32)
    wanted = {"format": "overlay", "options": {"effect": "remove"}, "objects": "all"}
    look = json.dumps(wanted)
    answer = client.get(f"{base}/look/0.jpg", params={"look": look, "size": "full"})
    assert answer.headers["cache-control"] == "no-store"
    row, column = 32, 24
    assert np.abs(rgb(answer.content)[row, column].astype(int) - (0, 177, 64)).max() < 12
    run = client.get(f"{base}/run/0", params={"count": 2, "masks": 1, "look": look})
    parts = parts_of(run.content)
    assert [frame for frame, _, _ in parts] == [0, 1]
    assert np.abs(rgb(parts[0][2])[row, column].astype(int) - (0, 177, 64)).max() < 20
    for bad in ("{}", "no", json.dumps(wanted | {"format": "coco"}), look + " " * 3000 + "x"):
        assert client.get(f"{base}/look/0.jpg", params={"look": bad}).status_code == 422
    assert client.get(f"{base}/look/0.jpg").status_code == 404


def prepare(tab: Tab, frame: int) -> None:
    """Look at a frame for long enough."""
    clip = tab.workspace.clip
    assert clip is not None
    tab.editor.prepare(event({"clip": clip.token, "frame": frame, "object": 1}), tab.request)


def test_a_hover_shows_the_click_and_changes_nothing(
    client: TestClient, base: str, open_tab: Tab
) -> None:
    wanted = {"object": 1, "x": 24.0, "y": 32.0, "positive": True}
    query = {"hover": json.dumps(wanted)}
    assert client.get(f"{base}/hover/0.png", params=query).status_code == 204, "not prepared"
    prepare(open_tab, 0)
    answer = client.get(f"{base}/hover/0.png", params=query)
    assert (answer.status_code, answer.headers["x-objects"]) == (200, "1:0")
    assert open_tab.project.prompts.obj_ids() == ()
    open_tab.click(0, 24, 32)
    clip = open_tab.workspace.clip
    assert clip is not None
    shown = clip.overlay(0)
    seen, truth = (np.asarray(Image.open(io.BytesIO(p))) for p in (answer.content, shown.png))
    assert np.array_equal(seen, truth)
    gone = {"hover": json.dumps(wanted | {"object": 9})}
    assert client.get(f"{base}/hover/0.png", params=gone).status_code == 204
    assert client.get(f"{base}/hover/0.png", params={"hover": "[]"}).status_code == 422


def test_nothing_is_previewed_while_the_model_is_busy(
    workspaces: Workspaces, base: str, open_tab: Tab
) -> None:
    turns = ModelTurns(1)
    prepare(open_tab, 0)
    query = {"hover": json.dumps({"object": 1, "x": 24, "y": 32, "positive": True})}
    with TestClient(Starlette(routes=make_media_routes(workspaces, turns))) as client:
        with turns.click():
            assert client.get(f"{base}/hover/0.png", params=query).status_code == 204
        assert client.get(f"{base}/hover/0.png", params=query).status_code == 200
