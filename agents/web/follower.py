"""The topics -> the board, for as long as the page is served. In no group, with nothing committed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from agents.link import Bootstrap, client_options
from agents.logs import get_logger
from agents.memory import incoming
from agents.messages import Incoming, is_canary
from agents.metrics import PAGE_BEHIND
from agents.reaching import raise_if_refused
from streams.topics import Topic, partitions_of

READ_BACK: dict[Topic, int | None] = {
    Topic.ALERTS: 5_000,
    Topic.STATUS: None,
    Topic.CLAIMS: 10_000,
    Topic.FEED_STATE: None,
    Topic.FEEDS: None,
    Topic.RELEVANT: 1_000,
}
"""How many of the last messages of a partition are read at the start; None: all, the topic is compacted."""

RETRY_S = 1.0
LOOK_S = 5.0
"""How often we ask the broker whether it is there; a silent one sends no alerts, and a quiet page would not tell."""

logger = get_logger("web")


class Follower:
    """Hands each message to `take`; `caught_up` is set when all that was there at the start has been handed on."""

    def __init__(self, bootstrap: Bootstrap, take: Callable[[Incoming], None]) -> None:
        self._bootstrap = bootstrap
        self._take = take
        self.caught_up = asyncio.Event()
        self.broker_answers = True

    async def run(self) -> None:
        """Follows for ever."""
        consumer = await self._connected()
        look = asyncio.create_task(self._look(consumer))
        try:
            ends = await self._assign(consumer)
            while True:
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    for record in records:
                        if not is_canary(record.headers):
                            self._take(incoming(record))
                await self._compare(consumer, ends)
                PAGE_BEHIND.set(await _behind(consumer, ends))
        finally:
            look.cancel()
            await consumer.stop()

    async def _connected(self) -> Any:
        while True:
            consumer = AIOKafkaConsumer(
                **client_options(self._bootstrap), enable_auto_commit=False, auto_offset_reset="earliest"
            )
            try:
                await consumer.start()
                return consumer
            except KafkaError as error:
                await consumer.stop()
                await raise_if_refused(self._bootstrap)
                logger.warning("broker cannot be read yet", broker=str(self._bootstrap), error=str(error))
            await asyncio.sleep(RETRY_S)

    async def _assign(self, consumer: Any) -> dict[TopicPartition, int]:
        """Goes to where reading begins, once the topics are there, and tells where their ends were."""
        while not set(READ_BACK) <= await consumer.topics():  # asks; a subscription might create them
            await raise_if_refused(self._bootstrap, *READ_BACK)
            await asyncio.sleep(RETRY_S)
        pairs = [TopicPartition(str(topic), number) for topic in READ_BACK for number in range(partitions_of(topic))]
        consumer.assign(pairs)
        firsts = await consumer.beginning_offsets(pairs)
        ends: dict[TopicPartition, int] = await consumer.end_offsets(pairs)
        for pair in pairs:
            back = READ_BACK[Topic(pair.topic)]
            consumer.seek(pair, firsts[pair] if back is None else max(firsts[pair], ends[pair] - back))
        return ends

    async def _compare(self, consumer: Any, ends: dict[TopicPartition, int]) -> None:
        if not self.caught_up.is_set():
            at = [await consumer.position(pair) >= end for pair, end in ends.items()]
            if all(at):
                self.caught_up.set()

    async def _look(self, consumer: Any) -> None:
        while True:
            try:
                async with asyncio.timeout(LOOK_S):
                    await consumer.topics()
                self.broker_answers = True
            except (TimeoutError, KafkaError):
                self.broker_answers = False
            await asyncio.sleep(LOOK_S)


async def _behind(consumer: Any, ends: dict[TopicPartition, int]) -> int:
    """How many messages the broker has told of that were not read; what no answer told of yet ends where it ended."""
    return sum(
        [max(0, (consumer.highwater(pair) or end) - await consumer.position(pair)) for pair, end in ends.items()]
    )
