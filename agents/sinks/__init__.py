"""Where alerts go. A sink is a module of this package named after the scheme of its URLs, all of one shape:

    stdout:json          agents/sinks/stdout.py          open_sink(url) -> Sink

A new way to deliver is a new module; nothing lists them. Each sink has its own consumer group, so its own
offset and its own retries.
"""

from __future__ import annotations

import hashlib
import importlib
import pkgutil
from datetime import datetime
from typing import Protocol, cast

from streams.errors import ListwireError, SettingsError
from streams.records import Alert


class SinkError(ListwireError):
    """A delivery that did not happen and is worth another try later."""


class Sink(Protocol):
    """Takes alerts, one at a time."""

    async def deliver(self, alert: Alert, now: datetime) -> None:
        """Returns once the alert is safely handed over. Raises SinkError when it should be tried again."""

    async def close(self) -> None:
        """Lets go of what the sink holds open."""


def open_sink(url: str) -> Sink:
    """The sink that `url` names. Raises SettingsError: an unknown scheme, or a URL that its sink refuses."""
    scheme = url.partition(":")[0]
    known = schemes()
    if scheme not in known:
        raise SettingsError(f"sink {url!r}: no such scheme (known: {', '.join(known)})")
    return cast(Sink, importlib.import_module(f"{__name__}.{scheme}").open_sink(url))


def schemes() -> list[str]:
    """The schemes that have a sink."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def group_of(url: str) -> str:
    """The consumer group that keeps the sink's place; `url` may hold a secret and does not show in it."""
    return f"listwire.herald.{url.partition(':')[0]}.{hashlib.sha256(url.encode()).hexdigest()[:12]}"
