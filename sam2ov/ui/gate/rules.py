"""What the gate lets through."""

from dataclasses import dataclass

from sam2ov.ui.gate.access import AccessToken
from sam2ov.ui.gate.hosts import AllowedHosts


@dataclass(frozen=True)
class Rules:
    """What the gate lets through.

    Attributes:
        hosts: by which names the server may be called.
        token: that is asked for; None asks for none.
        root_path: below which the browser sees the app, "" or "/some/path".
    """

    hosts: AllowedHosts
    token: AccessToken | None
    root_path: str = ""
