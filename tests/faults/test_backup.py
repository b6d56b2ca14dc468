"""A backup taken while stories pass, restored into another broker: nothing lost, nothing told twice, and it goes on."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from checker import Evidence
from evidence import behind, gather
from stories import Kind, Pair, Supply, _listing, _message, _next, _story, pairs

from agents.app import GROUP
from agents.broker import Broker, BrokerSpec
from agents.kafka import Outgoing, Publisher
from agents.keeper import end, keep
from agents.memory import LogReader
from agents.sinks import group_of
from streams.codec import decode
from streams.records import Story
from streams.registry import load_registry
from streams.topics import Topic, partitions_of
from streams.vocabulary import PubStatus

pytestmark = [pytest.mark.kafka, pytest.mark.long]

REGISTRY = load_registry()
RATE_S = 0.02
PATIENCE_S = 90.0
Delivered = list[tuple[str, int]]


class Site:
    """A broker with a worker and a poller of its own, each a process."""

    def __init__(self, broker: str, folder: Path, feed: str) -> None:
        self.broker, self.sink = broker, folder / "alerts.jsonl"
        folder.mkdir(exist_ok=True)
        feeds = folder / "feeds.toml"
        feeds.write_text(f'[agency]\nurl = "{feed}"\nname = "Agency"\n')
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("LISTWIRE_")} | {
            "LISTWIRE_BROKER": broker,
            "LISTWIRE_DATA_DIR": str(folder),
            "LISTWIRE_FEEDS_FILE": str(feeds),
            "LISTWIRE_SINKS": self.url,
            "LISTWIRE_ALLOW_NETWORKS": "127.0.0.0/8",
            "LISTWIRE_LOG_LEVEL": "error",
        }
        self.running: list[subprocess.Popen[bytes]] = []

    @property
    def url(self) -> str:
        return f"jsonl:{self.sink}?name=desk"  # named, so that another file keeps the place

    def start(self) -> None:
        for arguments in (("worker", "--metrics-port", "0"), ("poll", "--interval", "1", "--metrics-port", "0")):
            command = [sys.executable, "-P", "-m", "agents", *arguments]
            self.running.append(keep(command, env=self.environment, stdout=subprocess.DEVNULL))

    def kill(self) -> None:
        """kill -9 of worker and poller."""
        for keeper in self.running:
            for child in psutil.Process(keeper.pid).children():
                child.kill()
            keeper.wait(15)
            if keeper.stdin is not None:
                keeper.stdin.close()
        self.running.clear()

    def stop(self) -> list[int]:
        codes = [end(keeper, 60) for keeper in self.running]
        self.running.clear()
        return codes

    def call(self, *arguments: str) -> Any:
        command = [sys.executable, "-P", "-m", "agents", *arguments]
        return subprocess.run(
            command, check=False, capture_output=True, text=True, env=self.environment, timeout=PATIENCE_S
        )

    def delivered(self) -> Delivered:
        lines = map(json.loads, self.sink.read_text().splitlines()) if self.sink.exists() else ()
        return [(line["id"], line["revision"]) for line in lines]


@pytest.fixture
def brokers(broker_spec: Callable[[Path], BrokerSpec], tmp_path: Path) -> Callable[[str], Any]:
    @contextmanager
    def started(name: str) -> Iterator[str]:
        with Broker.start(broker_spec(tmp_path / name), lambda _: None) as broker:
            yield broker.bootstrap

    return started


@asynccontextmanager
async def feed(items: int) -> AsyncIterator[str]:
    """A feed whose items never change."""
    lines = "".join(
        f"<item><guid>item-{n}</guid><title>Wheat prices rise for day {n}</title>"
        f"<description>Traders said on Monday that wheat prices rose for day {n}.</description></item>"
        for n in range(items)
    )
    text = f'<rss version="2.0"><channel><title>Agency</title>{lines}</channel></rss>'

    async def answer(_: web.Request) -> web.Response:
        return web.Response(text=text, content_type="application/rss+xml")

    application = web.Application()
    application.router.add_get("/feed", answer)
    async with TestServer(application, host="127.0.0.1") as server:
        yield str(server.make_url("/feed"))


class Load:
    """Sends story after story and knows which were acknowledged."""

    def __init__(self, broker: str, supply: Supply) -> None:
        self.acknowledged: list[str] = []
        self._publisher, self._supply = Publisher(broker), supply

    async def run(self) -> None:
        await self._publisher.start()
        try:
            while True:
                for message in self._supply.take():
                    await self._publisher.publish(message)
                    self.acknowledged.append(decode(message.value, Story).guid)
                await asyncio.sleep(RATE_S)
        finally:
            await self._publisher.stop()


async def until(what: str, condition: Callable[[], Any]) -> None:
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not await condition():  # noqa: ASYNC110 - a broker raises no event of ours
                await asyncio.sleep(0.2)
    except TimeoutError:
        pytest.fail(f"not within {PATIENCE_S} s: {what}")


async def publish(broker: str, *messages: Outgoing) -> None:
    publisher = Publisher(broker)
    await publisher.start()
    await publisher.publish(*messages)
    await publisher.stop()


async def raw(broker: str, topic: Topic) -> list[tuple[Any, ...]]:
    """All that is in the topic, canaries too, as the client has it."""
    read = LogReader(broker)
    return [
        (record.partition, record.offset, record.timestamp, record.key, record.value, record.headers)
        for partition in range(partitions_of(topic))
        async for record in read.records(topic, partition, 0, None)
    ]


async def done(site: Site) -> bool:
    """Whether worker and sink have nothing left to do. Canaries come late and are nobody's."""
    groups = {GROUP: (Topic.STORIES, Topic.RELEVANT, Topic.CLAIMS), group_of(site.url): (Topic.ALERTS,)}
    return not await behind(site.broker, groups)


async def test_a_backup_under_load_loses_and_doubles_nothing(brokers: Callable[[str], Any], tmp_path: Path) -> None:
    file = tmp_path / "backup.jsonl.gz"
    async with feed(20) as url:
        with brokers("first") as first:
            site = Site(first, tmp_path / "a", url)
            site.start()
            try:
                told, promised, pair = await _backed_up(site, file)
            finally:
                await asyncio.to_thread(site.kill)
            heard = site.delivered()
            claims = await raw(first, Topic.CLAIMS)
        with brokers("second") as second:
            site = Site(second, tmp_path / "b", url)
            restored = await asyncio.to_thread(site.call, "restore", str(file), "--json")
            assert restored.returncode == 0, restored.stderr
            again = await asyncio.to_thread(site.call, "restore", str(file))
            assert (again.returncode, "not empty" in again.stderr) == (1, True)
            kept = await raw(second, Topic.CLAIMS)
            assert kept
            assert [row for row in claims if row[:2] in {row[:2] for row in kept}] == kept
            site.start()
            try:
                await until("all handled", lambda: done(site))
                await _goes_on(site, pair)
                codes = await asyncio.to_thread(site.stop)
            finally:
                await asyncio.to_thread(site.kill)
            found = await gather(second, REGISTRY, promised, site.sink)
            feed_items = await _items_of_the_feed(second)
    assert codes == [0, 0]
    _judge(found, promised)
    delivered = site.delivered()
    assert len(delivered) == len(set(delivered))
    assert set(told) & set(delivered) == set()  # nobody hears again what he heard before the backup
    assert set(heard) | set(delivered) >= {(alert.id, alert.revision) for alert in found.alerts}  # nor misses any
    assert sorted(feed_items) == sorted(set(feed_items))
    assert len(feed_items) == 20


async def _backed_up(site: Site, file: Path) -> tuple[Delivered, list[str], Pair]:
    """What was delivered and what was acknowledged before the backup began; somebody who was listed before."""
    supply = Supply(REGISTRY, 7)
    pair = next(pairs(REGISTRY, 99))
    load = Load(site.broker, supply)

    async def warm() -> bool:
        return len(site.delivered()) >= 25

    await until("topics", lambda: _ready(site))
    await publish(site.broker, _message(_story(Kind.NEWS, 999_999, pair, _listing(pair))))
    loading = asyncio.create_task(load.run())
    try:
        await until("alerts", warm)
        told, promised = site.delivered(), list(load.acknowledged)
        made = await asyncio.to_thread(site.call, "backup", str(file), "--json")
        assert made.returncode == 0, made.stderr
        assert len(load.acknowledged) > len(promised)  # it went on meanwhile
    finally:
        loading.cancel()
        await asyncio.wait([loading])
    checked = await asyncio.to_thread(site.call, "backup", "--verify", str(file), "--json")
    facts = json.loads(made.stdout)
    assert json.loads(checked.stdout) == facts
    assert facts["topics"]["wire.stories"] >= len(promised)
    return told, promised, pair


async def _ready(site: Site) -> bool:
    run = await asyncio.to_thread(site.call, "topics", "describe")
    return bool(run.returncode == 0)


async def _goes_on(site: Site, pair: Pair) -> None:
    """A new listing is told once; the kill of one from before the backup retracts it."""
    before = site.delivered()
    new = next(one for one in pairs(REGISTRY, 100) if one.authority != pair.authority)
    story = _story(Kind.NEWS, 888_888, new, _listing(new))
    old = _story(Kind.NEWS, 999_999, pair, _listing(pair))
    kill = _next(old, pub_status=PubStatus.CANCELED)
    await publish(site.broker, _message(story), _message(kill))

    async def told() -> bool:
        return len(site.delivered()) >= len(before) + 2

    await until("the new alert and the retraction", told)
    lines = [json.loads(line) for line in site.sink.read_text().splitlines()][len(before) :]
    facts = {(line["authority"], line["group"], line["status"], line["revision"]) for line in lines}
    assert facts == {(new.authority, new.group, "live", 1), (pair.authority, pair.group, "retracted", 2)}
    await until("all handled", lambda: done(site))


async def _items_of_the_feed(broker: str) -> list[str]:
    stories = [
        msgspec.json.decode(message.value)
        for partition in range(partitions_of(Topic.STORIES))
        async for message in LogReader(broker)(Topic.STORIES, partition, 0, None)
    ]
    return [story["guid"] for story in stories if story["feed"] == "agency"]


def _judge(found: Evidence, promised: list[str]) -> None:
    assert set(promised) <= found.stories  # nothing that was acknowledged is lost
    on_topic: dict[tuple[str, int], set[str]] = {}
    for alert in found.alerts:
        on_topic.setdefault((alert.id, alert.revision), set()).add(alert.digest)
    assert {key: {digest} for key, digest in found.folded.items()} == on_topic  # the log gives just what was told
    assert found.rows == found.folded_rows  # each row is the ledger's
