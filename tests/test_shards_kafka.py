"""Several pollers on one Apache Kafka: each feed is polled by exactly one, and goes on when that one is killed."""

import asyncio
import os
import signal
import subprocess
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from agents.broker import Broker, BrokerSpec
from agents.memory import LogReader
from streams.codec import decode
from streams.records import Story
from streams.topics import Topic, partitions_of

pytestmark = pytest.mark.kafka

FEEDS = 12
PATIENCE_S = 60


@pytest.fixture(scope="module")
def bootstrap(broker_spec: Callable[[Path], BrokerSpec], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with Broker.start(broker_spec(tmp_path_factory.mktemp("shards")), lambda _: None) as broker:
        yield broker.bootstrap


class Site:
    """Feeds over HTTP, and who asked for them, told by the contact in the User-Agent."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.port = 0

    def url(self, number: int) -> str:
        """Each feed has a host of its own, so that politeness to one does not make the others wait."""
        return f"http://127.0.0.{number + 1}:{self.port}"

    async def handle(self, request: web.Request) -> web.Response:
        key, who = request.match_info["key"], request.headers["User-Agent"].partition("+")[2].rstrip(")")
        etag = f'"{key}"'
        self.asked.append((key, who))
        if request.headers.get("If-None-Match") == etag:
            return web.Response(status=304, headers={"ETag": etag})
        item = f"<item><guid>{key}</guid><title>Story of {key}</title></item>"
        body = f"<rss version='2.0'><channel>{item}</channel></rss>"
        return web.Response(body=body, headers={"ETag": etag}, content_type="text/xml")

    async def owners(self) -> dict[str, set[str]]:
        """Who polls which feed from now on: what is asked for while each feed is asked for twice."""
        start, seen = len(self.asked), defaultdict[str, list[str]](list)
        for _ in range(PATIENCE_S * 10):
            seen.clear()
            for key, who in self.asked[start:]:
                seen[key].append(who)
            if len(seen) >= FEEDS and all(len(asked) > 1 for asked in seen.values()):
                return {key: set(asked) for key, asked in seen.items()}
            await asyncio.sleep(0.1)
        pytest.fail(f"not all feeds are polled: {sorted(seen)}")

    async def settled(self, expected: Callable[[dict[str, set[str]]], bool]) -> None:
        """Returns once the owners are as expected."""
        owners: dict[str, set[str]] = {}
        for _ in range(20):
            owners = await self.owners()
            if expected(owners):
                return
        pytest.fail(f"owners stay {owners}")


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    made = Site()
    app = web.Application()
    app.router.add_get("/{key}", made.handle)
    async with TestServer(app, host="0.0.0.0") as server:  # noqa: S104 - all of 127/8
        made.port = server.port or 0
        yield made


class Pollers:
    """Poller processes by name."""

    def __init__(self, bootstrap: str, feeds_file: Path) -> None:
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self._environment = os.environ | {"LISTWIRE_BROKER": bootstrap, "LISTWIRE_FEEDS_FILE": str(feeds_file)}

    def start(self, name: str) -> None:
        command = "poll --interval 1 --allow-network 127.0.0.0/8 --metrics-port 0 --log-level warning".split()
        environment = self._environment | {"LISTWIRE_CONTACT": name}
        self.running[name] = subprocess.Popen([sys.executable, "-m", "agents", *command], env=environment)

    def call(self, *arguments: str) -> None:
        subprocess.run([sys.executable, "-m", "agents", "feeds", *arguments], env=self._environment, check=True)

    def end(self, name: str, with_signal: signal.Signals) -> int:
        process = self.running.pop(name)
        process.send_signal(with_signal)
        return process.wait(30)


@pytest.fixture
def pollers(bootstrap: str, site: Site, tmp_path: Path) -> Iterator[Pollers]:
    file = tmp_path / "feeds.toml"
    file.write_text("".join(f'[feed-{n}]\nurl = "{site.url(n)}/feed-{n}"\nname = "F{n}"\n' for n in range(FEEDS)))
    made = Pollers(bootstrap, file)
    yield made
    for name in tuple(made.running):
        made.end(name, signal.SIGKILL)


async def stories(bootstrap: str) -> list[str]:
    read = LogReader(bootstrap)
    return [
        decode(message.value, Story).guid
        for partition in range(partitions_of(Topic.STORIES))
        async for message in read(Topic.STORIES, partition, 0, None)
    ]


@pytest.mark.slow
async def test_each_feed_is_polled_by_exactly_one_and_none_is_lost_with_its_poller(
    bootstrap: str, site: Site, pollers: Pollers
) -> None:
    listed = sorted(f"feed-{n}" for n in range(FEEDS))
    pollers.start("a")
    await site.settled(lambda owners: all(who == {"a"} for who in owners.values()))

    pollers.start("b")
    await site.settled(
        lambda owners: set.union(*owners.values()) == {"a", "b"} and all(len(who) == 1 for who in owners.values())
    )

    pollers.end("a", signal.SIGKILL)
    await site.settled(lambda owners: all(who == {"b"} for who in owners.values()))
    assert sorted(await stories(bootstrap)) == listed, "the states moved with the feeds, so nothing is new"

    await asyncio.to_thread(pollers.call, "add", f"{site.url(FEEDS)}/added", "--key", "added")
    await site.settled(lambda owners: "added" in owners)
    assert sorted(await stories(bootstrap)) == sorted([*listed, "added"])

    await asyncio.to_thread(pollers.call, "remove", "added")
    await site.settled(lambda owners: "added" not in owners)
    assert pollers.end("b", signal.SIGTERM) == 0
