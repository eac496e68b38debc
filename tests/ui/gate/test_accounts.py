"""Who is let in where people have accounts, in front of a small app that tells who it is."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from sam2ov.errors import ServerError
from sam2ov.ui.gate.caller import Caller, caller_of
from sam2ov.ui.gate.gate import Gate
from sam2ov.ui.gate.login import COOKIE, Failures
from sam2ov.ui.gate.proxies import TrustedProxies
from sam2ov.ui.gate.reach import Reach
from sam2ov.ui.gate.usage import Usage
from sam2ov.ui.gate.users import Users

PASSWORD = "four words in a row"
HOST = "localhost:7860"
PROXY, ELSEWHERE = "10.0.0.2", "192.0.2.9"
PATHS = (
    "/",
    "/config",
    "/gradio_api/mcp/",
    "/gradio_api/queue/join",
    "/media/x/0.jpg",
    "/projects",
)


async def tell(request: Request) -> Response:
    await request.body()
    caller = caller_of(request.scope)
    return JSONResponse({"user": caller.user, "from": caller.address, "scheme": request.url.scheme})


@pytest.fixture
def users_file(tmp_path: Path) -> Path:
    path = tmp_path / "users"
    users, key = Users().with_password("anna", PASSWORD).with_new_key("robot")
    users.write(path)
    path.with_suffix(".key").write_text(key)
    return path


def client_for(reach: Reach, peer: str = ELSEWHERE, usage: Usage | None = None) -> TestClient:
    app = Starlette(
        routes=[Route("/{path:path}", tell, methods=["GET", "POST", "PUT", "DELETE"])],
        middleware=[Middleware(Gate, rules=reach.rules("0.0.0.0"), usage=usage or Usage())],
    )
    return TestClient(app, f"http://{HOST}", follow_redirects=False, client=(peer, 5000))


@pytest.fixture
def client(users_file: Path) -> Iterator[TestClient]:
    with client_for(Reach(auth=users_file)) as client:
        yield client


def log_in(client: TestClient, name: str = "anna", password: str = PASSWORD) -> int:
    fields = {"name": name, "password": password}
    return client.post("/login", data=fields, headers={"Accept": "text/html"}).status_code


@pytest.mark.parametrize("path", PATHS)
def test_nothing_is_told_without_a_login(client: TestClient, path: str) -> None:
    for method in ("GET", "POST", "PUT", "DELETE"):
        answer = client.request(method, path)
        assert answer.status_code == 401
        assert "Authorization: Bearer KEY" in answer.text
    assert 'name="password"' in client.get(path, headers={"Accept": "text/html"}).text
    assert client.get("/health").text == "ok"


def test_a_login_opens_everything_until_the_logout(client: TestClient) -> None:
    assert log_in(client) == 303
    for path in PATHS:
        assert client.get(path).json()["user"] == "anna"
    assert "logged in as anna" in client.get("/login").text
    cookie = client.cookies[COOKIE]
    assert client.post("/logout").status_code == 303
    assert client.get("/").status_code == 401
    name, until, proof = cookie.strip('"').split(":")
    for forged in (f"bob:{until}:{proof}", f"anna:{int(until) + 1}:{proof}", "anna::", "x", ":::"):
        answer = client.get("/", headers={"Cookie": f'{COOKIE}="{forged}"'})
        assert answer.status_code == 401, forged
    assert name == "anna"


def test_cookies_end_with_the_password_and_the_user(client: TestClient, users_file: Path) -> None:
    assert log_in(client) == 303
    Users.read(users_file).with_password("anna", "another password").write(users_file)
    assert client.get("/").status_code == 401
    assert log_in(client, password="another password") == 303
    users_file.write_text("# nobody\n")
    assert client.get("/").status_code == 401


def test_a_session_cookie_is_for_the_server_alone(client: TestClient) -> None:
    answer = client.post("/login", data={"name": "anna", "password": PASSWORD})
    flags = answer.headers["set-cookie"]
    assert "HttpOnly" in flags
    assert "SameSite=Lax" in flags
    assert "Secure" not in flags
    assert answer.headers["location"] == "/"


def test_another_site_cannot_log_anybody_in_or_out(client: TestClient) -> None:
    for path in ("/login", "/logout"):
        fields = {"name": "anna", "password": PASSWORD}
        answer = client.post(path, data=fields, headers={"Origin": "http://evil.example"})
        assert answer.status_code == 403


def test_wrong_logins_are_slowed_down(client: TestClient) -> None:
    assert [log_in(client, password="wrong password") for _ in range(10)] == [401] * 10
    assert log_in(client) == 429, "with the right one, too"
    answer = client.post("/login", data={"name": "x", "password": "y"})
    assert (answer.status_code, int(answer.headers["retry-after"]) > 0) == (429, True)


def test_failures_are_forgotten_and_count_per_client_and_name() -> None:
    now = 0.0
    failures = Failures(lambda: now)
    for _ in range(10):
        failures.note("a", "anna")
    assert failures.wait("a", "bob") > 0
    assert failures.wait("b", "anna") == 0
    for number in range(20):
        failures.note(f"c{number}", "anna")
    assert failures.wait("b", "anna") > 0, "from wherever"
    assert failures.wait("b", "bob") == 0
    failures.note("d", "eve")
    failures.forgive("d", "eve")
    now = 301.0
    assert failures.wait("a", "anna") == 0


def test_programs_come_with_a_key(client: TestClient, users_file: Path) -> None:
    key = users_file.with_suffix(".key").read_text()
    answer = client.get("/gradio_api/info", headers={"Authorization": f"Bearer {key}"})
    assert answer.json()["user"] == "robot"
    for wrong in (f"Bearer {key}x", f"Basic {key}", "Bearer", f"Bearer {PASSWORD}"):
        assert client.get("/", headers={"Authorization": wrong}).status_code == 401


def test_a_proxy_names_the_user_and_nobody_else_does(users_file: Path) -> None:
    reach = Reach(auth_header="X-Forwarded-User", trusted_proxies=(PROXY,))
    named = {"X-Forwarded-User": "anna@example.org", "X-Forwarded-For": f"{ELSEWHERE}, {PROXY}"}
    with client_for(reach, PROXY) as client:
        told = client.get("/", headers=named).json()
        assert (told["user"], told["from"]) == ("anna@example.org", ELSEWHERE)
        assert client.get("/").status_code == 401
        assert client.get("/", headers={"X-Forwarded-User": "a b"}).status_code == 401
        twice = [("X-Forwarded-User", "eve"), ("X-Forwarded-User", "anna")]
        assert client.get("/", headers=twice).status_code == 401
    with client_for(reach, ELSEWHERE) as client:
        answer = client.get("/", headers=named | {"X-Forwarded-For": PROXY})
        assert answer.status_code == 401
        assert "through its proxy only" in answer.text


def test_where_requests_come_from_is_believed_of_proxies_alone() -> None:
    proxies = TrustedProxies.of(["10.0.0.0/24", "::1"])
    header = {"x-forwarded-for": f"203.0.113.5, {ELSEWHERE}, 10.0.0.7"}
    assert proxies.client_of("10.0.0.2", header) == ELSEWHERE, "what came before may be invented"
    assert proxies.client_of("192.0.2.1", header) == "192.0.2.1"
    assert proxies.client_of("10.0.0.2", {}) == "10.0.0.2"
    assert Caller("2001:db8::1").place == Caller("2001:db8::2").place
    with client_for(Reach(no_auth=True), "127.0.0.1") as client:
        headers = {"X-Forwarded-For": ELSEWHERE, "X-Forwarded-Proto": "https"}
        told = client.get("/", headers=headers).json()
        assert (told["from"], told["scheme"]) == (ELSEWHERE, "https")


def test_what_does_not_fit_is_said_at_the_start(users_file: Path) -> None:
    for reach, says in (
        (Reach(auth=users_file, token="x" * 16), "need no --token"),
        (Reach(auth=users_file, no_auth=True), "need no --token"),
        (Reach(auth=users_file.with_name("none")), "cannot be read"),
        (Reach(auth_header="X-User"), "needs --trusted-proxy"),
        (Reach(auth_header="X User", trusted_proxies=(PROXY,)), "no name of a header"),
        (Reach(trusted_proxies=("proxy.example",)), "takes an address"),
    ):
        with pytest.raises(ServerError, match=says):
            reach.rules("127.0.0.1")
