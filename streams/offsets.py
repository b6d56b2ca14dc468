"""How far a partition may be committed, while some of its messages are still being handled.

    handed over   5  6  7  8  9          what is done: 5, 6, 8
    passed over         ^     ^ 10 11    needs no handling
    may commit    7                      the first that is not done; 12 once 7 and 9 are

A consumer that keeps lists of what is done has to guess at the holes in them (compaction, markers of transactions, the
message at hand), and Faust's guess commits past a message that is still being handled. Here the order of the log is
kept instead: what is not done stands first in the line, and nothing behind it counts.
"""

from __future__ import annotations

from collections import deque
from typing import Protocol


class Handed(Protocol):
    """A message that somebody handles; `acked` once all is done that it causes."""

    offset: int
    acked: bool


class Line:
    """The messages of one partition in the order of its log, from where reading began."""

    __slots__ = ("_next", "_waiting")

    def __init__(self) -> None:
        self._waiting: deque[Handed] = deque()
        self._next: int | None = None

    def hand_over(self, message: Handed) -> None:
        """The message is with somebody from now on. One that comes again takes the place of its earlier copy."""
        self._reach(message.offset)
        self._waiting.append(message)

    def pass_over(self, offset: int) -> None:
        """The message there asks for nothing."""
        self._reach(offset)

    def committable(self) -> int | None:
        """The offset to go on from after a crash; None as long as nothing was read."""
        while self._waiting and self._waiting[0].acked:
            self._waiting.popleft()
        return self._waiting[0].offset if self._waiting else self._next

    def _reach(self, offset: int) -> None:
        """Goes on to `offset`, forward or, after a seek, back: what was read beyond it will be read again."""
        while self._waiting and self._waiting[-1].offset >= offset:
            self._waiting.pop()
        self._next = offset + 1
