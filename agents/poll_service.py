"""The poller as a service: what it needs of the broker, around the Poller itself.

topics ▶ publisher ▶ feed list, feed states ▶ health ▶ polling     ... a signal, or a fault ...     back

Feeds given by hand are polled here and by nobody else. The feeds of a list are published to `wire.feeds` and shared
with all other pollers on the same broker.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from agents.credentials import Credentials
from agents.feed_list import FeedList
from agents.feed_state import KafkaFeedState
from agents.fetching import Fetcher
from agents.health import serving
from agents.kafka import Publisher, create_topics
from agents.logs import get_logger
from agents.memory import LogReader
from agents.messages import Outgoing
from agents.metrics import BUILD, FEEDS, KEPT_BACK, NEW_STORIES, NEWEST_ITEM, POLL_SECONDS, POLLS, VERSION
from agents.parsing import Parser
from agents.poller import Look, Poller
from agents.settings import Settings
from agents.shards import Adapt, Shards
from agents.signals import stop_signal
from streams.codec import encode
from streams.errors import SettingsError
from streams.feeds import FeedSpec
from streams.polling import FeedState
from streams.records import Story
from streams.topics import Topic

PARSERS = 2
"""Processes of the quick lane: while one is at a long document, the other goes on."""

logger = get_logger("poll_service")


def _as_it_is(feed: FeedSpec) -> FeedSpec:
    return feed


async def run_poller(settings: Settings, feeds: Sequence[FeedSpec], *, shared: bool, adapt: Adapt = _as_it_is) -> int:
    """Polls until a signal (0) or a fault (1). Raises SettingsError or BrokerError before anything has started.

    `shared`: `feeds` are a list to be shared with other pollers, whose feeds go through `adapt` before they are polled.
    """
    async with _service(settings) as service:
        if shared:
            await service.feed_list.announce(feeds)
            runs = [service.poller.run(), service.shards(adapt).run()]
        else:
            await service.store.start()
            await service.poller.follow(*map(adapt, feeds))
            runs = [service.poller.run()]
        return await _until_signal(runs)


async def _until_signal(runs: Iterable[Coroutine[Any, Any, None]]) -> int:
    stopping = asyncio.create_task(stop_signal().wait(), name="signal")
    polling = [asyncio.create_task(run, name="polling") for run in runs]
    try:
        await asyncio.wait([stopping, *polling], return_when=asyncio.FIRST_COMPLETED)
        if stopping.done():
            return 0
        logger.critical("polling died", error=repr([task.exception() for task in polling if task.done()]))
        return 1
    finally:
        for task in (stopping, *polling):
            task.cancel()
        await asyncio.gather(stopping, *polling, return_exceptions=True)


async def poll_once(settings: Settings, feeds: Sequence[FeedSpec]) -> dict[str, str]:
    """Polls every feed once, due or not: feed key to how it ended."""
    async with _service(settings) as service:
        await service.store.start()
        poller = service.poller
        polled = [await poller.poll(feed) for feed in feeds]
    return {feed.key: f"{p.fetched.outcome}, {len(p.stories)} new" for feed, p in zip(feeds, polled, strict=True)}


@asynccontextmanager
async def _service(settings: Settings) -> AsyncIterator[_Service]:
    if settings.broker is None:
        raise SettingsError("no broker: set LISTWIRE_BROKER, or let `listwire up` bring one")
    await create_topics(settings.broker, settings.replication)
    async with AsyncExitStack() as stack:
        publisher = Publisher(settings.broker)
        await publisher.start()
        stack.push_async_callback(publisher.stop)
        fetcher = await stack.enter_async_context(
            Fetcher(
                contact=settings.contact,
                allowed=settings.allow_networks,
                credentials=Credentials(settings.credentials_dir),
            )
        )
        parser = Parser(workers=PARSERS)
        stack.push_async_callback(parser.close)
        service = _Service(settings.broker, publisher, fetcher, parser)
        await stack.enter_async_context(serving(settings.metrics_host, settings.poller_metrics_port, service.missing))
        BUILD.labels(version=VERSION).set(1)
        yield service


class _Service:
    """The poller with what it works with on one broker."""

    def __init__(self, broker: str, publisher: Publisher, fetcher: Fetcher, parser: Parser) -> None:
        self._broker = broker
        self._publisher = publisher
        self._read = LogReader(broker)
        self._shards: Shards | None = None
        self.feed_list = FeedList(self._read, publisher)
        self.store = KafkaFeedState(self._read, publisher)
        self.poller = Poller(
            publish=self._publish, store=self.store, fetcher=fetcher, parser=parser, observe=self._observe
        )
        FEEDS.set_function(lambda: len(self.poller.followed))

    def shards(self, adapt: Adapt) -> Shards:
        """What brings this poller its share of the list."""
        self._shards = Shards(self._broker, self.poller, self.store, self._read, adapt)
        return self._shards

    async def missing(self) -> list[str]:
        """What keeps the poller from being ready."""
        problems = [] if await self._publisher.reachable() else [f"broker {self._broker} does not answer"]
        unassigned = self._shards is not None and self._shards.partitions is None
        return [*problems, "no share of the feed list yet"] if unassigned else problems

    async def _publish(self, stories: Sequence[Story]) -> None:
        await self._publisher.publish(*(Outgoing(Topic.STORIES, s.id.encode(), encode(s)) for s in stories))

    def _observe(self, look: Look) -> None:
        _count(look, self.poller.states.get(look.feed))


def _count(look: Look, state: FeedState | None) -> None:
    POLLS.labels(outcome=look.outcome).inc()
    POLL_SECONDS.observe(look.seconds)
    if look.new:
        NEW_STORIES.labels(feed=look.feed).inc(look.new)
    for dropped in look.kept_back:
        KEPT_BACK.labels(reason=dropped.reason).inc(dropped.items)
    if state is not None and state.newest is not None:
        NEWEST_ITEM.labels(feed=look.feed).set(state.newest.timestamp())
