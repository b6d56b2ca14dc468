"""Dates as feeds write them, read without a guess: what fits no form here is no date.

Read are ISO 8601 in its variants, the dates of RFC 822 with all that feeds do to them, and month-first dates
of the American kind. Never `04/10/2024`, which is two days. A zone that is not in the table, and a date
without one, take the feed's own zone; a date without a time stands for the day and is kept at midnight UTC of
that day.
"""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import NamedTuple

from streams.vocabulary import Precision


class ReadDate(NamedTuple):
    """An instant in UTC and how much of it the source gave."""

    at: datetime
    precision: Precision


_TIME = r"(?P<hour>\d{1,2}):?(?P<minute>\d{2})(?::?(?P<second>\d{2})(?:[.,]\d+)?)?\s*(?P<half>[AaPp]\.?[Mm]\.?)?"
_ZONE = r"(?:\(?(?P<zone>[A-Za-z]{1,5}(?![A-Za-z])|(?:UTC|GMT)?\s*[+\-\u2212]\d{1,2}(?::?\d{2})?)\)?)?"
_AFTER = rf"(?:(?:\s*,|\s+at|\s*[T|\-])?\s*{_TIME}\s*{_ZONE})?\s*(?:\([^)]*\))?"
_WEEKDAY = r"(?:[^\W\d_]{2,12}\.?,?\s+)?"
_MONTH = r"(?P<month>[A-Za-z]{3,9})\.?"
_FORMS = tuple(
    re.compile(form)
    for form in (
        rf"(?P<year>\d{{4}})(?P<sep>[\-/.]?)(?P<month>\d{{2}})(?P=sep)(?P<day>\d{{2}}){_AFTER}",
        rf"{_WEEKDAY}(?P<day>\d{{1,2}})(?:st|nd|rd|th)?[\s\-]+{_MONTH},?[\s\-]+(?P<year>\d{{4}}|\d{{2}}){_AFTER}",
        rf"{_WEEKDAY}{_MONTH}\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<year>\d{{4}}){_AFTER}",
        rf"{_WEEKDAY}{_MONTH}\s+(?P<day>\d{{1,2}})\s+{_TIME}\s*{_ZONE}\s*(?P<year>\d{{4}})",
    )
)
_YEAR_MONTH = re.compile(r"(\d{4})-(\d{2})")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")

# Names of zones in feeds, and minutes east of UTC. Names that two regions share (IST, AST, BST in Asia) are
# left out unless RFC 822 or the feeds that use them settle which one is meant. fmt: off
_ZONES = {
    "z": 0,
    "ut": 0,
    "utc": 0,
    "gmt": 0,
    "wet": 0,
    "est": -300,
    "edt": -240,
    "cst": -360,
    "cdt": -300,
    "mst": -420,
    "mdt": -360,
    "pst": -480,
    "pdt": -420,
    "bst": 60,
    "cet": 60,
    "cest": 120,
    "eet": 120,
    "eest": 180,
    "sast": 120,
    "msk": 180,
    "trt": 180,
    "irst": 210,
    "afst": 270,
    "aft": 270,
    "pkt": 300,
    "sgt": 480,
    "hkt": 480,
    "jst": 540,
    "kst": 540,
}
# fmt: on
_OFFSET = re.compile(r"(?:UTC|GMT)?\s*([+\-\u2212])(\d{1,2}):?(\d{2})?", re.IGNORECASE)
_LONGEST = 80
_CENTURY_TURN = 70


def read_date(text: str, zone: tzinfo = UTC) -> ReadDate | None:
    """The instant that `text` names; `zone` is the feed's, for dates that name none we know."""
    text = " ".join(text[:_LONGEST].split())
    try:
        if whole_month := _YEAR_MONTH.fullmatch(text):
            return ReadDate(datetime(int(whole_month[1]), int(whole_month[2]), 1, tzinfo=UTC), Precision.MONTH)
        matches = (form.fullmatch(text) for form in _FORMS)
        return next((_instant(match, zone) for match in matches if match), None)
    except (ValueError, OverflowError):
        return None


def _instant(match: re.Match[str], zone: tzinfo) -> ReadDate:
    year, month, day = _year(match["year"]), _month(match["month"]), int(match["day"])
    if match["hour"] is None:
        return ReadDate(datetime(year, month, day, tzinfo=UTC), Precision.DAY)
    second = min(int(match["second"] or 0), 59)  # a leap second is told as the second before it
    there = datetime(year, month, day, _hour(match), int(match["minute"]), second, tzinfo=_zone(match["zone"]) or zone)
    return ReadDate(there.astimezone(UTC), Precision.TIME)


def _year(digits: str) -> int:
    year = int(digits)
    if len(digits) == 4:
        return year
    return year + (1900 if year >= _CENTURY_TURN else 2000)


def _month(text: str) -> int:
    return int(text) if text.isdigit() else _MONTHS.index(text[:3].lower()) + 1


def _hour(match: re.Match[str]) -> int:
    hour = int(match["hour"])
    if match["half"] is None:
        return hour
    return hour % 12 + (12 if match["half"][0] in "pP" else 0)


def _zone(text: str | None) -> tzinfo | None:
    if not text:
        return None
    if (minutes := _ZONES.get(text.lower())) is not None:
        return timezone(timedelta(minutes=minutes))
    offset = _OFFSET.fullmatch(text)
    if offset is None:
        return None
    east = timedelta(hours=int(offset[2]), minutes=int(offset[3] or 0))
    return timezone(east if offset[1] == "+" else -east)
