"""Who may call the server, as whoever starts it says."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sam2ov.errors import ServerError
from sam2ov.ui.gate.access import AccessToken
from sam2ov.ui.gate.accounts import Accounts, Logins
from sam2ov.ui.gate.hosts import AllowedHosts, is_loopback
from sam2ov.ui.gate.proxies import LOOPBACK, TrustedProxies
from sam2ov.ui.gate.rules import Rules

_HEADER: Final = re.compile(r"[A-Za-z0-9-]{1,100}")


@dataclass(frozen=True)
class Reach:
    """Who may call the server.

    Attributes:
        token: the access token; None makes one where other computers can call.
        no_auth: ask for no token even then.
        auth: the file of users, who then log in; None for a server without accounts.
        auth_header: in which a trusted proxy names who has logged in there.
        trusted_proxies: their addresses and networks; empty believes this computer's about where
            requests come from.
        allowed_hosts: names that the server answers to, besides its own and addresses in numbers.
        root_path: below which a proxy shows the app: "/some/path".
        certfile: certificate for TLS, PEM; None serves without.
        keyfile: its key.
    """

    token: str | None = None
    no_auth: bool = False
    auth: Path | None = None
    auth_header: str | None = None
    trusted_proxies: tuple[str, ...] = ()
    allowed_hosts: tuple[str, ...] = ()
    root_path: str = ""
    certfile: Path | None = None
    keyfile: Path | None = None

    def rules(self, host: str) -> Rules:
        """What the gate of a server that listens on an address lets through.

        Raises:
            ServerError: something of it cannot be used.
        """
        if self.no_auth and self.token is not None:
            raise ServerError("--no-auth and --token exclude each other. Leave one out.")
        has_accounts = self.auth is not None or self.auth_header is not None
        if has_accounts and (self.no_auth or self.token is not None):
            raise ServerError("Accounts need no --token and no --no-auth. Leave them out.")
        if self.auth_header is not None and not self.trusted_proxies:
            raise ServerError(
                "--auth-header needs --trusted-proxy ADDRESS: anybody else could write that header."
            )
        if self.auth_header is not None and not _HEADER.fullmatch(self.auth_header):
            raise ServerError(f"{self.auth_header!r} is no name of a header.")
        if (self.certfile is None) != (self.keyfile is None):
            raise ServerError("TLS needs both --certfile and --keyfile.")
        for path in (self.certfile, self.keyfile):
            if path is not None and not path.is_file():
                raise ServerError(f"There is no file {path}, which TLS needs.")
        root = self.root_path.rstrip("/")
        if root and not root.startswith("/"):
            raise ServerError(f"--root-path begins with a slash, unlike {self.root_path!r}.")
        proxies = TrustedProxies.of(self.trusted_proxies or LOOPBACK)
        accounts = None
        if has_accounts:
            logins = None if self.auth is None else Logins(self.auth)
            header = None if self.auth_header is None else self.auth_header.lower()
            accounts = Accounts(logins, header, proxies)
        is_open = has_accounts or self.no_auth or is_loopback(host)
        token = AccessToken(self.token) if self.token is not None or not is_open else None
        hosts = AllowedHosts.of_server(host, self.allowed_hosts)
        return Rules(hosts, token, accounts, proxies, root)
