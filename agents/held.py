"""What is held, as the topic `wire.held` has it: a fold of the log, never a truth of its own.

Every process that brings or releases stories sees all of them. They are few, and so it does not matter in which
partition a story lies, who follows its feed, or who brought it: a feed that moves to another poller moves no messages.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence

from agents.logs import get_logger
from agents.memory import ReadLog
from agents.messages import Incoming
from agents.metrics import HELD, NEXT_RELEASE
from streams.codec import decode
from streams.embargo import Held, newest_of
from streams.errors import RecordError
from streams.records import StoryId
from streams.topics import Topic, partitions_of

logger = get_logger("held")


class HeldLog:
    """What the log holds up to where it was read last. It changes by reading alone, so it never runs ahead of it."""

    def __init__(self, read: ReadLog) -> None:
        self._read = read
        self._ends = dict.fromkeys(range(partitions_of(Topic.HELD)), 0)
        self._held: dict[str, Held] = {}
        self._reading = asyncio.Lock()
        self._written = 0
        self._known = -1  # of what was written, how much has certainly been read

    def wrote(self) -> None:
        """Something may have been added to the log: what is here is stale."""
        self._written += 1

    async def refresh(self) -> None:
        """Reads on to the end of the log. Raises BrokerDown."""
        async with self._reading:
            await self._read_on()

    async def ensure(self) -> None:
        """Reads on if what this process wrote is not seen yet. Raises BrokerDown."""
        if self._is_stale():
            async with self._reading:
                if self._is_stale():
                    await self._read_on()

    def of(self, stories: Iterable[StoryId]) -> Mapping[StoryId, Sequence[Held]]:
        """What is held of these."""
        wanted = frozenset(stories)
        return {story: held for story, held in self.stories().items() if story in wanted}

    def stories(self) -> Mapping[StoryId, Sequence[Held]]:
        """What is held of every story."""
        found: dict[StoryId, list[Held]] = {}
        for held in self._held.values():
            found.setdefault(held.story.id, []).append(held)
        return found

    def listed(self) -> list[Held]:
        """One for each story, the first to end first."""
        return sorted(map(newest_of, self.stories().values()), key=lambda held: (held.until, held.key))

    def _is_stale(self) -> bool:
        return self._known < self._written

    async def _read_on(self) -> None:
        written = self._written
        for partition in self._ends:
            async for message in self._read(Topic.HELD, partition, self._ends[partition], None):
                self._take(message)
                self._ends[partition] = message.offset + 1
        self._known = written
        HELD.set(len(self.stories()))
        NEXT_RELEASE.set(min((held.until.timestamp() for held in self.listed()), default=0))

    def _take(self, message: Incoming) -> None:
        key = (message.key or b"").decode("utf-8", "replace")
        self._held.pop(key, None)
        if message.value is None:
            return
        try:
            self._held[key] = decode(message.value, Held)
        except RecordError as error:
            logger.warning("held story unreadable", story=key, origin=message.origin, error=str(error))
