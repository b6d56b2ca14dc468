"""When an embargo ends that is told in words: `Not for release until 12noon on Friday, October 23, 2018`.

Read is a whole date, with year and month, and the time beside it. Half a date is none: a guess would let go of a
story that its agency still holds.
"""

import re
from collections.abc import Iterable
from datetime import tzinfo

from streams.wires.dates import read_date

_LABEL = re.compile(
    r"embargo|sperrfrist|\bnicht vor\b|\bnot (?:for|to be) (?:public )?(?:release|use|publish|publication)"
    r"|\bdo not (?:use|publish|release)|\bhold (?:for release|until)",
    re.IGNORECASE,
)
_OVER = re.compile(r"\blift|\bended\b|\bis over\b|aufgehoben|\bno embargo|\bnot embargoed", re.IGNORECASE)
_MONTHS = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_DAYS = re.compile(
    r"(?P<iso>\d{4}-\d{2}-\d{2})|(?P<d>\d{1,2})\.\s?(?P<m>\d{1,2})\.\s?(?P<y>\d{4})"
    rf"|(?P<named>\d{{1,2}}(?:st|nd|rd|th)? {_MONTHS},? \d{{4}}|{_MONTHS} \d{{1,2}}(?:st|nd|rd|th)?,? \d{{4}})",
    re.IGNORECASE,
)
_TIMES = re.compile(
    r"(?<![\d.:])(?P<hour>\d{1,2})(?:[:.](?P<minute>\d{2}))(?::\d{2}(?:\.\d+)?)?(?![.:]?\d)\s*(?P<half>[ap]\.?m\b)?"
    r"|(?<!\d)(?P<bare>\d{1,2})\s*(?P<bare_half>[ap]\.?m\b)|(?<!\d)(?P<four>\d{4})(?= ?(?:GMT|UTC|Z)\b)"
    r"|(?P<word>noon|midnight)\b",
    re.IGNORECASE,
)
_ZONE = re.compile(r"\.?\s*\(?(Z\b|[A-Z]{2,4}\b|[+\-]\d{2}:?\d{2})")
_LONGEST = 2_000


def told_end(notes: Iterable[str], zone: tzinfo) -> str | None:
    """The end of the embargo that one of the notes tells, as a date that `read_date` reads; None if none does."""
    ends = (_end(note[:_LONGEST]) for note in notes if _LABEL.search(note[:_LONGEST]))
    return next((end for end in ends if end and read_date(end, zone)), None)


def _end(note: str) -> str | None:
    day = _DAYS.search(note)
    if day is None or _OVER.search(note):
        return None
    date = day["iso"] or day["named"] or f"{day['y']}-{int(day['m']):02}-{int(day['d']):02}"
    rest = note[: day.start()] + " " * len(day[0]) + note[day.end() :].removeprefix("T")
    time = _TIMES.search(rest)
    return date if time is None else f"{date} {_clock(time)}{_zone(rest[time.end() :])}"


def _clock(time: re.Match[str]) -> str:
    if time["word"]:
        return "12:00" if time["word"].lower() == "noon" else "23:59"  # the later of two midnights
    if time["four"]:
        return f"{time['four'][:2]}:{time['four'][2:]}"
    half = (time["half"] or time["bare_half"] or "").replace(".", "")
    return f"{time['hour'] or time['bare']}:{time['minute'] or '00'}{half and ' ' + half}"


def _zone(after: str) -> str:
    zone = _ZONE.match(after)
    return f" {zone[1]}" if zone else ""
