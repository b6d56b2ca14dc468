"""`listwire feeds held`: which stories are under embargo and until when; what they say is nobody's business before."""

from __future__ import annotations

import asyncio
from datetime import UTC
from typing import Annotated

import orjson
import typer

from agents.cli.options import BrokerFlag, Config, DataDir, settings_of, with_broker
from agents.held import HeldLog
from agents.kafka import create_topics
from agents.link_settings import link_of
from agents.memory import LogReader
from agents.rendering import plain
from agents.settings import Settings
from streams.embargo import Held
from streams.retention import specs


def register(group: typer.Typer) -> None:
    """Add the command to `listwire feeds`."""
    group.command("held")(held)


def held(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a story.")] = False,
    broker: BrokerFlag = None,
    data_dir: DataDir = None,
    config: Config = None,
) -> None:
    """The stories under embargo, the next to be released first: end, feed, story and revision, no headline."""
    settings = with_broker(settings_of(config, broker=broker, data_dir=data_dir))
    for story in asyncio.run(_listed(settings)):
        typer.echo(_json(story) if as_json else _line(story))


async def _listed(settings: Settings) -> list[Held]:
    bootstrap = link_of(settings)
    await create_topics(bootstrap, settings.replication, specs(settings.retention))
    log = HeldLog(LogReader(bootstrap))
    await log.refresh()
    return log.listed()


def _line(one: Held) -> str:
    end = one.until.astimezone(UTC)
    return plain(f"{end:%Y-%m-%d %H:%M:%SZ}  {one.story.feed:32} {one.story.id} r{one.story.revision}")


def _json(one: Held) -> str:
    story = one.story
    return orjson.dumps({"id": story.id, "revision": story.revision, "feed": story.feed, "until": one.until}).decode()
