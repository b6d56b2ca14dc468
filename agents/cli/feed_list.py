"""`listwire feeds add|remove|import`: the list that running pollers share, changed by messages, without a restart."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from agents.cli.options import BrokerFlag, Config, DataDir, settings_of, with_broker
from agents.feed_list import FeedList, Listed
from agents.kafka import Publisher, create_topics
from agents.link import Bootstrap
from agents.link_settings import link_of
from agents.memory import LogReader
from agents.settings import Settings
from streams.errors import SettingsError, WireError
from streams.feed_records import Origin
from streams.feeds import DEFAULT_INTERVAL_S, FeedSpec, checked_feed, key_of_url
from streams.opml import read_opml
from streams.retention import specs

T = TypeVar("T")


def register(group: typer.Typer) -> None:
    """Add the commands to `listwire feeds`."""
    group.command("add")(add)
    group.command("remove")(remove)
    group.command("import")(import_list)


def add(
    url: Annotated[str, typer.Argument(help="Address of the feed.")],
    key: Annotated[
        str | None, typer.Option(help="Its key, part of every story's identity; made of the address if absent.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="What people call it.", show_default=False)] = None,
    source: Annotated[str | None, typer.Option(help="Credit of its stories.", show_default=False)] = None,
    language: Annotated[str | None, typer.Option(help="Of stories that do not say it.", show_default=False)] = None,
    authority: Annotated[str | None, typer.Option(help="Whose voice it is, a key.", show_default=False)] = None,
    official: Annotated[bool, typer.Option("--official", help="The authority's own publication.")] = False,
    timezone: Annotated[str | None, typer.Option(help="Of dates without a zone.", show_default=False)] = None,
    interval: Annotated[int, typer.Option(help="Seconds between polls.")] = DEFAULT_INTERVAL_S,
    broker: BrokerFlag = None,
    data_dir: DataDir = None,
    config: Config = None,
) -> None:
    """Put a feed on the list of the running pollers, or in the place of the one with its key."""
    table = {"url": url, "name": name or url, "interval_s": interval, "official": official}
    optional = {"source": source, "language": language, "authority": authority, "timezone": timezone}
    told = table | {field: value for field, value in optional.items() if value is not None}
    feed = checked_feed(key or key_of_url(url), told, "feeds add")
    _with_list(_settings(broker, data_dir, config), lambda feeds: feeds.add(feed))
    typer.echo(f"{feed.key}: {feed.url}")


def remove(
    key: Annotated[str, typer.Argument(help="Key of the feed.")],
    broker: BrokerFlag = None,
    data_dir: DataDir = None,
    config: Config = None,
) -> None:
    """Take a feed off the list of the running pollers. What is in an operator's file comes back at the next start."""
    listed = _with_list(_settings(broker, data_dir, config), lambda feeds: _removed(feeds, key))
    if key not in listed:
        raise SettingsError(f"no feed {key!r} on the list")
    if listed[key][1] is Origin.LIST:
        typer.echo(f"{key} came from a feed file: disable it there, or it returns at the next start", err=True)
    typer.echo(f"{key}: removed")


def import_list(
    file: Annotated[Path, typer.Argument(help="A subscription list (OPML).")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be added.")] = False,
    broker: BrokerFlag = None,
    data_dir: DataDir = None,
    config: Config = None,
) -> None:
    """Put all feeds of an OPML file on the list of the running pollers. Exit code 1 if one of them cannot be polled."""
    try:
        found = read_opml(file.read_bytes(), str(file))
    except OSError as error:
        raise SettingsError(f"{file}: {error.strerror}") from None
    except WireError as error:
        raise SettingsError(f"{file}: no OPML: {error}") from None
    if not dry_run and found.feeds:
        _with_list(_settings(broker, data_dir, config), lambda feeds: _added(feeds, found.feeds))
    for feed in found.feeds:
        typer.echo(f"{feed.key:32} {feed.url}")
    for problem in found.problems:
        typer.echo(problem, err=True)
    if found.problems or not found.feeds:
        raise typer.Exit(1)


def live_feeds(settings: Settings) -> Listed:
    """The list that the running pollers share. Raises SettingsError or BrokerError."""
    return _with_list(with_broker(settings), lambda feeds: feeds.feeds())


async def _removed(feeds: FeedList, key: str) -> Listed:
    listed = await feeds.feeds()
    if key in listed:
        await feeds.remove(key)
    return listed


async def _added(feeds: FeedList, found: tuple[FeedSpec, ...]) -> None:
    """Those whose address is on the list already keep their key and what was said of them."""
    present = {feed.url for feed, _ in (await feeds.feeds()).values()}
    await feeds.add(*(feed for feed in found if feed.url not in present))


def _settings(broker: str | None, data_dir: Path | None, config: Path | None) -> Settings:
    return with_broker(settings_of(config, broker=broker, data_dir=data_dir))


def _with_list(settings: Settings, act: Callable[[FeedList], Awaitable[T]]) -> T:
    return asyncio.run(_acted(link_of(settings), settings, act))


async def _acted(bootstrap: Bootstrap, settings: Settings, act: Callable[[FeedList], Awaitable[T]]) -> T:
    await create_topics(bootstrap, settings.replication, specs(settings.retention))
    publisher = Publisher(bootstrap)
    await publisher.start()
    try:
        return await act(FeedList(LogReader(bootstrap), publisher))
    finally:
        await publisher.stop()
