"""What the watch has to know of the partitions that the agents read: canaries, offsets, the group's decisions.

The broker is asked by a client of its own, in the agents' group but with nothing to read: it never joins. As long as
that client has no answer, time stands still for the partitions: how long a broker may be away is for the publisher's
patience to say. After each failure the client is a new one, so it is not itself what hangs.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from agents.app import Bystander
from agents.deadletter import Publishes
from agents.kafka import BrokerDown, Incoming, Outgoing
from agents.lagging import Lags
from agents.link import Bootstrap, client_options
from agents.logs import get_logger
from agents.memory import ReadLog
from agents.messages import CANARY
from streams.codec import encode
from streams.stalls import Offsets, Part, Place, Stalls
from streams.topics import Topic

FOLDED_FOR: Mapping[str, Part] = {
    Topic.STORY_KEYS: Part.RELEVANT,
    Topic.CLAIMS: Part.CLAIMS,
    Topic.SKIPPED: Part.CLAIMS,
    Topic.STATUS: Part.CLAIMS,
}
"""By the log that is read: the part whose messages wait for it."""

logger = get_logger("sentinel")


def _name() -> bytes:
    return uuid4().hex.encode()


class Canary(msgspec.Struct, frozen=True):
    """A record of its own kind: who waits for it."""

    canary: str


@dataclass
class Sentinel(Bystander):
    """Tells `stalls` of the partitions; `run` ends when it is cancelled."""

    broker: Bootstrap
    group: str
    publisher: Publishes
    stalls: Stalls
    name: bytes = field(default_factory=_name)
    lags: Lags = field(init=False)

    def __post_init__(self) -> None:
        """The group has decided nothing yet."""
        self.lags = Lags(self.broker)
        self.stalls.assigned(None)

    async def run(self) -> None:
        """Looks, and sends what canaries are due, for ever."""
        while True:
            try:
                await self._look_on()
            except (KafkaError, OSError, TimeoutError, BrokerDown) as error:
                if self.stalls.broker_answers:
                    logger.warning("broker does not answer", broker=str(self.broker), error=repr(error))
                self.stalls.broker_answers = False
            await asyncio.sleep(self.stalls.limits.look_s)

    def assigned(self, partitions: Iterable[Any] | None) -> None:
        """What the group has decided; None: it is deciding."""
        if partitions is None:  # what we had we may keep, so it is told of until that is decided
            self.stalls.assigned(None)
            return
        places = {Place(Part(tp.topic), tp.partition) for tp in partitions}
        self.stalls.assigned(places)
        self.lags.keep(places)

    def handled(self, event: Incoming) -> None:
        """The event is done, or has come through if it is a canary of ours."""
        place = Place(Part(event.topic), event.partition)
        if event.headers and dict(event.headers).get(CANARY) == self.name:
            self.stalls.seen(place)
            self.lags.canary_came(place, time.time())
        self.stalls.handled(place, event.offset)

    def listening(self, read: ReadLog) -> ReadLog:
        """The same reader, whose messages are a sign of life of the agent that folds them."""

        async def reading(topic: str, partition: int, start: int, end: int | None) -> AsyncIterator[Incoming]:
            async for message in read(topic, partition, start, end):
                self.stalls.at_work(FOLDED_FOR[topic])
                yield message

        return reading

    async def _look_on(self) -> None:
        consumer = AIOKafkaConsumer(**client_options(self.broker), group_id=self.group, enable_auto_commit=False)
        try:
            async with asyncio.timeout(self.stalls.limits.look_s):
                await consumer.start()
            while True:
                async with asyncio.timeout(self.stalls.limits.look_s):
                    offsets = await _offsets(consumer, self.stalls.places)
                self.stalls.answered(offsets)
                await self._send()
                await self._measure(offsets)
                await asyncio.sleep(self.stalls.limits.look_s)
        finally:
            await self.lags.close()
            await consumer.stop()

    async def _measure(self, offsets: Mapping[Place, Offsets]) -> None:
        await self.lags.look(offsets)
        if self.stalls.places:  # the group may have decided anew while we looked
            self.lags.keep(self.stalls.places)

    async def _send(self) -> None:
        places = self.stalls.due_canaries()
        for place in places:
            self.stalls.sent(place)
        try:
            async with asyncio.timeout(self.stalls.limits.look_s):
                await self.publisher.publish(*(self._canary(place) for place in places))
        except (BrokerDown, TimeoutError):
            for place in places:
                self.stalls.unsent(place)
            raise

    def _canary(self, place: Place) -> Outgoing:
        value = encode(Canary(self.name.decode()))
        return Outgoing(place.part, CANARY.encode(), value, ((CANARY, self.name),), place.partition)


async def _offsets(consumer: Any, places: Collection[Place]) -> dict[Place, Offsets]:
    pairs = {place: TopicPartition(place.part.value, place.partition) for place in places}
    if not pairs:
        await consumer.topics()  # whether it answers
        return {}
    ends = await consumer.end_offsets(list(pairs.values()))
    return {place: Offsets(await consumer.committed(pair), ends[pair]) for place, pair in pairs.items()}
