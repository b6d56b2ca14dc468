"""Where hubs call us: GET and POST at `<base>/<feed>/<token>`, and nothing else.

The port speaks plain HTTP; whatever speaks TLS at the public address passes the path on unchanged. Who does not know a
callback learns nothing: 404, before a byte of a body is read. Who does, and cannot sign, learns nothing either: section
7.1.2 lets a forged push be acknowledged like a true one, and it is counted.

A push is acknowledged when the broker has its stories, or the hub is to send it again: section 7 would have us answer
at once, but then a crash would leave the story to the next, slow poll.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.http_exceptions import PayloadEncodingError

from agents.logs import get_logger
from agents.metrics import LEASES, PUSHES
from agents.websub import Delivery, Subscriber
from streams.errors import SettingsError
from streams.websub import Push
from streams.wires.compression import MAX_DOCUMENT_BYTES

CHUNK_BYTES = 65_536
RETRY_AFTER_S = 60

_STATUS = {
    Push.UNKNOWN: 404,
    Push.TOO_LARGE: 413,
    Push.CUT_OFF: 408,
    Push.BUSY: 503,
    Push.UNSENT: 503,
}
"""All others are 202: to be refused again and again would help nobody, or would tell a forger how far he got."""

Observe = Callable[[Push], None]

logger = get_logger("callbacks")
_silent = logging.Logger("silent")  # the server would log malformed requests whole, with the token in their path
_silent.disabled = True


@dataclass(frozen=True, slots=True)
class Limits:
    """What pushes may take."""

    body_bytes: int = MAX_DOCUMENT_BYTES
    read_s: float = 30.0  # for a whole body
    take_s: float = 60.0  # until the broker has what was in it
    at_once: int = 16  # each may hold a body in memory while the broker is awaited


class RefusedBodyError(Exception):
    """The body is not read to its end, for this reason."""

    def __init__(self, outcome: Push) -> None:
        super().__init__(outcome)
        self.outcome = outcome


def count(outcome: Push) -> None:
    """Counts a push where Prometheus sees it."""
    PUSHES.labels(outcome=outcome).inc()


@asynccontextmanager
async def called(
    subscriber: Subscriber, host: str, port: int, *, limits: Limits | None = None, observe: Observe = count
) -> AsyncIterator[int]:
    """Serves the callbacks for as long as the block runs and yields the port, which is a free one if `port` is 0.

    Raises SettingsError if the address cannot be had.
    """
    made = _application(_Callbacks(subscriber, limits or Limits(), observe), urlsplit(subscriber.base).path)
    runner = web.AppRunner(made, access_log=None, logger=_silent, shutdown_timeout=1.0, auto_decompress=False)
    await runner.setup()
    LEASES.set_function(subscriber.leases)
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            raise SettingsError(f"hubs' calls cannot be heard on {host}:{port}: {error.strerror}") from None
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


def _application(callbacks: _Callbacks, path: str) -> web.Application:
    application = web.Application()
    application.router.add_get(f"{path}/{{feed}}/{{token}}", callbacks.told, allow_head=False)
    application.router.add_post(f"{path}/{{feed}}/{{token}}", callbacks.pushed)
    application.on_response_prepare.append(_nameless)
    return application


class _Callbacks:
    def __init__(self, subscriber: Subscriber, limits: Limits, observe: Observe) -> None:
        self._subscriber = subscriber
        self._limits = limits
        self._observe = observe
        self._reading = 0

    async def told(self, request: web.Request) -> web.Response:
        """A hub verifies or denies."""
        feed, token = request.match_info["feed"], request.match_info["token"]
        body = await self._subscriber.answer(feed, token, request.rel_url.raw_query_string)
        if body is None:
            return web.Response(status=404)
        return web.Response(text=body, headers={"X-Content-Type-Options": "nosniff"})

    async def pushed(self, request: web.Request) -> web.Response:
        """A hub pushes."""
        try:
            outcome = await self._outcome(request)
        except Exception:
            self._observe(Push.FAULT)
            logger.error("push met a fault of ours", feed=request.match_info["feed"], exc_info=True)
            raise
        self._observe(outcome)
        status = _STATUS.get(outcome, 202)
        return web.Response(status=status, headers={"Retry-After": str(RETRY_AFTER_S)} if status == 503 else None)

    async def _outcome(self, request: web.Request) -> Push:
        feed, token = request.match_info["feed"], request.match_info["token"]
        if not self._subscriber.knows(feed, token):
            return Push.UNKNOWN
        if self._reading >= self._limits.at_once:
            return Push.BUSY
        self._reading += 1
        try:
            body = await self._body(request)
            signatures = tuple(request.headers.getall("X-Hub-Signature", ()))
            delivery = Delivery(signatures, body, request.headers.get("Content-Type"))
            async with asyncio.timeout(self._limits.take_s):
                return await self._subscriber.take(feed, token, delivery)
        except RefusedBodyError as refused:
            return refused.outcome
        except TimeoutError:
            return Push.UNSENT
        finally:
            self._reading -= 1

    async def _body(self, request: web.Request) -> bytes:
        """The body as it came, still packed: that is what is signed."""
        cap = self._limits.body_bytes
        body = bytearray()
        too_large = (request.content_length or 0) > cap
        try:
            async with asyncio.timeout(self._limits.read_s):
                while not too_large and (chunk := await request.content.read(CHUNK_BYTES)):
                    body += chunk
                    too_large = len(body) > cap
        except (TimeoutError, ConnectionError, PayloadEncodingError):
            raise RefusedBodyError(Push.CUT_OFF) from None
        if too_large:
            raise RefusedBodyError(Push.TOO_LARGE)
        return bytes(body)


async def _nameless(_: web.Request, response: web.StreamResponse) -> None:
    response.headers.pop("Server", None)
