"""Several pollers share the feed list: each polls the feeds of the partitions that the group gives it.

    wire.feeds        partition p ─┐ same keys, same count of partitions,
    wire.feed-state   partition p ─┘ so a feed and its state lie side by side

A poller that gets a partition reads the states and the feeds in it to their ends, and only then polls them. One that
loses it ends its polls before it lets go. One that dies is missed after the session's time, and its feeds go on
elsewhere from the states it stored last. Nothing is ever committed: the list is read from its beginning each time.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition

from agents.feed_list import Listed, take
from agents.following import Following
from agents.link import Bootstrap, client_options
from agents.logs import get_logger
from agents.memory import ReadLog, incoming
from streams.feeds import FeedSpec
from streams.topics import Topic

GROUP = "listwire-poller"
SESSION_S = 10.0
LOOK_S = 0.5

logger = get_logger("shards")

Adapt = Callable[[FeedSpec], FeedSpec]


class Shards(ConsumerRebalanceListener):  # type: ignore[misc]  # untyped library
    """Has followed what its partitions hold, until it is cancelled."""

    def __init__(
        self,
        bootstrap: Bootstrap,
        following: Following,
        read: ReadLog,
        adapt: Adapt = lambda feed: feed,
        session_s: float = SESSION_S,
    ) -> None:
        self._bootstrap = bootstrap
        self._following = following
        self._read = read
        self._adapt = adapt
        self._session_s = session_s
        self._listed: dict[int, Listed] = {}  # by partition; absent while it is not loaded
        self._waiting: set[int] = set()  # assigned, not loaded
        self._assigned = False

    @property
    def partitions(self) -> frozenset[int] | None:
        """The partitions whose feeds are polled here; None before the group has given its first answer."""
        return frozenset(self._listed) if self._assigned and not self._waiting else None

    async def run(self) -> None:
        """Follows the list until it is cancelled; lets go of its feeds at the end."""
        consumer = AIOKafkaConsumer(
            **client_options(self._bootstrap),
            group_id=GROUP,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=int(self._session_s * 1000),
            heartbeat_interval_ms=int(self._session_s * 300),
        )
        consumer.subscribe([Topic.FEEDS.value], listener=self)
        try:
            await consumer.start()
            while True:
                await self._look(consumer)
        finally:
            await self._let_go(set(self._listed))
            await consumer.stop()

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Called by the client: these are ours now. They are loaded by the loop, not while the group waits."""
        self._waiting |= {tp.partition for tp in assigned}
        self._assigned = True

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Called by the client before others may have them."""
        await self._let_go({tp.partition for tp in revoked})

    async def _look(self, consumer: Any) -> None:
        for partition in sorted(self._waiting):
            await self._load(consumer, partition)
        asleep_from = asyncio.get_running_loop().time()
        records = await consumer.getmany(timeout_ms=int(LOOK_S * 1000))
        if asyncio.get_running_loop().time() - asleep_from > self._session_s:
            logger.warning("poller was stopped for longer than its session, and reads everything again")
            held = set(self._listed)
            await self._let_go(held)
            self._waiting |= held & {tp.partition for tp in consumer.assignment()}
            return
        for tp, messages in records.items():
            for message in messages:
                await self._heed(tp.partition, message)

    async def _load(self, consumer: Any, partition: int) -> None:
        listed: Listed = {}
        end = 0
        await self._following.load_partition(partition)
        async for message in self._read(Topic.FEEDS, partition, 0, None):
            take(listed, message)
            end = message.offset + 1
        if partition not in self._waiting:
            return  # lost meanwhile
        self._waiting.discard(partition)
        self._listed[partition] = listed
        consumer.seek(TopicPartition(Topic.FEEDS.value, partition), end)
        await self._following.follow(*(self._adapt(feed) for feed, _ in listed.values()))
        logger.info("feeds taken", partition=partition, feeds=len(listed))

    async def _heed(self, partition: int, message: Any) -> None:
        listed = self._listed.get(partition)
        if listed is None:
            return  # loading will read it
        before = dict(listed)
        key = take(listed, incoming(message))
        if listed.get(key) == before.get(key):
            return
        if key in listed:
            await self._following.follow(self._adapt(listed[key][0]))
        else:
            await self._following.end(key)

    async def _let_go(self, partitions: set[int]) -> None:
        self._waiting -= partitions
        keys = [key for partition in partitions for key in self._listed.pop(partition, {})]
        await self._following.let_go(*keys)
