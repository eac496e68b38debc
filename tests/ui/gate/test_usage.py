"""Limits over a day hold for each user, and the log says who did what, but not with what."""

import json
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from sam2ov.errors import QuotaError, ServerError
from sam2ov.ui.gate.caller import Caller
from sam2ov.ui.gate.reach import Reach
from sam2ov.ui.gate.usage import Usage, UsageLimits
from sam2ov.ui.gate.users import Users
from tests.ui.gate.test_accounts import PASSWORD, client_for, log_in

ANNA, BOB = Caller("192.0.2.1", "anna"), Caller("192.0.2.1", "bob")
MB = 1 << 20
HOUR = 3600


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_day_is_a_sliding_one_and_each_user_has_their_own() -> None:
    clock = Clock()
    usage = Usage(UsageLimits(tracking_seconds=600), clock=clock)
    usage.spend(ANNA, "tracking", 400)
    clock.now += 12 * HOUR
    usage.spend(ANNA, "tracking", 300)
    with pytest.raises(QuotaError, match="The 10 minutes of tracking that one user has"):
        usage.require(ANNA, "tracking")
    usage.require(BOB, "tracking")
    clock.now += 13 * HOUR
    assert usage.left(ANNA, "tracking") == 300
    clock.now += 13 * HOUR
    assert usage.left(ANNA, "tracking") == 600


def test_without_limits_nothing_is_refused_or_kept() -> None:
    usage = Usage()
    usage.spend(ANNA, "upload", 1e18)
    usage.require(ANNA, "upload", 1e18)
    assert usage._spent == {}


def test_without_accounts_an_address_is_a_user() -> None:
    usage = Usage(UsageLimits(upload_bytes=10))
    usage.spend(Caller("2001:db8::1"), "upload", 10)
    with pytest.raises(QuotaError, match="of one user within a day"):
        usage.require(Caller("2001:db8::2"), "upload", 1)
    usage.require(Caller("2001:db9::2"), "upload", 1)


@pytest.mark.parametrize("path", ["/media/x/clip", "/gradio_api/upload"])
def test_uploads_are_counted_whoever_takes_them(path: str) -> None:
    usage = Usage(UsageLimits(upload_bytes=3 * MB))

    def send(client: TestClient, num_bytes: int) -> int:
        return client.put(path, content=bytes(num_bytes)).status_code

    with client_for(Reach(no_auth=True), "192.0.2.1", usage) as client:
        assert [send(client, 2 * MB) for _ in range(2)] == [200, 429]
        assert send(client, MB) == 200, "what is left"
        answer = client.put(path, content=b"x")
        assert answer.status_code == 429
        assert "ask who runs it to allow more" in answer.text
    with client_for(Reach(no_auth=True), "192.0.2.2", usage) as other:
        assert send(other, 2 * MB) == 200


def test_the_log_says_who_did_what_and_no_contents(tmp_path: Path) -> None:
    Users().with_password("anna", PASSWORD).write(tmp_path / "users")
    usage = Usage(log=tmp_path / "log")
    with client_for(Reach(auth=tmp_path / "users"), "192.0.2.1", usage) as client:
        log_in(client, name=PASSWORD, password="in the wrong field")
        log_in(client)
        client.put("/media/secret-token/clip?name=private.mp4", content=b"private" * 10)
        client.post("/logout")
    text = (tmp_path / "log").read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    assert [(line["action"], line["user"]) for line in lines] == [
        ("login failed", ""),
        ("login", "anna"),
        ("upload", "anna"),
        ("logout", "anna"),
    ]
    assert {line["from"] for line in lines} == {"192.0.2.1"}
    assert lines[2]["bytes"] == 70
    assert all(line["time"] for line in lines)
    for secret in (PASSWORD, "private", "secret-token"):
        assert secret not in text


def test_a_log_that_cannot_be_written_is_said_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(ServerError, match="cannot be written"):
        Usage(log=tmp_path / "none" / "log")
