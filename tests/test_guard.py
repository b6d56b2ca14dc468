"""The guard around every handler: what becomes of an event, whatever the handler or the broker does."""

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable, Sequence

import pytest

from agents.deadletter import ABORTED, Guard, Handler, Reason, Refused, tolerant
from agents.kafka import BrokerDown, Incoming, Outgoing, Undeliverable
from agents.messages import CANARY
from streams.errors import RecordError
from streams.topics import Topic

EVENT = Incoming("wire.stories", 2, 41, b"a key", b"\xff{raw bytes")
OUTPUT = Outgoing("wire.relevant", b"a key", b"result")


class Desk:
    """A publisher by hand: remembers what was acknowledged, refuses topics as told."""

    def __init__(self, **refused: Exception) -> None:
        self.acknowledged: list[Outgoing] = []
        self.open = asyncio.Event()
        self.open.set()
        self._refused = {topic.replace("_", "."): error for topic, error in refused.items()}

    async def publish(self, *messages: Outgoing) -> None:
        await self.open.wait()
        for message in messages:
            if message.topic in self._refused:
                raise self._refused[message.topic]
            self.acknowledged.append(message)


class Witness:
    """Counts what the guard did to the offset and to the process."""

    held = 0
    aborted = 0

    def hold(self) -> None:
        self.held += 1

    def abort(self) -> None:
        self.aborted += 1


def answering(*outputs: Outgoing) -> Callable[[Incoming], Awaitable[Sequence[Outgoing]]]:
    async def handler(_: Incoming) -> Sequence[Outgoing]:
        return outputs

    return handler


def raising(error: BaseException) -> Callable[[Incoming], Awaitable[Sequence[Outgoing]]]:
    async def handler(_: Incoming) -> Sequence[Outgoing]:
        raise error

    return handler


async def never(_: Incoming) -> Sequence[Outgoing]:
    await asyncio.Event().wait()
    return ()


async def test_returns_only_when_every_output_is_acknowledged() -> None:
    desk = Desk()
    desk.open.clear()
    running = asyncio.create_task(Guard("t", answering(OUTPUT), desk)(EVENT))
    await asyncio.wait([running], timeout=0.05)
    assert not running.done()
    desk.open.set()
    await running
    assert desk.acknowledged == [OUTPUT]


@pytest.mark.parametrize(
    ("error", "reason", "text"),
    [
        (ZeroDivisionError("no"), Reason.HANDLER_ERROR, "ZeroDivisionError('no')"),
        (RecordError("Story", "no value"), Reason.MALFORMED, "Story: no value"),
        (Refused(Reason.KILL_UNMATCHED, "s1: unknown"), Reason.KILL_UNMATCHED, "s1: unknown"),
        (TimeoutError("its own"), Reason.HANDLER_ERROR, "TimeoutError('its own')"),
        (RecursionError(), Reason.HANDLER_ERROR, "RecursionError()"),
        (asyncio.CancelledError(), Reason.HANDLER_ERROR, "CancelledError()"),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_whatever_a_handler_raises_buries_the_event(error: BaseException, reason: Reason, text: str) -> None:
    desk, witness = Desk(), Witness()
    await Guard("t", raising(error), desk, abort=witness.abort)(EVENT, witness.hold)
    (buried,) = desk.acknowledged
    assert (buried.topic, buried.key, buried.value) == (Topic.DEADLETTERS, b"wire.stories/2/41", EVENT.value)
    assert dict(buried.headers)["reason"].decode() == reason
    assert dict(buried.headers)["error"].decode() == text
    assert (witness.held, witness.aborted) == (0, 0)


@pytest.mark.parametrize("handler", [raising(ValueError("no")), answering(OUTPUT)])
async def test_a_canary_is_never_a_dead_letter_whatever_is_done_at_it(handler: Handler) -> None:
    desk, witness = Desk(wire_relevant=Undeliverable("wire.relevant", 3_000_000)), Witness()
    canary = Incoming("designation.claims", 0, 5, b"canary", b"{}", ((CANARY, b"somebody"),))
    await Guard("t", handler, desk, abort=witness.abort)(canary, witness.hold)
    assert desk.acknowledged == []
    assert (witness.held, witness.aborted) == (0, 0)


async def test_a_canary_at_which_the_broker_is_away_comes_again() -> None:
    desk, witness = Desk(), Witness()
    canary = Incoming("designation.claims", 0, 5, b"canary", b"{}", ((CANARY, b"somebody"),))
    await Guard("t", raising(BrokerDown("b:1", "away")), desk, abort=witness.abort)(canary, witness.hold)
    assert (witness.held, witness.aborted) == (1, 1)


async def test_an_event_that_takes_too_long_is_buried() -> None:
    desk = Desk()
    await Guard("t", never, desk, deadline_s=0.01)(EVENT)
    (buried,) = desk.acknowledged
    assert dict(buried.headers)["reason"] == b"deadline"


async def test_an_event_whose_output_no_topic_takes_is_buried() -> None:
    desk = Desk(wire_relevant=Undeliverable("wire.relevant", 3_000_000))
    await Guard("t", answering(OUTPUT), desk)(EVENT)
    (buried,) = desk.acknowledged
    assert dict(buried.headers)["reason"] == b"too-large"


async def test_a_broker_that_takes_no_output_ends_the_process_and_buries_nothing() -> None:
    desk, witness = Desk(wire_relevant=BrokerDown("b:1", "away")), Witness()
    await Guard("t", answering(OUTPUT), desk, abort=witness.abort)(EVENT, witness.hold)
    assert desk.acknowledged == []
    assert (witness.held, witness.aborted) == (1, 1)


async def test_a_dead_letter_that_is_not_acknowledged_ends_the_process() -> None:
    desk, witness = Desk(wire_deadletters=BrokerDown("b:1", "away")), Witness()
    await Guard("t", raising(ValueError()), desk, abort=witness.abort)(EVENT, witness.hold)
    assert (witness.held, witness.aborted) == (1, 1)


async def test_a_memory_that_cannot_be_read_is_no_fault_of_the_event() -> None:
    desk, witness = Desk(), Witness()

    async def prepare(_: Incoming) -> None:
        raise BrokerDown("b:1", "log cannot be read")

    await Guard("t", answering(OUTPUT), desk, prepare, abort=witness.abort)(EVENT, witness.hold)
    assert desk.acknowledged == []
    assert (witness.held, witness.aborted) == (1, 1)


async def test_a_cancelled_event_is_held_neither_buried_nor_taken_for_done() -> None:
    desk, witness = Desk(), Witness()
    running = asyncio.create_task(Guard("t", never, desk, abort=witness.abort)(EVENT, witness.hold))
    await asyncio.wait([running], timeout=0.01)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert desk.acknowledged == []
    assert (witness.held, witness.aborted) == (1, 0)


async def test_an_event_cancelled_between_its_output_and_the_ack_is_held() -> None:
    desk, witness = Desk(), Witness()
    desk.open.clear()
    running = asyncio.create_task(Guard("t", answering(OUTPUT), desk)(EVENT, witness.hold))
    await asyncio.wait([running], timeout=0.01)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert witness.held == 1


def test_aborting_ends_the_process_at_once_with_its_own_code() -> None:
    program = "from agents.deadletter import exit_now\ntry:\n    exit_now()\nfinally:\n    print('cleaned up')"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (ABORTED, "")


def test_folding_skips_what_the_guard_would_bury() -> None:
    def absorb(state: list[bytes], message: Incoming) -> None:
        if message.offset == 1:
            raise KeyError("bug")
        state.append(message.value or b"")

    state: list[bytes] = []
    for offset in range(3):
        tolerant(absorb)(state, EVENT._replace(offset=offset, value=b"%d" % offset))
    assert state == [b"0", b"2"]
