"""Classifier, detector, bookkeeper and herald without a broker: logs are lists, the rules are stand-ins."""

from collections.abc import AsyncIterator, Collection, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import Message

from agents.app import Station, build_app
from agents.bookkeeper import Bookkeeper, Rules
from agents.classifier import Classifier
from agents.deadletter import Guard, Handler, Reason, Refused
from agents.detector import Detector
from agents.herald import Herald
from agents.kafka import BrokerDown, Incoming, Outgoing, Undeliverable
from agents.sinks import SinkError
from streams.classifying import Quiet, QuietReason
from streams.codec import decode, encode
from streams.errors import RecordError
from streams.reading import Reading
from streams.records import (
    Alert,
    AlertId,
    AuthorityKey,
    Classified,
    Entry,
    Evidence,
    GroupKey,
    LedgerKey,
    Report,
    Skipped,
    Status,
    Story,
    StoryId,
    StoryKeys,
    StoryRef,
)
from streams.registry import Registry
from streams.topics import Topic
from streams.vocabulary import AlertKind, AlertStatus, Change, Level, PubStatus, Stage, State

NOW = datetime(2024, 10, 4, 12, tzinfo=UTC)
REGISTRY = Registry({}, {})
EVIDENCE = Evidence(rule="r", start=0, end=1, text="a")


class Logs:
    """Kafka's logs as lists. `reads` are the stretches that were asked for."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, int], list[Incoming]] = {}
        self.reads: list[tuple[str, int, int, int | None]] = []

    def add(self, topic: str, partition: int, value: bytes | None, key: bytes = b"k") -> Incoming:
        log = self.kept.setdefault((topic, partition), [])
        log.append(Incoming(topic, partition, len(log), key, value))
        return log[-1]

    async def __call__(self, topic: str, partition: int, start: int, end: int | None) -> AsyncIterator[Incoming]:
        self.reads.append((topic, partition, start, end))
        for message in self.kept.get((topic, partition), [])[start:end]:
            yield message


class Desk:
    """A publisher to whom everything is acknowledged at once."""

    def __init__(self) -> None:
        self.acknowledged: list[Outgoing] = []

    async def publish(self, *messages: Outgoing) -> None:
        self.acknowledged.extend(messages)


def no_abort() -> None:
    raise AssertionError("the guard wanted to end the process")


def story(name: str = "s1", **changes: Any) -> Story:
    facts: dict[str, Any] = {
        "id": name,
        "feed": "f",
        "guid": name,
        "headline": "h",
        "body": "b",
        "received_at": NOW,
    }
    return Story(**(facts | changes))


def report(name: str, key: str = "ru|taliban") -> Report:
    authority, group = key.split("|")
    return Report(
        story=StoryRef(id=StoryId(name), revision=1, feed="f", headline="h", published=NOW),
        authority=AuthorityKey(authority),
        group=GroupKey(group),
        claims=(),
    )


def alert(name: str = "a1", revision: int = 1) -> Alert:
    return Alert(
        id=AlertId(name),
        revision=revision,
        kind=AlertKind.STEP,
        status=AlertStatus.LIVE,
        level=Level.CONFIRMED,
        from_state=State.LISTED,
        to_state=State.DELISTING_DECIDED,
        authority=AuthorityKey("ru"),
        authority_name="Russia",
        group=GroupKey("taliban"),
        group_name="Taliban",
        change=Change.DELISTING,
        stage=Stage.DECIDED,
        bundle="b",
        evidence=EVIDENCE,
        story=report("s1").story,
        confidence=0.9,
        confirmed=True,
        reason="new",
    )


def topics(messages: Sequence[Outgoing]) -> list[str]:
    return [message.topic for message in messages]


# classifier


async def test_a_relevant_story_goes_on_under_its_id() -> None:
    classified = Classified(story=story(), language="en", mentions=(), topics=())
    handler = Classifier(REGISTRY, lambda *_: classified)
    (out,) = await handler(Incoming(Topic.STORIES, 0, 0, b"k", encode(story())))
    assert (out.topic, out.key, decode(out.value, Classified)) == (Topic.RELEVANT, b"s1", classified)


async def test_a_quiet_story_goes_nowhere() -> None:
    handler = Classifier(REGISTRY, lambda *_: Quiet(QuietReason.NO_GROUP))
    assert await handler(Incoming(Topic.STORIES, 0, 0, b"k", encode(story()))) == ()


async def test_a_story_that_does_not_pass_is_classified_once_unless_its_partition_went() -> None:
    asked: list[Story] = []

    def classify(told: Story, _: Registry) -> Classified:
        asked.append(told)
        return Classified(story=told, language="en", mentions=(), topics=())

    handler, event = Classifier(REGISTRY, classify), Incoming(Topic.STORIES, 0, 0, b"k", encode(story()))
    assert not handler.passes(event.value)
    (out,) = await handler(event)
    assert (out.topic, len(asked)) == (Topic.RELEVANT, 1)

    assert not handler.passes(event.value)
    handler.forget([0])
    assert await handler(event) == (out,)
    assert len(asked) == 3


@pytest.mark.parametrize("value", [None, b"", b"{", b"[" * 100_000, b'{"id":3}', b"\xff\xfe"])
async def test_a_story_that_is_none_is_refused(value: bytes | None) -> None:
    with pytest.raises(RecordError):
        await Classifier(REGISTRY, lambda *_: Quiet(QuietReason.NO_GROUP))(Incoming(Topic.STORIES, 0, 0, b"k", value))


# detector


def detector(logs: Logs, claims: dict[str, Collection[str]]) -> Detector:
    """A detector that reads the keys of `claims` out of a story, by its body."""

    def reports(
        classified: Classified, _: Reading, earlier: Collection[LedgerKey], backfill: bool = False
    ) -> tuple[Report, ...]:
        now = claims[classified.story.body]
        made = (report(classified.story.id, key) for key in sorted({*now, *earlier}))
        return tuple(Report(**(fields(one) | {"backfill": backfill})) for one in made)

    return Detector(REGISTRY, logs, lambda *_: Reading((), (), ()), reports)


def fields(one: Report) -> dict[str, Any]:
    return {name: getattr(one, name) for name in one.__struct_fields__}


async def detect(agent: Detector, told: Story, partition: int = 1) -> Sequence[Outgoing]:
    classified = Classified(story=told, language="en", mentions=(), topics=())
    event = Incoming(Topic.RELEVANT, partition, 0, told.id.encode(), encode(classified))
    await agent.prepare(event)
    return await agent(event)


async def test_new_ledger_keys_go_out_before_the_reports_that_need_them() -> None:
    agent = detector(Logs(), {"two": ["ru|taliban", "kz|taliban"]})
    out = await detect(agent, story(body="two"))
    assert topics(out) == [Topic.STORY_KEYS, Topic.CLAIMS, Topic.CLAIMS]
    assert out[0].key == b"s1"
    assert decode(out[0].value, StoryKeys).keys == ("kz|taliban", "ru|taliban")
    assert [message.key for message in out[1:]] == [b"kz|taliban", b"ru|taliban"]


async def test_a_later_revision_reaches_every_key_of_the_earlier_ones() -> None:
    agent = detector(Logs(), {"two": ["ru|taliban", "kz|taliban"], "one": ["ru|taliban"]})
    await detect(agent, story(body="two"))
    out = await detect(agent, story(body="one", revision=2))
    assert [message.key for message in out] == [b"kz|taliban", b"ru|taliban"]
    assert topics(out) == [Topic.CLAIMS, Topic.CLAIMS]


async def test_a_kill_reaches_keys_that_only_the_topic_remembers() -> None:
    logs = Logs()
    logs.add(Topic.STORY_KEYS, 1, encode(StoryKeys(story=StoryId("s1"), keys=(LedgerKey("ru|taliban"),))))
    logs.add(Topic.STORY_KEYS, 1, b"broken")
    logs.add(Topic.STORY_KEYS, 1, encode(StoryKeys(story=StoryId("s1"), keys=(LedgerKey("kz|taliban"),))))
    out = await detect(detector(logs, {"kill": []}), story(body="kill", pub_status=PubStatus.CANCELED))
    assert [message.key for message in out] == [b"kz|taliban", b"ru|taliban"]


async def test_the_memory_of_a_partition_is_read_once_and_again_after_it_was_away() -> None:
    logs = Logs()
    agent = detector(logs, {"none": []})
    await detect(agent, story(body="none"))
    await detect(agent, story(body="none"))
    assert logs.reads == [(Topic.STORY_KEYS, 1, 0, None)]
    agent.memory.forget([1])
    await detect(agent, story(body="none"))
    assert len(logs.reads) == 2


async def test_a_kill_that_withdraws_nothing_is_refused_with_its_own_reason() -> None:
    with pytest.raises(Refused, match="s1") as refused:
        await detect(detector(Logs(), {"kill": []}), story(body="kill", pub_status=PubStatus.CANCELED))
    assert refused.value.reason is Reason.KILL_UNMATCHED


@pytest.mark.parametrize(("signals", "backfill"), [((), False), (("backfill",), True)])
async def test_a_story_from_the_past_is_reported_as_history(signals: tuple[str, ...], backfill: bool) -> None:
    out = await detect(detector(Logs(), {"one": ["ru|taliban"]}), story(body="one", signals=signals))
    assert decode(out[-1].value, Report).backfill is backfill


# bookkeeper


def open_entry(authority: AuthorityKey, group: GroupKey, _: Registry) -> Entry:
    return Entry(authority=authority, group=group)


def settle(entry: Entry, told: Report, _: Registry) -> tuple[Entry, tuple[Alert, ...]]:
    """One alert a report, whose text tells everything that the entry knew: any difference in memory shows."""
    if told.story.headline == "bug":
        raise ZeroDivisionError
    reports = (*entry.reports, told)
    said = ",".join(one.story.id for one in reports)
    made = Alert(**({name: getattr(alert(), name) for name in alert().__struct_fields__} | {"reason": said}))
    return Entry(authority=entry.authority, group=entry.group, reports=reports), (made,)


def status_of(entry: Entry, offset: int) -> Status:
    return Status(
        authority=entry.authority, group=entry.group, listed=True, standings=(), disputed=False, offset=offset
    )


def bookkeeper(logs: Logs) -> Bookkeeper:
    return Bookkeeper(REGISTRY, logs, Rules(open_entry, settle, status_of), now=lambda: NOW)


MARKS = (Topic.SKIPPED, 0, 0, None)
"""What is read once of every partition that is new."""


def guarded(agent: Bookkeeper, desk: Desk) -> Guard:
    return Guard("t", agent, desk, agent.prepare, abort=no_abort, mark=agent.mark)


async def book(agent: Bookkeeper, event: Incoming) -> Sequence[Outgoing]:
    await agent.prepare(event)
    return await agent(event)


async def test_alerts_go_out_before_the_status() -> None:
    logs = Logs()
    out = await book(bookkeeper(logs), logs.add(Topic.CLAIMS, 0, encode(report("s1"))))
    assert topics(out) == [Topic.ALERTS, Topic.STATUS]
    assert {message.key for message in out} == {b"ru|taliban"}
    assert decode(out[1].value, Status).offset == 0


async def test_a_new_partition_is_folded_in_silence_up_to_the_event() -> None:
    logs = Logs()
    for name in ("s1", "s2"):
        logs.add(Topic.CLAIMS, 3, encode(report(name)))
    event = logs.add(Topic.CLAIMS, 3, encode(report("s3")))
    logs.add(Topic.CLAIMS, 3, encode(report("s4")))
    out = await book(bookkeeper(logs), event)
    assert topics(out) == [Topic.ALERTS, Topic.STATUS]
    assert decode(out[0].value, Alert).reason == "s1,s2,s3"
    assert logs.reads == [MARKS, (Topic.CLAIMS, 3, 0, 2)]


async def test_marks_are_read_once_for_all_partitions_and_again_after_the_next_assignment() -> None:
    logs = Logs()
    agent = bookkeeper(logs)
    for partition in (0, 1):
        await book(agent, logs.add(Topic.CLAIMS, partition, encode(report("s1"))))
    assert logs.reads == [MARKS]
    agent.forget([])  # others had them all, and may have buried something meanwhile
    await book(agent, logs.add(Topic.CLAIMS, 1, encode(report("s2"))))
    assert logs.reads == [MARKS, MARKS]


async def test_events_in_a_row_need_no_further_reading() -> None:
    logs = Logs()
    agent = bookkeeper(logs)
    for name in ("s1", "s2", "s3"):
        await book(agent, logs.add(Topic.CLAIMS, 0, encode(report(name))))
    assert logs.reads == [MARKS]


BUG = encode(report("bad")).replace(b'"headline":"h"', b'"headline":"bug"')


@pytest.mark.parametrize("poison", [b"{", BUG])
async def test_an_event_that_was_buried_leaves_no_trace_in_the_ledger(poison: bytes) -> None:
    logs = Logs()
    agent = bookkeeper(logs)
    await book(agent, logs.add(Topic.CLAIMS, 0, encode(report("s1"))))
    desk = Desk()
    await guarded(agent, desk)(logs.add(Topic.CLAIMS, 0, poison))
    assert topics(desk.acknowledged) == [Topic.DEADLETTERS, Topic.SKIPPED]
    live = await book(agent, event := logs.add(Topic.CLAIMS, 0, encode(report("s2"))))
    assert decode(live[0].value, Alert).reason == "s1,s2"
    assert logs.reads == [MARKS]
    assert await book(bookkeeper(logs), event) == live


class Narrow(Desk):
    """Has no room for alerts."""

    async def publish(self, *messages: Outgoing) -> None:
        if any(message.topic == Topic.ALERTS for message in messages):
            raise Undeliverable(Topic.ALERTS, 9)
        await super().publish(*messages)


async def test_a_report_that_was_buried_is_news_when_it_is_sent_again() -> None:
    logs, desk = Logs(), Narrow()
    agent = bookkeeper(logs)
    await book(agent, logs.add(Topic.CLAIMS, 0, encode(report("s1"))))
    await guarded(agent, desk)(logs.add(Topic.CLAIMS, 0, encode(report("s2"))))  # its own fold is without fault
    await guarded(agent, desk)(logs.add(Topic.CLAIMS, 0, encode(report("new", "ru|new"))))
    _, mark, _, other = desk.acknowledged
    assert [decode(one.value, Skipped).offset for one in (mark, other)] == [1, 2]
    for one in (mark, other):
        logs.add(Topic.SKIPPED, 0, one.value)
    logs.add(Topic.SKIPPED, 0, b"{")
    again = logs.add(Topic.CLAIMS, 0, encode(report("s2")))
    told = await book(agent, again)
    assert decode(told[0].value, Alert).reason == "s1,s2"
    assert await book(bookkeeper(logs), again) == told
    fresh = await book(agent, logs.add(Topic.CLAIMS, 0, encode(report("new", "ru|new"))))
    assert decode(fresh[0].value, Alert).reason == "new"


async def test_a_partition_that_goes_while_its_event_is_buried_leaves_the_mark_and_no_trace() -> None:
    logs = Logs()
    agent = bookkeeper(logs)

    class Leaving(Narrow):
        async def publish(self, *messages: Outgoing) -> None:
            agent.forget([0])
            await super().publish(*messages)

    desk = Leaving()
    await guarded(agent, desk)(logs.add(Topic.CLAIMS, 0, encode(report("s1"))))
    assert topics(desk.acknowledged) == [Topic.DEADLETTERS, Topic.SKIPPED]
    logs.add(Topic.SKIPPED, 0, desk.acknowledged[1].value)
    told = await book(agent, logs.add(Topic.CLAIMS, 0, encode(report("s2"))))
    assert decode(told[0].value, Alert).reason == "s2"


async def test_a_report_that_comes_again_after_its_mark_stays_buried() -> None:
    logs, desk = Logs(), Narrow()
    event = logs.add(Topic.CLAIMS, 0, encode(report("s1")))
    await guarded(bookkeeper(logs), desk)(event)
    logs.add(Topic.SKIPPED, 0, desk.acknowledged[1].value)
    agent = bookkeeper(logs)
    assert await book(agent, event) == ()
    told = await book(agent, logs.add(Topic.CLAIMS, 0, encode(report("s2"))))
    assert decode(told[0].value, Alert).reason == "s2"


async def test_a_row_that_is_not_as_its_entry_is_written_again_at_the_next_canary() -> None:
    logs = Logs()
    agent = bookkeeper(logs)
    for name, key in (("s1", "ru|a"), ("s2", "ru|b"), ("s3", "ru|a"), ("s4", "ru|c")):
        *_, row = await book(agent, logs.add(Topic.CLAIMS, 0, encode(report(name, key))))
        logs.add(Topic.STATUS, 0, row.value, row.key)
    first_of_a = logs.kept[Topic.STATUS, 0][0]
    logs.add(Topic.STATUS, 0, first_of_a.value, first_of_a.key)  # a worker that slept
    logs.kept[Topic.STATUS, 0].pop(3)  # and one that was killed before it could
    canary = logs.add(Topic.CLAIMS, 0, b"{}")
    for keeper in (agent, bookkeeper(logs)):
        await keeper.prepare(canary)
        mended = [decode(message.value, Status) for message in await keeper.mend(canary)]
        assert [(row.group, row.offset) for row in mended] == [("a", 2), ("c", 3)]
    await book(agent, logs.add(Topic.CLAIMS, 0, encode(report("s5", "ru|a"))))
    assert logs.reads[-1] == (Topic.STATUS, 0, 0, None)  # nothing more was folded


async def test_offsets_that_jump_back_give_the_same_bytes_again() -> None:
    logs = Logs()
    agent = bookkeeper(logs)
    events = [logs.add(Topic.CLAIMS, 0, encode(report(f"s{n}", key))) for n, key in enumerate(("ru|a", "ru|b", "ru|a"))]
    first = [await book(agent, event) for event in events]
    assert [await book(agent, event) for event in events[1:]] == first[1:]
    assert logs.reads == [MARKS, (Topic.CLAIMS, 0, 0, 1)]


async def test_a_partition_that_went_away_is_dropped() -> None:
    logs = Logs()
    agent = bookkeeper(logs)
    await book(agent, logs.add(Topic.CLAIMS, 0, encode(report("s1"))))
    agent.forget([0])
    with pytest.raises(KeyError):
        agent.memory.of(0)


# herald


class Ear:
    """A sink by hand; fails as often as told."""

    def __init__(self, failures: int = 0) -> None:
        self.heard: list[tuple[str, int]] = []
        self.failures = failures

    async def deliver(self, told: Alert, _: datetime) -> None:
        if self.failures:
            self.failures -= 1
            raise SinkError("busy")
        self.heard.append((told.id, told.revision))

    async def close(self) -> None:
        """Nothing to close."""


def herald(logs: Logs, ear: Ear, desk: Desk | None = None) -> Herald:
    return Herald("b:1", "ear:", ear, desk or Desk(), logs, first_pause_s=0.001, now=lambda: NOW, abort=no_abort)


async def test_each_revision_is_delivered_once() -> None:
    logs, ear = Logs(), Ear()
    messenger = herald(logs, ear)
    for told in (alert(), alert(), alert(revision=2), alert(), alert("a2")):
        await messenger.hand_over([logs.add(Topic.ALERTS, 0, encode(told))])
    assert ear.heard == [("a1", 1), ("a1", 2), ("a2", 1)]


async def test_what_went_out_before_a_restart_is_not_delivered_again() -> None:
    logs, ear = Logs(), Ear()
    logs.add(Topic.ALERTS, 0, encode(alert()))
    logs.add(Topic.ALERTS, 0, b"broken")
    await herald(logs, ear).hand_over([logs.add(Topic.ALERTS, 0, encode(alert()))])
    assert ear.heard == []


async def test_a_sink_that_fails_is_tried_until_it_takes_the_alert() -> None:
    logs, ear = Logs(), Ear(failures=3)
    await herald(logs, ear).hand_over([logs.add(Topic.ALERTS, 0, encode(alert()))])
    assert (ear.heard, ear.failures) == ([("a1", 1)], 0)


async def test_an_alert_that_cannot_be_read_is_buried_and_stops_nobody() -> None:
    logs, ear, desk = Logs(), Ear(), Desk()
    messenger = herald(logs, ear, desk)
    await messenger.hand_over([logs.add(Topic.ALERTS, 0, b"{")])
    await messenger.hand_over([logs.add(Topic.ALERTS, 0, encode(alert()))])
    assert (topics(desk.acknowledged), ear.heard) == ([Topic.DEADLETTERS], [("a1", 1)])


# the Faust app


async def test_the_app_is_set_up_as_the_guarantees_need_it(tmp_path: Path) -> None:
    async def handler(_: Incoming) -> Sequence[Outgoing]:
        return ()

    stations = [
        Station(topic, Guard(name, handler, Desk()), lambda _: None)
        for name, topic in (
            ("classifier", Topic.STORIES),
            ("detector", Topic.RELEVANT),
            ("bookkeeper", Topic.CLAIMS),
        )
    ]
    app, assignment = build_app("h1:1,[::1]:2", stations, tmp_path)
    assert [agent.concurrency for agent in app.agents.values()] == [1, 1, 1]
    assert not app.conf.web_enabled
    assert not app.conf.topic_allow_declare
    assert str(app.conf.processing_guarantee.value) == "at_least_once"
    assert [str(url) for url in app.conf.broker] == ["kafka://h1:1", "kafka://[::1]:2"]
    assert len(app.tables) == 0
    assert assignment.partitions is None


class Belt:
    """A Faust stream by hand."""

    def __init__(self, *messages: Message) -> None:
        self._messages = messages

    async def events(self) -> AsyncIterator[SimpleNamespace]:
        for message in self._messages:
            yield SimpleNamespace(message=message)


def message(offset: int, value: bytes | None) -> Message:
    return Message("wire.stories", 1, offset, 1.5, 0, (("h", b"1"),), b"k", value, None)


async def run_agent(handler: Handler, tmp_path: Path, *messages: Message) -> None:
    guard = Guard("classifier", handler, Desk(), abort=lambda: None)
    app, _ = build_app("h1:1", [Station(Topic.STORIES, guard, lambda _: None)], tmp_path)
    await app.agents["classifier"].fun(Belt(*messages))


async def test_an_agent_hands_every_message_over_as_it_came(tmp_path: Path) -> None:
    seen: list[Incoming] = []

    async def handler(event: Incoming) -> Sequence[Outgoing]:
        seen.append(event)
        return ()

    await run_agent(handler, tmp_path, message(7, b"one"), message(8, None))
    assert seen == [
        Incoming("wire.stories", 1, 7, b"k", b"one", (("h", b"1"),), 1.5),
        Incoming("wire.stories", 1, 8, b"k", None, (("h", b"1"),), 1.5),
    ]


@pytest.mark.parametrize(("error", "references"), [(BrokerDown("b:1", "away"), 1), (ValueError(), 0)])
async def test_an_offset_is_pinned_only_if_its_event_must_come_again(
    error: Exception, references: int, tmp_path: Path
) -> None:
    async def handler(_: Incoming) -> Sequence[Outgoing]:
        raise error

    told = message(7, b"one")
    await run_agent(handler, tmp_path, told)
    assert told.refcount == references
