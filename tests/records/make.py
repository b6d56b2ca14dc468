"""Writes messages of every topic as this version writes them: `python tests/records/make.py tests/records/VERSION`.

Run once at a release. What was written stays as it is: `test_old_records.py` reads all of it for ever. A topic a file,
a message a line; `value` is the text as it stands on the topic, None where the message deletes its key.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from agents.deadletter import Reason
from agents.demo.outcome import STARTED, outcome, stories
from agents.letters import Failure, Handling, letter
from agents.messages import Incoming, Outgoing
from agents.skips import skip
from streams.classifying import classify
from streams.codec import encode
from streams.discovery import Endpoint
from streams.embargo import Held
from streams.feed_records import Origin, encode_feed
from streams.feeds import default_feeds
from streams.polling import FeedState, Fetched, Outcome, digest
from streams.reading import read
from streams.records import Classified, StoryKeys, ledger_key
from streams.registry import Registry, load_registry
from streams.reports import reports
from streams.topics import Topic
from streams.websub import Capability, Subscription
from streams.wires import decode

FEED = b"""<rss version="2.0"><channel><title>Agency</title>
<item><guid>1</guid><title>Milk</title><description>Milk is to cost more.</description>
<pubDate>Tue, 24 Nov 2026 08:00:00 GMT</pubDate></item></channel></rss>"""


def messages(registry: Registry) -> Iterator[Outgoing]:
    """One or more of each topic, those of the ledger complete and in order."""
    told = list(stories(STARTED))
    yield from (Outgoing(Topic.STORIES, story.id.encode(), encode(story)) for story in told)
    yield from (Outgoing(*event) for event in outcome(registry))
    yield from _story_keys(registry)
    for feed in default_feeds()[:5]:
        yield Outgoing(Topic.FEEDS, feed.key.encode(), encode_feed(feed, Origin.LIST))
    yield Outgoing(Topic.FEEDS, b"gone", None)
    yield Outgoing(Topic.FEED_STATE, b"agency", encode(_feed_state()))
    yield Outgoing(Topic.SUBSCRIPTIONS, b"agency", encode(_subscription()))
    held = Held(story=told[0], is_revision=True)
    yield Outgoing(Topic.HELD, held.key.encode(), encode(held))
    poison = Incoming(Topic.CLAIMS, 2, 17, b"ru|taliban", b"{", (("h", b"1"),), STARTED.timestamp())
    failure = Failure(Reason.MALFORMED, "Report: Input data was truncated")
    yield letter(poison, failure, Handling("bookkeeper"))
    yield skip(poison, failure)


def _story_keys(registry: Registry) -> Iterator[Outgoing]:
    bare = registry.without_baseline()
    for story in stories(STARTED):
        classified = classify(story, bare)
        if isinstance(classified, Classified):
            found = reports(classified, read(story, bare), ())
            keys = tuple(sorted(ledger_key(report.authority, report.group) for report in found))
            yield Outgoing(Topic.STORY_KEYS, story.id.encode(), encode(StoryKeys(story=story.id, keys=keys)))


def _feed_state() -> FeedState:
    now = datetime(2026, 11, 24, 9, tzinfo=UTC)
    headers = {"etag": '"1"', "content-type": "application/rss+xml"}
    fetched = Fetched(outcome=Outcome.OK, url="https://agency.example/rss", status=200, body=FEED, headers=headers)
    return digest(FeedState(feed="agency"), fetched, decode(FEED, "agency", now), now)[0]


def _subscription() -> Subscription:
    endpoint = Endpoint("https://hub.example/", "https://agency.example/rss")
    capability = Capability(token="t" * 32, secret="s" * 32)
    return Subscription(
        feed="agency",
        endpoint=endpoint,
        base="https://listwire.example/hook",
        capability=capability,
        since=STARTED,
        ask_at=STARTED + timedelta(days=5),
        until=STARTED + timedelta(days=7),
    )


def write(folder: Path, made: Iterable[Outgoing]) -> None:
    """The messages, a topic a file."""
    folder.mkdir()
    for message in made:
        line = {
            "key": message.key.decode() if message.key is not None else None,
            "headers": [[name, value.decode()] for name, value in message.headers],
            "value": message.value.decode() if message.value is not None else None,
        }
        with (folder / f"{message.topic}.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    write(Path(sys.argv[1]), messages(load_registry()))
