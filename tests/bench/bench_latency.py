"""From a story to its alert and from a kill to its retraction, on Apache Kafka: `python tests/bench/bench_latency.py`.

The broker and the worker are those of `listwire up`; the stories are put on `wire.stories` one by one, evenly spaced,
as a poller does when its fetch is through, each with an alert of its own to come. Printed is the time from the moment
before the first byte is sent until the alert has been read from `designation.alerts`.
"""

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from aiokafka import AIOKafkaConsumer
from msgspec.structs import replace

from agents.broker import Broker, BrokerSpec
from agents.kafka import Outgoing, Publisher, create_topics
from agents.settings import load_settings
from streams.codec import decode, encode
from streams.records import Alert, Story
from streams.registry import load_registry
from streams.topics import Topic
from streams.vocabulary import AlertStatus, PubStatus
from streams.wires.documents import story_id


def stories(count: int) -> Iterator[Story]:
    """Stories of which each lists another group."""
    registry = load_registry()
    names = [group.name for group in registry.groups.values() if registry.matcher.find(group.name)]
    for number, name in enumerate(names[:count]):
        text = (
            f"Kyrgyzstan has added {name} to its list of terrorist organisations, the Foreign Ministry said on Friday."
        )
        now = datetime.now(UTC)
        yield Story(
            id=story_id("bench", str(number)),
            feed="bench",
            guid=str(number),
            headline=text,
            body=text + " Officials gave no further details of the decision." * 8,
            received_at=now,
            published=now,
            source="Bench Wire",
        )


class Took(NamedTuple):
    """Seconds for each alert that came, and for each retraction."""

    alerts: list[float]
    retractions: list[float]


async def measure(bootstrap: str, count: int, pause_s: float) -> Took:
    """Publishes the stories, then a kill of each tenth."""
    publisher = Publisher(bootstrap)
    await publisher.start()
    consumer = AIOKafkaConsumer(str(Topic.ALERTS), bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    sent: dict[tuple[str, bool], float] = {}
    took: dict[tuple[str, bool], float] = {}

    async def hear() -> None:
        async for record in consumer:
            alert = decode(record.value, Alert)
            told = (alert.bundle, alert.status is AlertStatus.RETRACTED)
            took.setdefault(told, time.perf_counter() - sent[told])

    async def publish(story: Story) -> None:
        sent[story.id, story.pub_status is PubStatus.CANCELED] = time.perf_counter()
        await publisher.publish(Outgoing(Topic.STORIES, story.id.encode(), encode(story)))
        await asyncio.sleep(pause_s)

    hearing = asyncio.create_task(hear())
    published = list(stories(count))
    for story in published:
        await publish(replace(story, published=datetime.now(UTC)))
    for story in published[::10]:
        await publish(replace(story, revision=2, pub_status=PubStatus.CANCELED))
    await asyncio.sleep(3)
    hearing.cancel()
    await asyncio.gather(hearing, return_exceptions=True)
    await consumer.stop()
    await publisher.stop()
    return Took(*([seconds for (_, retracted), seconds in took.items() if retracted is kind] for kind in (False, True)))


async def measured(count: int, pause_s: float) -> Took:
    """What the whole way took, on a broker and a worker of our own."""
    settings = load_settings()
    with tempfile.TemporaryDirectory() as folder:
        spec = BrokerSpec(Path(folder), settings.cache_dir, settings.kafka_jars, settings.maven_repository)
        with Broker.start(spec, lambda _: None) as broker:
            await create_topics(broker.bootstrap)
            command = "worker --baseline none --sink stdout:json --metrics-port 0 --log-level warning".split()
            worker = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "agents", *command),
                env=os.environ | {"LISTWIRE_BROKER": broker.bootstrap, "LISTWIRE_DATA_DIR": folder},
                stdout=asyncio.subprocess.DEVNULL,
            )
            try:
                await asyncio.sleep(15)  # the first assignment of a new group takes seconds and is not measured
                return await measure(broker.bootstrap, count, pause_s)
            finally:
                worker.terminate()
                await worker.wait()


async def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stories", type=int, default=400)
    parser.add_argument("--pause", type=float, default=0.1, help="seconds between two stories")
    given = parser.parse_args()
    took = await measured(given.stories, given.pause)
    sys.stdout.write(f"{given.stories} stories, one every {given.pause:g} s\n")
    for name, times in took._asdict().items():
        points = statistics.quantiles(times, n=100)
        figures = ", ".join(f"p{at} {points[at - 1] * 1e3:.0f} ms" for at in (50, 95, 99))
        sys.stdout.write(f"{len(times)} {name}: {figures}\n")


if __name__ == "__main__":
    asyncio.run(main())
