"""Proxies that are believed: where a request comes from, and who sends it."""

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from sam2ov.errors import ServerError

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

LOOPBACK: Final = ("127.0.0.0/8", "::1")
"""Believed about addresses where nobody says which proxies are."""


@dataclass(frozen=True)
class TrustedProxies:
    """Addresses and networks of proxies."""

    networks: tuple[Network, ...]

    @classmethod
    def of(cls, addresses: Iterable[str]) -> "TrustedProxies":
        """From addresses (10.0.0.2) and networks (10.0.0.0/24).

        Raises:
            ServerError: one is neither.
        """
        try:
            return cls(tuple(ipaddress.ip_network(address) for address in addresses))
        except ValueError as error:
            raise ServerError(
                f"--trusted-proxy takes an address or network such as 10.0.0.2: {error}."
            ) from error

    def include(self, address: str) -> bool:
        """Whether a connection from an address is a proxy's."""
        try:
            found = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(found in network for network in self.networks)

    def client_of(self, peer: str, headers: Mapping[str, str]) -> str:
        """Where a request comes from: the last address on its way that is no proxy of ours.

        Args:
            peer: the other end of the connection.
            headers: of the request; whatever somebody has written before our proxies is not
                believed.
        """
        way = [each.strip() for each in headers.get("x-forwarded-for", "").split(",")]
        while self.include(peer) and way and way[-1]:
            peer = way.pop()
        return peer
