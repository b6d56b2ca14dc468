"""A worker or a poller of Listwire with faults built in: `python process.py '{"role": "worker", ...}'`.

The code that runs is Listwire's own. What is put around it here, from outside:

    kill_at, nth     the process kills itself (-9) when it comes to that labelled point for the nth time
    fail             this share of all sends fails: before the broker has the message, or after (the ack is lost)
    jump_s           the wall clock jumps by so much after a while, and back
    full_disk        no file of the process can grow

Points: `before|after WHAT`, where WHAT is a topic (its acknowledgement), `commit GROUP`, or `deliver` (to a sink); and
`fold` (half-way through the log that a memory is folded from).
"""

import asyncio
import os
import random
import resource
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaTimeoutError, MessageSizeTooLargeError, NotLeaderForPartitionError

from agents import clock
from agents.kafka import Outgoing, Publisher
from agents.logs import configure_logging
from agents.memory import LogReader
from agents.messages import Incoming
from agents.poll_service import run_poller
from agents.settings import load_settings
from agents.sinks.jsonl import JsonlSink
from agents.worker import run_worker
from streams.feeds import FeedSpec
from streams.registry import load_registry
from streams.stalls import LIMITS
from streams.topics import Topic

TOO_LARGE_SHARE = 0.02
"""Of the injected failures; each makes a dead letter of what was handled. The bookkeeper's messages are spared: their
size is checked before the first of them goes out, so none can be found too large after another was told."""

TOO_LARGE = frozenset({Topic.RELEVANT, Topic.STORY_KEYS, Topic.CLAIMS})

JUMP_AFTER_S = 4.0
JUMP_BACK_AFTER_S = 12.0


@dataclass
class Faults:
    """What is to go wrong in this process."""

    kill_at: str = ""
    nth: int = 1
    fail: float = 0.0
    jump_s: float = 0.0
    full_disk: bool = False
    seed: int = 0
    dice: random.Random = field(init=False)
    passed: Counter[str] = field(default_factory=Counter, init=False)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)  # noqa: S311 - dice, not a secret

    def point(self, label: str) -> None:
        """A labelled point of the path."""
        self.passed[label] += 1
        if label == self.kill_at and self.passed[label] >= self.nth:
            os.kill(os.getpid(), signal.SIGKILL)

    def failure(self, topic: str) -> Exception | None:
        """What this send fails with, if it does."""
        if self.dice.random() >= self.fail:
            return None
        if self.dice.random() < TOO_LARGE_SHARE and topic in TOO_LARGE:
            return MessageSizeTooLargeError("injected")
        return self.dice.choice([KafkaTimeoutError("injected"), NotLeaderForPartitionError("injected")])


def group_of(consumer: Any) -> str:
    """The consumer group in short: every herald is one point."""
    group = str(consumer._group_id)
    return "herald" if ".herald." in group else group


def build_in(faults: Faults) -> None:
    """Puts the faults around Listwire's own code."""
    send, commit, deliver, fold = Publisher._send_one, AIOKafkaConsumer.commit, JsonlSink.deliver, LogReader.__call__

    async def sending(producer: Any, message: Outgoing) -> None:
        faults.point(f"before {message.topic}")
        failure = faults.failure(message.topic)
        if failure is not None and faults.dice.random() < 0.5:
            raise failure
        await send(producer, message)
        if failure is not None and not isinstance(failure, MessageSizeTooLargeError):
            raise failure
        faults.point(f"after {message.topic}")

    async def committing(consumer: Any, *arguments: Any, **options: Any) -> Any:
        faults.point(f"before commit {group_of(consumer)}")
        result = await commit(consumer, *arguments, **options)
        faults.point(f"after commit {group_of(consumer)}")
        return result

    async def delivering(sink: JsonlSink, *arguments: Any) -> None:
        faults.point("before deliver")
        await deliver(sink, *arguments)
        faults.point("after deliver")

    async def folding(reader: LogReader, *arguments: Any) -> AsyncIterator[Incoming]:
        async for message in fold(reader, *arguments):
            yield message
            faults.point("fold")

    Publisher._send_one = staticmethod(sending)  # type: ignore[method-assign]
    AIOKafkaConsumer.commit = committing
    JsonlSink.deliver = delivering  # type: ignore[method-assign]
    LogReader.__call__ = folding  # type: ignore[method-assign]


def shift_clock(by_s: float) -> None:
    """Lets the wall clock jump after a while, and back."""
    started, true_time, true_now = time.monotonic(), time.time, clock.utcnow

    def shifted() -> float:
        return by_s if JUMP_AFTER_S < time.monotonic() - started < JUMP_BACK_AFTER_S else 0.0

    time.time = lambda: true_time() + shifted()
    for module in tuple(sys.modules.values()):
        if getattr(module, "utcnow", None) is true_now:
            module.utcnow = lambda: true_now() + timedelta(seconds=shifted())  # type: ignore[attr-defined]


def main() -> int:
    """Runs what the argument describes."""
    given = orjson.loads(sys.argv[1])
    role, settings, feeds = given.pop("role"), given.pop("settings"), given.pop("feeds", [])
    faults = Faults(**given)
    build_in(faults)
    if faults.jump_s:
        shift_clock(faults.jump_s)
    if faults.full_disk:
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    configure_logging("info", "json")
    loaded = load_settings(**{**settings, "data_dir": Path(settings["data_dir"])})
    if role == "worker":
        often = dict.fromkeys(LIMITS.canaries_s, 3.0)  # else what a canary mends is mended within a minute
        limits = LIMITS._replace(look_s=1.0, canaries_s=often)
        return asyncio.run(run_worker(loaded, load_registry(), limits=limits))
    return asyncio.run(run_poller(loaded, [FeedSpec(**feed) for feed in feeds], shared=True))


if __name__ == "__main__":
    sys.exit(main())
