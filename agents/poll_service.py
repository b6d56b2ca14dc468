"""The poller as a service: what it needs of the broker, around the Poller itself.

topics ▶ publisher ▶ feed states ▶ health ▶ polling     ... a signal, or a fault ...     back
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from agents.feed_state import KafkaFeedState
from agents.fetching import Fetcher
from agents.health import serving
from agents.kafka import Publisher, create_topics
from agents.logs import get_logger
from agents.memory import LogReader
from agents.messages import Outgoing
from agents.metrics import BUILD, KEPT_BACK, NEW_STORIES, NEWEST_ITEM, POLL_SECONDS, POLLS, VERSION
from agents.parsing import Parser
from agents.poller import Look, Poller
from agents.settings import Settings
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


async def run_poller(settings: Settings, feeds: Sequence[FeedSpec]) -> int:
    """Polls until a signal (0) or a fault (1). Raises SettingsError or BrokerError before anything has started."""
    async with _poller(settings, feeds) as poller:
        stopping = asyncio.create_task(stop_signal().wait(), name="signal")
        polling = asyncio.create_task(poller.run(), name="polling")
        try:
            await asyncio.wait([stopping, polling], return_when=asyncio.FIRST_COMPLETED)
            if stopping.done():
                return 0
            logger.critical("polling died", error=repr(polling.exception()))
            return 1
        finally:
            for task in (stopping, polling):
                task.cancel()
            await asyncio.gather(stopping, polling, return_exceptions=True)


async def poll_once(settings: Settings, feeds: Sequence[FeedSpec]) -> dict[str, str]:
    """Polls every feed once, due or not: feed key to how it ended."""
    async with _poller(settings, feeds) as poller:
        polled = [await poller.poll(feed) for feed in feeds]
    return {feed.key: f"{p.fetched.outcome}, {len(p.stories)} new" for feed, p in zip(feeds, polled, strict=True)}


@asynccontextmanager
async def _poller(settings: Settings, feeds: Sequence[FeedSpec]) -> AsyncIterator[Poller]:
    if settings.broker is None:
        raise SettingsError("no broker: set LISTWIRE_BROKER, or let `listwire up` bring one")
    await create_topics(settings.broker, settings.replication)
    async with AsyncExitStack() as stack:
        publisher = Publisher(settings.broker)
        await publisher.start()
        stack.push_async_callback(publisher.stop)
        store = KafkaFeedState(LogReader(settings.broker), publisher)
        await store.start()
        fetcher = await stack.enter_async_context(Fetcher(contact=settings.contact, allowed=settings.allow_networks))
        parser = Parser(workers=PARSERS)
        stack.push_async_callback(parser.close)

        async def publish(stories: Sequence[Story]) -> None:
            await publisher.publish(*(Outgoing(Topic.STORIES, s.id.encode(), encode(s)) for s in stories))

        async def missing() -> list[str]:
            return [] if await publisher.reachable() else [f"broker {publisher.bootstrap} does not answer"]

        await stack.enter_async_context(serving(settings.metrics_host, settings.poller_metrics_port, missing))
        BUILD.labels(version=VERSION).set(1)

        def observe(look: Look) -> None:
            _count(look, poller.states.get(look.feed))

        poller = Poller(feeds, publish=publish, store=store, fetcher=fetcher, parser=parser, observe=observe)
        yield poller


def _count(look: Look, state: FeedState | None) -> None:
    POLLS.labels(outcome=look.outcome).inc()
    POLL_SECONDS.observe(look.seconds)
    if look.new:
        NEW_STORIES.labels(feed=look.feed).inc(look.new)
    for dropped in look.kept_back:
        KEPT_BACK.labels(reason=dropped.reason).inc(dropped.items)
    if state is not None and state.newest is not None:
        NEWEST_ITEM.labels(feed=look.feed).set(state.newest.timestamp())
