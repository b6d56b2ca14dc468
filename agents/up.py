"""Everything in one process tree: the broker if none is configured, poller, worker, page, and for the demo a wire.

    up ── keeper ── java (Apache Kafka)
       ── keeper ── listwire worker        alerts on the terminal
       ── keeper ── listwire poll
       ── keeper ── listwire web           the live page
       and in this process the sample wire, if it is the demo

The end of `up`, by Ctrl-C, TERM or kill -9, is the end of all of them: that is the keepers' part. The end of a
child is the end of `up`, with exit code 1: half a service that looks alive is the worst of failures.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from agents.broker import Broker, BrokerSpec
from agents.clock import utcnow
from agents.demo import serving_wire
from agents.kafka import require_broker
from agents.keeper import end, keep
from agents.link_settings import link_of, require_consistent
from agents.settings import Settings
from agents.signals import stop_signal
from streams.errors import ListwireError, SettingsError

Say = Callable[[str], None]
GRACE_S = 40.0
"""More than the worker takes to finish what it has in hand."""
WATCH_S = 0.2


class ChildEndedError(ListwireError):
    """A part of the service ended by itself."""


class Ports(NamedTuple):
    """Where the children listen."""

    worker: int
    poller: int
    page: int

    @classmethod
    def of(cls, settings: Settings) -> Ports:
        """As they are set."""
        return cls(settings.metrics_port, settings.poller_metrics_port, settings.web_port)


@dataclass(frozen=True, slots=True)
class Child:
    """A process of ours, by the name that a person knows it by."""

    name: str
    process: subprocess.Popen[bytes]


async def run_up(settings: Settings, say: Say, *, demo: bool, passed: Sequence[str] = ()) -> int:
    """Runs until a signal (0). `passed` goes to `poll`, for feeds given by hand.

    Raises BrokerError, SettingsError, or ChildEndedError when a part has ended by itself.
    """
    if demo and settings.broker is not None:
        raise SettingsError(
            "the demo's alerts are made of old events, so it runs on a broker of its own: unset LISTWIRE_BROKER"
        )
    if settings.broker is not None:
        await require_broker(link_of(settings))  # one line now instead of one from each child
    require_consistent(settings)
    stop = stop_signal()
    async with AsyncExitStack() as stack:
        home = settings.data_dir / "demo" if demo else settings.data_dir
        if demo:
            shutil.rmtree(home, ignore_errors=True)
        broker = settings.broker or await _start_broker(settings, home / "broker", say, stack)
        ports = Ports(*free_ports(3)) if demo else Ports.of(settings)
        wire = await stack.enter_async_context(serving_wire(utcnow)) if demo else None
        environment = os.environ | {"LISTWIRE_BROKER": broker, "LISTWIRE_DATA_DIR": str(home)}
        children = [
            _worker(environment, ports.worker, demo),
            _poller(environment, ports.poller, wire, passed),
            _page(environment, ports.page, demo),
        ]
        stack.push_async_callback(_end_all, children)
        host = settings.metrics_host
        say(f"metrics: http://{host}:{ports.worker}/metrics (worker), http://{host}:{ports.poller}/metrics (poller)")
        say("watching the sample wire; Ctrl-C ends it" if demo else "watching the feeds; Ctrl-C ends it")
        await _watch(children, stop)
        say("stopping")
    return 0


async def _start_broker(settings: Settings, folder: Path, say: Say, stack: AsyncExitStack) -> str:
    spec = BrokerSpec(folder, settings.cache_dir, settings.kafka_jars, settings.maven_repository)
    broker = await asyncio.to_thread(Broker.start, spec, say)
    stack.push_async_callback(asyncio.to_thread, broker.stop)
    say(f"Apache Kafka answers on {broker.bootstrap}")
    return broker.bootstrap


def _worker(environment: dict[str, str], port: int, demo: bool) -> Child:
    extra = ["--baseline", "none", "--sink", "stdout:text"] if demo else []
    return Child("worker", _listwire(["worker", "--metrics-port", str(port), *_quiet(demo), *extra], environment))


def _poller(environment: dict[str, str], port: int, wire: str | None, passed: Sequence[str]) -> Child:
    extra = ["--feed", wire, "--interval", "2", "--allow-network", "127.0.0.0/8"] if wire is not None else [*passed]
    return Child(
        "poller",
        _listwire(["poll", "--metrics-port", str(port), *_quiet(wire is not None), *extra], environment),
    )


def _page(environment: dict[str, str], port: int, demo: bool) -> Child:
    """It tells its address itself, as soon as it has it."""
    extra = ["--baseline", "none"] if demo else []
    return Child("web", _listwire(["web", "--port", str(port), *_quiet(demo), *extra], environment))


def _quiet(demo: bool) -> list[str]:
    """The demo's terminal belongs to the alerts: only what goes wrong is logged."""
    return ["--log-level", "warning"] if demo else []


def _listwire(arguments: list[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
    """`-P` keeps the current folder off the import path: another `agents` may lie in it."""
    return keep([sys.executable, "-P", "-m", "agents", *arguments], env=environment, grace_s=GRACE_S)


async def _watch(children: Sequence[Child], stop: asyncio.Event) -> None:
    """Returns at a signal. Raises ChildEndedError when one of the children has ended."""
    while not stop.is_set():
        for child in children:
            code = child.process.poll()
            if code is not None:
                raise ChildEndedError(f"the {child.name} ended with exit code {code}")
        try:
            await asyncio.wait_for(stop.wait(), WATCH_S)
        except TimeoutError:
            continue


async def _end_all(children: Sequence[Child]) -> None:
    await asyncio.gather(*(asyncio.to_thread(end, child.process, GRACE_S + 5) for child in children))


def free_port() -> int:
    """A port on loopback that nobody listens on just now."""
    return free_ports(1)[0]


def free_ports(count: int) -> tuple[int, ...]:
    """So many of them, all different: held open together while they are looked for."""
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return tuple(int(probe.getsockname()[1]) for probe in probes)
