"""An item of a web feed, be it XML or JSON, as a story: what both have in common once its fields are read."""

from collections.abc import Iterable
from datetime import datetime

from streams.feeds import FeedSpec
from streams.records import Story
from streams.vocabulary import Precision
from streams.wires.dates import ReadDate
from streams.wires.documents import settle, story_id
from streams.wires.drafts import credit, subjects_of
from streams.wires.html import to_line
from streams.wires.identity import Candidate
from streams.wires.notices import signals_of


def listed_story(
    item: Candidate,
    feed: FeedSpec,
    received_at: datetime,
    *,
    dates: tuple[ReadDate | None, ReadDate | None],
    language: str | None,
    credits_: tuple[str, str],
    tags: Iterable[str],
) -> Story:
    """The story of an item under its chosen guid; `dates` are when it was published and revised, `credits_` its source
    and its authors.
    """
    guid = item.guid or ""
    published, revised = dates
    first = published or revised
    source, authors = credits_
    return settle(
        Story(
            id=story_id(feed.key, guid),
            feed=feed.key,
            guid=guid,
            headline=item.title,
            body=item.body,
            received_at=received_at,
            published=first.at if first else None,
            published_precision=first.precision if first else Precision.TIME,
            revised=revised.at if revised else None,
            language=language or feed.language,
            link=item.link,
            source=credit(source),
            byline=credit(authors),
            signals=signals_of(lines=(item.title,)),
            subjects=subjects_of(map(to_line, tags)),
            official_of=feed.authority if feed.official else None,
        )
    )
