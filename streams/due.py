"""What lies ahead of the ledger's entries: days of effect that claims name, and the ends of terms that laws set.

A day of effect stands while nobody has refused the change. A term runs from the last renewal, else from the day of
the listing. Where that was longer ago than a term, renewals are missing from the ledger: the next end is counted on in
whole terms and marked as estimated, and so is one counted from a date of which only the month or year is known. A
listing without a day has no end that could be counted; those are numbered, not guessed.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from enum import StrEnum
from typing import NamedTuple

from msgspec import Struct

from streams.dates import latest_day
from streams.records import AuthorityKey, Claim, Entry, GroupKey, PartialDate, Report, Standing
from streams.registry import Registry
from streams.registry.entries import Baseline, Instrument, Term, TermEnd
from streams.transitions import LISTED_STATES
from streams.verdicts import counted
from streams.vocabulary import Stage


class DueKind(StrEnum):
    """What sort of day lies ahead."""

    EFFECT = "effect"  # a change that was told of takes effect
    EXPIRY = "expiry"  # a listing lapses unless it is renewed
    REVIEW = "review"  # the authority has to look at a listing again, by this day


class Due(Struct, frozen=True, kw_only=True):
    """One day ahead of one authority and group."""

    day: PartialDate
    kind: DueKind
    authority: AuthorityKey
    group: GroupKey
    what: str
    source: str  # the address or story that it rests on
    instrument: str | None = None  # None: the main list
    scope: GroupKey | None = None
    counted_from: PartialDate | None = None
    estimated: bool = False
    confirmed: bool = True


class Ahead(NamedTuple):
    """What is due, the next first; and the listings that have a term and no day to count it from."""

    due: tuple[Due, ...]
    undated: int


def ahead(entries: Iterable[Entry], registry: Registry, today: date, days: int) -> Ahead:
    """What is due from `today` on, for so many days."""
    found: list[Due] = []
    undated = 0
    for entry in entries:
        found += _effects(entry, today)
        for standing, term in _terms(entry, registry):
            start = standing.last_renewed or standing.since
            undated += start is None
            found += [] if start is None else [_end(entry, standing, term, start, today, registry)]
    last = today + timedelta(days=days)
    within = [due for due in found if latest_day(due.day) <= last]
    return Ahead(tuple(sorted(within, key=lambda due: (latest_day(due.day), due.authority, due.group))), undated)


def _effects(entry: Entry, today: date) -> Iterator[Due]:
    """The days of effect ahead, each once, by the best founded of the claims that name it."""
    told = [(claim, report) for report, claims in counted(entry.reports) for claim in claims]
    best: dict[tuple[object, ...], tuple[Claim, Report]] = {}
    for claim, report in sorted(told, key=lambda pair: not pair[0].confirmed):
        if claim.effective_on and latest_day(claim.effective_on) >= today and not _is_refused(claim, told):
            best.setdefault((claim.change, claim.instrument, claim.scope, claim.effective_on), (claim, report))
    for claim, report in best.values():
        yield Due(
            day=PartialDate(claim.effective_on or ""),
            kind=DueKind.EFFECT,
            authority=entry.authority,
            group=entry.group,
            what=f"{claim.change} takes effect ({claim.stage})",
            source=_story(report),
            instrument=claim.instrument,
            scope=claim.scope,
            confirmed=claim.confirmed,
        )


def _is_refused(claim: Claim, told: Iterable[tuple[Claim, Report]]) -> bool:
    if claim.stage is Stage.REJECTED:
        return True
    matter = (claim.change, claim.instrument, claim.scope, Stage.REJECTED)
    return any(
        (other.change, other.instrument, other.scope, other.stage) == matter
        and (other.acted_on or "") >= (claim.acted_on or "")
        for other, _ in told
    )


def _terms(entry: Entry, registry: Registry) -> Iterator[tuple[Standing, Term]]:
    for standing in entry.standings:
        instrument = _instrument(entry, standing, registry)
        if standing.state in LISTED_STATES and instrument is not None and instrument.term is not None:
            yield standing, instrument.term


def _instrument(entry: Entry, standing: Standing, registry: Registry) -> Instrument | None:
    authority = registry.authorities.get(entry.authority)
    lists = authority.instruments if authority is not None else ()
    return next(
        (one for one in lists if one.key == standing.instrument or (one.main and not standing.instrument)), None
    )


_ENDS = {
    TermEnd.EXPIRY: "listing lapses unless it is renewed",
    TermEnd.REVIEW: "listing is to be reviewed by then",
}


def _end(entry: Entry, standing: Standing, term: Term, start: PartialDate, today: date, registry: Registry) -> Due:
    first = latest_day(start)
    terms = 1
    while _months_after(first, terms * term.months) < today:
        terms += 1
    return Due(
        day=PartialDate(_months_after(first, terms * term.months).isoformat()),
        kind=DueKind(term.ends),
        authority=entry.authority,
        group=entry.group,
        what=f"{_ENDS[term.ends]}: {term.months} months, {term.law}",
        source=_ground(entry, standing, start, registry),
        instrument=standing.instrument,
        scope=standing.scope,
        counted_from=start,
        estimated=terms > 1 or len(start) < len("2003-02-14"),
    )


def _months_after(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _ground(entry: Entry, standing: Standing, start: PartialDate, registry: Registry) -> str:
    """The story that told of the day, else the row of the registry that has it."""
    for report, claims in counted(entry.reports):
        if any(_is_about(claim, standing, start) for claim in claims):
            return _story(report)
    group = registry.groups.get(entry.group)
    rows: tuple[Baseline, ...] = group.baseline if group is not None else ()
    sources = (row.source for row in rows if row.authority == entry.authority and start in _days(row))
    return next(sources, "the registry")


def _is_about(claim: Claim, standing: Standing, start: PartialDate) -> bool:
    same = (claim.instrument, claim.scope) == (standing.instrument, standing.scope)
    return same and start in {claim.acted_on, claim.effective_on}


def _days(row: Baseline) -> set[PartialDate | None]:
    return {row.listed, row.suspended, row.delisted}


def _story(report: Report) -> str:
    return report.story.link or f"{report.story.source or report.story.feed}: {report.story.headline}"
