"""Bytes to stories: which format a document is in, and what it says.

Each format is one module of the same shape, listed in `FORMATS`: `NAME`, `sniff(head, media_type)` on the head
as text and `decode(raw, feed, received_at, *, media_type, url)` on the whole as bytes. Formats are told by their
bytes; the content type is only a hint, because servers send `text/html` for feeds and `text/xml` for error pages.
The first format that recognises the head decodes the whole, and what no format recognises is refused with a
reason, never guessed at.
"""

from datetime import datetime
from typing import Protocol

from streams.errors import WireError
from streams.feeds import FeedSpec
from streams.wires import ap, dpa, json_feed, ninjs, web
from streams.wires.charsets import decode_text
from streams.wires.compression import inflate
from streams.wires.documents import Document
from streams.wires.markup import is_html

__all__ = ["FORMATS", "Document", "Format", "decode", "sniff"]

HEAD_BYTES = 65_536


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


FORMATS: tuple[Format, ...] = (web, json_feed, ap, dpa, ninjs)


def sniff(raw: bytes, media_type: str | None = None) -> Format | None:
    """The format that an uncompressed document starts in, None if it is none of ours."""
    head = decode_text(raw[:HEAD_BYTES], media_type)
    return next((known for known in FORMATS if known.sniff(head, media_type)), None)


def decode(
    raw: bytes,
    feed: FeedSpec | str,
    received_at: datetime,
    *,
    media_type: str | None = None,
    url: str | None = None,
) -> Document:
    """The stories of a document as it came over the wire; `feed` may be a bare key.

    Raises WireError with one of its reasons, and nothing else, whatever the bytes are.
    """
    spec = FeedSpec(key=feed, url="", name=feed) if isinstance(feed, str) else feed
    data = inflate(raw)
    known = sniff(data, media_type)
    if known is None:
        raise WireError(_what_it_is(data, media_type))
    return known.decode(data, spec, received_at, media_type=media_type, url=url)


def _what_it_is(data: bytes, media_type: str | None) -> str:
    text = decode_text(data[:HEAD_BYTES], media_type)
    if not text.strip("\0 \t\r\n"):
        return "empty"
    return "html" if is_html(text) else "not-a-feed"
