"""The guard that stands where a socket is made: whatever a feed names, nothing inside our network is dialled.

It judges the address that is about to be connected to, not the URL and not the answer of a resolver. So it
holds for addresses written as numbers, for names that resolve to something else the second time, and for
every hop of a redirect, and no other part has to remember to ask it. Networks that an operator allows, such
as an inner wire or the demo on loopback, pass with any port.
"""

import ipaddress
import socket
from collections.abc import Callable, Collection
from typing import Any

from agents.metrics import EGRESS_BLOCKED, Way

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
SocketFactory = Callable[[Any], socket.socket]

LOOPBACK: tuple[Network, ...] = (ipaddress.IPv4Network("127.0.0.0/8"), ipaddress.IPv6Network("::1/128"))
PORTS = frozenset({80, 443})

_UNICAST_6 = ipaddress.IPv6Network("2000::/3")
# Public by Python's table, or by that of some version of it, and still no place for a feed.
_REFUSED: tuple[Network, ...] = (
    ipaddress.IPv4Network("192.0.0.0/24"),  # IETF protocol assignments
    ipaddress.IPv4Network("168.63.129.16/32"),  # Azure's own services, inside each virtual machine there
    ipaddress.IPv4Network("192.88.99.0/24"),  # 6to4 relays
    ipaddress.IPv6Network("2001::/23"),  # Teredo, ORCHID and other protocol assignments
    ipaddress.IPv6Network("2002::/16"),  # 6to4: carries any IPv4 address
    ipaddress.IPv6Network("3fff::/20"),  # documentation
)


NOT_PUBLIC = "the address is not public or the port is not one of the web"
NOT_ALLOWED = "plain http with a credential, to an address that is in no allowed network"


class BlockedAddress(OSError):  # noqa: N818 - a fact about the address
    """The address leads somewhere we do not go; the text is the same for all, so that the client keeps the
    type.
    """


def guard(
    allowed: Collection[Network] = (),
    ports: Collection[int] = PORTS,
    refusal: str = NOT_PUBLIC,
    *,
    way: Way = Way.FEED,
) -> SocketFactory:
    """A socket factory for a client's connector. It raises BlockedAddress instead of making a socket.

    `way`: what for, which is how a refusal is counted.
    """

    def open_socket(addr_info: Any) -> socket.socket:
        family, kind, protocol, _, where = addr_info
        if not may_dial(str(where[0]), int(where[1]), allowed, ports):
            EGRESS_BLOCKED.labels(what=way).inc()
            raise BlockedAddress(refusal)
        return socket.socket(family, kind, protocol)

    return open_socket


def inner_guard(allowed: Collection[Network], way: Way = Way.FEED) -> SocketFactory:
    """A guard that lets only the allowed networks pass: for what no stranger on the way may read."""
    return guard(allowed, (), NOT_ALLOWED, way=way)


def may_dial(host: str, port: int, allowed: Collection[Network] = (), ports: Collection[int] = PORTS) -> bool:
    """Whether this numeric address may be connected to."""
    address = _unmapped(ipaddress.ip_address(host.partition("%")[0]))
    if any(address in network for network in allowed if network.version == address.version):
        return True
    return port in ports and is_public(address)


def is_public(address: Address) -> bool:
    """Whether the address belongs to one host on the public internet, in either version of the protocol."""
    address = _unmapped(address)
    if address.version == 6 and address not in _UNICAST_6:
        return False
    if any(address in network for network in _REFUSED if network.version == address.version):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def _unmapped(address: Address) -> Address:
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
