"""Turns at the hosts that feeds live on: one request at a time, a pause after each, and silence where one is asked for.

A server that answers 429 or 503 means all that we fetch from it, so its other feeds wait as well, but never longer than
a few minutes: a host with many feeds must not fall silent for a day because one of them is asked for too often.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

SILENCE_AT_MOST_S = 300.0


@dataclass(slots=True)
class _Host:
    busy: asyncio.Lock = field(default_factory=asyncio.Lock)
    free_from: datetime | None = None


class Hosts:
    """The hosts that were asked for something so far."""

    def __init__(
        self, now: Callable[[], datetime], sleep: Callable[[float], Awaitable[None]], spacing_s: float = 1.0
    ) -> None:
        self._now = now
        self._sleep = sleep
        self._spacing_s = spacing_s
        self._hosts: defaultdict[str, _Host] = defaultdict(_Host)

    @asynccontextmanager
    async def turn(self, name: str) -> AsyncIterator[None]:
        """The block has the host for itself."""
        host = self._hosts[name]
        async with host.busy:
            while host.free_from is not None and (wait_s := (host.free_from - self._now()).total_seconds()) > 0:
                await self._sleep(wait_s)
            try:
                yield
            finally:
                self._not_before(host, self._spacing_s)

    def silence(self, name: str, seconds: float) -> None:
        """Nothing is asked of the host for so long."""
        self._not_before(self._hosts[name], min(seconds, SILENCE_AT_MOST_S))

    def _not_before(self, host: _Host, seconds: float) -> None:
        until = self._now() + timedelta(seconds=seconds)
        host.free_from = max(host.free_from or until, until)
