"""designation.alerts -> sinks. Plain asyncio: a Faust app is one consumer group, and each sink needs its own.

One herald per sink, so that a dead webhook delays no mail. It delivers in log order, tries again with growing
pauses for as long as it takes, and commits an offset only when the alert is delivered or buried. What was
delivered is not delivered again, by id and revision: the bookkeeper may repeat itself after a crash.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError

from agents.clock import utcnow
from agents.deadletter import Guard, Publishes, exit_now, tolerant
from agents.kafka import Incoming, Outgoing
from agents.logs import get_logger
from agents.memory import ReadLog, incoming
from agents.metrics import DELIVERIES
from agents.sinks import Sink, SinkError, group_of
from streams.codec import decode
from streams.records import Alert, AlertId
from streams.topics import Topic

LONGEST_PAUSE_S = 60.0
REMEMBERED = 10_000
"""Messages before the first one at hand that are searched for repetitions: a crash repeats what is recent."""

Delivered = dict[tuple[AlertId, int], None]

logger = get_logger("herald")


@dataclass
class Herald:
    """Delivers to one sink; `run` ends when it is cancelled."""

    bootstrap: str
    url: str
    sink: Sink
    publisher: Publishes
    read_log: ReadLog
    first_pause_s: float = 1.0
    now: Callable[[], datetime] = utcnow
    abort: Callable[[], None] = exit_now
    _delivered: Delivered = field(default_factory=dict, init=False)
    _known: set[int] = field(default_factory=set, init=False)

    @property
    def scheme(self) -> str:
        """The kind of sink, which names the herald in metrics and logs."""
        return self.url.partition(":")[0]

    @cached_property
    def guard(self) -> Guard:
        """What an alert goes through: no deadline, for a sink may be down for hours."""
        name = f"herald-{self.scheme}"
        return Guard(name, self._hand_over, self.publisher, self._recall, deadline_s=None, abort=self.abort)

    async def run(self) -> None:
        """Delivers what comes, for ever."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.bootstrap,
            group_id=group_of(self.url),
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=15_000,
            heartbeat_interval_ms=3_000,
            max_poll_interval_ms=86_400_000,  # a sink that is down for hours is no reason to leave the group
        )
        consumer.subscribe([str(Topic.ALERTS)], listener=_Listener(self._known.clear))
        try:
            await consumer.start()
            async for record in consumer:
                await self.guard(incoming(record))
                await _commit(consumer, record)
        finally:
            await consumer.stop()
            await self.sink.close()

    async def _recall(self, event: Incoming) -> None:
        """Remembers what went out of this partition before the event, once per assignment."""
        if event.partition in self._known:
            return
        start = max(0, event.offset - REMEMBERED)
        absorb = tolerant(_absorb)
        async for message in self.read_log(event.topic, event.partition, start, event.offset):
            absorb(self._delivered, message)
        self._known.add(event.partition)

    async def _hand_over(self, event: Incoming) -> tuple[Outgoing, ...]:
        alert = decode(event.value, Alert)
        if (alert.id, alert.revision) in self._delivered:
            DELIVERIES.labels(sink=self.scheme, outcome="repeated").inc()
            return ()
        pause_s = self.first_pause_s
        while not await self._delivers(alert):
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
        _note(self._delivered, alert)
        return ()

    async def _delivers(self, alert: Alert) -> bool:
        try:
            await self.sink.deliver(alert, self.now())
        except SinkError as error:
            logger.warning("delivery failed", sink=self.scheme, alert=alert.id, error=str(error))
            DELIVERIES.labels(sink=self.scheme, outcome="failed").inc()
            return False
        DELIVERIES.labels(sink=self.scheme, outcome="delivered").inc()
        return True


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]
    def __init__(self, revoked: Callable[[], None]) -> None:
        self._revoked = revoked

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        self._revoked()

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Nothing to do: a partition is recalled at its first alert."""


async def _commit(consumer: Any, record: Any) -> None:
    try:
        await consumer.commit({TopicPartition(record.topic, record.partition): record.offset + 1})
    except (CommitFailedError, IllegalStateError):
        logger.debug("partition has moved on", partition=record.partition, offset=record.offset)


def _absorb(delivered: Delivered, message: Incoming) -> None:
    _note(delivered, decode(message.value, Alert))


def _note(delivered: Delivered, alert: Alert) -> None:
    delivered[alert.id, alert.revision] = None
    if len(delivered) > 8 * REMEMBERED:
        del delivered[next(iter(delivered))]
