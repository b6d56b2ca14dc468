"""`listwire web`: the live page."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from agents.cli.options import BrokerFlag, Config, DataDir, LogLevel, settings_of, with_broker
from agents.web.service import run_web
from streams.registry import load_registry


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("web")(web)


def web(
    broker: BrokerFlag = None,
    host: Annotated[
        str | None, typer.Option(help="Where the page listens; loopback unless told otherwise.", show_default=False)
    ] = None,
    port: Annotated[int | None, typer.Option(help="Its port; 0 takes a free one.", show_default=False)] = None,
    name: Annotated[
        list[str] | None,
        typer.Option(
            help="A further host name that browsers may ask by, behind a proxy; may be repeated.", show_default=False
        ),
    ] = None,
    keep: Annotated[int | None, typer.Option(help="How many alerts are remembered.", show_default=False)] = None,
    baseline: Annotated[
        str | None, typer.Option(help="Where the ledger starts: registry, or none.", show_default=False)
    ] = None,
    data_dir: DataDir = None,
    log_level: LogLevel = None,
    config: Config = None,
) -> None:
    """Serve the live page: alerts as they come, the ledger, the feeds; until stopped.

    It only reads, in no consumer group, and has no password: beyond loopback put a proxy before it that asks for one.
    """
    settings = settings_of(
        config,
        broker=broker,
        web_host=host,
        web_port=port,
        web_names=tuple(name) if name else None,
        web_keep=keep,
        baseline=baseline,
        data_dir=data_dir,
        log_level=log_level,
    )
    registry = load_registry() if settings.baseline == "registry" else load_registry().without_baseline()
    raise typer.Exit(asyncio.run(run_web(with_broker(settings), registry, _say)))


def _say(text: str) -> None:
    typer.echo(f"listwire: {text}", err=True)
