"""Each part of Listwire under its own name on a real Apache Kafka, with the rights of the table and no other.

The same runs are searched for the secrets that they were given: they must be in no output, page, metric, dead letter
or command line.
"""

import asyncio
import base64
import json
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest
from aiokafka import AIOKafkaConsumer

from agents.demo import serving_wire
from agents.kafka import BrokerRefused, Outgoing, Publisher, create_topics
from agents.keeper import end, keep
from agents.link import client_options
from agents.memory import LogReader
from agents.up import free_ports
from streams.acls import Kind, Operation, Role, grants
from streams.topics import TOPICS, Topic

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

HASTE = 6.0
GARBAGE = b"no story"


class Cast:
    """Who plays which role, with the files that prove it and what must not be seen of them."""

    def __init__(self, kafka: Any, way: str) -> None:
        self.kafka = kafka
        self.way = way
        self.secrets: list[str] = []
        self.proofs = {role: self._proof(role) for role in Role}
        for role in Role:
            kafka.grant(f"listwire-{role}", grants(role))

    def _proof(self, role: Role) -> dict[str, Path]:
        user, secret = f"listwire-{role}", f"canary-{secrets.token_hex(8)}"
        if self.way == "SCRAM":
            self.secrets += [secret, base64.b64encode(secret.encode()).decode()]
            return {"credentials": self.kafka.enrol(user, secret)}
        file = self.kafka.certificate(user)
        self.secrets += [line for line in key_of(file).splitlines() if len(line) > 20 and "-----" not in line]
        return {"certificate": file}

    def environment(self, role: Role, data_dir: Path) -> dict[str, str]:
        return self.kafka.environment(**self.proofs[role]) | {
            "LISTWIRE_DATA_DIR": str(data_dir / role),
            "LISTWIRE_LOG_LEVEL": "debug",
            "LISTWIRE_CONFIG": "",
        }

    def link(self, role: Role) -> Any:
        return self.kafka.link(**self.proofs[role])

    def seen_in(self, text: str) -> list[str]:
        return [secret for secret in self.secrets if secret in text]


def key_of(file: Path) -> str:
    text = file.read_text("ascii")
    return text[: text.index("-----BEGIN CERTIFICATE")]


def listwire(environment: dict[str, str], *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-P", "-m", "agents", *arguments]
    return subprocess.run(command, env=environment, input=stdin, capture_output=True, timeout=90, check=False)


def hurried() -> Callable[[], datetime]:
    began = datetime.now(UTC)
    return lambda: began + timedelta(seconds=(datetime.now(UTC) - began).total_seconds() * HASTE)


class Service:
    """The three services, each as its own role, and all they wrote."""

    def __init__(self, cast: Cast, home: Path, wire: str) -> None:
        self.home = home
        self.worker, self.poller, self.page = free_ports(3)
        self._held = ExitStack()
        self.kept = [
            self._keep(
                cast, Role.WORKER, "worker", "--baseline=none", "--sink=stdout:json", f"--metrics-port={self.worker}"
            ),
            self._keep(
                cast, Role.POLLER, "poll", f"--feed={wire}", "--interval=1", "--allow-network=127.0.0.0/8",
                f"--metrics-port={self.poller}",
            ),
            self._keep(cast, Role.WEB, "web", "--baseline=none", f"--port={self.page}"),
        ]  # fmt: skip

    def _keep(self, cast: Cast, role: Role, *arguments: str) -> subprocess.Popen[bytes]:
        written = self._held.enter_context((self.home / f"{role}.out").open("wb"))
        command = [sys.executable, "-P", "-m", "agents", *arguments]
        return keep(command, env=cast.environment(role, self.home), stdout=written, stderr=written)

    def stop(self) -> list[int]:
        codes = [end(each, 60) for each in self.kept]
        self._held.close()
        return codes

    def output(self) -> dict[str, str]:
        return {role: (self.home / f"{role}.out").read_text("utf-8") for role in (Role.WORKER, Role.POLLER, Role.WEB)}

    def command_lines(self) -> str:
        return "\n".join(
            " ".join(process.cmdline())
            for kept in self.kept
            for process in (psutil.Process(kept.pid), *psutil.Process(kept.pid).children(recursive=True))
        )

    async def pages(self) -> dict[str, str]:
        at = [(port, path) for port in (self.worker, self.poller) for path in ("/metrics", "/readyz", "/livez")]
        at += [(self.page, path) for path in ("/", "/readyz", "/api/feeds", "/api/alerts")]
        async with aiohttp.ClientSession() as client:
            return {f"{port}{path}": await self._get(client, f"http://127.0.0.1:{port}{path}") for port, path in at}

    @staticmethod
    async def _get(client: aiohttp.ClientSession, url: str) -> str:
        async with client.get(url) as answer:
            return await answer.text()


async def alerts_as_a_subscriber(cast: Cast, number: int) -> list[dict[str, Any]]:
    """The first alerts that a client in a group of the subscriber's gets."""
    consumer = AIOKafkaConsumer(
        "designation.alerts",
        **client_options(cast.link(Role.SUBSCRIBER)),
        group_id="desk-1",
        auto_offset_reset="earliest",
    )
    await consumer.start()
    try:
        async with asyncio.timeout(90):
            return [json.loads((await consumer.getone()).value) for _ in range(number)]
    finally:
        await consumer.stop()


async def dead_letters(cast: Cast) -> list[Any]:
    read = LogReader(cast.link(Role.OPERATOR))
    return [m for partition in range(4) async for m in read(Topic.DEADLETTERS, partition, 0, None)]


async def until_true(condition: Callable[[], Any], within_s: float = 60) -> None:
    async with asyncio.timeout(within_s):
        while not await condition():  # noqa: ASYNC110 - it asks a broker
            await asyncio.sleep(0.2)


@pytest.mark.parametrize("way", ["SCRAM", "certificate"])
async def test_each_role_does_all_its_work_with_its_own_rights_and_no_secret_is_seen(
    own_secure_kafka: Any, way: str, tmp_path: Path
) -> None:
    cast = Cast(own_secure_kafka, way)
    operator = cast.environment(Role.OPERATOR, tmp_path)
    made = await asyncio.to_thread(listwire, operator, "topics", "create")
    assert made.returncode == 0, made.stderr
    async with serving_wire(hurried()) as wire:
        service = Service(cast, tmp_path, wire)
        try:
            alerts = await alerts_as_a_subscriber(cast, 3)
            told = await asyncio.to_thread(by_hand, cast, tmp_path)
            await until_true(lambda: dead_letters(cast))
            letters = await dead_letters(cast)
            pages, commands = await service.pages(), service.command_lines()
        finally:
            codes = await asyncio.to_thread(service.stop)
    output = service.output()
    assert codes == [0, 0, 0], output
    assert {alert["group"] for alert in alerts} & {"taliban", "wagner-group"}
    assert '"authority":"' in output[Role.WORKER]  # the herald's own delivery
    assert [name for name, text in pages.items() if name.endswith("/readyz") and "ready" not in text] == []
    assert "nobody is allowed" not in "".join(output.values())
    assert not any("uthorization" in text for text in output.values()), output
    for place in (*output.values(), *pages.values(), commands, repr(letters), *told):
        assert cast.seen_in(place) == []


def by_hand(cast: Cast, home: Path) -> Iterator[str]:
    """What people do beside the services, each under the role that may; what they are shown."""
    embargoed = {
        "id": "e1",
        "headline": "Not yet",
        "body": "The text of tomorrow.",
        "published": datetime.now(UTC).isoformat(),
        "embargoed_until": (datetime.now(UTC) + timedelta(days=1)).isoformat(),
    }
    calls = [
        (Role.POLLER, b"", ("feeds", "held")),
        (Role.POLLER, json.dumps(embargoed).encode(), ("poll", "--stdin", "agency", "--metrics-port=0")),
        (Role.OPERATOR, b"", ("doctor",)),
        (Role.OPERATOR, b"", ("feeds", "add", "https://agency.example/rss", "--key", "agency")),
        (Role.OPERATOR, b"", ("feeds", "list", "--live")),
        (
            Role.OPERATOR,
            b"",
            ("ledger", "retract", "kg|taliban", "--baseline=none", "--reason=a hoax", "--by=M. Ito"),
        ),
        (Role.SUBSCRIBER, b"", ("status", "Taliban")),
        (Role.SUBSCRIBER, b"", ("tail", "--json", "--until-end")),
    ]
    asyncio.run(spoil(cast))
    shown = []
    for role, stdin, call in calls:
        done = listwire(cast.environment(role, home), *call, stdin=stdin)
        assert done.returncode == 0, (call, done.stdout, done.stderr)
        shown.append((done.stdout + done.stderr).decode())
    return iter(shown)


async def spoil(cast: Cast) -> None:
    """Sends the worker what it must bury."""
    publisher = Publisher(cast.link(Role.OPERATOR))
    await publisher.start()
    await publisher.publish(Outgoing(Topic.STORIES, b"x", GARBAGE))
    await publisher.stop()


async def test_the_rights_are_those_of_the_table_and_no_more(own_secure_kafka: Any) -> None:
    cast = Cast(own_secure_kafka, "SCRAM")
    await create_topics(cast.link(Role.OPERATOR))
    for role in Role:
        rights = {grant.name: grant.operations for grant in grants(role) if grant.kind is Kind.TOPIC}
        assert await readable(cast, role) == {t for t, operations in rights.items() if Operation.READ in operations}
        assert await writable(cast, role) == {t for t, operations in rights.items() if Operation.WRITE in operations}


async def test_a_subscriber_reads_alerts_and_status_and_writes_nothing(own_secure_kafka: Any) -> None:
    """Said again without the table, which could be wrong itself."""
    cast = Cast(own_secure_kafka, "certificate")
    await create_topics(cast.link(Role.OPERATOR))
    assert await readable(cast, Role.SUBSCRIBER) == {"designation.alerts", "designation.status"}
    assert await writable(cast, Role.SUBSCRIBER) == set()


async def readable(cast: Cast, role: Role) -> set[str]:
    read, found = LogReader(cast.link(role)), set()
    for spec in TOPICS:
        try:
            async for _ in read(spec.topic, 0, 0, 1):
                pass
        except BrokerRefused:
            continue
        found.add(str(spec.topic))
    return found


async def writable(cast: Cast, role: Role) -> set[str]:
    found = set()
    for spec in TOPICS:
        publisher = Publisher(cast.link(role))
        try:
            await publisher.publish(Outgoing(spec.topic, b"k", b"v"))
        except BrokerRefused:
            continue
        finally:
            await publisher.stop()
        found.add(str(spec.topic))
    return found
