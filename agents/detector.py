"""wire.relevant -> designation.claims: what each story says about whom, one report a ledger key.

It remembers, by `designation.stories`, which keys a story ever claimed, so that a later revision or a kill
reaches all of them. That topic has the partitions of `wire.relevant`: the same keys, the same count. New keys
are acknowledged before the reports that they belong to: a crash in between leaves a key too many, which costs
an empty report some day, never a claim that no kill can reach.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Protocol

from agents.deadletter import Reason, Refused, tolerant
from agents.kafka import Incoming, Outgoing, announcement
from agents.memory import Memory, ReadLog
from agents.metrics import CLAIMS, DROPPED
from streams.codec import decode, encode
from streams.reading import Reading
from streams.records import Classified, LedgerKey, Report, Story, StoryId, StoryKeys, ledger_key
from streams.registry import Registry
from streams.topics import Topic
from streams.vocabulary import PubStatus, Signal

Remembered = dict[StoryId, frozenset[LedgerKey]]


class Reports(Protocol):
    """Cuts a reading by ledger key; `streams.reports.reports`."""

    def __call__(
        self, classified: Classified, reading: Reading, earlier: Collection[LedgerKey], backfill: bool = False
    ) -> tuple[Report, ...]:
        """One report for each key of the story, now or earlier."""


class Detector:
    """The handler of the detector agent, and its memory."""

    def __init__(
        self,
        registry: Registry,
        read_log: ReadLog,
        read: Callable[[Story, Registry], Reading],
        reports: Reports,
    ) -> None:
        self._registry = registry
        self._read = read
        self._reports = reports
        self.memory: Memory[Remembered] = Memory(Topic.STORY_KEYS, read_log, dict, tolerant(_remember))

    async def prepare(self, event: Incoming) -> None:
        """Knows what the stories of the event's partition have claimed before."""
        await self.memory.whole(event.partition)

    async def __call__(self, event: Incoming) -> Sequence[Outgoing]:
        """New ledger keys of the story, then its reports. Raises Refused: a kill that withdraws nothing."""
        classified = decode(event.value, Classified)
        story = classified.story
        remembered = self.memory.of(event.partition)
        earlier = remembered.get(story.id, frozenset())
        reading = self._read(story, self._registry)
        if story.pub_status is PubStatus.CANCELED and not earlier:
            raise Refused(Reason.KILL_UNMATCHED, f"{story.id}: killed, and never claimed anything")
        found = self._reports(classified, reading, earlier, Signal.BACKFILL in story.signals)
        _count(reading, found)
        keys = earlier.union(ledger_key(report.authority, report.group) for report in found)
        messages = [announcement(report) for report in found]
        if keys == earlier:
            return messages
        remembered[story.id] = keys
        return [_keys_message(story.id, keys), *messages]


def _remember(remembered: Remembered, message: Incoming) -> None:
    record = decode(message.value, StoryKeys)
    remembered[record.story] = remembered.get(record.story, frozenset()).union(record.keys)


def _keys_message(story: StoryId, keys: Collection[LedgerKey]) -> Outgoing:
    return Outgoing(Topic.STORY_KEYS, story.encode(), encode(StoryKeys(story=story, keys=tuple(sorted(keys)))))


def _count(reading: Reading, found: Sequence[Report]) -> None:
    for candidate in reading.dropped:
        if candidate.drop is not None:
            DROPPED.labels(reason=candidate.drop).inc()
    for report in found:
        for claim in report.claims:
            CLAIMS.labels(change=claim.change, stage=claim.stage).inc()
