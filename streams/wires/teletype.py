"""What all text wires share: lines that were wrapped for a printer, bylines, datelines, lines that are no headline.

Wires break lines at a fixed width and part paragraphs by a blank line or an indent. A line that ends early although
the next word had room was ended on purpose: list items, addresses, tables keep their lines.
"""

import hashlib
import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from msgspec.structs import replace

from streams.wires.drafts import Draft

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u2400-\u2421]+")
_NEWLINES = re.compile(r"\r+\n?|\x85|\u2028")
_INDENT = re.compile(r"(?: {2,}|\t)")
_OWN_LINE = re.compile(r"[-*+\u2022\u2013] (?![a-z])|\+\+|[|;]|\d{1,2}[.)] (?![a-z])")
_NARROWEST, _WIDEST = 50, 90
LONGEST_MESSAGE = 524_288
"""Characters of one message that are read; twice what is kept of a story."""

_SLACK = 8
_NARROW_PAGE = 64
_LONGEST_NOTE = 8  # lines

# Lines above a headline that tell what kind of message it is; alone, or one after the other on a line.
_KINDS = (
    "achtung|advance|advisory|actualisation|actualizaci\u00f3n|aktualisierung|alerta?|alerte|analysis|annulation|annule"
    "|background|berichtigung|blitz|bulletin|correct(?:ion|ed|if|ive)|eil(?:meldung)?|embargo(?:ed)?|eliminar|extra"
    "|factbox|feature|flash|interview|kill|korrektur|kurzfassung|ld|lead|mandatory kill|net|overview|pictures?|portrait"
    "|preview|profile|rectificatif|recap|refile|repeat(?:ing)?|repetition|round-?up|rpt|r\u00e9p\u00e9tition|situation|snap"
    "|sperrfrist|story|summary|sw?pec?ial|synth\u00e8se|take|update|urgente?|vorschau|wiederholung|withdrawn|wrap-?up"
    "|writethru|zusammenfassung"
)
_KEYWORD = re.compile(
    rf"\W*(?:(?:\d{{1,2}}(?:st|nd|rd|th|e|er|\.)?[ -]?)?(?:{_KINDS})(?:[ -]?\d{{1,2}})?[\W]*)+", re.IGNORECASE
)
_BY = re.compile(r"(?P<by>By|BY|Von|VON|Par|PAR|Por|POR|Door|DOOR|Da|Di)\s+(?P<name>\S.{1,150})", re.DOTALL)
_LONGEST_LINK = 4  # letters of a word that is no name, such as an agency's
_LINK_WORDS = frozenset(
    "a and ap dpa afp y e et en und der de da di del den des du la le les van von ten ter zu zum in for the of al el "
    "ben bin correspondents correspondent staff reporters writers".split()
)
_DAY = (
    r"(?:,?\s+[^\W\d_]{3,9}\.?\s+\d{1,2}(?:,\s+\d{4})?|[ ,]+\d{1,2}[/.]\d{1,2}(?:[/.]\d{2,4})?"
    r"|,?\s+\d{1,2}\.?\s+[^\W\d_]{3,9})"
)
_PLACE = r"[^\W\d_a-z][^\d\n()_\"\u00ab\u00bb!?;:]{0,60}?"
_DASH = r"(?:[-\u2013\u2014_=]+|--)"
_DATELINES = tuple(
    re.compile(form)
    for form in (
        rf"(?P<place>{_PLACE}{_DAY}?),?\s*\((?P<credit>[^\W\d_][\w/ .&-]{{1,30}})\)\s*(?:{_DASH}|:|(?=[^\W_]))",
        rf"(?P<place>{_PLACE}{_DAY}?)\.?\s*/(?P<credit>[^\W\d_][\w .&-]{{1,30}}?)\s*/(?:\.|\s*{_DASH})?",
        rf"(?P<place>{_PLACE}{_DAY}),?\s+(?P<credit>[A-Z][A-Za-z]{{1,11}})\s+(?:-|--|\u2013|\u2014|_)\s",
    )
)
_PLACE_WORDS = frozenset("am an auf bei im near off on op sur sous upon".split())


class Dateline(NamedTuple):
    """`Berlin (dpa) -`: where a story was written, with the day where it is told, and whose it is."""

    place: str
    credit: str


class Head(NamedTuple):
    """What stands above the text: the headline, who wrote it, and every line that is neither."""

    headline: str = ""
    byline: str | None = None
    notes: tuple[str, ...] = ()


def lines_of(text: str) -> list[str]:
    """The lines, whichever way they end; printers got their carriage return once, twice or alone."""
    return _NEWLINES.sub("\n", text).split("\n")


def printable(text: str) -> str:
    """The text without the controls that rang bells and moved paper."""
    return _CONTROLS.sub("", text)


def paragraphs(lines: Sequence[str]) -> list[str]:
    """The paragraphs, each on one line, unwrapped."""
    found: list[list[str]] = []
    width = min(max(map(len, lines), default=0), _WIDEST)
    previous = ""
    for line in lines:
        text = line.strip()
        if text:
            if not previous or not found or _starts(line, previous, width):
                found.append([])
            found[-1].append(text)
        previous = line.rstrip()
    return [" ".join(" ".join(part).split()) for part in found]


def is_keyword(line: str) -> bool:
    """Whether the line only says what kind of message this is: `REFILE`, `2ND LEAD`, `(Achtung)`."""
    return len(line) <= 100 and _KEYWORD.fullmatch(line) is not None


def byline_of(line: str) -> str | None:
    """Who wrote it, of a line such as `By Ada Roe, dpa`; None where the line says something else.

    `Von der Leyen will sparen` is a headline: in a byline every word is a name or links names.
    """
    match = _BY.fullmatch(line.strip())
    if match is None:
        return None
    name = match["name"].strip(" =<")
    who = [word.strip(".,;:()'\u2019\"") for word in name.partition(",")[0].split()]
    longest = _LONGEST_LINK if match["by"].lower() == "by" else 0
    known = all(not word[:1].islower() or len(word) <= longest or word.lower() in _LINK_WORDS for word in who)
    return name if known and len(name.split()) <= 16 and not name.endswith(("!", "?")) else None


def dateline_of(body: Iterable[str]) -> Dateline | None:
    """The dateline that one of the first three paragraphs opens with: a teaser may stand before it."""
    for paragraph in list(body)[:3]:
        for form in _DATELINES:
            match = form.match(paragraph[:200])
            if match and _is_place(match["place"]):
                return Dateline(" ".join(match["place"].split()).rstrip(" ,"), match["credit"].strip())
    return None


def _is_place(text: str) -> bool:
    """Whether every word is a name, a number or links names: `The court said (again)` opens no story."""
    return all(not word[0].islower() or word.strip(",.") in _LINK_WORDS | _PLACE_WORDS for word in text.split())


def read_head(lines: Iterable[str]) -> Head:
    """Headline, byline and notes of the lines above a text.

    The last line, with those it was wrapped from, is the headline: what stands above it names the kind of message
    (`1ST LEAD`) or its series (ATS: `Situation`, `France:`).
    """
    plain, notes = _without_notes([" ".join(printable(line).split()) for line in lines])
    bylines = [line for line in plain[1:] if byline_of(line)]
    mixed = any(not line.isupper() and line not in bylines for line in plain)
    titles = [line for line in plain if line not in bylines]
    above = [line for line in titles if is_keyword(line) or (mixed and line.isupper())]
    groups = _unwrapped([line for line in titles if line not in above])
    return Head(
        headline=groups[-1] if groups else "",
        byline=byline_of(bylines[0]) if bylines else None,
        notes=(*notes, *above, *groups[:-1]),
    )


def _apart(drafts: Iterable[Draft]) -> list[Draft]:
    """The drafts of a document, different stories under different guids: numbers can start again within a day."""
    first: dict[str, str] = {}
    found = []
    for draft in drafts:
        if first.setdefault(draft.guid, draft.headline) != draft.headline:
            about = hashlib.blake2b(draft.headline.encode("utf-8", "replace")).hexdigest()[:12]
            found.append(replace(draft, guid=f"{draft.guid}:{about}"))
        else:
            found.append(draft)
    return found


def first_of_each(drafts: Iterable[Draft]) -> list[Draft]:
    """Each message once; line noise and restarts make agencies send some twice."""
    seen: dict[str, Draft] = {}
    for draft in _apart(drafts):
        seen.setdefault(draft.guid, draft)
    return list(seen.values())


def _starts(line: str, previous: str, width: int) -> bool:
    """Whether a paragraph starts here, below a line that has text."""
    if _INDENT.match(line) and not _INDENT.match(previous):
        return not _OWN_LINE.match(previous)
    if _OWN_LINE.match(line.lstrip()) or previous.lstrip().startswith("|"):
        return True
    if _INDENT.match(line) and previous.rstrip().endswith((".", "!", "?", '"', "\u00bb", "\u201d")):
        return len(previous) < width - _SLACK or line.lstrip() != line
    room = width - len(previous) - len(line.split(maxsplit=1)[0]) - 1
    return (width < _NARROWEST or room > _SLACK) and not line.lstrip()[0].islower()


def _without_notes(lines: Iterable[str]) -> tuple[list[str], list[str]]:
    """The lines, and apart from them what stands in brackets, over several lines too."""
    waiting = [line for line in lines if line]
    plain: list[str] = []
    notes: list[str] = []
    while waiting:
        size = _note_size(waiting)
        if size:
            notes.append(" ".join(waiting[:size]).replace("(", "", 1).replace(")", "", 1).strip())
        else:
            plain.append(waiting[0])
        waiting = waiting[max(size, 1) :]
    return plain, notes


def _note_size(lines: Sequence[str]) -> int:
    """How many lines the note in brackets takes that starts in the first; 0 where none does.

    dpa writes `(Achtung)` and goes on behind the bracket.
    """
    if not lines[0].startswith("("):
        return 0
    inside, _, after = lines[0][1:].partition(")")
    if after and is_keyword(inside):
        return next((at for at, pair in enumerate(pairwise(lines), start=1) if not _is_full(*pair)), len(lines))
    return next((at for at, line in enumerate(lines[:_LONGEST_NOTE], start=1) if line.endswith(")")), 0)


def _unwrapped(lines: Sequence[str]) -> list[str]:
    groups: list[str] = []
    last = ""
    for line in lines:
        if groups and (_is_full(last, line) or line[0].islower() or last.endswith((",", " -"))):
            groups[-1] += f" {line}"
        else:
            groups.append(line)
        last = line
    return groups


def _is_full(line: str, below: str) -> bool:
    """Whether the next word had no room in the line."""
    return len(line) + 1 + len(below.split(maxsplit=1)[0]) > _NARROW_PAGE
