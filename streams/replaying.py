"""An archive of stories in, alert revisions and the ledger out: the live pipeline in event time, as one pure fold.

Each story is classified, read, cut into reports and settled by the very functions of the live agents, one after
another in event order. There is no backfill here: an archive is all past, and a story is as new as its own day.
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterable
from datetime import date
from enum import StrEnum
from itertools import count
from typing import NamedTuple

from msgspec.structs import replace

from streams.alerts import settle, status_of
from streams.archives import LeftOut, Sort, arranged
from streams.classifying import Quiet, QuietReason, classify
from streams.dates import latest_day
from streams.ledger import open_entry
from streams.reading import read
from streams.records import Alert, Entry, LedgerKey, PartialDate, Report, Status, Story, StoryId, ledger_key
from streams.registry import Registry
from streams.registry.entries import Baseline
from streams.reports import reports
from streams.vocabulary import PubStatus


class Unmatched(StrEnum):
    """A story that withdraws another one, and there is none."""

    KILL = "kill-unmatched"


Silence = LeftOut | QuietReason | Unmatched
"""Why a story of the archive had nothing to say to the ledger."""


class Told(NamedTuple):
    """A story in its turn, with the alert revisions that it caused, or why it was not even asked."""

    story: Story
    alerts: tuple[Alert, ...] = ()
    silence: Silence | None = None


class Kept(NamedTuple):
    """A row of the ledger; `offset` is the number of the last report on it, as on a claims log of one partition."""

    entry: Entry
    offset: int

    @property
    def status(self) -> Status:
        """The row as readers of the status topic would see it."""
        return status_of(self.entry, self.offset)


Ledger = dict[LedgerKey, Kept]


def replay(
    stories: Iterable[Story], registry: Registry, baseline: Registry, sort: Sort = sorted
) -> Generator[Told, None, Ledger]:
    """Every story in its turn, those without a place first; returns the ledger, by key, at the end.

    What a story claims does not depend on where a ledger starts, so it is read by the whole `registry`; entries open
    as `baseline` has them (`Registry.without_baseline`, `baseline_before`).
    """
    archive = arranged(stories, sort)
    yield from (Told(story, silence=reason) for story, reason in archive.left_out)
    ledger: Ledger = {}
    claimed: dict[StoryId, tuple[LedgerKey, ...]] = {}
    offsets = count()
    for story in archive.stories:
        found = _reports(story, claimed.get(story.id, ()), registry)
        if not isinstance(found, tuple):
            yield Told(story, silence=found)
            continue
        alerts = [alert for report in found for alert in _filed(ledger, report, next(offsets), baseline)]
        claimed[story.id] = tuple(ledger_key(report.authority, report.group) for report in found)
        yield Told(story, tuple(alerts))
    return dict(sorted(ledger.items()))


def _reports(story: Story, earlier: Collection[LedgerKey], registry: Registry) -> tuple[Report, ...] | Silence:
    """What the classifier and the detector would send on of the story."""
    classified = classify(story, registry)
    if isinstance(classified, Quiet):
        return classified.reason
    if story.pub_status is PubStatus.CANCELED and not earlier:
        return Unmatched.KILL
    return reports(classified, read(story, registry), earlier)


def _filed(ledger: Ledger, report: Report, offset: int, baseline: Registry) -> tuple[Alert, ...]:
    """The alerts of one report, with its row of the ledger moved on."""
    key = ledger_key(report.authority, report.group)
    kept = ledger.get(key)
    entry = kept.entry if kept else open_entry(report.authority, report.group, baseline)
    entry, alerts = settle(entry, report, baseline)
    ledger[key] = Kept(entry, offset)
    return alerts


def baseline_before(registry: Registry, day: date) -> Registry:
    """The registry with what its baseline knew to be so before that day, as `open_entry` has it with `as_of`.

    A registry rather than a parameter: a fold that starts anew after a kill must start from the same day.
    """
    groups = {
        key: replace(group, baseline=tuple(cut for row in group.baseline if (cut := _before(row, day)) is not None))
        for key, group in registry.groups.items()
    }
    return Registry(registry.authorities, groups)


def _before(row: Baseline, day: date) -> Baseline | None:
    def known(stated: PartialDate | None) -> PartialDate | None:
        return stated if stated is not None and latest_day(stated) < day else None

    suspended, delisted = known(row.suspended), known(row.delisted)
    if row.listed is None:
        return replace(row, suspended=suspended, delisted=delisted)
    listed = known(row.listed) or min(filter(None, (suspended, delisted)), default=None)
    return None if listed is None else replace(row, listed=listed, suspended=suspended, delisted=delisted)
