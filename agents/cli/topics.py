"""`listwire topics`: the topics on the broker."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from agents.cli.options import BrokerFlag, Config, settings_of, with_broker
from agents.kafka import create_topics, describe_topics
from streams.topics import TOPICS


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True, help="The topics on the broker.", rich_markup_mode=None)
    group.command("create")(create)
    group.command("describe")(describe)
    app.add_typer(group, name="topics")


def create(
    broker: BrokerFlag = None,
    replication: Annotated[int | None, typer.Option(help="Copies of each topic.", min=1, show_default=False)] = None,
    config: Config = None,
) -> None:
    """Create every topic that is absent; refuse those whose partitions are not ours."""
    settings = with_broker(settings_of(config, broker=broker, replication=replication))
    asyncio.run(create_topics(str(settings.broker), settings.replication))
    typer.echo(f"{len(TOPICS)} topics are there on {settings.broker}")


def describe(broker: BrokerFlag = None, config: Config = None) -> None:
    """What is on the broker, beside what should be."""
    settings = with_broker(settings_of(config, broker=broker))
    states = asyncio.run(describe_topics(str(settings.broker)))
    for spec, state in zip(TOPICS, states, strict=True):
        kept = (
            "compacted"
            if spec.compacted
            else "for ever"
            if spec.retention_ms < 0
            else f"{spec.retention_ms // 86_400_000} days"
        )
        found = f"{state.partitions} partitions" if state.partitions else "absent"
        typer.echo(f"{spec.topic:22} {found:14} {kept:10} {spec.purpose}")
    if not all(state.partitions for state in states):
        raise typer.Exit(1)
