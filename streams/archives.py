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

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from enum import StrEnum
from itertools import groupby
from typing import NamedTuple

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


class Placed(NamedTuple):
    """A story and when it was told; `received_at` is that moment, not the one of the replay."""

    at: datetime
    story: Story


class Arranged(NamedTuple):
    """An archive in event order, and what of it has no place there, by guid."""

    stories: tuple[Story, ...]
    left_out: tuple[tuple[Story, LeftOut], ...]


def arranged(archive: Iterable[Story]) -> Arranged:
    """The archive in event order: the same for any order of the same stories."""
    lines = sorted(archive, key=lambda story: story.id)
    found = [line for _, versions in groupby(lines, key=lambda story: story.id) for line in _revisions(versions)]
    placed = [line for line in found if isinstance(line, Placed)]
    placed.sort(key=lambda line: (line.at, *_name(line.story), line.story.revision))
    left_out = [line for line in found if not isinstance(line, Placed)]
    left_out.sort(key=lambda line: (*_name(line[0]), line[1]))
    return Arranged(tuple(line.story for line in placed), tuple(left_out))


def _name(story: Story) -> tuple[str, str]:
    return (story.guid, story.feed)


def _revisions(versions: Iterable[Story]) -> Iterator[Placed | tuple[Story, LeftOut]]:
    """The lines of one story in the order of its revisions, each no earlier than the one before."""
    before: Placed | None = None
    for story in sorted(versions, key=_rank):
        if before is None and story.published is None:
            yield story, LeftOut.UNDATED
        elif before is not None and fingerprint(story) == fingerprint(before.story):
            yield story, LeftOut.REPEATED
        else:
            before = _placed(story, before)
            yield before


def _rank(story: Story) -> tuple[object, ...]:
    """What orders the lines of one story; the whole line comes last, so that no two different ones are equal."""
    moments = tuple((at is None, at.timestamp() if at else 0.0) for at in (story.published, story.revised))
    is_killed = story.pub_status is PubStatus.CANCELED
    return (story.revision, story.version or 0, *moments, is_killed, encode(replace(story, received_at=_NEVER)))


def _placed(story: Story, before: Placed | None) -> Placed:
    published = story.published or (before.story.published if before else None)
    precision = story.published_precision if story.published or before is None else before.story.published_precision
    moments = [published if before is None else story.revised or published, story.embargoed_until]
    at = max(moment for moment in (*moments, before.at if before else None) if moment is not None)
    revision = story.revision if before is None else max(story.revision, before.story.revision + 1)
    told = replace(story, published=published, published_precision=precision, revision=revision, received_at=at)
    return Placed(at, told)
