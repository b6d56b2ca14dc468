"""Web feeds: RSS 0.9 to 2.0, RDF and Atom. feedparser reads the elements, everything around it is decided
here.

feedparser only ever sees text that was decoded, mended and cut to whole items beforehand, as UTF-8 bytes,
without a base address: given one, it joins every guid to it, and a feed that moves to https would be new from
end to end. What breaks off is never read: an item without its end tag can say the opposite of what its author
wrote.

Text: `content:encoded` or `content`, then `description`. Times: `published`, `created`, `updated`; nothing is
invented where none is given. Which item is which is decided in `identity.py`.
"""

import io
import re
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any, NamedTuple
from xml.sax import SAXException

import feedparser

from streams.errors import WireError
from streams.feeds import FeedSpec
from streams.records import Story
from streams.vocabulary import Precision
from streams.wires.charsets import decode_text
from streams.wires.dates import ReadDate, read_date
from streams.wires.documents import MAX_ITEMS, Document, Dropped
from streams.wires.drafts import language_of, web_link
from streams.wires.html import to_line, to_text
from streams.wires.identity import Candidate, identities
from streams.wires.listed import listed_story
from streams.wires.markup import find_root, is_html, mend, refuse_entities
from streams.wires.outline import Outline, outline
from streams.wires.skimming import skim

NAME = "web"

_ROOTS = "rss|feed|rdf|channel"
_DECLARATION = b'<?xml version="1.0" encoding="utf-8"?>\n'
_HEADERS = {"content-type": "application/xml; charset=utf-8"}
_FAULTS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    RuntimeError,
    SAXException,
    TypeError,
    ValueError,
    re.error,
)
"""What feedparser raises on input it did not foresee, `UnicodeError` and `RecursionError` among the
subclasses.
"""

_WORD = re.compile(r"[^\W\d_]{3}|\uc77c")  # a month's name, or the Korean sign for day
_NUMBER = re.compile(r"\d{1,6}")
_PERIODS = {"hourly": 3_600, "daily": 86_400, "weekly": 604_800, "monthly": 2_592_000, "yearly": 31_536_000}

Fields = dict[str, Any]
"""What feedparser gives: a dict whose own `get` warns and falls back, so only `dict.get` is used on it."""


def sniff(head: str, media_type: str | None) -> bool:
    """Whether a document opens a web feed."""
    return find_root(head, _ROOTS) is not None


def decode(
    raw: bytes,
    feed: FeedSpec,
    received_at: datetime,
    *,
    media_type: str | None = None,
    url: str | None = None,
    known: Collection[str] = frozenset(),
) -> Document:
    """The stories of a web feed. `url`, where the bytes came from in the end, completes links, nothing else.

    Items whose markup hashes to one of `known` are not read again and go to `unchanged`.
    Raises WireError: `html`, `not-a-feed`, `entities`, `malformed`; `truncated` where not one item is whole.
    """
    skimmed = skim(_from_root(decode_text(raw, media_type)), known)
    text = mend(skimmed.text)
    plan = outline(text)
    count = _readable(plan)
    parsed = _parse(plan.first(count, text))
    entries = _list(parsed, "entries")
    if not entries and not _string(parsed, "version"):
        raise WireError("not-a-feed", "no item and no known version")
    channel = _fields(parsed, "feed")
    base = web_link(_string(channel, "link"), url or feed.url) or url or feed.url
    items = [_candidate(entry, guid, base) for entry, guid in _with_guids(entries, plan, count)]
    context = _Context(feed, received_at, channel)
    chosen = identities(items)
    return Document(
        format=NAME,
        stories=tuple(_story(items[at], guid, entries[at], context) for at, guid in chosen.items()),
        hashes=tuple(skimmed.hashes[at] for at in chosen) if len(skimmed.hashes) == len(entries) else (),
        unchanged=skimmed.unchanged,
        title=to_line(_string(channel, "title")) or None,
        truncated=not plan.closed,
        hub=_channel_link(channel, "hub"),
        self_url=_channel_link(channel, "self"),
        ttl_s=_ttl(channel),
        dropped=_dropped(plan, count, items, len(chosen)),
    )


class _Context(NamedTuple):
    """What the items of a document share."""

    feed: FeedSpec
    received_at: datetime
    channel: Fields


def _from_root(text: str) -> str:
    start = find_root(text, _ROOTS)
    if start is None:
        raise WireError("html" if is_html(text) else "not-a-feed")
    refuse_entities(text[:start])
    return text[start:]


def _readable(plan: Outline) -> int:
    """How many items from the first on are whole and within the limit."""
    whole = len(plan.items)
    if not plan.closed:
        whole -= bool(whole and not plan.items[-1].closed)
        if not whole:
            raise WireError("truncated", "the document breaks off before its first item ends")
    return min(whole, MAX_ITEMS)


def _parse(text: str) -> Fields:
    stream = io.BytesIO(_DECLARATION + text.encode("utf-8", "replace"))
    try:
        parsed = feedparser.parse(  # noqa: TID251 - this is the one place
            stream, response_headers=_HEADERS, sanitize_html=False, resolve_relative_uris=False
        )
    except _FAULTS as error:
        raise WireError("malformed", f"{type(error).__name__} in feedparser") from None
    return parsed  # type: ignore[no-any-return]  # untyped library


def _with_guids(entries: Sequence[Fields], plan: Outline, count: int) -> list[tuple[Fields, str | None]]:
    """Each entry with its raw guid; where markup is so broken that the counts differ, feedparser's own id
    serves.
    """
    if len(entries) == count:
        return [(entry, item.guid) for entry, item in zip(entries, plan.items[:count], strict=True)]
    return [(entry, _string(entry, "id") or None) for entry in entries]


def _candidate(entry: Fields, guid: str | None, base: str) -> Candidate:
    link = _string(entry, "link")
    if link == _string(entry, "id") and ":" not in link:
        link = ""  # feedparser takes any guid for the link, also `abc123`
    dates = [_string(entry, name) for name in ("published", "created", "updated")]
    title = to_line(_string(entry, "title"))
    return Candidate(guid, web_link(link, base), title, next(filter(None, dates), ""), _body(entry))


def _story(item: Candidate, guid: str, entry: Fields, context: _Context) -> Story:
    feed, channel = context.feed, context.channel
    created, published, revised = (_date(entry, name, feed.zone) for name in ("created", "published", "updated"))
    source = to_line(_string(_fields(entry, "source"), "title")) or feed.source or to_line(_string(channel, "title"))
    return listed_story(
        item._replace(guid=guid),
        feed,
        context.received_at,
        dates=(published or created, revised),
        language=_language(entry, channel),
        credits_=(source, to_line(_string(entry, "author"))),
        tags=(_string(tag, "term") for tag in _list(entry, "tags")),
    )


def _body(entry: Fields) -> str:
    values = (_string(content, "value") for content in _list(entry, "content"))
    return to_text(max(values, key=len, default="")) or to_text(_string(entry, "summary"))


def _date(entry: Fields, name: str, zone: tzinfo) -> ReadDate | None:
    """Our own forms first, since they know the feed's zone; then the months of other languages that
    feedparser knows.

    Where there is no word in it, feedparser is not asked: it makes days of bare years and of a thirteenth
    month.
    """
    raw = _string(entry, name)
    if found := read_date(raw, zone):
        return found
    parsed = dict.get(entry, f"{name}_parsed")
    if not parsed or not _WORD.search(raw):
        return None
    try:
        year, month, day, hour, minute, second = parsed[:6]
        at = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
    return ReadDate(at, Precision.TIME if ":" in raw else Precision.DAY)


def _language(entry: Fields, channel: Fields) -> str | None:
    stated = [
        *(_string(content, "language") for content in _list(entry, "content")),
        *(_string(_fields(entry, name), "language") for name in ("title_detail", "summary_detail")),
        _string(channel, "language"),
    ]
    return next(filter(None, map(language_of, stated)), None)


def _channel_link(channel: Fields, relation: str) -> str | None:
    links = (link for link in _list(channel, "links") if _string(link, "rel") == relation)
    return next((found for link in links if (found := web_link(_string(link, "href"), ""))), None)


def _ttl(channel: Fields) -> int | None:
    """`ttl` in minutes, else the period of the RSS syndication module (RSS 1.0 modules: syndication)."""
    minutes = _NUMBER.fullmatch(_string(channel, "ttl").strip())
    if minutes:
        return int(minutes[0]) * 60
    period = _PERIODS.get(_string(channel, "sy_updateperiod").strip().lower())
    often = _NUMBER.fullmatch(_string(channel, "sy_updatefrequency").strip())
    return period // max(int(often[0]) if often else 1, 1) if period else None


def _dropped(plan: Outline, count: int, candidates: Sequence[Candidate], stories: int) -> tuple[Dropped, ...]:
    cut = bool(plan.items and not plan.closed and not plan.items[-1].closed)
    reasons = {
        "cut": int(cut),
        "beyond-limit": len(plan.items) - cut - count,
        "double": len(candidates) - stories,
    }
    return tuple(Dropped(reason, items) for reason, items in reasons.items() if items > 0)


def _list(fields: Fields, name: str) -> list[Fields]:
    value = dict.get(fields, name)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _fields(fields: Fields, name: str) -> Fields:
    value = dict.get(fields, name)
    return value if isinstance(value, dict) else {}


def _string(fields: Fields, name: str) -> str:
    value = dict.get(fields, name)
    return value if isinstance(value, str) else ""
