"""Plain text as one story, where somebody hands over a text: never what an address of the web answers with.

Text has no mark of its own, so it is a format for documents from files, folders and standard input alone, and the
last that is tried. It must read as a story: a headline, then sentences; a telegraph's envelope around it is opened.

`decode_plain` is for a text whose sort its owner vouches for: there the first line is the headline, whatever follows.
"""

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise

from streams.errors import WireError
from streams.feeds import FeedSpec
from streams.records import Story
from streams.vocabulary import PubStatus
from streams.wires.charsets import decode_text
from streams.wires.daygroups import embargo_of, is_embargo
from streams.wires.documents import Document, story_id
from streams.wires.drafts import Draft, to_story
from streams.wires.envelopes import open_envelope
from streams.wires.markup import is_html
from streams.wires.refusals import other_than_story
from streams.wires.teletype import Head, byline_of, dateline_of, is_keyword, lines_of, paragraphs

NAME = "plain"

_MAX_BYTES = 1_048_576
_LONGEST_HEADLINE = 300
_WRAPPED = 50
_SHORTEST_STORY = 12  # words, or twice as many signs of a script without spaces
_SHORTEST_PROSE = 6
_LEAST_PROSE = 0.5
_WORD = re.compile(r"[^\W\d_]+(?:['\u2019\-][^\W\d_]+)*")
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff]")
_SENTENCE_END = re.compile(r"[.!?\u061f\u06d4\u0964][\"'\u201d\u2019\u00bb)\]]*(?:\s|\Z)|[\u3002\uff01\uff1f]")
_RELEASE = re.compile(r"(?i:Source:? ).*|(?:MEDIA|PRESS) RELEASE(?: [A-Z]{0,3}\d+)?|FOR IMMEDIATE RELEASE\W*")


def sniff(head: str, media_type: str | None) -> bool:
    """Whether a document that starts so reads as a story."""
    return why_not(head) is None


def decode(
    raw: bytes,
    feed: FeedSpec,
    received_at: datetime,
    *,
    media_type: str | None = None,
    url: str | None = None,
) -> Document:
    """The one story. Raises WireError: `empty`, `html`, or `not-a-feed` with what the text is instead."""
    text = "\n".join(lines_of(decode_text(raw[:_MAX_BYTES], media_type)))
    if not text.strip():
        raise WireError("empty")
    if refused := why_not(text):
        raise WireError("html" if is_html(text) else "not-a-feed", refused)
    slugline, text = _opened(text)
    head, body = _parts(text)
    dateline = dateline_of(body)
    embargoed, until = embargo_of((*head.notes, *body[:2]), received_at.date())
    told = "\n".join(body)
    draft = Draft(
        guid="hash:" + hashlib.blake2b(f"{head.headline}\n{told}".encode("utf-8", "replace")).hexdigest()[:32],
        headline=head.headline,
        body=told,
        source=dateline.credit if dateline else None,
        slugline=slugline,
        byline=head.byline,
        dateline=dateline.place if dateline else None,
        pub_status=PubStatus.WITHHELD if embargoed and not until else None,
        notes=head.notes,
        embargoed_until=until,
        complete=len(raw) <= _MAX_BYTES,
    )
    return Document(format=NAME, stories=(to_story(draft, feed, received_at, url),))


def why_not(text: str) -> str | None:
    """What the text is instead of a story, None if it is one."""
    if _has_controls(text):
        return "neither a feed nor plain text"
    stripped = _opened("\n".join(lines_of(text)))[1].lstrip("\ufeff\n\t ")
    return other_than_story(stripped) or _no_prose(stripped)


def _opened(text: str) -> tuple[str | None, str]:
    """The keyword line of the text's envelope, and the text with its headline on the first line."""
    opened = open_envelope(text)
    if opened is None:
        return None, text
    return opened.slugline or None, f"{opened.headline}\n\n{opened.text}" if opened.headline else opened.text


def decode_plain(raw: bytes, feed: str, guid: str, received_at: datetime) -> Story:
    """The story in a text that is known to be one: the first line is the headline, the rest the body.

    Raises WireError: empty, or bytes that are no text.
    """
    if not raw.strip():
        raise WireError("empty")
    headline, _, body = _utf8(raw[:_MAX_BYTES]).strip().partition("\n")
    return Story(
        id=story_id(feed, guid),
        feed=feed,
        guid=guid,
        headline=headline.strip(),
        body=body.strip(),
        received_at=received_at,
        complete=len(raw) <= _MAX_BYTES,
    )


def _utf8(raw: bytes) -> str:
    try:
        text = raw.decode("utf-8-sig", errors="strict" if len(raw) < _MAX_BYTES else "ignore")
    except UnicodeDecodeError:
        raise WireError("malformed", "neither a feed nor UTF-8 text") from None
    if _has_controls(text):
        raise WireError("malformed", "neither a feed nor plain text")
    return text


def _has_controls(text: str) -> bool:
    broken = text.count("\N{REPLACEMENT CHARACTER}")
    return broken > len(text) // 200 + 1 or any(
        unicodedata.category(char) == "Cc" and char not in "\t\n\r\x0c\x85" for char in text
    )


def _no_prose(text: str) -> str | None:
    head, body = _parts(text)
    if _size(head.headline) < 2 or not body or _size(" ".join((head.headline, *body))) < _SHORTEST_STORY:
        return "no headline with a text below it"
    prose = sum(_size(paragraph) for paragraph in body if _is_prose(paragraph))
    enough = prose >= max(_SHORTEST_PROSE, _LEAST_PROSE * sum(map(_size, body)))
    return None if enough else "no sentences"


def _is_prose(paragraph: str) -> bool:
    """Whether it has a sentence in it, and is words for the most part."""
    letters = sum(char.isalpha() for char in paragraph)
    dense = letters >= 0.7 * sum(not char.isspace() for char in paragraph)
    return dense and _size(paragraph) >= _SHORTEST_PROSE and _SENTENCE_END.search(paragraph) is not None


def _size(text: str) -> int:
    """How many words; two signs of a script that parts none count as one."""
    signs = len(_UNSPACED.findall(text))
    return len(_WORD.findall(_UNSPACED.sub(" ", text))) + signs // 2


def _parts(text: str) -> tuple[Head, list[str]]:
    """What stands above the text, and its paragraphs."""
    lines = [line.rstrip() for line in lines_of(text.replace("\x0c", "\n"))]
    start = next((at for at, line in enumerate(lines) if line.strip() and not _is_above(line)), len(lines))
    notes = tuple(line.strip() for line in lines[:start] if line.strip())
    lines = lines[start:]
    size = next((at for at, line in enumerate(lines) if not line), len(lines))
    if size == len(lines) or not _is_headline(lines[:size]):
        size = 1
    headline = " ".join(" ".join(lines[:size]).split())
    rest = lines[size:]
    by = next((at for at, line in enumerate(rest) if line.strip()), 0)
    byline = byline_of(rest[by]) if rest else None
    return Head(headline, byline, notes), paragraphs(rest[by + 1 :] if byline else rest)


def _is_above(line: str) -> bool:
    """Keyword lines, and the lines that press releases put above their headline."""
    text = line.strip()
    return is_keyword(text) or is_embargo(text) or _RELEASE.fullmatch(text) is not None


def _is_headline(block: Sequence[str]) -> bool:
    """Whether the lines above the first blank one are one headline that was wrapped."""
    if len(block) > 3 or sum(map(len, block)) > _LONGEST_HEADLINE or any(map(byline_of, block[1:])):
        return False
    return all(len(above) > _WRAPPED or below.lstrip()[:1].islower() for above, below in pairwise(block))
