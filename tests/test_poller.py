"""The poller: nothing lost, nothing published twice without need, no feed in another's way."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from agents.egress import LOOPBACK
from agents.feed_state import KafkaFeedState
from agents.fetching import Fetcher
from agents.messages import BrokerDown, Incoming, Outgoing
from agents.parsing import Parser, ParserLimits, Request
from agents.poller import Poller
from agents.polls import FAULT, UNSENT, Look, NotPolledError, Surroundings
from streams import codec, wires
from streams.feeds import FeedSpec
from streams.polling import FeedState, Fetched, Outcome
from streams.records import Story
from streams.topics import Topic
from streams.wires.documents import Document

START = datetime(2026, 11, 24, 12, tzinfo=UTC)


def rss(*items: tuple[str, str]) -> bytes:
    body = "".join(f"<item><guid>{guid}</guid><title>{title}</title></item>" for guid, title in items)
    return f"<rss version='2.0'><channel>{body}</channel></rss>".encode()


class Store:
    """Remembers as the topic does, and can be told to fail."""

    def __init__(self, journal: list[str]) -> None:
        self.raw: dict[str, bytes] = {}
        self.journal = journal
        self.down = False

    async def load(self, key: str) -> FeedState | None:
        return codec.decode(self.raw[key], FeedState) if key in self.raw else None

    async def save(self, key: str, state: FeedState) -> None:
        if self.down:
            raise BrokerDown("broker.example:9092", "down")
        self.journal.append(f"save {key}")
        self.raw[key] = codec.encode(state)


class HereParser:
    """Parses in this process; counts, and can meet a fault of ours."""

    def __init__(self) -> None:
        self.parsed = 0
        self.fault: Exception | None = None

    async def parse(self, raw: bytes, request: Request) -> Document:
        self.parsed += 1
        if self.fault is not None:
            raise self.fault
        return wires.decode(raw, request.feed, request.received_at, media_type=request.media_type, known=request.known)


class Site:
    """One feed over HTTP with an ETag of its bytes, as servers do it."""

    def __init__(self) -> None:
        self.body = rss()
        self.version = 1
        self.requests: list[web.Request] = []

    def publish(self, *items: tuple[str, str]) -> None:
        self.body = rss(*items)
        self.version += 1

    async def handle(self, request: web.Request) -> web.Response:
        self.requests.append(request)
        etag = f'W/"{self.version}"'
        headers = {"ETag": etag, "Last-Modified": f"version {self.version}"}
        if request.headers.get("If-None-Match") == etag:
            return web.Response(status=304, headers={"ETag": etag, "Last-Modified": f"again {self.version}"})
        return web.Response(body=self.body, headers=headers, content_type="text/xml")


class Desk:
    """What the poller publishes, and whether the broker takes it."""

    def __init__(self) -> None:
        self.journal: list[str] = []
        self.stories: list[Story] = []
        self.polls: list[tuple[str, str, int]] = []
        self.down = False

    async def publish(self, stories: Sequence[Story]) -> None:
        if self.down:
            raise BrokerDown("broker.example:9092", "down")
        self.journal.extend(f"publish {story.guid} {story.revision}" for story in stories)
        self.stories.extend(stories)

    def observe(self, look: Look) -> None:
        assert look.seconds >= 0
        self.polls.append((look.feed, look.outcome, look.new))


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def store(desk: Desk) -> Store:
    return Store(desk.journal)


@pytest.fixture
def parser() -> HereParser:
    return HereParser()


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
async def feed(site: Site) -> AsyncIterator[FeedSpec]:
    app = web.Application()
    app.router.add_get("/rss", site.handle)
    async with TestServer(app, host="127.0.0.1") as server:
        yield FeedSpec(key="f", url=f"http://127.0.0.1:{server.port}/rss", name="F")


@pytest.fixture
async def new_poller(desk: Desk, store: Store, parser: HereParser) -> AsyncIterator[Callable[..., Poller]]:
    async with Fetcher(allowed=LOOPBACK) as fetcher:

        def make(*feeds: FeedSpec, **other: Any) -> Poller:
            parts = {"fetcher": fetcher, "parser": parser, "store": store, "publish": desk.publish} | other
            at_once = Surroundings(host_spacing_s=0, sleep=for_ever)  # so a feed that is followed is never due
            return Poller(feeds, observe=desk.observe, surroundings=at_once, **parts)

        yield make


async def for_ever(_: float) -> None:
    await asyncio.Event().wait()


class TestOnePoll:
    async def test_publishes_first_and_stores_then(
        self, site: Site, feed: FeedSpec, new_poller: Callable[..., Poller], desk: Desk
    ) -> None:
        site.publish(("b", "Two"), ("a", "One"))
        polled = await new_poller(feed).poll(feed)
        assert desk.journal == ["publish a 1", "publish b 1", "save f"]
        assert polled.fetched.outcome is Outcome.OK
        assert [story.headline for story in desk.stories] == ["One", "Two"]

    async def test_echoes_the_validators_of_the_last_answer_be_it_200_or_304(
        self, site: Site, feed: FeedSpec, new_poller: Callable[..., Poller]
    ) -> None:
        poller = new_poller(feed)
        outcomes = [(await poller.poll(feed)).fetched.outcome for _ in range(3)]
        sent = [
            (request.headers.get("If-None-Match"), request.headers.get("If-Modified-Since"))
            for request in site.requests
        ]
        assert outcomes == [Outcome.OK, Outcome.NOT_MODIFIED, Outcome.NOT_MODIFIED]
        assert sent == [(None, None), ('W/"1"', "version 1"), ('W/"1"', "again 1")]

    async def test_takes_a_changed_item_for_a_revision_and_an_unchanged_one_for_nothing(
        self, site: Site, feed: FeedSpec, new_poller: Callable[..., Poller], desk: Desk
    ) -> None:
        poller = new_poller(feed)
        site.publish(("a", "One"), ("b", "Two"))
        await poller.poll(feed)
        site.publish(("a", "One, corrected"), ("b", "Two"))
        polled = await poller.poll(feed)
        assert [(story.guid, story.revision) for story in polled.stories] == [("a", 2)]
        assert desk.journal[-2:] == ["publish a 2", "save f"]

    async def test_does_not_parse_the_same_bytes_twice(
        self, site: Site, feed: FeedSpec, new_poller: Callable[..., Poller], parser: HereParser
    ) -> None:
        poller = new_poller(feed)
        site.publish(("a", "One"))
        await poller.poll(feed)
        site.version += 1
        polled = await poller.poll(feed)
        assert (polled.fetched.outcome, parser.parsed) == (Outcome.UNCHANGED, 1)

    async def test_after_a_restart_publishes_nothing_again(
        self, site: Site, feed: FeedSpec, new_poller: Callable[..., Poller], desk: Desk
    ) -> None:
        site.publish(("a", "One"))
        await new_poller(feed).poll(feed)
        restarted = new_poller(feed)
        assert (await restarted.poll(feed)).fetched.outcome is Outcome.NOT_MODIFIED
        site.publish(("b", "Two"), ("a", "One"))
        assert [story.guid for story in (await restarted.poll(feed)).stories] == ["b"]
        assert [entry for entry in desk.journal if entry.startswith("publish")] == [
            "publish a 1",
            "publish b 1",
        ]

    async def test_a_publish_that_fails_leaves_the_state_and_the_story_comes_again(
        self, site: Site, feed: FeedSpec, new_poller: Callable[..., Poller], desk: Desk, store: Store
    ) -> None:
        poller = new_poller(feed)
        site.publish(("a", "One"))
        desk.down = True
        with pytest.raises(BrokerDown):
            await poller.poll(feed)
        assert store.raw == {}
        desk.down = False
        assert [(story.guid, story.revision) for story in (await poller.poll(feed)).stories] == [("a", 1)]
        assert desk.journal == ["publish a 1", "save f"]

    async def test_a_state_that_is_not_stored_brings_the_same_revision_again(
        self, site: Site, feed: FeedSpec, new_poller: Callable[..., Poller], desk: Desk, store: Store
    ) -> None:
        poller = new_poller(feed)
        site.publish(("a", "One"))
        store.down = True
        with pytest.raises(BrokerDown):
            await poller.poll(feed)
        store.down = False
        await poller.poll(feed)
        assert desk.journal == ["publish a 1", "publish a 1", "save f"]
        assert desk.stories[0].id == desk.stories[1].id

    async def test_a_feed_that_turns_into_a_page_keeps_what_was_known(
        self, site: Site, feed: FeedSpec, new_poller: Callable[..., Poller]
    ) -> None:
        poller = new_poller(feed)
        site.publish(("a", "One"))
        await poller.poll(feed)
        site.body, site.version = b"<!DOCTYPE html><html><title>Just a moment</title></html>", 9
        polled = await poller.poll(feed)
        assert (polled.fetched.outcome, polled.state.failures, polled.state.etag) == (
            Outcome.HTML,
            1,
            'W/"2"',
        )
        site.publish(("a", "One"), ("b", "Two"))
        assert [story.guid for story in (await poller.poll(feed)).stories] == ["b"]

    async def test_a_document_that_breaks_off_is_asked_for_again_in_full(
        self, site: Site, feed: FeedSpec, new_poller: Callable[..., Poller]
    ) -> None:
        poller = new_poller(feed)
        site.publish(("a", "One"), ("b", "Two is not delisted"))
        whole = site.body
        site.body = whole[: whole.index(b"delisted")]
        assert [story.guid for story in (await poller.poll(feed)).stories] == ["a"]
        site.body = whole
        assert [story.headline for story in (await poller.poll(feed)).stories] == ["Two is not delisted"]

    async def test_a_document_that_hangs_the_parser_costs_its_feed_one_poll(
        self, site: Site, feed: FeedSpec, new_poller: Callable[..., Poller]
    ) -> None:
        parser = Parser(limits=ParserLimits(cpu_s=1))
        poller = new_poller(feed, parser=parser)
        site.publish(("a", "One"))
        site.body = site.body.replace(b"<title>", b"<author>" + b"a" * 300_000 + b"</author><title>")
        polled = await poller.poll(feed)
        assert (polled.fetched.outcome, polled.state.failures) == (Outcome.PARSER_KILLED, 1)
        site.publish(("a", "One"))
        assert [story.guid for story in (await poller.poll(feed)).stories] == ["a"]
        await parser.close()


class Hub:
    """A hub as the poller sees it: what it was offered, and whether it is known to push."""

    def __init__(self) -> None:
        self.offered: list[tuple[str, str | None, str | None]] = []
        self.missed_keys: list[str] = []
        self.proven = False

    async def offer(self, feed: FeedSpec, hub: str | None, self_url: str | None) -> None:
        self.offered.append((feed.key, hub, self_url))

    async def missed(self, feed_key: str) -> None:
        self.missed_keys.append(feed_key)

    def is_proven(self, feed_key: str) -> bool:
        return self.proven


class TestAPush:
    async def test_is_published_as_a_poll_would_and_known_to_the_next_poll(
        self, site: Site, feed: FeedSpec, desk: Desk, store: Store, new_poller: Callable[..., Poller]
    ) -> None:
        poller = new_poller(feed)
        await poller.follow(feed)
        site.publish(("a", "One"))
        await poller.poll(feed)
        known = poller.states[feed.key]
        await poller.receive(feed.key, feed.url, rss(("b", "Two"), ("a", "One")), "application/rss+xml")
        assert [story.guid for story in desk.stories] == ["a", "b"]
        assert desk.journal[-2:] == ["publish b 1", f"save {feed.key}"]
        after = poller.states[feed.key]
        assert (after.etag, after.next_due, len(after.seen)) == (known.etag, known.next_due, 2)
        site.publish(("b", "Two"), ("a", "One"))
        assert (await poller.poll(feed)).stories == ()
        await poller.drop(feed.key)

    async def test_for_a_feed_that_is_not_polled_here_is_refused(
        self, feed: FeedSpec, new_poller: Callable[..., Poller]
    ) -> None:
        with pytest.raises(NotPolledError, match="not polled here"):
            await new_poller(feed).receive(feed.key, feed.url, rss(("b", "Two")), None)

    async def test_that_the_broker_does_not_take_comes_again(
        self, feed: FeedSpec, desk: Desk, new_poller: Callable[..., Poller]
    ) -> None:
        poller = new_poller(feed)
        await poller.follow(feed)
        desk.down = True
        with pytest.raises(BrokerDown):
            await poller.receive(feed.key, feed.url, rss(("b", "Two")), None)
        desk.down = False
        await poller.receive(feed.key, feed.url, rss(("b", "Two")), None)
        assert [story.guid for story in desk.stories] == ["b"]
        await poller.drop(feed.key)

    async def test_slows_polling_down_once_the_hub_is_proven_and_a_missed_story_is_told(
        self, site: Site, feed: FeedSpec, new_poller: Callable[..., Poller]
    ) -> None:
        poller, hub = new_poller(feed), Hub()
        poller.pushes = hub
        links = (
            "<atom:link rel='hub' href='https://hub.example/'/><atom:link rel='self' href='https://feed.example/rss'/>"
        )
        site.publish(("a", "One"))
        named = b"<rss xmlns:atom='http://www.w3.org/2005/Atom' "
        site.body = site.body.replace(b"<rss ", named).replace(b"<channel>", f"<channel>{links}".encode())
        unproven = (await poller.poll(feed)).state
        assert hub.offered == [(feed.key, "https://hub.example/", "https://feed.example/rss")]
        hub.proven = True
        site.publish(("b", "Two"), ("a", "One"))
        proven = (await poller.poll(feed)).state
        assert hub.missed_keys == [feed.key]
        assert unproven.next_due is not None
        assert proven.next_due is not None
        assert proven.next_due - unproven.next_due > timedelta(seconds=feed.max_wait_s - 2 * feed.interval_s)


class Stage:
    """A world whose clock moves only when told, and a fetcher that lives in it."""

    def __init__(self) -> None:
        self.time = START
        self.asked: asyncio.Queue[tuple[datetime, str]] = asyncio.Queue()
        self.answers: dict[str, Fetched] = {}
        self.under_way: dict[str, int] = {}
        self.together = 0
        self._sleepers: list[tuple[datetime, asyncio.Event]] = []

    @property
    def world(self) -> Surroundings:
        return Surroundings(now=lambda: self.time, sleep=self.sleep, jitter=lambda: 0.0, host_spacing_s=1.0)

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        event = asyncio.Event()
        self._sleepers.append((self.time + timedelta(seconds=seconds), event))
        await event.wait()

    async def advance(self, seconds: float) -> None:
        """Moves the clock from one sleeper to the next, letting each do what it woke for."""
        end = self.time + timedelta(seconds=seconds)
        await self.settle()
        while due := [sleeper for sleeper in self._sleepers if sleeper[0] <= end]:
            first = min(due, key=lambda sleeper: sleeper[0])
            self._sleepers.remove(first)
            self.time = max(self.time, first[0])
            first[1].set()
            await self.settle()
        self.time = end

    async def settle(self) -> None:
        for _ in range(50):
            await asyncio.sleep(0)

    async def fetch(self, what: FeedSpec | str, conditional: Mapping[str, str] | None = None) -> Fetched:
        url = what if isinstance(what, str) else what.url
        host = url.split("/")[2]
        self.under_way[host] = self.under_way.get(host, 0) + 1
        self.together = max(self.together, self.under_way[host])
        self.asked.put_nowait((self.time, url))
        await asyncio.sleep(0)
        self.under_way[host] -= 1
        answer = self.answers.get(url)
        return answer or Fetched(outcome=Outcome.OK, url=url, status=200, body=rss(("a", url)))

    def times(self, url: str) -> list[float]:
        asked = []
        while not self.asked.empty():
            asked.append(self.asked.get_nowait())
        for entry in asked:
            self.asked.put_nowait(entry)
        return [(at - START).total_seconds() for at, where in asked if where == url]


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture
async def running(stage: Stage, desk: Desk, store: Store, parser: HereParser) -> AsyncIterator[Callable[..., Poller]]:
    tasks: list[asyncio.Task[None]] = []

    def start(*feeds: FeedSpec) -> Poller:
        poller = Poller(
            feeds,
            publish=desk.publish,
            store=store,
            fetcher=stage,
            parser=parser,
            observe=desk.observe,
            surroundings=stage.world,
        )
        tasks.append(asyncio.create_task(poller.run()))
        return poller

    yield start
    for task in tasks:
        assert not task.done(), "polling came to an end"
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def spec(key: str, host: str = "", **more: Any) -> FeedSpec:
    return FeedSpec(key=key, url=f"http://{host or key + '.example'}/{key}", name=key, **more)


class TestTheLoop:
    async def test_each_feed_is_polled_in_its_own_rhythm(self, stage: Stage, running: Callable[..., Poller]) -> None:
        quick, slow = spec("quick", interval_s=60), spec("slow", interval_s=100)
        running(quick, slow, spec("off", enabled=False, note="dead"))
        await stage.advance(250)
        assert stage.times(quick.url) == [0, 60, 120, 180, 240]
        assert stage.times(slow.url) == [0, 100, 200]
        assert stage.times("http://off.example/off") == []

    async def test_a_stored_schedule_is_kept_over_a_restart(
        self, stage: Stage, running: Callable[..., Poller], store: Store
    ) -> None:
        store.raw["f"] = codec.encode(FeedState(feed="f", next_due=START + timedelta(seconds=45)))
        feed = spec("f", interval_s=60)
        running(feed)
        await stage.advance(120)
        assert stage.times(feed.url) == [45, 105]

    async def test_a_host_is_asked_one_thing_at_a_time_with_a_pause(
        self, stage: Stage, running: Callable[..., Poller]
    ) -> None:
        feeds = [spec(f"f{n}", host="shared.example") for n in range(4)] + [spec("alone")]
        running(*feeds)
        await stage.advance(10)
        assert sorted(stage.times(feed.url)[0] for feed in feeds[:4]) == [0, 1, 2, 3]
        assert stage.times(feeds[4].url) == [0]
        assert stage.together == 1

    async def test_a_feed_that_fails_backs_off_and_the_others_do_not(
        self, stage: Stage, running: Callable[..., Poller], desk: Desk
    ) -> None:
        good, bad = spec("good", interval_s=60), spec("bad", interval_s=60)
        stage.answers[bad.url] = Fetched(outcome=Outcome.TIMEOUT, url=bad.url)
        running(good, bad)
        await stage.advance(400)
        assert stage.times(bad.url) == [0, 60, 180]
        assert len(stage.times(good.url)) == 7
        assert ("bad", "timeout", 0) in desk.polls
        assert ("good", "ok", 1) in desk.polls
        assert ("good", "unchanged", 0) in desk.polls

    async def test_a_feed_may_come_and_go_while_others_are_polled(
        self, stage: Stage, running: Callable[..., Poller]
    ) -> None:
        poller = running(spec("a", interval_s=60))
        await stage.advance(1)
        await poller.follow(spec("b", interval_s=60))
        await stage.advance(60)
        await poller.drop("a")
        assert (poller.followed, set(poller.states)) == ({"b"}, {"b"})
        await stage.advance(120)
        assert stage.times("http://a.example/a") == [0, 60]
        assert stage.times("http://b.example/b") == [1, 61, 121, 181]

    async def test_a_feed_that_is_followed_again_is_replaced(
        self, stage: Stage, running: Callable[..., Poller]
    ) -> None:
        poller = running(spec("a", interval_s=60))
        await stage.advance(1)
        await poller.follow(spec("a", host="b.example", interval_s=60))
        await stage.advance(60)
        assert stage.times("http://a.example/a") == [0]
        assert stage.times("http://b.example/a") == [60]
        await poller.follow(spec("a", enabled=False))
        assert poller.followed == frozenset()

    async def test_a_throttling_host_is_left_alone_by_its_other_feeds_too(
        self, stage: Stage, running: Callable[..., Poller]
    ) -> None:
        first, second = (spec(key, host="one.example", interval_s=60) for key in "ab")
        stage.answers[first.url] = Fetched(
            outcome=Outcome.THROTTLED, url=first.url, status=429, headers={"retry-after": "90"}
        )
        running(first, second)
        await stage.advance(100)
        assert stage.times(second.url) == [90]

    async def test_retry_after_is_obeyed(self, stage: Stage, running: Callable[..., Poller]) -> None:
        feed = spec("f", interval_s=60)
        stage.answers[feed.url] = Fetched(
            outcome=Outcome.THROTTLED, url=feed.url, status=429, headers={"retry-after": "1800"}
        )
        running(feed)
        await stage.advance(1_900)
        assert stage.times(feed.url) == [0, 1_800]

    async def test_a_broker_that_is_down_is_tried_again_soon_and_nothing_is_lost(
        self, stage: Stage, running: Callable[..., Poller], desk: Desk, store: Store
    ) -> None:
        desk.down = True
        feed = spec("f", interval_s=600)
        running(feed)
        await stage.advance(8)
        assert stage.times(feed.url) == [0, 1, 3, 7]
        assert set(desk.polls) == {("f", UNSENT, 0)}
        desk.down = False
        await stage.advance(10)
        assert [story.guid for story in desk.stories] == ["a"]
        assert "f" in store.raw

    async def test_a_fault_of_ours_in_one_feed_is_counted_and_stops_no_other(
        self, stage: Stage, running: Callable[..., Poller], desk: Desk, parser: HereParser
    ) -> None:
        parser.fault = ZeroDivisionError("a fault of ours")
        broken, fine = spec("broken", interval_s=60), spec("fine", interval_s=60)
        stage.answers[fine.url] = Fetched(outcome=Outcome.NOT_MODIFIED, url=fine.url, conditional=True)
        running(broken, fine)
        await stage.advance(130)
        assert ("broken", FAULT, 0) in desk.polls
        assert stage.times(broken.url) == [0, 1, 3, 7, 15, 31, 63, 123]
        assert stage.times(fine.url) == [0, 60, 120]
        parser.fault = None
        await stage.advance(120)
        assert ("broken", "ok", 1) in desk.polls


class TestFeedState:
    """The compacted topic as the store, with a log kept in memory."""

    class Log:
        def __init__(self) -> None:
            self.messages: list[Outgoing] = []
            self.down = False

        async def publish(self, *messages: Outgoing) -> None:
            if self.down:
                raise BrokerDown("broker.example:9092", "down")
            self.messages.extend(messages)

        async def read(self, topic: str, partition: int, start: int, end: int | None) -> AsyncIterator[Incoming]:
            assert (topic, start, end) == (Topic.FEED_STATE, 0, None)
            for offset, message in enumerate(self.messages):
                if hash(message.key) % 4 == partition:
                    yield Incoming(topic, partition, offset, message.key, message.value)

    async def test_what_was_saved_last_is_loaded_after_a_restart(self) -> None:
        log = self.Log()
        before = KafkaFeedState(log.read, log)
        await before.start()
        assert await before.load("a") is None
        for key in ("a", "b", "c", "d", "e"):
            await before.save(key, FeedState(feed=key, etag='"1"'))
        await before.save("a", FeedState(feed="a", etag='"2"'))
        assert {message.topic for message in log.messages} == {"wire.feed-state"}

        restarted = KafkaFeedState(log.read, log)
        await restarted.start()
        assert await restarted.load("a") == FeedState(feed="a", etag='"2"') == await before.load("a")
        assert await restarted.load("e") == FeedState(feed="e", etag='"1"')

    async def test_what_the_broker_did_not_take_is_not_remembered(self) -> None:
        log = self.Log()
        store = KafkaFeedState(log.read, log)
        log.down = True
        with pytest.raises(BrokerDown):
            await store.save("a", FeedState(feed="a"))
        assert await store.load("a") is None

    async def test_a_tombstone_forgets_and_a_broken_value_costs_its_feed_alone(self) -> None:
        log = self.Log()
        first = KafkaFeedState(log.read, log)
        for key in ("a", "b", "c"):
            await first.save(key, FeedState(feed=key))
        log.messages += [Outgoing(Topic.FEED_STATE, b"a", None), Outgoing(Topic.FEED_STATE, b"b", b"{broken")]
        restarted = KafkaFeedState(log.read, log)
        await restarted.start()
        assert [await restarted.load(key) is None for key in ("a", "b", "c")] == [True, True, False]
