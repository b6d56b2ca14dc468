"""Delivered files and piped stories on a real Apache Kafka: through the command line, and through a kill -9."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from agents.broker import Broker, BrokerSpec
from agents.feed_list import FeedList
from agents.feed_state import KafkaFeedState
from agents.kafka import Publisher, create_topics
from agents.memory import LogReader
from streams.codec import decode
from streams.feeds import FeedSpec
from streams.polling import FeedState
from streams.records import Story
from streams.topics import TOPICS, Topic

pytestmark = pytest.mark.kafka

FILES = 300


@pytest.fixture(scope="module")
def bootstrap(broker_spec: Callable[[Path], BrokerSpec], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A broker of this module's own: the commands write to our topics."""
    with Broker.start(broker_spec(tmp_path_factory.mktemp("collector-kafka")), lambda _: None) as broker:
        asyncio.run(create_topics(broker.bootstrap))
        yield broker.bootstrap


@pytest.fixture
async def publisher(bootstrap: str) -> AsyncIterator[Publisher]:
    made = Publisher(bootstrap)
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
def key() -> str:
    """A feed of the test's own, since all write to the same topics."""
    return f"drop-{uuid4().hex[:8]}"


@pytest.fixture
def environment(bootstrap: str, key: str, tmp_path: Path) -> dict[str, str]:
    (tmp_path / "drops").mkdir()
    feeds = tmp_path / "feeds.toml"
    feeds.write_text(f'[{key}]\nfolder = "{tmp_path / "drops"}"\nname = "Drop"\nsource = "AG"\n')
    ours = {"BROKER": bootstrap, "FEEDS_FILE": str(feeds), "DROP_SETTLE_S": "0.2", "POLLER_METRICS_PORT": "0"}
    return os.environ | {f"LISTWIRE_{name}": value for name, value in ours.items()}


def rss(guid: str) -> str:
    item = f"<item><guid>{guid}</guid><title>Item {guid}</title></item>"
    return f"<rss version='2.0'><channel>{item}</channel></rss>"


def deliver(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / "drops" / f"{name}.part").write_text(text)
    (tmp_path / "drops" / f"{name}.part").rename(tmp_path / "drops" / name)


def poll(environment: dict[str, str], *flags: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-P", "-m", "agents", "poll", *flags]
    return subprocess.run(command, input=stdin, env=environment, capture_output=True, timeout=60, check=False)


@contextmanager
def polling(environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-P", "-m", "agents", "poll"], env=environment)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


async def stories(bootstrap: str, feed: str) -> list[Story]:
    read = LogReader(bootstrap)
    partitions = next(spec.partitions for spec in TOPICS if spec.topic == Topic.STORIES)
    logs = [[message async for message in read(Topic.STORIES, number, 0, None)] for number in range(partitions)]
    every = [decode(message.value or b"", Story) for log in logs for message in log]
    return [story for story in every if story.feed == feed]


async def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - a disk raises no event of ours
            await asyncio.sleep(0.02)


def names(folder: Path) -> set[str]:
    return {file.name for file in folder.rglob("*.xml") if file.is_file()}


async def test_a_poller_killed_half_way_loses_no_file_and_doubles_no_id(
    bootstrap: str, key: str, environment: dict[str, str], tmp_path: Path
) -> None:
    drops = tmp_path / "drops"
    wanted = {f"{number}.xml" for number in range(FILES)}
    for name in wanted:
        deliver(tmp_path, name, rss(name))
    deliver(tmp_path, "bad.xml", "no wire")
    with polling(environment) as process:
        await until(lambda: len(names(drops / "processed")) > 20)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert names(drops / "processed") < wanted
    with polling(environment) as process:
        await until(lambda: names(drops / "processed") == wanted)
        await until((drops / "failed/bad.xml").exists)
        process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(process.wait, 20) == 0
    assert names(drops / ".processing") == set()
    found = await stories(bootstrap, key)
    assert {story.guid for story in found} == wanted
    assert len({(story.id, story.revision) for story in found}) == FILES
    assert {(story.revision, story.source) for story in found} == {(1, "AG")}
    reason = json.loads(await asyncio.to_thread((drops / "failed/bad.xml.reason.json").read_bytes))
    assert (reason["feed"], reason["reason"]) == (key, "not-a-feed")


def test_once_empties_the_folder_and_asks_only_addresses_over_http(
    key: str, environment: dict[str, str], tmp_path: Path
) -> None:
    with (tmp_path / "feeds.toml").open("a") as feeds:
        feeds.write('[web]\nurl = "http://127.0.0.1:1/rss"\nname = "Web"\n')
    deliver(tmp_path, "a.xml", rss("once"))
    deliver(tmp_path, "b.xml", "no wire")
    run = poll(environment, "--once")
    assert (run.returncode, run.stdout) == (
        0,
        f"web: blocked-address, 0 new\n{key}: 2 files, 1 new, 1 refused\n".encode(),
    )


async def test_what_is_piped_is_published_and_broken_lines_are_named(
    bootstrap: str, key: str, environment: dict[str, str]
) -> None:
    good = b'{"id": "1", "headline": "One"}\n{"id": "2", "headline": "Two"}\n'
    first = await asyncio.to_thread(poll, environment, "--stdin", "piped", stdin=good)
    assert (first.returncode, first.stdout) == (0, b"piped: 2 published, 0 known already\n")
    more = b'{broken\n{"id": "3", "headline": "Three"}\n' + good
    second = await asyncio.to_thread(poll, environment, "--stdin", "piped", stdin=more)
    assert (second.returncode, second.stdout) == (1, b"piped: 1 published, 2 known already\n")
    assert second.stderr.startswith(b"listwire: stdin: line 1: ")
    wire = await asyncio.to_thread(poll, environment, "--stdin", key, stdin=rss("by-stdin").encode())
    assert (wire.returncode, wire.stdout) == (0, f"{key}: 1 published, 0 known already\n".encode())
    assert sorted(story.guid for story in await stories(bootstrap, "piped")) == ["1", "2", "3"]
    assert "by-stdin" in {story.guid for story in await stories(bootstrap, key)}


async def test_a_folder_is_not_put_on_the_list_that_pollers_share(
    bootstrap: str, key: str, environment: dict[str, str], publisher: Publisher, tmp_path: Path
) -> None:
    with (tmp_path / "feeds.toml").open("a") as feeds:
        feeds.write('[web]\nurl = "http://127.0.0.1:1/rss"\nname = "Web"\n')
    deliver(tmp_path, "a.xml", rss("shared"))
    with polling(environment) as process:
        await until((tmp_path / "drops/processed").exists)
        await until(lambda: names(tmp_path / "drops/processed") == {"a.xml"})
        process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(process.wait, 20) == 0
    listed = await FeedList(LogReader(bootstrap), publisher).feeds()
    assert "web" in listed
    assert key not in listed


async def test_what_is_piped_takes_after_the_feed_of_the_shared_list(
    bootstrap: str, environment: dict[str, str], publisher: Publisher
) -> None:
    shared = FeedSpec(key="by-hand", url="http://agency.example/rss", name="By hand", source="BH")
    await FeedList(LogReader(bootstrap), publisher).add(shared)
    text = b"Harbour opens again\n\nThe harbour opened again on Tuesday after repairs, its master said. A ferry left.\n"
    for stdin in (rss("x").encode(), text):
        run = await asyncio.to_thread(poll, environment, "--stdin", "by-hand", stdin=stdin)
        assert (run.returncode, run.stdout) == (0, b"by-hand: 1 published, 0 known already\n")
    assert [story.source for story in await stories(bootstrap, "by-hand")] == ["BH", "BH"]


async def test_what_another_process_saved_is_known_after_a_refresh(bootstrap: str, publisher: Publisher) -> None:
    ours, theirs = (KafkaFeedState(LogReader(bootstrap), publisher) for _ in range(2))
    await ours.start()
    await theirs.save("shared", FeedState(feed="shared", failures=3))
    await theirs.save("other", FeedState(feed="other"))
    assert await ours.load("shared") is None
    await ours.refresh("shared")
    assert (await ours.load("shared") or FeedState(feed="")).failures == 3
    assert await ours.load("other") is None
