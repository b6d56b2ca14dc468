"""What one look at a feed tells whoever runs Listwire: does it work from here, and does it still bring news?

A feed fails when nothing was read from it. What was read and is odd is a warning, which leaves the feed fine:
a feed that answers 200 and has been frozen for years is the likeliest of all ways to miss a story in silence.
"""

from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

from msgspec import Struct

from streams.feeds import FeedSpec
from streams.polling import Fetched
from streams.records import Utc
from streams.wires.documents import Document

STALE_AFTER = timedelta(days=30)
"""Without a new item for so long a feed is called stale: agencies publish daily, official journals weekly."""


class Probe(Struct, frozen=True, kw_only=True):
    """How a feed fared; one object of `feeds test --json`."""

    key: str
    url: str
    fine: bool
    outcome: str
    status: int | None = None  # of HTTP, redirects followed
    format: str | None = None
    items: int | None = None
    newest: Utc | None = None
    age_s: int | None = None  # of the newest item
    seconds: float  # until the whole answer was there
    problem: str | None = None  # why it failed, or what is odd about it
    skew_s: float | None = None  # how far the clock of its server is ahead of ours; it tells whole seconds


def probed(
    feed: FeedSpec, fetched: Fetched, document: Document | None, now: datetime, *, seconds: float = 0.0
) -> Probe:
    """The probe of a feed: its answer, and the document if one was read."""
    newest = max((story.published for story in document.stories if story.published), default=None) if document else None
    return Probe(
        key=feed.key,
        url=feed.url,
        fine=document is not None,
        outcome=fetched.outcome,
        status=fetched.status,
        format=document.format if document else None,
        items=len(document.stories) if document else None,
        newest=newest,
        age_s=max(int((now - newest).total_seconds()), 0) if newest else None,
        seconds=round(seconds, 3),
        problem=_oddities(fetched, document, newest, now) if document else _failure(fetched),
        skew_s=_skew_s(fetched, now),
    )


def _skew_s(fetched: Fetched, now: datetime) -> float | None:
    """None too where a cache between us says how old its answer is: its date is not of now."""
    told = fetched.headers.get("date")
    if told is None or "age" in fetched.headers:
        return None
    try:
        at = parsedate_to_datetime(told)
    except ValueError:
        return None
    return round((at - now).total_seconds() + 0.5, 1) if at.tzinfo is not None else None


def _failure(fetched: Fetched) -> str:
    return f"{fetched.outcome}: {fetched.detail}" if fetched.detail else str(fetched.outcome)


def _oddities(fetched: Fetched, document: Document, newest: datetime | None, now: datetime) -> str | None:
    odd = []
    if newest is not None and now - newest > STALE_AFTER:
        odd.append(f"stale: newest item is {(now - newest).days} days old")
    if not document.stories:
        odd.append("no items")
    if document.truncated:
        odd.append("document broke off")
    if fetched.moved_to:
        odd.append(f"moved for good to {fetched.moved_to}")
    return "; ".join(odd) or None
