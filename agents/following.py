"""What it means to poll a feed here: its state and subscription are read, it is polled, and its hub is listened to."""

from agents.feed_metrics import begin_feed, end_feeds
from agents.feed_state import KafkaFeedState, KafkaSubscriptions
from agents.held import HeldLog
from agents.poller import Poller
from agents.websub import Subscriber
from streams.feeds import FeedSpec


class Following:
    """The feeds that this process has taken on, as one thing for whoever brings and takes them."""

    def __init__(
        self,
        poller: Poller,
        states: KafkaFeedState,
        subscriptions: KafkaSubscriptions,
        held: HeldLog,
        subscriber: Subscriber | None = None,
    ) -> None:
        self._poller = poller
        self._states = states
        self._subscriptions = subscriptions
        self._held = held
        self._subscriber = subscriber

    async def load_partition(self, partition: int) -> None:
        """Reads what is remembered of the feeds of a partition. Raises BrokerDown."""
        await self._states.load_partition(partition)
        await self._held.refresh()
        if self._subscriber is not None:
            await self._subscriptions.load_partition(partition)

    async def load_all(self) -> None:
        """Reads what is remembered of all feeds. Raises BrokerDown."""
        await self._states.start()
        await self._held.refresh()
        if self._subscriber is not None:
            await self._subscriptions.start()

    async def follow(self, *feeds: FeedSpec) -> None:
        """Polls these, from what is remembered of them, and goes on with their subscriptions."""
        await self._poller.follow(*feeds)
        for feed in feeds:
            if feed.enabled:
                begin_feed(feed, await self._states.load(feed.key))
            else:
                end_feeds(feed.key)
        if self._subscriber is not None:
            await self._subscriber.resume(*(feed.key for feed in feeds if feed.enabled))

    async def let_go(self, *keys: str) -> None:
        """Leaves these to others, with all that is remembered of them."""
        await self._poller.drop(*keys)
        end_feeds(*keys)
        if self._subscriber is not None:
            self._subscriber.drop(*keys)
        self._states.forget(*keys)
        self._subscriptions.forget(*keys)

    async def end(self, key: str) -> None:
        """Polls this no more, nor does anybody else; its state stays, lest its return find everything new."""
        await self._poller.drop(key)
        end_feeds(key)
        if self._subscriber is not None:
            await self._subscriber.forget(key)
