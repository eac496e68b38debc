"""Routes beside Gradio's: tokens, frames, masks, uploads and exports."""

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from sam2ov.ui.pool.turns import ModelTurns
from sam2ov.ui.routes.routes import editor_script, make_routes
from sam2ov.ui.tabs.clip import OpenClip
from sam2ov.ui.tabs.workspaces import Workspaces
from tests.click_model import HEIGHT, NUM_FRAMES, WIDTH
from tests.ui.conftest import Tab

MAX_BYTES = 100_000


@pytest.fixture
def client(workspaces: Workspaces) -> Iterator[TestClient]:
    app = Starlette(routes=make_routes(workspaces, ModelTurns(1), MAX_BYTES))
    with TestClient(app) as made:
        yield made


def clip_of(tab: Tab) -> OpenClip:
    assert tab.workspace.clip is not None
    return tab.workspace.clip


def picture(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


def test_frames(client: TestClient, open_tab: Tab) -> None:
    answer = client.get(f"/media/{clip_of(open_tab).token}/5.jpg")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/jpeg"
    assert "private" in answer.headers["cache-control"]
    frame = np.asarray(picture(answer.content))
    assert frame.shape == (HEIGHT, WIDTH, 3)
    red = (frame[32, :, 0] > 150) & (frame[32, :, 1] < 90)
    assert 16 <= int(np.flatnonzero(red)[0]) <= 20, "the square of frame 5 begins at x = 18"


def test_masks(client: TestClient, open_tab: Tab) -> None:
    open_tab.click(0, 24, 32)
    answer = client.get(f"/media/{clip_of(open_tab).token}/0.png")
    assert answer.headers["cache-control"] == "no-store", "masks change"
    alpha = np.asarray(picture(answer.content).convert("RGBA"))[..., 3]
    assert alpha.shape == (HEIGHT, WIDTH)
    assert alpha[32, 24]
    assert not alpha[60, 90]


@pytest.mark.parametrize("frame", [str(NUM_FRAMES), "-1", "x", "1.5", "0x1", "%2e%2e"])
@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_frames_that_are_not_there(
    client: TestClient, open_tab: Tab, frame: str, suffix: str
) -> None:
    url = f"/media/{clip_of(open_tab).token}/{frame}.{suffix}"
    assert client.get(url).status_code == 404


def test_other_tokens_are_404(client: TestClient, open_tab: Tab) -> None:
    token = clip_of(open_tab).token
    others = ["x" * len(token), token[:-1], token.swapcase(), open_tab.workspace.token]
    for other in others:
        assert client.get(f"/media/{other}/0.jpg").status_code == 404
        assert client.get(f"/media/{other}/0.png").status_code == 404
    assert client.put(f"/media/{token}/clip", content=b"-").status_code == 404
    leave = f"/media/{open_tab.workspace.token}/leave"
    assert client.post(f"/media/{token}/leave").status_code == 404
    assert client.get(leave).status_code == 405, "a link must not close a tab"
    assert client.post(leave).status_code == 204
    assert client.get(f"/media/{token}/0.jpg").status_code == 404, "the tab is closed"


def test_damaged_frames_are_an_answer_too(client: TestClient, open_tab: Tab) -> None:
    clip_of(open_tab)._reader.close()
    answer = client.get(f"/media/{clip_of(open_tab).token}/3.jpg")
    assert answer.status_code == 422
    assert "closed" in answer.text


def test_uploads_come_whole(client: TestClient, tab: Tab, clip_file: Path) -> None:
    url = f"/media/{tab.workspace.token}/clip"
    answer = client.put(url, params={"name": "my clip.mp4"}, content=clip_file.read_bytes())
    assert answer.status_code == 201
    upload = tab.workspace.upload
    assert upload is not None
    assert upload.name == "my clip.mp4"
    assert upload.path.read_bytes() == clip_file.read_bytes()


def test_too_large_uploads_are_refused_and_deleted(client: TestClient, tab: Tab) -> None:
    url = f"/media/{tab.workspace.token}/clip"

    def chunks() -> Iterator[bytes]:  # without Content-Length
        for _ in range(11):
            yield b"x" * 10_000

    for content in (b"x" * (MAX_BYTES + 1), chunks()):
        answer = client.put(url, params={"name": "long.mp4"}, content=content)
        assert answer.status_code == 413
        assert "larger than" in answer.text
    assert tab.workspace.upload is None
    assert list(tab.workspace.folder.iterdir()) == []


def test_uploads_need_the_tabs_token(client: TestClient, tab: Tab) -> None:
    assert client.put("/media/not-a-token/clip", content=b"-").status_code == 404
    assert client.post(f"/media/{tab.workspace.token}/clip", content=b"-").status_code == 405


def test_a_disk_that_takes_nothing_is_said_so(client: TestClient, tab: Tab) -> None:
    tab.workspace.folder.rmdir()
    tab.workspace.folder.write_bytes(b"in the way")
    answer = client.put(f"/media/{tab.workspace.token}/clip", content=b"-")
    assert answer.status_code == 507
    assert "cannot be stored" in answer.text
    tab.workspace.folder.unlink()
    answer = client.put(f"/media/{tab.workspace.token}/clip", content=b"-")
    assert answer.status_code == 201, "a folder that somebody tidied up is made anew"


def test_exports_are_found_by_name_and_nothing_else_is(client: TestClient, tab: Tab) -> None:
    path = tab.workspace.new_export("clip-masks.zip")
    path.write_bytes(b"PK")
    (tab.workspace.folder / "secret").write_bytes(b"-")
    base = f"/media/{tab.workspace.token}/exports"
    answer = client.get(f"{base}/clip-masks.zip")
    assert answer.content == b"PK"
    assert answer.headers["content-disposition"].startswith("attachment")
    for name in ("other.zip", "..%2fsecret", "%2e%2e/secret", "..", "*", "clip-masks.zip/x"):
        assert client.get(f"{base}/{name}").status_code == 404
    assert client.get(f"/media/{'x' * 24}/exports/clip-masks.zip").status_code == 404


def test_modules_of_the_page(client: TestClient) -> None:
    script = editor_script()
    answer = client.get(f"/{script}")
    assert answer.headers["content-type"].startswith("text/javascript")
    assert "export function mount" in answer.text
    folder = script.rsplit("/", 1)[0]
    assert client.get(f"/{folder}/stage/stage.js").text.count("export class Stage") == 1
    for name in ("page.css", "..%2fserver.py", "stage/../../server.py", "stage.js", "nothing.js"):
        assert client.get(f"/{folder}/{name}").status_code == 404
