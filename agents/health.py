"""Metrics and health over HTTP: GET `/metrics`, `/livez`, `/readyz`, and nothing else.

`/livez` answers while the event loop turns. `/readyz` is 503 with the reasons, one a line, until the process
does its work. No story text is ever served here, no Server header either.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web
from prometheus_client.aiohttp import make_aiohttp_handler

from streams.errors import SettingsError

Missing = Callable[[], Awaitable[list[str]]]
"""What keeps the process from its work right now, as phrases; empty means that it is ready."""


@asynccontextmanager
async def serving(host: str, port: int, missing: Missing) -> AsyncIterator[int]:
    """Serves for as long as the block runs and yields the port, which is a free one if `port` is 0.

    Raises SettingsError if the address cannot be had.
    """
    runner = web.AppRunner(_application(missing), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            raise SettingsError(f"metrics and health cannot listen on {host}:{port}: {error.strerror}") from None
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


def _application(missing: Missing) -> web.Application:
    async def livez(_: web.Request) -> web.Response:
        return web.Response(text="alive\n")

    async def readyz(_: web.Request) -> web.Response:
        problems = await missing()
        if problems:
            return web.Response(status=503, text="".join(f"{problem}\n" for problem in problems))
        return web.Response(text="ready\n")

    application = web.Application()
    application.router.add_get("/metrics", make_aiohttp_handler(), allow_head=False)
    application.router.add_get("/livez", livez, allow_head=False)
    application.router.add_get("/readyz", readyz, allow_head=False)
    application.on_response_prepare.append(_nameless)
    return application


async def _nameless(_: web.Request, response: web.StreamResponse) -> None:
    response.headers.pop("Server", None)
