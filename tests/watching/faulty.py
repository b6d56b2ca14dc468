"""A command of Listwire's with a fault in it: `python faulty.py FAULT[,FAULT] COMMAND ...`.

hurried   canaries come every second, and a standstill is told after three
hang      an agent never comes back from its first message
ahead     the clock is two minutes ahead
broken    looking at a feed meets an error of our own code
refused   the broker refuses every second message at first
"""

import asyncio
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from typing import Any, NoReturn

from aiokafka.errors import NotLeaderForPartitionError

from agents import clock

AHEAD = timedelta(minutes=2)
FAULTS = sys.argv.pop(1).split(",")
if "ahead" in FAULTS:  # before anything else takes it by name
    clock.utcnow = lambda: datetime.now(UTC) + AHEAD
    time.time = partial(lambda now: now() + AHEAD.total_seconds(), time.time)

from agents import poller, worker  # noqa: E402
from agents.__main__ import main  # noqa: E402
from agents.app import Station  # noqa: E402
from agents.cli import worker as command  # noqa: E402
from agents.deadletter import Guard, Publishes  # noqa: E402
from agents.kafka import Publisher  # noqa: E402
from agents.memory import ReadLog  # noqa: E402
from agents.messages import Incoming, Outgoing  # noqa: E402
from streams.registry import Registry  # noqa: E402
from streams.stalls import CANARIES_S, Limits  # noqa: E402

LIMITS = Limits(30.0, 120.0, 0.1, 1.0, dict.fromkeys(CANARIES_S, 1.0))
SENT = count()
made, send = worker.stations, Publisher._send_one


async def hang(_: Incoming) -> Sequence[Outgoing]:
    await asyncio.Event().wait()
    return ()


def stations(registry: Registry, publisher: Publishes, read_log: ReadLog) -> list[Station]:
    first, *others = made(registry, publisher, read_log)
    return [first._replace(guard=Guard("classifier", hang, publisher, deadline_s=None)), *others]


def broken(*_: Any) -> NoReturn:
    raise ZeroDivisionError("a fault of ours")


async def refused(producer: Any, message: Outgoing) -> None:
    if next(SENT) % 2:
        raise NotLeaderForPartitionError
    await send(producer, message)


if "refused" in FAULTS:
    Publisher._send_one = staticmethod(refused)
if "hang" in FAULTS:
    worker.stations = stations
if "broken" in FAULTS:
    poller.digest = broken
if "hurried" in FAULTS:
    command.run_worker = partial(worker.run_worker, limits=LIMITS)
main()
