"""How long we wait for a broker, and how we say that it is not there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from aiokafka.errors import KafkaError

from agents.handshake import greet, refusal
from agents.link import Bootstrap, linked
from agents.messages import BrokerDown, BrokerRefused, addresses

PATIENCE_S = 120.0
CONNECT_S = 10


@asynccontextmanager
async def patience(broker: Bootstrap, problem: str, seconds: float) -> AsyncIterator[None]:
    """Turns what takes longer than `seconds`, or fails in the client, into BrokerDown with this problem.

    What the broker refuses us is BrokerRefused, at once.
    """
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise BrokerDown(broker, f"{problem} within {seconds:g} s") from None
    except KafkaError as error:
        if refused := refusal(error, linked(broker)):
            raise BrokerRefused(broker, *refused) from None
        raise BrokerDown(broker, f"{problem}: {error}") from None


async def require_broker(broker: Bootstrap, *topics: str) -> None:
    """Returns if a Kafka at one of the addresses takes us and hides none of these topics: nobody waits on a slip.

    Raises BrokerDown with the reason of the last address, or BrokerRefused.
    """
    link = linked(broker)
    down = BrokerDown(link, "unreachable (no address)")
    for host, port in addresses(link.bootstrap):
        try:
            async with asyncio.timeout(CONNECT_S):
                await greet(link, host, port, topics)
            return
        except BrokerDown as error:
            down = error
        except TimeoutError:
            down = BrokerDown(link, "unreachable (no answer)")
        except OSError as error:
            reason = "connection refused" if isinstance(error, ConnectionRefusedError) else str(error.strerror or error)
            down = BrokerDown(link, f"unreachable ({reason})")
    raise down


async def raise_if_refused(broker: Bootstrap, *topics: str) -> None:
    """Raises BrokerRefused if waiting for the broker is in vain; returns whether it answers or not."""
    with suppress(BrokerDown):
        await require_broker(broker, *topics)
