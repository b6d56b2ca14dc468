"""ANPA 1312, the text messages of AP, AAP, Kyodo, CP and others, one or many in a document.

    SYN SYN SOH service-level number [US selector] CR LF
    priority SP category DC3|DC4 DC1|DC2 SP keyword version MM-DD words CR LF
    STX headline, notes and byline, then text in indented lines ETX time EOT

Source: ANPA High-Speed News Wire Transmission Standard 1312. AP marks the lines above the text with `^` at their
beginning and `<` or `=` at their end, Kyodo ends its headline with `+`, AAP marks nothing; in all of them the text
begins with the first indented line. DC4 or DC2 announce a table, whose lines stay as they are.

Numbers start again when they are used up: a message is its service level, number and day. The day in the trailer
goes before that of the header, which is the sender's local one and has no year.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from itertools import pairwise
from typing import NamedTuple

from streams.feeds import FeedSpec
from streams.vocabulary import PubStatus
from streams.wires.charsets import decode_text
from streams.wires.daygroups import Moment, day_of, embargo_of, moment
from streams.wires.documents import Document
from streams.wires.drafts import Draft
from streams.wires.messages import document_of
from streams.wires.teletype import (
    LONGEST_MESSAGE,
    byline_of,
    dateline_of,
    lines_of,
    paragraphs,
    printable,
)

NAME = "anpa-1312"

_HEADER = re.compile(
    r"\x01(?P<level>[A-Za-z])(?P<number>\d{3,5})(?P<agency>[A-Z]{2,12})?(?:\x1f(?P<selector>[\w\-.]{0,40}))?[ \t]*\n+"
    r"(?P<priority>[A-Za-z]) (?P<category>[A-Za-z])[ ]?(?:[\x13\x14](?P<form>[\x11\x12])|(?=[ ]?[A-Za-z]{2}-))[ ]?"
    r"(?P<keyword>[^\n\x02]{0,200}?)[ ]*(?P<filed>\b\d{1,2}-\d{1,2})?[ ]*(?P<words>\b\d{1,5})?[ ]*\n?\x02"
)
# The same by its letters, where a gateway lost the controls or put others in their place.
_BARE = re.compile(
    r"^[\s?\ufffd]{0,8}(?P<level>[A-Za-z])(?P<number>\d{4})(?P<agency>[A-Z]{2,12})?"
    r"[?\ufffd ]?(?P<selector>_[\w\-.]{1,40})?[ \t]*\n"
    r"(?P<priority>[A-Za-z]) (?P<category>[A-Za-z])(?P<form>[ ?\ufffd]{1,4})"
    r"(?P<keyword>(?:BC|AP|AM|PM)-[^\n]{1,200}?)[ ]+(?P<filed>\d{2}-\d{2}) (?P<words>\d{4})[ ]*\n[?\ufffd]?(?=\^)",
    re.MULTILINE,
)
_SIGNED = re.compile(r"^[\s?\ufffd]{0,12}(?=[A-Z]{2,5}-[A-Z]{2}-\d{2}-\d{2}-\d{2} \d{4}[A-Z]{3}<?\s*$)", re.MULTILINE)
_PRIORITIES = {"f": "1", "b": "2", "u": "3", "r": "4", "d": "5", "s": "6", "a": "6", "w": "6", "z": "6"}
_MONTH_FIRST = re.compile(r"(\d{2})-(\d{2})-(\d{2,4})\s+(\d{2})(\d{2})\s*([A-Z]{2,5})?")
_CLOCK_FIRST = re.compile(r"([A-Z]{2,5})?-?(\d{1,2}):(\d{2})\s*([A-Z]{2,5})?[- ](\d{1,2})-(\d{1,2})-(\d{2,4})")
_DAY_FIRST = re.compile(r"(\d{2})-(\d{2})-(\d{2,4})\s+(\d{2})[-:](\d{2})(?:[-:]\d{2})?\s*([A-Z]{2,5})?")
_TOKYO = "KWS"  # Kyodo World Service writes the time of Tokyo and signs with this instead of a zone
_MARKS = re.compile(r"[\s<=@+!]+\Z")
_SLUG = re.compile(r"(?:BC|AP|AM|PM)-", re.IGNORECASE)
_NUMBER = re.compile(r"\*\d{3,6}")
_COUNT = re.compile(r",(?:\s*\d{1,5})?\s*\Z")
_NOTE = re.compile(
    r"\(?(?:Eds?\b|EDS?\b|EDITOR.?S.? NOTE|Editor.?s note|(?:With )?AP (?:Photos?|Video|Graphics?|Audio)|With AP\b|"
    r"(?:code|INDEX|SYMBOL|Update|UPDATE|PHOTOS?|VIDEO|GRAPHIC|AUDIO)\s?:|All [Tt]imes\b|For use\b|EMBARGO|HFR\b|"
    r"MANDATORY KILL|KILL\b|CORRECTION\b|ADVISORY\b|BULLETIN\b|URGENT\b|FLASH\b)"
)
_CREDIT = re.compile(
    r"(?:The )?[A-Z][\w.'\- ]{0,50}(?:Press|Writers?|Editors?|Correspondents?|News|PRESS|Kyodo)|AP [\w ]+"
)
_END = re.compile(r"_{2,}|END|==\s?\w{2,12}|AP-[A-Z]{2}-\d.*|(?:AAP|NZN)(?: [a-z/]{2,12})?")
_WRAPPED = 50
_KILL = re.compile(r"(?:^|[-, ])(?:MANDATORY[ -])?KILL(?:[-, ]|$)")


class _Head(NamedTuple):
    """The lines above the text by what they are; `rest` are those that may belong to it."""

    slugline: str = ""
    headline: str = ""
    byline: str | None = None
    notes: tuple[str, ...] = ()
    rest: tuple[str, ...] = ()


def sniff(head: str, media_type: str | None) -> bool:
    """Whether the first thing in the document is the header of a message and the start of its text."""
    text = "\n".join(lines_of(head))
    header = next(_headers(text), None)
    return header is not None and not re.sub(r"\x05[\w ]{0,80}\n|[\x00-\x20\x7f]", "", text[: header.start()])


def decode(
    raw: bytes,
    feed: FeedSpec,
    received_at: datetime,
    *,
    media_type: str | None = None,
    url: str | None = None,
) -> Document:
    """The stories of all whole messages. Raises WireError: `not-a-feed`, `html`, `truncated` where none is whole."""
    text = "\n".join(lines_of(decode_text(raw, media_type)))

    def read(header: re.Match[str], content: str) -> Draft | None:
        ended = _ended(content)
        return _draft(header, *ended, received_at) if ended else None

    return document_of(NAME, text, _headers(text), read, feed, received_at, url)


def _headers(text: str) -> Iterator[re.Match[str]]:
    return _HEADER.finditer(text) if "\x01" in text else _BARE.finditer(text)


def _ended(text: str) -> tuple[str, str] | None:
    """The text of a message and the line that ends it, None where the end is missing."""
    content, etx, tail = text.partition("\x03")
    if etx:
        return content, tail
    sign = _SIGNED.search(text)
    return (text[: sign.start()], text[sign.end() :]) if sign else None


def _draft(header: re.Match[str], content: str, tail: str, received_at: datetime) -> Draft:
    lines = content[:LONGEST_MESSAGE].split("\n")
    above, below = _at_text(lines)
    keyword = " ".join(printable(header["keyword"]).split())
    head = _head(above, keyword)
    body = _body(head, below, is_table=header["form"] == "\x12" and not _is_wrapped(below))
    at = _sent(tail, received_at)
    day = at.day if at else _filed(header["filed"], received_at)
    dateline = dateline_of(body)
    embargoed, until = embargo_of((*head.notes, *body[:2]), day or received_at.date())
    notes = (*head.notes, keyword, *(["KILL"] if _KILL.search(f"{keyword} {head.slugline}") else []))
    return Draft(
        guid=f"{header['level']}{header['number']}:{day or received_at.date()}",
        headline=head.headline,
        body="\n".join(body),
        revised=str(at) if at else str(day) if day else None,
        source=dateline.credit if dateline else header["agency"],
        slugline=head.slugline or keyword,
        byline=head.byline,
        dateline=dateline.place if dateline else None,
        urgency=_PRIORITIES.get(header["priority"].lower()),
        subjects=(header["category"].lower(),),
        pub_status=PubStatus.WITHHELD if embargoed and not until else None,
        notes=notes,
        embargoed_until=until,
        complete=len(content) <= LONGEST_MESSAGE,
    )


def _at_text(lines: Sequence[str]) -> tuple[list[str], list[str]]:
    """The lines above the text and those of it: it starts with the first that is indented or a table's (TLI, 08)."""
    start = next((at for at, line in enumerate(lines) if re.match(r"\t|\x08| {3,}\S", line)), None)
    if start is None:
        marked = [at for at, line in enumerate(lines) if line.startswith("^")]
        start = marked[-1] + 1 if marked else min(2, len(lines))
    return list(lines[:start]), list(lines[start:])


def _head(above: Sequence[str], keyword: str) -> _Head:
    lines = _joined(above)
    slugline, lines = _slugline(lines, keyword, is_marked=any("^" in line for line in above))
    by = next((at for at, line in enumerate(lines) if byline_of(line)), None)
    top, rest = (lines, []) if by is None else (lines[:by], lines[by + 1 :])
    while by is not None and rest and _CREDIT.fullmatch(rest[0]):
        rest = rest[1:]
    notes = [line.strip("()") for line in top if _NOTE.match(line)]
    plain = [line.removeprefix("HL:").strip() for line in top if not _NOTE.match(line) and not _END.fullmatch(line)]
    labelled = [line.removeprefix("HL:").strip() for line in top if line.startswith("HL:")]
    headline = (labelled or plain or [""])[0]
    others = [line for line in plain if line != headline]
    byline = None if by is None else byline_of(lines[by])
    return _Head(
        slugline, headline, byline, tuple(notes), (*others, *(line for line in rest if not _END.fullmatch(line)))
    )


def _joined(above: Sequence[str]) -> list[str]:
    """The lines without marks; one that has no `^` goes on with a marked one that has not ended."""
    found: list[str] = []
    is_open = False
    for line in above:
        for part in re.split(r"<\s+\^", line.rstrip()):
            text = printable(part).strip().removeprefix("^")
            if is_open and found and not part.lstrip().startswith("^"):
                found[-1] = f"{found[-1]} {_MARKS.sub('', text)}".strip()
            else:
                found.append(_MARKS.sub("", text).strip())
            is_open = part.lstrip("\x02 ").startswith("^") and not _MARKS.search(part) and len(part) > 60
    return [line for line in found if line]


def _slugline(lines: list[str], keyword: str, *, is_marked: bool) -> tuple[str, list[str]]:
    """The keyword line in full, its word count cut off, and the lines without it.

    It is the first line, below the headline where nothing is marked, and starts as the keyword in the header does.
    """
    lines = [line for line in lines if not _NUMBER.fullmatch(line)]
    told = _letters(keyword)
    alike = {told[:12], told[2:12], told[2:14]} - {""}
    at = 0 if is_marked or any(map(_SLUG.match, lines[:1])) else 1
    if at < len(lines) and (_SLUG.match(lines[at]) or _letters(lines[at])[:12] in alike):
        return _COUNT.sub("", lines[at]).strip(), [*lines[:at], *lines[at + 1 :]]
    return "", lines


def _letters(text: str) -> str:
    return re.sub(r"[\W\d_]", "", text).lower()


def _body(head: _Head, below: Sequence[str], *, is_table: bool) -> list[str]:
    """The text. A table keeps its lines, and the captions above it; a list of headlines is all captions."""
    lines = [_legible(line) for line in below]
    told = [" ".join(line.split()) for line in lines] if is_table else paragraphs(lines)
    text = [line for line in told if line and not _END.fullmatch(line)]
    return [*head.rest, *text] if is_table or not text else text


def _is_wrapped(lines: Sequence[str]) -> bool:
    """Whether paragraphs go on in lines without an indent: Kyodo announces a table and sends prose."""
    return any(re.match(r"[^\W\d_]", line) and len(above) > _WRAPPED for above, line in pairwise(lines))


def _legible(line: str) -> str:
    """The line without marks, its tabs and space bands (TTS 10) as spaces."""
    spaced = re.sub(r"[\x10\x1e\x1f]", " ", line.lstrip("^\x08"))
    return printable(_MARKS.sub("", spaced))


def _sent(tail: str, received_at: datetime) -> Moment | None:
    """The time behind the text: AP `AP-WF-02-10-16 0423GMT`, Kyodo and CP `21:37-09-12-18`, AAP `04-10-24 12-00-00`."""
    line = tail.split("\x04", maxsplit=1)[0][:100]
    if match := _MONTH_FIRST.search(line):
        day = _numbered_day(match[1], match[2], match[3], received_at)
        return moment(day, int(match[4]), int(match[5]), match[6] or "")
    if match := _CLOCK_FIRST.search(line):
        day = _numbered_day(match[6], match[5], match[7], received_at)
        zone = "JST" if match[1] == _TOKYO else match[4] or ""
        return moment(day, int(match[2]), int(match[3]), zone)
    if match := _DAY_FIRST.search(line):
        day = _numbered_day(match[2], match[1], match[3], received_at)
        return moment(day, int(match[4]), int(match[5]), match[6] or "")
    return None


def _filed(text: str | None, received_at: datetime) -> date | None:
    """The day in the header, month first unless only the other order makes one."""
    if text is None:
        return None
    month, day = text.split("-")
    return _numbered_day(month, day, None, received_at)


def _numbered_day(month: str, day: str, year: str | None, received_at: datetime) -> date | None:
    full = int(year) if year else None
    first, second = int(month), int(day)
    return day_of(full, first, second, received_at) or day_of(full, second, first, received_at)
