"""What the sample wire comes to, by the very functions that the agents run, and no broker: the examples of the docs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from agents.demo import items, rss
from streams.alerts import settle, status_of
from streams.classifying import classify
from streams.cloudevents import Event, event
from streams.ledger import open_entry
from streams.polling import FeedState, Fetched, Outcome, digest
from streams.reading import read
from streams.records import Classified, Entry, LedgerKey, Report, Story, StoryId, ledger_key
from streams.registry import Registry
from streams.reports import reports
from streams.wires import decode

FEED = "sample-wire"
STARTED = datetime(2026, 11, 24, 9, tzinfo=UTC)


def outcome(registry: Registry, started: datetime = STARTED) -> tuple[Event, ...]:
    """Every event of the sample wire in order, as of a ledger that knew nothing and a log of one partition."""
    bare = registry.without_baseline()
    out: list[Event] = []
    ledger: dict[LedgerKey, Entry] = {}
    offset = 0
    for classified, found in _readings(started, bare):
        out.append(event(classified))
        for report in found:
            out += [event(report), *_booked(ledger, report, bare, offset)]
            offset += 1
    return tuple(out)


def _readings(started: datetime, registry: Registry) -> Iterator[tuple[Classified, tuple[Report, ...]]]:
    """What classifier and detector make of each story that is of interest."""
    claimed: dict[StoryId, tuple[LedgerKey, ...]] = {}
    for story in stories(started):
        classified = classify(story, registry)
        if isinstance(classified, Classified):
            found = reports(classified, read(story, registry), claimed.get(story.id, ()))
            claimed[story.id] = tuple(ledger_key(report.authority, report.group) for report in found)
            yield classified, found


def stories(started: datetime) -> Iterator[Story]:
    """The stories as a poller that looks at each new item at once would publish them."""
    state, wire = FeedState(feed=FEED), items()
    for now in sorted({started + timedelta(seconds=item.after_s) for item in wire}):
        raw = rss(wire, started, now).encode()
        fetched = Fetched(outcome=Outcome.OK, url="http://127.0.0.1/sample-wire.rss", body=raw)
        state, news, _ = digest(state, fetched, decode(raw, FEED, now), now)
        yield from news


def _booked(ledger: dict[LedgerKey, Entry], report: Report, registry: Registry, offset: int) -> tuple[Event, ...]:
    key = ledger_key(report.authority, report.group)
    entry = ledger.get(key) or open_entry(report.authority, report.group, registry)
    ledger[key], alerts = settle(entry, report, registry)
    return (*map(event, alerts), event(status_of(ledger[key], offset)))
