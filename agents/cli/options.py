"""Flags that several commands share, and what they turn into."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from msgspec.structs import replace

from agents.broker import running
from agents.link import Link
from agents.link_settings import link_of, require_consistent
from agents.logs import configure_logging
from agents.settings import Settings, load_settings
from streams.errors import SettingsError
from streams.feeds import FeedSpec, default_feeds, feed_of_url, load_feeds
from streams.registry import Registry, load_registry

Config = Annotated[Path | None, typer.Option("--config", help="Settings file (TOML).", show_default=False)]
BrokerFlag = Annotated[
    str | None, typer.Option("--broker", help="Bootstrap servers, host:port[,host:port].", show_default=False)
]
DataDir = Annotated[Path | None, typer.Option("--data-dir", help="Folder for what must survive.", show_default=False)]
LogLevel = Annotated[str | None, typer.Option("--log-level", help="debug, info, warning or error.", show_default=False)]
Baseline = Annotated[
    str | None,
    typer.Option("--baseline", help="What the workers were started with: registry or none.", show_default=False),
]
FeedUrls = Annotated[
    list[str] | None,
    typer.Option("--feed", help="Poll this address instead of the feed list; may be repeated.", show_default=False),
]


def settings_of(config: Path | None, **flags: object) -> Settings:
    """The settings in force, with logging set up by them."""
    settings = load_settings(config, **flags)
    configure_logging(settings.log_level, settings.log_format)
    return settings


def with_broker(settings: Settings) -> Settings:
    """Settings whose broker is known: the configured one, else the one that `up` runs on the data folder now.

    Raises SettingsError if there is neither.
    """
    require_consistent(settings)
    broker = (
        settings.broker or running(broker_dir(settings.data_dir)) or running(broker_dir(settings.data_dir / "demo"))
    )
    if broker is None:
        raise SettingsError("no broker: set LISTWIRE_BROKER, or start `listwire up` in another terminal")
    return settings.model_copy(update={"broker": broker})


def broker_or_none(settings: Settings, instead: str, *, required: bool = False) -> Link | None:
    """The link to the broker, None if there is no broker: stderr says so, and what is done `instead`.

    Raises SettingsError where nothing can be done without one, or where the settings of the link are at odds.
    """
    require_consistent(settings)
    try:
        found = with_broker(settings)
    except SettingsError as error:
        if required:
            raise
        typer.echo(f"listwire: {error}; {instead}", err=True)
        return None
    return link_of(found)


def registry_of(settings: Settings) -> Registry:
    """The registry with the baseline that the ledger starts from."""
    return load_registry() if settings.baseline == "registry" else load_registry().without_baseline()


def broker_dir(data_dir: Path) -> Path:
    """Where the embedded broker of a data folder keeps its log."""
    return data_dir / "broker"


def feeds_of(settings: Settings, urls: list[str] | None) -> tuple[FeedSpec, ...]:
    """The feeds to poll: those of `--feed`, else the operator's list, else the bundled one."""
    if urls:
        return tuple(feed_of_url(url) for url in urls)
    if settings.feeds_file is not None:
        return load_feeds(_read(settings.feeds_file), str(settings.feeds_file), folders=True)
    return default_feeds()


def with_interval(feed: FeedSpec, interval_s: int | None) -> FeedSpec:
    """The feed in another rhythm, if one is given; that of the demo and of tests may be quicker than is polite."""
    return feed if interval_s is None else replace(feed, interval_s=interval_s)


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise SettingsError(f"{file}: {error.strerror}") from None
