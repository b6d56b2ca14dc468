"""The feed list as messages, and subscription lists of other readers."""

import pytest

from agents.feed_list import FeedList, Listed, take
from agents.messages import Incoming, Outgoing
from streams import codec
from streams.errors import RecordError, WireError
from streams.feed_records import FeedEntry, Origin, decode_feed, differences, encode_feed
from streams.feeds import FeedSpec, default_feeds
from streams.opml import read_opml
from streams.topics import Topic


def feed(key: str, **more: object) -> FeedSpec:
    return FeedSpec(key=key, url=f"https://{key}.example/rss", name=key.upper(), **more)  # type: ignore[arg-type]


class Log:
    """A topic in memory."""

    def __init__(self) -> None:
        self.messages: list[Incoming] = []

    async def publish(self, *messages: Outgoing) -> None:
        for message in messages:
            self.messages.append(Incoming(message.topic, 0, len(self.messages), message.key, message.value))

    async def read(self, topic: str, partition: int, start: int, end: int | None):  # type: ignore[no-untyped-def]
        for message in self.messages:
            if message.topic == topic and partition == 0:
                yield message


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def feeds(log: Log) -> FeedList:
    return FeedList(log.read, log)


class TestMessages:
    @pytest.mark.parametrize("spec", default_feeds(), ids=lambda spec: spec.key)
    def test_a_feed_of_the_list_comes_back_as_it_went(self, spec: FeedSpec) -> None:
        assert decode_feed(spec.key.encode(), encode_feed(spec, Origin.LIST)) == (spec, Origin.LIST)

    def test_a_field_of_a_newer_version_is_ignored(self) -> None:
        entry = FeedEntry(feed={"url": "https://a.example/", "name": "A", "colour": "red"}, origin=Origin.OPERATOR)
        assert decode_feed(b"a", codec.encode(entry)) == (feed_at("a", "https://a.example/"), Origin.OPERATOR)

    @pytest.mark.parametrize(
        ("key", "table", "problem"),
        [
            (b"a", {"url": "ftp://a.example", "name": "A"}, "feed a: url: 'ftp://a.example' is no http"),
            (b"A b", {"url": "https://a.example/", "name": "A"}, "feed A b: a key is lower-case"),
            (b"a", {"folder": "/srv/drop", "name": "A"}, "feed a: folder: only the operator's own feed file"),
            (b"a", {"url": "https://a.example/"}, "feed a: Object missing required field `name`"),
        ],
    )
    def test_a_feed_that_cannot_be_polled_is_named(self, key: bytes, table: dict[str, str], problem: str) -> None:
        with pytest.raises(RecordError) as refused:
            decode_feed(key, codec.encode(FeedEntry(feed=table)))
        assert str(refused.value).startswith(problem)

    def test_a_broken_message_leaves_the_feed_as_it_was(self) -> None:
        listed: Listed = {"a": (feed("a"), Origin.LIST)}
        take(listed, Incoming(Topic.FEEDS, 0, 7, b"a", b"{"))
        assert listed == {"a": (feed("a"), Origin.LIST)}


def feed_at(key: str, url: str) -> FeedSpec:
    return FeedSpec(key=key, url=url, name=key.upper())


class TestTheList:
    async def test_a_start_publishes_what_its_file_changed(self, log: Log, feeds: FeedList) -> None:
        assert await feeds.announce([feed("a"), feed("b")]) == 2
        assert await feeds.announce([feed("a"), feed("b")]) == 0
        assert await feeds.announce([feed("a", language="ru"), feed("c")]) == 3
        assert set(await feeds.feeds()) == {"a", "c"}
        assert log.messages[-1].value is None

    async def test_a_feed_of_an_operator_is_touched_by_no_file(self, feeds: FeedList) -> None:
        await feeds.announce([feed("a")])
        await feeds.add(feed("a", language="fa"), feed("own"))
        await feeds.announce([feed("a")])
        assert {key: spec.language for key, (spec, _) in (await feeds.feeds()).items()} == {"a": "fa", "own": None}

    async def test_a_feed_is_removed_by_a_tombstone(self, feeds: FeedList) -> None:
        await feeds.add(feed("a"), feed("b"))
        await feeds.remove("a")
        assert set(await feeds.feeds()) == {"b"}

    def test_what_is_alike_makes_no_message(self) -> None:
        present = {"a": (feed("a"), Origin.LIST), "old": (feed("old"), Origin.LIST)}
        assert differences([feed("a"), feed("new")], present) == ((feed("new"),), ("old",))


OPML = """<?xml version="1.0"?><opml version="2.0"><head><title>Subscriptions</title></head><body>
<outline text="Ministries">
<outline type="rss" text="Interior Ministry" xmlUrl="https://interior.example/rss" language="FR"/>
<outline type="rss" title="Interior Ministry" xmlurl="https://other.example/feed"/></outline>
<outline type="rss" text="Interior Ministry" xmlUrl="https://interior.example/rss"/>
<outline text="A link" url="https://link.example/"/>
<outline text="Old" xmlUrl="gopher://old.example/"/></body></opml>"""


class TestOpml:
    def test_each_address_becomes_a_feed_with_a_key_of_its_own(self) -> None:
        found = read_opml(OPML.encode(), "list.opml")
        assert [(spec.key, spec.url, spec.name, spec.language) for spec in found.feeds] == [
            ("interior-ministry", "https://interior.example/rss", "Interior Ministry", "fr"),
            ("interior-ministry-other-example", "https://other.example/feed", "Interior Ministry", None),
        ]

    def test_what_cannot_be_polled_is_named(self) -> None:
        (problem,) = read_opml(OPML.encode(), "list.opml").problems
        assert problem.startswith("list.opml: old: url: 'gopher://old.example/'")

    @pytest.mark.parametrize("text", ["", "<rss/>", OPML[:-20]])
    def test_what_is_no_opml_is_refused(self, text: str) -> None:
        with pytest.raises(WireError):
            read_opml(text.encode(), "list.opml")
