"""One POST of JSON to an address that the operator named, and what its answer means for the next try.

    2xx                         delivered
    4xx but 408, 425 and 429    refused: it will be refused again
    anything else               worth another try: 3xx (a page for maintenance), 5xx, no connection, no answer in time

It dials through the egress guard, so that a name which suddenly leads inside is not followed there; the port that
the operator wrote is one of the web here. Plain http goes only into a network that the operator allows. No error
shows the address, which for many receivers is the secret itself, nor what the receiver answered.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import aiohttp
from yarl import URL

from agents.egress import PORTS, BlockedAddress, guard, inner_guard
from agents.fetching import NO_ADDRESS, Limits, guarded_session, user_agent
from agents.metrics import Way
from agents.sinks import Means, Refusal, SinkError
from streams.schedule import retry_after_s

PASSING_4XX = frozenset({408, 425, 429})
ANSWER_BYTES = 1_024
LIMITS = Limits(total_s=30.0, connect_s=10.0, read_s=20.0)
NOT_ALLOWED = "may not be dialled: not a public address, or not over TLS, and not in LISTWIRE_ALLOW_NETWORKS"


def web_address(text: str) -> URL | None:
    """The address if it can be posted to: http or https, a host, no user in it."""
    try:
        url = URL(text, encoded=True)
        fine = url.scheme in {"http", "https"} and bool(url.host) and bool(url.port) and url.user is None
    except NO_ADDRESS:
        return None
    return url if fine and text.isascii() and text.isprintable() and " " not in text else None


class Poster:
    """Posts to any address until it is closed; its sessions are made when first needed, inside the event loop."""

    def __init__(self, means: Means, limits: Limits = LIMITS) -> None:
        self._means = means
        self._limits = limits
        self._session: tuple[URL, aiohttp.ClientSession] | None = None

    async def post(self, url: URL, body: bytes, now: datetime, headers: Mapping[str, str] | None = None) -> bytes:
        """The first bytes of the answer, once delivered. Raises SinkError or Refusal."""
        session = await self._session_for(url.origin())
        head = {"Content-Type": "application/json", **(headers or {})}
        try:
            async with session.post(url, data=body, headers=head, allow_redirects=False) as answer:
                _judge(answer, now)
                return await _heard(answer)
        except TimeoutError:
            raise SinkError("no answer in time") from None
        except aiohttp.ClientConnectorError as error:
            raise SinkError(_unreached(error.os_error)) from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise SinkError(f"no whole answer: {type(error).__name__}") from None

    async def close(self) -> None:
        """Lets go of the connections."""
        if self._session is not None:
            await self._session[1].close()
            self._session = None

    async def _session_for(self, origin: URL) -> aiohttp.ClientSession:
        if self._session is not None and self._session[0] == origin:
            return self._session[1]
        await self.close()
        allowed, ports = self._means.allowed, PORTS | {origin.port or 443}
        factory = guard(allowed, ports, way=Way.SINK) if origin.scheme == "https" else inner_guard(allowed, Way.SINK)
        session = guarded_session(factory, self._limits, {"User-Agent": user_agent(self._means.contact)})
        self._session = origin, session
        return session


async def _heard(answer: aiohttp.ClientResponse) -> bytes:
    """The first bytes of an answer that said yes; one that then breaks off or never ends has still said it."""
    try:
        return await answer.content.read(ANSWER_BYTES)
    except (TimeoutError, aiohttp.ClientError):
        return b""


def _judge(answer: aiohttp.ClientResponse, now: datetime) -> None:
    if 200 <= answer.status < 300:
        return
    if 400 <= answer.status < 500 and answer.status not in PASSING_4XX:
        raise Refusal(f"HTTP {answer.status}")
    wait_s = retry_after_s({"retry-after": answer.headers.get("Retry-After", "")}, now)
    raise SinkError(f"HTTP {answer.status}", wait_s)


def _unreached(error: OSError) -> str:
    if isinstance(error, BlockedAddress):
        return NOT_ALLOWED
    return f"no connection: {error.strerror or type(error).__name__}"
