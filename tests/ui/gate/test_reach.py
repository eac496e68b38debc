"""Who may call the server, as whoever starts it says."""

from pathlib import Path

import pytest

from sam2ov.errors import ServerError
from sam2ov.ui.gate.reach import Reach


def test_a_token_is_asked_for_where_other_computers_can_call() -> None:
    for host in ("127.0.0.1", "localhost", "::1"):
        assert Reach().rules(host).token is None
    for host in ("0.0.0.0", "192.168.0.2", "box.example"):
        assert Reach().rules(host).token is not None
        assert Reach(no_auth=True).rules(host).token is None
    assert Reach(token="x" * 16).rules("127.0.0.1").token is not None


def test_what_cannot_be_used_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "key.pem").touch()
    for reach, says in (
        (Reach(token="x" * 16, no_auth=True), "exclude each other"),
        (Reach(token="short"), "at least 16"),
        (Reach(allowed_hosts=("a b",)), "is no host name"),
        (Reach(root_path="x"), "begins with a slash"),
        (Reach(keyfile=tmp_path / "key.pem"), "both --certfile and --keyfile"),
        (Reach(keyfile=tmp_path / "key.pem", certfile=tmp_path / "no.pem"), r"no file .*no\.pem"),
    ):
        with pytest.raises(ServerError, match=says) as caught:
            reach.rules("0.0.0.0")
        assert len(str(caught.value).splitlines()) == 1


def test_a_path_of_a_proxy() -> None:
    assert Reach(root_path="/tools/x/").rules("127.0.0.1").root_path == "/tools/x"
