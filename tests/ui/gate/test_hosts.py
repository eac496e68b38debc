"""By which names the server may be called, and from which pages."""

import pytest

from sam2ov.errors import ServerError
from sam2ov.ui.gate.hosts import AllowedHosts, is_loopback, same_origin


@pytest.mark.parametrize(
    "host",
    [
        "localhost", "localhost:7860", "LOCALHOST:7860", "localhost.", "app.localhost",
        "127.0.0.1", "127.0.0.1:7860", "[::1]:7860", "192.168.1.20:7860", "[fe80::1]",
    ],
)  # fmt: skip
def test_own_names_and_addresses_are_allowed(host: str) -> None:
    assert AllowedHosts.of_server("127.0.0.1", ()).allow(host)


@pytest.mark.parametrize(
    "host",
    [
        "", "evil.example", "evil.example:7860", "localhost.evil.example", "127.0.0.1.evil.example",
        "localhost:7860@evil.example", "localhost/evil", "local host", "[::1", "::1]", "a:b:c",
        "2130706433.evil", "localhost:99999999", "\x00localhost",
    ],
)  # fmt: skip
def test_any_other_name_is_refused(host: str) -> None:
    """A site can make its own name point here, and then is of the same origin (DNS rebinding)."""
    assert not AllowedHosts.of_server("127.0.0.1", ()).allow(host)


def test_names_can_be_allowed() -> None:
    hosts = AllowedHosts.of_server("0.0.0.0", ["studio.example.org", "*.lab.example"])
    assert hosts.allow("studio.example.org:443")
    assert hosts.allow("One.Lab.example")
    assert not hosts.allow("lab.example")
    assert not hosts.allow("evil-lab.example")
    assert AllowedHosts.of_server("0.0.0.0", ["*"]).allow("anything.example")
    assert AllowedHosts.of_server("box.example", ()).allow("box.example:7860")


@pytest.mark.parametrize("name", ["", "a b", "http://a", "a/b", "*.", "*a", "a:80"])
def test_what_is_no_name(name: str) -> None:
    with pytest.raises(ServerError, match="is no host name"):
        AllowedHosts.of_server("127.0.0.1", [name])


def test_origins() -> None:
    assert same_origin("http://localhost:7860", "localhost:7860")
    assert same_origin("https://Studio.example", "studio.example")
    for origin in ("null", "", "http://localhost:3000", "http://evil.example", "file://",
                   "http://localhost:7860.evil.example", "data://localhost:7860"):  # fmt: skip
        assert not same_origin(origin, "localhost:7860")


def test_loopback() -> None:
    for host in ("127.0.0.1", "127.1.2.3", "::1", "localhost"):
        assert is_loopback(host)
    for host in ("0.0.0.0", "::", "192.168.0.2", "box.example"):
        assert not is_loopback(host)
