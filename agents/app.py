"""The Faust app: three agents that take raw messages through their guards, and nothing else of Faust.

What Faust does is join the group, fetch, hand over one event at a time and commit; the loop that does the last three
is ours (`agents.consuming`). What it does not do here,
each because it was seen to lose or to stall: decode, send (our `Publisher` does), keep tables, create topics,
serve a web page, run more than one event of an agent at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import faust
from faust.types import TP, StreamT

from agents.consuming import LeanTransport, Skim
from agents.deadletter import Guard, unless_it_fails
from agents.kafka import Incoming
from agents.link import Bootstrap, Link, linked, security_options
from agents.messages import addresses, headers_of, is_canary
from agents.metrics import PARTITIONS
from streams.topics import Topic

GROUP = "listwire"
SESSION_S = 8.0
HEARTBEAT_S = 2.0
COMMIT_S = 1.0
BUFFERED = 256
"""Messages that wait in an agent's queue: the default of 4,096 would be gigabytes of the largest we take."""


TUNED: Mapping[str, Any] = {"cython_optimizations": True, "stream_buffer_maxsize": BUFFERED}


class Station(NamedTuple):
    """An agent's place on the line: the topic it reads, its guard, and how it forgets partitions."""

    topic: Topic
    guard: Guard
    forget: Callable[[Iterable[int]], None]
    upkeep: Guard | None = None
    """What is done at a canary, which is no event for the guard."""
    passes: Callable[[bytes | None], bool] | None = None
    """Whether a value asks for nothing at all, so that no event need be made of it."""


class Bystander:
    """Is told what the agents do, and does nothing with it."""

    def assigned(self, partitions: Iterable[TP] | None) -> None:
        """What the group has decided; None: it is deciding."""

    def handled(self, event: Incoming) -> None:
        """The event, which may be a canary, is done."""

    def passed(self, tp: TP, offset: int) -> None:
        """Up to there nothing of the partition waits for anything but an agent."""


class Assignment:
    """Which partitions this worker reads now; None while the group has not decided."""

    def __init__(self, stations: Sequence[Station], bystander: Bystander) -> None:
        self._stations = stations
        self._bystander = bystander
        self.partitions: frozenset[TP] | None = None

    async def on_revoked(self, _: Any, /, *revoked: Any, **__: Any) -> None:
        """Others may write from here on what the memories are folded from."""
        self.partitions = None
        self._bystander.assigned(None)
        for station in self._stations:
            station.forget(tp.partition for tp in revoked[0] if tp.topic == station.topic)

    async def on_assigned(self, _: Any, /, *assigned: Any, **__: Any) -> None:
        """The group has decided, maybe that there is nothing for us."""
        self.partitions = frozenset(assigned[0])
        self._bystander.assigned(self.partitions)
        PARTITIONS.set(len(self.partitions))


def build_app(
    broker: Bootstrap,
    stations: Sequence[Station],
    data_dir: Path,
    group: str = GROUP,
    bystander: Bystander | None = None,
    *,
    tuned: bool = True,
) -> tuple[faust.App, Assignment]:
    """The app, not yet started. Start it inside the running loop with `await app.start()`.

    `tuned` False: with Faust's own consumer and settings, to be compared with.
    """
    app = _bare(linked(broker), data_dir, group, TUNED if tuned else {})
    bystander = bystander or Bystander()
    if tuned:
        app.transport = LeanTransport(app, _skims(stations), bystander.passed)
    for station in stations:
        _attach(app, station, bystander)
    assignment = Assignment(stations, bystander)
    app.on_partitions_revoked.connect(assignment.on_revoked, weak=False)
    app.on_partitions_assigned.connect(assignment.on_assigned, weak=False)
    return app, assignment


def _bare(link: Link, data_dir: Path, group: str, more: Mapping[str, Any]) -> faust.App:
    data_dir.mkdir(parents=True, exist_ok=True)
    return faust.App(
        group,
        broker=[f"kafka://{f'[{host}]' if ':' in host else host}:{port}" for host, port in addresses(link.bootstrap)],
        broker_credentials=credentials(link),
        datadir=data_dir / "faust",
        store="memory://",
        key_serializer="raw",
        value_serializer="raw",
        processing_guarantee="at_least_once",
        broker_session_timeout=SESSION_S,
        broker_heartbeat_interval=HEARTBEAT_S,
        broker_commit_interval=COMMIT_S,
        consumer_auto_offset_reset="earliest",
        topic_allow_declare=False,
        topic_disable_leader=True,
        table_standby_replicas=0,
        web_enabled=False,
        **more,
    )


def _skims(stations: Iterable[Station]) -> dict[str, Skim]:
    return {str(one.topic): _skim(one.guard, one.passes) for one in stations if one.passes is not None}


def _skim(guard: Guard, passes: Callable[[bytes | None], bool]) -> Skim:
    safely = unless_it_fails(passes)

    def skim(record: Any) -> bool:
        if is_canary(record.headers) or not safely(record.value):
            return False
        guard.passed_over(headers_of(record.headers))
        return True

    return skim


def credentials(link: Link) -> faust.SSLCredentials | faust.SASLCredentials | None:
    """What protects the link, in the words of Faust. Raises CredentialError."""
    options = security_options(link)
    if link.sasl is None:
        return None if link.tls is None else faust.SSLCredentials(options["ssl_context"])
    return faust.SASLCredentials(
        username=options["sasl_plain_username"],
        password=options["sasl_plain_password"],
        ssl_context=options.get("ssl_context"),
        mechanism=options["sasl_mechanism"],
    )


def _attach(app: faust.App, station: Station, bystander: Bystander) -> None:
    async def agent(stream: StreamT[bytes]) -> None:
        async for event in stream.events():
            incoming = _incoming(event.message)
            guard = station.upkeep if is_canary(incoming.headers) else station.guard
            if guard is not None:
                await guard(incoming, hold=event.message.incref)
            bystander.handled(incoming)

    topic = app.topic(str(station.topic), key_serializer="raw", value_serializer="raw")
    app.agent(topic, name=station.guard.agent, concurrency=1)(agent)


def _incoming(message: Any) -> Incoming:
    """A message of Faust as ours: its timestamp is in seconds, where aiokafka's is in milliseconds."""
    return Incoming(
        message.topic,
        message.partition,
        message.offset,
        message.key,
        message.value,
        headers_of(message.headers),
        message.timestamp or 0.0,
    )
