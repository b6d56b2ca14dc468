"""The live page on a real Apache Kafka: it finds its topics, follows them in no group, and says when they are gone."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiokafka.admin import AIOKafkaAdminClient

from agents.broker import Broker, BrokerSpec
from agents.kafka import Incoming, Outgoing, Publisher, create_topics
from agents.web.follower import Follower
from streams.topics import Topic

pytestmark = pytest.mark.kafka

DAY = datetime(2025, 4, 17, 9, 0, tzinfo=UTC)


@pytest.fixture
def broker(broker_spec: Callable[[Path], BrokerSpec], tmp_path: Path) -> Iterator[Broker]:
    with Broker.start(broker_spec(tmp_path / "broker"), lambda _: None) as started:
        yield started


@asynccontextmanager
async def publishing(bootstrap: str) -> AsyncIterator[Publisher]:
    publisher = Publisher(bootstrap)
    await publisher.start()
    try:
        yield publisher
    finally:
        await publisher.stop()


def ban(newsroom: Any, guid: str, country: str) -> list[Outgoing]:
    body = (
        f"PARIS, Apr 17 (AFP) - {country} has banned the PKK as a terrorist organisation, its Interior Ministry said."
    )
    messages = newsroom.tell(guid, f"{country} bans PKK", body, DAY)
    return [Outgoing(message.topic, message.key, message.value) for message in messages]


async def until(condition: Callable[[], Awaitable[bool]], within_s: float = 40) -> None:
    """Returns once the condition holds."""
    async with asyncio.timeout(within_s):
        while not await condition():  # noqa: ASYNC110 - it asks a server
            await asyncio.sleep(0.1)


@asynccontextmanager
async def following(bootstrap: str, take: Callable[[Incoming], None]) -> AsyncIterator[Follower]:
    follower = Follower(bootstrap, take)
    running = asyncio.create_task(follower.run())
    try:
        yield follower
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@asynccontextmanager
async def listwire_web(bootstrap: str, tmp_path: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """The command, and the address that it tells."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "agents", "web", "--port", "0", "--broker", bootstrap),
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | {"LISTWIRE_DATA_DIR": str(tmp_path), "LISTWIRE_LOG_LEVEL": "error"},
    )
    assert process.stderr is not None
    try:
        told = (await process.stderr.readline()).decode()
        match = re.fullmatch(r"listwire: the page is at (http://127\.0\.0\.1:\d+)/\n", told)
        assert match, told
        yield process, match[1]
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def test_the_command_waits_for_topics_follows_them_and_leaves_no_trace(
    broker: Broker, newsroom: Any, tmp_path: Path
) -> None:
    async with (
        listwire_web(broker.bootstrap, tmp_path) as (process, url),
        aiohttp.ClientSession() as client,
        publishing(broker.bootstrap) as publisher,
    ):

        async def facts(path: str = "/api/alerts") -> Any:
            async with client.get(url + path) as answer:
                return await answer.json()

        async def both_are_shown() -> bool:
            return [alert["authority_name"] for alert in (await facts())["alerts"]] == ["Russia", "France"]

        async def ready() -> bool:
            return bool((await facts())["ready"])

        assert not await ready()
        await create_topics(broker.bootstrap)
        await until(ready)
        await publisher.publish(*ban(newsroom, "a", "France"))

        async def is_whole() -> bool:
            return [alert["text"]["whole"] for alert in (await facts())["alerts"]] == [True]

        await until(is_whole)
        await publisher.publish(Outgoing(Topic.ALERTS, b"x", b"no JSON"), *ban(newsroom, "b", "Russia"))
        await until(both_are_shown)

        async def both_are_listed() -> bool:
            rows = (await facts("/api/ledger"))["rows"]
            moved = {(row["authority"], row["listed"]) for row in rows if not row["baseline"]}
            return moved == {("fr", True), ("ru", True)}

        await until(both_are_listed)  # a row comes after its alert, over another topic
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 20) == 0
    assert await groups(broker.bootstrap) == []


async def groups(bootstrap: str) -> list[Any]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        return list(await admin.list_consumer_groups())
    finally:
        await admin.close()


async def test_a_start_reads_only_the_newest_stretch_and_the_whole_of_what_is_compacted(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules["agents.web.follower"].READ_BACK, Topic.ALERTS, 2)
    await create_topics(broker.bootstrap)
    async with publishing(broker.bootstrap) as publisher:
        for topic in (Topic.ALERTS, Topic.STATUS):
            await publisher.publish(*(Outgoing(topic, b"one key", b"%d" % number) for number in range(5)))
    taken: list[tuple[str, bytes | None]] = []
    async with following(broker.bootstrap, lambda message: taken.append((message.topic, message.value))) as follower:
        await asyncio.wait_for(follower.caught_up.wait(), 40)
    assert [value for topic, value in taken if topic == Topic.ALERTS] == [b"3", b"4"]
    assert [value for topic, value in taken if topic == Topic.STATUS] == [b"%d" % number for number in range(5)]


async def test_a_broker_that_falls_silent_is_noticed(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agents.web.follower.LOOK_S", 0.5)
    await create_topics(broker.bootstrap)
    async with following(broker.bootstrap, lambda _: None) as follower:
        await asyncio.wait_for(follower.caught_up.wait(), 40)
        assert follower.broker_answers
        await asyncio.to_thread(broker.stop)

        async def is_noticed() -> bool:
            return not follower.broker_answers

        await until(is_noticed)
