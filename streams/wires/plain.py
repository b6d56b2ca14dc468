"""Plain text as one story: the first line is the headline, the rest the body."""

from __future__ import annotations

import unicodedata
from datetime import datetime

from streams.errors import WireError
from streams.records import Story
from streams.wires.documents import story_id

NAME = "plain"
_MAX_BYTES = 1_048_576


def decode_plain(raw: bytes, feed: str, guid: str, received_at: datetime) -> Story:
    """The story in a text file. Raises WireError: empty, or bytes that are no text."""
    if not raw.strip():
        raise WireError("empty")
    text = _text(raw[:_MAX_BYTES])
    headline, _, body = text.strip().partition("\n")
    return Story(
        id=story_id(feed, guid),
        feed=feed,
        guid=guid,
        headline=headline.strip(),
        body=body.strip(),
        received_at=received_at,
        complete=len(raw) <= _MAX_BYTES,
    )


def _text(raw: bytes) -> str:
    try:
        text = raw.decode("utf-8-sig", errors="strict" if len(raw) < _MAX_BYTES else "ignore")
    except UnicodeDecodeError:
        raise WireError("malformed", "neither a feed nor UTF-8 text") from None
    if any(unicodedata.category(char) == "Cc" and char not in "\t\n\r\x0c" for char in text):
        raise WireError("malformed", "neither a feed nor plain text")
    return text
