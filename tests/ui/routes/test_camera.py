"""The page's camera: pictures in, masks out, recordings that open as projects, and limits."""

import io
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx2
import numpy as np
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from sam2ov.ui.media import jpegs
from sam2ov.ui.routes.camera import make_camera_routes
from sam2ov.ui.tabs.workspaces import Workspaces
from sam2ov.values.masks import BoolArray
from tests.ui.conftest import Tab, leave, masks_of

HEIGHT, WIDTH = 64, 96


@pytest.fixture
def client(tab: Tab) -> Iterator[TestClient]:
    routes = make_camera_routes(tab.workspaces, tab.models._models)
    with TestClient(Starlette(routes=routes)) as made:
        yield made


def jpeg(number: int, size_wh: tuple[int, int] = (WIDTH, HEIGHT)) -> bytes:
    """A red square that moves to the right."""
    frame = np.full((size_wh[1], size_wh[0], 3), 60, np.uint8)
    frame[16:48, 8 + 2 * number : 40 + 2 * number] = (255, 0, 0)
    stream = io.BytesIO()
    Image.fromarray(frame).save(stream, "JPEG", quality=95)
    return stream.getvalue()


class Phone:
    """A page with a camera."""

    def __init__(self, client: TestClient, tab: Tab) -> None:
        self.client = client
        self.url = f"/camera/{tab.workspace.token}"

    def begin(self) -> httpx2.Response:
        return self.client.post(f"{self.url}/begin")

    def send(self, number: int, dropped: int = 0) -> tuple[BoolArray, dict[str, Any]]:
        """A picture; gives the masks that come back, and the state."""
        url = f"{self.url}/picture?dropped={dropped}"
        answer = self.client.post(url, content=jpeg(number))
        assert answer.status_code == 200, answer.text
        assert answer.headers["cache-control"] == "no-store"
        alpha = np.asarray(Image.open(io.BytesIO(answer.content)).convert("RGBA"))[..., 3]
        return alpha > 0, json.loads(answer.headers["x-camera"])

    def order(self, kind: str, **values: Any) -> httpx2.Response:
        return self.client.post(f"{self.url}/order", json={"kind": kind, **values})


@pytest.fixture
def phone(client: TestClient, tab: Tab) -> Phone:
    made = Phone(client, tab)
    assert made.begin().status_code == 204
    return made


def test_objects_are_followed(phone: Phone) -> None:
    masks, state = phone.send(0)
    assert not masks.any()
    assert (state["frame"], state["objects"], state["recorded"]) == (0, [], None)
    state = phone.order("click", object=1, frame=0, x=24.0, y=32.0).json()
    assert state["objects"] == [{"id": 1, "seen": True}]
    masks, state = phone.send(3, dropped=2)
    assert masks[32, 30]
    assert not masks[4, 4]
    assert state["frame"] == 1
    assert phone.order("remove", object=1).json()["objects"] == []
    assert phone.order("leave").status_code == 204
    assert phone.client.post(f"{phone.url}/picture", content=jpeg(0)).status_code == 409


def test_what_was_recorded_opens_as_a_project_with_its_masks(phone: Phone, tab: Tab) -> None:
    phone.send(0)
    phone.order("click", object=1, frame=0, x=24.0, y=32.0)
    phone.send(1)
    assert phone.order("record").json()["recorded"] == 0
    seen = [phone.send(number)[0] for number in range(2, 12)]
    phone.order("click", object=2, frame=11, x=60.0, y=32.0)
    seen += [phone.send(number)[0] for number in range(12, 15)]
    state = phone.order("finish").json()
    assert state["recorded"] is None
    phone.order("leave")
    snapshot = tab.open("upload")
    assert snapshot.clip is not None
    assert (snapshot.clip.num_frames, snapshot.clip.width) == (13, WIDTH)
    assert [target.obj_id for target in snapshot.objects] == [1, 2]
    assert snapshot.undo is None
    for frame, expected in enumerate(seen):
        np.testing.assert_array_equal(masks_of(tab, frame).any(axis=0), expected)
    assert list(tab.project.session.prompts(1)) == [0]
    assert list(tab.project.session.prompts(2)) == [10]
    assert tab.project.session.timeline(1).direction.tolist() == [1] * 13
    tab.click(5, 34, 32)  # and it is edited and tracked as any other
    *_, last = tab.track(5)
    assert last.job is None
    assert last.undo == "Track forwards"


def test_a_recording_without_objects_is_a_clip(phone: Phone, tab: Tab) -> None:
    phone.order("record")
    for number in range(3):
        phone.send(number)
    assert phone.order("finish").status_code == 200
    snapshot = tab.open("upload")
    assert snapshot.clip is not None
    assert snapshot.clip.num_frames == 3
    assert len(snapshot.objects) == 1


def test_a_recording_ends_where_a_clip_would_be_too_long(phone: Phone, tab: Tab) -> None:
    camera = tab.workspace.camera
    assert camera is not None
    camera._most_seconds = 0.0
    phone.order("record")
    phone.send(0)
    _, state = phone.send(1)
    assert "as long as a clip may be" in state["problem"]
    before = state["recorded"]
    assert phone.send(2)[1]["recorded"] == before
    assert phone.order("finish").status_code == 200


def test_orders_that_make_no_sense(phone: Phone) -> None:
    click = {"object": 1, "frame": 0, "x": 3.0, "y": 3.0}
    assert "no picture yet" in phone.order("click", **click).text
    assert "Nothing is being recorded" in phone.order("finish").text
    phone.send(0)
    assert "first" in phone.order("click", **click, positive=False).text
    for number in range(1, 9):
        assert phone.order("click", **click | {"object": number}).status_code == 200
    assert "up to 8 objects" in phone.order("click", **click | {"object": 9}).text
    assert phone.order("dance").status_code == 422
    assert phone.order("click", x="NaN").status_code == 422
    assert phone.client.post(f"{phone.url}/order", content=b"{" * 5000).status_code == 413
    assert phone.order("remove", object=99).status_code == 200


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"no picture", "is no JPEG"),
        (jpeg(0)[:-60], "is damaged"),
        (jpeg(0, (2000, 64)), "longest side"),
        (jpeg(0, (90, 64)), "must be uint8 RGB"),
    ],
)
def test_pictures_that_are_none(phone: Phone, body: bytes, message: str) -> None:
    phone.send(0)
    answer = phone.client.post(f"{phone.url}/picture", content=body)
    assert (answer.status_code, message in answer.text) == (422, True), answer.text
    assert phone.send(1)[1]["frame"] == 1, "the next one is followed"


def test_a_picture_of_another_kind_is_no_way_in(phone: Phone) -> None:
    stream = io.BytesIO()
    Image.new("RGB", (8, 8)).save(stream, "PNG")
    answer = phone.client.post(f"{phone.url}/picture", content=stream.getvalue())
    assert "is no JPEG" in answer.text
    too_large = phone.client.post(f"{phone.url}/picture", content=b"x" * (jpegs.MOST_BYTES + 1))
    assert too_large.status_code == 413


def test_only_who_has_the_token_is_seen(client: TestClient, tab: Tab) -> None:
    for path in ("begin", "picture", "order"):
        assert client.post(f"/camera/{'x' * 24}/{path}").status_code == 404
        assert client.get(f"/camera/{tab.workspace.token}/{path}").status_code == 405
    assert client.post(f"/camera/{tab.workspace.token}/picture").status_code == 409


def test_only_so_many_cameras(client: TestClient, tab: Tab, workspaces: Workspaces) -> None:
    workspaces.settings = replace(workspaces.settings, max_cameras=1)
    routes = make_camera_routes(workspaces, tab.models._models)
    with TestClient(Starlette(routes=routes)) as limited:
        first = Phone(limited, tab)
        assert first.begin().status_code == 204
        assert first.begin().status_code == 204, "its own takes the place of the one before"
        other = tab.other(type(tab.request)(session_hash="tab-2"))
        other.editor.ready(other.request)
        second = Phone(limited, other)
        assert (second.begin().status_code, "in use" in second.begin().text) == (429, True)
        leave(tab)
        assert second.begin().status_code == 204


def test_a_tab_that_goes_takes_its_camera_along(phone: Phone, tab: Tab) -> None:
    phone.order("record")
    phone.send(0)
    camera, folder = tab.workspace.camera, tab.workspace.folder
    assert camera is not None
    leave(tab)
    assert not folder.exists()
    assert camera._jpegs._worker is not None
    assert camera._jpegs._worker.is_lost
