"""Messages to subscribers as CloudEvents: a reader of another make understands them, and replays repeat them."""

import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from urllib.parse import urlsplit

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary
from cloudevents.core.formats.json import JSONFormat
from msgspec.structs import replace

from agents.bookkeeper import Bookkeeper, Rules
from agents.classifier import Classifier
from agents.demo.outcome import STARTED, outcome, stories
from agents.detector import Detector
from agents.kafka import Incoming, Outgoing, announcement
from streams.alerts import settle, status_of
from streams.classifying import classify
from streams.cloudevents import Announced, Event, event
from streams.codec import decode, encode
from streams.ledger import open_entry
from streams.reading import read
from streams.records import (
    Alert,
    AlertId,
    AuthorityKey,
    Classified,
    Evidence,
    GroupKey,
    Report,
    Status,
    Story,
    StoryId,
    StoryRef,
)
from streams.registry import load_registry
from streams.reports import reports
from streams.schemas import VALUES, json_schema
from streams.topics import Topic
from streams.vocabulary import AlertKind, AlertStatus, Change, Level, PubStatus, Stage, State

NOON = datetime(2024, 10, 4, 12, tzinfo=UTC)
RU, TALIBAN = AuthorityKey("ru"), GroupKey("taliban")
REF = StoryRef(id=StoryId("5f0c"), revision=3, feed="f", headline="h", published=NOON)
STORY = Story(id=REF.id, feed="f", guid="g", headline="h", body="b", received_at=NOON, published=NOON, revision=3)
ALERT = Alert(
    id=AlertId("e91b"),
    revision=2,
    kind=AlertKind.STEP,
    status=AlertStatus.LIVE,
    level=Level.CONFIRMED,
    from_state=State.LISTED,
    to_state=State.DELISTING_DECIDED,
    authority=RU,
    authority_name="Russia",
    group=TALIBAN,
    group_name="Taliban",
    change=Change.DELISTING,
    stage=Stage.DECIDED,
    bundle="b",
    evidence=Evidence(rule="r", start=0, end=1, text="h"),
    story=REF,
    confidence=0.9,
    confirmed=True,
    reason="first report",
)
STATUS = Status(authority=RU, group=TALIBAN, listed=True, standings=(), disputed=False, offset=41)
REPORT = Report(story=REF, authority=RU, group=TALIBAN, claims=())
RELEVANT = Classified(story=STORY, language="en", mentions=(), topics=("terrorism",))
ALL: tuple[Announced, ...] = (ALERT, STATUS, REPORT, RELEVANT)
NAMES = [type(record).__name__ for record in ALL]


def attributes(record: Announced) -> dict[str, str]:
    return {name: value.decode() for name, value in event(record).headers}


def read_elsewhere(sent: Event) -> Any:
    """The message as the library of the CloudEvents project reads it; raises where it breaks the specification."""
    return from_binary(KafkaMessage(headers=dict(sent.headers), key=sent.key, value=sent.value), JSONFormat())


def test_an_alert_says_which_revision_of_what_it_is() -> None:
    assert attributes(ALERT) == {
        "ce_specversion": "1.0",
        "ce_id": "e91b.2",
        "ce_source": "/listwire/bookkeeper",
        "ce_type": "listwire.designation.alert.v1",
        "ce_subject": "ru|taliban",
        "ce_dataschema": "urn:listwire:schema:Alert:1",
        "ce_time": "2024-10-04T12:00:00Z",
        "content-type": "application/json",
    }


@pytest.mark.parametrize(
    ("record", "topic", "key", "kind", "identity"),
    [
        (ALERT, Topic.ALERTS, b"ru|taliban", "designation.alert", r"e91b\.2"),
        (STATUS, Topic.STATUS, b"ru|taliban", "designation.status", r"ru\|taliban\.41\.[0-9a-f]{16}"),
        (REPORT, Topic.CLAIMS, b"ru|taliban", "designation.report", r"5f0c\.3\.ru\|taliban\.[0-9a-f]{16}"),
        (RELEVANT, Topic.RELEVANT, b"5f0c", "wire.relevant", r"5f0c\.3\.[0-9a-f]{16}"),
    ],
    ids=NAMES,
)
def test_each_record_goes_to_its_topic_under_its_key(
    record: Announced, topic: Topic, key: bytes, kind: str, identity: str
) -> None:
    sent = announcement(record)
    assert (sent.topic, sent.key, sent.value) == (topic, key, encode(record))
    assert dict(sent.headers)["ce_type"].decode() == f"listwire.{kind}.v1"
    assert re.fullmatch(identity, dict(sent.headers)["ce_id"].decode())


@pytest.mark.parametrize("record", ALL, ids=NAMES)
def test_another_reader_understands_it(record: Announced) -> None:
    sent = event(record)
    read = read_elsewhere(sent)
    assert read.get_specversion() == "1.0"
    assert read.get_data() == json.loads(encode(record))
    assert read.get_subject() == sent.key.decode()
    assert record is STATUS or read.get_time() == NOON  # where there is none, this reader takes its own clock
    assert read.get_datacontenttype() == "application/json"


@pytest.mark.parametrize("record", ALL, ids=NAMES)
def test_the_schema_that_is_named_is_that_of_the_topic(record: Announced) -> None:
    kind = VALUES[event(record).topic]
    assert kind is type(record)
    assert attributes(record)["ce_dataschema"] == json_schema(kind.__name__)["$id"]
    assert urlsplit(attributes(record)["ce_dataschema"]).scheme == "urn"


@pytest.mark.parametrize("record", ALL, ids=NAMES)
def test_a_break_of_the_record_is_another_type(record: Announced) -> None:
    later = attributes(replace(record, schema=2))
    assert later["ce_type"].endswith(".v2")
    assert later["ce_dataschema"].endswith(":2")


@pytest.mark.parametrize("record", ALL, ids=NAMES)
def test_what_was_read_back_is_sent_as_it_was(record: Announced) -> None:
    sent = event(record)
    assert event(decode(sent.value, type(record))) == sent


@pytest.mark.parametrize(
    ("record", "other"),
    [
        (ALERT, replace(ALERT, revision=3)),
        (ALERT, replace(ALERT, id=AlertId("e91c"))),
        (STATUS, replace(STATUS, offset=42)),
        (STATUS, replace(STATUS, listed=False)),
        (STATUS, replace(STATUS, group=GroupKey("pkk"))),
        (REPORT, replace(REPORT, pub_status=PubStatus.CANCELED)),
        (REPORT, replace(REPORT, story=replace(REF, revision=4))),
        (REPORT, replace(REPORT, authority=AuthorityKey("kz"))),
        (RELEVANT, replace(RELEVANT, story=replace(STORY, body="c"))),
    ],
)
def test_what_differs_has_another_id(record: Announced, other: Announced) -> None:
    assert attributes(record)["ce_id"] != attributes(other)["ce_id"]


@pytest.mark.parametrize("record", [ALERT, REPORT], ids=["Alert", "Report"])
def test_a_story_without_a_time_gives_none(record: Alert | Report) -> None:
    assert "ce_time" not in attributes(replace(record, story=replace(REF, published=None)))


def test_a_status_has_no_time_of_its_own() -> None:
    assert "ce_time" not in attributes(STATUS)


def test_time_is_utc_whatever_the_zone_it_was_told_in() -> None:
    moscow = NOON.astimezone(timezone(timedelta(hours=3)))
    assert attributes(replace(ALERT, story=replace(REF, published=moscow)))["ce_time"] == "2024-10-04T12:00:00Z"


async def empty_log(_topic: str, _partition: int, _start: int, _end: int | None) -> AsyncIterator[Incoming]:
    """The log of a broker to which nothing was sent yet."""
    for message in ():
        yield message


async def test_the_agents_send_what_the_examples_show() -> None:
    registry = load_registry().without_baseline()
    classifier, detector = Classifier(registry, classify), Detector(registry, empty_log, read, reports)
    bookkeeper = Bookkeeper(registry, empty_log, Rules(open_entry, settle, status_of))
    sent: list[Outgoing] = []
    offset = 0
    for number, story in enumerate(stories(STARTED)):
        for relevant in await classifier(Incoming(Topic.STORIES, 0, number, b"k", encode(story))):
            sent.append(relevant)
            event_of_it = Incoming(Topic.RELEVANT, 0, number, relevant.key, relevant.value)
            await detector.prepare(event_of_it)
            for found in await detector(event_of_it):
                if found.topic == Topic.STORY_KEYS:
                    continue
                claims = Incoming(Topic.CLAIMS, 0, offset, found.key, found.value)
                await bookkeeper.prepare(claims)
                sent += [found, *await bookkeeper(claims)]
                offset += 1
    assert sent == [Outgoing(*made) for made in outcome(load_registry())]


def test_the_sample_wire_gives_the_same_bytes_on_every_run_and_each_id_names_one_content() -> None:
    registry = load_registry()
    first = outcome(registry)
    assert outcome(registry) == first
    contents = {(dict(e.headers)["ce_source"], dict(e.headers)["ce_id"]): e.value for e in first}
    assert len(contents) == len(first)
    assert {e.topic for e in first} == {Topic.ALERTS, Topic.STATUS, Topic.CLAIMS, Topic.RELEVANT}
    for sent in first:
        read_elsewhere(sent)
