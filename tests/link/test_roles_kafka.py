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
from collections.abc import Awaitable, Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import GroupAuthorizationFailedError

from agents.demo import serving_wire
from agents.kafka import BrokerRefused, Outgoing, Publisher, create_topics
from agents.keeper import end, keep
from agents.link import client_options
from agents.memory import LogReader
from agents.sentinel import FOLDED_FOR
from agents.up import free_ports
from agents.web.follower import READ_BACK
from streams.acls import Kind, Operation, Role, grants
from streams.stalls import CANARIES_S
from streams.topics import TOPICS, Topic

EXTERNAL = ("wire.relevant", "designation.claims", "designation.alerts", "designation.status")

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

HASTE = 30.0
GARBAGE = b"no story"


class Cast:
    """Who plays which role, with the files that prove it and what must not be seen of them."""

    def __init__(self, kafka: Any, certified: Collection[Role] = ()) -> None:
        """All but the `certified` prove themselves with a password."""
        self.kafka = kafka
        self.secrets: list[str] = []
        self.proofs = {role: self._proof(role, role in certified) for role in Role}
        for role in Role:
            kafka.grant(f"listwire-{role}", grants(role))

    def _proof(self, role: Role, certified: bool) -> dict[str, Path]:
        user, secret = f"listwire-{role}", f"canary-{secrets.token_hex(8)}"
        if not certified:
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

    def seen_from_outside(self) -> str:
        """What the system tells of the processes: their arguments and environments."""
        return "\n".join(
            f"{process.cmdline()} {process.environ()}"
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


async def first_dead_letter(cast: Cast) -> Any:
    """Waits for it."""
    where = client_options(cast.link(Role.OPERATOR))
    async with AIOKafkaConsumer(str(Topic.DEADLETTERS), **where, auto_offset_reset="earliest") as consumer:
        return await asyncio.wait_for(consumer.getone(), 60)


PEOPLE = frozenset({Role.OPERATOR, Role.SUBSCRIBER, Role.READER})


@pytest.mark.parametrize("certified", [PEOPLE, frozenset(Role) - PEOPLE], ids=["services-scram", "services-certified"])
async def test_each_role_does_all_its_work_with_its_own_rights_and_no_secret_is_seen(
    own_secure_kafka: Any, certified: frozenset[Role], tmp_path: Path
) -> None:
    cast = Cast(own_secure_kafka, certified)
    await create_topics(cast.link(Role.OPERATOR))
    async with serving_wire(hurried()) as wire:
        service = Service(cast, tmp_path, wire)
        try:
            alerts = await alerts_as_a_subscriber(cast, 3)
            await spoil(cast)
            letter = await first_dead_letter(cast)
            told = await asyncio.to_thread(by_hand, cast, tmp_path) if certified == PEOPLE else []
            pages, outside = await service.pages(), service.seen_from_outside()
        finally:
            codes = await asyncio.to_thread(service.stop)
    output = service.output()
    assert codes == [0, 0, 0], output
    assert len({alert["id"] for alert in alerts}) > 1
    assert '"authority":"' in output[Role.WORKER]  # the herald's own delivery
    assert [name for name, text in pages.items() if name.endswith("/readyz") and "ready" not in text] == []
    assert not any("uthorization" in text for text in output.values()), output
    for place in (*output.values(), *pages.values(), outside, repr(letter), *told):
        assert cast.seen_in(place) == []


CALLS: tuple[tuple[Role, str, str], ...] = (
    (Role.POLLER, "", "feeds held"),
    (Role.POLLER, "embargoed", "poll --stdin agency --metrics-port=0"),
    (Role.OPERATOR, "", "doctor"),
    (Role.OPERATOR, "", "topics describe"),
    (Role.OPERATOR, "", "topics configure"),
    (Role.OPERATOR, "", "backup {home}/backup.gz"),
    (Role.OPERATOR, "", "feeds add https://agency.example/rss --key agency"),
    (Role.OPERATOR, "", "ledger retract kg|taliban --baseline=none --reason=hoax --by=Ito"),
    (Role.OPERATOR, "", "deadletters replay --all"),
    (Role.READER, "", "status Taliban"),
    (Role.READER, "", "due"),
    (Role.SUBSCRIBER, "", "tail --json --until-end"),
    (Role.SUBSCRIBER, "", "worker --help"),
)


def by_hand(cast: Cast, home: Path) -> list[str]:
    """What people do beside the services, each under the role that may; what they are shown."""

    def called(role: Role, piped: str, call: str) -> str:
        done = listwire(
            cast.environment(role, home), *call.format(home=home).split(), stdin=embargoed() if piped else b""
        )
        assert done.returncode == 0, (call, done.stdout, done.stderr)
        return (done.stdout + done.stderr).decode()

    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(lambda call: called(*call), CALLS))


def embargoed() -> bytes:
    now = datetime.now(UTC)
    story = {"id": "e1", "headline": "Not yet", "body": "The text of tomorrow.", "published": now.isoformat()}
    return json.dumps(story | {"embargoed_until": (now + timedelta(days=1)).isoformat()}).encode()


async def spoil(cast: Cast) -> None:
    """Sends the worker what it must bury."""
    publisher = Publisher(cast.link(Role.OPERATOR))
    await publisher.start()
    await publisher.publish(Outgoing(Topic.STORIES, b"x", GARBAGE))
    await publisher.stop()


async def test_the_rights_are_those_of_the_table_and_no_more(secure_kafka: Any) -> None:
    cast = Cast(secure_kafka)
    await create_topics(cast.link(Role.OPERATOR))
    await fill(cast)
    may = {role: (await readable(cast, role), await writable(cast, role)) for role in Role}
    for role in Role:
        rights = {grant.name: grant.operations for grant in grants(role) if grant.kind is Kind.TOPIC}
        assert may[role] == tuple(
            {topic for topic, operations in rights.items() if operation in operations}
            for operation in (Operation.READ, Operation.WRITE)
        )
    # Said again without the table, which could be wrong itself.
    assert may[Role.SUBSCRIBER] == ({"designation.alerts"}, set())
    assert may[Role.READER] == ({*EXTERNAL, "designation.skipped"}, set())
    assert may[Role.WEB] == (set(READ_BACK), set())
    assert may[Role.WORKER][0] >= set(FOLDED_FOR)
    assert may[Role.WORKER][1] >= set(CANARIES_S)


async def test_a_subscriber_is_refused_other_topics_and_other_groups(secure_kafka: Any, tmp_path: Path) -> None:
    cast = Cast(secure_kafka, {Role.SUBSCRIBER})
    await create_topics(cast.link(Role.OPERATOR))
    done = await asyncio.to_thread(listwire, cast.environment(Role.SUBSCRIBER, tmp_path), "status", "Taliban")
    assert done.returncode == 1
    assert b"does not allow us this (designation.status)" in done.stderr
    where = client_options(cast.link(Role.SUBSCRIBER))
    consumer = AIOKafkaConsumer("designation.alerts", **where, group_id="listwire.herald.stolen")
    with pytest.raises(GroupAuthorizationFailedError):
        await consumer.start()
    await consumer.stop()


async def fill(cast: Cast) -> None:
    """Something in each partition: the end of an empty one is told to who may not read."""
    publisher = Publisher(cast.link(Role.OPERATOR))
    for spec in TOPICS:
        await publisher.publish(*(Outgoing(spec.topic, bytes([key]), b"v") for key in range(40)))
    await publisher.stop()


async def readable(cast: Cast, role: Role) -> set[str]:
    read = LogReader(cast.link(role))

    async def look(topic: Topic) -> None:
        async for _ in read(topic, 0, 0, 1):
            pass

    return await allowed(look)


async def writable(cast: Cast, role: Role) -> set[str]:
    async def write(topic: Topic) -> None:
        publisher = Publisher(cast.link(role))
        try:
            await publisher.publish(Outgoing(topic, b"k", b"v"))
        finally:
            await publisher.stop()

    return await allowed(write)


async def allowed(act: Callable[[Topic], Awaitable[None]]) -> set[str]:
    """The topics on which the act is not refused."""
    results = await asyncio.gather(*(act(spec.topic) for spec in TOPICS), return_exceptions=True)
    for result in results:
        if result is not None and not isinstance(result, BrokerRefused):
            raise result
    return {str(spec.topic) for spec, result in zip(TOPICS, results, strict=True) if result is None}
