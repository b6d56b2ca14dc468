"""IPTC 7901, the text messages of dpa, ATS, Belga, AFP, TASS, STT and others, one or many in a document.

    SOH source number SP urgency SP category SP words ... CR LF keyword line CR LF STX headline ` =` text ETX time EOT

Source: IPTC Recommended Message Format 7901, 5th edition. Gateways lose the control characters or put others in their
place, so a message is also known by its lines: the whole of dpa's header, the ` =` behind the headline and the time
behind the text must then all be there. Nothing less is taken for a message: in packed or binary data control
characters are frequent. A message without its end is dropped, as half of it may say the opposite of the whole.

Numbers start again each day or sooner: a message is its source, number and day. A gateway that numbers nothing sends
zeros, then what the message is about stands for the number.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import NamedTuple

from streams.feeds import FeedSpec
from streams.vocabulary import PubStatus, Signal
from streams.wires.charsets import decode_text
from streams.wires.daygroups import Moment, embargo_of, read_group
from streams.wires.documents import Document
from streams.wires.drafts import Draft
from streams.wires.messages import document_of
from streams.wires.notices import signals_of
from streams.wires.teletype import (
    LONGEST_MESSAGE,
    Head,
    dateline_of,
    lines_of,
    paragraphs,
    printable,
    read_head,
)

NAME = "iptc-7901"

_LEAD = r"[\x00-\x20\x7f\ufffd?\u2400-\u2421]"
_ID = r"(?P<source>[^\W\d_](?:[^\W\d_]|-(?=[^\W\d_])){1,11})[ -]?(?P<number>\d{3,6})"
_FRAMED = re.compile(rf"[\x01\u2401]\ ?{_ID}[ \t]+(?P<urgency>[1-9])(?P<rest>(?:[ \t][^\n\x02]*)?)(?:\n|(?=\x02))")
_BARE = re.compile(
    rf"^{_LEAD}{{0,8}}{_ID}[ \t]+(?P<urgency>[1-9])"
    r"(?P<rest>[ \t]+[^\W\d_]{1,4}[ \t]+\d{1,5}[ \t]+(?:[a-z]{2,8}[ \t]+)?[^\W\d_][\w-]{1,20}[ \t]+\d{3,6})[ \t]*\n",
    re.MULTILINE,
)
_REST = re.compile(r"\s+(?P<category>[^\W\d_]{1,4})(?=\s|$)(?:.*?\s(?P<agency>[^\W\d_][\w-]{1,20})\s+\d{3,6}\s*$)?")
_TEXT_STARTS, _TEXT_ENDS = re.compile("[\x02\u2402]"), re.compile("[\x03\u2403]")
_HEADLINE_WITHIN = 16
_NOTES = re.compile(
    r"#{1,3} \S|(?:\* ?){3,}\Z|The following information is not\b|Die folgenden Informationen sind nicht\b"
    r"|(?:-0-|==\w{0,12}|NNNN)\Z"
)
_SIGNATURE = re.compile(
    r"\([A-Z]{2,6}\\?/\\?[\w/ .-]{1,20}\)|[a-z]{1,6}(?:[-/][a-z0-9]{1,6}){1,6}|[A-Z]{2,5}/[A-Z]{0,5}/?"
)
# dpa recalls under `(Achtung)`, which alone only asks for attention.
_RECALLED = re.compile(r"Achtung\b.{0,200}?\b(?:nicht (?:zu |mehr )?verwenden|zur\u00fcckgezogen|annulliert)\b")


class _Message(NamedTuple):
    """One message between its controls. `at` is None and `ended` False where it broke off."""

    header: re.Match[str]
    slugline: str
    lines: list[str]
    at: Moment | None
    ended: bool
    complete: bool


def sniff(head: str, media_type: str | None) -> bool:
    """Whether the first thing in the document is the header of a message, and text follows it."""
    text = "\n".join(lines_of(head))
    header = next(_headers(text), None)
    if header is None or re.sub(_LEAD, "", text[: header.start()]):
        return False
    return bool(_TEXT_STARTS.search(text, header.end()) or re.search(r"=[ \t]*$", text, re.MULTILINE))


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
        message = _message(header, content, received_at)
        return _draft(message, received_at) if message.ended else None

    return document_of(NAME, text, _headers(text), read, feed, received_at, url)


def _headers(text: str) -> Iterator[re.Match[str]]:
    framed = next(_FRAMED.finditer(text), None)
    return _FRAMED.finditer(text) if framed else _BARE.finditer(text)


def _message(header: re.Match[str], text: str, received_at: datetime) -> _Message:
    before, after = _parts(text)
    ended = _TEXT_ENDS.search(after)
    told = after[: ended.start()] if ended else after
    lines = told[:LONGEST_MESSAGE].split("\n")
    tail = after[ended.end() :].split("\n")[:3] if ended else []
    at = next(filter(None, (_group(line, received_at) for line in tail)), None)
    if at is None:
        lines, at = _without_group(lines, received_at)
    return _Message(header, before, lines, at, ended is not None or at is not None, len(told) <= LONGEST_MESSAGE)


def _parts(text: str) -> tuple[str, str]:
    """The keyword line and what follows it. Where STX is lost, the first line is the keyword line."""
    start = _TEXT_STARTS.search(text)
    if start is not None:
        return " ".join(printable(text[: start.start()]).split()), text[start.end() :]
    first, _, rest = text.lstrip("\n").partition("\n")
    return " ".join(printable(first).split()), rest.lstrip("?\ufffd")


def _group(line: str, received_at: datetime) -> Moment | None:
    line = re.sub(rf"\A{_LEAD}+", "", line)
    return read_group(line, received_at) if len(line) < 40 else None


def _without_group(lines: list[str], received_at: datetime) -> tuple[list[str], Moment | None]:
    """The lines above the time that ends a message whose ETX was lost, and that time, if it is there."""
    for back in range(1, min(len(lines), 8) + 1):
        line = printable(lines[-back]).strip()
        if not line or line == "?":
            continue
        at = _group(line, received_at)
        return (lines[:-back], at) if at else (lines, None)
    return lines, None


def _draft(message: _Message, received_at: datetime) -> Draft:
    head_lines, rest = _at_headline(message.lines)
    head = read_head(head_lines)
    parts = _REST.match(message.header["rest"])
    agency = parts["agency"] if parts else None
    body, notes = _without_notes(rest, agency)
    body = [paragraph for paragraph in paragraphs([printable(line) for line in body]) if paragraph != "/"]
    dateline = dateline_of(body)
    told = (*head.notes, *(note.partition(":")[0] for note in head.notes))
    day = message.at.day if message.at else received_at.date()
    embargoed, until = embargo_of((*head.notes, *body[:2], *notes), day)
    return Draft(
        guid=_guid(message, head, day),
        headline=head.headline,
        body="\n".join(body),
        revised=str(message.at) if message.at else None,
        source=dateline.credit if dateline else agency,
        slugline=message.slugline.strip("/ ") or None,
        byline=head.byline,
        dateline=dateline.place if dateline else None,
        urgency=message.header["urgency"],
        subjects=(parts["category"].lower(),) if parts else (),
        pub_status=_status((*told, head.headline), withheld=embargoed and not until),
        signals=(Signal.KILL,) if any(map(_RECALLED.match, told)) else (),
        notes=told,
        embargoed_until=until,
        complete=message.complete,
    )


def _status(lines: Sequence[str], *, withheld: bool) -> PubStatus | None:
    if any(map(_RECALLED.match, lines)) or Signal.KILL in signals_of(lines=lines):
        return PubStatus.CANCELED
    return PubStatus.WITHHELD if withheld else None


def _guid(message: _Message, head: Head, day: date) -> str:
    source, number = message.header["source"].lower(), message.header["number"]
    if number.strip("0"):
        return f"{source}{number}:{day}"
    about = f"{message.slugline}\n{head.headline}".encode("utf-8", "replace")
    return f"{source}{number}:{day}:{hashlib.blake2b(about).hexdigest()[:12]}"


def _at_headline(lines: Sequence[str]) -> tuple[list[str], list[str]]:
    """The lines up to the headline's ` =`, or, without one, up to the first blank line, and the rest."""
    first = next((at for at, line in enumerate(lines) if printable(line).strip()), 0)
    shown = [printable(line).rstrip() for line in lines[first:]]
    for at, line in enumerate(shown[:_HEADLINE_WITHIN]):
        if line.endswith("=") and not line.startswith("="):
            return [*shown[:at], line.rstrip("= ")], shown[at + 1 :]
    size = next((at for at, line in enumerate(shown) if not line or (at and line[:2].isspace())), len(shown))
    if size > 4 or dateline_of([" ".join(shown[:size])]):
        size = 0
    return shown[:size], shown[size:]


def _without_notes(lines: Sequence[str], agency: str | None) -> tuple[list[str], list[str]]:
    """The text, and what follows it for editors only: notebook, contacts, the desk's closing line."""
    at = next((at for at, line in enumerate(lines) if _NOTES.match(printable(line).strip())), len(lines))
    text = list(lines[:at])
    while text and (not text[-1].strip() or _is_signature(text[-1].strip(), agency)):
        text.pop()
    return text, [line.strip("# -") for line in lines[at:]]


def _is_signature(line: str, agency: str | None) -> bool:
    """`dpa kre/su a3 mda`, `(SDA/sj)`, `str-ab/cd`: the initials of who wrote and who sent it."""
    if _SIGNATURE.fullmatch(line):
        return True
    first, *rest = line.split()
    return first in {"dpa", agency} and len(line) < 60 and all(len(word) <= 9 and word.islower() for word in rest)
