"""Bytes to stories: which format a document is in, and what it says.

Each format is one module of the same shape, listed in `FORMATS`: `NAME`, `sniff(head, media_type)` on the head
as text and `decode(raw, feed, received_at, *, media_type, url)` on the whole as bytes. Formats are told by their
bytes; the content type is only a hint, because servers send `text/html` for feeds and `text/xml` for error pages.
The first format that recognises the head decodes the whole, and what no format recognises is refused with a
reason, never guessed at.

Plain text has no mark to be told by, only the way it reads. So it is a format for documents that came from no
address: a file, a folder, standard input, where `url` is None and the feed has no address of its own. What a web
server answers in plain text is never a story, however well it reads: an answer of eleven bytes, or of one polite
sentence, is how feeds fail.
"""

import re
from collections.abc import Collection
from datetime import datetime
from typing import Protocol

from streams.errors import WireError
from streams.feeds import FeedSpec
from streams.wires import anpa1312, ap, dpa, iptc7901, json_feed, newsml1, newsml_g2, ninjs, nitf, plain, web
from streams.wires.charsets import decode_text
from streams.wires.compression import inflate
from streams.wires.documents import Document, bounded, told_by
from streams.wires.markup import is_html

__all__ = ["FORMATS", "Document", "Format", "decode", "sniff"]

HEAD_BYTES = 65_536
_CHALLENGE = re.compile(
    r"cdn-cgi/challenge-platform|cf[-_]chl|_Incapsula_Resource|/_sec/cp_challenge|(?:h|re)?captcha"
    r"|checking your browser|just a moment\.\.\.|verify(?:ing)? (?:that )?you are (?:a )?human|ddos-guard",
    re.IGNORECASE,
)
"""What the walls before sites leave in their pages."""


class Format(Protocol):
    """What a format module offers."""

    @property
    def NAME(self) -> str:  # noqa: N802 - a constant of the module
        """What the format is called in `Document.format`."""

    def sniff(self, head: str, media_type: str | None, /) -> bool:
        """Whether a document that starts so is in this format."""

    def decode(
        self,
        raw: bytes,
        feed: FeedSpec,
        received_at: datetime,
        /,
        *,
        media_type: str | None = None,
        url: str | None = None,
    ) -> Document:
        """The stories of the whole document. Raises WireError."""


FORMATS: tuple[Format, ...] = (newsml_g2, newsml1, nitf, web, json_feed, ap, dpa, ninjs, iptc7901, anpa1312, plain)

UNMARKED: tuple[Format, ...] = (plain,)
"""Formats without a mark of their own: tried only on documents that came from no address."""


def sniff(raw: bytes, media_type: str | None = None, *, addressed: bool = True) -> Format | None:
    """The format that an uncompressed document starts in, None if it is none of ours.

    `addressed` is whether the document came from an address.
    """
    head = decode_text(raw[:HEAD_BYTES], media_type)
    tried = (known for known in FORMATS if not (addressed and known in UNMARKED))
    return next((known for known in tried if known.sniff(head, media_type)), None)


def decode(
    raw: bytes,
    feed: FeedSpec | str,
    received_at: datetime,
    *,
    media_type: str | None = None,
    url: str | None = None,
    known: Collection[str] = frozenset(),
) -> Document:
    """The stories of a document as it came over the wire; `feed` may be a bare key.

    `known` are the hashes of items that need not be read again. Only web feeds make use of them: they list the same
    items for days, and their parser is the slow one.

    Raises WireError with one of its reasons, and nothing else, whatever the bytes are.
    """
    spec = FeedSpec(key=feed, url="", name=feed) if isinstance(feed, str) else feed
    data = inflate(raw)
    addressed = url is not None or bool(spec.url)
    found = sniff(data, media_type, addressed=addressed)
    if found is None:
        raise _refusal(data, media_type, addressed=addressed)
    if found is web:
        return told_by(spec, web.decode(data, spec, received_at, media_type=media_type, url=url, known=known))
    return told_by(spec, bounded(found.decode(data, spec, received_at, media_type=media_type, url=url)))


def _refusal(data: bytes, media_type: str | None, *, addressed: bool) -> WireError:
    text = decode_text(data[:HEAD_BYTES], media_type)
    if not text.strip("\0 \t\r\n"):
        return WireError("empty")
    if is_html(text):
        return WireError("challenge" if _CHALLENGE.search(text) else "html")
    return WireError("not-a-feed", "" if addressed else f"nor a story: {plain.why_not(text) or 'no text'}")
