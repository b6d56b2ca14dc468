"""Consumer groups on a broker: which there are, how far they have come on our topics, and setting that.

A place can be set only while nobody reads in the group: a member would commit its own over it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.structs import OffsetAndMetadata

from agents.admin import Admin
from agents.app import GROUP
from agents.inquiries import inquiring
from agents.link import Bootstrap, client_options
from agents.reaching import CONNECT_S, patience
from streams.backups import Place
from streams.topics import Topic

OURS = frozenset(map(str, Topic))


async def cluster_of(bootstrap: Bootstrap) -> str:
    """The id that the cluster gave itself."""
    async with Admin(bootstrap) as admin, patience(bootstrap, "does not tell who it is", 2 * CONNECT_S):
        return str((await admin.client.describe_cluster())["cluster_id"])


async def read_places(bootstrap: Bootstrap) -> tuple[Place, ...]:
    """Where every group that we may see stands on our topics. Raises BrokerDown or BrokerRefused."""
    async with Admin(bootstrap) as admin, patience(bootstrap, "does not tell its consumer groups", 6 * CONNECT_S):
        names = sorted({group[0] for group in await admin.client.list_consumer_groups()})
        found = [place for name in names for place in await _of(admin.client, name)]
    return tuple(sorted(found, key=lambda place: (place.group, place.topic, place.partition)))


async def busy(bootstrap: Bootstrap) -> list[str]:
    """The groups of Listwire in which somebody reads now."""
    async with Admin(bootstrap) as admin, patience(bootstrap, "does not tell its consumer groups", 6 * CONNECT_S):
        names = sorted({group[0] for group in await admin.client.list_consumer_groups()})
    ours = [name for name in names if name == GROUP or name.startswith((f"{GROUP}.", f"{GROUP}-"))]
    async with inquiring(bootstrap) as ask:
        return [name for name in ours if (await ask.group(name)).members]


async def set_places(bootstrap: Bootstrap, places: Iterable[Place]) -> None:
    """Has the groups go on from there. Raises BrokerDown or BrokerRefused."""
    by_group: dict[str, dict[TopicPartition, OffsetAndMetadata]] = {}
    for place in places:
        tp = TopicPartition(place.topic, place.partition)
        by_group.setdefault(place.group, {})[tp] = OffsetAndMetadata(place.offset, "")
    for group, offsets in by_group.items():
        await _set(bootstrap, group, offsets)


async def _set(bootstrap: Bootstrap, group: str, offsets: dict[TopicPartition, OffsetAndMetadata]) -> None:
    consumer = AIOKafkaConsumer(**client_options(bootstrap), group_id=group, enable_auto_commit=False)
    try:
        async with patience(bootstrap, f"takes no places of {group}", 6 * CONNECT_S):
            await consumer.start()
            consumer.assign([*offsets])
            await consumer.commit(offsets)
    finally:
        await consumer.stop()


async def _of(client: Any, group: str) -> list[Place]:
    offsets = await client.list_consumer_group_offsets(group)
    return [
        Place(group, tp.topic, tp.partition, place.offset)
        for tp, place in offsets.items()
        if tp.topic in OURS and place.offset >= 0
    ]
