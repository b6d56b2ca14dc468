"""The feed list on the broker: the topic `wire.feeds`, compacted, one message a feed.

Pollers read it as it changes, so a feed is added to all of them by one message. Whoever starts with a file publishes
what is new in it; feeds that an operator added by command are never touched by a file.
"""

from collections.abc import Iterable
from typing import Protocol

from agents.logs import get_logger
from agents.memory import ReadLog
from agents.messages import Incoming, Outgoing
from streams.errors import RecordError
from streams.feed_records import Origin, decode_feed, differences, encode_feed
from streams.feeds import FeedSpec
from streams.topics import Topic, partitions_of

logger = get_logger("feed_list")

Listed = dict[str, tuple[FeedSpec, Origin]]


class Publishes(Protocol):
    """What `agents.kafka.Publisher` offers: returns when the broker has acknowledged all."""

    async def publish(self, *messages: Outgoing) -> None: ...


class FeedList:
    """The list as a whole, for commands and starts; `agents.shards` follows it piece by piece."""

    def __init__(self, read: ReadLog, publisher: Publishes) -> None:
        self._read = read
        self._publisher = publisher

    async def feeds(self) -> Listed:
        """All feeds on the topic, by key. Raises BrokerDown."""
        listed: Listed = {}
        for partition in range(partitions_of(Topic.FEEDS)):
            async for message in self._read(Topic.FEEDS, partition, 0, None):
                take(listed, message)
        return listed

    async def announce(self, feeds: Iterable[FeedSpec]) -> int:
        """Publishes what a file has that the topic has not, and how many feeds that were. Raises BrokerDown."""
        changed, gone = differences(feeds, await self.feeds())
        await self._publisher.publish(
            *(_message(feed, Origin.LIST) for feed in changed),
            *(Outgoing(Topic.FEEDS, key.encode(), None) for key in gone),
        )
        return len(changed) + len(gone)

    async def add(self, *feeds: FeedSpec) -> None:
        """Puts these on the list, or in place of those of the same keys. Raises BrokerDown."""
        await self._publisher.publish(*(_message(feed, Origin.OPERATOR) for feed in feeds))

    async def remove(self, key: str) -> None:
        """Takes a feed off the list; what is remembered of it stays, lest its return find everything new."""
        await self._publisher.publish(Outgoing(Topic.FEEDS, key.encode(), None))


def take(listed: Listed, message: Incoming) -> str:
    """Puts one message into the list and returns its key; one that cannot be read leaves the feed as it was."""
    key = (message.key or b"").decode("utf-8", "replace")
    if message.value is None:
        listed.pop(key, None)
        return key
    try:
        listed[key] = decode_feed(message.key, message.value)
    except RecordError as error:
        logger.warning("feed on the list unreadable", feed=key, origin=message.origin, error=str(error))
    return key


def _message(feed: FeedSpec, origin: Origin) -> Outgoing:
    return Outgoing(Topic.FEEDS, feed.key.encode(), encode_feed(feed, origin))
