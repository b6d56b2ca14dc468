"""Takes a backup while everything runs. The order in which things are looked at is that of `streams.backups`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition

from agents.app import GROUP
from agents.backup_file import Writer, written
from agents.clock import utcnow
from agents.groups import cluster_of, read_places
from agents.kafka import describe_topics
from agents.link import Bootstrap, client_options
from agents.memory import LogReader
from agents.messages import BrokerError
from agents.metrics import VERSION
from agents.reaching import CONNECT_S, patience, require_broker
from streams.backups import CUT_ORDER, FORMAT, READ_ORDER, Cut, Enclosed, Head, Place, Row, Tail, row, with_headers
from streams.topics import Topic

Progress = Callable[[int], None]
"""Told how many messages more are written."""

TOLD_EVERY = 1_000


class Scope(NamedTuple):
    """What may be left out: stories that the worker has done with, and dead letters."""

    stories: bool = True
    letters: bool = True


async def back_up(
    bootstrap: Bootstrap, file: Path, files: Sequence[Enclosed], scope: Scope, progress: Progress = lambda _: None
) -> tuple[Head, Tail]:
    """Writes the backup and returns its ends.

    Raises BackupError for the file; BrokerDown, BrokerRefused, or BrokerError where our topics are not there.
    """
    await require_broker(bootstrap)
    head = await _head(bootstrap, scope)
    with written(file) as out:
        out.write(head)
        for enclosed in files:
            out.write(enclosed)
        for topic in READ_ORDER:
            await _write_topic(out, LogReader(bootstrap), [cut for cut in head.cuts if cut.topic == topic], progress)
        return head, out.close()


async def _head(bootstrap: Bootstrap, scope: Scope) -> Head:
    broker = await cluster_of(bootstrap)
    made_at = utcnow()
    places = await read_places(bootstrap)
    cuts = tuple([_narrowed(cut, places, scope) async for cut in _cuts(bootstrap)])
    return Head(format=FORMAT, listwire=VERSION, made_at=made_at, broker=broker, places=places, cuts=cuts)


async def _cuts(bootstrap: Bootstrap) -> AsyncIterator[Cut]:
    """The stretches of all topics: one topic is looked at after the other, in the order that makes them agree."""
    there = {state.name: state.partitions for state in await describe_topics(bootstrap)}
    if absent := [topic for topic in CUT_ORDER if not there[topic]]:
        raise BrokerError(bootstrap, f"has no topic {', '.join(absent)}, or hides it from us")
    consumer = AIOKafkaConsumer(**client_options(bootstrap), enable_auto_commit=False)
    try:
        async with patience(bootstrap, "does not tell where its topics end", 12 * CONNECT_S):
            await consumer.start()
            for topic in CUT_ORDER:
                tps = [TopicPartition(str(topic), number) for number in range(there[topic])]
                ends = await consumer.end_offsets(tps)
                starts = await consumer.beginning_offsets(tps)
                for tp in tps:
                    yield Cut(tp.topic, tp.partition, min(starts[tp], ends[tp]), ends[tp])
    finally:
        await consumer.stop()


def _narrowed(cut: Cut, places: Collection[Place], scope: Scope) -> Cut:
    """The stretch without what is left out. What the worker has still to do is never left out."""
    if cut.topic == Topic.DEADLETTERS and not scope.letters:
        return Cut(cut.topic, cut.partition, cut.end, cut.end)
    if cut.topic not in {Topic.STORIES, Topic.RELEVANT} or scope.stories:
        return cut
    own = (GROUP, cut.topic, cut.partition)
    done = [place.offset for place in places if (place.group, place.topic, place.partition) == own]
    return Cut(cut.topic, cut.partition, min(max(cut.start, *done), cut.end) if done else cut.start, cut.end)


async def _write_topic(out: Writer, read: LogReader, cuts: Sequence[Cut], progress: Progress) -> None:
    for cut in cuts:
        count = 0
        async with aclosing(read.records(cut.topic, cut.partition, cut.start, cut.end)) as records:
            async for count, record in _numbered(records):
                out.write(_row(record))
                if count % TOLD_EVERY == 0:
                    progress(TOLD_EVERY)
        progress(count % TOLD_EVERY)


async def _numbered(records: AsyncIterator[Any]) -> AsyncIterator[tuple[int, Any]]:
    count = 0
    async for record in records:
        count += 1
        yield count, record


def _row(record: Any) -> Row:
    bare = row(record.topic, (record.partition, record.offset), record.timestamp, record.key, record.value)
    return with_headers(bare, record.headers) if record.headers else bare
