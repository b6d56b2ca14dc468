"""What earlier versions wrote is read for ever; what later ones write is kept until it can be read."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from agents.bookkeeper import Bookkeeper, Rules
from agents.deadletter import Guard
from agents.letters import again, opened
from agents.messages import Incoming, Outgoing
from streams.alerts import settle, status_of
from streams.classifying import classify
from streams.codec import decode, encode
from streams.errors import NewerRecordError, RecordError
from streams.feed_records import decode_feed
from streams.ledger import open_entry
from streams.records import Alert, Classified, Entry, LedgerKey, Report, Status, Story, ledger_key
from streams.registry import Registry
from streams.schemas import RECORDS, VALUES
from streams.topics import Topic
from streams.vocabulary import Change

FOLDER = Path(__file__).parent / "records"
VERSIONS = sorted(folder for folder in FOLDER.iterdir() if folder.is_dir())
FILES = [pytest.param(file, id=f"{file.parent.name}-{file.stem}") for file in sorted(FOLDER.glob("*/*.jsonl"))]


def messages(file: Path) -> list[Incoming]:
    """What stands on the topic of that file, on one partition."""
    found = []
    for offset, line in enumerate(file.read_text("utf-8").splitlines()):
        told = json.loads(line)
        key, value = (None if told[part] is None else told[part].encode() for part in ("key", "value"))
        headers = tuple((name, text.encode()) for name, text in told["headers"])
        found.append(Incoming(file.stem, 0, offset, key, value, headers))
    return found


def holds(new: Any, old: Any) -> bool:
    """Whether all that was written is still there; more may have come."""
    if isinstance(old, dict) and isinstance(new, dict):
        return all(name in new and holds(new[name], value) for name, value in old.items())
    if isinstance(old, list) and isinstance(new, list):
        return len(old) == len(new) and all(map(holds, new, old))
    return bool(old == new)


def test_each_version_has_left_messages_of_every_topic() -> None:
    assert VERSIONS
    first = {Topic(file.stem) for file in VERSIONS[0].glob("*.jsonl")}
    assert first == set(Topic) - {Topic.RESEND}  # which has the values of designation.alerts


@pytest.mark.parametrize("file", FILES)
def test_what_was_written_is_read_with_all_that_it_says(file: Path) -> None:
    kind = VALUES[Topic(file.stem)]
    for message in messages(file):
        if file.stem == Topic.FEEDS:
            feed = message.value and decode_feed(message.key, message.value)[0]
            assert feed is None or feed.key.encode() == message.key
        elif kind is None:
            letter = opened(message)
            assert (letter.value, letter.topic, letter.offset) == (message.value, Topic.CLAIMS, 17)
            assert again(letter).value == message.value
        else:
            assert message.value
            record = decode(message.value, kind)
            assert holds(json.loads(encode(record)), json.loads(message.value))


@pytest.mark.parametrize("version", VERSIONS, ids=lambda folder: folder.name)
def test_a_log_of_old_claims_comes_to_the_same_ledger(version: Path, bare_registry: Registry) -> None:
    """Alerts are told again only by their ids and revisions, so these and the states must be what they were."""
    ledger: dict[LedgerKey, Entry] = {}
    alerts: list[Alert] = []
    for message in messages(version / f"{Topic.CLAIMS}.jsonl"):
        report = decode(message.value, Report)
        key = ledger_key(report.authority, report.group)
        entry = ledger.get(key) or open_entry(report.authority, report.group, bare_registry)
        ledger[key], made = settle(entry, report, bare_registry)
        alerts += made
    then = [decode(message.value, Alert) for message in messages(version / f"{Topic.ALERTS}.jsonl")]
    assert list(map(_told, alerts)) == list(map(_told, then))
    rows = {m.key: decode(m.value, Status) for m in messages(version / f"{Topic.STATUS}.jsonl")}
    assert {key.encode() for key in ledger} == rows.keys()
    for key, entry in ledger.items():
        row = rows[key.encode()]
        assert holds(json.loads(encode(status_of(entry, row.offset))), json.loads(encode(row)))


def _told(alert: Alert) -> tuple[object, ...]:
    return alert.id, alert.revision, alert.status, alert.level


@pytest.mark.parametrize("version", VERSIONS, ids=lambda folder: folder.name)
def test_old_stories_are_classified_as_they_were(version: Path, bare_registry: Registry) -> None:
    then = {message.key for message in messages(version / f"{Topic.RELEVANT}.jsonl")}
    stories = [decode(message.value, Story) for message in messages(version / f"{Topic.STORIES}.jsonl")]
    assert then <= {s.id.encode() for s in stories if isinstance(classify(s, bare_registry), Classified)}


# what a later version writes


def sample(kind: type[msgspec.Struct]) -> dict[str, Any]:
    """An old message of that record, as an object."""
    topic = next(topic for topic, value in VALUES.items() if value is kind)
    found = next(m for m in messages(VERSIONS[0] / f"{topic}.jsonl") if m.value)
    told: dict[str, Any] = json.loads(found.value or b"")
    return told


WRITTEN = sorted({kind for kind in VALUES.values() if kind is not None}, key=lambda kind: kind.__name__)


@pytest.mark.parametrize("kind", WRITTEN, ids=lambda kind: kind.__name__)
def test_a_field_of_a_later_version_is_ignored(kind: type[msgspec.Struct]) -> None:
    told = sample(kind)
    assert decode(json.dumps(told | {"of_later": {"a": [1]}}).encode(), kind) == decode(json.dumps(told).encode(), kind)


@pytest.mark.parametrize("kind", WRITTEN, ids=lambda kind: kind.__name__)
def test_a_record_of_a_later_schema_is_not_taken_for_one_of_ours(kind: type[msgspec.Struct]) -> None:
    for more in ({"schema": 2}, {"schema": 2, **dict.fromkeys(sample(kind), 7)} | {"schema": 2}):
        with pytest.raises(NewerRecordError, match=f"{kind.__name__}: schema 2 of a later version, this one reads 1"):
            decode(json.dumps(sample(kind) | more).encode(), kind)


def test_a_word_of_a_later_version_is_told_from_a_broken_record() -> None:
    told = next(r for r in map(_claims, messages(VERSIONS[0] / f"{Topic.CLAIMS}.jsonl")) if r["claims"])
    told["claims"][0]["change"] = "renaming"
    assert "renaming" not in set(Change)
    with pytest.raises(NewerRecordError, match="Invalid enum value 'renaming'"):
        decode(json.dumps(told).encode(), Report)
    for broken in (b"{", b"[]", b'{"schema":"x"}', json.dumps(told | {"claims": 7}).encode()):
        with pytest.raises(RecordError) as refused:
            decode(broken, Report)
        assert not isinstance(refused.value, NewerRecordError)


def _claims(message: Incoming) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(message.value or b"")
    return told


def test_every_record_numbers_its_schema() -> None:
    assert all("schema" in kind.__struct_fields__ for kind in RECORDS.values())


# a ledger that a later version has been at


class Log:
    """The claims log with a report that only a later version can read, and what that version made of it."""

    def __init__(self) -> None:
        reports = [m for m in messages(VERSIONS[0] / f"{Topic.CLAIMS}.jsonl") if _claims(m)["claims"]]
        first, other = next((a, b) for a in reports for b in reports if a.key != b.key)
        newer = json.dumps(_claims(first) | {"schema": 2}).encode()
        self.events = [
            event._replace(offset=offset)
            for offset, event in enumerate([first, other, first._replace(value=newer), first, other])
        ]

    async def __call__(self, topic: str, _: int, start: int, end: int | None) -> AsyncIterator[Incoming]:
        for event in self.events[start:end] if topic == Topic.CLAIMS else ():
            yield event


@pytest.fixture
def log() -> Log:
    return Log()


class Desk:
    """Keeps what is published."""

    def __init__(self) -> None:
        self.sent: list[Outgoing] = []

    async def publish(self, *sent: Outgoing) -> None:
        self.sent += sent


async def test_a_pair_that_a_later_version_moved_waits_for_the_upgrade(log: Log, bare_registry: Registry) -> None:
    bookkeeper = Bookkeeper(bare_registry, log, Rules(open_entry, settle, status_of))
    desk = Desk()
    guard = Guard("bookkeeper", bookkeeper, desk, bookkeeper.prepare, mark=bookkeeper.mark)
    await guard(log.events[3])
    assert [message.topic for message in desk.sent] == [Topic.DEADLETTERS, Topic.SKIPPED]
    assert dict(desk.sent[0].headers)["reason"] == b"newer-record"
    assert desk.sent[0].value == log.events[3].value

    desk.sent.clear()
    await guard(log.events[4])
    assert [message.topic for message in desk.sent] == [Topic.STATUS], "the other pairs go on"
    canary = log.events[4]._replace(offset=5)
    await bookkeeper.prepare(canary)
    assert {message.key for message in await bookkeeper.mend(canary)} == {log.events[1].key}, "nothing is said of it"


async def test_a_report_of_a_later_version_is_kept_and_no_part_of_the_ledger(log: Log, bare_registry: Registry) -> None:
    bookkeeper = Bookkeeper(bare_registry, log, Rules(open_entry, settle, status_of))
    desk = Desk()
    guard = Guard("bookkeeper", bookkeeper, desk, bookkeeper.prepare, mark=bookkeeper.mark)
    for event in log.events[:4]:
        await guard(event)
    buried = [message for message in desk.sent if message.topic == Topic.DEADLETTERS]
    assert [dict(message.headers)["offset"] for message in buried] == [b"2"]
    assert desk.sent[-1].topic == Topic.STATUS, "the pair goes on"
