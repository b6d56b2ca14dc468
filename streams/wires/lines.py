"""JSON Lines of stories: one object a line, the archive and hand-over format of `scan`, `feeds parse` and `replay`.

Fields: `headline` and `body` (one of them not empty), `id` or `guid`, `published` (RFC 3339, a date, a year-month, or
null), and optionally the other fields of a Story. Unknown fields are ignored.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from streams.errors import RecordError
from streams.records import Story
from streams.vocabulary import Precision, PubStatus
from streams.wires.documents import story_id

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


def decode_line(raw: bytes, number: int, received_at: datetime) -> tuple[str, Story]:
    """The line's own id (its number if it has none) and its story. Raises RecordError that names the line."""
    try:
        line = _decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RecordError(f"line {number}", str(error)) from None
    except RecursionError:
        raise RecordError(f"line {number}", "nested too deep") from None
    if not (line.headline or line.body):
        raise RecordError(f"line {number}", "neither headline nor body")
    return str(line.id if line.id is not None else line.guid or number), _story(line, number, received_at)


def _story(line: Line, number: int, received_at: datetime) -> Story:
    guid = line.guid or str(line.id if line.id is not None else number)
    feed = line.feed or "lines"
    published, precision = parse_moment(line.published, f"line {number}: published")
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
        revised=parse_moment(line.revised, f"line {number}: revised")[0],
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
        embargoed_until=parse_moment(line.embargoed_until, f"line {number}: embargoed_until")[0],
        complete=line.complete,
    )


def parse_moment(text: str | None, where: str) -> tuple[datetime | None, Precision]:
    """An RFC 3339 time, a date, or a year-month, in UTC, and how precise it was. Raises RecordError naming `where`."""
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
    return (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)), precision
