"""What is piped in: a document or JSON Lines, by the rules of identity of every other source; broken lines named."""

import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.intake import Intake
from agents.messages import BrokerDown
from agents.parsing import Request
from agents.piping import Piped, PipeError, pipe
from agents.polls import Surroundings
from streams import codec, wires
from streams.errors import RecordError
from streams.feeds import FeedSpec
from streams.polling import FeedState
from streams.records import Story
from streams.wires.documents import Document
from streams.wires.lines import is_lines, story_of_line

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
FEED = FeedSpec(key="f", name="F", language="en", source="AG", timezone="+03:00")
RSS = b"<rss version='2.0'><channel><item><guid>a</guid><title>One</title></item></channel></rss>"


class Desk:
    """A broker with its log, and a parser in this process."""

    def __init__(self) -> None:
        self.stories: list[Story] = []
        self.portions: list[int] = []
        self.saved: dict[str, bytes] = {}
        self.down = False

    async def publish(self, stories: Sequence[Story]) -> None:
        if self.down:
            raise BrokerDown("broker.example:9092", "down")
        self.portions.append(len(stories))
        self.stories.extend(stories)

    async def load(self, key: str) -> FeedState | None:
        return codec.decode(self.saved[key], FeedState) if key in self.saved else None

    async def save(self, key: str, state: FeedState) -> None:
        self.saved[key] = codec.encode(state)

    async def parse(self, raw: bytes, request: Request) -> Document:
        return wires.decode(raw, request.feed, request.received_at)

    def pipe(self, raw: bytes, feed: FeedSpec = FEED) -> Piped:
        intake = Intake(feed, self.publish, self, Surroundings(now=lambda: NOW))
        return asyncio.run(pipe(raw, intake, self))


@pytest.fixture
def desk() -> Desk:
    return Desk()


def lines(*stories: Any) -> bytes:
    return "\n".join(story if isinstance(story, str) else json.dumps(story) for story in stories).encode()


def told(desk: Desk) -> list[tuple[str, int, str]]:
    return [(story.guid, story.revision, story.headline) for story in desk.stories]


def test_a_document_is_published_as_the_feeds(desk: Desk) -> None:
    assert desk.pipe(RSS) == Piped(1, 1)
    (story,) = desk.stories
    assert (story.feed, story.guid, story.source, story.language) == ("f", "a", "AG", "en")


def test_lines_are_published_as_the_feeds_in_their_order(desk: Desk) -> None:
    first = {"id": "a", "headline": "One", "feed": "other", "published": "2026-11-24T10:00:00", "source": "XY"}
    assert desk.pipe(lines(first, "", {"guid": "b", "headline": "Two", "link": "javascript:x"})) == Piped(2, 2)
    one, two = desk.stories
    assert told(desk) == [("a", 1, "One"), ("b", 1, "Two")]
    assert (one.feed, one.source, two.source, one.language, two.link) == ("f", "XY", "AG", "en", None)
    assert one.published == datetime(2026, 11, 24, 7, tzinfo=UTC)
    assert one.id == wires.decode(RSS, FEED, NOW).stories[0].id


def test_a_byte_order_mark_is_no_part_of_the_first_line(desk: Desk) -> None:
    assert desk.pipe(b"\xef\xbb\xbf" + lines({"id": "a", "headline": "One"})) == Piped(1, 1)


def test_what_was_piped_before_is_known_and_what_changed_is_a_revision(desk: Desk) -> None:
    desk.pipe(lines({"id": "a", "headline": "One"}, {"id": "b", "headline": "Two"}))
    again = lines({"id": "a", "headline": "One"}, {"id": "b", "headline": "Two, corrected"})
    assert desk.pipe(again) == Piped(2, 1)
    assert told(desk)[2:] == [("b", 2, "Two, corrected")]


def test_revisions_of_one_story_in_one_pipe_are_all_published(desk: Desk) -> None:
    stories = [{"id": "a", "headline": f"One, version {number}"} for number in (1, 2, 3)]
    assert desk.pipe(lines(*stories)) == Piped(3, 3)
    assert [revision for _, revision, _ in told(desk)] == [1, 2, 3]


def test_a_line_without_an_id_is_known_by_what_it_says(desk: Desk) -> None:
    desk.pipe(lines({"headline": "One"}, {"headline": "Two"}))
    assert desk.pipe(lines({"headline": "Two"}, {"headline": "Three"})) == Piped(2, 1)
    assert [revision for _, revision, _ in told(desk)] == [1, 1, 1]
    assert len({story.id for story in desk.stories}) == 3


def test_a_broken_line_is_named_and_the_others_are_published(desk: Desk) -> None:
    piped = desk.pipe(lines("{broken", {"id": "a", "headline": "One"}, {"id": "b"}, {"id": "c", "headline": "Three"}))
    assert (piped.listed, piped.stories) == (2, 2)
    assert [problem.partition(":")[0] for problem in piped.broken] == ["line 1", "line 3"]
    assert [guid for guid, *_ in told(desk)] == ["a", "c"]


def test_lines_go_out_in_portions(desk: Desk) -> None:
    assert desk.pipe(lines(*({"id": n, "headline": f"Item {n}"} for n in range(1_200)))) == Piped(1_200, 1_200)
    assert desk.portions == [300, 300, 300, 300]


def test_a_document_that_breaks_off_is_named(desk: Desk) -> None:
    piped = desk.pipe(RSS.replace(b"</channel></rss>", b"<item><guid>b</guid><title>T"))
    assert (piped.listed, piped.stories) == (1, 1)
    assert piped.broken[0].startswith("truncated: breaks off")


@pytest.mark.parametrize(
    ("raw", "problem"), [(b"", "empty"), (b"no wire", "not-a-feed"), (b"<html><body>x</body></html>", "html")]
)
def test_what_is_no_wire_is_an_error_that_says_why(desk: Desk, raw: bytes, problem: str) -> None:
    with pytest.raises(PipeError, match=f"^stdin: {problem}"):
        desk.pipe(raw)


def test_nothing_is_remembered_that_the_broker_did_not_take(desk: Desk) -> None:
    desk.down = True
    with pytest.raises(BrokerDown):
        desk.pipe(RSS)
    assert desk.saved == {}


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b'{"id": 1}\n{"id": 2}', True),
        (b'\n {"id": 1}\n', True),
        (b'{broken\n{"id": 2}', True),
        (b'{\n  "guid": "a"\n}', False),
        (b"<rss/>", False),
        (b'[{"id": 1}]', False),
        (b"", False),
    ],
)
def test_lines_are_told_from_an_object_spread_over_several(raw: bytes, expected: bool) -> None:
    assert is_lines(raw) is expected


LINES = st.fixed_dictionaries(
    {"headline": st.text()},
    optional={
        "body": st.text(),
        "id": st.one_of(st.text(), st.integers()),
        "guid": st.text(),
        "link": st.one_of(st.text(), st.just("http://[x")),
        "published": st.one_of(st.text(max_size=10), st.datetimes().map(str), st.dates().map(str)),
        "subjects": st.lists(st.text()),
    },
)


@given(st.one_of(st.binary(max_size=80), LINES.map(lines)))
@settings(max_examples=300)
def test_any_line_is_a_story_or_one_error(raw: bytes) -> None:
    is_lines(raw)
    with contextlib.suppress(RecordError):
        assert story_of_line(raw, 7, NOW, FEED).feed == "f"


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00", "9999-12-31T23:59:59-12:00"])
def test_a_time_that_no_zone_holds_is_an_error_of_its_line(moment: str) -> None:
    with pytest.raises(RecordError, match="line 7: published"):
        story_of_line(lines({"headline": "One", "published": moment}), 7, NOW, FEED)


@pytest.mark.parametrize(
    ("flags", "problem"),
    [
        (["--stdin", "a", "--once"], b"--stdin publishes what is piped in, once"),
        (["--stdin", "a", "--feed", "http://a.example/"], b"--stdin publishes what is piped in, once"),
        (["--stdin", "No Key"], b"a key is lower-case letters"),
    ],
)
def test_a_call_that_makes_no_sense_is_one_line_and_exit_code_2(flags: list[str], problem: bytes) -> None:
    command = [sys.executable, "-P", "-m", "agents", "poll", *flags, "--broker", "127.0.0.1:1"]
    run = subprocess.run(command, input=b"", capture_output=True, timeout=60, check=False)
    assert (run.returncode, run.stderr.count(b"\n")) == (2, 1)
    assert problem in run.stderr
