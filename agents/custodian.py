"""Stands between all who bring stories and the broker: holds what is under embargo, and publishes it at its time.

    poller, pushes ─┐                ┌▶ wire.stories
    folders         ├▶  custodian  ──┤        ▲  at its time, then the tombstone
    stdin          ─┘                └▶ wire.held

Whoever follows a feed releases what is held of it, under the same lock that its new revisions pass, so that no release
overtakes the kill of its story. What is held of a feed that nobody here follows is released a minute or two late: its
follower, wherever it runs, comes first, and if there is none (a feed was piped in, or removed) the story is not lost.
Two who release the same one publish it under the same id and revision, which readers count once.

Held is acknowledged before the feed's state is stored. Published is acknowledged before the tombstone is written, so a
crash in between publishes again under the same id and revision.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import timedelta
from itertools import groupby

from agents.feed_state import Publishes
from agents.held import HeldLog
from agents.logs import get_logger
from agents.messages import Outgoing
from agents.polls import RETRY_FIRST_S, RETRY_LIMIT_S, Surroundings
from agents.timing import observe_fetched, received_at
from streams.codec import encode
from streams.embargo import LOOK_AGAIN_S, Plan, received, released, wait_s
from streams.errors import ListwireError
from streams.records import Story
from streams.topics import Topic

OWN = timedelta()

logger = get_logger("custodian")


def _nobody(feed: str) -> bool:
    return False


class Custodian:
    """`publish` takes what comes in; `run` releases until it is cancelled, `release` what is due now."""

    def __init__(
        self,
        held: HeldLog,
        publisher: Publishes,
        *,
        follows: Callable[[str], bool] = _nobody,
        world: Surroundings | None = None,
    ) -> None:
        """`follows` says whether the stories of a feed are brought, and thus released, by this process."""
        self.held = held
        self._publisher = publisher
        self._follows = follows
        self._world = world or Surroundings()
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)  # by feed
        self._woken = asyncio.Event()
        self._grace = timedelta(seconds=LOOK_AGAIN_S * (1 + self._world.jitter()))  # so that few act at once

    async def publish(self, stories: Sequence[Story]) -> None:
        """Publishes or holds each story, in order; returns when the broker has acknowledged all.

        Raises BrokerDown or Undeliverable, and then all of it may be handed in again.
        """
        for feed, portion in groupby(stories, key=lambda story: story.feed):
            await self._receive(feed, tuple(portion))

    async def run(self) -> None:
        """Releases each story at its time, for ever."""
        troubles = 0
        while True:
            self._woken.clear()
            try:
                await self.release()
                pause_s, troubles = self._pause_s(), 0
            except ListwireError as error:
                logger.warning("held stories not released", error=str(error))
                pause_s = min(RETRY_FIRST_S * 2.0 ** min(troubles, 16), RETRY_LIMIT_S)
                troubles += 1
            await self._pause(pause_s)

    async def release(self) -> int:
        """Publishes what is due, and returns how many stories that were. Raises BrokerDown."""
        await self.held.refresh()
        now = self._world.now()
        feeds = dict.fromkeys(story.feed for story in released(self.held.stories(), now).publish)
        count = sum([await self._release(feed) for feed in feeds])
        await self.held.ensure()
        return count

    async def _receive(self, feed: str, stories: Sequence[Story]) -> None:
        async with self._turns[feed]:
            await self.held.ensure()
            plan = received(stories, self.held.of(story.id for story in stories), self._world.now())
            await self._act(plan)
        if plan.hold:
            self._woken.set()

    async def _release(self, feed: str) -> int:
        async with self._turns[feed]:
            await self.held.ensure()
            own = {story: held for story, held in self.held.stories().items() if held[0].story.feed == feed}
            plan = released(own, self._world.now(), self._grace_of(feed))
            await self._act(plan)
        for story in plan.publish:
            logger.debug("embargo ended", feed=feed, story=story.id)
        return len(plan.publish)

    async def _act(self, plan: Plan) -> None:
        now = self._world.now()
        changes = [
            *(Outgoing(Topic.HELD, held.key.encode(), encode(held)) for held in plan.hold),
            *(
                Outgoing(Topic.STORIES, story.id.encode(), encode(story), received_at(story, now))
                for story in plan.publish
            ),
            *(Outgoing(Topic.HELD, held.key.encode(), None) for held in plan.drop),
        ]
        try:
            await self._publisher.publish(*changes)
            for story in plan.publish:
                observe_fetched(story, self._world.now())
        finally:
            if plan.hold or plan.drop:
                self.held.wrote()

    def _grace_of(self, feed: str) -> timedelta:
        return OWN if self._follows(feed) else self._grace

    def _pause_s(self) -> float:
        now = self._world.now()
        pauses = (wait_s(held.until, now - self._grace_of(held.story.feed)) for held in self.held.listed())
        return min(pauses, default=LOOK_AGAIN_S)

    async def _pause(self, seconds: float) -> None:
        """Sleeps so long, or until something new is held."""
        either = (asyncio.ensure_future(self._world.sleep(seconds)), asyncio.ensure_future(self._woken.wait()))
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in either:
                task.cancel()
            await asyncio.gather(*either, return_exceptions=True)
