"""Who follows the page right now. Nobody is waited for: who falls behind is let go, comes back and resumes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

BEHIND_AT_MOST = 200
READERS_AT_MOST = 200


class Event(NamedTuple):
    """One event of the stream; `data` is JSON on one line."""

    name: str
    data: str
    id: str | None = None


Seat = asyncio.Queue[Event | None]
"""What one reader still has to be sent; None is the end."""


class FullHouse(Exception):  # noqa: N818 - a state, not a fault
    """There are as many readers as may be."""


class Audience:
    """The readers of the event stream."""

    def __init__(self) -> None:
        self._seats: set[Seat] = set()
        self._closed = False

    @contextmanager
    def seat(self) -> Iterator[Seat]:
        """A queue of what is told while the block runs. Raises FullHouse."""
        if len(self._seats) >= READERS_AT_MOST or self._closed:
            raise FullHouse
        seat: Seat = asyncio.Queue(BEHIND_AT_MOST)
        self._seats.add(seat)
        try:
            yield seat
        finally:
            self._seats.discard(seat)

    def tell(self, event: Event) -> None:
        """Puts the event before every reader."""
        for seat in list(self._seats):
            if seat.full():
                self._dismiss(seat)
            else:
                seat.put_nowait(event)

    def close(self) -> None:
        """Ends all streams, and lets nobody in."""
        self._closed = True
        for seat in list(self._seats):
            self._dismiss(seat)

    def _dismiss(self, seat: Seat) -> None:
        self._seats.discard(seat)
        while not seat.empty():
            seat.get_nowait()
        seat.put_nowait(None)
