"""The page and its JSON over HTTP: GET of a closed list of paths, and nothing else.

    /  /page.css  /page.js             the page
    /api/alerts                        the alerts that are remembered, the last told first
    /api/ledger                        a row for each authority|group that has moved, and their other pairings
    /api/ledger?authority=A&group=G    one of them with what was reported about it
    /api/feeds                         the feeds and their last looks
    /readyz                            503 until the logs are read, and while no broker answers
    /metrics                           for Prometheus
    /events                            server-sent events: hello, then alert (id = alert id:revision) and beat

`/events` goes on after `Last-Event-ID`, or `?after=` where a page opens a new stream. `hello` says whether it could
(`resumed`); if not, what was missed is unknown and the page asks `/api/alerts` again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from importlib import resources
from typing import Any

import orjson
from aiohttp import web
from aiohttp_sse import EventSourceResponse, sse_response
from jinja2 import Environment, StrictUndefined
from prometheus_client.aiohttp import make_aiohttp_handler

from agents.messages import Incoming
from agents.metrics import PAGE_ALERTS, PAGE_CONNECTIONS, PAGE_EVENTS, PAGE_NEWEST, VERSION
from agents.web.audience import Audience, Event, FullHouse, Seat
from agents.web.board import Board
from agents.web.counting import counting, tell_alerts
from agents.web.shield import admitting, harden
from agents.web.views import alert_view, baseline_of, cell_view, cells, feed_view, history
from streams.records import AlertId, AuthorityKey, GroupKey, ledger_key
from streams.registry import Registry
from streams.vocabulary import Change, Level, Stage

SCRIPTS = tuple(sorted(file.name for file in resources.files("agents.web").iterdir() if file.name.endswith(".js")))
BEAT_S = 15.0
RETRY_MS = 2_000
SEND_S = 30.0
_SCRAPE = make_aiohttp_handler()


class Site:
    """The page over one board; `ready` and `broker_answers` are asked whenever a reader has to know."""

    def __init__(
        self,
        board: Board,
        registry: Registry,
        ready: Callable[[], bool],
        broker_answers: Callable[[], bool],
        beat_s: float = BEAT_S,
    ) -> None:
        self._board = board
        self._registry = registry
        self._ready = ready
        self._broker_answers = broker_answers
        self._beat_s = beat_s
        self._audience = Audience()

    def application(self, allowed: frozenset[str]) -> web.Application:
        """What serves it to those who ask by a name of this machine or an allowed one."""
        application = web.Application(middlewares=[admitting(allowed)], client_max_size=1)
        routes = {
            "/": _fixed(page(), "text/html"),
            "/page.css": _fixed(_read("page.css"), "text/css"),
            **{f"/{name}": _fixed(_read(name), "text/javascript") for name in SCRIPTS},
            "/favicon.ico": _nothing,
            "/readyz": self._readyz,
            "/metrics": self._metrics,
            "/api/alerts": self._alerts,
            "/api/ledger": self._ledger,
            "/api/feeds": self._feeds,
            "/events": self._events,
        }
        for path, handler in routes.items():
            application.router.add_get(path, handler, allow_head=False)
        application.on_response_prepare.extend((harden, counting(routes)))
        application.on_shutdown.append(self._close)
        return application

    def take(self, message: Incoming) -> None:
        """Puts a message on the board and before the readers. Raises RecordError."""
        for alert in self._board.take(message):
            if self._ready():
                self._audience.tell(self._alert_event(alert))
        PAGE_ALERTS.set(len(self._board))
        PAGE_NEWEST.set(self._board.newest.timestamp() if self._board.newest else 0)

    def tell_ready(self) -> None:
        """Has those who came too early ask again: the logs are read."""
        self._audience.tell(self._hello(resumed=False))

    async def _close(self, _: web.Application) -> None:
        self._audience.close()

    async def _readyz(self, _: web.Request) -> web.Response:
        if self._ready() and self._broker_answers():
            return web.Response(text="ready\n")
        return web.Response(status=503, text="the logs are not read\n" if not self._ready() else "no broker answers\n")

    async def _metrics(self, request: web.Request) -> web.StreamResponse:
        tell_alerts(self._board)
        return await _SCRAPE(request)

    async def _alerts(self, _: web.Request) -> web.Response:
        alerts = [alert_view(self._board, told[-1].alert.id) for told in self._board.alerts()]
        return _json({"ready": self._ready(), "alerts": alerts})

    async def _ledger(self, request: web.Request) -> web.Response:
        authority, group = request.query.get("authority"), request.query.get("group")
        if authority is None and group is None:
            return _json({"ready": self._ready(), "rows": cells(self._board, self._registry)})
        if authority is None or group is None:
            raise web.HTTPBadRequest(text="give both authority and group, or none\n")
        pair = (AuthorityKey(authority), GroupKey(group))
        status = self._board.statuses.get(ledger_key(*pair)) or baseline_of(*pair, self._registry)
        if status is None:
            raise web.HTTPNotFound(text="nothing is known of this authority and group\n")
        told = history(self._board, ledger_key(*pair))
        return _json({"row": cell_view(status, self._registry), "history": told})

    async def _feeds(self, _: web.Request) -> web.Response:
        listed = self._board.listed
        feeds = [feed_view(feed, listed.get(key)) for key, feed in sorted(self._board.feeds.items())]
        return _json({"ready": self._ready(), "feeds": feeds})

    async def _events(self, request: web.Request) -> web.StreamResponse:
        seen = request.headers.get(EventSourceResponse.DEFAULT_LAST_EVENT_HEADER) or request.query.get("after")
        stream: web.StreamResponse = web.Response(status=204)
        try:
            with self._audience.seat() as seat, PAGE_CONNECTIONS.track_inprogress():
                backlog = self._backlog(seen)  # no await between the seat and this: nothing is missed, nothing twice
                async with sse_response(request, send_timeout=SEND_S, ping_interval=3600) as opened:
                    stream = opened
                    await self._stream(opened, backlog, seat)
        except FullHouse:
            raise web.HTTPServiceUnavailable(text="too many readers\n", headers={"Retry-After": "30"}) from None
        except (ConnectionError, TimeoutError):
            pass  # the reader has gone, or takes nothing any more
        return stream

    def _backlog(self, seen: str | None) -> list[Event]:
        missed = self._board.after(seen) if seen and self._ready() else None
        alerts = dict.fromkeys(told.alert.id for told in missed or ())
        return [self._hello(resumed=missed is not None), *(self._alert_event(alert) for alert in alerts)]

    async def _stream(self, stream: EventSourceResponse, backlog: Iterable[Event], seat: Seat) -> None:
        for event in backlog:
            await _send(stream, event)
        while True:
            try:
                next_event = await asyncio.wait_for(seat.get(), self._beat_s)
            except TimeoutError:
                next_event = Event("beat", _line({"broker": self._broker_answers()}))
            if next_event is None:
                return
            await _send(stream, next_event)

    def _hello(self, *, resumed: bool) -> Event:
        """A reader who asks for all there is now has seen, by that, all up to the last event: it goes on from there."""
        facts = {"resumed": resumed, "ready": self._ready(), "broker": self._broker_answers(), "beat_s": self._beat_s}
        return Event("hello", _line(facts), None if resumed else self._board.last_event())

    def _alert_event(self, alert: AlertId) -> Event:
        return Event("alert", _line(alert_view(self._board, alert)), self._board.revisions(alert)[-1].event_id)


def page() -> bytes:
    """The HTML, with the closed vocabularies as choices."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(_read("page.html").decode())
    return template.render(version=VERSION, choices={"change": Change, "stage": Stage, "level": Level}).encode()


def _read(name: str) -> bytes:
    return resources.files("agents.web").joinpath(name).read_bytes()


def _fixed(body: bytes, content_type: str) -> Callable[[web.Request], Any]:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=body, content_type=content_type, charset="utf-8")

    return answer


async def _nothing(_: web.Request) -> web.Response:
    return web.Response(status=204)


async def _send(stream: EventSourceResponse, event: Event) -> None:
    await stream.send(event.data, id=event.id, event=event.name, retry=RETRY_MS if event.name == "hello" else None)
    PAGE_EVENTS.labels(event=event.name).inc()


def _json(facts: dict[str, Any]) -> web.Response:
    return web.Response(body=orjson.dumps(facts), content_type="application/json")


def _line(facts: dict[str, Any]) -> str:
    return orjson.dumps(facts).decode()
