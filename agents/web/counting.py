"""What the page counts of its answers. Routes and classes of status are closed sets: a stranger's path is `other`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

from aiohttp import web

from agents.metrics import PAGE_ALERT, PAGE_EVENTS, PAGE_REQUESTS
from agents.web.board import Board, told_at

OTHER = "other"
CLASSES = ("2xx", "4xx", "5xx")
ALERTS_AT_MOST = 50
"""A table of them is for who looks at a dashboard; each is a series for as long as it is among the newest."""
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


def tell_alerts(board: Board) -> None:
    """The newest alerts, each as it stands now. Called whenever the metrics are asked for, and by nobody else."""
    PAGE_ALERT.clear()
    for revisions in board.alerts()[:ALERTS_AT_MOST]:
        alert = revisions[-1].alert
        labels = (alert.authority, alert.group, alert.change, alert.stage, alert.level, alert.status)
        PAGE_ALERT.labels(alert.id, *labels).set(told_at(revisions).timestamp())
