"""`listwire scan`: read stories offline and print what they claim; no broker, no state."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Annotated

import orjson
import typer

from agents.cli.scanning import Item, explain, items_of, scan_story, summary
from streams.registry import load_registry


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("scan")(scan)


def scan(
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FILES|URL|-]...",
            help="JSON Lines of stories, RSS, Atom, RDF or plain text; - is stdin.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a story.")] = False,
    explained: Annotated[
        bool, typer.Option("--explain", help="Show the reading: every candidate, and why it was dropped.")
    ] = False,
) -> None:
    """Read stories and print the status changes they claim, with the evidence."""
    registry = load_registry()
    broken = 0
    for source in sources or ["-"]:
        for item in items_of(source):
            if item.story is None:
                broken += 1
                _write_error(item, as_json)
                continue
            scanned = scan_story(item, registry)
            if as_json:
                _write(orjson.dumps(scanned.as_json(), option=orjson.OPT_APPEND_NEWLINE))
            else:
                _print(explain(scanned, registry) if explained else summary(scanned))
    if broken:
        raise typer.Exit(1)


def _write_error(item: Item, as_json: bool) -> None:
    if as_json:
        _write(orjson.dumps({"id": item.id, "error": item.error}, option=orjson.OPT_APPEND_NEWLINE))
    sys.stderr.write(f"listwire: {item.source}: {item.error}\n")


def _write(raw: bytes) -> None:
    sys.stdout.buffer.write(raw)
    sys.stdout.buffer.flush()


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        typer.echo(line)
