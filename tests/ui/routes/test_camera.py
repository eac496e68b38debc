"""The page's camera: pictures in, masks out, recordings that open as projects, and limits."""

import io
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from typing import Any

import httpx2
import numpy as np
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from sam2ov.errors import ServerFullError
from sam2ov.ui.gate.usage import Usage, UsageLimits
from sam2ov.ui.media import jpegs
from sam2ov.ui.routes.camera import make_camera_routes
from sam2ov.ui.tabs import camera
from sam2ov.ui.tabs.camera import MOST_POINTS
from sam2ov.ui.tabs.camera_places import CameraPlaces
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


class Clock:
    """Time stands still for the camera, but for what is said."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = time.monotonic()
        monkeypatch.setattr(camera, "time", self)

    def monotonic(self) -> float:
        return self.now


def test_a_recording_ends_where_a_clip_would_be_too_long(
    phone: Phone, tab: Tab, monkeypatch: pytest.MonkeyPatch
) -> None:
    used = tab.workspace.camera
    assert used is not None
    used._limits = replace(used._limits, max_duration_s=1.0)
    clock = Clock(monkeypatch)
    phone.order("record")
    began = clock.now
    for number in range(11):
        clock.now = began + number / 10
        _, state = phone.send(number)
        assert ("as long as a clip may be" in state["problem"]) == (number > 7)
        assert state["recorded"] == min(number, 7) / 10
    assert phone.order("finish").status_code == 200
    opener = tab.editor._opener
    opener._limits = replace(opener._limits, max_duration_s=1.0)
    snapshot = tab.open("upload")
    assert snapshot.clip is not None, "it is no longer than a clip may be"
    assert snapshot.clip.num_frames == 8


def test_a_recording_ends_after_so_many_frames(phone: Phone, tab: Tab) -> None:
    used = tab.workspace.camera
    assert used is not None
    used._limits = replace(used._limits, max_frames=2)
    phone.order("record")
    problems = [phone.send(number)[1]["problem"] for number in range(3)]
    assert [bool(problem) for problem in problems] == [False, False, True]


def test_a_recording_ends_where_the_disk_is_used_up(
    phone: Phone, tab: Tab, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    used = tab.workspace.camera
    assert used is not None
    used._looked = clock.now
    phone.order("record")
    phone.send(0)
    phone.send(1)
    tab.workspaces.settings = replace(tab.workspaces.settings, user_disk_gb=1e-9)
    assert phone.send(2)[1]["problem"] == "", "nobody looks at each picture"
    clock.now += 10
    assert "Delete some of them first" in phone.send(3)[1]["problem"]
    phone.send(4)
    tab.workspaces.settings = replace(tab.workspaces.settings, user_disk_gb=0.0)
    assert phone.order("finish").status_code == 200
    snapshot = tab.open("upload")
    assert snapshot.clip is not None
    assert snapshot.clip.num_frames == 3


def test_clicks_count_as_tracking(phone: Phone, tab: Tab) -> None:
    phone.send(0)
    usage = tab.workspaces.usage = Usage(UsageLimits(tracking_seconds=1e-6))
    click = {"object": 1, "frame": 0, "x": 24.0, "y": 32.0}
    assert phone.order("click", **click).status_code == 200
    assert usage.left(tab.workspace.caller, "tracking") < 0
    answer = phone.order("click", **click)
    assert (answer.status_code, "are used up" in answer.text) == (429, True)
    assert phone.client.post(f"{phone.url}/picture", content=jpeg(1)).status_code == 429
    assert phone.order("remove", object=1).status_code == 200, "which takes nothing"


def test_others_go_between_what_follows_a_click(
    phone: Phone, tab: Tab, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(6):
        phone.send(number)
    turns = tab.models._models.turns
    taken: list[str] = []
    for name in ("click", "step"):
        given = getattr(turns, name)

        def noted(name: str = name, given: Any = given) -> Any:
            taken.append(name)
            return given()

        monkeypatch.setattr(turns, name, noted)
    assert phone.order("click", object=1, frame=2, x=28.0, y=32.0).status_code == 200
    assert taken == ["click", "step", "step", "step"]
    assert phone.send(6)[0][32, 36]


def test_only_so_many_clicks_on_a_picture(phone: Phone) -> None:
    phone.send(0)
    click = {"object": 1, "frame": 0, "x": 24.0, "y": 32.0}
    for _ in range(MOST_POINTS):
        assert phone.order("click", **click).status_code == 200
    assert f"{MOST_POINTS} clicks on this picture" in phone.order("click", **click).text
    phone.send(1)
    assert phone.order("click", **click | {"frame": 1}).status_code == 200


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
        (jpeg(0, (1920, 1)), "shortest side"),
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
        workspaces.lose(str(tab.request.session_hash))
        first_camera = tab.workspaces.get(str(tab.request.session_hash)).camera
        assert first.order("click").status_code == 422, "it is there, and in use"
        assert second.begin().status_code == 429
        workspaces.lose(str(tab.request.session_hash))
        assert second.begin().status_code == 204, "its connection has ended"
        assert first_camera is not None
        assert first_camera._tracker.frames == range(0)
        assert limited.post(f"{first.url}/picture", content=jpeg(0)).status_code == 409
        assert first.begin().status_code == 429
        leave(other)
        assert first.begin().status_code == 204
        assert workspaces.camera_places.is_full(1)
    leave(tab)
    assert not workspaces.camera_places.is_full(1)


def test_two_tabs_do_not_get_one_place() -> None:
    places = CameraPlaces()
    with ThreadPoolExecutor(8) as pool:
        waiting = Barrier(8)

        def take(_: int) -> bool:
            waiting.wait()
            try:
                places.take(3)
            except ServerFullError:
                return False
            return True

        assert sum(pool.map(take, range(8))) == 3


def test_a_tab_that_goes_takes_its_camera_along(phone: Phone, tab: Tab) -> None:
    phone.order("record")
    phone.send(0)
    used, folder = tab.workspace.camera, tab.workspace.folder
    assert used is not None
    leave(tab)
    assert not folder.exists()
    assert used._jpegs._worker is not None
    assert used._jpegs._worker.is_lost


def test_narrow_labels_have_a_pixel() -> None:
    labels = np.ones((1, 1920), np.uint8)
    png = Image.open(io.BytesIO(jpegs.labels_png(labels, [(255, 0, 0)], 640)))
    assert png.size == (640, 1)
