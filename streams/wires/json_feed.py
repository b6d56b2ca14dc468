"""JSON Feed 1.0 and 1.1: a web feed in JSON, read by the rules of web feeds.

An item is known by its `id`, which senders also give as a number, else by its link, else by title and date
(`identity.py`). Text: `content_html`, then `content_text`, then `summary`. Times: `date_published`, `date_modified`;
nothing is invented where none is given. Which addresses are relative the format does not say; they are completed by
the feed's home page.

Source: JSON Feed 1.1, jsonfeed.org/version/1.1.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from streams.errors import WireError
from streams.feeds import FeedSpec
from streams.records import Story
from streams.wires.dates import read_date
from streams.wires.documents import MAX_ITEMS, Document, Dropped
from streams.wires.drafts import language_of, web_link
from streams.wires.html import to_text
from streams.wires.identity import Candidate, identities
from streams.wires.json_document import (
    Fields,
    fields,
    joined,
    key,
    line,
    may_be_json,
    objects,
    paragraphs,
    parse_json,
    string,
    strings,
)
from streams.wires.listed import listed_story

NAME = "json-feed"

_VERSION = re.compile(r'(?<!\\)"version"\s*+:\s*+"https?:\\?/\\?/(?:www\.)?jsonfeed\.org\\?/version', re.IGNORECASE)
_ITEMS, _CONTENT = key("items"), key("content_html", "content_text")
_CHANNEL = key("home_page_url", "feed_url")
_STATED = re.compile(r"https?://(?:www\.)?jsonfeed\.org/version", re.IGNORECASE)


def sniff(head: str, media_type: str | None) -> bool:
    """Whether a document names a version of JSON Feed, or has its keys: where they are sorted the version is last."""
    if not may_be_json(head):
        return False
    return bool(_VERSION.search(head) or (_ITEMS.search(head) and _CONTENT.search(head) and _CHANNEL.search(head)))


def decode(
    raw: bytes,
    feed: FeedSpec,
    received_at: datetime,
    *,
    media_type: str | None = None,
    url: str | None = None,
) -> Document:
    """The stories of a feed. `url`, where the bytes came from in the end, completes links, nothing else.

    Raises WireError.
    """
    channel = fields(parse_json(raw, media_type))
    if not isinstance(channel.get("items"), list) or not (
        _STATED.match(string(channel, "version")) or string(channel, "home_page_url", "feed_url")
    ):
        raise WireError("not-a-feed", "neither a version of JSON Feed nor its items")
    listed = objects(channel["items"])
    items = listed[:MAX_ITEMS]
    base = _base(channel, url or feed.url)
    candidates = [_candidate(item, base) for item in items]
    context = _Context(feed, received_at, channel)
    chosen = identities(candidates)
    return Document(
        format=NAME,
        stories=tuple(_story(candidates[at], guid, items[at], context) for at, guid in chosen.items()),
        title=line(channel, "title") or None,
        hub=_hub(channel),
        self_url=web_link(string(channel, "feed_url"), ""),
        dropped=_dropped(len(listed) - len(items), candidates, len(chosen)),
    )


class _Context(NamedTuple):
    """What the items of a feed share."""

    feed: FeedSpec
    received_at: datetime
    channel: Fields


def _base(channel: Fields, url: str) -> str:
    return web_link(string(channel, "home_page_url"), url) or web_link(string(channel, "feed_url"), url) or url


def _candidate(item: Fields, base: str) -> Candidate:
    link = web_link(string(item, "url"), base) or web_link(string(item, "external_url"), base)
    date = string(item, "date_published", "date_modified")
    return Candidate(string(item, "id") or None, link, line(item, "title"), date, _body(item))


def _body(item: Fields) -> str:
    plain = (to_text(paragraphs(string(item, name))) for name in ("content_text", "summary"))
    return to_text(string(item, "content_html")) or next(filter(None, plain), "")


def _story(item: Candidate, guid: str, entry: Fields, context: _Context) -> Story:
    feed, channel = context.feed, context.channel
    published, revised = (read_date(string(entry, name), feed.zone) for name in ("date_published", "date_modified"))
    stated = (string(entry, "language"), string(channel, "language"))
    return listed_story(
        item._replace(guid=guid),
        feed,
        context.received_at,
        dates=(published, revised),
        language=next(filter(None, map(language_of, stated)), None),
        credits_=(feed.source or line(channel, "title"), _authors(entry) or _authors(channel)),
        tags=strings(entry.get("tags")),
    )


def _authors(of: Fields) -> str:
    """Version 1.1 lists `authors`; 1.0 has one `author`."""
    listed = [*objects(of.get("authors")), *objects(of.get("author"))]
    return joined(line(author, "name") for author in listed)


def _hub(channel: Fields) -> str | None:
    hubs = (hub for hub in objects(channel.get("hubs")) if string(hub, "type").lower() in {"", "websub"})
    return next((found for hub in hubs if (found := web_link(string(hub, "url"), ""))), None)


def _dropped(beyond: int, candidates: Sequence[Candidate], stories: int) -> tuple[Dropped, ...]:
    reasons = {"beyond-limit": beyond, "double": len(candidates) - stories}
    return tuple(Dropped(reason, items) for reason, items in reasons.items() if items > 0)
