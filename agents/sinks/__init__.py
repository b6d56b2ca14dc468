"""Where alerts go. A sink is a module of this package named after the scheme of its URLs, all of one shape:

    stdout:json          agents/sinks/stdout.py          OPTIONS, open_sink(outlet, means) -> Sink

A new way to deliver is a new module; nothing lists them. What follows a `+` in the scheme is the module's own
(`webhook+https`). Each sink has its own consumer group, so its own offset and its own retries.

A sink either hands the alert over, or says whether another try may help: SinkError, or Refusal. It may be given
one revision of an alert twice, after a crash between delivery and commit, and sees to it as well as its medium
allows that nobody notices: the key of a delivery is `delivery_id`.
"""

from __future__ import annotations

import hashlib
import importlib
import pkgutil
import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, Protocol, cast, runtime_checkable

from agents.egress import Network
from agents.settings import Settings
from streams.errors import ListwireError
from streams.outlets import Outlet, parse_outlet
from streams.records import Alert


class SinkError(ListwireError):
    """A delivery that did not happen and is worth another try later, not before `retry_after_s`."""

    def __init__(self, problem: str, retry_after_s: float = 0.0) -> None:
        super().__init__(problem)
        self.retry_after_s = retry_after_s


class Refusal(SinkError):  # noqa: N818 - what the receiver says, not what went wrong
    """A delivery that will not happen however often it is tried."""


class Means(NamedTuple):
    """What the operator lets sinks use."""

    allowed: Sequence[Network] = ()
    contact: str | None = None
    secret_file: Path | None = None


def means_of(settings: Settings) -> Means:
    """What the settings let sinks use."""
    return Means(settings.allow_networks, settings.contact, settings.webhook_secret_file)


class Sink(Protocol):
    """Takes alerts, one at a time."""

    async def deliver(self, alert: Alert, now: datetime) -> None:
        """Returns once the alert is safely handed over. Raises SinkError or Refusal."""

    async def close(self) -> None:
        """Lets go of what the sink holds open."""


@runtime_checkable
class BundleSink(Sink, Protocol):
    """A sink that people read: the alerts of one story are one message to it."""

    async def deliver_bundle(self, alerts: Sequence[Alert], now: datetime) -> None:
        """As `deliver`, of two and more alerts that share a `bundle`."""


class SinkModule(Protocol):
    """What each module of this package offers."""

    OPTIONS: frozenset[str]

    def open_sink(self, outlet: Outlet, means: Means) -> Sink:
        """Raises SettingsError for what an operator has to put right."""


NO_MEANS = Means()


def open_sink(url: str, means: Means = NO_MEANS) -> Sink:
    """The sink that `url` names. Raises SettingsError: an unknown scheme, or a URL that its sink refuses."""
    outlet = parse_outlet(url)
    known = schemes()
    if outlet.scheme not in known:
        raise outlet.refusal(f"no such scheme (known: {', '.join(known)})")
    module = cast(SinkModule, importlib.import_module(f"{__name__}.{outlet.scheme}"))
    outlet.check_options(module.OPTIONS)
    return module.open_sink(outlet, means)


def open_sinks(urls: Sequence[str], means: Means = NO_MEANS) -> dict[str, Sink]:
    """The sinks by URL. Raises SettingsError, also where two would keep their place under one name."""
    groups = [group_of(url) for url in urls]
    for url, group in zip(urls, groups, strict=True):
        if groups.count(group) > 1:
            raise parse_outlet(url).refusal("given twice, or another one has its name")
    return {url: open_sink(url, means) for url in urls}


def schemes() -> list[str]:
    """The schemes that have a sink."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def group_of(url: str) -> str:
    """The consumer group that keeps the sink's place: by its name, else by all of its URL, of which none shows.

    Two sinks of one address with other filters are two, so the filters count; a name lets them change.
    """
    outlet = parse_outlet(url)
    name = outlet.options.get("name")
    return f"listwire.herald.{outlet.scheme}.{name or hashlib.sha256(url.encode()).hexdigest()[:12]}"


def delivery_id(alert: Alert) -> str:
    """The same for each try at one revision, and for nothing else; letters that any header may hold.

    No full stop in it: Standard Webhooks parts with one what is signed.
    """
    return f"{re.sub(r'[^A-Za-z0-9_-]', '_', alert.id)[:100]}-{alert.revision}"
