"""How long we wait for a broker, and how we say that it is not there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka.errors import KafkaError

from agents.messages import BrokerDown, addresses

PATIENCE_S = 120.0
CONNECT_S = 10


@asynccontextmanager
async def patience(bootstrap: str, problem: str, seconds: float) -> AsyncIterator[None]:
    """Turns what takes longer than `seconds`, or fails in the client, into BrokerDown with this problem."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise BrokerDown(bootstrap, f"{problem} within {seconds:g} s") from None
    except KafkaError as error:
        raise BrokerDown(bootstrap, f"{problem}: {error}") from None


async def require_broker(bootstrap: str) -> None:
    """Returns if something listens at one of the addresses, so that nobody waits on a typing error.

    Raises BrokerDown with the reason of the last address.
    """
    reason = "no address"
    for host, port in addresses(bootstrap):
        try:
            async with asyncio.timeout(CONNECT_S):
                _, writer = await asyncio.open_connection(host, port)
            writer.close()
            return
        except TimeoutError:
            reason = "no answer"
        except OSError as error:
            reason = "connection refused" if isinstance(error, ConnectionRefusedError) else str(error.strerror or error)
    raise BrokerDown(bootstrap, f"unreachable ({reason})")
