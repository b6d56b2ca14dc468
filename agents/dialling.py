"""A connected socket to a host that is not spoken to in HTTP, dialled through the egress guard as all others are."""

from __future__ import annotations

import asyncio
import socket

from agents.egress import SocketFactory


async def dial(host: str, port: int, factory: SocketFactory, timeout_s: float) -> socket.socket:
    """The first address of the host that answers. Raises OSError (BlockedAddress, TimeoutError) of the last that did
    not."""
    async with asyncio.timeout(timeout_s):
        loop = asyncio.get_running_loop()
        problem: OSError = OSError(0, "the name has no address")
        for address in await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            try:
                return await _connected(address, factory)
            except OSError as error:
                problem = error
        raise problem


async def _connected(address: tuple[object, ...], factory: SocketFactory) -> socket.socket:
    sock = factory(address)
    try:
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, address[4])  # type: ignore[arg-type]
    except BaseException:
        sock.close()
        raise
    return sock
