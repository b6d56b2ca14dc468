"""The dead letters as one reading of their topic finds them, and the way back for those that are chosen.

A letter may be 2 MB and there may be very many, so a reading keeps what is told about each and not the bytes; those
are read again, a portion at a time, for the letters that are shown or sent.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from msgspec.structs import replace

from agents.deadletter import Publishes
from agents.letters import SENT_BACK_TO, again, mark, marked, opened
from agents.memory import ReadLog
from agents.messages import Incoming
from streams.errors import RecordError
from streams.records import DeadLetter
from streams.topics import Topic, partitions_of

PORTION_BYTES = 32 * 1024 * 1024
PORTION_LETTERS = 1_000

_ORDER = list(SENT_BACK_TO)


class Filed(NamedTuple):
    """A letter in its place, `partition:offset`; from a reading of the box it has neither value nor headers."""

    place: str
    at: datetime
    letter: DeadLetter
    size: int | None
    replayed: bool = False

    @property
    def origin(self) -> str:
        """`topic/partition/offset` of the message that failed."""
        return f"{self.letter.topic}/{self.letter.partition}/{self.letter.offset}"


class Box(NamedTuple):
    """All letters, the newest last, and the places of messages that are none."""

    letters: tuple[Filed, ...]
    strangers: tuple[str, ...]


async def read_box(read: ReadLog, seen: Callable[[], None] = lambda: None) -> Box:
    """Every letter there is; `seen` is called for each message. Raises BrokerDown."""
    filed: list[Filed] = []
    strangers: list[str] = []
    replayed: set[str] = set()
    for partition in range(partitions_of(Topic.DEADLETTERS)):
        async for message in read(Topic.DEADLETTERS, partition, 0, None):
            seen()
            if (place := marked(message)) is not None:
                replayed.add(place)
                continue
            try:
                found = _filed(message)
            except RecordError:
                strangers.append(_place(message))
                continue
            filed.append(found._replace(letter=replace(found.letter, value=None, headers=())))
    letters = (one._replace(replayed=one.place in replayed) for one in filed)
    return Box(tuple(sorted(letters, key=lambda one: (one.at, _numbers(one.place)))), tuple(strangers))


async def whole(read: ReadLog, chosen: Sequence[Filed]) -> AsyncIterator[Filed]:
    """The chosen letters with value and headers, in that order; one that is gone by now is left out."""
    for portion in _portions(chosen):
        found: dict[str, Filed] = {}
        for partition, offsets in _by_partition(portion).items():
            async for message in read(Topic.DEADLETTERS, partition, min(offsets), max(offsets) + 1):
                if message.offset in offsets:
                    found[_place(message)] = _filed(message)
        for one in portion:
            if one.place in found:
                yield found[one.place]._replace(replayed=one.replayed)


def in_order(chosen: Iterable[Filed]) -> list[Filed]:
    """Letters as they are to be sent: those of one partition as they lay there, stories before what came of them."""

    def rank(one: Filed) -> tuple[int, str, int, int, tuple[int, int]]:
        topic = one.letter.topic
        known = _ORDER.index(Topic(topic)) if topic in _ORDER else len(_ORDER)
        return known, topic, one.letter.partition, one.letter.offset, _numbers(one.place)

    return sorted(chosen, key=rank)


def left_behind(box: Box, chosen: Sequence[Filed]) -> list[tuple[Filed, Filed]]:
    """Pairs of a chosen letter and a later one about the same story that is neither chosen nor sent again.

    A revision or a kill is among these when it failed for another reason than the story did.
    """
    places = {one.place for one in chosen}
    later: dict[bytes, list[Filed]] = {}
    for one in box.letters:
        if one.place not in places and not one.replayed and _is_of_a_story(one):
            later.setdefault(one.letter.key or b"", []).append(one)
    return [
        (one, other)
        for one in chosen
        if _is_of_a_story(one)
        for other in later.get(one.letter.key or b"", ())
        if other.at > one.at
    ]


async def send_back(publisher: Publishes, one: Filed) -> str:
    """Sends the letter's message again, marks the letter once that is acknowledged, and tells the topic.

    Raises NotReplayableError before anything is sent, BrokerDown.
    """
    message = again(one.letter)
    await publisher.publish(message)
    await publisher.publish(mark(one.place, one.letter))
    return message.topic


def _is_of_a_story(one: Filed) -> bool:
    return one.letter.topic in {Topic.STORIES, Topic.RELEVANT} and bool(one.letter.key)


def _filed(message: Incoming) -> Filed:
    size = None if message.value is None else len(message.value)
    return Filed(_place(message), datetime.fromtimestamp(message.timestamp, UTC), opened(message), size)


def _place(message: Incoming) -> str:
    return f"{message.partition}:{message.offset}"


def _numbers(place: str) -> tuple[int, int]:
    partition, offset = place.split(":")
    return int(partition), int(offset)


def _portions(chosen: Sequence[Filed]) -> Iterator[list[Filed]]:
    portion: list[Filed] = []
    room = PORTION_BYTES
    for one in chosen:
        room -= one.size or 0
        if portion and (room < 0 or len(portion) == PORTION_LETTERS):
            yield portion
            portion, room = [], PORTION_BYTES - (one.size or 0)
        portion.append(one)
    if portion:
        yield portion


def _by_partition(portion: Iterable[Filed]) -> dict[int, set[int]]:
    wanted: dict[int, set[int]] = {}
    for one in portion:
        partition, offset = _numbers(one.place)
        wanted.setdefault(partition, set()).add(offset)
    return wanted
