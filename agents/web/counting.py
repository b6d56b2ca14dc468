"""What the page counts of its answers. Routes and classes of status are closed sets: a stranger's path is `other`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

from aiohttp import web

from agents.metrics import PAGE_EVENTS, PAGE_REQUESTS

OTHER = "other"
CLASSES = ("2xx", "4xx", "5xx")
EVENTS = ("hello", "alert", "beat")

Signal = Callable[[web.Request, web.StreamResponse], Awaitable[None]]


def counting(routes: Iterable[str]) -> Signal:
    """A signal for `on_response_prepare`, so that a stream counts when it begins and a refusal counts at all."""
    known = frozenset(routes)
    for route in (*known, OTHER):
        for status in CLASSES:
            PAGE_REQUESTS.labels(route=route, status=status)
    for event in EVENTS:
        PAGE_EVENTS.labels(event=event)

    async def count(request: web.Request, response: web.StreamResponse) -> None:
        route = request.path if request.path in known else OTHER
        PAGE_REQUESTS.labels(route=route, status=f"{response.status // 100}xx").inc()

    return count
