"""The JSON Schema of every record that crosses a topic, generated from the types and so never beside the truth.

A reader must ignore fields that it does not know: fields are added, with a default, without a new `schema` number.
"""

from __future__ import annotations

from typing import Any

import msgspec

from streams.cloudevents import schema_id
from streams.embargo import Held
from streams.feed_records import FeedEntry
from streams.polling import FeedState
from streams.records import (
    Alert,
    Claim,
    Classified,
    DeadLetter,
    Entry,
    Record,
    Report,
    Skipped,
    Status,
    Story,
    StoryKeys,
    Transition,
)
from streams.topics import Topic
from streams.websub import Subscription

DIALECT = "https://json-schema.org/draft/2020-12/schema"

RECORDS: dict[str, type[Record]] = {
    kind.__name__: kind
    for kind in (
        Alert,
        Claim,
        Classified,
        DeadLetter,
        Entry,
        FeedEntry,
        FeedState,
        Held,
        Report,
        Skipped,
        Status,
        Story,
        StoryKeys,
        Subscription,
        Transition,
    )
}
"""By name; some are parts of others, or are shown and not sent."""

VALUES: dict[Topic, type[Record] | None] = {
    Topic.FEEDS: FeedEntry,
    Topic.FEED_STATE: FeedState,
    Topic.SUBSCRIPTIONS: Subscription,
    Topic.HELD: Held,
    Topic.STORIES: Story,
    Topic.RELEVANT: Classified,
    Topic.DEADLETTERS: None,  # the bytes as they came; what a DeadLetter tells beside them is in headers
    Topic.STORY_KEYS: StoryKeys,
    Topic.CLAIMS: Report,
    Topic.SKIPPED: Skipped,
    Topic.ALERTS: Alert,
    Topic.RESEND: Alert,
    Topic.STATUS: Status,
}
"""What the value of a message is; None: whatever came."""


def json_schema(name: str) -> dict[str, Any]:
    """The schema of the record of that name, one of RECORDS."""
    kind = RECORDS[name]
    version = next(field.default for field in msgspec.structs.fields(kind) if field.name == "schema")
    return {"$schema": DIALECT, "$id": schema_id(name, version), "title": name, **msgspec.json.schema(kind)}
