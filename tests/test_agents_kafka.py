"""Agents, publisher and memory on a real Apache Kafka: what is committed, buried, and comes again."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import faust
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from agents.app import Assignment, Station, build_app
from agents.broker import Broker, BrokerSpec
from agents.deadletter import ABORTED, Guard
from agents.kafka import (
    BrokerDown,
    BrokerError,
    Incoming,
    Outgoing,
    Publisher,
    create_topics,
    describe_topics,
)
from agents.letters import opened
from agents.memory import LogReader
from agents.worker import stations
from streams.alerts import settle
from streams.codec import decode, encode
from streams.errors import RecordError
from streams.ledger import open_entry
from streams.records import Alert, Report, Story, StoryId, ledger_key
from streams.registry import load_registry
from streams.topics import MAX_MESSAGE_BYTES, TOPICS, Topic, TopicSpec

pytestmark = pytest.mark.kafka


@pytest.fixture(scope="module")
def bootstrap(broker_spec: Callable[[Path], BrokerSpec], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A broker of this module's own: some tests need our topics to themselves."""
    with Broker.start(broker_spec(tmp_path_factory.mktemp("agents-kafka")), lambda _: None) as broker:
        asyncio.run(create_topics(broker.bootstrap))
        yield broker.bootstrap


@pytest.fixture
async def publisher(bootstrap: str) -> AsyncIterator[Publisher]:
    made = Publisher(bootstrap)
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def topic(bootstrap: str) -> str:
    """A topic of the test's own, one partition."""
    name = f"test.{uuid4().hex[:12]}"
    await create_topics(bootstrap, 1, [TopicSpec(name, 1, False, -1, "a test")])  # type: ignore[arg-type]
    return name


class Bench(NamedTuple):
    """A broker, a publisher on it, and a topic and a folder of the test's own."""

    bootstrap: str
    publisher: Publisher
    topic: str
    data_dir: Path

    async def fill(self, *values: bytes | None) -> None:
        await self.publisher.publish(*(Outgoing(self.topic, b"k", value) for value in values))

    def agent(self, guard: Guard) -> tuple[faust.App, Assignment]:
        station = Station(self.topic, guard, lambda _: None)  # type: ignore[arg-type]
        return build_app(self.bootstrap, [station], self.data_dir, f"group-{self.topic}")

    async def committed(self) -> int | None:
        group = f"group-{self.topic}"
        consumer = AIOKafkaConsumer(bootstrap_servers=self.bootstrap, group_id=group, enable_auto_commit=False)
        await consumer.start()
        try:
            return await consumer.committed(TopicPartition(self.topic, 0))
        finally:
            await consumer.stop()


@pytest.fixture
def bench(bootstrap: str, publisher: Publisher, topic: str, tmp_path: Path) -> Bench:
    return Bench(bootstrap, publisher, topic, tmp_path)


@asynccontextmanager
async def running(app: faust.App) -> AsyncIterator[None]:
    await app.start()
    try:
        yield
    finally:
        await app.stop()


async def messages(bootstrap: str, topic: str) -> list[Incoming]:
    read = LogReader(bootstrap)
    partitions = next((spec.partitions for spec in TOPICS if spec.topic == topic), 1)
    return [message for partition in range(partitions) async for message in read(topic, partition, 0, None)]


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 40) -> None:
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 - a broker raises no event of ours
            await asyncio.sleep(0.1)


# topics


async def test_topics_are_created_once_and_as_the_table_has_them(bootstrap: str) -> None:
    assert await create_topics(bootstrap) == []
    assert [(state.name, state.partitions) for state in await describe_topics(bootstrap)] == [
        (spec.topic, spec.partitions) for spec in TOPICS
    ]


async def test_a_topic_with_other_partitions_is_an_error_that_names_it(bootstrap: str, topic: str) -> None:
    with pytest.raises(BrokerError, match=f"topic {topic} has 1 partitions, Listwire needs 4"):
        await create_topics(bootstrap, 1, [TopicSpec(topic, 4, False, -1, "a test")])  # type: ignore[arg-type]


async def test_more_copies_than_brokers_is_the_brokers_own_word(bootstrap: str) -> None:
    spec = TopicSpec("test.copies", 1, False, -1, "a test")  # type: ignore[arg-type]
    with pytest.raises(BrokerError, match=r"topic test.copies: .*replica"):
        await create_topics(bootstrap, 3, [spec])


async def test_a_broker_that_is_not_there_is_one_line_that_names_it() -> None:
    with pytest.raises(BrokerDown, match=r"^Kafka broker 127.0.0.1:1: unreachable \(connection refused\)$"):
        await create_topics("127.0.0.1:1")


# publisher and log reader


async def test_what_was_published_can_be_read_in_stretches(bootstrap: str, publisher: Publisher, topic: str) -> None:
    await publisher.publish(*(Outgoing(topic, b"k", b"%d" % n, (("h", b"1"),)) for n in range(5)))
    read = LogReader(bootstrap)

    async def stretch(start: int, end: int | None) -> list[bytes | None]:
        return [message.value async for message in read(topic, 0, start, end)]

    assert await stretch(0, None) == [b"0", b"1", b"2", b"3", b"4"]
    assert await stretch(1, 3) == [b"1", b"2"]
    assert await stretch(5, None) == []
    assert await stretch(3, 3) == []
    assert [message.headers async for message in read(topic, 0, 0, 1)] == [(("h", b"1"),)]


async def test_the_largest_message_goes_through(bootstrap: str, publisher: Publisher, topic: str) -> None:
    largest = Outgoing(topic, b"k", os.urandom(MAX_MESSAGE_BYTES - 600))
    await publisher.publish(largest)
    assert [message.value for message in await messages(bootstrap, topic)] == [largest.value]


async def test_a_topic_that_does_not_exist_is_given_up_in_time(bootstrap: str) -> None:
    hasty = Publisher(bootstrap, patience_s=1)
    await hasty.start()
    with pytest.raises(BrokerDown, match=r"no\.such is not acknowledged within 1 s"):
        await hasty.publish(Outgoing("no.such", b"k", b"v"))
    assert await hasty.reachable()
    await hasty.stop()
    assert not await hasty.reachable()


# one agent


async def test_poison_is_buried_and_stops_nothing(bench: Bench) -> None:
    handled: list[bytes | None] = []

    async def handler(event: Incoming) -> Sequence[Outgoing]:
        if event.value != b"good":
            raise RecordError("Story", "poison")
        handled.append(event.value)
        return ()

    large = os.urandom(MAX_MESSAGE_BYTES - 600)
    poison = [b"{not json", None, b"", b"[" * 100_000, *[b"x"] * 200]
    await bench.fill(large, *poison, b"good")
    app, _ = bench.agent(Guard("t", handler, bench.publisher))

    async def done() -> bool:
        return await bench.committed() == len(poison) + 2

    async with running(app):
        await until(done)
    buried = [opened(message) for message in await messages(bench.bootstrap, Topic.DEADLETTERS)]
    ours = sorted((one for one in buried if one.topic == bench.topic), key=lambda one: one.offset)
    assert [letter.offset for letter in ours] == list(range(len(poison) + 1))
    assert [letter.value for letter in ours[1:]] == poison
    assert large.startswith(ours[0].value or b"no")
    assert handled == [b"good"]


class _WithoutHold(Guard):
    """The guard as it would be if cancellation were left to Faust."""

    async def __call__(self, event: Incoming, hold: Callable[[], None] = lambda: None) -> None:
        await super().__call__(event)


@pytest.mark.parametrize(("kind", "offset"), [(Guard, 1), (_WithoutHold, 2)])
async def test_an_event_that_a_crash_cancels_is_not_committed_because_it_is_held(
    kind: type[Guard], offset: int, bench: Bench
) -> None:
    """The second case is why the guard holds: when Faust stops committing such an event, it will tell."""
    at_work = asyncio.Event()

    async def handler(event: Incoming) -> Sequence[Outgoing]:
        if event.offset == 1:
            at_work.set()
            await asyncio.Event().wait()
        return ()

    async def first_committed() -> bool:
        return await bench.committed() == 1

    await bench.fill(b"0", b"1", b"2")
    app, _ = bench.agent(kind("t", handler, bench.publisher))
    async with asyncio.timeout(60), running(app):
        await at_work.wait()
        await until(first_committed)
        await app.crash(RuntimeError("a service of Faust died"))
    assert await bench.committed() == offset


GIVING_UP = """
import asyncio, sys
from pathlib import Path
from agents.app import Station, build_app
from agents.deadletter import Guard
from agents.kafka import BrokerDown, Publisher

async def handler(event):
    print(event.offset, flush=True)
    if event.offset == int(sys.argv[4]):
        raise BrokerDown("broker", "takes nothing")
    return ()

async def main():
    publisher = Publisher(sys.argv[1])
    await publisher.start()
    station = Station(sys.argv[2], Guard("t", handler, publisher), lambda _: None)
    app, _ = build_app(sys.argv[1], [station], Path(sys.argv[3]), f"group-{sys.argv[2]}")
    await app.start()
    await app.wait_for_stopped()

asyncio.run(main())
"""


@pytest.mark.slow  # the second process waits for the session of the first to run out
async def test_an_event_that_can_be_neither_handled_nor_buried_ends_the_process_and_comes_again(
    bench: Bench,
) -> None:
    await bench.fill(b"0", b"1", b"2", b"3", b"4")
    seen = []
    for failing_at in ("1", "3"):
        command = [
            sys.executable,
            "-c",
            GIVING_UP,
            bench.bootstrap,
            bench.topic,
            str(bench.data_dir),
            failing_at,
        ]
        ended = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=40)
        assert ended.returncode == ABORTED
        seen.append([int(line) for line in ended.stdout.split()])
    assert seen == [[0, 1], [0, 1, 2, 3]]
    assert await bench.committed() is None


def _listening() -> set[str]:
    """Local addresses on which this process listens."""
    inodes = {
        os.readlink(f"/proc/self/fd/{fd}")[8:-1]
        for fd in os.listdir("/proc/self/fd")
        if os.path.islink(f"/proc/self/fd/{fd}") and os.readlink(f"/proc/self/fd/{fd}").startswith("socket:")
    }
    rows = [
        line.split() for table in ("tcp", "tcp6") for line in Path(f"/proc/self/net/{table}").read_text().splitlines()
    ]
    return {row[1] for row in rows if row[3] == "0A" and row[9] in inodes}


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
async def test_faust_opens_no_port_of_its_own(bench: Bench) -> None:
    async def handler(_: Incoming) -> Sequence[Outgoing]:
        return ()

    async def assigned() -> bool:
        return assignment.partitions is not None

    before = _listening()
    app, assignment = bench.agent(Guard("t", handler, bench.publisher))
    async with running(app):
        await until(assigned)
        assert _listening() == before


# all agents

GROUPS = ("the Taliban", "Hezbollah", "Hamas", "Boko Haram")
AUTHORITIES = ("Russia", "Kazakhstan", "Iran")
MOMENT = datetime(2026, 10, 5, 12, tzinfo=UTC)


def story(name: str, number: int) -> Outgoing:
    """One of twelve pieces of news, told once more."""
    group, authority = GROUPS[number % 4], AUTHORITIES[number % 3]
    told = Story(
        id=StoryId(name),
        feed="test",
        guid=name,
        headline=f"{authority} decides to remove {group} from list of terrorist organisations",
        body=f"{authority}'s Foreign Ministry said on Monday that a decision to remove {group} from the list of "
        "terrorist organisations had been made at the highest level.",
        published=MOMENT,
        received_at=MOMENT,
    )
    return Outgoing(Topic.STORIES, name.encode(), encode(told))


async def _claimed(bootstrap: str) -> set[str]:
    return {decode(message.value, Report).story.id for message in await messages(bootstrap, Topic.CLAIMS)}


async def _fold_equals_what_was_announced(bootstrap: str) -> None:
    registry = load_registry()
    entries, alerts = {}, {}
    for message in await messages(bootstrap, Topic.CLAIMS):
        report = decode(message.value, Report)
        key = ledger_key(report.authority, report.group)
        entry = entries.get(key) or open_entry(report.authority, report.group, registry)
        entries[key], made = settle(entry, report, registry)
        alerts.update({(alert.id, alert.revision): encode(alert) for alert in made})
    announced: dict[tuple[str, int], set[bytes]] = {}
    for message in await messages(bootstrap, Topic.ALERTS):
        alert = decode(message.value, Alert)
        announced.setdefault((alert.id, alert.revision), set()).add(message.value or b"")
    assert announced == {key: {value} for key, value in alerts.items()}
    assert len(announced) >= len(GROUPS)


@pytest.mark.slow
async def test_a_ledger_that_moves_between_workers_announces_what_one_fold_of_its_log_does(
    bootstrap: str, publisher: Publisher, tmp_path: Path
) -> None:
    names = {f"moved-{number}" for number in range(60)}
    group = f"group-{uuid4().hex[:8]}"

    def worker(number: int) -> faust.App:
        made = stations(load_registry(), publisher, LogReader(bootstrap))
        return build_app(bootstrap, made, tmp_path / str(number), group)[0]

    async def feed() -> None:
        for number, name in enumerate(sorted(names)):
            await publisher.publish(story(name, number))
            await asyncio.sleep(0.15)

    async def all_claimed() -> bool:
        return names <= await _claimed(bootstrap)

    feeding = asyncio.create_task(feed())
    async with running(worker(1)):
        await asyncio.sleep(3)
        async with running(worker(2)):
            await asyncio.sleep(3)
            await feeding
        await until(all_claimed)
        await asyncio.sleep(1)
    await _fold_equals_what_was_announced(bootstrap)


# the worker as a process

PROGRAM = """
import asyncio, sys
from pathlib import Path
from agents.logs import configure_logging
from agents.settings import load_settings
from agents.worker import run_worker
from streams.registry import load_registry
configure_logging("info", "json")
settings = load_settings(
    broker=sys.argv[1], data_dir=Path(sys.argv[2]), metrics_port=int(sys.argv[3]), sinks=("stdout:json",)
)
sys.exit(asyncio.run(run_worker(settings, load_registry())))
"""


@contextmanager
def worker_process(bootstrap: str, data_dir: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-c", PROGRAM, bootstrap, str(data_dir), str(port)]
    with (data_dir / "out").open("ab") as out, (data_dir / "err").open("ab") as err:
        process = subprocess.Popen(command, stdout=out, stderr=err)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
            return answer.status == 200
    except (urllib.error.URLError, ConnectionError):
        return False


async def _ready(port: int) -> bool:
    return await asyncio.to_thread(ready, port)


@pytest.mark.slow
async def test_a_worker_killed_half_way_goes_on_where_it_was_and_ends_on_a_signal(
    bootstrap: str, publisher: Publisher, tmp_path: Path, unused_tcp_port: int
) -> None:
    names = [f"killed-{number}" for number in range(200)]

    async def all_claimed() -> bool:
        return set(names) <= await _claimed(bootstrap)

    with worker_process(bootstrap, tmp_path, unused_tcp_port) as process:
        await until(lambda: _ready(unused_tcp_port))
        feeding = asyncio.create_task(publisher.publish(*map(story, names, range(200))))
        await asyncio.sleep(0.4)
        process.send_signal(signal.SIGKILL)
        await feeding
    with worker_process(bootstrap, tmp_path, unused_tcp_port) as process:
        await until(all_claimed, 60)
        before = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(process.wait, 10) == 0
        assert time.monotonic() - before < 10
    await _fold_equals_what_was_announced(bootstrap)
    delivered = [json.loads(line) for line in (tmp_path / "out").read_text().splitlines()]
    assert delivered
    assert not re.search("Traceback", (tmp_path / "err").read_text())
