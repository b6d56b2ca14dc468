"""Collects what agencies deliver as files: one collector a watched folder, none able to stop another.

The order that no story is lost by: pick up (a rename), read, parse, publish and wait for the broker's
acknowledgement, store the state of the feed, move the file to where it ends. Whatever fails before the last step
leaves the file in hand, and the next round, of this process or of the next, publishes it again under the same ids.

The state is stored once for a round of at most `BATCH` files, not for each: it holds every item remembered. While
the broker is down no more than that is in hand, the rest waits in the folder.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, NamedTuple

from agents.feed_metrics import count_round
from agents.intake import Intake, Taken
from agents.logs import get_logger
from agents.polls import FAULT, RETRY_FIRST_S, RETRY_LIMIT_S, UNREADABLE, UNSENT, Look, Observe, Remembers
from agents.watcher import FolderError, Habits, Watcher, told
from streams.drops import Refusal, Waiting
from streams.errors import ListwireError, WireError
from streams.polling import FeedState, Outcome, worth_storing

BATCH = 100

logger = get_logger("collector")


class Collected(NamedTuple):
    """What one round, or several, did with files that are out of our hands now."""

    files: int = 0
    stories: int = 0
    refused: int = 0

    def plus(self, more: Collected) -> Collected:
        """Both together."""
        return Collected(self.files + more.files, self.stories + more.stories, self.refused + more.refused)


async def _nothing() -> None:
    """There is one process, and the store knows what it saved."""


class Collector:
    """`run` watches until it is cancelled; `collect` is one round, `collect_all` rounds until nothing waits."""

    def __init__(
        self,
        intake: Intake,
        *,
        store: Remembers,
        observe: Observe = lambda look: None,
        refresh: Callable[[], Awaitable[None]] = _nothing,
        habits: Habits | None = None,
    ) -> None:
        """`refresh` brings the store up to date with what another process saved, when we take over from one."""
        self.feed = intake.feed
        self.state: FeedState | None = None
        self._intake = intake
        self._world = intake.world
        self._watcher = Watcher(intake.feed, habits or Habits(), intake.world.now)
        self._store = store
        self._observe = observe
        self._refresh = refresh
        self._turn = 0
        self._trouble = ""
        self._unwatched = 0  # rounds in a row in which the folder could not be had

    async def run(self) -> None:
        """Watches the folder for ever."""
        troubles = 0
        try:
            while True:
                collected = await self._attempt()
                troubles = troubles + 1 if collected is None else 0
                await self._world.sleep(self._pause_s(collected, troubles))
        finally:
            self.close()

    async def collect_all(self) -> Collected:
        """Collects until two looks, far enough apart for a file to be whole, find nothing. Raises ListwireError."""
        total, idle = Collected(), 0
        while idle < 2:
            part = await self.collect()
            if self._watcher.standing_by:
                raise ListwireError(f"{self.feed.key}: folder {self.feed.folder} is watched by another process")
            total, idle = total.plus(part), 0 if part.files else idle + 1
            await self._world.sleep(0 if part.files else self._watcher.habits.settle_s)
        return total

    async def collect(self) -> Collected:
        """Takes what is whole and publishes what is in hand, both in order of age.

        Raises FolderError, or another ListwireError if stories or state could not be handed over.
        """
        if not await self._watcher.open():
            return Collected()
        before = after = await self._state()
        handled: list[tuple[Waiting, Taken, float]] = []
        for file in await self._watcher.take(BATCH):
            started = time.perf_counter()
            taken = await self._handle(file, after)
            if taken is not None:
                after = taken.state
                handled.append((file, taken, time.perf_counter() - started))
        if worth_storing(before, after):
            await self._store.save(self.feed.key, after)
        self.state = after
        ended = [taken for file, taken, took in handled if await self._settle(file, taken, took)]
        return Collected(len(ended), sum(t.stories for t in ended), sum(not t.is_fine for t in ended))

    @property
    def is_watching(self) -> bool:
        """Whether the folder is ours now, and no other process's."""
        return self._watcher.is_ours

    def close(self) -> None:
        """Lets another process watch the folder."""
        self._watcher.close()

    async def _state(self) -> FeedState:
        if self._turn != self._watcher.turn:
            await self._refresh()
            self.state, self._turn = None, self._watcher.turn
        if self.state is None:
            self.state = await self._store.load(self.feed.key) or FeedState(feed=self.feed.key)
        return self.state

    async def _handle(self, file: Waiting, state: FeedState) -> Taken | None:
        """Publishes the stories of a file in hand; None if it is gone."""
        try:
            raw = await self._watcher.read(file)
        except WireError as error:
            return self._intake.refused(told(file.name), state, Outcome(error.reason), error.detail)
        except PermissionError as error:
            return Taken(state, UNREADABLE, detail=error.strerror or "")
        return None if raw is None else await self._intake.take(raw, told(file.name), state)

    async def _settle(self, file: Waiting, taken: Taken, took: float) -> bool:
        name, now = told(file.name), self._world.now()
        refusal = Refusal(file=name, feed=self.feed.key, reason=taken.outcome, detail=taken.detail, at=now)
        settled = await self._watcher.settle(file, None if taken.is_fine else refusal)
        if settled:
            self._observe(Look(self.feed.key, taken.outcome, took, taken.stories, taken.kept_back))
        return settled

    async def _attempt(self) -> Collected | None:
        """One round; None if it met trouble. A fault of ours ends the round alone."""
        started = time.perf_counter()
        round_ = await _ended(self.collect())
        trouble, took = round_.exception(), time.perf_counter() - started
        if trouble is None:
            self._trouble, self._unwatched = "", 0
            if self.is_watching:
                count_round(self.feed.key, 0)
            return round_.result()
        if isinstance(trouble, FolderError):
            self._warn_once("folder cannot be watched", trouble)
            self._observe(Look(self.feed.key, Outcome.CONNECT_ERROR, took))
            self._unwatched += 1
            count_round(self.feed.key, self._unwatched)
        elif isinstance(trouble, ListwireError):
            self._warn_once("files not handed over", trouble)
            self._observe(Look(self.feed.key, UNSENT, took))
        else:
            logger.error("collecting met a fault of ours", feed=self.feed.key, exc_info=trouble)
            self._observe(Look(self.feed.key, FAULT, took))
        return None

    def _warn_once(self, event: str, trouble: ListwireError) -> None:
        if str(trouble) != self._trouble:
            logger.warning(event, feed=self.feed.key, error=str(trouble))
        self._trouble = str(trouble)

    def _pause_s(self, collected: Collected | None, troubles: int) -> float:
        if collected is None:
            return min(RETRY_FIRST_S * 2.0 ** min(troubles - 1, 16), RETRY_LIMIT_S)
        return 0.0 if collected.files == BATCH else self._watcher.habits.settle_s


async def _ended(collecting: Coroutine[Any, Any, Collected]) -> asyncio.Task[Collected]:
    """The round as a task that has ended, well or not: a fault in it is a value here and unwinds nothing."""
    task = asyncio.create_task(collecting)
    try:
        await asyncio.wait({task})
    finally:
        task.cancel()
        await asyncio.wait({task})
    return task
