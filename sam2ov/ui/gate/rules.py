"""What the gate lets through."""

from dataclasses import dataclass, field

from sam2ov.ui.gate.access import AccessToken
from sam2ov.ui.gate.accounts import Accounts
from sam2ov.ui.gate.hosts import AllowedHosts
from sam2ov.ui.gate.proxies import LOOPBACK, TrustedProxies


@dataclass(frozen=True)
class Rules:
    """What the gate lets through.

    Attributes:
        hosts: by which names the server may be called.
        token: that is asked for; None asks for none.
        accounts: by which people say who they are; None where there are none.
        proxies: that are believed about where requests come from.
        root_path: below which the browser sees the app, "" or "/some/path".
    """

    hosts: AllowedHosts
    token: AccessToken | None
    accounts: Accounts | None = None
    proxies: TrustedProxies = field(default_factory=lambda: TrustedProxies.of(LOOPBACK))
    root_path: str = ""
