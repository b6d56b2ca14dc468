"""designation.claims -> designation.alerts, designation.status: the ledger, entry by entry.

The claims log is the truth of the ledger and the entries here are its fold, made by the same function whether
the reports come live or out of the log. So a partition that moves, a crash or a dead letter on the way leaves
the entries exactly where another fold of the same log would. What was buried is no part of it (`agents.skips`).

The rows on `designation.status` are written after the alerts and never read back to make an entry. A worker that froze
between the two and wakes when others have gone on writes an older row over theirs. So at each canary, of which the
first comes within a minute of an assignment, the rows are compared with the entries, and what differs is written again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from agents.clock import utcnow
from agents.deadletter import tolerant
from agents.kafka import Incoming, Outgoing, announcement
from agents.letters import Failure
from agents.memory import Memory, ReadLog
from agents.metrics import ALERT_DELAY, ALERTS, AUTHORITY_ALERTS, GROUP_ALERTS, MISSED, REVISIONS
from agents.skips import Skips, read_skips, skip
from streams.codec import decode, encode
from streams.records import Alert, AuthorityKey, Entry, GroupKey, LedgerKey, Report, Status, ledger_key
from streams.registry import Registry
from streams.topics import Topic


class Kept(NamedTuple):
    """An entry, and the offset of the report that led there."""

    entry: Entry
    offset: int


Ledger = dict[LedgerKey, Kept]


class Rules(NamedTuple):
    """The pure functions that the ledger is kept by."""

    open_entry: Callable[[AuthorityKey, GroupKey, Registry], Entry]
    settle: Callable[[Entry, Report, Registry], tuple[Entry, tuple[Alert, ...]]]
    status_of: Callable[[Entry, int], Status]


class _Step(NamedTuple):
    """What the event at `place`, partition and offset, did to the ledger; `before` None: the entry was not open."""

    place: tuple[int, int]
    key: LedgerKey
    before: Kept | None


class Bookkeeper:
    """The handler of the bookkeeper agent, and the ledger of the partitions it has."""

    def __init__(
        self, registry: Registry, read_log: ReadLog, rules: Rules, now: Callable[[], datetime] = utcnow
    ) -> None:
        self._registry = registry
        self._rules = rules
        self._now = now
        self._read_log = read_log
        self._skips: Skips | None = None  # those of all partitions, read once after an assignment
        self._last: _Step | None = None
        self.memory: Memory[Ledger] = Memory(Topic.CLAIMS, read_log, dict, tolerant(self._absorb))

    async def prepare(self, event: Incoming) -> None:
        """Has the ledger as the log makes it up to the event, without a word to anybody."""
        if self._skips is None:
            self._skips = await read_skips(self._read_log)
        await self.memory.upto(event.partition, event.offset)

    def forget(self, partitions: Iterable[int]) -> None:
        """Drops what others may change from here on."""
        self._skips = None
        self.memory.forget(partitions)

    async def __call__(self, event: Incoming) -> Sequence[Outgoing]:
        """The alerts that the report calls for, then the entry's new status; nothing for what is buried already."""
        if self._is_skipped(event):
            self.memory.passed(event.partition, event.offset)
            return ()
        before, entry, alerts = self._settle(self.memory.of(event.partition), event)
        MISSED.inc(entry.missed - before.missed)
        self.memory.passed(event.partition, event.offset)
        for alert in alerts:
            self._count(alert)
        status = self._rules.status_of(entry, event.offset)
        return [*map(announcement, alerts), announcement(status)]

    async def mend(self, event: Incoming) -> Sequence[Outgoing]:
        """The status rows of the partition that are not as the entries are. They lie in the partition of their key."""
        self.memory.passed(event.partition, event.offset)
        rows = {row.key: row.value async for row in self._read_log(Topic.STATUS, event.partition, 0, None)}
        kept = self.memory.of(event.partition).items()
        right = ((key, self._rules.status_of(entry, offset)) for key, (entry, offset) in kept)
        return [announcement(status) for key, status in right if rows.get(key.encode()) != encode(status)]

    def mark(self, event: Incoming, failure: Failure) -> Sequence[Outgoing]:
        """What keeps every fold from counting an event that is buried; here it is undone."""
        if self._skips is not None:  # else the partition went while we tried, and all of it is forgotten
            self._undo(event)
            self._skips[event.partition].add(event.offset)
            self.memory.passed(event.partition, event.offset)
        return (skip(event, failure),)

    def _undo(self, event: Incoming) -> None:
        step = self._last
        if step is None or step.place != (event.partition, event.offset):
            return
        ledger = self.memory.of(event.partition)
        del ledger[step.key]
        if step.before is not None:
            ledger[step.key] = step.before

    def _absorb(self, ledger: Ledger, event: Incoming) -> None:
        if not self._is_skipped(event):
            self._settle(ledger, event)

    def _is_skipped(self, event: Incoming) -> bool:
        return self._skips is not None and event.offset in self._skips[event.partition]

    def _settle(self, ledger: Ledger, event: Incoming) -> tuple[Entry, Entry, tuple[Alert, ...]]:
        """The entry before and after the report, and the alerts."""
        report = decode(event.value, Report)
        key = ledger_key(report.authority, report.group)
        known = ledger.get(key)
        before = known.entry if known else self._rules.open_entry(report.authority, report.group, self._registry)
        entry, alerts = self._rules.settle(before, report, self._registry)
        ledger[key] = Kept(entry, event.offset)
        self._last = _Step((event.partition, event.offset), key, known)
        return before, entry, alerts

    def _count(self, alert: Alert) -> None:
        ALERTS.labels(kind=alert.kind, level=alert.level, change=alert.change, stage=alert.stage).inc()
        AUTHORITY_ALERTS.labels(authority=alert.authority).inc()
        GROUP_ALERTS.labels(group=alert.group).inc()
        REVISIONS.labels(status=alert.status).inc()
        if alert.revision == 1 and alert.story.published is not None:
            ALERT_DELAY.observe(max(0.0, (self._now() - alert.story.published).total_seconds()))
