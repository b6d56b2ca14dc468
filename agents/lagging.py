"""How far the agents are behind in each partition: messages not yet committed, and since when the oldest of them waits.

The sentinel knows the offsets anyway. Only where something waits, and other than at the last look, the one message at
the committed offset is read, by a client of its own, for the time when it was written. What cannot be read costs a
look, never the sentinel: these are figures, and whether we stand still is for others to say.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from agents.link import Bootstrap, client_options
from agents.logs import get_logger
from agents.metrics import CANARY, LAG, OLDEST
from streams.stalls import Offsets, Place

READ_S = 5.0
FETCH_BYTES = 4_096
"""Of a partition; a message that is longer comes alone."""

logger = get_logger("lagging")


class Lags:
    """Tells of the partitions that are ours; `forget` those that are not any more."""

    def __init__(self, broker: Bootstrap) -> None:
        self._broker = broker
        self._consumer: Any = None
        self._read: dict[Place, tuple[int, float]] = {}  # by partition: an offset, and when its message was written
        self._told: set[Place] = set()

    async def look(self, offsets: Mapping[Place, Offsets]) -> None:
        """Tells of the partitions, whose offsets the broker has told just now; of none, if messages cannot be read."""
        waiting = {place: told for place, told in offsets.items() if (told.committed or 0) < told.end}
        try:
            async with asyncio.timeout(READ_S):
                firsts = await self._firsts(waiting)
                await self._read_oldest(
                    {
                        place: first
                        for place, first in firsts.items()
                        if first < offsets[place].end and not self._knows(place, first)
                    }
                )
        except (KafkaError, OSError, TimeoutError) as error:
            logger.debug("oldest messages not read", error=repr(error))
            await self.close()
            return
        for place, told in offsets.items():
            first = firsts.get(place, told.end)
            self._tell(place, told.end - first, self._read[place][1] if first < told.end else 0.0)

    def canary_came(self, place: Place, now: float) -> None:
        """One of ours has come through."""
        self._told.add(place)
        CANARY.labels(place.part, place.partition).set(now)

    def keep(self, places: Collection[Place]) -> None:
        """Nothing is told of other partitions any more: who reads them now tells of them."""
        for place in self._told - set(places):
            for metric in (LAG, OLDEST, CANARY):
                metric.remove(place.part, place.partition)
            self._read.pop(place, None)
        self._told &= set(places)

    async def close(self) -> None:
        """Lets go of the broker, until the next look."""
        if self._consumer is not None:
            consumer, self._consumer = self._consumer, None
            await consumer.stop()

    def _knows(self, place: Place, first: int) -> bool:
        return self._read.get(place, (None, 0.0))[0] == first

    def _tell(self, place: Place, messages: int, oldest_s: float) -> None:
        self._told.add(place)
        LAG.labels(place.part, place.partition).set(messages)
        OLDEST.labels(place.part, place.partition).set(oldest_s)

    async def _firsts(self, waiting: Mapping[Place, Offsets]) -> dict[Place, int]:
        """The offset of the oldest message that waits: the committed one, unless nothing was, or it is deleted."""
        if not waiting:
            return {}
        consumer = await self._connected()
        starts = await consumer.beginning_offsets([_pair(place) for place in waiting])
        return {place: max(told.committed or 0, starts[_pair(place)]) for place, told in waiting.items()}

    async def _read_oldest(self, firsts: Mapping[Place, int]) -> None:
        if not firsts:
            return
        consumer = await self._connected()
        pairs = [_pair(place) for place in firsts]
        consumer.assign(pairs)
        for place, first in firsts.items():
            consumer.seek(_pair(place), first)
        for place, first in firsts.items():
            message = await consumer.getone(_pair(place))
            self._read[place] = (first, message.timestamp / 1000)
        consumer.pause(*pairs)

    async def _connected(self) -> Any:
        if self._consumer is None:
            consumer = AIOKafkaConsumer(
                **client_options(self._broker),
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                max_partition_fetch_bytes=FETCH_BYTES,
            )
            self._consumer = consumer  # so that it is closed even if it does not start
            await consumer.start()
        return self._consumer


def _pair(place: Place) -> TopicPartition:
    return TopicPartition(place.part.value, place.partition)
