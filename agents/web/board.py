"""What the page knows: the newest alerts with all their revisions, the ledger's rows, the feeds' last looks.

A fold of the logs, bounded in every direction, by these rules:
- of each alert every (id, revision) counts once: a worker may repeat itself after a crash;
- of each story and ledger key the newest report counts, and one that is empty or withdrawn stays as a mark of that;
- stories are there to show evidence in its place; the oldest go first, and an alert without its story shows its
  evidence alone.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from datetime import UTC, datetime
from typing import NamedTuple, TypeVar

from agents.messages import Incoming
from streams.codec import decode
from streams.coverage import FeedHealth
from streams.feed_records import decode_feed
from streams.feeds import FeedSpec
from streams.records import Alert, AlertId, Classified, LedgerKey, Report, Status, Story, StoryId
from streams.topics import Topic
from streams.vocabulary import AlertStatus

K = TypeVar("K")
V = TypeVar("V")

REVISIONS_EACH = 50
REPORTS_EACH = 40
REPORTED_KEYS = 2_000
STORY_CHARS = 16_000_000


class Told(NamedTuple):
    """A revision of an alert, and when the broker was given it."""

    alert: Alert
    at: datetime

    @property
    def event_id(self) -> str:
        """What a reader resumes from; one line, whatever is in the log."""
        return event_id(self.alert.id, self.alert.revision)


class Board:
    """`take` each message in the order of its partition; `keep` is how many alerts are remembered."""

    def __init__(self, keep: int) -> None:
        self._keep = keep
        self._alerts: dict[AlertId, list[Told]] = {}
        self._log: dict[str, Told] = {}
        self._stories: dict[tuple[StoryId, int], Story] = {}
        self._chars = 0
        self._reports: dict[LedgerKey, dict[StoryId, Report]] = {}
        self.statuses: dict[LedgerKey, Status] = {}
        self.feeds: dict[str, FeedHealth] = {}
        self.listed: dict[str, FeedSpec] = {}
        self.newest: datetime | None = None

    def __len__(self) -> int:
        """How many alerts are remembered."""
        return len(self._alerts)

    def take(self, message: Incoming) -> tuple[AlertId, ...]:
        """The alerts that look different from here on. Raises RecordError for what is no record of its topic."""
        match message.topic:
            case Topic.ALERTS:
                return self._take_alert(decode(message.value, Alert), message.timestamp)
            case Topic.RELEVANT:
                return self._take_story(decode(message.value, Classified).story)
            case Topic.CLAIMS:
                self._take_report(decode(message.value, Report))
            case Topic.STATUS:
                self._take_status(message)
            case Topic.FEED_STATE:
                self._take_feed(message)
            case Topic.FEEDS:
                self._take_listed(message)
        return ()

    def alerts(self) -> list[tuple[Told, ...]]:
        """The revisions of each alert, oldest first; of the alerts the one last told of comes first."""
        return sorted((tuple(told) for told in self._alerts.values()), key=told_at, reverse=True)

    def revisions(self, alert: AlertId) -> tuple[Told, ...]:
        """What was said under this id so far, oldest first; nothing if it is not remembered."""
        return tuple(self._alerts.get(alert, ()))

    def story_of(self, alert: Alert) -> Story | None:
        """The story revision whose words carry the alert, if it is at hand and has them where it should."""
        story = self._stories.get((alert.story.id, alert.story.revision))
        evidence = alert.evidence
        if story is None or story.text[evidence.start : evidence.end] != evidence.text:
            return None
        return story

    def reports(self, key: LedgerKey) -> tuple[Report, ...]:
        """What was reported about one authority|group, in the order of the log."""
        return tuple(self._reports.get(key, {}).values())

    def after(self, seen: str) -> tuple[Told, ...] | None:
        """What was told after the event of this id; None if that is not remembered, so that all may be new."""
        if seen not in self._log:
            return None
        missed: list[Told] = []
        for name in reversed(self._log):
            if name == seen:
                break
            missed.append(self._log[name])
        return tuple(reversed(missed))

    def last_event(self) -> str | None:
        """The id of what was told last."""
        return next(reversed(self._log), None)

    def _take_alert(self, alert: Alert, timestamp: float) -> tuple[AlertId, ...]:
        told = Told(alert, datetime.fromtimestamp(timestamp, UTC))
        known = self._alerts.get(alert.id, [])
        if known and alert.revision <= known[-1].alert.revision:
            return ()
        self.newest = max(told.at, self.newest or told.at)
        _put_last(self._alerts, alert.id, [*known, told][-REVISIONS_EACH:], self._keep)
        _put_last(self._log, told.event_id, told, 4 * self._keep)
        return (alert.id,)

    def _take_story(self, story: Story) -> tuple[AlertId, ...]:
        """A story that comes after its alert, since they are in topics that nothing orders, completes it."""
        place = (story.id, story.revision)
        if place in self._stories:
            return ()
        self._stories[place] = story
        self._chars += len(story.text)
        while self._chars > STORY_CHARS:
            self._chars -= len(self._stories.pop(next(iter(self._stories))).text)
        newest = (told[-1].alert for told in self._alerts.values())
        return tuple(alert.id for alert in newest if (alert.story.id, alert.story.revision) == place)

    def _take_report(self, report: Report) -> None:
        key = LedgerKey(f"{report.authority}|{report.group}")
        about = self._reports.get(key, {})
        if not report.claims and report.story.id not in about:
            return
        _put_last(about, report.story.id, report, REPORTS_EACH)
        _put_last(self._reports, key, about, REPORTED_KEYS)

    def _take_status(self, message: Incoming) -> None:
        key = LedgerKey((message.key or b"").decode("utf-8", "replace"))
        if message.value is None:
            self.statuses.pop(key, None)
        else:
            self.statuses[key] = decode(message.value, Status)

    def _take_feed(self, message: Incoming) -> None:
        key = (message.key or b"").decode("utf-8", "replace")
        if message.value is None:
            self.feeds.pop(key, None)
        else:
            self.feeds[key] = decode(message.value, FeedHealth)

    def _take_listed(self, message: Incoming) -> None:
        if message.value is None:
            self.listed.pop((message.key or b"").decode("utf-8", "replace"), None)
        else:
            feed, _ = decode_feed(message.key, message.value)
            self.listed[feed.key] = feed


def event_id(alert: AlertId, revision: int) -> str:
    """`id:revision`, without what would end the line that it stands on."""
    return "".join(f"{alert}:{revision}".split()).replace("\0", "")


def told_at(revisions: tuple[Told, ...]) -> datetime:
    """When an alert was last news: being followed by the next step is news of that one, not of this."""
    loud = [told.at for told in revisions if told.alert.status is not AlertStatus.SUPERSEDED]
    return loud[-1] if loud else revisions[-1].at


def _put_last(within: MutableMapping[K, V], key: K, value: V, at_most: int) -> None:
    """`value` as the newest, and the oldest gone if there are more than may be."""
    within.pop(key, None)
    within[key] = value
    while len(within) > at_most:
        del within[next(iter(within))]
