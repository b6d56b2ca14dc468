"""Reads what a run has left on the topics and in the sink's file, straight from the nodes."""

import asyncio
import hashlib
import json
import re
from collections.abc import AsyncIterator, Collection
from pathlib import Path

from aiokafka import AIOKafkaConsumer, TopicPartition
from checker import Evidence, Row, Told

from agents.memory import LogReader
from agents.messages import Incoming
from agents.skips import read_skips
from streams.alerts import settle, status_of
from streams.codec import decode, encode
from streams.errors import RecordError
from streams.ledger import open_entry
from streams.records import Alert, Entry, LedgerKey, Report, Status, Story, ledger_key
from streams.registry import Registry
from streams.topics import Topic, partitions_of
from streams.vocabulary import PubStatus

ID = re.compile(rb'"id":"([^"]+)"')


async def gather(bootstrap: str, registry: Registry, promised: Collection[str], sink: Path) -> Evidence:
    """All there is; the commits are looked at by `behind`."""
    found = Evidence(acknowledged=set(promised))
    names = await _names(bootstrap, found)
    async for message in _messages(bootstrap, Topic.RELEVANT):
        if not _is_poison(message, found):
            found.relevant.add(names[(message.key or b"").decode()])
    async for message in _messages(bootstrap, Topic.DEADLETTERS):
        found.letters.add((message.key or b"").decode())
        ids = {match.group(1).decode("utf-8", "replace") for match in ID.finditer(message.value or b"")}
        found.buried.update(names[one] for one in ids & names.keys())
    await _fold(bootstrap, registry, found, names)
    async for message in _messages(bootstrap, Topic.ALERTS):
        alert = decode(message.value, Alert)
        key = (message.key or b"").decode()
        told = Told(key, alert.id, alert.revision, alert.status, names[alert.bundle], _digest(message.value))
        found.alerts.append(told)
    async for message in _messages(bootstrap, Topic.STATUS):
        row = decode(message.value, Status)
        found.rows[(message.key or b"").decode()] = Row(row.offset, _digest(message.value))
    found.delivered = await asyncio.to_thread(_delivered, sink)
    return found


async def _names(bootstrap: str, found: Evidence) -> dict[str, str]:
    """Story id to guid, which says what the story must give; a poller makes ids of its own."""
    names: dict[str, str] = {}
    async for message in _messages(bootstrap, Topic.STORIES):
        if _is_poison(message, found):
            continue
        story = decode(message.value, Story)
        names[story.id] = story.guid
        found.stories.add(story.guid)
        if story.pub_status is not PubStatus.USABLE:
            found.killed.add(story.guid)
        if story.embargoed_until and message.timestamp < story.embargoed_until.timestamp():
            found.early.add(story.guid)
    return names


async def on_topic(bootstrap: str) -> Evidence:
    """The stories that are there, and those that were killed."""
    found = Evidence()
    await _names(bootstrap, found)
    return found


def _delivered(sink: Path) -> list[tuple[str, int]]:
    lines = map(json.loads, sink.read_text().splitlines()) if sink.exists() else ()
    return [(line["id"], line["revision"]) for line in lines]


async def behind(bootstrap: str, groups: dict[str, tuple[Topic, ...]]) -> dict[str, int]:
    """How far each consumer group still has to go, where it has."""
    left: dict[str, int] = {}
    for group, topics in groups.items():
        partitions = [TopicPartition(topic, number) for topic in topics for number in range(partitions_of(topic))]
        consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=group, enable_auto_commit=False)
        await consumer.start()
        try:
            ends = await consumer.end_offsets(partitions)
            for partition in partitions:
                missing = ends[partition] - (await consumer.committed(partition) or 0)
                if missing:
                    left[f"{group} {partition.topic}/{partition.partition}"] = missing
        finally:
            await consumer.stop()
    return left


async def _fold(bootstrap: str, registry: Registry, found: Evidence, names: dict[str, str]) -> None:
    skips = await read_skips(LogReader(bootstrap))
    ledger: dict[LedgerKey, Entry] = {}
    async for message in _messages(bootstrap, Topic.CLAIMS):
        if _is_poison(message, found):
            continue
        try:
            report = decode(message.value, Report)
        except RecordError:
            continue
        if message.offset in skips[message.partition]:
            continue  # what was buried never entered the ledger
        found.claimed.add(names[report.story.id])
        key = ledger_key(report.authority, report.group)
        entry = ledger.get(key) or open_entry(report.authority, report.group, registry)
        ledger[key], alerts = settle(entry, report, registry)
        found.folded |= {(alert.id, alert.revision): _digest(encode(alert)) for alert in alerts}
        row = encode(status_of(ledger[key], message.offset))
        found.folded_rows[key] = Row(message.offset, _digest(row))


def _is_poison(message: Incoming, found: Evidence) -> bool:
    key = (message.key or b"").decode()
    if not key.startswith("poison:"):
        return False
    found.poison[key] = message.origin
    return True


def _digest(value: bytes | None) -> str:
    return hashlib.blake2b(value or b"", digest_size=8).hexdigest()


async def _messages(bootstrap: str, topic: Topic) -> AsyncIterator[Incoming]:
    """All of the topic, partition by partition, which are read side by side."""
    read = LogReader(bootstrap)

    async def of(partition: int) -> list[Incoming]:
        return [message async for message in read(topic, partition, 0, None)]

    for messages in await asyncio.gather(*map(of, range(partitions_of(topic)))):
        for message in messages:
            yield message
