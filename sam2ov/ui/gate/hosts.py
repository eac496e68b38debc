"""By which names the server is called, and from which pages.

A website can send requests to servers on its visitors' computers and networks. Two things give it
away: the page's origin, which browsers add to whatever may change something, and, where its own
name is made to point here (DNS rebinding), the name in ``Host``. Addresses in numbers cannot be
made to point elsewhere, so they are no danger.
"""

import ipaddress
import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from sam2ov.errors import ServerError

_LOOPBACK: Final = ("localhost", "*.localhost")
_NAME: Final = re.compile(r"(\*\.)?[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?", re.IGNORECASE)
_HOST: Final = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[^:\[\]/@\s]+)(:(?P<port>\d{1,5}))?", re.I)

ANY: Final = "*"
"""Allows every name."""


@dataclass(frozen=True)
class AllowedHosts:
    """Names that the server answers to; ``*.example.org`` stands for all below example.org.

    Raises:
        ServerError: one is no name.
    """

    names: tuple[str, ...]

    def __post_init__(self) -> None:
        for name in self.names:
            if name != ANY and not _NAME.fullmatch(name):
                raise ServerError(
                    f"{name!r} is no host name. Give one such as studio.example.org, all below one "
                    "(*.example.org), or * for any."
                )

    @classmethod
    def of_server(cls, bound: str, more: Iterable[str]) -> "AllowedHosts":
        """Those of a server that listens on an address or name."""
        own = () if _is_address(bound) else (bound,)
        names = (*_LOOPBACK, socket.gethostname(), *own, *more)
        return cls(tuple(dict.fromkeys(name.lower() for name in names)))

    def allow(self, host: str) -> bool:
        """Whether a request may call the server so (``Host``, with or without a port)."""
        parts = _HOST.fullmatch(host)
        if parts is None:
            return False
        name = parts["name"].lower().removesuffix(".")
        return _is_address(name) or any(_fits(name, allowed) for allowed in self.names)


def same_origin(origin: str, host: str) -> bool:
    """Whether a page of this origin (``Origin``) lies on the host that it calls (``Host``)."""
    scheme, separator, place = origin.partition("://")
    return bool(separator) and scheme in ("http", "https") and place.lower() == host.lower()


def is_loopback(host: str) -> bool:
    """Whether an address or name to listen on is out of reach of other computers."""
    if _is_address(host):
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    return host.lower() == "localhost"


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


def _fits(name: str, allowed: str) -> bool:
    if allowed.startswith("*."):
        return name.endswith(allowed[1:])
    return allowed in (ANY, name)
