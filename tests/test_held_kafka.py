"""Embargoed stories on a real Apache Kafka, with pollers that are killed at the worst of times."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from agents.broker import Broker, BrokerSpec
from agents.clock import utcnow
from agents.custodian import Custodian
from agents.held import HeldLog
from agents.kafka import Publisher, create_topics
from agents.memory import LogReader
from agents.messages import Incoming
from streams.codec import decode, encode
from streams.records import Story, StoryId
from streams.topics import Topic, partitions_of

pytestmark = pytest.mark.kafka

PATIENCE_S = 60.0

# A custodian whose process is killed when the story is acknowledged and its tombstone is still to be sent.
KILLED_BETWEEN = """
import asyncio, os, signal, sys
from agents.custodian import Custodian
from agents.held import HeldLog
from agents.kafka import Publisher
from agents.memory import LogReader

class Mortal(Publisher):
    async def publish(self, *messages):
        for message in messages:
            if message.value is None:
                os.kill(os.getpid(), signal.SIGKILL)
            await super().publish(message)

async def main():
    publisher = Mortal(sys.argv[1])
    await publisher.start()
    await Custodian(HeldLog(LogReader(sys.argv[1])), publisher, follows=lambda feed: True).release()

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def bootstrap(broker_spec: Callable[[Path], BrokerSpec], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One for all tests here: each names stories of its own, and leaves nothing held."""
    with Broker.start(broker_spec(tmp_path_factory.mktemp("held")), lambda _: None) as broker:
        yield broker.bootstrap


async def messages(bootstrap: str, topic: Topic) -> list[Incoming]:
    read = LogReader(bootstrap)
    return [message for partition in range(partitions_of(topic)) async for message in read(topic, partition, 0, None)]


async def published(bootstrap: str) -> dict[str, list[tuple[int, bytes, float]]]:
    """By headline: revision, bytes and time of each message."""
    found: dict[str, list[tuple[int, bytes, float]]] = {}
    for message in await messages(bootstrap, Topic.STORIES):
        story = decode(message.value, Story)
        found.setdefault(story.headline, []).append((story.revision, message.value or b"", message.timestamp))
    return found


async def held_ids(bootstrap: str) -> list[str]:
    log = HeldLog(LogReader(bootstrap))
    await log.refresh()
    return [held.story.guid for held in log.listed()]


async def holds(bootstrap: str, expected: set[str], within_s: float) -> None:
    """Returns once these are held, and nothing else."""
    held: list[str] = []
    for _ in range(int(within_s * 4)):
        held = await held_ids(bootstrap)
        if set(held) == expected:
            return
        await asyncio.sleep(0.2)
    pytest.fail(f"held are still {held}")


async def test_killed_between_publication_and_tombstone_the_story_comes_again_as_the_very_same(bootstrap: str) -> None:
    await create_topics(bootstrap)
    publisher = Publisher(bootstrap)
    await publisher.start()
    ended = utcnow() + timedelta(seconds=1)
    text = {"feed": "f", "guid": "s", "headline": "H", "body": "B"}
    story = Story(id=StoryId("s"), received_at=utcnow(), embargoed_until=ended, **text)
    await Custodian(HeldLog(LogReader(bootstrap)), publisher).publish([story])
    assert "H" not in await published(bootstrap)
    assert await held_ids(bootstrap) == ["s"]
    await asyncio.sleep(max(0.0, (ended - utcnow()).total_seconds()))

    killed = await asyncio.to_thread(subprocess.run, [sys.executable, "-c", KILLED_BETWEEN, bootstrap], timeout=60)
    assert killed.returncode == -signal.SIGKILL
    assert len((await published(bootstrap))["H"]) == 1
    assert await held_ids(bootstrap) == ["s"], "the tombstone was not written"

    restarted = Custodian(HeldLog(LogReader(bootstrap)), publisher, follows=lambda feed: True)
    assert await restarted.release() == 1
    assert [(revision, raw) for revision, raw, _ in (await published(bootstrap))["H"]] == [(1, encode(story))] * 2
    assert (await restarted.release(), await held_ids(bootstrap)) == (0, [])
    await publisher.stop()


class Site:
    """An agency's feed with one embargoed story."""

    def __init__(self) -> None:
        self.item: dict[str, str] = {}

    async def handle(self, _: web.Request) -> web.Response:
        return web.json_response(self.item)


@pytest.fixture
async def site() -> AsyncIterator[tuple[Site, str]]:
    made = Site()
    app = web.Application()
    app.router.add_get("/wire", made.handle)
    async with TestServer(app, host="127.0.0.1") as server:
        yield made, f"http://127.0.0.1:{server.port}/wire"


class Desk:
    """Commands of ours against one broker."""

    def __init__(self, bootstrap: str, feeds_file: Path) -> None:
        self._environment = os.environ | {
            "LISTWIRE_BROKER": bootstrap,
            "LISTWIRE_FEEDS_FILE": str(feeds_file),
            "LISTWIRE_DROP_SETTLE_S": "0.2",
        }

    def start(self) -> subprocess.Popen[bytes]:
        options = "poll --interval 1 --allow-network 127.0.0.0/8 --metrics-port 0 --log-level warning".split()
        return subprocess.Popen([sys.executable, "-m", "agents", *options], env=self._environment)

    async def call(self, *arguments: str, given: str = "") -> str:
        command = [sys.executable, "-m", "agents", *arguments]
        done = await asyncio.to_thread(
            subprocess.run, command, env=self._environment, input=given.encode(), check=True, stdout=subprocess.PIPE
        )
        return done.stdout.decode()


def item(guid: str, end: datetime) -> dict[str, str]:
    return {
        "uri": guid,
        "type": "text",
        "versioncreated": utcnow().isoformat(),
        "headline": f"Secret of {guid}",
        "body_text": "Nobody may read this yet.",
        "embargoed": end.isoformat(),
    }


@pytest.mark.slow
async def test_whichever_way_it_came_a_story_is_held_over_a_kill_of_the_poller_and_published_once_at_its_time(
    bootstrap: str, site: tuple[Site, str], tmp_path: Path
) -> None:
    drop = tmp_path / "drop"
    drop.mkdir()
    file = tmp_path / "feeds.toml"
    file.write_text(f'[polled]\nurl = "{site[1]}"\nname = "P"\n[folder]\nfolder = "{drop}"\nname = "F"\n')
    desk = Desk(bootstrap, file)
    end = (utcnow() + timedelta(seconds=45)).replace(microsecond=0)  # as wires tell it
    site[0].item = item("polled", end)
    (drop / "story.json").write_text(json.dumps(item("dropped", end)))
    ways = {"polled", "dropped", "piped"}

    poller = desk.start()
    try:
        await desk.call("poll", "--stdin", "polled", given=json.dumps(item("piped", end)))
        await holds(bootstrap, ways, PATIENCE_S)
        listed = await desk.call("feeds", "held")
        assert len(listed.splitlines()) == 3
        assert "Secret" not in listed
        assert {json.loads(line)["feed"] for line in (await desk.call("feeds", "held", "--json")).splitlines()} == {
            "polled",
            "folder",
        }
    finally:
        poller.kill()
        poller.wait(30)
    assert utcnow() < end, "the machine is too slow for this test to tell anything"
    headlines = {f"Secret of {way}" for way in ways}
    assert not headlines & set(await published(bootstrap))

    poller = desk.start()
    try:
        await holds(bootstrap, set(), (end - utcnow()).total_seconds() + PATIENCE_S)
        out = {headline: told for headline, told in (await published(bootstrap)).items() if headline in headlines}
    finally:
        poller.send_signal(signal.SIGTERM)
        assert poller.wait(30) == 0
    assert {headline: len(told) for headline, told in out.items()} == dict.fromkeys(headlines, 1)
    delays = [told[0][2] - end.timestamp() for told in out.values()]
    assert all(0 <= delay < 5 for delay in delays), delays


@pytest.mark.slow
async def test_whoever_polls_once_now_and_then_gets_the_story_at_the_first_poll_after_its_time(
    bootstrap: str, site: tuple[Site, str], tmp_path: Path
) -> None:
    file = tmp_path / "feeds.toml"
    file.write_text(f'[now-and-then]\nurl = "{site[1]}"\nname = "N"\n')
    desk = Desk(bootstrap, file)
    end = (utcnow() + timedelta(seconds=15)).replace(microsecond=0)
    site[0].item = item("once", end)
    once = ("poll", "--once", "--allow-network", "127.0.0.0/8", "--metrics-port", "0", "--log-level", "warning")
    await desk.call(*once)
    assert utcnow() < end, "the machine is too slow for this test to tell anything"
    assert await held_ids(bootstrap) == ["once"]
    assert "Secret of once" not in await published(bootstrap)
    await asyncio.sleep(max(0.0, (end - utcnow()).total_seconds()))
    await desk.call(*once)
    assert await held_ids(bootstrap) == []
    assert len((await published(bootstrap))["Secret of once"]) == 1
