"""Whose request it is, where people have accounts: by a session, a key, or a proxy's word."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from starlette.datastructures import Headers

from sam2ov.ui.gate.login import Failures, Sessions
from sam2ov.ui.gate.proxies import TrustedProxies
from sam2ov.ui.gate.users import UsersFile, is_user_name


class Logins:
    """Accounts of a file.

    Args:
        path: of the file, see ``gate.users``.

    Attributes:
        file: who may log in.
        sessions: of those who have.
        failures: of those who could not.

    Raises:
        ServerError: the file cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.file = UsersFile(path)
        self.sessions = Sessions(self.file)
        self.failures = Failures()

    def user_of(self, headers: Mapping[str, str]) -> str | None:
        """Who sends a request, by the key or the cookie that comes with it."""
        scheme, _, key = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return self.file.users.owner_of(key.strip())
        return self.sessions.user_of(headers)


@dataclass(frozen=True)
class Accounts:
    """The ways in which people say who they are; at least one.

    Attributes:
        logins: with passwords and keys of our own.
        header: in which a trusted proxy names who has logged in there, in lower case.
        proxies: that are believed.
    """

    logins: Logins | None
    header: str | None
    proxies: TrustedProxies

    def user_of(self, peer: str, headers: Headers) -> str | None:
        """Who sends a request; None for nobody that is known.

        Args:
            peer: the other end of the connection.
            headers: of the request.
        """
        if self.header is not None and self.proxies.include(peer):
            named = headers.getlist(self.header)
            if named:
                return named[0] if len(named) == 1 and is_user_name(named[0]) else None
        return None if self.logins is None else self.logins.user_of(headers)
