"""Alerts on standard output: text for people on a terminal, one JSON object a line elsewhere.

`stdout:` decides by itself, `stdout:text` and `stdout:json` insist.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Sequence
from datetime import datetime

from rich.console import Console
from rich.text import Text

from agents.rendering import WIDTH, render, render_bundle
from agents.sinks import Means, SinkError
from streams.codec import encode
from streams.outlets import Outlet
from streams.records import Alert

OPTIONS: frozenset[str] = frozenset()
FORMS = ("", "text", "json")


def open_sink(outlet: Outlet, _: Means) -> StdoutSink:
    """A sink on this process's standard output. Raises SettingsError for an unknown form."""
    form = outlet.path
    if form not in FORMS or outlet.host is not None:
        raise outlet.refusal("the form is text or json")
    return TerminalSink() if form == "text" or (form == "" and sys.stdout.isatty()) else StdoutSink()


class StdoutSink:
    """Writes each alert and flushes it."""

    async def deliver(self, alert: Alert, now: datetime) -> None:
        """Written and flushed. Raises SinkError while nobody reads."""
        await _put(self._text(alert, now))

    def _text(self, alert: Alert, _: datetime) -> str:
        return encode(alert).decode() + "\n"

    async def close(self) -> None:
        """Standard output is not ours to close."""


class TerminalSink(StdoutSink):
    """The same for people."""

    def _text(self, alert: Alert, now: datetime) -> str:
        return _page(lambda width: render(alert, now, width))

    async def deliver_bundle(self, alerts: Sequence[Alert], now: datetime) -> None:
        """As `deliver`, in one piece."""
        await _put(_page(lambda width: render_bundle(alerts, now, width)))


def _page(rendered: Callable[[int], Text]) -> str:
    console = Console(file=sys.stdout, highlight=False, emoji=False, markup=False)
    with console.capture() as captured:
        console.print(rendered(min(WIDTH, console.width)))
        console.print()
    return captured.get()


async def _put(text: str) -> None:
    try:
        await asyncio.to_thread(_write, text)  # a pipe that is full must not stop the agents
    except OSError as error:
        raise SinkError(f"standard output: {error.strerror}") from None


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
