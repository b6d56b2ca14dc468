"""Brings a backup into a broker whose topics are empty: all of it, each message in its partition, with its time.

    file whole?  topics empty, nobody reads?  ▶  messages  ▶  places of the groups  ▶  ends as they should be?

Offsets begin at 0 again, but for the claims, which keep theirs: a gap in their log is filled with canaries, which no
reader takes for a record. What refers to other offsets is changed with them: the places of groups, and the marks that
say which dead letter was sent again. The places are set last, so a restore that broke off must not be run on: a worker
would do everything again. The topics are not empty then, and a second restore says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from agents.backup_file import Contents, read_lines
from agents.groups import busy, read_places, set_places
from agents.kafka import create_topics
from agents.letters import REPLAYED
from agents.link import Bootstrap, client_options
from agents.messages import CANARY, BrokerError
from agents.reaching import CONNECT_S, PATIENCE_S, patience
from agents.recutting import BY_KEY, Recut, recut_of
from streams.backups import OFFSETS_KEPT, Place, Row, Sum
from streams.topics import MAX_MESSAGE_BYTES, Topic, TopicSpec, partitions_of

PORTION_BYTES = 8 * 1024 * 1024
PORTION_MESSAGES = 2_000
FILLER = ((CANARY, b"restored"),)
GONE = b"gone"
"""Stands for the place of a dead letter that had been deleted before the backup was taken."""

Progress = Callable[[int], None]


async def restore(
    bootstrap: Bootstrap,
    file: Path,
    found: Contents,
    replication: int,
    specs: Sequence[TopicSpec],
    progress: Progress = lambda _: None,
) -> None:
    """Writes all of the backup, whose contents were `found` to be whole, and sets the places of the groups.

    Raises BackupError before anything is sent if it is not for these topics; BrokerError where the broker is not empty,
    in use, or fails on the way.
    """
    recut = recut_of(file, found)
    await create_topics(bootstrap, replication, specs)
    await _require_fresh(bootstrap)
    ends: dict[tuple[str, int], int] = {}
    await _send(bootstrap, _rows(file, found.sum, recut), ends, progress)
    kept = [place for place in moved_places(found) if place.topic not in recut.topics]
    places = [*kept, *recut.places(ends)]
    if recut.topics:
        await _send(bootstrap, _late_rows(file, recut), ends, progress)
    await set_places(bootstrap, places)
    actual = await _ends(bootstrap)
    wrong = [f"{tp.topic}/{tp.partition}" for tp, end in actual.items() if end != ends.get(tuple(tp), 0)]
    if wrong:
        raise BrokerError(bootstrap, f"somebody wrote to {', '.join(wrong)} meanwhile: empty it and restore again")


def moved_places(found: Contents) -> tuple[Place, ...]:
    """Where the groups go on in the restored topics."""
    return tuple(
        Place(place.group, place.topic, place.partition, _moved(found.sum, place))
        for place in found.head.places
        if place.topic in set(Topic)
    )


def _moved(total: Sum, place: Place) -> int:
    places = total.places(place.topic, place.partition)
    if place.topic in OFFSETS_KEPT:
        return min(place.offset, places.last + 1)
    return places.moved(place.offset)


async def _require_fresh(bootstrap: Bootstrap) -> None:
    if full := sorted({tp.topic for tp, end in (await _ends(bootstrap)).items() if end}):
        raise BrokerError(bootstrap, f"{', '.join(full)}: not empty; restore into topics that are new")
    if readers := await busy(bootstrap):
        raise BrokerError(bootstrap, f"in use by {', '.join(readers)}: stop workers and pollers first")
    if places := sorted({place.group for place in await read_places(bootstrap)}):
        raise BrokerError(bootstrap, f"{', '.join(places)} has a place on our topics already: delete the group")


async def _ends(bootstrap: Bootstrap) -> dict[TopicPartition, int]:
    tps = [TopicPartition(str(topic), number) for topic in Topic for number in range(partitions_of(topic))]
    consumer = AIOKafkaConsumer(**client_options(bootstrap), enable_auto_commit=False)
    try:
        async with patience(bootstrap, "does not tell where its topics end", 6 * CONNECT_S):
            await consumer.start()
            return dict(await consumer.end_offsets(tps))
    finally:
        await consumer.stop()


async def _send(
    bootstrap: Bootstrap, rows: Iterable[Row], ends: dict[tuple[str, int], int], progress: Progress
) -> None:
    """Sends all; `ends` is kept as the partitions grow."""
    producer = AIOKafkaProducer(
        **client_options(bootstrap),
        acks="all",
        enable_idempotence=True,
        linger_ms=5,
        max_batch_size=256 * 1024,
        max_request_size=MAX_MESSAGE_BYTES,
    )
    try:
        async with patience(bootstrap, "gives no producer", 6 * CONNECT_S):
            await producer.start()
        for portion in _portions(rows):
            async with patience(bootstrap, "does not acknowledge what is restored", PATIENCE_S):
                await _send_portion(bootstrap, producer, portion, ends)
            progress(len(portion))
    finally:
        await producer.stop()


async def _send_portion(
    bootstrap: Bootstrap, producer: Any, portion: Sequence[Row], ends: dict[tuple[str, int], int]
) -> None:
    """Sends in order, awaits all, and sees that each lies where it should."""
    sent = [await _send_one(producer, message) for message in portion]
    for message, acknowledged in zip(portion, sent, strict=True):
        lies = await acknowledged
        expected = ends.get((message.t, lies.partition), 0)
        if lies.offset != expected:
            raise BrokerError(bootstrap, f"somebody else writes to {message.t}: empty it and restore again")
        ends[message.t, lies.partition] = expected + 1


async def _send_one(producer: Any, message: Row) -> Any:
    key = message.key
    return await producer.send(
        message.t,
        value=message.value,
        key=b"" if key is None and message.value is None else key,  # the client sends none without both
        partition=None if message.p == BY_KEY else message.p,
        timestamp_ms=message.at if message.at >= 0 else None,
        headers=list(message.headers),
    )


def _late_rows(file: Path, recut: Recut) -> Iterator[Row]:
    """The messages that come last, for they are spread anew and the worker has still to read them."""
    for record in read_lines(file):
        if isinstance(record, Row):
            yield from recut.rows(record, late=True)


def _rows(file: Path, total: Sum, recut: Recut) -> Iterator[Row]:
    """All other messages as they are to be written."""
    ends: dict[tuple[str, int], int] = {}
    for record in read_lines(file):
        if not isinstance(record, Row):
            continue
        if record.t in OFFSETS_KEPT:
            for offset in range(ends.get((record.t, record.p), 0), record.o):
                yield Row(t=record.t, p=record.p, o=offset, at=record.at, k=CANARY, hb=FILLER)
            ends[record.t, record.p] = record.o + 1
        yield from recut.rows(_remarked(record, total) if record.t == Topic.DEADLETTERS else record, late=False)


def _remarked(record: Row, total: Sum) -> Row:
    """A mark with the new place of its letter; any other message as it is."""
    headers = record.headers
    if record.value is not None or len(headers) != 1 or headers[0][0] != REPLAYED:
        return record
    partition, _, offset = (headers[0][1] or b"").decode("utf-8", "replace").partition(":")
    place = GONE
    if partition.isdigit() and offset.isdigit():
        places = total.places(record.t, int(partition))
        if places.holds(int(offset)):
            place = f"{partition}:{places.moved(int(offset))}".encode()
    return Row(t=record.t, p=record.p, o=record.o, at=record.at, k=record.k, kb=record.kb, hb=((REPLAYED, place),))


def _portions(rows: Iterable[Row]) -> Iterator[list[Row]]:
    portion: list[Row] = []
    size = 0
    for message in rows:
        portion.append(message)
        size += len(message.value or b"") + len(message.key or b"") + 100
        if size >= PORTION_BYTES or len(portion) == PORTION_MESSAGES:
            yield portion
            portion, size = [], 0
    if portion:
        yield portion
