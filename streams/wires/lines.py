"""JSON Lines of stories: one object a line, the archive and hand-over format of `scan`, `feeds parse` and `replay`.

Fields: `headline` and `body` (one of them not empty), `id` or `guid`, `published` (RFC 3339, a date, a year-month, or
null), and optionally the other fields of a Story. Unknown fields are ignored.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, tzinfo
from typing import Annotated

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from streams.errors import RecordError
from streams.feeds import FeedSpec
from streams.records import Story
from streams.vocabulary import Precision, PubStatus
from streams.wires.documents import settle, story_id
from streams.wires.drafts import web_link

NAME = "lines"


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """What a line may hold; everything but a text is optional."""

    id: str | int | None = None
    guid: str | None = None
    headline: str | None = None
    body: str | None = None
    published: str | None = None
    revised: str | None = None
    source: str | None = None
    language: str | None = None
    feed: str | None = None
    url: str | None = None
    link: str | None = None
    slugline: str | None = None
    byline: str | None = None
    dateline: str | None = None
    urgency: int | None = None
    subjects: tuple[str, ...] = ()
    signals: tuple[str, ...] = ()
    revision: Annotated[int, Meta(ge=1)] = 1
    pub_status: PubStatus = PubStatus.USABLE
    embargoed_until: str | None = None
    complete: bool = True


_decoder = msgspec.json.Decoder(Line)


def is_lines(raw: bytes) -> bool:
    """Whether this is one JSON object a line, and not one that is spread over several, as a document may be."""
    first, _, rest = raw.strip().partition(b"\n")
    if not first.startswith(b"{"):
        return False
    try:
        msgspec.json.decode(first, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return rest.lstrip()[:1] == b"{"  # the first line is broken, the next begins anew
    return True


def story_of_line(raw: bytes, number: int, received_at: datetime, feed: FeedSpec) -> Story:
    """The line's story as one of `feed`, whatever feed the line names. Raises RecordError that names the line."""
    line = _read(raw, number)
    story = _story(line, number, received_at, feed.zone)
    return settle(
        replace(
            story,
            id=story_id(feed.key, story.guid),
            feed=feed.key,
            language=story.language or feed.language,
            source=story.source or feed.source,
            link=web_link(story.link, ""),
            official_of=feed.authority if feed.official else None,
        )
    )


def decode_line(raw: bytes, number: int, received_at: datetime) -> tuple[str, Story]:
    """The line's own id (its number if it has none) and its story. Raises RecordError that names the line."""
    line = _read(raw, number)
    return str(line.id if line.id is not None else line.guid or number), _story(line, number, received_at)


def _read(raw: bytes, number: int) -> Line:
    try:
        line = _decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RecordError(f"line {number}", str(error)) from None
    except RecursionError:
        raise RecordError(f"line {number}", "nested too deep") from None
    if not (line.headline or line.body):
        raise RecordError(f"line {number}", "neither headline nor body")
    return line


def _hash(line: Line, published: datetime | None) -> str:
    """A line without an id is known by what it says: its number is that of another story in another file."""
    words = f"{published}\n{line.headline or ''}\n{line.body or ''}".encode("utf-8", "replace")
    return "hash:" + hashlib.blake2b(words).hexdigest()[:32]


def _story(line: Line, number: int, received_at: datetime, zone: tzinfo = UTC) -> Story:
    feed = line.feed or "lines"
    published, precision = parse_moment(line.published, f"line {number}: published", zone)
    guid = line.guid or (str(line.id) if line.id is not None else _hash(line, published))
    return Story(
        id=story_id(feed, guid),
        feed=feed,
        guid=guid,
        headline=line.headline or "",
        body=line.body or "",
        received_at=received_at,
        revision=line.revision,
        published=published,
        published_precision=precision,
        revised=parse_moment(line.revised, f"line {number}: revised", zone)[0],
        language=line.language,
        link=line.link or line.url,
        source=line.source,
        slugline=line.slugline,
        byline=line.byline,
        dateline=line.dateline,
        urgency=line.urgency,
        subjects=line.subjects,
        pub_status=line.pub_status,
        signals=line.signals,
        embargoed_until=parse_moment(line.embargoed_until, f"line {number}: embargoed_until", zone)[0],
        complete=line.complete,
    )


def parse_moment(text: str | None, where: str, zone: tzinfo = UTC) -> tuple[datetime | None, Precision]:
    """An RFC 3339 time, a date, or a year-month, in UTC, and how precise it was. Raises RecordError naming `where`.

    `zone` is that of times that name none; a date alone stays the date it is.
    """
    if text is None or not text.strip():
        return None, Precision.TIME
    value = text.strip()
    try:
        if len(value) == 7:
            return datetime.fromisoformat(value + "-01").replace(tzinfo=UTC), Precision.MONTH
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise RecordError(where, f"{text!r} is no RFC 3339 time, date or year-month") from None
    precision = Precision.DAY if len(value) == 10 else Precision.TIME
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone if precision is Precision.TIME else UTC)
    try:
        return moment.astimezone(UTC), precision
    except OverflowError:
        raise RecordError(where, f"{text!r} is no time of ours") from None
