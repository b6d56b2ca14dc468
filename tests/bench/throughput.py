"""How many stories a second of processor time takes, in a bare loop and in Listwire's worker, on one Apache Kafka.

The worker is a process of its own, as it is deployed; what it takes is read off the process from the moment when a
tenth of the stories is through until the last offset of the last of its topics is committed. So its start is not
counted, and all that the stories caused is: relevant stories, claims, alerts, status rows, canaries, commits, metrics.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

import aiohttp
import psutil
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from agents.app import GROUP
from agents.broker import Broker, BrokerSpec
from agents.kafka import create_topics
from agents.settings import load_settings
from streams.topics import DAY_MS, Topic, TopicSpec, partitions_of

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
READ = (Topic.STORIES, Topic.RELEVANT, Topic.CLAIMS)
LOOK_S = 0.1
GIVE_UP_S = 600.0
STORIES = "listwire_stories_total"

Messages = Sequence[tuple[bytes, bytes]]


class Took(NamedTuple):
    """What so many stories took."""

    stories: int
    cpu_s: float
    wall_s: float

    @property
    def a_core(self) -> float:
        """Stories in a second of processor time."""
        return self.stories / self.cpu_s


@contextmanager
def kafka() -> Iterator[str]:
    """The address of a broker of our own, empty, with Listwire's topics."""
    settings = load_settings()
    with tempfile.TemporaryDirectory() as folder:
        spec = BrokerSpec(Path(folder), settings.cache_dir, settings.kafka_jars, settings.maven_repository)
        with Broker.start(spec, lambda _: None) as broker:
            asyncio.run(_topics(broker.bootstrap))
            yield broker.bootstrap


async def _topics(bootstrap: str) -> None:
    await create_topics(bootstrap)
    own = TopicSpec("bench.raw", 4, False, DAY_MS, "what the bare loop sends")  # type: ignore[arg-type]
    await create_topics(bootstrap, specs=[own])


async def put(bootstrap: str, messages: Messages) -> None:
    """The stories on their topic, in order."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", linger_ms=20, max_batch_size=262_144)
    await producer.start()
    try:
        for start in range(0, len(messages), 2_000):
            some = messages[start : start + 2_000]
            await asyncio.gather(*[await producer.send(str(Topic.STORIES), value, key) for key, value in some])
    finally:
        await producer.stop()


def raw(messages: Messages) -> Took:
    """The bare loop, on a broker of its own."""
    with kafka() as bootstrap:
        asyncio.run(put(bootstrap, messages))
        command = [sys.executable, str(HERE / "raw_loop.py"), bootstrap, str(Topic.STORIES), str(len(messages))]
        told = asyncio.run(_told(command))
    return Took(int(told["stories"]), told["cpu_s"], told["wall_s"])


async def _told(command: list[str]) -> dict[str, float]:
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, env=os.environ | {"PYTHONPATH": str(ROOT)}
    )
    out, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"{command}: ended with {process.returncode}")
    found: dict[str, float] = json.loads(out)
    return found


def worker(messages: Messages, *, stock: bool = False) -> Took:
    """Listwire's worker on a broker of its own; `stock`: with Faust as it comes."""
    with kafka() as bootstrap:
        asyncio.run(put(bootstrap, messages))
        return asyncio.run(_worked(bootstrap, len(messages), stock=stock))


async def _worked(bootstrap: str, count: int, *, stock: bool) -> Took:
    async with started(bootstrap, stock=stock) as (process, port), asyncio.timeout(GIVE_UP_S):
        return await _observed(process, bootstrap, port, count)


@asynccontextmanager
async def started(bootstrap: str, *, stock: bool = False) -> AsyncIterator[tuple[psutil.Process, int]]:
    """A worker on the broker, as a process and the port of its metrics, for as long as the block runs."""
    program = [str(HERE / "stock_worker.py")] if stock else ["-m", "agents"]
    port = _free_port()
    command = f"worker --baseline none --sink stdout:json --metrics-port {port} --log-level error".split()
    with tempfile.TemporaryDirectory() as folder:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, *program, *command),
            env=os.environ | {"LISTWIRE_BROKER": bootstrap, "LISTWIRE_DATA_DIR": folder, "PYTHONPATH": str(ROOT)},
            stdout=asyncio.subprocess.DEVNULL,
        )
        try:
            yield psutil.Process(process.pid), port
        finally:
            process.terminate()
            await process.wait()


async def _observed(process: psutil.Process, bootstrap: str, port: int, count: int) -> Took:
    while (begun := await figure(port, STORIES)) < count / 10:  # noqa: ASYNC110 - the other process sends no event
        await asyncio.sleep(LOOK_S)
    started, spent = perf_counter(), _cpu_s(process)
    await committed(bootstrap)
    return Took(count - begun, _cpu_s(process) - spent, perf_counter() - started)


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


async def figure(port: int, metric: str) -> int:
    """A metric without labels of the worker there; 0 as long as it does not answer."""
    try:
        async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/metrics") as answer:
            found = re.search(rf"^{metric} (\S+)", await answer.text(), re.MULTILINE)
    except aiohttp.ClientConnectionError:
        return 0
    return int(float(found[1])) if found else 0


async def committed(bootstrap: str) -> None:
    """Returns when the group has committed all that its topics hold, twice in a row."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=GROUP, enable_auto_commit=False)
    await consumer.start()
    try:
        pairs = [TopicPartition(str(topic), number) for topic in READ for number in range(partitions_of(topic))]
        quiet = 0
        while quiet < 2:
            await asyncio.sleep(LOOK_S)
            ends = await consumer.end_offsets(pairs)
            behind = [pair for pair in pairs if ends[pair] and (await consumer.committed(pair) or 0) < ends[pair]]
            quiet = 0 if behind else quiet + 1
    finally:
        await consumer.stop()
