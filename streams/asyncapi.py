"""The topics as an AsyncAPI 3.0 document: what is in them, what a subscriber may rely on, and real examples.

It is made from TOPICS, the schemas and the events that are given, and holds nothing of its own but the words.
Source: https://www.asyncapi.com/docs/reference/specification/v3.0.0
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from streams.cloudevents import Event
from streams.codec import decode
from streams.records import Alert
from streams.schemas import VALUES
from streams.topics import TOPICS, Topic, TopicSpec

VERSION = "1.0.0"
"""Of this contract, not of the program: a break of a record or a topic counts up the first number."""
KAFKA_BINDING = "0.5.0"
SCHEMA_FORMAT = "application/schema+json;version=draft-2020-12"
PUBLIC = (Topic.ALERTS, Topic.STATUS, Topic.CLAIMS, Topic.RELEVANT)
"""The topics that subscribers read; the others are between Listwire and itself and may change with any release."""

Document = dict[str, Any]

_INFO = (
    "Listwire tells when an authority changes the status of a designated group. Delivery is at least once; `ce_id` is "
    "a function of content, so what comes again can be dropped by it. Of an alert's `id` the highest `revision` "
    "counts. Readers ignore fields and enum members that they do not know."
)
_KEYS = {
    Topic.FEEDS: "feed",
    Topic.FEED_STATE: "feed",
    Topic.SUBSCRIPTIONS: "feed",
    Topic.HELD: "story",
    Topic.STORIES: "story",
    Topic.RELEVANT: "story",
    Topic.DEADLETTERS: "topic/partition/offset",
    Topic.STORY_KEYS: "story",
    Topic.CLAIMS: "authority|group",
    Topic.SKIPPED: "topic/partition/offset",
    Topic.ALERTS: "authority|group",
    Topic.RESEND: "authority|group",
    Topic.STATUS: "authority|group",
}
_HEADERS = {
    "ce_specversion": {"type": "string", "const": "1.0"},
    "ce_id": {"type": "string", "description": "A function of content: the same for a message that comes again."},
    "ce_source": {"type": "string", "description": "The agent whose word it is."},
    "ce_type": {"type": "string", "description": "The record and the number of its schema."},
    "ce_subject": {"type": "string", "description": "What it is about; the key."},
    "ce_dataschema": {"type": "string", "description": "The $id of the JSON Schema of the value."},
    "ce_time": {"type": "string", "format": "date-time", "description": "When its story was published, if it says so."},
    "content-type": {"type": "string", "const": "application/json"},
    "received": {"type": "string", "description": "Since when the story was ours, in seconds of the epoch."},
}


def asyncapi(examples: Iterable[Event]) -> Document:
    """The document, with the first of the examples of each topic, and of the alerts one that was revised too."""
    chosen = _chosen(tuple(examples))
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Listwire",
            "version": VERSION,
            "description": _INFO,
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "broker": {
                "host": "{bootstrap}",
                "protocol": "kafka",
                "variables": {
                    "bootstrap": {"default": "localhost:9092", "description": "The setting LISTWIRE_BROKER."}
                },
            }
        },
        "channels": {_name(spec.topic): _channel(spec) for spec in TOPICS},
        "operations": {f"send-{_name(topic)}": _operation(topic) for topic in PUBLIC},
        "components": {"messages": {_name(s.topic): _message(s.topic, chosen.get(s.topic, [])) for s in TOPICS}},
    }


def _channel(spec: TopicSpec) -> Document:
    """A topic; `replicas` is for the operator to say and so for no document."""
    name, config = _name(spec.topic), spec.config()
    configuration = {
        "cleanup.policy": [config["cleanup.policy"]],
        "retention.ms": spec.retention_ms,
        "max.message.bytes": int(config["max.message.bytes"]),
    }
    kafka = {"topic": spec.topic, "partitions": spec.partitions, "topicConfiguration": configuration}
    return {
        "address": spec.topic,
        "description": spec.purpose,
        "messages": {name: {"$ref": f"#/components/messages/{name}"}},
        "bindings": {"kafka": {**kafka, "bindingVersion": KAFKA_BINDING}},
        **({} if spec.topic in PUBLIC else {"x-internal": True}),
    }


def _operation(topic: Topic) -> Document:
    channel = f"#/channels/{_name(topic)}"
    return {
        "action": "send",
        "channel": {"$ref": channel},
        "messages": [{"$ref": f"{channel}/messages/{_name(topic)}"}],
    }


def _message(topic: Topic, examples: list[Event]) -> Document:
    kind = VALUES[topic]
    key = {"type": "string", "description": _KEYS[topic]}
    shared = {"name": _name(topic), "bindings": {"kafka": {"key": key, "bindingVersion": KAFKA_BINDING}}}
    if kind is None:
        return {**shared, "contentType": "application/octet-stream"}
    payload = {
        "schemaFormat": SCHEMA_FORMAT,
        "schema": {"$ref": f"./schemas/{kind.__name__}.schema.json"},
    }
    made: Document = {**shared, "title": kind.__name__, "contentType": "application/json", "payload": payload}
    if topic in PUBLIC:
        required = [name for name in _HEADERS if name not in {"ce_time", "received"}]
        made["headers"] = {"type": "object", "properties": _HEADERS, "required": required}
        made["examples"] = [_example(event) for event in examples]
    return made


def _example(event: Event) -> Document:
    headers = {name: value.decode() for name, value in event.headers}
    return {"name": headers["ce_id"], "headers": headers, "payload": msgspec.json.decode(event.value)}


def _chosen(examples: tuple[Event, ...]) -> dict[str, list[Event]]:
    chosen: dict[str, list[Event]] = {}
    for event in examples:
        taken = chosen.setdefault(event.topic, [])
        if not taken or (event.topic == Topic.ALERTS and len(taken) == 1 and _is_revision(event)):
            taken.append(event)
    return chosen


def _is_revision(event: Event) -> bool:
    return decode(event.value, Alert).revision > 1


def _name(topic: Topic) -> str:
    """A topic's name where dots mean something else."""
    return topic.replace(".", "-")
