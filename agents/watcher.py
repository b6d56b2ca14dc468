"""Watches one folder: `agents.drops` without blocking, with its looks compared and its errors named."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple, ParamSpec, TypeVar

from agents.drops import DropFolder
from agents.logs import get_logger
from streams.drops import Refusal, Still, Waiting, watched, whole
from streams.errors import ListwireError
from streams.feeds import FeedSpec
from streams.wires.compression import MAX_DOCUMENT_BYTES

logger = get_logger("watcher")
P = ParamSpec("P")
T = TypeVar("T")


class FolderError(ListwireError):
    """A watched folder that is missing, or where we may not do what must be done."""

    def __init__(self, feed: str, folder: Path, problem: str) -> None:
        super().__init__(f"{feed}: folder {folder}: {problem}")
        self.feed = feed
        self.folder = folder


class Habits(NamedTuple):
    """How a folder is watched."""

    settle_s: float = 2.0  # a file that did not change for so long is whole; also the time between two looks
    keep_days: int = 7  # published files are deleted after so many days


class Watcher:
    """The folder of one feed. Every method raises FolderError, once the folder is not what it should be."""

    def __init__(self, feed: FeedSpec, habits: Habits, now: Callable[[], datetime]) -> None:
        self.standing_by = False
        self.habits = habits
        self._feed = feed
        self._folder = DropFolder(Path(feed.folder or ""))
        self._now = now
        self._files: dict[str, Still] = {}
        self._untakeable: set[str] = set()
        self._pruned: date | None = None

    @property
    def turn(self) -> int:
        """How often the folder became ours: after each time, another process may have watched it before."""
        return self._folder.turn

    @property
    def is_ours(self) -> bool:
        """Whether this process watches the folder, and no other does."""
        return self._folder.is_ours

    async def open(self) -> bool:
        """False while another process watches the folder."""
        ours = await self._disk(self._folder.open)
        if not ours and not self.standing_by:
            logger.info("folder is watched by another process", feed=self._feed.key, folder=self._feed.folder)
        self.standing_by = not ours
        return ours

    def close(self) -> None:
        """Lets another process watch the folder."""
        self._folder.close()

    async def take(self, limit: int) -> list[Waiting]:
        """What is in hand, the oldest first, after as much as there is room for was taken of what is whole."""
        await self._prune()
        now = self._now()
        self._files = watched(self._files, await self._disk(self._folder.look), now)
        self._untakeable &= set(self._files)
        room = limit - len(await self._disk(self._folder.held, limit))
        ready = sorted(whole(self._files, now, self.habits.settle_s), key=self._untakeable.__contains__)
        for name in ready[:room]:
            await self._take(name)
        return await self._disk(self._folder.held, limit)

    async def read(self, file: Waiting) -> bytes | None:
        """The bytes of a file in hand; None if it is gone.

        Raises WireError `too-large`, PermissionError where that is the file's own matter.
        """
        try:
            return await asyncio.to_thread(self._folder.read, file, MAX_DOCUMENT_BYTES)
        except FileNotFoundError:
            return None
        except PermissionError:
            raise
        except OSError as error:
            raise self._named(error) from None

    async def settle(self, file: Waiting, refusal: Refusal | None) -> bool:
        """Moves a file out of our hands; False if its upload went on meanwhile, so that it must be read again."""
        if not await self._disk(self._folder.is_as_read, file):
            return False
        if refusal is None:
            await self._disk(self._folder.keep, file.name, self._now().date())
            return True
        place = told(str(await self._disk(self._folder.refuse, file.name, refusal)))
        facts = {"feed": self._feed.key, "outcome": refusal.reason, "detail": refusal.detail}
        logger.warning("file refused", file=place, **facts)
        return True

    async def _take(self, name: str) -> None:
        """A file that we may not move is told of once: with the sticky bit set, those of others stay."""
        try:
            await asyncio.to_thread(self._folder.take, name)
        except OSError as error:
            if name not in self._untakeable:
                logger.warning("file cannot be taken", feed=self._feed.key, file=told(name), error=error.strerror)
            self._untakeable.add(name)

    async def _prune(self) -> None:
        """Once a day. What cannot be deleted is no reason to publish nothing."""
        today = self._now().date()
        if self._pruned == today:
            return
        self._pruned = today
        try:
            await self._disk(self._folder.prune, today - timedelta(days=self.habits.keep_days))
        except FolderError as error:
            logger.warning("published files cannot be deleted", feed=self._feed.key, error=str(error))

    async def _disk(self, act: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await asyncio.to_thread(act, *args, **kwargs)
        except OSError as error:
            raise self._named(error) from None

    def _named(self, error: OSError) -> FolderError:
        inside = error.filename is not None and os.fspath(error.filename) != str(self._folder.path)
        where = f" ({told(os.fspath(error.filename))})" if inside else ""
        return FolderError(self._feed.key, self._folder.path, f"{error.strerror}{where}")


def told(name: str) -> str:
    """A name as text that can be written anywhere; on disk it may be any bytes."""
    return os.fsencode(name).decode("utf-8", "replace")
