"""What the claims log tells of the past of one entry: how it came to stand as it does, and how it stood on a day.

The log is what is given here: reports in log order, each with when the broker took it. Nothing but `Told.at` depends
on when something was processed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple

from streams.alerts import settle
from streams.dates import latest_day
from streams.ledger import advance, open_entry
from streams.records import Alert, AuthorityKey, Claim, Entry, GroupKey, Report
from streams.registry import Registry
from streams.verdicts import counted


class Told(NamedTuple):
    """A report as it lies in the log."""

    report: Report
    offset: int
    at: datetime


class Happened(NamedTuple):
    """A report of the log, and the alert revisions it caused."""

    told: Told
    alerts: tuple[Alert, ...]


def happened(log: Iterable[Told], registry: Registry) -> Iterator[Happened]:
    """Every report about one authority and group, with what came of it: the alerts are those that were sent."""
    entry: Entry | None = None
    for told in log:
        entry = entry or open_entry(told.report.authority, told.report.group, registry)
        entry, alerts = settle(entry, told.report, registry)
        yield Happened(told, alerts)


def entry_now(authority: AuthorityKey, group: GroupKey, log: Iterable[Told], registry: Registry) -> Entry:
    """The entry after the whole log, as the bookkeeper has it."""
    entry = open_entry(authority, group, registry)
    for told in log:
        entry, _ = settle(entry, told.report, registry)
    return entry


def entry_on(day: date, authority: AuthorityKey, group: GroupKey, log: Sequence[Told], registry: Registry) -> Entry:
    """The entry as it was at the end of `day`, by what is known today.

    The registry's baseline as of that day, and each claim that was acted on by then, however late it was told;
    corrections, kills and retractions of later days count. A claim without a day counts if its story was out by then.
    It has no alerts.
    """
    entry = open_entry(authority, group, registry, day + timedelta(days=1))
    for report, claims in counted(_newest(told.report for told in log)):
        for claim in sorted(claims, key=lambda claim: claim.news):
            if _was_so(claim, report, day):
                entry, _ = advance(entry, claim)
    return entry


def _newest(reports: Iterable[Report]) -> list[Report]:
    """The last word of each story, where it first spoke."""
    newest: dict[str, Report] = {}
    for report in reports:
        known = newest.get(report.story.id)
        if known is None or report.story.revision >= known.story.revision:
            newest[report.story.id] = report
    return list(newest.values())


def _was_so(claim: Claim, report: Report, day: date) -> bool:
    if claim.acted_on is not None:
        return latest_day(claim.acted_on) <= day
    return report.story.published is not None and report.story.published.date() <= day
