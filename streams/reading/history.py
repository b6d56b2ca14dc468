"""What the registry knows of a pair before the story: whether "redesignated" prolongs a listing or brings one back."""

from __future__ import annotations

from datetime import date

from msgspec.structs import replace

from streams.dates import is_before, latest_day
from streams.reading.candidates import Candidate
from streams.registry import Registry
from streams.registry.entries import Baseline
from streams.vocabulary import Change

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


def _stood(row: Baseline, day: date) -> bool:
    """Whether the group was on that list in the month before the day."""
    if row.listed is None or not is_before(row.listed, day, _NEWS):
        return False
    return row.delisted is None or not is_before(row.delisted, day, 0)
