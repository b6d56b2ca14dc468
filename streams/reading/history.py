"""What the registry knows of a pair before the story: whether "redesignated" prolongs a listing or brings one back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from msgspec.structs import replace

from streams.dates import is_before, latest_day
from streams.reading.candidates import Candidate
from streams.reading.effects import Drop
from streams.records import AuthorityKey
from streams.registry import Registry
from streams.registry.entries import Baseline
from streams.vocabulary import Change, Stage

_NEWS = 30
"""Days before the story within which a row may be the story's own event."""


def as_renewal(c: Candidate, registry: Registry, today: date | None) -> Candidate:
    """The candidate, a listing again told as the renewal or the new listing that the group's past makes it."""
    if not c.again or c.change not in {Change.LISTING, Change.RENEWAL} or today is None:
        return c
    if c.group not in registry.groups:
        return c
    day = min(latest_day(c.date), today) if c.date is not None else today
    rows = [row for row in registry.groups[c.group].baseline if row.authority == c.authority]
    rows = [row for row in rows if c.instrument is None or row.instrument == c.instrument]
    if any(_stood(row, day) for row in rows):
        return replace(c, change=Change.RENEWAL)
    return replace(c, change=Change.LISTING) if rows else c


def kept_by_renewal(found: Sequence[Candidate]) -> list[Candidate]:
    """The candidates; where an authority renews its list, those that "stay on the list" are renewed with it."""
    renewed = {
        c.authority
        for c in found
        if c.change is Change.RENEWAL and c.position <= _OPENING and c.drop in {None, Drop.NO_GROUP}
    }
    return [replace(c, change=Change.RENEWAL, stage=Stage.EFFECTIVE) if _is_kept(c, renewed) else c for c in found]


def _is_kept(c: Candidate, renewed: set[AuthorityKey | None]) -> bool:
    kept = c.change is Change.DELISTING and c.stage is Stage.REJECTED and not c.why and not c.background
    return kept and c.drop is None and c.authority in renewed


_OPENING = 2
"""The last sentence of the lead."""


def _stood(row: Baseline, day: date) -> bool:
    """Whether the group was on that list in the month before the day."""
    if row.listed is None or not is_before(row.listed, day, _NEWS):
        return False
    return row.delisted is None or not is_before(row.delisted, day, 0)
