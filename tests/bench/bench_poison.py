"""What poison costs a worker, beside stories without news: `python tests/bench/bench_poison.py`.

Both are put on `wire.stories` of one Apache Kafka, one kind after the other, in turns, while the worker is stopped.
Timed is from the moment that it may go on until its classifier is through with the last, by its own count: of a quiet
story nothing comes, each poison is a dead letter whose acknowledgement is awaited. Offsets are committed once a second
whatever there is, so they would tell nothing.
"""

import argparse
import asyncio
import os
import re
import signal
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import aiohttp

from agents.broker import Broker, BrokerSpec
from agents.kafka import Outgoing, Publisher, create_topics
from agents.settings import load_settings
from agents.up import free_port
from streams.codec import encode
from streams.records import Story, StoryId
from streams.topics import MAX_MESSAGE_BYTES, Topic

MOMENT = datetime(2026, 10, 5, 12, tzinfo=UTC)
COUNT = re.compile(r'^listwire_handler_seconds_count\{agent="classifier"\} (\S+)', re.MULTILINE)
LARGE = 20
"""So many of a thousand are as large as the topic takes: there is no larger one, the broker refuses it."""


def quiet(number: int) -> Outgoing:
    """A story of 400 words that names nobody."""
    body = "Farmers will be paid more for milk after a long quarrel about prices, the minister said on Monday. " * 24
    name = f"quiet-{number}"
    told = Story(
        id=StoryId(name),
        feed="bench",
        guid=name,
        headline="Milk to cost more",
        body=body,
        published=MOMENT,
        received_at=MOMENT,
    )
    return Outgoing(Topic.STORIES, name.encode(), encode(told))


def poison(number: int) -> Outgoing:
    """One of the sorts: no JSON, nothing, other types, endless depth, and now and then the largest there can be."""
    sorts = (b"{not json", None, b'{"id": 3, "feed": []}', b"[" * 100_000, b"\xff\x00" * 40, b"{}")
    largest = b"x" * (MAX_MESSAGE_BYTES - 1_000)
    value = largest if number % (1_000 // LARGE) == 0 else sorts[number % len(sorts)]
    return Outgoing(Topic.STORIES, f"poison-{number}".encode(), value)


class Worker:
    """A real one, in a process of its own, that can be stopped and counted."""

    def __init__(self, process: asyncio.subprocess.Process, port: int, bootstrap: str) -> None:
        self.process = process
        self.publisher = Publisher(bootstrap)
        self._address = f"http://127.0.0.1:{port}/metrics"
        self._done = 0

    async def seconds(self, messages: list[Outgoing]) -> float:
        """How long it takes to be through with these."""
        self.process.send_signal(signal.SIGSTOP)
        await self.publisher.publish(*messages)
        self._done += len(messages)
        began = time.perf_counter()
        self.process.send_signal(signal.SIGCONT)
        async with aiohttp.ClientSession() as session:
            while await self._count(session) < self._done:  # noqa: ASYNC110 - it is another process
                await asyncio.sleep(0.01)
        return time.perf_counter() - began

    async def until_ready(self) -> None:
        """Returns when it has been given its partitions and has answered for a first message."""
        async with aiohttp.ClientSession() as session:
            while await self._count(session) < 0:  # noqa: ASYNC110 - it is another process
                await asyncio.sleep(0.2)
        await self.publisher.start()
        self._done += 2
        await self.publisher.publish(quiet(0), poison(1))
        async with aiohttp.ClientSession() as session:
            while await self._count(session) < self._done:  # noqa: ASYNC110 - it is another process
                await asyncio.sleep(0.2)

    async def _count(self, session: aiohttp.ClientSession) -> float:
        try:
            async with session.get(self._address) as answer:
                found = COUNT.search(await answer.text())
        except aiohttp.ClientConnectionError:
            return -1
        return float(found[1]) if found else 0


async def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    settings = load_settings()
    took: dict[str, list[float]] = {"quiet": [], "poison": []}
    with tempfile.TemporaryDirectory() as folder:
        spec = BrokerSpec(Path(folder), settings.cache_dir, settings.kafka_jars, settings.maven_repository)
        with Broker.start(spec, lambda _: None) as broker:
            await create_topics(broker.bootstrap)
            port = free_port()
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "agents", *f"worker --sink stdout:json --metrics-port {port}".split()),
                env=os.environ | {"LISTWIRE_BROKER": broker.bootstrap, "LISTWIRE_DATA_DIR": folder},
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
            )
            worker = Worker(process, port, broker.bootstrap)
            try:
                await worker.until_ready()
                for _ in range(given.rounds):
                    for name, made in (("quiet", quiet), ("poison", poison)):
                        took[name].append(await worker.seconds([made(number) for number in range(given.messages)]))
            finally:
                await worker.publisher.stop()
                process.terminate()
                await process.wait()
    medians = {name: statistics.median(times) for name, times in took.items()}
    for name, times in took.items():
        sys.stdout.write(f"{given.messages} {name:6} {medians[name]:6.2f} s  (least {min(times):.2f} s)\n")
    sys.stdout.write(f"poison costs {medians['poison'] - medians['quiet']:.2f} s more\n")


if __name__ == "__main__":
    asyncio.run(main())
