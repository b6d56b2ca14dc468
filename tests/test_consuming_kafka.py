"""Faust's consumer with our fetch loop, on a real Apache Kafka: what is passed over, handed over and committed."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from uuid import uuid4

import faust
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from faust.types import TP

from agents.app import Bystander, Station, build_app
from agents.deadletter import Guard
from agents.kafka import Incoming, Outgoing, Publisher, create_topics
from agents.messages import CANARY
from streams.topics import TopicSpec

pytestmark = pytest.mark.kafka
PARTITIONS = 4
QUIET, EVENT = b"quiet", b"event"


class Onlooker(Bystander):
    """Remembers how far each partition was passed over, and the canaries that came through."""

    def __init__(self) -> None:
        self.reached: dict[int, int] = {}
        self.canaries = 0

    def passed(self, tp: TP, offset: int) -> None:
        self.reached[tp.partition] = offset

    def handled(self, event: Incoming) -> None:
        self.canaries += any(name == CANARY for name, _ in event.headers)


class Line:
    """A topic of a test's own with a group on it."""

    def __init__(self, bootstrap: str, publisher: Publisher, folder: Path) -> None:
        self.bootstrap = bootstrap
        self.publisher = publisher
        self.topic = f"test.{uuid4().hex[:12]}"
        self.onlooker = Onlooker()
        self._folder = folder

    async def fill(self, *values: bytes, partition: int = 0, headers: tuple[tuple[str, bytes], ...] = ()) -> None:
        await self.publisher.publish(*(Outgoing(self.topic, b"k", value, headers, partition) for value in values))

    def app(self, handler: Callable[[Incoming], Awaitable[Sequence[Outgoing]]]) -> faust.App:
        station = Station(
            self.topic,  # type: ignore[arg-type]
            Guard("t", handler, self.publisher),
            lambda _: None,
            passes=lambda value: value == QUIET,
        )
        folder = self._folder / uuid4().hex
        return build_app(self.bootstrap, [station], folder, f"group-{self.topic}", self.onlooker)[0]

    async def committed(self) -> list[int | None]:
        group = f"group-{self.topic}"
        consumer = AIOKafkaConsumer(bootstrap_servers=self.bootstrap, group_id=group, enable_auto_commit=False)
        await consumer.start()
        try:
            return [await consumer.committed(TopicPartition(self.topic, number)) for number in range(PARTITIONS)]
        finally:
            await consumer.stop()


@pytest.fixture
async def line(kafka: str, tmp_path: Path) -> Line:
    publisher = Publisher(kafka)
    await publisher.start()
    made = Line(kafka, publisher, tmp_path)
    await create_topics(kafka, 1, [TopicSpec(made.topic, PARTITIONS, False, -1, "a test")])  # type: ignore[arg-type]
    return made


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(60):
        while not await condition():  # noqa: ASYNC110 - a broker raises no event of ours
            await asyncio.sleep(0.1)


async def test_what_is_passed_over_does_not_overtake_the_event_at_hand(line: Line) -> None:
    """In a group that has committed nothing yet, Faust's own commit would go to the end."""
    at_work, go_on = asyncio.Event(), asyncio.Event()

    async def handler(_: Incoming) -> Sequence[Outgoing]:
        at_work.set()
        await go_on.wait()
        return ()

    await line.fill(EVENT, *[QUIET] * 500)
    app = line.app(handler)

    async def passed() -> bool:
        return line.onlooker.reached.get(0) == 500

    async def done() -> bool:
        return (await line.committed())[0] == 501

    await app.start()
    try:
        await at_work.wait()
        await until(passed)
        await app.consumer.commit()
        assert (await line.committed())[0] in {None, 0}
        go_on.set()
        await until(done)
    finally:
        go_on.set()
        await app.stop()
        await line.publisher.stop()


async def test_a_canary_comes_through_among_what_is_passed_over(line: Line) -> None:
    await line.fill(QUIET, QUIET)
    await line.fill(QUIET, headers=((CANARY, b"ours"),))

    async def handler(event: Incoming) -> Sequence[Outgoing]:
        raise AssertionError(event)

    async def done() -> bool:
        return (await line.committed())[0] == 3

    app = line.app(handler)
    await app.start()
    try:
        await until(done)
    finally:
        await app.stop()
        await line.publisher.stop()
    assert line.onlooker.canaries == 1


async def test_no_event_is_missed_when_workers_come_and_go(line: Line) -> None:
    handled: set[tuple[int, int]] = set()

    async def handler(event: Incoming) -> Sequence[Outgoing]:
        handled.add((event.partition, event.offset))
        await asyncio.sleep(0.001)
        return ()

    values = [EVENT if number % 5 == 0 else QUIET for number in range(1_000)]
    for partition in range(PARTITIONS):
        await line.fill(*values, partition=partition)
    wanted = {(partition, number) for partition in range(PARTITIONS) for number in range(0, 1_000, 5)}
    first, second = line.app(handler), line.app(handler)

    async def some() -> bool:
        return len(handled) > 50

    async def done() -> bool:
        return await line.committed() == [1_000] * PARTITIONS

    await first.start()
    await until(some)
    await second.start()
    await first.stop()
    try:
        await until(done)
    finally:
        await second.stop()
        await line.publisher.stop()
    assert handled == wanted
