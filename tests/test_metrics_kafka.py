"""What a really running worker, poller and page expose, and how far behind a partition of Apache Kafka is."""

import asyncio
from collections.abc import AsyncIterator
from enum import StrEnum
from typing import Any, cast
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from agents.kafka import Outgoing, Publisher
from agents.lagging import Lags
from agents.memory import LogReader
from agents.waiting import measuring, name_of
from streams.stalls import Offsets, Part, Place

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

WITHIN_S = 60.0


async def own_topic(kafka: str) -> Part:
    """The name of a topic of two partitions, as if it were one that the agents read."""
    name = f"lags-{uuid4().hex}"
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    await admin.create_topics([NewTopic(name, 2, 1)])
    await admin.close()
    return cast(Part, StrEnum("Own", {"TOPIC": name})["TOPIC"])


async def written(kafka: str, topic: Part, *partitions: int) -> dict[int, list[float]]:
    """When each message was written, after one more went to each of these."""
    publisher = Publisher(kafka)
    await publisher.start()
    for partition in partitions:
        await publisher.publish(Outgoing(topic, b"k", b"v" * 10_000, (), partition))
    await publisher.stop()
    read = LogReader(kafka)
    return {number: [message.timestamp async for message in read(topic, number, 0, None)] for number in (0, 1)}


class TestLags:
    """On a topic of the test's own, for the figures are of partitions by name."""

    @pytest.fixture
    async def topic(self, kafka: str) -> Part:
        return await own_topic(kafka)

    @pytest.fixture
    async def lags(self, kafka: str) -> AsyncIterator[Lags]:
        made = Lags(kafka)
        yield made
        await made.close()

    @staticmethod
    def told(meter: Any, topic: Part, partition: int) -> tuple[float | None, float | None]:
        labels = {"topic": str(topic), "partition": str(partition)}
        names = ("listwire_partition_lag_messages", "listwire_partition_oldest_timestamp_seconds")
        return cast(tuple[float | None, float | None], tuple(meter.value(name, **labels) for name in names))

    async def test_tells_how_many_wait_and_since_when(self, kafka: str, topic: Part, lags: Lags, meter: Any) -> None:
        first, second = Place(topic, 0), Place(topic, 1)
        times = await written(kafka, topic, 0, 0, 0, 1)
        await lags.look({first: Offsets(None, 3), second: Offsets(1, 1)})
        assert self.told(meter, topic, 0) == (3, times[0][0])
        assert self.told(meter, topic, 1) == (0, 0)
        times = await written(kafka, topic, 1, 1)
        await lags.look({first: Offsets(2, 3), second: Offsets(1, 3)})
        assert self.told(meter, topic, 0) == (1, times[0][2])
        assert self.told(meter, topic, 1) == (2, times[1][1])
        await lags.look({first: Offsets(3, 3), second: Offsets(1, 3)})
        assert self.told(meter, topic, 0) == (0, 0)
        assert self.told(meter, topic, 1) == (2, times[1][1])

    async def test_a_partition_that_goes_away_takes_its_series_along(
        self, kafka: str, topic: Part, lags: Lags, meter: Any
    ) -> None:
        places = [Place(topic, 0), Place(topic, 1)]
        await lags.look(dict.fromkeys(places, Offsets(0, 0)))
        lags.canary_came(places[1], 5.0)
        assert meter.value("listwire_canary_timestamp_seconds", topic=str(topic), partition="1") == 5
        lags.keep([places[0]])
        assert self.told(meter, topic, 0) == (0, 0)
        assert self.told(meter, topic, 1) == (None, None)
        assert meter.value("listwire_canary_timestamp_seconds", topic=str(topic), partition="1") is None

    async def test_nothing_is_told_of_messages_that_cannot_be_read_and_the_next_look_tries_again(
        self, kafka: str, topic: Part, meter: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        lags, place = Lags("127.0.0.1:1"), Place(topic, 0)
        await written(kafka, topic, 0)
        await lags.look({place: Offsets(0, 1)})
        assert self.told(meter, topic, 0) == (None, None)
        monkeypatch.setattr(lags, "_broker", kafka)
        await lags.look({place: Offsets(0, 1)})
        await lags.close()
        assert self.told(meter, topic, 0)[0] == 1


async def test_tells_what_a_sink_has_still_to_be_given(kafka: str, meter: Any) -> None:
    topic, group = await own_topic(kafka), f"listwire.herald.ear.{uuid4().hex}"
    await written(kafka, topic, 0, 0, 0, 1)
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, group_id=group, enable_auto_commit=False)
    await consumer.start()
    measured = None
    try:
        consumer.assign([TopicPartition(str(topic), 0), TopicPartition(str(topic), 1)])
        await consumer.commit({TopicPartition(str(topic), 0): 1})
        measured = asyncio.create_task(measuring(consumer, group))
        async with asyncio.timeout(10):
            while meter.value("listwire_sink_waiting_messages", sink=name_of(group)) is None:  # noqa: ASYNC110 - no event
                await asyncio.sleep(0.01)
        assert meter.value("listwire_sink_waiting_messages", sink=name_of(group)) == 3
    finally:
        if measured is not None:
            measured.cancel()
        await consumer.stop()
