"""`listwire feeds coverage`: who would tell us if an authority changed a status, and is that fresh?"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import Annotated

import orjson
import typer
from msgspec import to_builtins

from agents.cli import feed_list
from agents.cli.options import BrokerFlag, Config, DataDir, broker_or_none, feeds_of, settings_of
from agents.clock import utcnow
from agents.kafka import require_broker
from agents.link import Bootstrap
from agents.logs import get_logger
from agents.memory import LogReader
from agents.rendering import plain
from agents.settings import Settings
from streams.codec import decode
from streams.coverage import Coverage, Degree, FeedHealth, coverage
from streams.errors import RecordError
from streams.registry import Registry, load_registry
from streams.topics import Topic, partitions_of

logger = get_logger("coverage")


def register(group: typer.Typer) -> None:
    """Add the command to `listwire feeds`."""
    group.command("coverage")(show)


def show(
    every: Annotated[bool, typer.Option("--all", help="Also those that are watched well.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object an authority, all of them.")] = False,
    offline: Annotated[bool, typer.Option("--offline", help="By the feed list, as if all were fresh.")] = False,
    broker: BrokerFlag = None,
    data_dir: DataDir = None,
    config: Config = None,
) -> None:
    """Authorities whose changes would pass unseen, or would be told by far desks only. Exit code 1 if one is blind."""
    settings = settings_of(config, broker=broker, data_dir=data_dir)
    registry = load_registry()
    link = None if offline else broker_or_none(settings, "taking the feed list at its word")
    found = covered(settings, registry, link)
    for one in found:
        if as_json:
            typer.echo(orjson.dumps(to_builtins(one)))
        elif every or one.degree in {Degree.DISTANT, Degree.BLIND}:
            typer.echo(f"{one.degree:8} {registry.authorities[one.authority].name:32} {reason(one)}")
    counted = Counter(one.degree for one in found)
    typer.echo(", ".join(f"{counted[degree]} {degree}" for degree in Degree), err=as_json)
    if counted[Degree.BLIND]:
        raise typer.Exit(1)


def covered(settings: Settings, registry: Registry, link: Bootstrap | None) -> tuple[Coverage, ...]:
    """How each authority is watched: by the feeds that are polled, or without a broker by those of the file."""
    if link is None:
        return coverage(registry.authorities, feeds_of(settings, None), None, utcnow())
    feeds = [feed for feed, _ in feed_list.live_feeds(settings).values()]
    return coverage(registry.authorities, feeds, asyncio.run(_health(link)), utcnow())


def reason(one: Coverage) -> str:
    """The fresh feeds, or what is wrong with those that should be."""
    if one.degree is not Degree.BLIND:
        return plain(", ".join(one.fresh))
    return plain("; ".join(f"{key}: {why}" for key, why in one.failing) or "no feed is said to cover it")


async def _health(link: Bootstrap) -> Mapping[str, FeedHealth]:
    await require_broker(link)
    found: dict[str, FeedHealth] = {}
    for partition in range(partitions_of(Topic.FEED_STATE)):
        async for message in LogReader(link)(Topic.FEED_STATE, partition, 0, None):
            key = (message.key or b"").decode("utf-8", "replace")
            found.pop(key, None)
            try:
                if message.value is not None:
                    found[key] = decode(message.value, FeedHealth)
            except RecordError as error:
                logger.warning("feed state unreadable", feed=key, origin=message.origin, error=str(error))
    return found
