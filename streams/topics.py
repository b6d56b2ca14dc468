"""The topics, as a table: created from here before anything runs, described from here in the docs.

The partition count of `designation.claims` is fixed for ever: the log is the truth of the ledger and its keys
must stay where they are. Story topics share one count, so that a story's memory lies beside the story.
"""

from enum import StrEnum
from typing import NamedTuple

DAY_MS = 24 * 3600 * 1000


class Topic(StrEnum):
    """Every topic there is, by what runs through it."""

    FEEDS = "wire.feeds"
    FEED_STATE = "wire.feed-state"
    SUBSCRIPTIONS = "wire.subscriptions"
    HELD = "wire.held"
    STORIES = "wire.stories"
    RELEVANT = "wire.relevant"
    DEADLETTERS = "wire.deadletters"
    STORY_KEYS = "designation.stories"
    CLAIMS = "designation.claims"
    SKIPPED = "designation.skipped"
    ALERTS = "designation.alerts"
    RESEND = "designation.resend"
    STATUS = "designation.status"


class TopicSpec(NamedTuple):
    """How a topic is kept. `retention_ms` -1 is for ever; compacted topics keep the last value of each key."""

    topic: Topic
    partitions: int
    compacted: bool
    retention_ms: int
    purpose: str

    def config(self) -> dict[str, str]:
        """The broker settings of this topic."""
        return {
            "cleanup.policy": "compact" if self.compacted else "delete",
            "retention.ms": str(self.retention_ms),
            "max.message.bytes": str(MAX_MESSAGE_BYTES),
        }


MAX_MESSAGE_BYTES = 2_097_152
"""A story's text is capped at 256 KiB; twice that as JSON escapes, and its claims, stay well below."""

# fmt: off
TOPICS: tuple[TopicSpec, ...] = (
    #         topic               n  compact retention      purpose
    TopicSpec(Topic.FEEDS,        4, True,  -1,             "the feed list; adding a feed is a message"),
    TopicSpec(Topic.FEED_STATE,   4, True,  -1,             "validators, seen items and schedule of each feed"),
    TopicSpec(Topic.SUBSCRIPTIONS, 4, True, -1,             "what was agreed with the WebSub hub of a feed"),
    TopicSpec(Topic.HELD,         4, True,  -1,             "embargoed stories, until their time"),
    TopicSpec(Topic.STORIES,     12, False, 14 * DAY_MS,    "every revision of every story, in order"),
    TopicSpec(Topic.RELEVANT,    12, False, 14 * DAY_MS,    "stories that may carry or correct a status change"),
    TopicSpec(Topic.DEADLETTERS,  4, False, 90 * DAY_MS,    "messages that could not be handled, whole"),
    TopicSpec(Topic.STORY_KEYS,  12, True,  -1,             "the ledger keys a story ever claimed"),
    TopicSpec(Topic.CLAIMS,       4, False, -1,             "claims by authority|group: the truth of the ledger"),
    TopicSpec(Topic.SKIPPED,      1, True,  -1,             "claims that became dead letters: no fold counts them"),
    TopicSpec(Topic.ALERTS,       4, False, 365 * DAY_MS,   "all revisions of all alerts"),
    TopicSpec(Topic.RESEND,       4, False, 90 * DAY_MS,    "alerts for the one sink that missed them"),
    TopicSpec(Topic.STATUS,       4, True,  -1,             "one row per authority|group, for readers"),
)
# fmt: on


def partitions_of(topic: Topic) -> int:
    """How many partitions the topic has."""
    return next(spec.partitions for spec in TOPICS if spec.topic is topic)
