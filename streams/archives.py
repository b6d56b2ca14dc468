"""An archive put in event order: which story was told when, which lines are revisions of one story, what has no place.

- A story is told at its `published`, a later revision or a kill at its `revised`, nothing before its embargo ends. A
  date without a time is its first moment. Where two moments are equal, the guids decide, so that the order in which
  an archive was written down does not matter.
- Lines of one identity are revisions of one story, numbered as a poller would number them: by `revision`, the
  agency's version, then time. The same words again are no revision.
- An undated revision or kill takes the day of the revision before it. A story without any day is left out: at a
  guessed place it would announce old news, or move the ledger before its time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from enum import StrEnum
from itertools import chain, groupby
from typing import Any, NamedTuple, Protocol

from msgspec.structs import replace

from streams.codec import encode
from streams.novelty import fingerprint
from streams.records import Story
from streams.vocabulary import PubStatus

_NEVER = datetime.min.replace(tzinfo=UTC)


class LeftOut(StrEnum):
    """Why a line of the archive is no story of the replay."""

    UNDATED = "undated"  # it has no place in the order
    REPEATED = "repeated"  # the same identity and the same words again


class Arranged(NamedTuple):
    """An archive in event order, and what of it has no place there, by guid."""

    stories: Iterable[Story]
    """The `received_at` of each is the moment it was told, not the one of the replay."""
    left_out: tuple[tuple[Story, LeftOut], ...]


class Sort(Protocol):
    """Puts stories in order, as `sorted` does; one that is not for what fits into memory may do it elsewhere."""

    def __call__(self, stories: Iterable[Story], /, *, key: Callable[[Story], Any]) -> Iterable[Story]:
        """Stable; has taken all `stories` when it returns."""


def arranged(archive: Iterable[Story], sort: Sort = sorted) -> Arranged:
    """The archive in event order: the same for any order of the same stories."""
    left_out: list[tuple[Story, LeftOut]] = []
    lines = sort(archive, key=lambda story: story.id)
    versions = (_revisions(lines, left_out) for _, lines in groupby(lines, key=lambda story: story.id))
    stories = sort(chain.from_iterable(versions), key=lambda story: (story.received_at, *_name(story), story.revision))
    left_out.sort(key=lambda line: (*_name(line[0]), line[1]))
    return Arranged(stories, tuple(left_out))


def _name(story: Story) -> tuple[str, str]:
    return (story.guid, story.feed)


def _revisions(versions: Iterable[Story], left_out: list[tuple[Story, LeftOut]]) -> Iterator[Story]:
    """The lines of one story in the order of its revisions, each no earlier than the one before."""
    before: Story | None = None
    for story in sorted(versions, key=_rank):
        if before is None and story.published is None:
            left_out.append((story, LeftOut.UNDATED))
        elif before is not None and fingerprint(story) == fingerprint(before):
            left_out.append((story, LeftOut.REPEATED))
        else:
            before = _placed(story, before)
            yield before


def _rank(story: Story) -> tuple[object, ...]:
    """What orders the lines of one story; the whole line comes last, so that no two different ones are equal."""
    moments = tuple((at is None, at.timestamp() if at else 0.0) for at in (story.published, story.revised))
    is_killed = story.pub_status is PubStatus.CANCELED
    return (story.revision, story.version or 0, *moments, is_killed, encode(replace(story, received_at=_NEVER)))


def _placed(story: Story, before: Story | None) -> Story:
    published = story.published or (before.published if before else None)
    precision = story.published_precision if story.published or before is None else before.published_precision
    moments = [published if before is None else story.revised or published, story.embargoed_until]
    at = max(moment for moment in (*moments, before.received_at if before else None) if moment is not None)
    revision = story.revision if before is None else max(story.revision, before.revision + 1)
    return replace(story, published=published, published_precision=precision, revision=revision, received_at=at)
