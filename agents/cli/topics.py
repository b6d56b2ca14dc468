"""`listwire topics`: the topics on the broker, and the contract of what is in them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from agents.cli.acls import acls
from agents.cli.options import BrokerFlag, Config, settings_of, with_broker
from agents.demo.outcome import outcome
from agents.kafka import create_topics, describe_topics
from agents.link_settings import link_of
from streams import asyncapi as contract
from streams.compatibility import breaks
from streams.errors import DataFileError, SettingsError
from streams.registry import load_registry
from streams.schemas import RECORDS, json_schema
from streams.topics import TOPICS


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True, help="The topics, and what is in them.", rich_markup_mode=None)
    group.command("create")(create)
    group.command("describe")(describe)
    group.command("schema")(schema)
    group.command("asyncapi")(asyncapi)
    group.command("acls")(acls)
    app.add_typer(group, name="topics")


def create(
    broker: BrokerFlag = None,
    replication: Annotated[int | None, typer.Option(help="Copies of each topic.", min=1, show_default=False)] = None,
    config: Config = None,
) -> None:
    """Create every topic that is absent; refuse those whose partitions are not ours."""
    settings = with_broker(settings_of(config, broker=broker, replication=replication))
    asyncio.run(create_topics(link_of(settings), settings.replication))
    typer.echo(f"{len(TOPICS)} topics are there on {settings.broker}")


def describe(broker: BrokerFlag = None, config: Config = None) -> None:
    """What is on the broker, beside what should be."""
    settings = with_broker(settings_of(config, broker=broker))
    states = asyncio.run(describe_topics(link_of(settings)))
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


def schema(
    name: Annotated[str | None, typer.Argument(help="A record; without one, their names.", show_default=False)] = None,
    against: Annotated[
        Path | None,
        typer.Option("--against", help="An older schema of the record: tell what breaks its readers, exit 1 if any."),
    ] = None,
) -> None:
    """The JSON Schema of a record, or what has changed in it."""
    if name is None:
        typer.echo("\n".join(RECORDS))
        return
    if name not in RECORDS:
        raise SettingsError(f"no record {name!r} (known: {', '.join(RECORDS)})")
    if against is None:
        typer.echo(_page(json_schema(name)))
        return
    found = breaks(_schema_in(against), json_schema(name))
    typer.echo("\n".join(f"{name}: {line}" for line in found) or f"{name}: nothing breaks")
    if found:
        raise typer.Exit(1)


def asyncapi() -> None:
    """The topics as an AsyncAPI 3.0 document; its schemas are those of `listwire topics schema`."""
    typer.echo(_page(contract.asyncapi(outcome(load_registry()))))


def _page(document: dict[str, Any]) -> str:
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode()


def _schema_in(file: Path) -> dict[str, Any]:
    try:
        return msgspec.json.decode(file.read_bytes(), type=dict[str, Any])
    except OSError as error:
        raise SettingsError(f"{file}: {error.strerror}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DataFileError(str(file), f"no JSON Schema: {error}") from None
