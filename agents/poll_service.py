"""The poller as a service: what it needs of the broker, around the Poller itself.

topics ▶ publisher ▶ feed list, feed states ▶ health ▶ polling, collecting     ... a signal, or a fault ...     back

Feeds given by hand are polled here and by nobody else. The feeds of a list are published to `wire.feeds` and shared
with all other pollers on the same broker. Feeds that are delivered into a folder are never published there: each poller
whose own list names the folder has a collector for it, and one of these works.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any

from msgspec.structs import replace

from agents.callbacks import called
from agents.collector import Collector
from agents.credentials import Credentials
from agents.custodian import Custodian
from agents.feed_list import FeedList
from agents.feed_metrics import begin_feed, count_look
from agents.feed_state import KafkaFeedState, KafkaSubscriptions
from agents.fetching import Fetcher
from agents.following import Following
from agents.health import serving
from agents.held import HeldLog
from agents.hubs import Hubs
from agents.intake import Intake
from agents.kafka import Publisher, create_topics
from agents.link_settings import link_of
from agents.logs import get_logger
from agents.memory import LogReader
from agents.metrics import FEEDS
from agents.parsing import Parser
from agents.piping import Piped, pipe
from agents.poller import Poller
from agents.polls import Look
from agents.settings import Settings
from agents.shards import Adapt, Shards
from agents.signals import stop_signal
from agents.vitals import tell_vitals
from agents.watch import asking, unready, watching
from agents.watcher import Habits
from agents.websub import Subscriber
from streams.feeds import FeedSpec
from streams.retention import specs
from streams.stalls import LIMITS, Limits, Stalls

PARSERS = 2
"""Processes of the quick lane: while one is at a long document, the other goes on."""

logger = get_logger("poll_service")


def _as_it_is(feed: FeedSpec) -> FeedSpec:
    return feed


async def run_poller(
    settings: Settings, feeds: Sequence[FeedSpec], *, shared: bool, adapt: Adapt = _as_it_is, limits: Limits = LIMITS
) -> int:
    """Polls until a signal (0) or a fault (1). Raises SettingsError or BrokerError before anything has started.

    `shared`: `feeds` are a list to be shared with other pollers, whose feeds go through `adapt` before they are polled.
    """
    addressed = [feed for feed in feeds if feed.folder is None]
    async with _service(settings, limits) as service:
        if shared:
            await service.feed_list.announce(addressed)
            runs = [*service.runs(), service.shards(adapt).run()]
        else:
            await service.following.load_all()
            await service.following.follow(*map(adapt, addressed))
            runs = service.runs()
        return await _until_signal([*runs, *(collector.run() for collector in service.collectors(feeds))])


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
    """Polls every feed once, due or not, and empties every folder: feed key to how it ended."""
    told: dict[str, str] = {}
    async with _service(settings) as service:
        await service.store.start()
        service.once = frozenset(feed.key for feed in feeds)
        for feed in feeds:
            if feed.folder is None:
                polled = await service.poller.poll(feed)
                told[feed.key] = f"{polled.fetched.outcome}, {len(polled.stories)} new"
        for collector in service.collectors(feeds):
            files, new, refused = await collector.collect_all()
            told[collector.feed.key] = f"{files} files, {new} new, {refused} refused"
        await service.custodian.release()
    return told


async def publish_piped(settings: Settings, raw: bytes, *, new: FeedSpec, listed: FeedSpec | None) -> Piped:
    """Publishes what came on stdin: as the feed of the operator's list, else as that of the shared list, else as `new`.

    Raises SettingsError, BrokerError, or PipeError if it is no wire.
    """
    async with _equipment(settings) as (publisher, parser):
        read = LogReader(publisher.bootstrap)
        shared = None if listed else (await FeedList(read, publisher).feeds()).get(new.key)
        store = KafkaFeedState(read, publisher)
        await store.refresh(new.key)
        feed = listed or (shared[0] if shared else new)
        unaddressed = replace(feed, url="")  # a text without any mark is a story only if it came from no address
        custodian = Custodian(HeldLog(read), publisher)
        return await pipe(raw, Intake(unaddressed, custodian.publish, parser), store)


@asynccontextmanager
async def _service(settings: Settings, limits: Limits = LIMITS) -> AsyncIterator[_Service]:
    async with AsyncExitStack() as stack:
        publisher, parser = await stack.enter_async_context(_equipment(settings))
        fetcher = await stack.enter_async_context(
            Fetcher(
                contact=settings.contact,
                allowed=settings.allow_networks,
                credentials=Credentials(settings.credentials_dir),
            )
        )
        habits = Habits(settle_s=settings.drop_settle_s, keep_days=settings.drop_keep_days)
        service = _Service(publisher, fetcher, parser, habits, limits)
        if settings.websub_url is not None:
            await service.listen_to_hubs(settings, settings.websub_url, stack)
        await stack.enter_async_context(serving(settings.metrics_host, settings.poller_metrics_port, service.missing))
        await stack.enter_async_context(watching(service.stalls, service.poller.is_overdue))
        tell_vitals(settings.data_dir)
        yield service


@asynccontextmanager
async def _equipment(settings: Settings) -> AsyncIterator[tuple[Publisher, Parser]]:
    broker = link_of(settings)
    await create_topics(broker, settings.replication, specs(settings.retention))
    async with AsyncExitStack() as stack:
        publisher = Publisher(broker)
        await publisher.start()
        stack.push_async_callback(publisher.stop)
        parser = Parser(workers=PARSERS)
        stack.push_async_callback(parser.close)
        yield publisher, parser


class _Service:
    """The poller with what it works with on one broker."""

    def __init__(self, publisher: Publisher, fetcher: Fetcher, parser: Parser, habits: Habits, limits: Limits) -> None:
        self._broker = publisher.bootstrap
        self._publisher = publisher
        self._parser = parser
        self._habits = habits
        self._read = LogReader(publisher.bootstrap)
        self._shards: Shards | None = None
        self._collectors: list[Collector] = []
        self.stalls = Stalls(limits)
        self.once: frozenset[str] = frozenset()  # feeds that are polled by a call
        self._held = HeldLog(self._read)
        self.custodian = Custodian(self._held, publisher, follows=self._follows)
        self.feed_list = FeedList(self._read, publisher)
        self.store = KafkaFeedState(self._read, publisher)
        self.poller = Poller(
            publish=self.custodian.publish, store=self.store, fetcher=fetcher, parser=parser, observe=self._observe
        )
        self.subscriptions = KafkaSubscriptions(self._read, publisher)
        self.following = Following(self.poller, self.store, self.subscriptions, self._held)
        self._subscriber: Subscriber | None = None
        FEEDS.set_function(lambda: len(self.poller.followed))

    async def listen_to_hubs(self, settings: Settings, url: str, stack: AsyncExitStack) -> None:
        """Lets hubs push to us at the public address `url`, for as long as `stack` is open."""
        hubs = await stack.enter_async_context(Hubs(contact=settings.contact, allowed=settings.allow_networks))
        subscriber = Subscriber(url, receive=self.poller.receive, post=hubs.post, store=self.subscriptions)
        await stack.enter_async_context(called(subscriber, settings.websub_host, settings.websub_port))
        self._subscriber = self.poller.pushes = subscriber
        self.following = Following(self.poller, self.store, self.subscriptions, self._held, subscriber)

    def runs(self) -> list[Coroutine[Any, Any, None]]:
        """What runs until a signal, besides shards and collectors."""
        listening = [self._subscriber.run()] if self._subscriber is not None else []
        watched = asking(self.stalls, self._publisher.reachable)
        return [self.poller.run(), self.custodian.run(), watched, *listening]

    def shards(self, adapt: Adapt) -> Shards:
        """What brings this poller its share of the list."""
        self._shards = Shards(self._broker, self.following, self._read, adapt)
        return self._shards

    def collectors(self, feeds: Iterable[FeedSpec]) -> list[Collector]:
        """One for each folder among the feeds."""
        self._collectors = [self._collector(feed) for feed in feeds if feed.folder is not None and feed.enabled]
        return self._collectors

    async def missing(self) -> list[str]:
        """What keeps the poller from being ready."""
        problems = [] if await self._publisher.reachable() else [f"broker {self._broker} does not answer"]
        unassigned = self._shards is not None and self._shards.partitions is None
        if unassigned:
            problems.append("no share of the feed list yet")
        return [*problems, *unready(self.stalls)]

    def _collector(self, feed: FeedSpec) -> Collector:
        def observe(look: Look) -> None:
            count_look(look, collector.state)

        begin_feed(feed, None)
        intake = Intake(feed, self.custodian.publish, self._parser)
        refresh = partial(self._refresh, feed.key)
        collector = Collector(intake, store=self.store, observe=observe, refresh=refresh, habits=self._habits)
        return collector

    async def _refresh(self, key: str) -> None:
        await self.store.refresh(key)
        await self._held.refresh()

    def _follows(self, key: str) -> bool:
        watched = (collector.feed.key for collector in self._collectors if collector.is_watching)
        return key in self.poller.followed or key in self.once or key in watched

    def _observe(self, look: Look) -> None:
        self.stalls.looked()
        count_look(look, self.poller.states.get(look.feed))
