"""Embargoed stories under a clock of ours: held, released in time, and neither lost nor overtaken by a crash."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from agents.custodian import Custodian
from agents.feed_state import KafkaFeedState, KafkaSubscriptions
from agents.following import Following
from agents.held import HeldLog
from agents.messages import BrokerDown, Incoming, Outgoing
from agents.metrics import HELD, NEXT_RELEASE
from agents.poller import Poller
from agents.polls import Surroundings
from streams.codec import decode, encode
from streams.embargo import Held
from streams.records import Story, StoryId
from streams.topics import Topic, partitions_of
from streams.vocabulary import Signal

START = datetime(2026, 11, 24, 12, tzinfo=UTC)
SOON = START + timedelta(seconds=90)
PARTITIONS = partitions_of(Topic.HELD)
UNUSED: dict[str, Any] = dict.fromkeys(("publish", "store", "fetcher", "parser"))


def open_gate() -> asyncio.Event:
    gate = asyncio.Event()
    gate.set()
    return gate


class Broker:
    """The logs of two topics; can go down after so many messages, or keep a writer waiting."""

    def __init__(self) -> None:
        self.stories: list[Story] = []
        self.held: list[list[Incoming]] = [[] for _ in range(PARTITIONS)]
        self.journal: list[str] = []
        self.takes: float = float("inf")
        self.gate = open_gate()
        self.read_gate = open_gate()
        self.reads: list[int] = []  # where readers began

    async def publish(self, *messages: Outgoing) -> None:
        await self.gate.wait()
        for message in messages:
            if self.takes <= 0:
                raise BrokerDown("broker.example:9092", "down")
            self.takes -= 1
            self._append(message)

    async def read(self, topic: str, partition: int, start: int, end: int | None) -> AsyncIterator[Incoming]:
        for message in self.held[partition][start:end] if topic == Topic.HELD else ():
            yield message
        self.reads.append(start)
        await self.read_gate.wait()

    def _append(self, message: Outgoing) -> None:
        if message.topic == Topic.STORIES:
            story = decode(message.value, Story)
            assert message.key == story.id.encode()
            self.stories.append(story)
            self.journal.append(f"publish {story.id}|{story.revision}")
            return
        partition = sum(message.key) % PARTITIONS
        log = self.held[partition]
        log.append(Incoming(message.topic, partition, len(log), message.key, message.value))
        self.journal.append(f"{'drop' if message.value is None else 'hold'} {message.key.decode(errors='replace')}")


class Clock:
    """Time that passes when a test says so; `now` and the sleepers' time can part, as they do when a clock is set."""

    def __init__(self) -> None:
        self.now = START
        self.sleepers: list[tuple[float, asyncio.Event]] = []
        self._passed = 0.0

    async def sleep(self, seconds: float) -> None:
        woken = asyncio.Event()
        self.sleepers.append((self._passed + seconds, woken))
        await woken.wait()

    async def pass_(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self._passed += seconds
        due = [sleeper for sleeper in self.sleepers if sleeper[0] <= self._passed]
        self.sleepers = [sleeper for sleeper in self.sleepers if sleeper not in due]
        for _, woken in due:
            woken.set()
        await settle()

    @property
    def pauses(self) -> list[float]:
        return [end - self._passed for end, _ in self.sleepers]


async def settle() -> None:
    """Lets everything run that can."""
    for _ in range(200):
        await asyncio.sleep(0)


@pytest.fixture
async def broker() -> Broker:
    return Broker()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def new(broker: Broker, clock: Clock) -> Callable[..., Custodian]:
    world = Surroundings(now=lambda: clock.now, sleep=clock.sleep, jitter=lambda: 0.5)

    def make(follows: Iterable[str] = ("f",), **other: Any) -> Custodian:
        held = HeldLog(broker.read)
        return Custodian(held, broker, follows=frozenset(follows).__contains__, world=replace(world, **other))

    return make


@asynccontextmanager
async def running(custodian: Custodian) -> AsyncIterator[None]:
    task = asyncio.create_task(custodian.run())
    await settle()
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
    assert task.cancelled()


def story(name: str = "s", revision: int = 1, until: datetime | None = SOON, feed: str = "f", **other: Any) -> Story:
    text: dict[str, Any] = {"headline": f"H{revision}", "body": "", "received_at": START}
    return Story(id=StoryId(name), feed=feed, guid=name, revision=revision, embargoed_until=until, **(text | other))


async def test_a_story_is_held_and_goes_out_at_its_time(
    new: Callable[..., Custodian], broker: Broker, clock: Clock
) -> None:
    custodian = new()
    async with running(custodian):
        await custodian.publish([story(), story("free", until=None)])
        assert broker.journal == ["hold s|1", "publish free|1"]
        await clock.pass_(60)
        await clock.pass_(29)
        assert broker.journal[2:] == []
        await clock.pass_(1)
    assert broker.journal[2:] == ["publish s|1", "drop s|1"]
    assert broker.stories[1] == story(), "as it came"


async def test_sleeps_until_the_next_end_and_is_woken_by_one_that_ends_sooner(
    new: Callable[..., Custodian], clock: Clock
) -> None:
    custodian = new()
    async with running(custodian):
        assert clock.pauses == [60]
        await custodian.publish([story(until=START + timedelta(seconds=5))])
        await settle()
        assert 5 in clock.pauses


@pytest.mark.parametrize("jump", [timedelta(hours=2), timedelta(hours=-2)])
async def test_a_clock_that_is_set_is_heeded_within_a_minute(
    new: Callable[..., Custodian], broker: Broker, clock: Clock, jump: timedelta
) -> None:
    custodian = new()
    async with running(custodian):
        await custodian.publish([story(until=START + timedelta(hours=1))])
        await settle()
        clock.now += jump
        await clock.pass_(60)
        assert ("publish s|1" in broker.journal) is (jump > timedelta())
        clock.now = START + timedelta(hours=1)
        await clock.pass_(60)
    assert broker.journal == ["hold s|1", "publish s|1", "drop s|1"]


async def test_a_restart_finds_what_is_held(new: Callable[..., Custodian], broker: Broker, clock: Clock) -> None:
    await new().publish([story(), story("t", until=START + timedelta(days=1))])
    clock.now = SOON
    assert await new().release() == 1
    assert broker.journal[2:] == ["publish s|1", "drop s|1"]
    assert await new().release() == 0


async def test_a_kill_by_another_process_than_held_it_drops_it(
    new: Callable[..., Custodian], broker: Broker, clock: Clock
) -> None:
    first = new()
    await first.publish([story()])
    await new().publish([story(revision=2, until=None, signals=(Signal.KILL,))])
    clock.now = SOON
    assert await first.release() == 0
    assert broker.stories == []


async def test_replaced_lifted_and_killed_by_the_process_that_held_it(
    new: Callable[..., Custodian], broker: Broker, clock: Clock
) -> None:
    custodian = new()
    await custodian.publish([story("a"), story("b"), story("c")])
    await custodian.publish([story("a", 2), story("b", 2, until=None), story("c", 2, signals=(Signal.KILL,))])
    assert broker.journal[3:] == ["hold a|2", "publish b|2", "drop a|1", "drop b|1", "drop c|1"]
    clock.now = SOON
    assert await custodian.release() == 1
    assert broker.journal[8:] == ["publish a|2", "drop a|2"]


async def test_what_nobody_here_follows_is_left_to_its_follower_and_released_late_if_there_is_none(
    new: Callable[..., Custodian], broker: Broker, clock: Clock
) -> None:
    other = new(follows=())
    await other.publish([story()])
    async with running(other):
        await clock.pass_(60)
        await clock.pass_(60)
        assert (broker.stories, clock.pauses) == ([], [60]), "its follower should have released it half a minute ago"
        await clock.pass_(60)
    assert broker.stories == [story()]


async def test_no_release_overtakes_a_kill_that_is_under_way(
    new: Callable[..., Custodian], broker: Broker, clock: Clock
) -> None:
    custodian = new()
    await custodian.publish([story()])
    broker.gate.clear()
    killing = asyncio.create_task(custodian.publish([story(revision=2, until=None, signals=(Signal.KILL,))]))
    await settle()
    clock.now = SOON
    releasing = asyncio.create_task(custodian.release())
    await settle()
    broker.gate.set()
    await asyncio.gather(killing, releasing)
    assert broker.journal == ["hold s|1", "drop s|1"]


async def test_a_broker_that_is_down_delays_a_release_and_loses_none(
    new: Callable[..., Custodian], broker: Broker, clock: Clock
) -> None:
    custodian = new()
    async with running(custodian):
        await custodian.publish([story(until=START + timedelta(seconds=5))])
        await settle()
        broker.takes = 0
        await clock.pass_(5)
        assert broker.stories == []
        broker.takes = float("inf")
        await clock.pass_(1)
    assert broker.journal == ["hold s|1", "publish s|1", "drop s|1"]


@pytest.mark.parametrize("takes", range(12))
async def test_a_crash_after_any_message_loses_nothing_and_doubles_no_revision(
    new: Callable[..., Custodian], broker: Broker, clock: Clock, takes: int
) -> None:
    """Whoever brings stories brings them again if they were not acknowledged, as feed states have it."""
    brought = [
        [story("a"), story("b"), story("c"), story("free", until=None)],
        [story("a", 2), story("b", 2, until=None), story("c", 2, until=None, signals=(Signal.KILL,))],
    ]
    broker.takes = takes
    for stories in brought:
        try:
            await new().publish(stories)
        except BrokerDown:
            broker.takes = float("inf")
            await new().publish(stories)
    clock.now = SOON
    try:
        await new().release()
    except BrokerDown:
        broker.takes = float("inf")
        await new().release()
    out = {(one.id, one.revision): one for one in broker.stories}
    expected = {("free", 1), ("a", 2), ("b", 2)}
    assert set(out) - {("c", 2)} == expected, "a kill may travel on for nothing after a crash"
    assert all(one == out[one.id, one.revision] for one in broker.stories), "what comes twice is the same"
    broker.takes = float("inf")
    assert await new().release() == 0


async def test_what_is_written_while_the_log_is_read_is_read_too(broker: Broker) -> None:
    log = HeldLog(broker.read)
    broker.read_gate.clear()
    reading = asyncio.create_task(log.refresh())
    await settle()
    await broker.publish(Outgoing(Topic.HELD, b"\x00", encode(Held(story=story()))))
    assert len(broker.held[0]) == 1, "the partition that was read already"
    log.wrote()
    broker.read_gate.set()
    await reading
    assert log.listed() == []
    await log.ensure()
    assert [held.key for held in log.listed()] == ["s|1"]


async def test_the_log_is_read_on_from_where_it_was_read_last(new: Callable[..., Custodian], broker: Broker) -> None:
    custodian = new()
    await custodian.publish([story(), story("t")])
    await custodian.held.ensure()
    broker.reads.clear()
    await custodian.publish([story("u", until=None)])
    assert broker.reads == [], "nothing was held, so nothing needs to be read"
    await custodian.held.refresh()
    assert sum(broker.reads) == 2


async def test_a_poller_that_takes_over_feeds_knows_what_is_held_of_them(
    new: Callable[..., Custodian], broker: Broker
) -> None:
    states, subscriptions = KafkaFeedState(broker.read, broker), KafkaSubscriptions(broker.read, broker)
    kill = story(revision=2, until=None, signals=(Signal.KILL,))
    for take_over in (lambda following: following.load_partition(0), lambda following: following.load_all()):
        taker = new()
        await taker.held.refresh()
        await new().publish([story()])
        await take_over(Following(Poller(**UNUSED), states, subscriptions, taker.held))
        await taker.publish([kill])
        assert broker.stories == []
        broker.held = [[] for _ in range(PARTITIONS)]


async def test_tells_how_many_are_held_and_when_the_next_is_released(
    new: Callable[..., Custodian], clock: Clock
) -> None:
    custodian = new()
    await custodian.publish([story(), story("t", until=SOON + timedelta(hours=1))])
    await custodian.held.ensure()
    assert (HELD._value.get(), NEXT_RELEASE._value.get()) == (2, SOON.timestamp())
    clock.now = SOON + timedelta(days=1)
    await custodian.release()
    assert (HELD._value.get(), NEXT_RELEASE._value.get()) == (0, 0)


async def test_a_held_message_that_cannot_be_read_stops_no_other(
    new: Callable[..., Custodian], broker: Broker, clock: Clock
) -> None:
    await broker.publish(Outgoing(Topic.HELD, b"x|1", b"{"), Outgoing(Topic.HELD, b"\xff", b"null"))
    await new().publish([story()])
    clock.now = SOON
    assert await new().release() == 1
