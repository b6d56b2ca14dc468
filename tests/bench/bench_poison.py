"""What poison costs a worker, beside stories without news: `python tests/bench/bench_poison.py`.

Both are put on `wire.stories` of one Apache Kafka, one kind after the other, in turns, while the worker is stopped.
Timed is from the moment that it may go on until its classifier is through with the last, by its own count: of a quiet
story nothing comes, each poison is a dead letter whose acknowledgement is awaited. Offsets are committed once a second
whatever there is, so they would tell nothing. Some poison is large, and to fetch 56 MB takes its time whatever it is:
so there are quiet stories of just these sizes too, blown up with blanks.
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
COUNTED = re.compile(r'^listwire_handler_seconds_(count|sum)\{agent="classifier"\} (\S+)', re.MULTILINE)
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


def quiet_and_large(number: int) -> Outgoing:
    """The quiet story with as many bytes as the poison of that number has, if that is more."""
    made = quiet(number)
    return made._replace(value=(made.value or b"").ljust(len(poison(number).value or b"")))


def short_poison(number: int) -> Outgoing:
    """No JSON, a few bytes."""
    return Outgoing(Topic.STORIES, f"short-{number}".encode(), b"{not json")


KINDS = {"quiet": quiet, "short poison": short_poison, "quiet, as large": quiet_and_large, "poison": poison}


class Worker:
    """A real one, in a process of its own, that can be stopped and counted."""

    def __init__(self, process: asyncio.subprocess.Process, port: int, bootstrap: str) -> None:
        self.process = process
        self.publisher = Publisher(bootstrap)
        self._address = f"http://127.0.0.1:{port}/metrics"
        self._done = 0

    async def seconds(self, messages: list[Outgoing]) -> tuple[float, float]:
        """How long it takes to be through with these, and how long of that the guard takes."""
        async with aiohttp.ClientSession() as session:
            _, before = await self._counted(session)
            self.process.send_signal(signal.SIGSTOP)
            await self.publisher.publish(*messages)
            began = time.perf_counter()
            self.process.send_signal(signal.SIGCONT)
            after = await self._through(session, len(messages))
        return time.perf_counter() - began, after - before

    async def until_ready(self) -> None:
        """Returns when it has been given its partitions and has answered for a first message."""
        async with aiohttp.ClientSession() as session:
            await self._through(session, 0)
            await self.publisher.start()
            await self.publisher.publish(quiet(0), poison(1))
            await self._through(session, 2)

    async def _through(self, session: aiohttp.ClientSession, more: int) -> float:
        self._done += more
        while (counted := await self._counted(session))[0] < self._done:  # noqa: ASYNC110 - another process counts
            await asyncio.sleep(0.01)
        return counted[1]

    async def _counted(self, session: aiohttp.ClientSession) -> tuple[float, float]:
        """How many messages its guard is through with, and the seconds that it took over them."""
        try:
            async with session.get(self._address) as answer:
                found = dict(COUNTED.findall(await answer.text()))
        except aiohttp.ClientConnectionError:
            return -1, 0
        return float(found.get("count", 0)), float(found.get("sum", 0))


async def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    settings = load_settings()
    took: dict[str, list[tuple[float, float]]] = {name: [] for name in KINDS}
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
                    for name, made in KINDS.items():
                        took[name].append(await worker.seconds([made(number) for number in range(given.messages)]))
            finally:
                await worker.publisher.stop()
                process.terminate()
                await process.wait()
    medians = {name: [statistics.median(part) for part in zip(*times, strict=True)] for name, times in took.items()}
    for name, (whole, guard) in medians.items():
        sys.stdout.write(f"{given.messages} {name:15} {whole:6.2f} s, {guard:.2f} s of it in the guard\n")
    more = [poisoned - fine for poisoned, fine in zip(medians["poison"], medians["quiet, as large"], strict=True)]
    sys.stdout.write(f"poison costs {more[0]:.2f} s more than as large a story, {more[1]:.2f} s of it in the guard\n")


if __name__ == "__main__":
    asyncio.run(main())
