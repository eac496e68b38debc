"""What the gate lets through, in front of a small app that tells what reached it."""

import errno
import os
from collections.abc import Iterator

import anyio
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient
from starlette.types import Message, Receive, Scope, Send

from sam2ov.ui.gate import gate as gate_module
from sam2ov.ui.gate.access import AccessToken
from sam2ov.ui.gate.gate import Gate
from sam2ov.ui.gate.hosts import AllowedHosts
from sam2ov.ui.gate.rules import Rules
from sam2ov.ui.gate.usage import Usage

TOKEN = "correct-horse-battery"
HOST = "localhost:7860"
MB = 1 << 20


async def tell(request: Request) -> Response:
    body = await request.body()
    return JSONResponse({"method": request.method, "bytes": len(body)})


def client_for(token: AccessToken | None, root_path: str = "") -> TestClient:
    methods = ["GET", "POST", "PUT", "OPTIONS"]
    rules = Rules(AllowedHosts.of_server("127.0.0.1", ()), token, root_path=root_path)
    app = Starlette(
        routes=[Route("/{path:path}", tell, methods=methods)],
        middleware=[
            Middleware(Gate, rules=rules, usage=Usage()),
            Middleware(CORSMiddleware, allow_origins=["*"]),
        ],
    )
    return TestClient(app, f"http://{HOST}", follow_redirects=False)


@pytest.fixture
def client() -> Iterator[TestClient]:
    with client_for(None) as client:
        yield client


@pytest.fixture
def guarded() -> Iterator[TestClient]:
    with client_for(AccessToken(TOKEN)) as client:
        yield client


@pytest.mark.parametrize(
    "path", ["/", "/gradio_api/queue/join", "/gradio_api/mcp/", "/media/x/clip"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
def test_another_name_is_refused_everywhere(client: TestClient, path: str, method: str) -> None:
    answer = client.request(method, path, headers={"Host": "evil.example:7860"})
    assert answer.status_code == 403
    assert answer.text.startswith("This server does not answer to 'evil.example:7860'.")
    assert "--allowed-host" in answer.text
    assert len(answer.text.splitlines()) == 1


def test_a_name_that_would_fool_a_terminal_is_shown_harmlessly(client: TestClient) -> None:
    answer = client.get("/", headers={"Host": "evil\x1b[31m" + "x" * 500})
    assert answer.status_code == 403
    assert answer.text.isprintable()
    assert len(answer.text) < 250


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost:3000"])
def test_pages_of_other_sites_change_nothing(client: TestClient, origin: str) -> None:
    files = {"files": ("a.png", b"x")}
    answer = client.post("/gradio_api/upload", files=files, headers={"Origin": origin})
    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers
    preflight = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    answer = client.options("/gradio_api/queue/join", headers=preflight)
    assert answer.status_code == 403
    assert not [name for name in answer.headers if name.startswith("access-control-")]


def test_the_own_page_and_programs_pass(client: TestClient) -> None:
    for headers in ({}, {"Origin": f"http://{HOST}", "Sec-Fetch-Site": "same-origin"}):
        answer = client.post("/gradio_api/queue/join", json={"data": [1]}, headers=headers)
        assert answer.json() == {"method": "POST", "bytes": 12}
        assert not [name for name in answer.headers if name.startswith("access-control-")]


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_another_site_may_only_link_here(client: TestClient, site: str) -> None:
    link = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert client.get("/", headers=link).status_code == 200
    assert client.post("/", headers=link).status_code == 403
    picture = link | {"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}
    assert client.get("/media/x/0.jpg", headers=picture).status_code == 403
    frame = link | {"Sec-Fetch-Dest": "iframe"}
    assert client.get("/", headers=frame).status_code == 403


def test_every_answer_has_the_security_headers(client: TestClient) -> None:
    for answer in (client.get("/"), client.get("/", headers={"Host": "evil.example"})):
        assert "frame-ancestors 'self'" in answer.headers["content-security-policy"]
        assert "object-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "SAMEORIGIN"
        assert answer.headers["referrer-policy"] == "same-origin"


def test_bodies_are_bounded_before_anything_reads_them(client: TestClient) -> None:
    assert client.post("/gradio_api/queue/join", content=b"x" * (4 * MB)).status_code == 200
    answer = client.post("/gradio_api/queue/join", content=b"x" * (4 * MB + 1))
    assert answer.status_code == 413
    assert answer.text == "The request is larger than 4 MB, the most that is read."

    def unannounced() -> Iterator[bytes]:
        yield from (b"x" * MB for _ in range(5))

    assert client.post("/gradio_api/run/track", content=unannounced()).status_code == 413
    assert client.put("/media/token/clip", content=b"x" * (5 * MB)).json()["bytes"] == 5 * MB


def test_without_the_token_nothing_but_health_is_answered(guarded: TestClient) -> None:
    for path in (
        "/",
        "/config",
        "/gradio_api/info",
        "/media/x/0.jpg",
        "/projects/recent",
        "/login",
    ):
        answer = guarded.get(path)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        assert "Authorization: Bearer TOKEN" in answer.text
    assert guarded.post("/gradio_api/queue/join", json={}).status_code == 401
    assert guarded.get("/health").text == "ok"
    page = guarded.get("/", headers={"Accept": "text/html,*/*"})
    assert page.status_code == 401
    assert 'name="token"' in page.text


def test_the_link_with_the_token_lets_a_browser_in(guarded: TestClient) -> None:
    assert guarded.get("/?token=wrong-horse-battery").status_code == 401
    answer = guarded.get(f"/page?a=1&token={TOKEN}")
    assert (answer.status_code, answer.headers["location"]) == (303, "/page?a=1")
    assert TOKEN not in answer.headers["set-cookie"]
    assert guarded.get("/page?a=1").status_code == 200, "by the cookie"
    assert guarded.post("/gradio_api/queue/join", json={}).status_code == 200


def test_programs_send_the_token_as_a_header(guarded: TestClient) -> None:
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    assert guarded.post("/gradio_api/call/track", json={}, headers=bearer).status_code == 200
    foreign = bearer | {"Origin": "http://evil.example"}
    assert guarded.post("/gradio_api/call/track", json={}, headers=foreign).status_code == 403


def test_below_another_path_the_browser_comes_back_there() -> None:
    with client_for(AccessToken(TOKEN), root_path="/tools/sam2ov") as client:
        answer = client.get(f"/?token={TOKEN}")
    assert answer.headers["location"] == "/tools/sam2ov/"
    assert "Path=/tools/sam2ov/" in answer.headers["set-cookie"]


@pytest.fixture
def portal() -> Iterator[BlockingPortal]:
    """A loop in a thread of its own: the browser of other tests has one in this thread."""
    with start_blocking_portal() as portal:
        yield portal


def test_an_upload_of_which_nothing_comes_is_given_up(
    portal: BlockingPortal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate_module, "_STALLED_SECONDS", 0.05)
    portal.call(_give_up_uploads)


async def _give_up_uploads() -> None:
    seen: list[Message] = []

    async def app(scope: object, receive: Receive, send: object) -> None:
        seen.append(await receive())

    async def silence() -> Message:
        await anyio.sleep_forever()
        raise AssertionError

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    gate = Gate(app, Rules(AllowedHosts.of_server("127.0.0.1", ()), None), Usage())
    scope = {
        "type": "http", "method": "PUT", "path": "/media/x/clip", "query_string": b"",
        "headers": [(b"host", HOST.encode())], "client": ("127.0.0.1", 1),
    }  # fmt: skip
    await gate(scope, silence, send)
    assert seen == [{"type": "http.disconnect"}]
    await gate(scope | {"path": "/gradio_api/queue/join", "method": "POST"}, silence, send)
    assert sent[0]["status"] == 408, "not said to be too large"
    assert len(seen) == 1


def test_so_many_uploads_run_at_once(portal: BlockingPortal) -> None:
    portal.call(_upload_at_once)


async def _upload_at_once() -> None:
    enough = anyio.Event()
    running = 0

    async def app(scope: object, receive: object, send: object) -> None:
        nonlocal running
        running += 1
        await enough.wait()

    statuses: list[int] = []

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    gate = Gate(app, Rules(AllowedHosts.of_server("127.0.0.1", ()), None), Usage())

    def upload_of(client: str) -> dict[str, object]:
        return {
            "type": "http", "method": "PUT", "path": "/media/x/clip", "query_string": b"",
            "headers": [(b"host", HOST.encode())], "client": (client, 1),
        }  # fmt: skip

    async with anyio.create_task_group() as tasks:
        for client in ("10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"):
            for _ in range(20):
                tasks.start_soon(gate, upload_of(client), receive, send)
        await anyio.wait_all_tasks_blocked()
        assert running == 48
        assert statuses == [429] * 32
        enough.set()
    await gate(upload_of("10.0.0.1"), receive, send)
    assert running == 49, "room again"


def full_disk(has_begun: bool) -> Gate:
    """A gate in front of an app that raises whatever its disk does, as Gradio."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if has_begun:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/srv/secret/upload")

    return Gate(app, Rules(AllowedHosts.of_server("127.0.0.1", ()), None), Usage())


def test_an_upload_that_fills_the_disk_is_told_in_words() -> None:
    client = TestClient(full_disk(has_begun=False), f"http://{HOST}")
    answer = client.post("/gradio_api/upload", content=b"x")
    assert answer.status_code == 507
    assert "No space left on device" in answer.text
    assert "TMPDIR" in answer.text
    assert "secret" not in answer.text


@pytest.mark.anyio
async def test_an_answer_that_fails_after_its_beginning_stays_incomplete(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The server then closes the connection, by which the other side knows."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    scope: Scope = {
        "type": "http", "method": "POST", "path": "/gradio_api/upload", "query_string": b"",
        "headers": [(b"host", HOST.encode())], "client": ("10.0.0.1", 1),
    }  # fmt: skip
    await full_disk(has_begun=True)(scope, receive, send)
    assert [message["type"] for message in sent] == ["http.response.start"]
    assert "No space left" in caplog.text


def test_what_fails_behind_it_is_a_line(caplog: pytest.LogCaptureFixture) -> None:
    def fail(_: Request) -> Response:
        raise KeyError("/secret/place")

    rules = Rules(AllowedHosts.of_server("127.0.0.1", ()), None)
    app = Starlette(
        routes=[Route("/", fail)], middleware=[Middleware(Gate, rules=rules, usage=Usage())]
    )
    with TestClient(app, f"http://{HOST}") as client:
        answer = client.get("/")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert "cannot be worked off" in answer.text
    (record,) = [r for r in caplog.records if r.name.startswith("sam2ov")]
    assert record.getMessage().startswith("GET /: KeyError: '/secret/place'")
    assert "x-frame-options" in answer.headers
