"""The feed list as messages: what stands under a feed's key in `wire.feeds`.

    list        the feeds of an operator's file; a start publishes what changed in it and removes what left it
    operator    feeds that somebody added with a command; no file touches them

A reader ignores fields of a feed that it does not know, so that an older poller goes on beside a newer one.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

from msgspec import to_builtins
from msgspec.structs import fields

from streams import codec
from streams.errors import DataFileError, RecordError
from streams.feeds import FeedSpec, checked_feed
from streams.records import Record


class Origin(StrEnum):
    """Who put a feed on the list."""

    LIST = "list"
    OPERATOR = "operator"


class FeedEntry(Record, frozen=True, kw_only=True):
    """A feed on the topic; `feed` holds the fields of a FeedSpec without its key."""

    feed: dict[str, Any]
    origin: Origin = Origin.LIST


_KNOWN = frozenset(field.name for field in fields(FeedSpec)) - {"key"}


def encode_feed(feed: FeedSpec, origin: Origin) -> bytes:
    """The message of a feed: what differs from the defaults, the same bytes for equal feeds."""
    defaults = {field.name: field.default for field in fields(FeedSpec)}
    told = {name: value for name, value in to_builtins(feed).items() if name in _KNOWN and value != defaults[name]}
    return codec.encode(FeedEntry(feed=told, origin=origin))


def decode_feed(key: bytes | None, value: bytes | None) -> tuple[FeedSpec, Origin]:
    """The feed of a message. Raises RecordError that names the feed and what is wrong with it."""
    name = (key or b"").decode("utf-8", "replace")
    entry = codec.decode(value, FeedEntry)
    table = {field: content for field, content in entry.feed.items() if field in _KNOWN}
    try:
        return checked_feed(name, table, "wire.feeds"), entry.origin
    except DataFileError as error:
        raise RecordError(f"feed {name}", error.problem) from None


def differences(
    wanted: Iterable[FeedSpec], present: Mapping[str, tuple[FeedSpec, Origin]]
) -> tuple[tuple[FeedSpec, ...], tuple[str, ...]]:
    """What a start has to publish for its file: the feeds that are new or changed, and the keys that left it."""
    listed = {feed.key: feed for feed in wanted}
    ours = {key: feed for key, (feed, origin) in present.items() if origin is Origin.LIST}
    operators = present.keys() - ours.keys()
    changed = tuple(feed for key, feed in listed.items() if key not in operators and ours.get(key) != feed)
    return changed, tuple(sorted(ours.keys() - listed.keys()))
