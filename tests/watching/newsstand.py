"""Feeds on loopback, each in its own sort of trouble, and the receivers of two sinks that will not have any alert.

Each has an address of its own in 127.0.0.0/8, for hosts are asked by turns.
"""

import itertools
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

from aiohttp import web

from agents.demo import items

FEEDS = ("wire", "broken-1", "broken-2", "broken-3", "abandoned", "bomb-1", "bomb-2", "bomb-3", "held", "inside")
RECEIVERS = 20
"""The last number of the address that receives; those of the feeds come before."""
ENDLESS = "a" * 400_000
"""feedparser seeks an address in `author` by an expression that takes the square of the text's length."""

MISSED = (
    "Taliban delegation visits Ashgabat for gas talks",
    "ASHGABAT, {short_date} (Reuters) - A Taliban delegation arrived in Ashgabat on {weekday} to talk about gas.\n"
    "Uzbekistan had removed the Taliban from its list of terrorist organisations last week.",
)
"""Tells as known what no story told as news."""


class Newsstand:
    """What is served; the wire may fall silent."""

    def __init__(self) -> None:
        self.port = 0
        self.silent = False
        self.embargo_ends: datetime | None = None
        self._told = 0
        self._bombs = itertools.count()

    def feed_list(self) -> str:
        """The feed list of an operator who watches all this."""
        tables = [f'[{key}]\nurl = "{self._address(key)}"\nname = "{key}"\n{self._extra(key)}' for key in FEEDS]
        return "\n".join(tables)

    def sinks(self, folder: Path) -> str:
        """Two sinks as LISTWIRE_SINKS lists them, with their secrets in the folder."""
        host = f"127.0.0.{RECEIVERS}:{self.port}"
        secret, channel = folder / "webhook.secret", folder / "slack.secret"
        secret.write_text("whsec_" + "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=", "ascii")
        channel.write_text(f"http://{host}/refuses", "ascii")
        for file in (secret, channel):
            file.chmod(0o600)
        return f"webhook+http://{host}/down?secret_file={secret},slack:{channel},stdout:json"

    async def answer(self, request: web.Request) -> web.Response:
        """By the path."""
        key = request.path.strip("/")
        match key:
            case "wire":
                return _rss(self._news())
            case "abandoned":
                return _rss(_item("last", "The last item", "Nothing came after it.", days=400))
            case "bomb-1" | "bomb-2" | "bomb-3":
                author = f"<author>{ENDLESS}{next(self._bombs)}</author>"
                return _rss(_item("bomb", "A bomb", "").replace("</item>", f"{author}</item>"))
            case "held":
                return self._held()
            case "refuses":
                return web.Response(status=403)
            case "down":
                return web.Response(status=503)
        return web.Response(status=500)

    def _news(self) -> str:
        """The sample wire whole, and one more story at each look unless the wire is silent."""
        if not self.silent:
            self._told += 1
        told = [_item("missed", *MISSED), *(_item(item.guid, item.headline, item.body) for item in items())]
        return "".join(told) + "".join(
            _item(f"filler-{n}", f"Taliban delegates meet, session {n}", f"They sat for the {n}th time.")
            for n in range(self._told)
        )

    def _held(self) -> web.Response:
        if self.embargo_ends is None:
            return _rss("")
        story = {"uri": "urn:held:1", "type": "text", "headline": "Later", "body_text": "Not yet."}
        story["versioncreated"] = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
        story["embargoed"] = f"{self.embargo_ends:%Y-%m-%dT%H:%M:%SZ}"
        return web.Response(text=json.dumps(story), content_type="application/json")

    def _address(self, key: str) -> str:
        if key == "inside":
            return "http://10.255.255.1/rss"
        return f"http://127.0.0.{FEEDS.index(key) + 2}:{self.port}/{key}"

    @staticmethod
    def _extra(key: str) -> str:
        return 'authority = "kg"\n' if key == "broken-1" else ""


@asynccontextmanager
async def newsstand() -> AsyncIterator[Newsstand]:
    """Serves it for as long as the block runs."""
    stand = Newsstand()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", stand.answer)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        listening = socket.create_server(("0.0.0.0", 0))  # noqa: S104 - all of 127.0.0.0/8, for the length of a test
        await web.SockSite(runner, listening).start()
        stand.port = listening.getsockname()[1]
        yield stand
    finally:
        await runner.cleanup()


def _rss(entries: str) -> web.Response:
    head = "<rss version='2.0'><channel><title>Wire</title><link>http://127.0.0.1/</link><language>en</language>"
    return web.Response(text=f"{head}{entries}</channel></rss>", content_type="application/rss+xml")


def _item(guid: str, headline: str, body: str, days: int = 0) -> str:
    published = datetime.now(UTC).replace(hour=0, minute=0, second=1) - timedelta(days=days)
    day = {"{weekday}": f"{published:%A}", "{date}": f"{published:%B %d}", "{short_date}": f"{published:%b %d}"}
    for name, value in day.items():
        headline, body = headline.replace(name, value), body.replace(name, value)
    return (
        f"<item><guid isPermaLink='false'>{guid}</guid><title>{headline}</title>"
        f"<description>{body}</description><pubDate>{format_datetime(published)}</pubDate></item>"
    )
