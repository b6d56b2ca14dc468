"""One POST to a WebSub hub, with the limits and the guard of a fetch. Its failures are values, never exceptions.

A hub may lead on to another (307 and 308, section 5.1.2); each hop is looked at as a feed's is. What a hub writes in
its answer is not read: it may quote the secret that it was sent.
"""

import asyncio
from collections.abc import Collection, Mapping
from types import TracebackType
from typing import NamedTuple, Self

import aiohttp

from agents.egress import PORTS, Network, guard
from agents.fetching import NO_ADDRESS, Limits, RefusedError, Trail, connect_problem, guarded_session, user_agent
from agents.metrics import Way

LEADS_ON = frozenset({307, 308})


class Answer(NamedTuple):
    """Whether the hub accepted the request, and what is known of it if not."""

    accepted: bool
    detail: str = ""


class Hubs:
    """Asks hubs until it is closed: `async with Hubs(contact=...) as hubs`."""

    def __init__(
        self,
        *,
        contact: str | None = None,
        allowed: Collection[Network] = (),
        ports: Collection[int] = PORTS,
        limits: Limits | None = None,
    ) -> None:
        self._limits = limits or Limits()
        self._guard = guard(allowed, ports, way=Way.WEBSUB)
        self._headers = {"User-Agent": user_agent(contact), "Accept": "*/*", "Accept-Encoding": "identity"}
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = guarded_session(self._guard, self._limits, self._headers)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def post(self, url: str, form: Mapping[str, str]) -> Answer:
        """What came of sending the form to the hub."""
        try:
            trail = Trail(url)
        except NO_ADDRESS:
            return Answer(False, "not an address that can be asked")
        try:
            async with asyncio.timeout(self._limits.total_s):
                return await self._follow(trail, form)
        except RefusedError as refused:
            return Answer(False, f"{refused.outcome}: {refused.detail}")
        except TimeoutError:
            return Answer(False, "no answer in time")
        except aiohttp.ClientResponseError:
            return Answer(False, "the answer is not HTTP")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            outcome, detail = connect_problem(error)
            return Answer(False, f"{outcome}: {detail}")

    async def _follow(self, trail: Trail, form: Mapping[str, str]) -> Answer:
        if self._session is None:
            raise RuntimeError("Hubs is used inside `async with`")
        for _ in range(self._limits.redirects + 1):
            async with self._session.post(trail.url, data=dict(form), allow_redirects=False) as response:
                location = response.headers.get("Location")
                if response.status not in LEADS_ON or location is None:
                    accepted = 200 <= response.status < 300
                    return Answer(accepted, "" if accepted else f"HTTP {response.status}")
            trail.step(location, permanent=response.status == 308)
        return Answer(False, f"more than {self._limits.redirects} redirects")
