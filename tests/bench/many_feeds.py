"""A site of many feeds on loopback, most of them honest: `python many_feeds.py FEEDS PORT TRIPWIRE_PORT`.

Feed n has the address http://127.1.x.y:PORT/n, a host of its own. An honest one brings a new item every `PERIOD_S`,
dated by the second in which it appears; every second one answers 304 where it may, the others are new in every byte
each time. The rest are what a poller meets: a tenth hostile, a twentieth slow, a twentieth that answers 429, as many
behind permanent redirects, a fiftieth gone.
"""

import asyncio
import gzip
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from email.utils import format_datetime

from aiohttp import web

PERIOD_S = 45
ITEMS = 30

Answer = Callable[[web.Request, int], Awaitable[web.StreamResponse]]


def kind_of(number: int) -> str:
    """What feed `number` is like, by its last two digits."""
    rest = number % 100
    if rest < 10:
        return f"hostile-{number // 100 % 2 * 10 + rest}"
    for kind, upto in (("slow", 15), ("throttled", 20), ("moved", 25), ("gone", 27)):
        if rest < upto:
            return kind
    return "honest-304" if rest % 2 else "honest-new-bytes"


def address_of(number: int, port: int) -> str:
    """Each feed has a host of its own."""
    return f"http://127.1.{number // 250}.{number % 250 + 1}:{port}/{number}"


def feed_of(number: int, now_s: float) -> str:
    """The items of an honest feed that are out by now."""
    latest = int((now_s - number % PERIOD_S) // PERIOD_S)
    items = "".join(_item(number, latest - back) for back in range(ITEMS))
    return f"<rss version='2.0'><channel><title>Feed {number}</title>{items}</channel></rss>"


def _item(number: int, count: int) -> str:
    at = datetime.fromtimestamp(count * PERIOD_S + number % PERIOD_S, UTC)
    text = f"The committee met for session {count} of body {number}. " * 12
    return (
        f"<item><guid isPermaLink='false'>{number}-{count}</guid><title>Session {count} of body {number}</title>"
        f"<pubDate>{format_datetime(at)}</pubDate><description>{text}</description></item>"
    )


async def honest(request: web.Request, number: int) -> web.Response:
    """A feed that says when nothing has changed."""
    text = feed_of(number, time.time())
    etag = f'"{hash(text)}"'
    if request.headers.get("If-None-Match") == etag:
        return web.Response(status=304, headers={"ETag": etag})
    return web.Response(text=text, content_type="application/rss+xml", headers={"ETag": etag})


async def restless(_: web.Request, number: int) -> web.Response:
    """A feed that never is the same."""
    stamp = f"<lastBuildDate>{time.time()}</lastBuildDate><item>"
    return web.Response(text=feed_of(number, time.time()).replace("<item>", stamp, 1), content_type="text/xml")


async def slow(request: web.Request, number: int) -> web.StreamResponse:
    """Takes eight seconds to say anything."""
    await asyncio.sleep(8)
    return await honest(request, number)


async def throttled(_: web.Request, __: int) -> web.Response:
    """Asks to be left alone."""
    return web.Response(status=429, headers={"Retry-After": "30"})


async def moved(request: web.Request, number: int) -> web.StreamResponse:
    """Two permanent redirects away."""
    hop = int(request.query.get("hop", "0"))
    if hop < 2:
        raise web.HTTPMovedPermanently(f"/{number}?hop={hop + 1}")
    return await honest(request, number)


async def gone(_: web.Request, __: int) -> web.Response:
    """Gone for good."""
    return web.Response(status=410)


async def drip(request: web.Request, _: int) -> web.StreamResponse:
    """A byte now and then, for ever."""
    response = web.StreamResponse(headers={"Content-Type": "text/xml"})
    await response.prepare(request)
    try:
        while True:
            await response.write(b"<")
            await asyncio.sleep(0.5)
    except ConnectionError:
        return response


def _bomb() -> bytes:
    return gzip.compress(b"<rss><channel><item><title>" + b"A" * 200_000_000)


def bodies(tripwire: int) -> list[tuple[bytes, dict[str, str]]]:
    """What the hostile feeds but for the dripping one answer, with its headers."""
    item = b"<rss version='2.0'><channel><item><guid>1</guid><title>T</title>%s</item></channel></rss>"
    deep = b"<a>" * 100_000 + b"</a>" * 100_000
    attributes = b"<x " + b" ".join(b"a%d='1'" % n for n in range(16_000)) + b"/>"
    entities = b"<!DOCTYPE rss [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;'>]>" + item % b"&b;"
    return [
        (item % (b"<author>" + b"a" * 300_000 + b"</author>"), {}),
        (item % (b"<description>" + b"&lt;div&gt;" * 150_000 + b"</description>"), {}),
        (b"A" * 26_000_000, {}),
        (_bomb(), {"Content-Encoding": "gzip"}),
        (b"<!DOCTYPE html><html><title>Checking your browser</title></html>", {"Content-Type": "text/html"}),
        (entities, {}),
        (b"", {"Location": f"http://127.0.0.1:{tripwire}/"}),
        (b"", {"Location": "loop"}),
        (b"Hello World", {}),
        (bytes(range(256)) * 400, {}),
        (item % deep, {}),
        (item % attributes, {}),
        ((item % b"<description>a story that breaks off</description>")[:-60], {}),
        (b'{"error": "rate limited"}', {"Content-Type": "application/json"}),
        (item % b"&#1114112;&#xD800;", {}),
        (b"", {"Location": "file:///etc/passwd"}),
        (b"", {}),
        (b"<rss><channel>" + b"<item><guid>x</guid></item>" * 60_000 + b"</channel></rss>", {}),
        (item % b"", {"ETag": '"a\tb"', "Content-Type": "text/html; charset=utf-7"}),
    ]


def hostile(tripwire: int) -> list[Answer]:
    """The hostile answers in the order of their numbers."""

    def answering(body: bytes, headers: dict[str, str]) -> Answer:
        async def answer(request: web.Request, _: int) -> web.StreamResponse:
            if (where := headers.get("Location")) is not None:
                return web.Response(status=302, headers={"Location": request.path if where == "loop" else where})
            return web.Response(body=body, headers={"Content-Type": "text/xml"} | headers)

        return answer

    return [*(answering(body, headers) for body, headers in bodies(tripwire)), drip]


def main() -> None:
    """Serves until it is killed."""
    _, port, tripwire = (int(argument) for argument in sys.argv[1:4])
    hostiles = hostile(tripwire)
    answers: dict[str, Answer] = {
        "slow": slow, "throttled": throttled, "moved": moved, "gone": gone,
        "honest-304": honest, "honest-new-bytes": restless,
    }  # fmt: skip

    async def handle(request: web.Request) -> web.StreamResponse:
        number = int(request.match_info["number"])
        kind = kind_of(number)
        if kind.startswith("hostile"):
            return await hostiles[int(kind.rpartition("-")[2])](request, number)
        return await answers[kind](request, number)

    app = web.Application()
    app.router.add_get("/{number}", handle)
    web.run_app(app, host="0.0.0.0", port=port, access_log=None, print=None)  # noqa: S104 - all of 127/8


if __name__ == "__main__":
    main()
