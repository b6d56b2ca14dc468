"""designation.claims -> designation.alerts, designation.status: the ledger, entry by entry.

The claims log is the truth of the ledger and the entries here are its fold, made by the same function whether
the reports come live or out of the log. So a partition that moves, a crash or a dead letter on the way leaves
the entries exactly where another fold of the same log would.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

from agents.clock import utcnow
from agents.deadletter import tolerant
from agents.kafka import Incoming, Outgoing, announcement
from agents.memory import Memory, ReadLog
from agents.metrics import ALERT_DELAY, ALERTS, MISSED
from streams.codec import decode
from streams.records import Alert, AuthorityKey, Entry, GroupKey, LedgerKey, Report, Status, ledger_key
from streams.registry import Registry
from streams.topics import Topic

Ledger = dict[LedgerKey, Entry]


class Rules(NamedTuple):
    """The pure functions that the ledger is kept by."""

    open_entry: Callable[[AuthorityKey, GroupKey, Registry], Entry]
    settle: Callable[[Entry, Report, Registry], tuple[Entry, tuple[Alert, ...]]]
    status_of: Callable[[Entry, int], Status]


class Bookkeeper:
    """The handler of the bookkeeper agent, and the ledger of the partitions it has."""

    def __init__(
        self, registry: Registry, read_log: ReadLog, rules: Rules, now: Callable[[], datetime] = utcnow
    ) -> None:
        self._registry = registry
        self._rules = rules
        self._now = now
        self.memory: Memory[Ledger] = Memory(Topic.CLAIMS, read_log, dict, tolerant(self._settle))

    async def prepare(self, event: Incoming) -> None:
        """Has the ledger as the log makes it up to the event, without a word to anybody."""
        await self.memory.upto(event.partition, event.offset)

    async def __call__(self, event: Incoming) -> Sequence[Outgoing]:
        """The alerts that the report calls for, then the entry's new status."""
        before, entry, alerts = self._settle(self.memory.of(event.partition), event)
        MISSED.inc(entry.missed - before.missed)
        self.memory.passed(event.partition, event.offset)
        for alert in alerts:
            self._count(alert)
        status = self._rules.status_of(entry, event.offset)
        return [*map(announcement, alerts), announcement(status)]

    def _settle(self, ledger: Ledger, event: Incoming) -> tuple[Entry, Entry, tuple[Alert, ...]]:
        """The entry before and after the report, and the alerts."""
        report = decode(event.value, Report)
        key = ledger_key(report.authority, report.group)
        before = ledger.get(key) or self._rules.open_entry(report.authority, report.group, self._registry)
        entry, alerts = self._rules.settle(before, report, self._registry)
        ledger[key] = entry
        return before, entry, alerts

    def _count(self, alert: Alert) -> None:
        ALERTS.labels(kind=alert.kind, level=alert.level).inc()
        if alert.revision == 1 and alert.story.published is not None:
            ALERT_DELAY.observe(max(0.0, (self._now() - alert.story.published).total_seconds()))
