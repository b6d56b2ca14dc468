"""Alerts on standard output: text for people on a terminal, one JSON object a line elsewhere.

`stdout:` decides by itself, `stdout:text` and `stdout:json` insist.
"""

from __future__ import annotations

import asyncio
import sys
from datetime import datetime

from rich.console import Console

from agents.rendering import WIDTH, render
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
    return StdoutSink(as_text=form == "text" or (form == "" and sys.stdout.isatty()))


class StdoutSink:
    """Writes each alert and flushes it."""

    def __init__(self, *, as_text: bool) -> None:
        self._as_text = as_text

    async def deliver(self, alert: Alert, now: datetime) -> None:
        """Written and flushed. Raises SinkError while nobody reads."""
        text = _page(alert, now) if self._as_text else encode(alert).decode() + "\n"
        try:
            await asyncio.to_thread(_write, text)  # a pipe that is full must not stop the agents
        except OSError as error:
            raise SinkError(f"standard output: {error.strerror}") from None

    async def close(self) -> None:
        """Standard output is not ours to close."""


def _page(alert: Alert, now: datetime) -> str:
    console = Console(file=sys.stdout, highlight=False, emoji=False, markup=False)
    with console.capture() as captured:
        console.print(render(alert, now, min(WIDTH, console.width)))
        console.print()
    return captured.get()


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
