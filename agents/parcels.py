"""Which alerts go out in one message: those of one story, to sinks that people read.

A story about thirteen groups makes thirteen alerts, on several partitions and within a fraction of a second. So a sink
that takes bundles waits until nothing more has come for `QUIET_S`, but never longer than `GATHER_S`, and gets what
shares a `bundle` in one delivery. What it must not cost:

    order     the alerts of one key go out in log order, in whatever parcels they are
    revisions a parcel holds an alert once; its next revision goes into a later one
    offsets   a partition's offset moves up to its first message that is not done, however parcels cut across it
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Iterable, Sequence
from heapq import merge
from operator import attrgetter
from typing import Any

from aiokafka import TopicPartition

from agents.memory import incoming
from agents.messages import Incoming
from streams.codec import decode
from streams.errors import RecordError
from streams.records import Alert, AlertId

QUIET_S = 0.5
GATHER_S = 3.0
FETCH_S = 1.0
BATCH = 200
MOST = 25
"""Alerts in one parcel: what a chat still takes as one message, and a person as one."""

Parcel = list[Incoming]


async def batches(consumer: Any, *, gather: bool) -> AsyncIterator[list[Incoming]]:
    """What the consumer brings, for ever, in log order of each partition."""
    clock = asyncio.get_running_loop().time
    while True:
        batch = await _fetched(consumer, FETCH_S)
        ends_at = clock() + GATHER_S
        while gather and batch and len(batch) < BATCH and clock() < ends_at:
            more = await _fetched(consumer, QUIET_S)
            if not more:
                break
            batch += more
        if batch:
            yield batch


async def _fetched(consumer: Any, wait_s: float) -> list[Incoming]:
    records = await consumer.getmany(timeout_ms=int(wait_s * 1000), max_records=BATCH)
    return [incoming(record) for record in merge(*records.values(), key=attrgetter("timestamp"))]


def parcels(batch: Sequence[Incoming], most: int = MOST) -> list[Parcel]:
    """The messages of the batch as they go out together; what is no alert goes alone, to be buried."""
    packed: list[Parcel] = []
    ids: list[set[AlertId]] = []
    open_of: dict[str, int] = {}
    last_of: dict[bytes | None, int] = {}
    for event in batch:
        alert = _alert(event)
        at = open_of.get(alert.bundle, -1) if alert is not None and most > 1 else -1
        fits = at >= last_of.get(event.key, 0) and len(packed[at]) < most and alert is not None
        if not fits or (alert is not None and alert.id in ids[at]):
            at = len(packed)
            packed.append([])
            ids.append(set())
        packed[at].append(event)
        last_of[event.key] = at
        if alert is not None:
            open_of[alert.bundle] = at
            ids[at].add(alert.id)
    return packed


def _alert(event: Incoming) -> Alert | None:
    try:
        return decode(event.value, Alert)
    except RecordError:
        return None


class Progress:
    """How far each partition of a batch is done without a gap."""

    def __init__(self, batch: Iterable[Incoming]) -> None:
        self._left: dict[TopicPartition, deque[int]] = defaultdict(deque)
        self._done: set[tuple[TopicPartition, int]] = set()
        for event in batch:
            self._left[_partition(event)].append(event.offset)

    def done(self, parcel: Iterable[Incoming]) -> dict[TopicPartition, int]:
        """The offsets to commit, now that these are done too; of partitions that moved."""
        self._done.update((_partition(event), event.offset) for event in parcel)
        moved: dict[TopicPartition, int] = {}
        for partition in {_partition(event) for event in parcel}:
            left = self._left[partition]
            while left and (partition, left[0]) in self._done:
                moved[partition] = left.popleft() + 1
        return moved


def _partition(event: Incoming) -> TopicPartition:
    return TopicPartition(event.topic, event.partition)
