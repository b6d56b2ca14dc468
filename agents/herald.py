"""designation.alerts -> sinks. Plain asyncio: a Faust app is one consumer group, and each sink needs its own.

One herald per sink, so that a dead webhook delays no mail. It delivers in log order and commits an offset only
when the alert is delivered, unwanted or buried. What was delivered is not delivered again, by id and revision: the
bookkeeper may repeat itself after a crash. Whoever was told of an alert is told of its later revisions too, whatever
the filter says of them: a retraction must reach all who believe the alert.

    refused              buried at once, `sink-refused`
    failed               tried again with growing pauses, or when the receiver says
    failed for too long  buried, `sink-down`: `patience_s` after the alert was told or, if that is later, after the
                         sink began to fail. So a backlog met by a short outage is not buried, and each alert of a
                         long one has its whole time, but the queue behind a dead sink does not grow for ever.

A message of `designation.resend` is for the herald of the consumer group in its header `sink` alone, and delivered
although it was before: so a dead letter is sent again to the one sink that missed it, and nobody else sees a double.

A sink that people read gets the alerts of one story as one message (`agents.parcels`). They share its fate: delivered
together, or each buried with the same reason.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, TypeVar

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError

from agents.clock import utcnow
from agents.deadletter import Guard, Publishes, Reason, Refused, exit_now, tolerant
from agents.kafka import Incoming, Outgoing
from agents.letters import FOR_ONE_SINK
from agents.link import Bootstrap, client_options
from agents.logs import get_logger
from agents.memory import ReadLog
from agents.metrics import DELIVERIES, Step
from agents.parcels import MOST, Progress, batches, parcels
from agents.sinks import BundleSink, Refusal, Sink, SinkError, group_of
from agents.timing import observe
from agents.waiting import begin_sink, measuring, tell_failing
from streams.codec import decode
from streams.errors import RecordError
from streams.filters import EVERYTHING, Filter
from streams.outlets import parse_outlet
from streams.records import Alert, AlertId
from streams.topics import Topic

LONGEST_PAUSE_S = 60.0
LONGEST_WAIT_S = 3600.0
"""A receiver that asks for more is asked again anyway."""
DAY_S = 86_400.0
REMEMBERED = 10_000
"""Messages before the first one at hand that are searched for repetitions: a crash repeats what is recent."""

K = TypeVar("K")

Delivered = dict[tuple[AlertId, int], None]

logger = get_logger("herald")


@dataclass
class Herald:
    """Delivers to one sink; `run` ends when it is cancelled."""

    bootstrap: Bootstrap
    url: str
    sink: Sink
    publisher: Publishes
    read_log: ReadLog
    wanted: Filter = EVERYTHING
    patience_s: float = DAY_S
    first_pause_s: float = 1.0
    now: Callable[[], datetime] = utcnow
    abort: Callable[[], None] = exit_now
    _delivered: Delivered = field(default_factory=dict, init=False)
    _known: set[int] = field(default_factory=set, init=False)
    _followed: dict[AlertId, None] = field(default_factory=dict, init=False)
    _parcel: Sequence[Incoming] = field(default=(), init=False)
    _fates: dict[str, Refused | None] = field(default_factory=dict, init=False)
    _failing_since: datetime | None = field(default=None, init=False)

    @property
    def scheme(self) -> str:
        """The kind of sink, which names the herald in metrics and logs."""
        return parse_outlet(self.url).scheme

    @cached_property
    def group(self) -> str:
        """The consumer group, which dead letters name and messages for this sink alone."""
        return group_of(self.url)

    @cached_property
    def guard(self) -> Guard:
        """What an alert goes through: no deadline, for a sink may be down for hours."""
        name = f"herald-{self.scheme}"
        return Guard(name, self._hand_over, self.publisher, self._recall, None, self.abort, self.group)

    async def run(self) -> None:
        """Delivers what comes, for ever."""
        consumer = AIOKafkaConsumer(
            **client_options(self.bootstrap),
            group_id=self.group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=15_000,
            heartbeat_interval_ms=3_000,
            max_poll_interval_ms=int(
                (self.patience_s + LONGEST_WAIT_S) * 1000
            ),  # a sink that is down for hours is no reason to leave the group
        )
        measured: asyncio.Task[None] | None = None
        begin_sink(self.scheme, self.group)
        consumer.subscribe([str(Topic.ALERTS), str(Topic.RESEND)], listener=_Listener(self._known.clear))
        try:
            await consumer.start()
            measured = asyncio.create_task(measuring(consumer, self.group), name="measuring")
            async for batch in batches(consumer, gather=isinstance(self.sink, BundleSink)):
                await self._work_off(batch, consumer)
        finally:
            if measured is not None:
                measured.cancel()
            await consumer.stop()
            await self.sink.close()

    async def _work_off(self, batch: Sequence[Incoming], consumer: Any) -> None:
        progress = Progress(batch)
        for parcel in parcels(batch, MOST if isinstance(self.sink, BundleSink) else 1):
            ours = consumer.assignment()  # what went to another herald meanwhile is its to deliver
            await self.hand_over([event for event in parcel if TopicPartition(event.topic, event.partition) in ours])
            await _commit(consumer, progress.done(parcel))

    async def hand_over(self, parcel: Sequence[Incoming]) -> None:
        """Sees each message of the parcel delivered, with the others where the sink takes bundles, or buried."""
        self._parcel, self._fates = parcel, {}
        for event in parcel:
            await self.guard(event)

    async def _recall(self, event: Incoming) -> None:
        """Remembers what went out of this partition before the event, once per assignment."""
        if event.topic == Topic.RESEND or event.partition in self._known:
            return
        start = max(0, event.offset - REMEMBERED)
        absorb = tolerant(self._absorb)
        async for message in self.read_log(event.topic, event.partition, start, event.offset):
            absorb(self._delivered, message)
        self._known.add(event.partition)

    def _absorb(self, delivered: Delivered, message: Incoming) -> None:
        alert = decode(message.value, Alert)
        if self._is_wanted(alert):
            _note(delivered, (alert.id, alert.revision))

    async def _hand_over(self, event: Incoming) -> tuple[Outgoing, ...]:
        if unmet := self._unmet(event):
            DELIVERIES.labels(sink=self.scheme, outcome=unmet).inc()
            return ()
        alert = decode(event.value, Alert)
        if event.origin not in self._fates:
            mates = await self._wanted_from(event)
            fate = await self._fate(tuple(mates.values()), event.timestamp)
            self._fates |= dict.fromkeys(mates, fate)
        if refused := self._fates[event.origin]:
            raise refused
        DELIVERIES.labels(sink=self.scheme, outcome="delivered").inc()
        observe(Step.DELIVERED, event.headers)
        _note(self._delivered, (alert.id, alert.revision))
        return ()

    async def _wanted_from(self, event: Incoming) -> dict[str, Alert]:
        """What is to be delivered of the parcel, by origin, from this message on."""
        wanted: dict[str, Alert] = {}
        for mate in self._parcel[self._parcel.index(event) :]:
            await self._recall(mate)
            with suppress(RecordError):  # it is buried when its turn comes
                if self._unmet(mate) is None:
                    wanted[mate.origin] = decode(mate.value, Alert)
        return wanted

    def _unmet(self, event: Incoming) -> str | None:
        """Why the alert is not to be delivered here, if so. What is for another sink is not even read."""
        if event.topic == Topic.RESEND:
            return None if dict(event.headers).get(FOR_ONE_SINK) == self.group.encode() else "unwanted"
        alert = decode(event.value, Alert)
        if (alert.id, alert.revision) in self._delivered:
            return "repeated"
        return None if self._is_wanted(alert) else "unwanted"

    def _is_wanted(self, alert: Alert) -> bool:
        if alert.id in self._followed:
            return True
        if not self.wanted.admits(alert):
            return False
        _note(self._followed, alert.id)
        return True

    async def _fate(self, alerts: Sequence[Alert], told_at_s: float) -> Refused | None:
        """Returns once they are delivered, or given up: then why."""
        pauses = _pauses(self.first_pause_s)
        while (failure := await self._failure(alerts)) is not None:
            if isinstance(failure, Refusal):
                return Refused(Reason.SINK_REFUSED, f"{self.group}: {failure}")
            left_s = self._left_s(told_at_s)
            if left_s <= 0:
                return Refused(Reason.SINK_DOWN, f"{self.group}: {failure}, given up after {self.patience_s:g} s")
            asked_s = min(failure.retry_after_s, LONGEST_WAIT_S)
            await asyncio.sleep(min(max(next(pauses), asked_s), left_s))
        return None

    def _left_s(self, told_at_s: float) -> float:
        """For how long an alert of that time is still tried."""
        now = self.now()
        since = self._failing_since or now
        self._failing(since)
        return max(told_at_s, since.timestamp()) + self.patience_s - now.timestamp()

    async def _failure(self, alerts: Sequence[Alert]) -> SinkError | None:
        try:
            await self._deliver(alerts)
        except SinkError as error:
            logger.warning("delivery failed", sink=self.group, alerts=[a.id for a in alerts], error=str(error))
            outcome = "refused" if isinstance(error, Refusal) else "failed"
            DELIVERIES.labels(sink=self.scheme, outcome=outcome).inc()
            if isinstance(error, Refusal):
                self._failing(None)
            return error
        self._failing(None)
        return None

    def _failing(self, since: datetime | None) -> None:
        self._failing_since = since
        tell_failing(self.group, since)

    async def _deliver(self, alerts: Sequence[Alert]) -> None:
        if isinstance(self.sink, BundleSink) and len(alerts) > 1:
            await self.sink.deliver_bundle(alerts, self.now())
            return
        (alert,) = alerts
        await self.sink.deliver(alert, self.now())


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]
    def __init__(self, revoked: Callable[[], None]) -> None:
        self._revoked = revoked

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        self._revoked()

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Nothing to do: a partition is recalled at its first alert."""


async def _commit(consumer: Any, offsets: dict[TopicPartition, int]) -> None:
    try:
        if offsets:
            await consumer.commit(offsets)
    except (CommitFailedError, IllegalStateError):
        logger.debug("partitions have moved on", offsets=offsets)


def _pauses(first_s: float) -> Iterator[float]:
    pause_s = first_s
    while True:
        yield pause_s
        pause_s = min(pause_s * 2, LONGEST_PAUSE_S)


def _note(noted: dict[K, None], key: K) -> None:
    """Adds the key as the newest, and forgets the oldest where there are too many."""
    noted[key] = None
    if len(noted) > 8 * REMEMBERED:
        del noted[next(iter(noted))]
