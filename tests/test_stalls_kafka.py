"""Workers on a real Apache Kafka that stand still, each in its own way, and those that only look like it."""

import asyncio
import json
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from agents.app import GROUP
from agents.broker import Broker, BrokerSpec
from agents.kafka import Outgoing, Publisher, create_topics
from agents.memory import LogReader
from agents.messages import CANARY
from agents.watch import STALLED
from streams.codec import encode
from streams.records import Story, StoryId
from streams.topics import Topic, partitions_of

pytestmark = [pytest.mark.kafka, pytest.mark.slow]
long = pytest.mark.long

MOMENT = datetime(2026, 10, 5, 12, tzinfo=UTC)
READ = (Topic.STORIES, Topic.RELEVANT, Topic.CLAIMS)

PROGRAM = Path(__file__).with_name("stalling.py")


@pytest.fixture
def broker(broker_spec: Callable[[Path], BrokerSpec], tmp_path: Path) -> Iterator[Broker]:
    """One of the test's own, for the workers here are all in one group."""
    with Broker.start(broker_spec(tmp_path / "kafka"), lambda _: None) as made:
        asyncio.run(create_topics(made.bootstrap))
        yield made


class Worker:
    """A worker as a process, whose readiness is looked at all the time."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, errors: Path) -> None:
        self.process = process
        self.told: list[tuple[int, str]] = []  # what /readyz answered
        self._port = port
        self._errors = errors

    @property
    def log(self) -> str:
        return self._errors.read_text("utf-8")

    @property
    def reasons(self) -> str:
        return "".join(text for status, text in self.told if status == 503)

    def get(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}{path}", timeout=4) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    async def look(self) -> int:
        self.told.append(await asyncio.to_thread(self.get, "/readyz"))
        return self.told[-1][0]

    async def becomes_ready(self) -> None:
        await until(self._is_ready)
        self.told.clear()

    async def _is_ready(self) -> bool:
        return await self.look() == 200

    async def ends(self) -> int:
        async def ended() -> bool:
            await self.look()
            return self.process.poll() is not None

        await until(ended)
        return self.process.wait()

    async def works(self, seconds: float) -> None:
        """Looks for so long."""
        ends_at = asyncio.get_running_loop().time() + seconds
        while asyncio.get_running_loop().time() < ends_at:
            await self.look()
            await asyncio.sleep(0.1)


@contextmanager
def worker(
    broker: Broker, folder: Path, port: int, fault: str = "", limits: tuple[float, float] = (3, 8)
) -> Iterator[Worker]:
    command = [sys.executable, PROGRAM, broker.bootstrap, folder, port, fault, *limits]
    with (folder / "out").open("ab") as out, (folder / "err").open("ab") as err:
        process = subprocess.Popen([*map(str, command)], stdout=out, stderr=err)
    try:
        yield Worker(process, port, folder / "err")
    finally:
        process.kill()
        process.wait()


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 90) -> None:
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 - neither a broker nor a process raises an event of ours
            await asyncio.sleep(0.1)


def news(number: int) -> Outgoing:
    told = Story(
        id=StoryId(f"s{number}"),
        feed="test",
        guid=f"s{number}",
        headline="Iran decides to remove Hezbollah from list of terrorist organisations",
        body="Iran's Foreign Ministry said on Monday that a decision to remove Hezbollah from the list of "
        "terrorist organisations had been made at the highest level.",
        published=MOMENT,
        received_at=MOMENT,
    )
    return Outgoing(Topic.STORIES, f"s{number}".encode(), encode(told))


@asynccontextmanager
async def publisher(broker: Broker) -> AsyncIterator[Publisher]:
    made = Publisher(broker.bootstrap)
    await made.start()
    try:
        yield made
    finally:
        await made.stop()


async def count(broker: Broker, topic: Topic) -> tuple[int, int]:
    """How many messages the topic holds, and how many of them are canaries."""
    consumer = AIOKafkaConsumer(bootstrap_servers=broker.bootstrap, enable_auto_commit=False)
    await consumer.start()
    try:
        pairs = [TopicPartition(topic.value, number) for number in range(partitions_of(topic))]
        consumer.assign(pairs)
        await consumer.seek_to_beginning(*pairs)
        ends, headers = await consumer.end_offsets(pairs), []
        while len(headers) < sum(ends.values()):
            for records in (await consumer.getmany(timeout_ms=500)).values():
                headers += [dict(record.headers) for record in records]
        return len(headers), sum(CANARY in found for found in headers)
    finally:
        await consumer.stop()


async def records(broker: Broker, topic: Topic) -> int:
    """What readers of ours see of the topic."""
    read = LogReader(broker.bootstrap)
    return len([1 for number in range(partitions_of(topic)) async for _ in read(topic, number, 0, None)])


async def committed(broker: Broker) -> int:
    """How many stories the group has done with."""
    consumer = AIOKafkaConsumer(bootstrap_servers=broker.bootstrap, group_id=GROUP, enable_auto_commit=False)
    await consumer.start()
    try:
        pairs = [TopicPartition(Topic.STORIES.value, number) for number in range(partitions_of(Topic.STORIES))]
        return sum([await consumer.committed(pair) or 0 for pair in pairs])
    finally:
        await consumer.stop()


def metric(worker: Worker, name: str) -> float:
    found = re.search(rf"^{re.escape(name)} (\S+)$", worker.get("/metrics")[1], re.MULTILINE)
    assert found, (name, worker.process.poll(), worker.log[-3000:])
    return float(found[1])


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("hang", r"wire\.stories/\d+: (messages wait|a canary is not seen) for \d s"),
        pytest.param("deaf", r"(wire|designation)\.\w+/\d+: (messages wait|a canary is not seen) for \d s", marks=long),
        ("deaf to one", r"wire\.stories/2: (messages wait|a canary is not seen) for \d s"),
    ],
)
async def test_a_hung_handler_or_consumer_ends_the_process_and_readiness_named_it_before(
    fault: str, reason: str, broker: Broker, tmp_path: Path, unused_tcp_port: int
) -> None:
    async with publisher(broker) as wire:
        await wire.publish(*map(news, range(8)))
    with worker(broker, tmp_path, unused_tcp_port, fault) as stalling:
        assert await stalling.ends() == STALLED
    answers = [line for line in stalling.reasons.splitlines() if " for " in line]
    assert len(answers) > 5
    assert all(re.fullmatch(reason, line) for line in answers)
    last = json.loads(stalling.log.splitlines()[-1])
    assert (last["event"], last["level"]) == ("process stands still", "critical")
    assert f'File "{PROGRAM}"' in stalling.log  # the stacks of all threads
    with worker(broker, tmp_path, unused_tcp_port) as healthy:
        await until(lambda: _told(tmp_path))
        assert healthy.process.poll() is None


async def _told(folder: Path) -> bool:
    """Whether the alert is out."""
    return '"hezbollah"' in (folder / "out").read_text("utf-8")


@pytest.mark.parametrize(("fault", "code"), [("block", STALLED), pytest.param("hog", -signal.SIGPROF, marks=long)])
async def test_a_blocked_loop_ends_the_process_even_where_it_blocks_all_threads(
    fault: str, code: int, broker: Broker, tmp_path: Path, unused_tcp_port: int
) -> None:
    with worker(broker, tmp_path, unused_tcp_port, fault) as stalling:
        await stalling.becomes_ready()
        async with publisher(broker) as wire:
            before = await committed(broker)
            await wire.publish(news(1))
        assert await stalling.ends() == code
    assert re.search(rf'File ".*stalling.py", line \d+ in {fault}$', stalling.log, re.MULTILINE)
    assert stalling.told[-1][0] == 0
    assert await committed(broker) >= before
    with worker(broker, tmp_path, unused_tcp_port):
        await until(lambda: _told(tmp_path))


@long
async def test_neither_quiet_nor_load_is_a_standstill_and_canaries_are_seen_by_nobody(
    broker: Broker, tmp_path: Path, unused_tcp_port: int
) -> None:
    backlog = 4000
    async with publisher(broker) as wire:
        for start in range(0, backlog, 500):
            await wire.publish(*map(news, range(start, start + 500)))
        with worker(broker, tmp_path, unused_tcp_port, limits=(15, 30)) as healthy:
            await healthy.becomes_ready()

            async def worked_off() -> bool:
                await healthy.look()
                return await asyncio.to_thread(metric, healthy, "listwire_stories_total") >= backlog

            await until(worked_off)
            await healthy.works(12)
            assert " for " not in healthy.reasons
            assert metric(healthy, "listwire_stories_total") == backlog
            assert metric(healthy, 'listwire_stalls_total{part="wire.stories"}') == 0
            assert 'listwire_deadletters_total{reason="malformed"} 0.0' in healthy.get("/metrics")[1]
    for topic in READ:
        there, canaries = await count(broker, topic)
        assert canaries >= partitions_of(topic)
        assert await records(broker, topic) == there - canaries
    assert (await count(broker, Topic.DEADLETTERS))[0] == 0
    assert (await count(broker, Topic.ALERTS))[1] == 0
    assert (await count(broker, Topic.STATUS))[1] == 0


@long
async def test_a_broker_that_is_silent_for_longer_than_the_limit_is_no_standstill_of_ours(
    broker: Broker, tmp_path: Path, unused_tcp_port: int
) -> None:
    (java,) = psutil.Process(broker.process.pid).children()
    with worker(broker, tmp_path, unused_tcp_port, limits=(4, 10)) as waiting:
        await waiting.becomes_ready()
        await waiting.works(3)
        java.suspend()
        try:
            await waiting.works(20)
        finally:
            java.resume()
        assert "does not answer" in waiting.reasons
        await waiting.becomes_ready()
        await waiting.works(5)
        assert waiting.process.poll() is None
        assert {status for status, _ in waiting.told} == {200}


@long
async def test_a_worker_that_was_stopped_for_longer_than_the_limit_goes_on(
    broker: Broker, tmp_path: Path, unused_tcp_port: int
) -> None:
    with worker(broker, tmp_path, unused_tcp_port) as sleeper:
        await sleeper.becomes_ready()
        sleeper.process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(11)
        sleeper.process.send_signal(signal.SIGCONT)
        await sleeper.becomes_ready()
        await sleeper.works(5)
        assert sleeper.process.poll() is None
