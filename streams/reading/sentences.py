"""A story's text cut into sentences, the wire's dress taken off.

The headline is sentence 0. A paragraph never shares a sentence with the next. A dateline (`BERLIN, Oct 4
(Reuters) -`, `MOSCOW, October 4. /TASS/.`) opens a paragraph without being part of what it says: its place is no
actor, so it stands outside the sentence, but its day and its agency are kept.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from streams.reading.words import words


class Sentence(NamedTuple):
    """`story.text[start:end]`, without leading dateline or trailing space; `quoted` when it is all direct speech."""

    start: int
    end: int
    number: int  # 0 is the headline
    paragraph: int  # 0 is the headline


class Dateline(NamedTuple):
    """What stood before the first sentence of a story: `text[start:end]`, its agency if it names one."""

    start: int
    end: int
    agency: str | None
    place: str | None  # as it stands there


_END = re.compile(r"[.!?][\"'”’)\]]*(?=\s|$)")
_WORD_BEFORE = re.compile(r"([^\W_]+(?:\.[^\W_]+)*)$")
_PLACE = r"[A-Z][\w'’.-]*(?:[ -](?:[A-Z][\w'’.-]*|de|del|la|al|el|es|of)){0,4}"
_DATE = r"(?:\d{1,2}(?:st|nd|rd|th)?\s+[A-Za-z][a-z]+\.?|[A-Za-z][a-z]{2,8}\.?\s+\d{1,2})(?:,?\s+\d{4})?"
_DATELINE = re.compile(
    rf"(?P<place>{_PLACE}(?:,\s*{_PLACE})?)?[,.]?\s*(?P<date>{_DATE})?[,.]?\s*"
    r"(?:\((?P<paren>(?:[A-Z]|dpa)[\w /.-]{0,30})\)|/(?P<slash>[A-Z][\w -]{1,20})/\.?|(?P<bare>[A-Z]{2,10}))?\s*"
    r"(?P<end>\.?--?|[–—:]|(?<=[/)])\.?|(?<=/\.))\s+"
)
_CAPITALS = re.compile(r"[A-Z][A-Z'’ .-]+(?:,|:| -|\.| \(|$)")


_HEAD_PREFIX = re.compile(
    r"(?:(?:UPDATE|WRAPUP|RPT|REFILE|CORRECTED|CORRECTION|BRIEF|EXCLUSIVE|URGENT|FLASH|ALERT|BULLETIN|LEAD|BREAKING|"
    r"JUST IN|NEWS ALERT|APNewsAlert)"
    r"(?: ?\d+)?(?:\s*[-:]\s*| ))+",
)
_SERIES_NOTE = re.compile(
    r"\s*(?:\((?:corrects|adds|updates|recasts|refiles|repeats|writes|with|eds|clarifies|removes)\b[^()\n]{0,200}\)\s*"
    r"|(?:eds|editors?):[^\n]*|\* ?the (?:group|movement|organi[sz]ation)\b[^\n]*)",
    re.IGNORECASE,
)


def split(headline: str, body: str) -> tuple[tuple[Sentence, ...], Dateline | None]:
    """The sentences of `headline + newline + body`, and the dateline of the body if it opens with one."""
    sentences: list[Sentence] = []
    if headline.strip():
        prefix = _HEAD_PREFIX.match(headline)
        sentences.append(Sentence(*_trim(headline, prefix.end() if prefix else 0, len(headline)), 0, 0))
    text = f"{headline}\n{body}"
    dateline: Dateline | None = None
    start, number = len(headline) + 1, 1
    for paragraph, line in enumerate(body.split("\n"), start=1):
        note = _SERIES_NOTE.match(line)
        begin = note.end() if note is not None else 0
        opening = find_dateline(line[begin:], paragraph == 1) if dateline is None and paragraph <= 3 else None
        if opening is not None:
            dateline = opening._replace(start=start + begin, end=start + begin + opening.end)
            begin += opening.end
        for left, right in _split_line(line, begin):
            span = _trim(text, start + left, start + right)
            sentences.append(Sentence(*span, number, paragraph))
            number += number > 1 or not _is_label(text[span[0] : span[1]])
        start += len(line) + 1
    return tuple(sentences), dateline


_LABEL = 70
"""Characters of a line that only says what follows: "Press release", "From: Home Office"."""


def _is_label(line: str) -> bool:
    """Whether a line at the top of a text is no sentence: it is short and has no stop."""
    return len(line) < _LABEL and line[-1:] not in ".!?\"”'’)"


_BARE_PLACE = re.compile(r"(?P<place>[A-Z][\w'’.]+(?: [A-Z][\w'’.]+)?)\s+[-–—]\s+(?=[\"“‘']?[A-Z])")


def find_dateline(line: str, first: bool = False) -> Dateline | None:
    """The dateline that opens `line`, or None. It needs a place in capitals, a day, or an agency.

    `first`: the line is the first of its text, where a place alone is enough ("Kyiv - The company ...").
    """
    bare = _BARE_PLACE.match(line) if first else None
    if bare is not None:
        return Dateline(0, bare.end(), None, bare["place"])
    match = _DATELINE.match(line)
    if match is None or match.end() == 0 or match.end() > 90:
        return None
    agency = match["paren"] or match["slash"] or (match["bare"] if match["date"] else None)
    if match["paren"] and not match["date"] and "-" not in match["end"]:
        return None
    capitals = _CAPITALS.match(line)
    if agency is None and not capitals and not (match["date"] and match["place"]):
        return None
    return Dateline(0, match.end(), agency, match["place"])


def _split_line(line: str, begin: int) -> list[tuple[int, int]]:
    """Spans of the sentences of one paragraph."""
    spans = []
    start = begin
    for match in _END.finditer(line, begin):
        if not _ends_sentence(line, match.start(), match.end()):
            continue
        spans.append((start, match.end()))
        start = match.end()
    if line[start:].strip():
        spans.append((start, len(line)))
    spans = [piece for span in spans for piece in _cut(line, *span)]
    return [(left, right) for left, right in spans if any(char.isalnum() for char in line[left:right])]


_INITIALS = re.compile(r"[A-Z](?:\.[A-Z])*")
"""`G.L. Peiris`, `J. Smith`: what stands before a surname."""

_LONGEST = 2_000
"""Characters of a sentence. Notices with their lists stay below it; a longer run is a text that lost its stops."""


def _cut(line: str, left: int, right: int) -> Iterator[tuple[int, int]]:
    """The span in pieces of a length that can be read, cut between words."""
    while right - left > _LONGEST:
        space = line.rfind(" ", left + _LONGEST // 2, left + _LONGEST)
        end = space if space > 0 else left + _LONGEST
        yield left, end
        left = end
    yield left, right


def _ends_sentence(line: str, stop: int, end: int) -> bool:
    """Whether the mark at `stop` closes a sentence: not an abbreviation, an initial, or a stop inside one."""
    rest = line[end:].lstrip()
    if line[stop] != "." or not rest:
        return not rest or not rest[0].islower()
    if rest[0].islower():
        return False
    word = _WORD_BEFORE.search(line, max(0, stop - 40), stop)
    if word is None:
        return True
    last = word[1]
    if last.lower() in {"u.s", "u.n", "u.k", "e.u"}:
        # An abbreviation that often ends a sentence too: a new one begins if a function word follows.
        return rest.split(None, 1)[0] in words().sentence_openers
    return last.lower() not in words().abbreviations and not _INITIALS.fullmatch(last)


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end
