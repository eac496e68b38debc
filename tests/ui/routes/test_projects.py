"""Routes of kept projects: who has the key may ask, nobody can look for keys."""

import json
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from sam2ov.errors import StorageError
from sam2ov.ui.contract.payloads import MAX_PROJECTS
from sam2ov.ui.media.thumbnails import MAX_SIDE, store_thumbnail
from sam2ov.ui.pool.turns import ModelTurns
from sam2ov.ui.routes.routes import make_routes
from sam2ov.ui.tabs.workspaces import Workspaces
from sam2ov.video import open_video
from tests.click_model import HEIGHT, NUM_FRAMES, WIDTH
from tests.ui.conftest import Tab

MAX_BYTES = 100_000


@pytest.fixture
def client(workspaces: Workspaces) -> Iterator[TestClient]:
    app = Starlette(routes=make_routes(workspaces, ModelTurns(1), MAX_BYTES))
    with TestClient(app) as made:
        yield made


def token_of(tab: Tab) -> str:
    assert tab.workspace.clip is not None
    return tab.workspace.clip.folder.token


def test_the_page_hears_of_the_projects_that_it_names(client: TestClient, open_tab: Tab) -> None:
    first = token_of(open_tab)
    open_tab.open("sample")
    second = token_of(open_tab)
    tokens = [first, "x" * 24, second, second, "../../../../etc", "short-but-fine"]
    answer = client.post("/projects", json={"tokens": tokens})
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    told = answer.json()
    assert told["keep_days"] == 14
    assert told["keep_bytes"] == 20 << 30
    assert told["used_bytes"] >= sum(project["bytes"] for project in told["projects"])
    by_token = {project["token"]: project for project in told["projects"]}
    assert by_token.keys() == {first, second}
    project = by_token[first]
    assert project["name"] == "square.mp4"
    assert (project["frames"], project["width"], project["height"]) == (NUM_FRAMES, WIDTH, HEIGHT)
    assert (project["is_open"], by_token[second]["is_open"]) == (False, True)
    assert 13.9 < project["days_left"] <= 14
    assert project["clip_bytes"] > 0
    assert by_token[second]["clip_bytes"] == 0, "of the sample there is no copy"
    assert client.post("/projects", json={"tokens": []}).json()["projects"] == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"tokens": "all"}',
        b'{"tokens": [7]}',
        b'{"tokens": [], "all": true}',
        b"\xff\xfe",
        json.dumps({"tokens": ["x" * 24] * (MAX_PROJECTS + 1)}).encode(),
    ],
)
def test_other_questions_are_refused(client: TestClient, body: bytes) -> None:
    assert client.post("/projects", content=body).status_code == 422


def test_long_questions_are_not_read(client: TestClient) -> None:
    assert client.post("/projects", content=b" " * 100_000).status_code == 413
    assert client.get("/projects").status_code == 405


def test_a_project_is_deleted_when_nobody_has_it_open(client: TestClient, open_tab: Tab) -> None:
    token = token_of(open_tab)
    refused = client.delete(f"/projects/{token}")
    assert refused.status_code == 409
    assert "Close it first" in refused.text
    open_tab.open("sample")
    assert client.delete(f"/projects/{token}").status_code == 204
    assert client.delete(f"/projects/{token}").status_code == 404
    assert not (open_tab.workspaces.libraries.of("").folder / token).exists()


@pytest.mark.parametrize("token", ["x" * 24, "..", "%2e%2e%2f%2e%2e", ".tab-0123456789abcdef"])
def test_other_names_are_not_found(client: TestClient, open_tab: Tab, token: str) -> None:
    before = set(open_tab.workspaces.libraries.of("").folder.iterdir())
    assert client.delete(f"/projects/{token}").status_code in (404, 405)
    assert client.get(f"/projects/{token}/thumbnail.jpg").status_code == 404
    assert set(open_tab.workspaces.libraries.of("").folder.iterdir()) == before


def test_every_project_has_a_picture(client: TestClient, open_tab: Tab) -> None:
    answer = client.get(f"/projects/{token_of(open_tab)}/thumbnail.jpg")
    assert answer.headers["content-type"] == "image/jpeg"
    assert "private" in answer.headers["cache-control"]
    picture = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    assert picture.shape == (HEIGHT, WIDTH, 3)
    open_tab.open("sample")
    sample = client.get(f"/projects/{token_of(open_tab)}/thumbnail.jpg").content
    picture = cv2.imdecode(np.frombuffer(sample, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    assert max(picture.shape) == MAX_SIDE
    open_tab.workspaces.libraries.of("").find(token_of(open_tab)).thumbnail.unlink()
    assert client.get(f"/projects/{token_of(open_tab)}/thumbnail.jpg").status_code == 404


def test_a_picture_that_cannot_be_stored_is_told(clip_file: Path, tmp_path: Path) -> None:
    with (
        open_video(clip_file) as video,
        pytest.raises(StorageError, match="Free some disk space"),
    ):
        store_thumbnail(video, tmp_path / "missing" / "thumbnail.jpg")


def test_a_project_file_may_be_larger_than_a_clip(client: TestClient, open_tab: Tab) -> None:
    url = f"/media/{open_tab.workspace.token}/clip"
    body = bytes(MAX_BYTES + 1)
    assert client.put(url, params={"name": "a.mp4"}, content=body).status_code == 413
    assert client.put(url, params={"name": "a.sam2ov"}, content=body).status_code == 201
    body = bytes(2 * MAX_BYTES + 1)
    assert client.put(url, params={"name": "a.sam2ov"}, content=body).status_code == 413
