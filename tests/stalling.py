"""A worker with one fault, as a process: which, and how long it may stand still, is in the arguments."""

import asyncio
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread

from agents import worker
from agents.app import Station
from agents.deadletter import Guard, Publishes
from agents.logs import configure_logging
from agents.memory import ReadLog
from agents.messages import Incoming, Outgoing
from agents.settings import load_settings
from streams.registry import Registry, load_registry
from streams.stalls import CANARIES_S, Limits

bootstrap, data_dir, port, fault, unready_s, stalled_s = sys.argv[1:]
made, fetch = worker.stations, AIOKafkaConsumerThread._fetch_records


async def hang(_: Incoming) -> Sequence[Outgoing]:
    await asyncio.Event().wait()
    return ()


async def block(_: Incoming) -> Sequence[Outgoing]:
    time.sleep(600)  # noqa: ASYNC251 - the fault
    return ()


async def hog(_: Incoming) -> Sequence[Outgoing]:
    re.match("(a+)+$", "a" * 60 + "b")  # holds the lock of the interpreter until the sun goes out
    return ()


async def deaf(*_: Any, **__: Any) -> dict[Any, Any]:
    await asyncio.sleep(0.5)
    return {}


async def deaf_to_one(self: Any, *rest: Any, **named: Any) -> dict[Any, Any]:
    records = await fetch(self, *rest, **named)
    return {tp: found for tp, found in records.items() if (tp.topic, tp.partition) != ("wire.stories", 2)}


def stations(registry: Registry, publisher: Publishes, read_log: ReadLog) -> list[Station]:
    first, *others = made(registry, publisher, read_log)
    handler = {"hang": hang, "block": block, "hog": hog}.get(fault)
    guard = Guard("classifier", handler, publisher, deadline_s=None) if handler else first.guard
    return [first._replace(guard=guard, passes=None if handler else first.passes), *others]


worker.stations = stations
AIOKafkaConsumerThread._fetch_records = {"deaf": deaf, "deaf to one": deaf_to_one}.get(fault, fetch)
configure_logging("info", "json")
settings = load_settings(broker=bootstrap, data_dir=Path(data_dir), metrics_port=int(port), sinks=("stdout:json",))
limits = Limits(float(unready_s), float(stalled_s), 0.1, 1.0, dict.fromkeys(CANARIES_S, 1.0))
sys.exit(asyncio.run(worker.run_worker(settings, load_registry(), limits=limits)))
