"""Dates as text wires give them: day-time groups without a century, months by name, days without a year.

What a message leaves out is taken from the day of its receipt, and only that: a message that states its date reads
the same whenever it is replayed. Dates leave here as `2016-02-10 04:23 GMT`, for `dates.read_date`, which knows the
feed's zone.
"""

import re
import unicodedata
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

# How the months begin in the languages of the agencies, accents dropped; English, German, French, Dutch, Spanish,
# Italian, Portuguese, Swedish.
_MONTHS = (
    ("jan", "ene", "gen"),
    ("feb", "fev"),
    ("mar", "mae", "mrz", "mrt"),
    ("apr", "avr", "abr"),
    ("may", "mai", "mei", "mag", "maj"),
    ("jun", "juin", "giu"),
    ("jul", "juil", "lug"),
    ("aug", "aou", "ago"),
    ("sep", "set"),
    ("oct", "okt", "ott", "out"),
    ("nov",),
    ("dec", "dez", "dic"),
)
_NUMBERS = {name: number for number, names in enumerate(_MONTHS, start=1) for name in names}
_GROUP = re.compile(r"(\d{2})(\d{2})(\d{2})\s*[.:]?((?:[\s:]+[^\s:]{1,12}){0,4})\s*")
_TOKEN = re.compile(r"[^\W\d_]{1,12}|\d{1,4}")
_CLOCK = re.compile(
    r"(?<![\d.:])(\d{1,2})[.:h](\d{2})(?![\d.]\d)\s*(?:uhr|heures)?\s*\(?([A-Z]{2,5}\b)?|\b(\d{2})(\d{2})\s*([A-Z]{2,5}\b)"
)
_DAY_MONTH = re.compile(r"\b(\d{1,2})(?:\.|st|nd|rd|th)?(?:\s+(?:de|of))?\s+([^\W\d_]{3,10})\.?(?:,?\s+(\d{4})\b)?")
_MONTH_DAY = re.compile(r"\b([^\W\d_]{3,10})\.?\s+(\d{1,2})(?:st|nd|rd|th)?\b(?![.:]\d)(?:,?\s+(\d{4})\b)?")
_EMBARGO = re.compile(r"\W*(?:EMBARGOED\b|EMBARGO\b|(?i:embargoed (?:for|until|till)|embargo\s*:|sperrfrist)\b)")
_LONGEST_EMBARGO = timedelta(days=60)
_EASTERN = ZoneInfo("America/New_York")


class Moment(NamedTuple):
    """The day that a message states as its own, and the time of day where it gives one."""

    day: date
    hour: int | None = None
    minute: int = 0
    zone: str = ""

    def __str__(self) -> str:
        if self.hour is None:
            return self.day.isoformat()
        if self.zone in {"ET", "EDT", "EST"}:
            at = datetime(*self.day.timetuple()[:3], self.hour, self.minute, tzinfo=_EASTERN)
            return at.isoformat()
        return f"{self.day.isoformat()} {self.hour:02}:{self.minute:02} {self.zone}".rstrip()


def moment(day: date | None, hour: int = 0, minute: int = 0, zone: str = "") -> Moment | None:
    """The moment, None where the clock shows no time of day."""
    return Moment(day, hour, minute, zone.upper()) if day and hour < 24 and minute < 60 else None


def month_of(name: str) -> int | None:
    """1 to 12 for a month's name or its abbreviation, None for any other word."""
    plain = "".join(c for c in unicodedata.normalize("NFD", name.lower()) if not unicodedata.combining(c))
    return _NUMBERS.get(plain[:4]) or _NUMBERS.get(plain[:3])


def day_of(year: int | None, month: int, day: int, received_at: datetime) -> date | None:
    """That day; without a year the last such day before the day after its receipt. None if there is no such day."""
    latest = (received_at + timedelta(days=1)).date()
    years = [_full(year)] if year is not None else range(latest.year, latest.year - 9, -1)
    for candidate in years:
        try:
            found = date(candidate, month, day)
        except ValueError:
            continue
        if year is not None or found <= latest:
            return found
    return None


def read_group(text: str, received_at: datetime) -> Moment | None:
    """`131137 GMT Nov 13`, `091223 dec 18`, `212101`: day, hour and minute, and of zone, month, year what is told."""
    match = _GROUP.fullmatch(text.strip())
    if match is None:
        return None
    zone, month, year = _parts(_TOKEN.findall(match[4]))
    day = int(match[1])
    found = day_of(year, month, day, received_at) if month else _last_day(day, received_at)
    return moment(found, int(match[2]), int(match[3]), zone)


def is_embargo(line: str) -> bool:
    """Whether the line says that the story has to wait."""
    return _EMBARGO.match(line) is not None


def embargo_of(lines: Iterable[str], day: date) -> tuple[bool, str | None]:
    """Whether one of the lines is an embargo, and until when, where it says so to the minute; `day` is theirs."""
    found = next(filter(is_embargo, lines), None)
    if found is None:
        return False, None
    clock = next(_CLOCK.finditer(found[:300]), None)
    if clock is None:
        return True, None
    hour, minute, zone = (clock[1], clock[2], clock[3]) if clock[1] else (clock[4], clock[5], clock[6])
    zone = zone if zone and zone != "UHR" and not month_of(zone) else ""
    at = moment(_named_day(found[:300], day), int(hour), int(minute), zone)
    return True, str(at) if at else None


def _named_day(line: str, day: date) -> date | None:
    """The day that is named in the line, as seen from `day`: it may be one to come, as an embargo's is."""
    ahead = datetime.combine(day, time()) + _LONGEST_EMBARGO
    for match in _DAY_MONTH.finditer(line):
        if month := month_of(match[2]):
            return day_of(int(match[3]) if match[3] else None, month, int(match[1]), ahead)
    for match in _MONTH_DAY.finditer(line):
        if month := month_of(match[1]):
            return day_of(int(match[3]) if match[3] else None, month, int(match[2]), ahead)
    return None


def _parts(tokens: Iterable[str]) -> tuple[str, int | None, int | None]:
    zone, month, year = "", None, None
    for token in tokens:
        if token.isdigit():
            year = int(token)
        elif number := month_of(token):
            month = number
        else:
            zone = token
    return zone, month, year


def _last_day(day: int, received_at: datetime) -> date | None:
    """The last day of that number before the day after the receipt."""
    latest = (received_at + timedelta(days=1)).date()
    return next((d for back in range(62) if (d := latest - timedelta(days=back)).day == day), None)


def _full(year: int) -> int:
    return year if year > 99 else year + (1900 if year >= 70 else 2000)
