"""Who sends a request, as the gate has found out: what is behind it asks here and nowhere else."""

import ipaddress
from dataclasses import dataclass
from typing import Final

from starlette.types import Scope

_KEY: Final = "sam2ov.caller"
_IPV6_PREFIX: Final = 64
"""What one household or machine is given of IPv6; it may send from any address in it."""


@dataclass(frozen=True)
class Caller:
    """Who sends a request.

    Attributes:
        address: where from, as the connection or a trusted proxy says; "" where that is unknown.
        user: the name of an account; "" on a server without.
    """

    address: str = ""
    user: str = ""

    @property
    def account(self) -> str:
        """What limits of a user hold for: the account, or the place on a server without."""
        return self.user or f"from {self.place}"

    @property
    def place(self) -> str:
        """What counts as one client: the address, or its network where it is IPv6."""
        try:
            address = ipaddress.ip_address(self.address)
        except ValueError:
            return self.address
        if address.version == 4:
            return str(address)
        return str(ipaddress.ip_network((int(address), _IPV6_PREFIX), strict=False))


def note_caller(scope: Scope, caller: Caller) -> None:
    """Write down whose request it is, for what is behind the gate."""
    scope[_KEY] = caller


def caller_of(scope: Scope) -> Caller:
    """Whose request it is; nobody in particular where it came through no gate."""
    caller = scope.get(_KEY)
    return caller if isinstance(caller, Caller) else Caller()
