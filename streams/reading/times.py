"""Dates in prose: as precise as the words are, resolved against the day of the story.

"in 2003" is a year and stays one. A month without a year is the latest such month that is not after the story;
"last December", "last month", "last year" count back from it. A bare weekday is the nearest such day in the past,
the story's own day included; after `will`, `to` or `by` it is the next one.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import NamedTuple

from streams.reading.words import words
from streams.records import PartialDate

_MONTHS = "january february march april may june july august september october november december".split()
_MONTH_OF = {name[:size]: n for n, name in enumerate(_MONTHS, 1) for size in (3, len(name))} | {"sept": 9}
WEEKDAYS = {n: i for i, n in enumerate("monday tuesday wednesday thursday friday saturday sunday".split())}
_NUMBERS = {word: n for n, word in enumerate("zero one two three four five six seven eight nine ten".split())}
_NUMBERS |= {"eleven": 11, "twelve": 12, "fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50}
_MONTH = r"(?P<month{0}>" + "|".join(f"{name}|{name[:3]}" for name in _MONTHS) + r"|sept)\b\.?"
_DAY = r"(?P<day{0}>[0-3]?\d)(?:st|nd|rd|th)?"
_YEAR = r"(?P<year{0}>(?:19|20)\d\d)"
_WHICH = r"\s+(?P<which{0}>last year|this year)"
_PATTERN = re.compile(
    "|".join(
        (
            rf"\b{_DAY}\s+(?:of\s+)?{_MONTH}(?:,?\s+{_YEAR}|{_WHICH})?".replace("{0}", "1"),
            rf"\b{_MONTH}\s+{_DAY}(?:,?\s+{_YEAR}|{_WHICH})?\b(?!\s*%)".replace("{0}", "2"),
            rf"\b{_MONTH}(?:,?\s+(?:of\s+)?{_YEAR}|{_WHICH})?".replace("{0}", "3"),
            rf"\b{_YEAR}\b".replace("{0}", "4"),
            r"\b(?P<rel>last|earlier this|this|next)\s+(?P<unit>year|month|week|spring|summer|autumn|fall|winter)\b",
            rf"\b(?P<weekday>{'|'.join(WEEKDAYS)})\b",
            r"\b(?P<today>today|yesterday|tomorrow|tonight|midnight)\b",
            rf"\b(?P<ago>\d+|{'|'.join(_NUMBERS)})\s+(?P<agounit>years?|months?|weeks?|days?)\s+(?:ago|earlier)\b",
        )
    ),
    re.IGNORECASE,
)

_CUE = re.compile(
    r"\b(?:\d|last|this|next|ear|tod|yes|tom|ton|mid|"
    + "|".join(sorted({word[:3] for word in (*_MONTHS, *WEEKDAYS)} | set(_NUMBERS)))
    + ")",
    re.IGNORECASE,
)
"""How every time begins: the pattern itself is tried only there, for it is slow to fail."""


class When(NamedTuple):
    """A time named in `text[start:end]`; `date` None where it cannot be placed without the story's day."""

    start: int
    end: int
    date: PartialDate | None
    weekday: bool  # said by a weekday or "today": the news of the day
    since: bool  # the begin of something that goes on


def is_month(word: str) -> bool:
    """Whether the lower-case word names a month."""
    return word.rstrip(".") in _MONTH_OF


def find_times(text: str, start: int, end: int, today: date | None) -> list[When]:
    """The times in `text[start:end]`, in order."""
    found = []
    for cue in _CUE.finditer(text, start, end):
        match = _PATTERN.match(text, cue.start(), end) if cue.start() >= start else None
        if match is None:
            continue
        start = match.end()
        when = None if _is_name(match, text) else _read(match, text, today)
        if when is not None:
            found.append(when)
    return found


_NAMED = re.compile(
    r"(?:\b(?:act|law|code|regulations?|resolution|constitution|proclamation|no\.?|decree)(?: of)?(?: \d+)?,? ?\(?"
    r"|\bresolutions? [\d ,()]*(?:and )?|/|(?<!mid)-)$",
    re.IGNORECASE,
)


def _is_name(match: re.Match[str], text: str) -> bool:
    """Whether the date belongs to a name: "Terrorism Act 2000", "the February 14 Coalition"."""
    if _NAMED.search(text, max(0, match.start() - 40), match.start()):
        return True
    attribute = text[max(0, match.start() - 4) : match.start()].lower() == "the "
    return attribute and bool(re.match(r" [A-Za-z]", text[match.end() : match.end() + 2]))


def _read(match: re.Match[str], text: str, today: date | None) -> When | None:
    part = {name: said.lower() if said else said for name, said in match.groupdict().items()}
    since = text[max(0, match.start() - 6) : match.start() + 6].lower().find("since") >= 0
    day_word = bool(part["weekday"] or part["today"])
    resolved = _resolve(part, text, match, today)
    if resolved == "":
        return None
    return When(match.start(), match.end(), PartialDate(resolved) if resolved else None, day_word, since)


def _resolve(part: dict[str, str | None], text: str, match: re.Match[str], today: date | None) -> str | None:
    """ISO date as far as known; None if it needs the story's day and there is none; "" if it is no date."""
    for n in ("1", "2"):
        if part["month" + n]:
            return _day_of_month(part["month" + n], part["day" + n], part["year" + n], part["which" + n], today)
    if part["month3"]:
        return _month(part, text, match, today)
    if part["year4"]:
        return part["year4"]
    if part["rel"]:
        return _relative(part["rel"], part["unit"] or "", today)
    if part["ago"]:
        return _ago(part["ago"], part["agounit"] or "", today)
    return _near_day(part, text, match, today)


def _day_of_month(
    month: str | None, day: str | None, year: str | None, last: str | None, today: date | None
) -> str | None:
    number = _MONTH_OF[(month or "").rstrip(".")]
    if not 1 <= int(day or 0) <= 31:
        return ""
    if year is None and today is None:
        return None
    if year is None and today is not None:
        chosen = today.year - 1 if last == "last year" else _year_for(number, int(day or 0), today)
        year = str(chosen)
    return f"{year}-{number:02d}-{int(day or 0):02d}"


def _year_for(month: int, day: int, today: date) -> int:
    """The year that puts the day nearest to the story, looking at most four months ahead."""
    try:
        candidate = date(today.year, month, day)
    except ValueError:
        return today.year
    return today.year - 1 if candidate > today + timedelta(days=120) else today.year


_UP_TO = re.compile(
    r"\b(?:by|until|till|beyond|before)\s+(?:the\s+)?(?:(?:end|middle|start|beginning|close)\s+of\s+|mid-|early\s+|late\s+)?$",
    re.IGNORECASE,
)


def _month(part: dict[str, str | None], text: str, match: re.Match[str], today: date | None) -> str | None:
    word = part["month3"] or ""
    before = text[max(0, match.start() - 12) : match.start()].lower().split()
    lead = before[-1] if before and before[-1] in words().month_leads else ""
    number = _MONTH_OF[word]
    is_word = word in {"may", "march", "mar", "sep", "dec", "jan"} or not text[match.start("month3")].isupper()
    if is_word and not (text[match.start("month3")].isupper() and (lead or part["year3"])):
        return ""
    if part["year3"]:
        return f"{part['year3']}-{number:02d}"
    if today is None:
        return None
    if part["which3"] == "last year":
        return f"{today.year - 1}-{number:02d}"
    year = today.year if number < today.month or (number == today.month and lead != "last") else today.year - 1
    if number > today.month and (lead == "next" or _UP_TO.search(text, max(0, match.start() - 32), match.start())):
        year = today.year
    return f"{year}-{number:02d}"


def _relative(which: str, unit: str, today: date | None) -> str | None:
    if today is None:
        return None
    if which == "next" or (which == "this" and unit != "year"):
        return ""
    if which in {"earlier this", "this"}:
        return str(today.year) if unit == "year" else f"{today.year}-{today.month:02d}"
    if unit == "year":
        return str(today.year - 1)
    if unit == "month":
        return f"{(today.replace(day=1) - timedelta(days=1)):%Y-%m}"
    return f"{(today - timedelta(days=7)):%Y-%m}" if unit == "week" else ""


def _ago(count: str, unit: str, today: date | None) -> str | None:
    if today is None:
        return None
    number = int(count) if count.isdigit() else _NUMBERS[count]
    if unit.startswith("year"):
        return str(today.year - number) if number < today.year else ""
    days = number * {"m": 30, "w": 7, "d": 1}[unit[0]]
    if days > 36500:
        return ""
    then = today - timedelta(days=days)
    return f"{then:%Y-%m}" if unit[0] == "m" else f"{then:%Y-%m-%d}"


def _near_day(part: dict[str, str | None], text: str, match: re.Match[str], today: date | None) -> str | None:
    if today is None:
        return None
    if part["today"]:
        shift = {"yesterday": -1, "tomorrow": 1}.get(part["today"], 0)
        return (today + timedelta(days=shift)).isoformat()
    back = (today.weekday() - WEEKDAYS[part["weekday"] or ""]) % 7
    before = text[max(0, match.start() - 48) : match.start()].lower()
    ahead = re.search(r"\bwill\b[^.]*$|\b(?:next|by|from|until|to)\s+(?:the\s+)?$", before)
    if back and ahead and not re.search(r"\blast\b", before):
        return (today + timedelta(days=7 - back)).isoformat()
    return (today - timedelta(days=back)).isoformat()
