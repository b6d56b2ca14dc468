"""What goes out to subscribers as an event: CloudEvents 1.0, binary mode of its Kafka binding.

The value stays the bare record; topic, key and the headers `ce_*` are functions of it alone, so that a replay repeats
them to the byte. Who processed the message, where and when is no part of them.

    ce_id          names the content: what repeats is a repetition, what differs has another id
    ce_source      the agent whose word it is, the same on every machine
    ce_type        the record and its `schema`; not reverse-DNS, for the project has no domain of its own
    ce_subject     what it is about, which is the key too
    ce_time        when the story behind it was published; absent where it does not say, never a clock of ours
    ce_dataschema  the `$id` of the JSON Schema of the value

The `cloudevents` library would be two more dependencies and a mutable event for each message, in order to put a
prefix before seven names. The tests read our messages with it.

Source: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import NamedTuple

from streams.codec import encode
from streams.records import Alert, Classified, Report, Status, ledger_key
from streams.topics import Topic

Announced = Alert | Status | Report | Classified


class Event(NamedTuple):
    """A record as it goes out; `headers` in the order of the wire."""

    topic: Topic
    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes], ...]


class _Facts(NamedTuple):
    topic: Topic
    agent: str
    kind: str
    id: str
    subject: str
    time: datetime | None


def event(record: Announced) -> Event:
    """The record as an event, the same bytes for equal records."""
    value = encode(record)
    facts = _facts(record, value)
    attributes = {
        "ce_specversion": "1.0",
        "ce_id": facts.id,
        "ce_source": f"/listwire/{facts.agent}",
        "ce_type": f"listwire.{facts.kind}.v{record.schema}",
        "ce_subject": facts.subject,
        "ce_dataschema": schema_id(type(record).__name__, record.schema),
        "content-type": "application/json",
    }
    if facts.time is not None:
        attributes["ce_time"] = facts.time.astimezone(UTC).isoformat().replace("+00:00", "Z")
    headers = tuple((name, text.encode()) for name, text in attributes.items())
    return Event(facts.topic, facts.subject.encode(), value, headers)


def schema_id(name: str, version: int) -> str:
    """The URI that names the JSON Schema of a record."""
    return f"urn:listwire:schema:{name}:{version}"


def _facts(record: Announced, value: bytes) -> _Facts:
    match record:
        case Alert():
            key, published = ledger_key(record.authority, record.group), record.story.published
            told = f"{record.id}.{record.revision}"
            return _Facts(Topic.ALERTS, "bookkeeper", "designation.alert", told, key, published)
        case Status():
            key = ledger_key(record.authority, record.group)
            told = f"{key}.{record.offset}.{_digest(value)}"
            return _Facts(Topic.STATUS, "bookkeeper", "designation.status", told, key, None)
        case Report():
            key, story = ledger_key(record.authority, record.group), record.story
            told = f"{story.id}.{story.revision}.{key}.{_digest(value)}"
            return _Facts(Topic.CLAIMS, "detector", "designation.report", told, key, story.published)
        case Classified():
            of = record.story
            told = f"{of.id}.{of.revision}.{_digest(value)}"
            return _Facts(Topic.RELEVANT, "classifier", "wire.relevant", told, of.id, of.published)


def _digest(value: bytes) -> str:
    """Newer rules read another thing out of the same revision: that is another event, and no repetition."""
    return hashlib.blake2b(value, digest_size=8).hexdigest()
