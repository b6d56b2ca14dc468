"""The sample wire: real events re-told in our own words, dated from now, served as RSS that grows over a minute.

It exists so that the very path of a story, HTTP to poller to Kafka to Faust to alert, runs without internet. The
stories are in `wire.toml`; an item may come back revised, and one must stay quiet.
"""

from __future__ import annotations

import tomllib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from email.utils import format_datetime
from importlib import resources
from xml.sax.saxutils import escape

import msgspec
from aiohttp import web
from msgspec import Struct

from streams.errors import DataFileError

TITLE = "Sample wire"


class Item(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One appearance of a story; `guid` shared with an earlier one makes it a revision of that."""

    guid: str
    after_s: int  # seconds from the start of the wire
    headline: str
    body: str


class _Wire(Struct, frozen=True, forbid_unknown_fields=True):
    item: tuple[Item, ...]


def items() -> tuple[Item, ...]:
    """The items of wire.toml, in the order of their time."""
    raw = resources.files("agents.demo").joinpath("wire.toml").read_text(encoding="utf-8")
    try:
        wire = msgspec.convert(tomllib.loads(raw), _Wire)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise DataFileError("wire.toml", str(error)) from None
    return tuple(sorted(wire.item, key=lambda item: item.after_s))


def rss(wire: tuple[Item, ...], started: datetime, now: datetime) -> str:
    """The feed as it stands at `now`: newest first, of each story the latest revision that is out."""
    out: dict[str, Item] = {}
    for item in wire:
        if started + timedelta(seconds=item.after_s) <= now:
            out[item.guid] = item
    entries = "".join(_entry(item, started) for item in reversed(out.values()))
    return (
        '<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"><channel>'
        f"<title>{escape(TITLE)}</title><link>http://127.0.0.1/</link><description>sample</description><language>en</language>"
        f"{entries}</channel></rss>"
    )


def _entry(item: Item, started: datetime) -> str:
    published = started + timedelta(seconds=item.after_s)
    body = "".join(f"<p>{escape(line)}</p>" for line in _dated(item.body, started).strip().split("\n"))
    return (
        f"<item><guid isPermaLink='false'>{escape(item.guid)}-{started:%Y%m%dT%H%M%S}</guid>"
        f"<title>{escape(_dated(item.headline, started))}</title>"
        f"<description>{escape(body)}</description><pubDate>{format_datetime(published)}</pubDate></item>"
    )


def _dated(text: str, day: datetime) -> str:
    """The text with `{weekday}`, `{date}` and `{short_date}` filled in from the day of the run."""
    return (
        text.replace("{weekday}", f"{day:%A}")
        .replace("{date}", f"{day:%B} {day.day}")
        .replace("{short_date}", f"{day:%b} {day.day}")
    )


@asynccontextmanager
async def serving_wire(now: Callable[[], datetime]) -> AsyncIterator[str]:
    """Serves the wire on a free loopback port for as long as the block runs; yields its address."""
    wire, started = items(), now()

    async def feed(_: web.Request) -> web.Response:
        return web.Response(text=rss(wire, started, now()), content_type="application/rss+xml")

    application = web.Application()
    application.router.add_get("/sample-wire.rss", feed)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/sample-wire.rss"
    finally:
        await runner.cleanup()
