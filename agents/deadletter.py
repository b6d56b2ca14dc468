"""The one guard around every handler. Only here is every exception caught.

Faust takes an event for done, and commits it, on every way out of a handler: a return, an exception, a
cancellation during shutdown, a crash of the app (all measured). So the guard returns only when the event may
be committed, and there are four ways through it:

    handled     all that the event caused is acknowledged                             commit
    buried      the event, raw, is acknowledged in `wire.deadletters` with the reason  commit
    held        cancelled half-way: the offset is pinned, Faust cannot commit it       comes again
    aborted     neither could be acknowledged: the process ends with `os._exit`        comes again

A canary is no event of anybody's, so what fails at it is logged and never buried; the next one tries again.

What keeps an agent from starting on an event at all (`prepare`: its memory cannot be read) is no fault of the
event, so it aborts and never buries.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Protocol, TypeVar

from prometheus_client import Counter

from agents.kafka import BrokerError, Incoming, Outgoing, Undeliverable
from agents.letters import Failure, Handling, letter
from agents.logs import get_logger
from agents.messages import Headers, is_canary
from agents.metrics import DEADLETTERS, EVENTS, HANDLER_SECONDS, Step
from agents.timing import handed_on, observe
from streams.errors import ListwireError, NewerRecordError, RecordError
from streams.topics import Topic

S = TypeVar("S")
Handler = Callable[[Incoming], Awaitable[Sequence[Outgoing]]]

DEADLINE_S = 30.0
ABORTED = 70  # EX_SOFTWARE: whoever supervises us starts us again

logger = get_logger("guard")


class Reason(StrEnum):
    """Why a message became a dead letter. The label of its metric."""

    MALFORMED = "malformed"  # not the record that its topic holds
    NEWER = "newer-record"  # written by a later version: to be sent again once we are upgraded
    HANDLER_ERROR = "handler-error"  # our own code failed on it
    TOO_LARGE = "too-large"  # it causes a message that no topic takes
    DEADLINE = "deadline"  # not handled in time
    SINK_REFUSED = "sink-refused"  # the receiver of an alert will not have it, however often it is tried
    SINK_DOWN = "sink-down"  # the receiver of an alert did not take it for as long as we try
    KILL_UNMATCHED = "kill-unmatched"  # withdraws a story that never claimed anything


for _reason in Reason:
    DEADLETTERS.labels(reason=_reason)  # each series starts at 0, so that its first event is seen as an increase


class Ending(StrEnum):
    """The ways through the guard. The label of their metric."""

    HANDLED = "handled"
    PASSED = "passed"  # over, before it came here: it asked for nothing
    BURIED = "buried"
    HELD = "held"
    ABORTED = "aborted"
    FAILED = "failed"  # the upkeep at a canary: the next one tries again


class Refused(ListwireError):  # noqa: N818 - what a handler does with an event, not what went wrong in it
    """Raised by a handler to bury the event for a reason of its own."""

    def __init__(self, reason: Reason, problem: str) -> None:
        super().__init__(problem)
        self.reason = reason


class Publishes(Protocol):
    """As much of a `Publisher` as the guard needs."""

    async def publish(self, *messages: Outgoing) -> None:
        """Returns when all are acknowledged."""


def exit_now() -> None:
    """Ends the process on the spot, the only way that leaves the event at hand uncommitted."""
    logging.shutdown()
    os._exit(ABORTED)


async def no_preparation(_: Incoming) -> None:
    """For agents without a memory."""


def no_mark(_: Incoming, __: Failure) -> Sequence[Outgoing]:
    """For agents whose past is not made again from what they were given."""
    return ()


def no_hold() -> None:
    """For events whose offset nobody commits behind our back."""


@dataclass(frozen=True, slots=True)
class Guard:
    """Runs `handler` on an event and sees to what becomes of it. Raises nothing but its own cancellation."""

    agent: str
    handler: Handler
    publisher: Publishes
    prepare: Callable[[Incoming], Awaitable[None]] = no_preparation
    deadline_s: float | None = DEADLINE_S
    abort: Callable[[], None] = exit_now
    sink: str | None = None
    mark: Callable[[Incoming, Failure], Sequence[Outgoing]] = no_mark
    """What else is to be sent, once the letter of an event is acknowledged."""
    step: Step | None = None
    """What a story has passed when its event is handled; the herald, which spares many an alert, tells it by itself."""

    def __post_init__(self) -> None:
        """Its series begin at 0."""
        for ending in Ending:
            _events(self.agent, ending)

    async def __call__(self, event: Incoming, hold: Callable[[], None] = no_hold) -> None:
        """Returns once the event is handled or buried; `hold` pins its offset if neither was possible."""
        try:
            with HANDLER_SECONDS.labels(agent=self.agent).time():
                await self.prepare(event)
                failure = await self._handle(event)
                if failure and is_canary(event.headers):
                    logger.error("upkeep failed", event_at=event.origin, reason=failure.reason, error=failure.error)
                elif failure:
                    await self._bury(event, failure)
                self._count(_ending(event, failure))
        except Exception as error:  # noqa: BLE001 - whatever it is, the event must not be committed
            hold()
            self._count(Ending.ABORTED)
            logger.critical("event can be neither handled nor buried", event_at=event.origin, error=repr(error))
            self.abort()
        except BaseException:
            hold()
            self._count(Ending.HELD)
            raise

    def passed_over(self, headers: Headers) -> None:
        """Counts an event that asked for nothing and was done before it came here."""
        self._count(Ending.PASSED)
        if self.step is not None:
            observe(self.step, headers)

    def _count(self, ending: Ending) -> None:
        _events(self.agent, ending).inc()

    async def _handle(self, event: Incoming) -> Failure | None:
        try:
            caused = await self._within_deadline(event)
            await self.publisher.publish(*handed_on(event, caused))
        except BrokerError:
            raise
        except asyncio.CancelledError as error:
            if _asked_to_stop():
                raise
            return Failure(Reason.HANDLER_ERROR, repr(error))
        except Exception as error:  # noqa: BLE001 - an exception that got past us would be a lost event
            return _failure(error)
        if self.step is not None and (self.step is not Step.ANNOUNCED or _announces(caused)):
            observe(self.step, event.headers)
        return None

    async def _within_deadline(self, event: Incoming) -> Sequence[Outgoing]:
        try:
            async with asyncio.timeout(self.deadline_s) as deadline:
                return await self.handler(event)
        except TimeoutError:
            if deadline.expired():
                raise Refused(Reason.DEADLINE, f"not done within {self.deadline_s:g} s") from None
            raise

    async def _bury(self, event: Incoming, failure: Failure) -> None:
        buried = letter(event, failure, Handling(self.agent, self.sink))
        await self.publisher.publish(buried, *self.mark(event, failure))
        DEADLETTERS.labels(reason=failure.reason).inc()
        logger.warning("dead letter", event_at=event.origin, reason=failure.reason, error=failure.error)


def tolerant(absorb: Callable[[S, Incoming], object]) -> Callable[[S, Incoming], None]:
    """`absorb` without its exceptions, for folding a log: what it fails on was buried when it was handled."""

    def absorbing(state: S, message: Incoming) -> None:
        try:
            absorb(state, message)
        except Exception as error:  # noqa: BLE001 - the same set that the guard buries
            logger.debug("message not folded", event_at=message.origin, error=repr(error))

    return absorbing


def unless_it_fails(passes: Callable[[bytes | None], bool]) -> Callable[[bytes | None], bool]:
    """`passes` without its exceptions: what it fails on does not pass, and the guard sees the handler fail on it."""

    def safely(value: bytes | None) -> bool:
        try:
            return passes(value)
        except Exception:  # noqa: BLE001 - as in the guard, which reports it
            return False

    return safely


@cache
def _events(agent: str, ending: Ending) -> Counter:
    return EVENTS.labels(agent=agent, outcome=ending)


def _ending(event: Incoming, failure: Failure | None) -> Ending:
    if failure is None:
        return Ending.HANDLED
    return Ending.FAILED if is_canary(event.headers) else Ending.BURIED


def _announces(caused: Sequence[Outgoing]) -> bool:
    return any(message.topic == Topic.ALERTS for message in caused)


def _failure(error: Exception) -> Failure:
    match error:
        case Refused():
            return Failure(error.reason, str(error))
        case NewerRecordError():
            return Failure(Reason.NEWER, str(error))
        case RecordError():
            return Failure(Reason.MALFORMED, str(error))
        case Undeliverable():
            return Failure(Reason.TOO_LARGE, str(error))
        case _:
            logger.error("handler failed", exc_info=error)
            return Failure(Reason.HANDLER_ERROR, repr(error))


def _asked_to_stop() -> bool:
    """Whether this task was cancelled from outside, rather than by something that it awaited."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
