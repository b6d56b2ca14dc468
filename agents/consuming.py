"""Faust's consumer with a fetch loop and a commit of our own, set by its public door for transports.

What Faust does to each message it fetches (two tasks, an `asyncio.wait`, an event, a queue, a stream) costs more than
scanning a story, and 49 stories in 50 ask for nothing more than the scan. So the loop here asks a topic's `Skim` first,
on the bare record: what it passes over is done, and only the rest becomes events, exactly as before.

So that what is passed over cannot overtake what is being handled, the offsets to commit come from `streams.offsets`.
That is a repair as well: Faust's own commits past the event at hand in a new group, or behind a hole in the log.

    record ─Skim─▶ passed over                       committed up to the first message
              └──▶ event ─▶ agent ─▶ acknowledged ─▶ of the partition that is not done

Everything of it happens in the agents' loop, between two awaits, so a rebalance finds a record done or untouched.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from time import monotonic
from typing import Any, ClassVar

import faust
from aiokafka.errors import KafkaError
from faust.transport.drivers.aiokafka import Consumer, Transport
from faust.types import TP

from agents.logs import get_logger
from streams.offsets import Line

SLICE_S = 0.002
"""How long records are passed over before others in the loop have their turn."""

FETCH_S = 1.0

logger = get_logger("consuming")

Skim = Callable[[Any], bool]
"""Of a record of aiokafka: whether it is done with that. Must not raise, and counts what it passes over."""
Passed = Callable[[TP, int], None]
"""Told the newest offset that was passed over in a partition, now and then."""


class LeanConsumer(Consumer):
    """As Faust's, with the two things that the head of this module tells."""

    transport: LeanTransport

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._lines: dict[TP, Line] = {}

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """What is still being handled of them is handled again elsewhere."""
        for tp in revoked:
            self._lines.pop(tp, None)
        await super().on_partitions_revoked(revoked)

    def _new_offset(self, tp: TP) -> int | None:
        self._acked.pop(tp, None)  # Faust's own notes of the same, which nobody reads any more
        self._acked_index.pop(tp, None)
        line = self._lines.get(tp)
        return line.committable() if line else None

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Iterator[TP]:
        return (tp for tp in list(self._lines) if topics is None or tp in topics or tp.topic in topics)

    async def _drain_messages(self, fetcher: Any) -> None:
        """Reads until it is stopped. Faust's `Fetcher` runs it."""
        try:
            while not (self._stopped.is_set() or fetcher._stopped.is_set()):
                await asyncio.sleep(0)  # a fetch that has records at once would let nobody else in
                await self._drain()
        except self.consumer_stopped_errors:
            if not self.app.should_stop:
                raise
        except asyncio.CancelledError:
            if not self.app.should_stop:
                raise

    async def _drain(self) -> None:
        generation = self.app.consumer_generation_id
        records, active = await self._wait_next_records(FETCH_S)
        if not records or self.should_stop:
            return
        for tp in records:
            self.app.monitor.track_tp_end_offset(tp, self.highwater(tp))
        if not await self._take(records, generation, active):
            await self._go_back()

    async def _go_back(self) -> None:
        """What was fetched and not taken is read again, from what is committed: the fetcher is beyond it already."""
        try:
            await self.perform_seek()
        except KafkaError as error:  # the decision ends with a seek of its own, or with an end of the worker
            logger.warning("could not go back to what is committed", error=repr(error))

    async def _take(self, records: Any, generation: int, active: set[TP] | None) -> bool:
        """Each record in turn; whether all were taken. Not so when the group decides anew, or did since the fetch."""
        passed: dict[TP, int] = {}
        until = monotonic() + SLICE_S
        for tp, record in self.scheduler.iterate(records):
            if self._is_void(tp, generation, active):
                self._tell(passed)
                return False
            if (read := self._read_offset[tp]) is not None and record.offset < read:
                continue
            if self.transport.is_done(tp, record):
                self._lines.setdefault(tp, Line()).pass_over(record.offset)
                passed[tp] = record.offset
            else:
                await self._hand_over(tp, record)
            self._read_offset[tp] = record.offset
            if monotonic() > until:
                self._tell(passed)
                await asyncio.sleep(0)
                until = monotonic() + SLICE_S
        self._tell(passed)
        return self._is_current(generation)  # else the last one may have been cut short

    def _is_void(self, tp: TP, generation: int, active: set[TP] | None) -> bool:
        """Whether the fetch is one of before a decision of the group, or the partition is not ours any more."""
        is_ours = active is None or tp in active or tp in self._buffered_partitions
        return not (is_ours and self._is_current(generation))

    def _is_current(self, generation: int) -> bool:
        return bool(self.flow_active and self.app.consumer_generation_id == generation)

    async def _hand_over(self, tp: TP, record: Any) -> None:
        message = self._to_message(tp, record)
        self._lines.setdefault(tp, Line()).hand_over(message)  # before it may be cut short: then nothing is committed
        await self.wait_first(self.callback(message), self.suspend_flow.wait())

    def _tell(self, passed: dict[TP, int]) -> None:
        for tp, offset in passed.items():
            self.transport.passed(tp, offset)
        passed.clear()


class LeanTransport(Transport):
    """Makes such consumers. `skims` by topic."""

    Consumer: ClassVar[type[LeanConsumer]] = LeanConsumer

    def __init__(self, app: faust.App, skims: Mapping[str, Skim], passed: Passed) -> None:
        super().__init__(app.conf.broker_consumer, app)
        self._skims = skims
        self.passed = passed

    def is_done(self, tp: TP, record: Any) -> bool:
        """Whether the record asks for nothing more."""
        skim = self._skims.get(tp.topic)
        return skim is not None and skim(record)
