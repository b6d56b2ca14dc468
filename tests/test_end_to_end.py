"""The whole way, for real: HTTP, poller, Apache Kafka, Faust agents, alerts; and a kill -9 in the middle.

The alerts are read by a consumer that knows nothing of Listwire but the topic and the JSON.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
from aiokafka import AIOKafkaConsumer

from agents.broker import Broker, BrokerSpec
from agents.demo import serving_wire
from agents.keeper import end, keep
from agents.up import free_port

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

HASTE = 6.0
"""The sample wire grows over a minute; here its clock runs this much faster."""

EXPECTED = {
    ("kg", "taliban", "delisting", "effective"),
    ("ru", "taliban", "delisting", "decided"),
    ("gb", "wagner-group", "listing", "decided"),
    ("et", "olf", "delisting", "effective"),
    ("et", "onlf", "delisting", "effective"),
    ("et", "ginbot-7", "delisting", "effective"),
    ("eu", "pkk", "renewal", "effective"),
}


@pytest.fixture
def broker(broker_spec: Callable[[Path], BrokerSpec], tmp_path: Path) -> Iterator[str]:
    with Broker.start(broker_spec(tmp_path / "broker"), lambda _: None) as started:
        yield started.bootstrap


class Service:
    """A command of Listwire's, kept; `kill` is kill -9 of the command itself, not of its keeper."""

    def __init__(self, environment: dict[str, str], *arguments: str) -> None:
        self._environment = environment
        self._arguments = arguments
        self.kept = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-P", "-m", "agents", *self._arguments]
        return keep(command, env=self._environment, stdout=subprocess.DEVNULL)

    def kill(self) -> None:
        (child,) = psutil.Process(self.kept.pid).children()
        child.kill()
        self.kept.wait(15)
        if self.kept.stdin is not None:
            self.kept.stdin.close()

    def restart(self) -> None:
        self.kept = self._start()

    def stop(self) -> int:
        return end(self.kept, 60)


@asynccontextmanager
async def alerts_of(bootstrap: str) -> AsyncIterator[Any]:
    consumer = AIOKafkaConsumer(
        "designation.alerts", bootstrap_servers=bootstrap, auto_offset_reset="earliest", enable_auto_commit=False
    )
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


async def topics_exist(bootstrap: str, within_s: float = 40) -> None:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        probe = AIOKafkaConsumer(bootstrap_servers=bootstrap)
        await probe.start()
        try:
            if "designation.alerts" in await probe.topics():
                return
        finally:
            await probe.stop()
        await asyncio.sleep(0.3)
    pytest.fail("no topic of alerts")


def hurried(started: datetime) -> Callable[[], datetime]:
    def now() -> datetime:
        return started + timedelta(seconds=(datetime.now(UTC) - started).total_seconds() * HASTE)

    return now


async def test_the_sample_wire_gives_its_alerts_although_the_worker_is_killed(broker: str, tmp_path: Path) -> None:
    environment = os.environ | {
        "LISTWIRE_BROKER": broker,
        "LISTWIRE_DATA_DIR": str(tmp_path),
        "LISTWIRE_LOG_LEVEL": "error",
    }
    worker = Service(environment, "worker", "--baseline", "none", "--metrics-port", str(free_port()))
    poller = None
    try:
        await topics_exist(broker)
        async with serving_wire(hurried(datetime.now(UTC))) as url, alerts_of(broker) as consumer:
            poller = Service(
                environment, "poll", "--feed", url, "--interval", "1", "--allow-network", "127.0.0.0/8",
                "--metrics-port", str(free_port()),
            )  # fmt: skip
            seen = [await asyncio.wait_for(consumer.getone(), 40)]
            await asyncio.to_thread(worker.kill)
            await asyncio.to_thread(worker.restart)
            await _read_until(consumer, seen, lambda: complete(seen), 75)
        await asyncio.to_thread(look_with_the_commands, broker, len(seen))
    finally:
        codes = [await asyncio.to_thread(service.stop) for service in (poller, worker) if service is not None]
    assert codes == [0, 0]
    check(seen)


def look_with_the_commands(broker: str, alerts: int) -> None:
    """What a person sees from another terminal."""
    told = listwire("tail", "--json", "--until-end", "--broker", broker)
    assert len(told.splitlines()) >= alerts
    assert b"DELISTING DECIDED" in listwire("tail", "--until-end", "--broker", broker)
    chosen = listwire("tail", "--json", "--until-end", "--only", "authority=ru,kg&change=delisting", "--broker", broker)
    assert {json.loads(line)["authority"] for line in chosen.splitlines()} == {"ru", "kg"}
    status = listwire("status", "Taliban", "--broker", broker).decode()
    assert "Russia ▸ Taliban: listed\n    main list: delisting decided since" in status
    assert b"designation.claims     4 partitions" in listwire("topics", "describe", "--broker", broker)
    assert b"all there" in listwire("doctor", "--broker", broker)


def listwire(*arguments: str) -> bytes:
    command = [sys.executable, "-P", "-m", "agents", *arguments]
    return subprocess.run(command, stdout=subprocess.PIPE, timeout=60, check=True).stdout


async def _read_until(consumer: Any, seen: list[Any], done: Callable[[], bool], within_s: float) -> None:
    async with asyncio.timeout(within_s):
        while not done():
            seen.append(await consumer.getone())


def facts(record: Any) -> tuple[str, str, str, str]:
    alert = json.loads(record.value)
    return (alert["authority"], alert["group"], alert["change"], alert["stage"])


def complete(seen: list[Any]) -> bool:
    confirmed = any(json.loads(r.value)["revision"] == 2 and facts(r)[0] == "kg" for r in seen)
    return confirmed and {facts(record) for record in seen} >= EXPECTED


def check(seen: list[Any]) -> None:
    assert {facts(record) for record in seen} == EXPECTED
    values: dict[tuple[str, int], bytes] = {}
    last: dict[str, int] = {}
    for record in seen:
        alert = json.loads(record.value)
        assert record.key.decode() == f"{alert['authority']}|{alert['group']}"
        assert dict(record.headers)["ce_id"].decode() == f"{alert['id']}.{alert['revision']}"
        # A crash may send an alert again, but then to the byte.
        assert values.setdefault((alert["id"], alert["revision"]), record.value) == record.value
        assert alert["revision"] >= last.get(alert["id"], 0)
        last[alert["id"]] = alert["revision"]
    levels = {json.loads(r.value)["revision"]: json.loads(r.value)["level"] for r in seen if facts(r)[0] == "kg"}
    assert levels == {1: "unconfirmed", 2: "confirmed"}
    assert len({alert_id for alert_id, _ in values}) == len(EXPECTED)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=["Ctrl-C", "TERM", "kill -9"])
def test_up_shows_an_alert_and_leaves_no_process_behind(
    number: signal.Signals, broker_spec: Callable[[Path], BrokerSpec], tmp_path: Path
) -> None:
    broker_spec(tmp_path)  # Java and the jars are there, or the test is skipped with the reason
    up = subprocess.Popen(
        [sys.executable, "-P", "-m", "agents", "up", "--demo", "--data-dir", str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={name: value for name, value in os.environ.items() if name != "LISTWIRE_BROKER"},
    )
    assert up.stdout is not None
    with up.stdout as lines:
        first = lines.readline()
        tree = psutil.Process(up.pid).children(recursive=True)
        commands = {process.cmdline()[4] for process in tree if process.cmdline()[2:4] == ["-m", "agents"]}
        up.send_signal(number)
        code = up.wait(60)
    gone, alive = psutil.wait_procs(tree, timeout=60)
    assert alive == []
    assert len(gone) >= 8  # four keepers, Java, the worker, the poller and the page
    assert commands == {"worker", "poll", "web"}
    assert "▌" in first.decode()
    assert code == (-signal.SIGKILL if number is signal.SIGKILL else 0)
