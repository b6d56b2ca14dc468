"""The service: a follower that fills the board, a site that shows it, until a signal."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from agents.kafka import require_broker
from agents.link_settings import link_of
from agents.logs import get_logger
from agents.messages import Incoming
from agents.settings import Settings
from agents.signals import stop_signal
from agents.vitals import tell_vitals
from agents.web.board import Board
from agents.web.follower import Follower
from agents.web.site import Site
from streams.errors import RecordError, SettingsError
from streams.registry import Registry

logger = get_logger("web")


async def run_web(settings: Settings, registry: Registry, say: Callable[[str], None]) -> int:
    """Serves until a signal (0) or the end of the follower (1).

    Raises SettingsError or BrokerError for what an operator has to put right.
    """
    broker = link_of(settings)
    stop = stop_signal()
    tell_vitals(settings.data_dir)
    await require_broker(broker)
    follower = Follower(broker, lambda message: _take(site, message))
    site = Site(Board(settings.web_keep), registry, follower.caught_up.is_set, lambda: follower.broker_answers)
    allowed = frozenset(name.lower() for name in (settings.web_host, *settings.web_names))
    async with serving(site.application(allowed), settings.web_host, settings.web_port) as address:
        say(f"the page is at {address}")
        return await _until_stopped(stop, follower, site)


@asynccontextmanager
async def serving(application: web.Application, host: str, port: int) -> AsyncIterator[str]:
    """Serves for as long as the block runs and yields the address. Raises SettingsError if it cannot be had."""
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=2.0)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            raise SettingsError(f"the page cannot listen on {host}:{port}: {error.strerror}") from None
        name = f"[{host}]" if ":" in host else host
        yield f"http://{name}:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


async def _until_stopped(stop: asyncio.Event, follower: Follower, site: Site) -> int:
    async def follow() -> None:
        await follower.caught_up.wait()
        site.tell_ready()

    ready = asyncio.create_task(follow())
    following = asyncio.create_task(follower.run())
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait([following, stopping], return_when=asyncio.FIRST_COMPLETED)
    died = following.done() and not stop.is_set()
    if died:
        logger.critical("follower died", error=repr(following.exception()))
    for task in (ready, following, stopping):
        task.cancel()
    await asyncio.gather(ready, following, stopping, return_exceptions=True)
    return int(died)


def _take(site: Site, message: Incoming) -> None:
    try:
        site.take(message)
    except RecordError as error:
        logger.warning("message not shown", event_at=message.origin, error=str(error))
