"""What is remembered of each feed, kept in the compacted topic `wire.feed-state`: the broker is the only
store.

The topic, or the partitions whose feeds are polled here, are read to their ends; from then on this process is the
only writer for the feeds it polls, so what it saved last is what there is. A value that cannot be read costs its
feed one poll that finds all items new, which replays their stories under the same ids, and never the start of the
poller.
"""

from typing import Protocol

from agents.logs import get_logger
from agents.memory import ReadLog
from agents.messages import Incoming, Outgoing
from streams import codec
from streams.errors import RecordError
from streams.polling import FeedState
from streams.topics import Topic, partitions_of

logger = get_logger("feed_state")


class Publishes(Protocol):
    """What `agents.kafka.Publisher` offers: returns when the broker has acknowledged all."""

    async def publish(self, *messages: Outgoing) -> None: ...


class KafkaFeedState:
    """The states of all feeds."""

    def __init__(self, read: ReadLog, publisher: Publishes) -> None:
        self._read = read
        self._publisher = publisher
        self._states: dict[str, FeedState] = {}

    async def start(self) -> None:
        """Reads the topic to its end. Raises BrokerDown."""
        for partition in range(partitions_of(Topic.FEED_STATE)):
            await self.load_partition(partition)

    async def load_partition(self, partition: int) -> None:
        """Reads one partition of the topic to its end. Raises BrokerDown."""
        async for message in self._read(Topic.FEED_STATE, partition, 0, None):
            self._take(message)

    async def refresh(self, key: str) -> None:
        """Reads again what is kept for one feed, after another process may have been its writer. Raises BrokerDown."""
        self._states.pop(key, None)
        for partition in range(partitions_of(Topic.FEED_STATE)):
            async for message in self._read(Topic.FEED_STATE, partition, 0, None):
                if message.key == key.encode():
                    self._take(message)

    def forget(self, *keys: str) -> None:
        """Drops the states of feeds that others poll from here on."""
        for key in keys:
            self._states.pop(key, None)

    async def load(self, key: str) -> FeedState | None:
        """The state saved last for a feed, None for one that was never polled."""
        return self._states.get(key)

    async def save(self, key: str, state: FeedState) -> None:
        """Returns when the broker has it. Raises BrokerDown or Undeliverable, and then nothing has changed
        here.
        """
        await self._publisher.publish(Outgoing(Topic.FEED_STATE, key.encode(), codec.encode(state)))
        self._states[key] = state

    def _take(self, message: Incoming) -> None:
        key = (message.key or b"").decode("utf-8", "replace")
        if message.value is None:
            self._states.pop(key, None)
            return
        try:
            self._states[key] = codec.decode(message.value, FeedState)
        except RecordError as error:
            self._states.pop(key, None)
            logger.warning("feed state unreadable", feed=key, origin=message.origin, error=str(error))
