"""What pollers remember of each feed, in compacted topics: the broker is the only store.

    wire.feed-state       validators, seen items and schedule
    wire.subscriptions    what was agreed with its WebSub hub, the secret among it

A topic, or the partitions whose feeds are polled here, are read to their ends; from then on this process is the only
writer for the feeds it polls, so what it saved last is what there is. A value that cannot be read costs its feed one
poll that finds all items new, which replays their stories under the same ids, and never the start of the poller.
"""

from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from agents.logs import get_logger
from agents.memory import ReadLog
from agents.messages import Incoming, Outgoing
from streams import codec
from streams.errors import RecordError
from streams.polling import FeedState
from streams.topics import Topic, partitions_of

T = TypeVar("T")

logger = get_logger("feed_state")


class Publishes(Protocol):
    """What `agents.kafka.Publisher` offers: returns when the broker has acknowledged all."""

    async def publish(self, *messages: Outgoing) -> None: ...


class ByFeed(Generic[T]):
    """One value a feed, kept in a compacted topic."""

    def __init__(
        self,
        topic: Topic,
        read: ReadLog,
        publisher: Publishes,
        decode: Callable[[bytes], T],
        encode: Callable[[T], bytes],
    ) -> None:
        self._topic = topic
        self._read = read
        self._publisher = publisher
        self._decode = decode
        self._encode = encode
        self._values: dict[str, T] = {}

    async def start(self) -> None:
        """Reads the topic to its end. Raises BrokerDown."""
        for partition in range(partitions_of(self._topic)):
            await self.load_partition(partition)

    async def load_partition(self, partition: int) -> None:
        """Reads one partition of the topic to its end. Raises BrokerDown."""
        async for message in self._read(self._topic, partition, 0, None):
            self._take(message)

    async def refresh(self, key: str) -> None:
        """Reads again what is kept for one feed, after another process may have been its writer. Raises BrokerDown."""
        self._values.pop(key, None)
        for partition in range(partitions_of(self._topic)):
            async for message in self._read(self._topic, partition, 0, None):
                if message.key == key.encode():
                    self._take(message)

    def forget(self, *keys: str) -> None:
        """Drops the values of feeds that others poll from here on."""
        for key in keys:
            self._values.pop(key, None)

    async def load(self, key: str) -> T | None:
        """The value saved last for a feed, None for one that never had any."""
        return self._values.get(key)

    async def save(self, key: str, value: T | None) -> None:
        """Returns when the broker has it; None deletes. Raises BrokerDown or Undeliverable, and then nothing has
        changed here.
        """
        raw = None if value is None else self._encode(value)
        await self._publisher.publish(Outgoing(self._topic, key.encode(), raw))
        if value is None:
            self._values.pop(key, None)
        else:
            self._values[key] = value

    def _take(self, message: Incoming) -> None:
        key = (message.key or b"").decode("utf-8", "replace")
        self._values.pop(key, None)
        if message.value is None:
            return
        try:
            self._values[key] = self._decode(message.value)
        except RecordError as error:
            logger.warning("feed state unreadable", feed=key, origin=message.origin, error=str(error))


class KafkaFeedState(ByFeed[FeedState]):
    """The states of all feeds."""

    def __init__(self, read: ReadLog, publisher: Publishes) -> None:
        super().__init__(Topic.FEED_STATE, read, publisher, _state, codec.encode)


class KafkaSubscriptions(ByFeed[bytes]):
    """The subscriptions at hubs, as `agents.websub` writes them."""

    def __init__(self, read: ReadLog, publisher: Publishes) -> None:
        super().__init__(Topic.SUBSCRIPTIONS, read, publisher, bytes, bytes)


def _state(raw: bytes) -> FeedState:
    return codec.decode(raw, FeedState)
