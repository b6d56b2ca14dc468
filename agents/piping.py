"""Publishes what is piped in: one wire document of any format, or JSON Lines of stories."""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from agents.intake import Intake, Taken
from agents.polls import Remembers
from streams import wires
from streams.errors import ListwireError, RecordError
from streams.novelty import AT_ONCE
from streams.polling import FeedState, Fetched, Outcome
from streams.records import Story, StoryId
from streams.wires import lines
from streams.wires.documents import Document

STDIN = "stdin"


class PipeError(ListwireError):
    """What came on stdin is nothing that can be published."""


class Piped(NamedTuple):
    """What came of it: stories read, those of them that were new or changed, and what could not be read."""

    listed: int
    stories: int
    broken: tuple[str, ...] = ()


async def pipe(raw: bytes, intake: Intake, store: Remembers) -> Piped:
    """Publishes what is news in `raw` and returns when the broker has it all.

    Raises PipeError if it is no wire in any format, BrokerDown if the broker does not take it.
    """
    raw = raw.removeprefix(BOM_UTF8)
    state = await store.load(intake.feed.key) or FeedState(feed=intake.feed.key)
    if _is_document(raw):
        after, piped = await _document(raw, intake, state)
    else:
        after, piped = await _lines(raw, intake, state)
    await store.save(intake.feed.key, after)
    return piped


def _is_document(raw: bytes) -> bool:
    """A JSON object alone on its line is a document only if one of the formats says so."""
    if not lines.is_lines(raw):
        return True
    return b"\n" not in raw.strip() and wires.sniff(raw) is not None


async def _document(raw: bytes, intake: Intake, state: FeedState) -> tuple[FeedState, Piped]:
    taken = _published(await intake.take(raw, STDIN, state))
    broken = () if taken.is_fine else (f"{taken.outcome}: {taken.detail}",)
    return taken.state, Piped(taken.listed, taken.stories, broken)


async def _lines(raw: bytes, intake: Intake, state: FeedState) -> tuple[FeedState, Piped]:
    """In portions, each as a document of its own: what is remembered of one must fit a message."""
    broken: list[str] = []
    listed = news = 0
    for portion in _portions(_stories(raw, intake, broken)):
        newest_first = tuple(reversed(portion))  # as documents have it, so that undated lines keep their order
        document = Document(format=lines.NAME, stories=newest_first)
        taken = _published(await intake.publish(document, Fetched(outcome=Outcome.OK, url=STDIN), state))
        state, listed, news = taken.state, listed + len(portion), news + taken.stories
    return state, Piped(listed, news, tuple(broken))


def _portions(stories: Iterable[Story]) -> Iterator[list[Story]]:
    """At most so many at once, and no story twice in one: a second line of its id is its next revision."""
    portion: dict[StoryId, Story] = {}
    for story in stories:
        if story.id in portion or len(portion) == AT_ONCE:
            yield [*portion.values()]
            portion.clear()
        portion[story.id] = story
    if portion:
        yield [*portion.values()]


def _published(taken: Taken) -> Taken:
    if taken.outcome not in {Outcome.OK, Outcome.TRUNCATED}:
        raise PipeError(f"{STDIN}: {taken.outcome}{f': {taken.detail}' if taken.detail else ''}")
    return taken


def _stories(raw: bytes, intake: Intake, broken: list[str]) -> Iterator[Story]:
    received_at = intake.world.now()
    for number, line in enumerate(raw.split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            yield lines.story_of_line(line, number, received_at, intake.feed)
        except RecordError as error:
            broken.append(str(error))
