"""Polls the feeds: each in its own rhythm, one request at a time to a host, none able to stop another.

The order that no story is lost by: fetch, parse, publish and wait for the broker's acknowledgement, then
store the state of the feed. Whatever fails before the last step leaves the old state, so the next poll finds
the same items new and publishes them again under the same ids.

What can fail is known: fetching gives its failures as values, parsing raises WireError or ParserKilled,
publishing and storing raise ListwireError. The rest is a fault in our own code. Each poll is a task of its
own, so a fault ends that task alone: it is logged with its trace and counted, the feed backs off, the others
go on.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Coroutine, Iterable, Sequence
from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from agents.hosts import SILENCE_AT_MOST_S, Hosts
from agents.logs import get_logger
from agents.parsing import ParserKilled, Request
from agents.polls import (
    FAULT,
    RETRY_FIRST_S,
    RETRY_LIMIT_S,
    UNSENT,
    Fetches,
    Look,
    NotPolledError,
    Observe,
    Parses,
    Polled,
    Publish,
    Pushes,
    Remembers,
    Surroundings,
    Unpushed,
)
from streams.discovery import discovered
from streams.errors import ListwireError, WireError
from streams.feeds import FeedSpec
from streams.novelty import COPY, REWRITE_AT_LEAST
from streams.polling import (
    FeedState,
    Fetched,
    Outcome,
    digest,
    judge,
    known_items,
    pushed,
    request_headers,
    worth_storing,
)
from streams.records import Story
from streams.schedule import due_in_s, retry_after_s, scheduled
from streams.wires.documents import Document, Dropped

START_SPREAD_S = 0.02  # for each feed, so that a thousand do not all ask in the first second
FAILURES_WORTH_A_WARNING = 5
OVERDUE_S = SILENCE_AT_MOST_S + 120

logger = get_logger("poller")


class Poller:
    """`run` polls what it follows until it is cancelled; `poll` polls one feed once."""

    def __init__(
        self,
        feeds: Iterable[FeedSpec] = (),
        *,
        publish: Publish,
        store: Remembers,
        fetcher: Fetches,
        parser: Parses,
        observe: Observe = lambda look: None,
        surroundings: Surroundings | None = None,
    ) -> None:
        self.states: dict[str, FeedState] = {}
        self.pushes: Pushes = Unpushed()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._feeds: dict[str, FeedSpec] = {}
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)  # a poll and a push of a feed
        self._waiting = tuple(feeds)  # for `run`
        self._failed: asyncio.Future[None] | None = None
        self._publish = publish
        self._store = store
        self._fetcher = fetcher
        self._parser = parser
        self._observe = observe
        self._world = surroundings or Surroundings()
        self._hosts = Hosts(self._world.now, self._world.sleep, self._world.host_spacing_s)
        self._slots = asyncio.Semaphore(self._world.fetches_at_once)

    async def run(self) -> None:
        """Polls for ever what is followed now and later. Raises what a task of a feed died of."""
        self._failed = asyncio.get_running_loop().create_future()
        try:
            await self.follow(*self._waiting)
            await self._failed
        finally:
            await self.drop(*self._tasks)

    async def follow(self, *feeds: FeedSpec) -> None:
        """Polls these too from now on; a feed of the same key is replaced, one that is disabled dropped."""
        await self.drop(*(feed.key for feed in feeds))
        wanted = [feed for feed in feeds if feed.enabled]
        for feed in wanted:
            task = asyncio.create_task(self._follow(feed, START_SPREAD_S * len(wanted)), name=f"poll {feed.key}")
            task.add_done_callback(self._ended)
            self._tasks[feed.key] = task
            self._feeds[feed.key] = feed

    async def drop(self, *keys: str) -> None:
        """Stops polling these and forgets their states. A poll under way ends before this returns, well or not."""
        tasks = [task for key in keys if (task := self._tasks.pop(key, None)) is not None]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        for key in keys:
            self.states.pop(key, None)
            self._feeds.pop(key, None)

    @property
    def followed(self) -> frozenset[str]:
        """The keys of the feeds that are polled now."""
        return frozenset(self._tasks)

    def is_overdue(self) -> bool:
        """Whether a feed is due for longer than its host's silence and a slow answer can explain."""
        latest = self._world.now() - timedelta(seconds=OVERDUE_S)
        states = (self.states.get(key) for key in self._tasks)
        return any(state is not None and state.next_due is not None and state.next_due < latest for state in states)

    async def poll(self, feed: FeedSpec) -> Polled:
        """One poll, due or not. Raises ListwireError if stories or state could not be handed over."""
        async with self._turns[feed.key]:
            state = await self._state(feed)
            fetched, document = await self._parsed(feed, state, await self._fetched(feed, state))
            after, stories, kept_back = digest(state, fetched, document, self._world.now())
            is_pushed = self.pushes.is_proven(feed.key)
            after = scheduled(feed, after, fetched, self._world.now(), self._world.jitter(), is_pushed=is_pushed)
            await self._hand_over(feed, state, after, stories)
        _tell_operator(feed, state, after, fetched)
        _tell_of_copies(feed, kept_back, document)
        await self._tell_hub(feed, fetched, document, missed=is_pushed and bool(stories))
        return Polled(fetched, document, stories, after, kept_back)

    async def receive(self, key: str, topic: str, body: bytes, media_type: str | None) -> None:
        """A document that a hub pushed: its stories are with the broker when this returns.

        Raises NotPolledError, WireError or ParserKilled, and ListwireError if stories could not be handed over.
        """
        feed = self._feeds.get(key)
        if feed is None:
            raise NotPolledError(f"{key}: not polled here")
        headers = {"content-type": media_type} if media_type else {}
        fetched = Fetched(outcome=Outcome.OK, url=topic, status=200, body=body, headers=headers)
        started = time.perf_counter()
        async with self._turns[key]:
            state = await self._state(feed)
            document = await self._parser.parse(body, self._request(feed, state, fetched))
            after, stories, kept_back = digest(state, fetched, document, self._world.now())
            await self._hand_over(feed, state, pushed(state, after), stories)
        took = time.perf_counter() - started
        self._observe(Look(key, Outcome.PUSHED, took, len(stories), kept_back, len(body)))

    async def _hand_over(self, feed: FeedSpec, before: FeedState, after: FeedState, stories: Sequence[Story]) -> None:
        if stories:
            await self._publish(stories)
        if worth_storing(before, after):
            await self._store.save(feed.key, after)
        self.states[feed.key] = after

    async def _tell_hub(self, feed: FeedSpec, fetched: Fetched, document: Document | None, *, missed: bool) -> None:
        if missed:
            await self.pushes.missed(feed.key)
        if document is not None:
            hub, topic = discovered(fetched.headers.get("link"), fetched.url, document.hub, document.self_url)
            await self.pushes.offer(feed, hub, topic)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if self._failed is not None and not self._failed.done() and not task.cancelled() and task.exception():
            self._failed.set_exception(task.exception() or RuntimeError(task.get_name()))

    async def _follow(self, feed: FeedSpec, spread_s: float) -> None:
        troubles = 0
        await self._world.sleep(self._world.jitter() * spread_s)
        while True:
            troubles = 0 if await self._attempt(feed) else troubles + 1
            await self._world.sleep(self._pause_s(feed, troubles))

    async def _attempt(self, feed: FeedSpec) -> bool:
        """Polls the feed if it is due; False if that met trouble which is not the feed's."""
        started = time.perf_counter()
        attempt = await _ended(self._poll_if_due(feed))
        trouble, took = attempt.exception(), time.perf_counter() - started
        if trouble is None:
            polled = attempt.result()
            if polled is not None:
                fetched, new = polled.fetched, len(polled.stories)
                self._observe(Look(feed.key, fetched.outcome, took, new, polled.kept_back, len(fetched.body)))
            return True
        if isinstance(trouble, ListwireError):
            logger.warning("poll not handed over", feed=feed.key, error=str(trouble))
            self._observe(Look(feed.key, UNSENT, took))
        else:
            logger.error("poll met a fault of ours", feed=feed.key, exc_info=trouble)
            self._observe(Look(feed.key, FAULT, took))
        return False

    async def _poll_if_due(self, feed: FeedSpec) -> Polled | None:
        state = await self._state(feed)
        return await self.poll(feed) if due_in_s(state, self._world.now()) == 0 else None

    def _pause_s(self, feed: FeedSpec, troubles: int) -> float:
        if troubles:
            return min(RETRY_FIRST_S * 2.0 ** min(troubles - 1, 16), RETRY_LIMIT_S)
        return due_in_s(self.states[feed.key], self._world.now())

    async def _state(self, feed: FeedSpec) -> FeedState:
        if feed.key not in self.states:
            self.states[feed.key] = await self._store.load(feed.key) or FeedState(feed=feed.key)
        return self.states[feed.key]

    async def _fetched(self, feed: FeedSpec, state: FeedState) -> Fetched:
        headers = request_headers(state, self._world.now())
        async with self._hosts.turn(feed.host), self._slots:
            fetched = judge(state, await self._fetcher.fetch(feed, headers))
        if fetched.outcome is Outcome.THROTTLED:
            self._hosts.silence(feed.host, retry_after_s(fetched.headers, self._world.now()))
        return fetched

    async def _parsed(self, feed: FeedSpec, state: FeedState, fetched: Fetched) -> tuple[Fetched, Document | None]:
        """The document, or the answer with the reason why it is none."""
        if fetched.outcome is not Outcome.OK:
            return fetched, None
        try:
            return fetched, await self._parser.parse(fetched.body, self._request(feed, state, fetched))
        except WireError as error:
            return replace(fetched, outcome=Outcome(error.reason), detail=error.detail), None
        except ParserKilled as error:
            return replace(fetched, outcome=Outcome.PARSER_KILLED, detail=error.detail), None

    def _request(self, feed: FeedSpec, state: FeedState, fetched: Fetched) -> Request:
        now, known = self._world.now(), known_items(state)
        return Request(feed=feed, received_at=now, media_type=fetched.media_type, url=fetched.url, known=known)


async def _ended(polling: Coroutine[Any, Any, Polled | None]) -> "asyncio.Task[Polled | None]":
    """The poll as a task that has ended, well or not: a fault in it is a value here and unwinds nothing."""
    task = asyncio.create_task(polling)
    try:
        await asyncio.wait({task})
    finally:
        task.cancel()
        await asyncio.wait({task})
    return task


def _tell_of_copies(feed: FeedSpec, kept_back: Iterable[Dropped], document: Document | None) -> None:
    """A feed that renamed its items is told of once, at the poll that brings them."""
    copies = sum(dropped.items for dropped in kept_back if dropped.reason == COPY)
    if document is not None and copies >= REWRITE_AT_LEAST and 2 * copies > len(document.stories):
        logger.warning("feed renamed its items", feed=feed.key, items=copies)


def _tell_operator(feed: FeedSpec, before: FeedState, after: FeedState, fetched: Fetched) -> None:
    """What somebody has to act on, once."""
    if after.gone_since and not before.gone_since:
        logger.warning("feed is gone", feed=feed.key, url=feed.url)
    if after.moved_to and after.moved_to != before.moved_to:
        logger.warning("feed moved for good", feed=feed.key, url=feed.url, moved_to=after.moved_to)
    if after.failures == FAILURES_WORTH_A_WARNING:
        logger.warning("feed keeps failing", feed=feed.key, url=feed.url, outcome=after.outcome, detail=fetched.detail)
