"""What an agent remembers of a partition: the fold of a log that Kafka keeps, never a truth of its own.

    log      0 1 2 3 4 5 6 | 7 ...
    memory   folded [0, 7)   the event at hand

A memory is a prefix of the log, so it can be made again at any time and wherever the partition goes. `upto`
brings it to exactly the offset before the event at hand, whatever happened in between: a partition that is
new here, an event that ended as a dead letter and so never entered the memory, or offsets that jumped back
after a rebalance. It reads with a consumer of its own that belongs to no group and commits nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, aclosing
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaConnectionError

from agents.link import Bootstrap, client_options
from agents.logs import get_logger
from agents.messages import Incoming, headers_of, is_canary
from agents.reaching import PATIENCE_S, patience, raise_if_refused

S = TypeVar("S")
ReadLog = Callable[[str, int, int, int | None], AsyncIterator[Incoming]]
"""`(topic, partition, start, end)`: the messages of `[start, end)`; end None: to the end of the log."""

RETRY_S = 1.0
FETCH_BYTES = 4 * 1024 * 1024

logger = get_logger("memory")


class LogReader:
    """Reads stretches of partitions for whoever needs to remember."""

    def __init__(self, bootstrap: Bootstrap, *, patience_s: float = PATIENCE_S) -> None:
        self._bootstrap = bootstrap
        self._patience_s = patience_s

    async def __call__(self, topic: str, partition: int, start: int, end: int | None) -> AsyncIterator[Incoming]:
        """The messages of `[start, end)` that are no canaries. Raises BrokerDown when patience with the broker ends."""
        async with aclosing(self.records(topic, partition, start, end)) as records:
            async for record in records:
                if not is_canary(record.headers):
                    yield incoming(record)

    async def records(self, topic: str, partition: int, start: int, end: int | None) -> AsyncGenerator[Any, None]:
        """The same as the client has them, canaries too."""
        if end is not None and end <= start:
            return
        consumer = await self._connected()
        try:
            async for message in self._stretch(consumer, TopicPartition(topic, partition), start, end):
                yield message
        finally:
            await consumer.stop()

    async def _stretch(self, consumer: Any, tp: TopicPartition, start: int, end: int | None) -> AsyncIterator[Any]:
        async with self._patience(f"{tp.topic}/{tp.partition} cannot be read"):
            if tp.topic not in await consumer.topics():  # the client would wait for what it may not see
                await raise_if_refused(self._bootstrap, tp.topic)
            consumer.assign([tp])
            last = (await consumer.end_offsets([tp]))[tp] if end is None else end
            first = max(start, (await consumer.beginning_offsets([tp]))[tp])
        consumer.seek(tp, first)
        while first < last:
            async with self._patience(f"{tp.topic}/{tp.partition} stops at {first}"):
                records: list[Any] = []
                while not records and first < last:
                    records = (await consumer.getmany(tp, timeout_ms=500)).get(tp, [])
                    first = await consumer.position(tp)  # compaction moves it without records
            for record in records:
                if record.offset < last:
                    yield record

    async def _connected(self) -> Any:
        async with self._patience("gives no consumer"):
            while True:
                try:
                    return await _started_consumer(self._bootstrap)
                except KafkaConnectionError as error:
                    await raise_if_refused(self._bootstrap)
                    logger.warning("log cannot be read yet", broker=str(self._bootstrap), error=str(error))
                await asyncio.sleep(RETRY_S)

    def _patience(self, problem: str) -> AbstractAsyncContextManager[None]:
        return patience(self._bootstrap, problem, self._patience_s)


async def _started_consumer(bootstrap: Bootstrap) -> Any:
    """A consumer that can read; where its start ends otherwise, refused or cancelled, it leaves nothing open."""
    consumer = AIOKafkaConsumer(
        **client_options(bootstrap),
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=FETCH_BYTES,
    )
    async with AsyncExitStack() as stack:
        stack.push_async_callback(consumer.stop)
        await consumer.start()
        stack.pop_all()
    return consumer


def incoming(record: Any) -> Incoming:
    """A record of aiokafka as ours."""
    return Incoming(
        record.topic,
        record.partition,
        record.offset,
        record.key,
        record.value,
        headers_of(record.headers),
        (record.timestamp or 0) / 1000,
    )


@dataclass(slots=True)
class _Folded(Generic[S]):
    state: S
    end: int = 0


class Memory(Generic[S]):
    """The folds of the partitions of one topic. `absorb` puts one message into a state, in place."""

    def __init__(
        self, topic: str, read: ReadLog, empty: Callable[[], S], absorb: Callable[[S, Incoming], None]
    ) -> None:
        self._topic = topic
        self._read = read
        self._empty = empty
        self._absorb = absorb
        self._partitions: dict[int, _Folded[S]] = {}

    def of(self, partition: int) -> S:
        """The state of a partition that was brought up before."""
        return self._partitions[partition].state

    async def upto(self, partition: int, offset: int) -> None:
        """Folds the log into memory so that it holds `[0, offset)`, no more and no less."""
        folded = self._partitions.pop(partition, None)  # half a fold must not stay behind
        if folded is None or folded.end > offset:
            folded = _Folded(self._empty())
        if folded.end < offset:
            await self._extend(folded, partition, offset)
            logger.debug("log folded", topic=self._topic, partition=partition, offset=offset)
        self._partitions[partition] = folded

    async def whole(self, partition: int) -> None:
        """Folds the log as far as it goes now, unless the partition is remembered already."""
        if partition not in self._partitions:
            folded = _Folded(self._empty())
            await self._extend(folded, partition, None)
            self._partitions[partition] = folded

    def passed(self, partition: int, offset: int) -> None:
        """The event at `offset` is now part of the state."""
        self._partitions[partition].end = offset + 1

    def forget(self, partitions: Iterable[int]) -> None:
        """Drops partitions that others may write to from here on."""
        for partition in partitions:
            self._partitions.pop(partition, None)

    async def _extend(self, folded: _Folded[S], partition: int, end: int | None) -> None:
        async for message in self._read(self._topic, partition, folded.end, end):
            self._absorb(folded.state, message)
        folded.end = end or folded.end
