"""Arithmetic on partial dates: a year, a month or a day, compared as far as both are known."""

from __future__ import annotations

from datetime import date, timedelta

from streams.records import PartialDate


def day_of(moment: date | None, precision: str) -> PartialDate | None:
    """A story's published moment as a partial date, as precise as the source gave it."""
    if moment is None:
        return None
    return PartialDate(f"{moment:%Y-%m}" if precision == "month" else f"{moment:%Y-%m-%d}")


def is_before(stated: PartialDate, today: date, days: int) -> bool:
    """Whether the stated date ends more than `days` before `today`; a coarse date counts by its end."""
    return latest_day(stated) < today - timedelta(days=days)


def is_after(stated: PartialDate, today: date) -> bool:
    """Whether the stated date begins after `today`."""
    return stated > today.isoformat()[: len(stated)]


def latest_day(stated: PartialDate) -> date:
    """The last day that a partial date can mean."""
    parts = [int(piece) for piece in stated.split("-")]
    if len(parts) == 3:
        try:
            return date(parts[0], parts[1], parts[2])
        except ValueError:
            parts = parts[:2]
    year, month = (parts[0], parts[1]) if len(parts) == 2 else (parts[0], 12)
    after = date(year + month // 12, month % 12 + 1, 1)
    return after - timedelta(days=1)
