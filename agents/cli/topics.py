"""`listwire topics`: the topics on the broker, and the contract of what is in them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from agents.cli.acls import acls
from agents.cli.topics_configured import register_topics
from agents.demo.outcome import outcome
from streams import asyncapi as contract
from streams.compatibility import breaks
from streams.errors import DataFileError, SettingsError
from streams.registry import load_registry
from streams.schemas import RECORDS, json_schema


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True, help="The topics, and what is in them.", rich_markup_mode=None)
    register_topics(group)
    group.command("schema")(schema)
    group.command("asyncapi")(asyncapi)
    group.command("acls")(acls)
    app.add_typer(group, name="topics")


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
