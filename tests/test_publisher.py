"""The publisher over a producer by hand: what is sent again, what is given up, and in which order."""

import asyncio
from collections.abc import Callable
from itertools import repeat
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError, MessageSizeTooLargeError, OutOfOrderSequenceNumber

from agents import kafka
from agents.kafka import BrokerDown, BrokerError, Outgoing, Publisher, Undeliverable
from agents.messages import addresses
from streams.topics import MAX_MESSAGE_BYTES


class Producer:
    """Takes messages, or raises what `fault` gives for one."""

    def __init__(self, world: "World") -> None:
        self.world = world
        self.stopped = asyncio.Event()

    async def send_and_wait(
        self, topic: str, value: bytes | None, key: bytes, partition: int | None, headers: object
    ) -> None:
        await asyncio.sleep(0)
        fault = self.world.fault(topic, value)
        if fault:
            raise fault
        self.world.log.append((topic, value))

    async def stop(self) -> None:
        self.stopped.set()


class World:
    def __init__(self) -> None:
        self.log: list[tuple[str, bytes | None]] = []
        self.producers: list[Producer] = []
        self.fault: Callable[[str, bytes | None], Exception | None] = lambda *_: None
        self.down = 0

    async def connect(self, _: str) -> Producer:
        if self.down:
            self.down -= 1
            raise KafkaConnectionError("away")
        self.producers.append(Producer(self))
        return self.producers[-1]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    made = World()
    monkeypatch.setattr(kafka, "_started_producer", made.connect)
    monkeypatch.setattr(kafka, "_pauses", lambda: repeat(0.001))
    return made


def sent(topic: str, *values: bytes) -> list[Outgoing]:
    return [Outgoing(topic, b"k", value) for value in values]


def failing_once(world: World, topic: str, error: Exception) -> None:
    faults = [error]
    world.fault = lambda at, _: faults.pop() if at == topic and faults else None


async def test_another_topic_waits_for_the_acknowledgement_of_the_one_before(world: World) -> None:
    failing_once(world, "first", OutOfOrderSequenceNumber())
    await Publisher("b:1").publish(*sent("first", b"1", b"2"), *sent("second", b"3"))
    topics = [topic for topic, _ in world.log]
    assert topics == ["first", "first", "second"]


async def test_a_message_that_its_producer_forgot_when_it_was_closed_goes_to_the_next(world: World) -> None:
    class Forgetful(Producer):
        async def send_and_wait(self, topic: str, value: bytes | None, *_: object, **__: object) -> None:
            if value == b"1":
                await asyncio.Event().wait()
            raise OutOfOrderSequenceNumber

    publisher = Publisher("b:1")
    first = await publisher._current()
    first.__class__ = Forgetful
    async with asyncio.timeout(5):
        await asyncio.gather(publisher.publish(*sent("t", b"1")), publisher.publish(*sent("t", b"2")))
    assert sorted(value or b"" for _, value in world.log) == [b"1", b"2"]


async def test_a_producer_that_failed_a_message_is_replaced_and_only_that_message_sent_again(
    world: World, meter: Any
) -> None:
    failing_once(world, "t", OutOfOrderSequenceNumber())
    publisher = Publisher("b:1")
    await publisher.publish(*sent("t", b"1", b"2", b"3"))
    assert sorted(value or b"" for _, value in world.log) == [b"1", b"2", b"3"]
    assert len(world.producers) == 2
    assert meter.moved("listwire_broker_errors_total", client="producer") == 1
    await asyncio.wait_for(world.producers[0].stopped.wait(), 1)
    await publisher.stop()
    assert world.producers[1].stopped.is_set()


async def test_a_broker_that_comes_back_gets_everything(world: World) -> None:
    world.down = 5
    await Publisher("b:1").publish(*sent("t", b"1"))
    assert world.log == [("t", b"1")]


async def test_patience_ends_with_broker_down(world: World) -> None:
    world.fault = lambda *_: KafkaConnectionError("away")
    with pytest.raises(BrokerDown, match=r"Kafka broker b:1: t is not acknowledged within 0.05 s"):
        await Publisher("b:1", patience_s=0.05).publish(*sent("t", b"1"))
    assert world.log == []


async def test_a_message_too_large_stops_all_of_them_before_any_is_sent(world: World) -> None:
    with pytest.raises(Undeliverable, match="second: message of"):
        await Publisher("b:1").publish(*sent("first", b"1"), *sent("second", b"x" * MAX_MESSAGE_BYTES))
    assert world.log == []


async def test_a_message_that_the_broker_finds_too_large_is_not_sent_again(world: World, meter: Any) -> None:
    failing_once(world, "t", MessageSizeTooLargeError())
    with pytest.raises(Undeliverable):
        await Publisher("b:1").publish(*sent("t", b"1"))
    assert meter.moved("listwire_broker_errors_total", client="producer") == 0


async def test_a_fault_of_ours_is_not_mistaken_for_the_brokers(world: World) -> None:
    world.fault = lambda *_: AssertionError("a bug")
    with pytest.raises(AssertionError, match="a bug"):
        await Publisher("b:1").publish(*sent("t", b"1"))


def test_addresses_are_read_with_the_default_port() -> None:
    assert addresses("a:1, b,[::1]:3") == [("a", 1), ("b", 9092), ("::1", 3)]


@pytest.mark.parametrize("bootstrap", ["", "a:b", "a:1,,b:2", "http://a:1", "a:1/x", "u@a:1", "a:99999"])
def test_an_address_that_cannot_be_read_is_named(bootstrap: str) -> None:
    with pytest.raises(BrokerError, match="is not host:port"):
        addresses(bootstrap)
