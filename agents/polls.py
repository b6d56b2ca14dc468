"""What a poll works with and what comes of it: the records and the interfaces of the poller."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from agents.clock import utcnow
from agents.parsing import Request
from streams.errors import ListwireError
from streams.feeds import FeedSpec
from streams.polling import FeedState, Fetched
from streams.records import Story
from streams.wires.documents import Document, Dropped

RETRY_FIRST_S = 1.0
RETRY_LIMIT_S = 60.0
UNSENT = "unsent"  # outcome of a poll whose stories or state the broker did not take
UNREADABLE = "unreadable"  # outcome of a file that we have no right to read
FAULT = "fault"  # outcome of a poll that met a fault of ours


class Fetches(Protocol):
    """What `agents.fetching.Fetcher` offers."""

    async def fetch(self, what: FeedSpec | str, conditional: Mapping[str, str] | None = None) -> Fetched: ...


class Parses(Protocol):
    """What `agents.parsing.Parser` offers."""

    async def parse(self, raw: bytes, request: Request) -> Document: ...


class Remembers(Protocol):
    """What `agents.feed_state.KafkaFeedState` offers."""

    async def load(self, key: str) -> FeedState | None: ...

    async def save(self, key: str, state: FeedState) -> None: ...


Publish = Callable[[Sequence[Story]], Awaitable[None]]
"""Returns when the broker has acknowledged all stories; raises ListwireError if it has not."""

Observe = Callable[["Look"], None]


class Look(NamedTuple):
    """One look at a feed, as it is counted."""

    feed: str
    outcome: str
    seconds: float
    new: int = 0
    kept_back: tuple[Dropped, ...] = ()
    size: int = 0  # bytes of the document, as they came over the wire


class Pushes(Protocol):
    """What `agents.websub.Subscriber` offers."""

    async def offer(self, feed: FeedSpec, hub: str | None, self_url: str | None) -> None: ...

    async def missed(self, feed_key: str) -> None: ...

    def is_proven(self, feed_key: str) -> bool: ...


class Unpushed:
    """No hub pushes anything."""

    async def offer(self, feed: FeedSpec, hub: str | None, self_url: str | None) -> None:
        """Nobody is asked."""

    async def missed(self, feed_key: str) -> None:
        """Nobody has missed anything."""

    def is_proven(self, feed_key: str) -> bool:
        """Never."""
        return False


class NotPolledError(ListwireError):
    """A push for a feed that is not polled here."""


class Polled(NamedTuple):
    """How one poll ended."""

    fetched: Fetched
    document: Document | None
    stories: tuple[Story, ...]
    state: FeedState
    kept_back: tuple[Dropped, ...] = ()


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the poller has of the world besides the network, replaced by tests."""

    now: Callable[[], datetime] = utcnow
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    jitter: Callable[[], float] = random.random
    host_spacing_s: float = 1.0
    fetches_at_once: int = 64
