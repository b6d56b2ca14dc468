"""What every wire format shares: the document it decodes to, and the rules that each story obeys.

A format module builds its stories as it reads them and passes each through `settle`, so that caps, clamps and
the missing headline are decided once. Nothing here knows a format.
"""

import hashlib
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from streams.feeds import FeedSpec
from streams.records import Record, Story, StoryId
from streams.wires.identity import normal_link

MAX_ITEMS = 20_000
"""Of one document; what a feed is remembered by must fit a message."""

MAX_HEADLINE_BYTES = 2_048
MAX_TEXT_BYTES = 262_144
"""A story's headline and body together, as UTF-8; above it the story is cut and `complete` is False."""

MAX_AHEAD = timedelta(minutes=10)
"""How far a feed's clock may run before ours; a later date is taken for this."""


class Dropped(Struct, frozen=True):
    """How many items of a document gave no story, and why.

    `not-a-story` (a picture, a package, a concept), `cut`, `double`, `empty` or `beyond-limit`; and, against what its
    feed had brought before, the reasons of `streams.novelty`.
    """

    reason: str
    items: int


class Document(Record, frozen=True, kw_only=True):
    """The stories of one fetched document, in its own order, and what it says of itself."""

    format: str
    stories: tuple[Story, ...]
    hashes: tuple[str, ...] = ()  # of the markup of each story, where items can be told apart unread
    unchanged: tuple[str, ...] = ()  # hashes of items that were known and not read again
    title: str | None = None
    truncated: bool = False  # it broke off: whoever keeps validators must not keep these
    hub: str | None = None  # WebSub: where to subscribe
    self_url: str | None = None  # WebSub: to what
    ttl_s: int | None = None  # how long the document asks to be left alone; a hint
    dropped: tuple[Dropped, ...] = ()


def bounded(document: Document) -> Document:
    """The document with as many stories as are read of one; the rest is dropped by count."""
    beyond = len(document.stories) - MAX_ITEMS
    if beyond <= 0:
        return document
    dropped = (*document.dropped, Dropped("beyond-limit", beyond))
    return replace(document, stories=document.stories[:MAX_ITEMS], hashes=document.hashes[:MAX_ITEMS], dropped=dropped)


def told_by(feed: FeedSpec, document: Document) -> Document:
    """The document with what its feed's owner says of all its stories."""
    if feed.trusted:
        return document
    return replace(document, stories=tuple(replace(story, trusted=False) for story in document.stories))


def story_id(feed: str, guid: str) -> StoryId:
    """The identity of an item for all its revisions: 16 hex digits of feed key and guid.

    A guid that is an address counts without what moves by itself: http or https, tracking parameters.
    """
    known = (normal_link(guid) or guid) if guid.startswith(("http://", "https://")) else guid
    return StoryId(hashlib.blake2b(f"{feed}\n{known}".encode("utf-8", "surrogatepass")).hexdigest()[:16])


def settle(story: Story) -> Story:
    """The story within all limits.

    Without a headline the story takes its first paragraph, which stays in the body too: agencies send alerts
    so. Dates in the future are brought back to what a wrong clock explains. Text beyond the caps is cut and
    `complete` says so.
    """
    headline = _cut(story.headline or story.body.partition("\n")[0], MAX_HEADLINE_BYTES)
    body = _cut(story.body, MAX_TEXT_BYTES - len(headline.encode()) - 1)
    latest = story.received_at + MAX_AHEAD
    return replace(
        story,
        headline=headline,
        body=body,
        complete=story.complete and headline.startswith(story.headline) and body == story.body,
        published=_not_after(story.published, latest),
        revised=_not_after(story.revised, latest),
    )


def _cut(text: str, max_bytes: int) -> str:
    if len(text) * 4 <= max_bytes:
        return text
    raw = text.encode()
    return text if len(raw) <= max_bytes else raw[:max_bytes].decode(errors="ignore").rstrip()


def _not_after(at: datetime | None, latest: datetime) -> datetime | None:
    return at if at is None else min(at, latest)
