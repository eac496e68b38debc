"""Who may call the server, as whoever starts it says."""

from dataclasses import dataclass
from pathlib import Path

from sam2ov.errors import ServerError
from sam2ov.ui.gate.access import AccessToken
from sam2ov.ui.gate.hosts import AllowedHosts, is_loopback
from sam2ov.ui.gate.rules import Rules


@dataclass(frozen=True)
class Reach:
    """Who may call the server.

    Attributes:
        token: the access token; None makes one where other computers can call.
        no_auth: ask for no token even then.
        allowed_hosts: names that the server answers to, besides its own and addresses in numbers.
        root_path: below which a proxy shows the app: "/some/path".
        certfile: certificate for TLS, PEM; None serves without.
        keyfile: its key.
    """

    token: str | None = None
    no_auth: bool = False
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
        if (self.certfile is None) != (self.keyfile is None):
            raise ServerError("TLS needs both --certfile and --keyfile.")
        for path in (self.certfile, self.keyfile):
            if path is not None and not path.is_file():
                raise ServerError(f"There is no file {path}, which TLS needs.")
        root = self.root_path.rstrip("/")
        if root and not root.startswith("/"):
            raise ServerError(f"--root-path begins with a slash, unlike {self.root_path!r}.")
        asks = self.token is not None or not (self.no_auth or is_loopback(host))
        token = AccessToken(self.token) if asks else None
        return Rules(AllowedHosts.of_server(host, self.allowed_hosts), token, root)
