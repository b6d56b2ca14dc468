"""Has feeds pushed by their hubs (WebSub): asks hubs, keeps what they promised, takes what they push.

Everything is decided in `streams.websub`; polling does not depend on anything here. What is known is changed in memory
first and stored after: a state that the store did not take is stored again at the next turn, and one that is lost in a
crash costs a new subscription.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import datetime
from hmac import compare_digest
from typing import NamedTuple, Protocol

from msgspec.structs import replace

from agents.clock import utcnow
from agents.hubs import Answer
from agents.logs import get_logger
from agents.parsing import ParserKilled
from streams import codec, websub
from streams.discovery import endpoint
from streams.errors import ListwireError, RecordError, SettingsError, WireError
from streams.feeds import FeedSpec
from streams.websub import Capability, Push, Subscription

ASKED_AT_ONCE = 8
ASKS_WORTH_A_WARNING = 5
SAVE_AGAIN_S = 60.0
LOOK_AT_LEAST_EACH_S = 3_600.0  # the clock that leases run by may be set; the one that we sleep by is not

logger = get_logger("websub")


class Keeps(Protocol):
    """A value for each feed key that outlives the process; None deletes it. `save` may raise ListwireError."""

    async def load(self, key: str) -> bytes | None: ...

    async def save(self, key: str, value: bytes | None) -> None: ...


class Delivery(NamedTuple):
    """One push as it came; nothing of it is to be believed but the body, and that only if it is signed."""

    signatures: tuple[str, ...]
    body: bytes
    media_type: str | None


Receive = Callable[[str, str, bytes, str | None], Awaitable[None]]
"""`(feed key, topic, body, media type)` of a genuine push. Returns when the broker has acknowledged its stories.

Raises WireError or ParserKilled if the body is no feed, any other ListwireError if the hub is to try again.
"""

Post = Callable[[str, Mapping[str, str]], Awaitable[Answer]]
"""Sends a form to a hub through the egress guard: `agents.hubs.Hubs.post`."""


def fresh_capability() -> Capability:
    """An address and a key that nobody can guess; the secret stays below the 200 bytes that a hub takes."""
    return Capability(token=secrets.token_urlsafe(32), secret=secrets.token_hex(32))


class Subscriber:
    """`run` asks hubs until it is cancelled; `agents.callbacks` brings what they say."""

    def __init__(
        self,
        callback_base_url: str,
        *,
        receive: Receive,
        post: Post,
        store: Keeps,
        now: Callable[[], datetime] = utcnow,
        fresh: Callable[[], Capability] = fresh_capability,
    ) -> None:
        if problem := websub.base_problem(callback_base_url):
            raise SettingsError(f"the address for hubs {problem}: {callback_base_url}")
        self.base = callback_base_url.rstrip("/")
        self._receive = receive
        self._post = post
        self._store = store
        self._now = now
        self._fresh = fresh
        self._known: dict[str, Subscription] = {}
        self._unsaved: set[str] = set()
        self._slots = asyncio.Semaphore(ASKED_AT_ONCE)
        self._news = asyncio.Event()

    async def resume(self, *feed_keys: str) -> None:
        """Goes on with what is stored for these feeds, which are polled here from now on."""
        for key in feed_keys:
            stored = await self._stored(key)
            if stored is not None:
                await self._put(websub.resumed(stored, self.base, self._fresh(), self._now()), stored)
                self._news.set()

    def drop(self, *feed_keys: str) -> None:
        """Lets go of feeds that others poll from here on; what is stored stays theirs."""
        for key in feed_keys:
            self._known.pop(key, None)
            self._unsaved.discard(key)

    async def forget(self, feed_key: str) -> None:
        """Ends the subscription of a feed that nobody polls any more. Its hub gets 404 until it gives up."""
        self.drop(feed_key)
        await self._save(feed_key)

    async def offer(self, feed: FeedSpec, hub: str | None, self_url: str | None) -> None:
        """To be called after a poll whose document was read, with what it says of its hub; never after a 304."""
        if feed.key not in self._known:
            await self.resume(feed.key)
        before = self._known.get(feed.key)
        at = endpoint(feed.url, hub, self_url)
        after = websub.offered(before, feed, at, self.base, self._fresh(), self._now())
        if after is not None and after != before:
            await self._put(after, before)
            self._news.set()

    async def missed(self, feed_key: str) -> None:
        """To be called when polling found a story that the hub should have pushed: it has to prove itself again."""
        known = self._known.get(feed_key)
        if known is not None and known.pushed_at is not None:
            await self._put(replace(known, pushed_at=None), known)

    def is_pushed(self, feed_key: str) -> bool:
        """Whether a hub's lease for the feed runs."""
        known = self._known.get(feed_key)
        return known is not None and websub.is_leased(known, self._now())

    def is_proven(self, feed_key: str) -> bool:
        """Whether a lease runs and its hub has pushed, and missed nothing since: only then may polling be slower."""
        return self.is_pushed(feed_key) and self._known[feed_key].pushed_at is not None

    def leases(self) -> int:
        """How many leases run."""
        return sum(self.is_pushed(key) for key in self._known)

    async def run(self) -> None:
        """Asks hubs whenever one is due, until it is cancelled."""
        while True:
            self._news.clear()
            wait_s = await self.tend()
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._news.wait()

    async def tend(self) -> float:
        """Asks all hubs that are due now; the seconds until the next one is."""
        for key in tuple(self._unsaved):
            await self._save(key)
        now = self._now()
        due = [known.feed for known in self._known.values() if websub.is_due(known, now)]
        faults = await asyncio.gather(*(self._ask(key) for key in due), return_exceptions=True)
        for key, fault in zip(due, faults, strict=True):
            if fault is not None:
                logger.error("asking a hub met a fault of ours", feed=key, exc_info=fault)
        times = [at for at in map(websub.due_at, self._known.values()) if at is not None]
        limit_s = SAVE_AGAIN_S if self._unsaved else LOOK_AT_LEAST_EACH_S
        return min([limit_s, *(max((at - self._now()).total_seconds(), 0.0) for at in times)])

    def knows(self, feed_key: str, token: str) -> bool:
        """Whether this is the callback of one of our subscriptions."""
        known = self._known.get(feed_key)
        right = known.capability.token if known else ""
        return compare_digest(right.encode(), token.encode("utf-8", "replace")) and known is not None

    async def answer(self, feed_key: str, token: str, query: str) -> str | None:
        """What to answer a hub's GET at a callback; None: we asked for no such thing."""
        if not self.knows(feed_key, token):
            return None
        known, said = self._known[feed_key], websub.intent(query)
        answered = said and websub.answered(known, said, self._now())
        if not answered:
            return None
        after, body = answered
        if after.denied_at is not None:
            logger.warning("hub denies", feed=feed_key, hub=known.endpoint.hub, reason=after.denied_reason)
        await self._put(after, known)
        self._news.set()
        return body

    async def take(self, feed_key: str, token: str, delivery: Delivery) -> Push:
        """Hands on what was pushed to a callback, if it is genuine."""
        if not self.knows(feed_key, token):
            return Push.UNKNOWN  # others may poll the feed since the body began to come
        known = self._known[feed_key]
        judged = websub.judged(known, delivery.signatures, delivery.body)
        if judged is not Push.TAKEN:
            return judged
        try:
            await self._receive(feed_key, known.endpoint.topic, delivery.body, delivery.media_type)
        except (WireError, ParserKilled) as error:
            logger.debug("pushed what is no feed", feed=feed_key, error=str(error))
            return Push.UNREADABLE
        except ListwireError as error:
            logger.warning("push not handed over", feed=feed_key, error=str(error))
            return Push.UNSENT
        await self._prove(known)
        return Push.TAKEN

    async def _prove(self, pushed: Subscription) -> None:
        known = self._known.get(pushed.feed)
        if known is not None and known.capability == pushed.capability and known.pushed_at is None:
            await self._put(replace(known, pushed_at=self._now()), known)

    async def _ask(self, key: str) -> None:
        async with self._slots:
            known = self._known.get(key)
            if known is None:
                return
            asking = websub.asked(known, self._now())
            await self._put(asking, known)  # before the request: the hub may call back before it answers
            answer = await self._post(asking.endpoint.hub, websub.form(asking))
        if asking.asks == ASKS_WORTH_A_WARNING:
            detail = answer.detail or "accepts and never verifies"
            logger.warning("hub keeps failing", feed=key, hub=asking.endpoint.hub, error=detail)

    async def _put(self, after: Subscription, before: Subscription | None) -> None:
        self._known[after.feed] = after
        if after != before:
            await self._save(after.feed)

    async def _save(self, key: str) -> None:
        known = self._known.get(key)
        try:
            await self._store.save(key, codec.encode(known) if known else None)
            self._unsaved.discard(key)
        except ListwireError as error:
            self._unsaved.add(key)
            logger.warning("subscription not stored", feed=key, error=str(error))

    async def _stored(self, key: str) -> Subscription | None:
        raw = await self._store.load(key)
        if raw is None:
            return None
        try:
            return codec.decode(raw, Subscription)
        except RecordError:
            logger.warning("subscription unreadable", feed=key)  # what is wrong with it could quote it
            return None
