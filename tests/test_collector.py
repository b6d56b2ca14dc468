"""Collecting delivered files: nothing lost, nothing doubled by id, whatever ends the round; by an injected clock."""

import asyncio
import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog.testing

from agents.collector import BATCH, UNREADABLE, Collected, Collector
from agents.drops import DropFolder
from agents.feed_metrics import end_feeds
from agents.intake import Intake
from agents.messages import BrokerDown, Undeliverable
from agents.parsing import ParserKilled, Request
from agents.polls import FAULT, UNSENT, Look, Surroundings
from agents.watcher import FolderError
from streams import codec, wires
from streams.drops import Waiting
from streams.errors import ListwireError
from streams.feeds import FeedSpec
from streams.polling import FeedState, Outcome
from streams.records import Story
from streams.wires.compression import MAX_DOCUMENT_BYTES
from streams.wires.documents import Document

START = datetime(2026, 11, 24, 12, tzinfo=UTC)


PLAIN = """Harbour of Lindmark opens again

LINDMARK, Nov 24 - The harbour of Lindmark opened again on Tuesday after three weeks of repairs, its master said.

Two ferries left in the morning. More are expected to follow within days.
"""


def rss(*items: tuple[str, str]) -> str:
    body = "".join(f"<item><guid>{guid}</guid><title>{title}</title></item>" for guid, title in items)
    return f"<rss version='2.0'><channel>{body}</channel></rss>"


class World:
    """A clock that moves only when somebody sleeps, a broker with its log, a parser, and what was counted."""

    def __init__(self) -> None:
        self.time = START
        self.journal: list[str] = []
        self.stories: list[Story] = []
        self.saved: dict[str, bytes] = {}
        self.looks: list[Look] = []
        self.down: set[str] = set()  # `publish`, `save`
        self.fault: Exception | None = None  # of publishing
        self.kills = b"\0"  # documents with these bytes kill the parser
        self.slept: list[float] = []
        self.refreshed = 0

    async def sleep(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)
        self.slept.append(seconds)
        await asyncio.sleep(0)

    async def publish(self, stories: Sequence[Story]) -> None:
        if self.fault is not None:
            raise self.fault
        if "publish" in self.down:
            raise BrokerDown("broker.example:9092", "down")
        self.journal.extend(f"publish {story.guid} {story.revision}" for story in stories)
        self.stories.extend(stories)

    async def load(self, key: str) -> FeedState | None:
        return codec.decode(self.saved[key], FeedState) if key in self.saved else None

    async def save(self, key: str, state: FeedState) -> None:
        if "save" in self.down:
            raise BrokerDown("broker.example:9092", "down")
        self.journal.append(f"save {key}")
        self.saved[key] = codec.encode(state)

    async def parse(self, raw: bytes, request: Request) -> Document:
        if self.kills in raw:
            raise ParserKilled(request.feed.key, "over its limit of time or memory")
        return wires.decode(raw, request.feed, request.received_at, url=request.url)

    async def refresh(self) -> None:
        self.refreshed += 1


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def drops(tmp_path: Path) -> Path:
    folder = tmp_path / "drops"
    folder.mkdir()
    return folder


@pytest.fixture
async def collector(world: World, drops: Path) -> AsyncIterator[Callable[[], Collector]]:
    made: list[Collector] = []

    def make() -> Collector:
        feed = FeedSpec(key="f", folder=str(drops), name="F", language="en", source="AG", authority="ru", official=True)
        intake = Intake(feed, world.publish, world, Surroundings(now=lambda: world.time, sleep=world.sleep))
        made.append(Collector(intake, store=world, observe=world.looks.append, refresh=world.refresh))
        return made[-1]

    yield make
    for one in made:
        one.close()


def deliver(drops: Path, name: str, text: str, mtime_s: float = 1_000) -> None:
    (drops / name).write_text(text)
    os.utime(drops / name, (mtime_s, mtime_s))


async def collected(collector: Collector, world: World) -> Collected:
    """Two looks, two seconds apart."""
    first = await collector.collect()
    await world.sleep(2)
    return first.plus(await collector.collect())


def below(folder: Path) -> list[str]:
    return sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())


New = Callable[[], Collector]
Until = Callable[[Callable[[], bool]], Awaitable[None]]


class TestOneRound:
    async def test_takes_what_did_not_change_between_two_looks(self, collector: New, world: World, drops: Path) -> None:
        one = collector()
        deliver(drops, "a.xml", rss(("a", "One")))
        assert await one.collect() == Collected()
        deliver(drops, "a.xml", rss(("a", "One"), ("b", "Two")))
        await world.sleep(2)
        assert await one.collect() == Collected()
        await world.sleep(2)
        assert await one.collect() == Collected(1, 2, 0)

    async def test_publishes_then_stores_then_moves(self, collector: New, world: World, drops: Path) -> None:
        deliver(drops, "a.xml", rss(("a", "One")))
        assert await collected(collector(), world) == Collected(1, 1, 0)
        assert world.journal == ["publish a 1", "save f"]
        assert below(drops) == [".processing/.lock", "processed/2026-11-24/a.xml"]
        assert [look[:2] for look in world.looks] == [("f", "ok")]
        assert world.looks[0].new == 1

    async def test_gives_the_stories_what_the_feed_says_of_itself(
        self, collector: New, world: World, drops: Path
    ) -> None:
        deliver(drops, "a.xml", rss(("a", "One")))
        await collected(collector(), world)
        (story,) = world.stories
        assert (story.feed, story.language, story.source, story.official_of) == ("f", "en", "AG", "ru")

    async def test_takes_a_plain_text_for_the_story_it_is(self, collector: New, world: World, drops: Path) -> None:
        deliver(drops, "a.txt", PLAIN)
        assert await collected(collector(), world) == Collected(1, 1, 0)
        assert world.stories[0].headline == "Harbour of Lindmark opens again"

    async def test_publishes_the_oldest_first_and_stores_once(self, collector: New, world: World, drops: Path) -> None:
        for name, guid, mtime_s in (("b.xml", "3", 2), ("a.xml", "2", 2), ("c.xml", "1", 1)):
            deliver(drops, name, rss((guid, f"Item {guid}")), mtime_s)
        await collected(collector(), world)
        assert world.journal == ["publish 1 1", "publish 2 1", "publish 3 1", "save f"]

    async def test_takes_the_same_story_in_a_later_file_for_nothing_and_a_changed_one_for_a_revision(
        self, collector: New, world: World, drops: Path
    ) -> None:
        deliver(drops, "a.xml", rss(("a", "One")), 1)
        deliver(drops, "b.xml", rss(("a", "One")), 2)
        deliver(drops, "c.xml", rss(("a", "One, corrected")), 3)
        assert await collected(collector(), world) == Collected(3, 2, 0)
        assert world.journal == ["publish a 1", "publish a 2", "save f"]

    async def test_of_files_of_one_name_keeps_all(self, collector: New, world: World, drops: Path) -> None:
        one = collector()
        for guid in "ab":
            deliver(drops, "latest.xml", rss((guid, f"Item {guid}")))
            await collected(one, world)
        assert below(drops / "processed") == ["2026-11-24/latest-2.xml", "2026-11-24/latest.xml"]

    async def test_of_very_many_files_is_bounded_and_goes_on_at_once(
        self, collector: New, world: World, drops: Path
    ) -> None:
        for number in range(BATCH + 1):
            deliver(drops, f"{number}.xml", rss((str(number), f"Item {number}")), number)
        one = collector()
        assert await collected(one, world) == Collected(BATCH, BATCH, 0)
        assert await one.collect() == Collected(1, 1, 0)
        assert [story.guid for story in world.stories] == [str(number) for number in range(BATCH + 1)]
        assert world.journal.count("save f") == 2

    async def test_deletes_what_was_published_long_ago(self, collector: New, world: World, drops: Path) -> None:
        deliver(drops, "a.xml", rss(("a", "One")))
        one = collector()
        await collected(one, world)
        await world.sleep(7 * 86_400)
        await one.collect()
        assert below(drops / "processed") == ["2026-11-24/a.xml"]
        await world.sleep(86_400)
        await one.collect()
        assert below(drops / "processed") == []


class TestWhatIsRefused:
    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("<!DOCTYPE html><html><title>Login</title></html>", "html"),
            ("no wire", "not-a-feed"),
            ("   ", "empty"),
            ("\0", "parser-killed"),
            (" " * (MAX_DOCUMENT_BYTES + 1), "too-large"),
        ],
    )
    async def test_lies_beside_its_reason_and_stops_nothing(
        self, collector: New, world: World, drops: Path, text: str, reason: str
    ) -> None:
        deliver(drops, "a.xml", text, 1)
        deliver(drops, "b.xml", rss(("b", "Two")), 2)
        with structlog.testing.capture_logs() as logs:
            assert await collected(collector(), world) == Collected(2, 1, 1)
        assert below(drops) == [
            ".processing/.lock",
            "failed/a.xml",
            "failed/a.xml.reason.json",
            "processed/2026-11-24/b.xml",
        ]
        told = json.loads((drops / "failed/a.xml.reason.json").read_bytes())
        assert (told["file"], told["feed"], told["reason"]) == ("a.xml", "f", reason)
        assert [look.outcome for look in world.looks] == [reason, "ok"]
        assert [(log["event"], log["outcome"]) for log in logs] == [("file refused", reason)]

    async def test_of_a_document_that_breaks_off_what_is_whole_is_published(
        self, collector: New, world: World, drops: Path
    ) -> None:
        text = rss(("a", "One"), ("b", "Two is not delisted"))
        deliver(drops, "a.xml", text[: text.index("delisted")])
        assert await collected(collector(), world) == Collected(1, 1, 1)
        assert [story.guid for story in world.stories] == ["a"]
        assert json.loads((drops / "failed/a.xml.reason.json").read_bytes())["reason"] == Outcome.TRUNCATED

    async def test_a_story_that_no_broker_takes_does_not_block_the_folder(
        self, collector: New, world: World, drops: Path
    ) -> None:
        deliver(drops, "a.xml", rss(("a", "One")))
        world.fault = Undeliverable("wire.stories", 3_000_000)
        assert await collected(collector(), world) == Collected(1, 0, 1)
        assert json.loads((drops / "failed/a.xml.reason.json").read_bytes())["reason"] == UNSENT

    async def test_a_file_that_we_may_not_read(
        self, collector: New, world: World, drops: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def read(folder: DropFolder, file: Waiting, max_bytes: int) -> bytes:
            raise PermissionError(errno.EACCES, "Permission denied", file.name)

        monkeypatch.setattr(DropFolder, "read", read)
        deliver(drops, "a.xml", rss(("a", "One")))
        assert await collected(collector(), world) == Collected(1, 0, 1)
        assert [look.outcome for look in world.looks] == [UNREADABLE]
        assert (drops / "failed/a.xml.reason.json").exists()

    async def test_a_file_that_we_may_not_move_is_told_of_once_and_stops_nothing(
        self, collector: New, world: World, drops: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        take = DropFolder.take

        def sticky(folder: DropFolder, name: str) -> bool:
            if name == "theirs.xml":
                raise PermissionError(errno.EPERM, "Operation not permitted", name)
            return take(folder, name)

        monkeypatch.setattr(DropFolder, "take", sticky)
        deliver(drops, "theirs.xml", rss(("a", "One")), 1)
        deliver(drops, "ours.xml", rss(("b", "Two")), 2)
        one = collector()
        with structlog.testing.capture_logs() as logs:
            assert await collected(one, world) == Collected(1, 1, 0)
            await collected(one, world)
        assert [log["event"] for log in logs] == ["file cannot be taken"]

    async def test_an_upload_that_stalled_is_read_again_when_it_went_on(
        self, collector: New, world: World, drops: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        text, parse = rss(("a", "One"), ("b", "Two")), world.parse
        deliver(drops, "a.xml", text[:-40])

        async def while_it_goes_on(raw: bytes, request: Request) -> Document:
            (drops / ".processing/a.xml").write_text(text)
            return await parse(raw, request)

        monkeypatch.setattr(world, "parse", while_it_goes_on)
        one = collector()
        assert await collected(one, world) == Collected()
        monkeypatch.setattr(world, "parse", parse)
        assert await one.collect() == Collected(1, 1, 0)
        assert [story.guid for story in world.stories] == ["a", "b"]
        assert below(drops) == [".processing/.lock", "processed/2026-11-24/a.xml"]


class TestTrouble:
    @pytest.mark.parametrize("what", ["publish", "save"])
    async def test_with_the_broker_leaves_the_file_in_hand_and_the_story_comes_again(
        self, collector: New, world: World, drops: Path, what: str
    ) -> None:
        deliver(drops, "a.xml", rss(("a", "One")))
        one = collector()
        world.down = {what}
        with pytest.raises(BrokerDown):
            await collected(one, world)
        assert below(drops) == [".processing/.lock", ".processing/a.xml"]
        world.down = set()
        assert await one.collect() == Collected(1, 1, 0)
        assert {(story.id, story.revision) for story in world.stories} == {(world.stories[0].id, 1)}
        assert below(drops) == [".processing/.lock", "processed/2026-11-24/a.xml"]

    async def test_what_a_dead_process_left_in_hand_is_published_under_the_same_ids(
        self, collector: New, world: World, drops: Path
    ) -> None:
        deliver(drops, "a.xml", rss(("a", "One")))
        first = collector()
        world.down = {"save"}
        with pytest.raises(BrokerDown):
            await collected(first, world)
        first.close()
        world.down = set()
        assert await collector().collect() == Collected(1, 1, 0)
        assert len(world.stories) == 2
        assert len({(story.id, story.revision) for story in world.stories}) == 1

    async def test_two_pollers_never_take_the_same_file_and_the_second_takes_over(
        self, collector: New, world: World, drops: Path
    ) -> None:
        first, second = collector(), collector()
        await first.collect()
        deliver(drops, "a.xml", rss(("a", "One")))
        with structlog.testing.capture_logs() as logs:
            assert await collected(second, world) == Collected()
        assert [(log["event"], log["log_level"]) for log in logs] == [("folder is watched by another process", "info")]
        assert await collected(first, world) == Collected(1, 1, 0)
        first.close()
        deliver(drops, "b.xml", rss(("a", "One"), ("b", "Two")))
        assert await collected(second, world) == Collected(1, 1, 0)
        assert world.journal == ["publish a 1", "save f", "publish b 1", "save f"]
        assert world.refreshed == 2

    async def test_once_says_that_another_process_watches(self, collector: New, drops: Path) -> None:
        await collector().collect()
        with pytest.raises(ListwireError, match="is watched by another process"):
            await collector().collect_all()

    async def test_a_folder_that_is_missing_is_named(self, collector: New, drops: Path) -> None:
        os.rmdir(drops)
        with pytest.raises(FolderError, match=r"^f: folder .*/drops: No such file or directory$"):
            await collector().collect()

    async def test_once_goes_on_until_nothing_waits(self, collector: New, world: World, drops: Path) -> None:
        for number in range(2 * BATCH):
            deliver(drops, f"{number}.xml", rss((str(number), f"Item {number}")), number)
        deliver(drops, "bad.xml", "no wire")
        assert await collector().collect_all() == Collected(2 * BATCH + 1, 2 * BATCH, 1)


class TestTheLoop:
    @pytest.fixture
    async def running(self, collector: New, world: World) -> AsyncIterator[Until]:
        """Lets a collector run, in its own time, from the first call on, until something is so."""
        tasks: list[asyncio.Task[None]] = []

        async def until(so: Callable[[], bool]) -> None:
            tasks[:] = tasks or [asyncio.create_task(collector().run())]
            async with asyncio.timeout(20):
                while not so():
                    assert not tasks[0].done()
                    await asyncio.sleep(0)

        yield until
        assert not tasks[0].done(), "collecting came to an end"
        tasks[0].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def test_warns_once_of_a_missing_folder_and_takes_it_when_it_is_there(
        self, running: Until, world: World, drops: Path, meter: Any
    ) -> None:
        end_feeds("f")
        os.rmdir(drops)
        with structlog.testing.capture_logs() as logs:
            await running(lambda: len(world.slept) >= 10)
        assert [(log["event"], log["log_level"]) for log in logs] == [("folder cannot be watched", "warning")]
        assert world.slept[:8] == [1, 2, 4, 8, 16, 32, 60, 60]
        assert {look.outcome for look in world.looks} == {Outcome.CONNECT_ERROR}
        assert (meter.value("listwire_feed_failures", feed="f") or 0) >= 10
        assert meter.value("listwire_feed_success_timestamp_seconds", feed="f") is None
        os.mkdir(drops)
        deliver(drops, "a.xml", rss(("a", "One")))
        await running(lambda: bool(world.stories))
        assert [story.guid for story in world.stories] == ["a"]
        await running(lambda: meter.value("listwire_feed_failures", feed="f") == 0)
        assert (meter.value("listwire_feed_success_timestamp_seconds", feed="f") or 0) > 0
        end_feeds("f")

    async def test_backs_off_from_a_broker_that_is_down_and_loses_nothing(
        self, running: Until, world: World, drops: Path
    ) -> None:
        world.down = {"publish"}
        deliver(drops, "a.xml", rss(("a", "One")))
        with structlog.testing.capture_logs() as logs:
            await running(lambda: world.slept.count(60) >= 2)
        assert [log["event"] for log in logs] == ["files not handed over"]
        assert world.slept[-3:] == [32, 60, 60]
        assert world.looks[-1].outcome == UNSENT
        world.down = set()
        await running(lambda: "save f" in world.journal)
        assert world.journal == ["publish a 1", "save f"]

    async def test_a_fault_of_ours_ends_the_round_alone(self, running: Until, world: World, drops: Path) -> None:
        world.fault = ZeroDivisionError("ours")
        deliver(drops, "a.xml", rss(("a", "One")))
        with structlog.testing.capture_logs() as logs:
            await running(lambda: any(look.outcome == FAULT for look in world.looks))
        assert logs[0]["event"] == "collecting met a fault of ours"
        world.fault = None
        await running(lambda: "save f" in world.journal)
        assert world.journal == ["publish a 1", "save f"]


CHILD = """
import asyncio, json, os, sys
from pathlib import Path
from agents.collector import Collector
from agents.drops import DropFolder
from agents.intake import Intake
from agents.parsing import Parser
from agents.watcher import Habits
from streams import codec
from streams.feeds import FeedSpec
from streams.polling import FeedState

folder, log, acks = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3] == "acks"

def write(line):
    with log.open("a") as file:
        file.write(json.dumps(line) + chr(10))

class Store:
    async def load(self, key):
        kept = log.with_suffix(".state")
        return codec.decode(kept.read_bytes(), FeedState) if kept.exists() else None

    async def save(self, key, state):
        log.with_suffix(".state").write_bytes(codec.encode(state))

async def publish(stories):
    for story in stories:
        write([story.id, story.revision, story.guid])
    if not acks and stories[-1].guid == "2":
        print("sent and not acknowledged", flush=True)
        await asyncio.Event().wait()

async def main():
    parser = Parser()
    intake = Intake(FeedSpec(key="f", folder=str(folder), name="F"), publish, parser)
    collector = Collector(intake, store=Store(), habits=Habits(settle_s=0.01))
    await collector.collect_all()
    await parser.close()

asyncio.run(main())
"""


def test_a_process_killed_between_pick_up_and_ack_loses_nothing_and_doubles_no_id(drops: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    for number in range(5):
        deliver(drops, f"{number}.xml", rss((str(number), f"Item {number}")), number)
    command = [sys.executable, "-c", CHILD, str(drops), str(log)]
    with subprocess.Popen([*command, "hangs"], stdout=subprocess.PIPE) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == b"sent and not acknowledged\n"
        first.send_signal(signal.SIGKILL)
    assert below(drops) == [".processing/.lock", *(f".processing/{number}.xml" for number in range(5))]
    deliver(drops, "5.xml", rss(("5", "Item 5")), 5)
    subprocess.run([*command, "acks"], check=True, timeout=60)
    sent = [tuple(json.loads(line)) for line in log.read_text().splitlines()]
    assert [guid for *_, guid in sent] == ["0", "1", "2", "0", "1", "2", "3", "4", "5"]
    assert len(set(sent)) == 6
    assert {revision for _, revision, _ in sent} == {1}
    assert [Path(name).name for name in below(drops / "processed")] == [f"{number}.xml" for number in range(6)]
    assert below(drops / ".processing") == [".lock"]
