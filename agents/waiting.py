"""How much a sink has still to be given, and since when it takes nothing. The label is the sink's name in its group."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

from aiokafka.errors import KafkaError

from agents.logs import get_logger
from agents.metrics import DELIVERIES, SINK_FAILING, SINK_WAITING

LOOK_S = 10.0
OUTCOMES = ("delivered", "failed", "refused", "repeated", "unwanted")

logger = get_logger("waiting")


def begin_sink(scheme: str, group: str) -> None:
    """Its series begin at 0."""
    for outcome in OUTCOMES:
        DELIVERIES.labels(sink=scheme, outcome=outcome)
    tell_failing(group, None)
    SINK_WAITING.labels(sink=name_of(group)).set(0)


def tell_failing(group: str, since: datetime | None) -> None:
    """Since when no delivery succeeds; None: the last one did."""
    SINK_FAILING.labels(sink=name_of(group)).set(since.timestamp() if since else 0)


async def measuring(consumer: Any, group: str) -> None:
    """Tells for ever what lies beyond the committed offsets of the partitions that the consumer has.

    The broker is asked: while a sink is down its consumer fetches nothing, and knows of no end that is new.
    """
    while True:
        try:
            async with asyncio.timeout(LOOK_S):
                waiting = await _waiting(consumer)
            SINK_WAITING.labels(sink=name_of(group)).set(waiting)
        except (KafkaError, OSError, TimeoutError) as error:
            logger.debug("waiting messages not counted", sink=group, error=repr(error))
        await asyncio.sleep(LOOK_S)


def name_of(group: str) -> str:
    """The sink's own part of its consumer group: the scheme, and its name or a hash of its address."""
    return group.removeprefix("listwire.herald.")


async def _waiting(consumer: Any) -> int:
    pairs = list(consumer.assignment())
    if not pairs:
        return 0
    ends, starts = await consumer.end_offsets(pairs), await consumer.beginning_offsets(pairs)
    done = {pair: max(await consumer.committed(pair) or 0, starts[pair]) for pair in pairs}
    return sum(ends[pair] - done[pair] for pair in pairs)
