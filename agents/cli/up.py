"""`listwire up`: the whole service from one command."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from agents.cli.options import Config, DataDir, FeedUrls, LogLevel, feeds_of, settings_of
from agents.sinks import means_of, open_sinks
from agents.up import run_up


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("up")(up)


def up(
    demo: Annotated[
        bool,
        typer.Option("--demo", help="Serve the bundled sample wire and watch it, in a data folder of its own."),
    ] = False,
    feed: FeedUrls = None,
    data_dir: DataDir = None,
    log_level: LogLevel = None,
    config: Config = None,
) -> None:
    """Start everything: a broker unless LISTWIRE_BROKER names one, poller, worker and live page; until Ctrl-C."""
    settings = settings_of(config, data_dir=data_dir, log_level=log_level)
    if not demo:
        feeds_of(settings, feed)  # a broken list, or sink, is told before anything has started
        open_sinks(settings.sinks, means_of(settings))
    feeds = [part for url in feed or () for part in ("--feed", url)]
    raise typer.Exit(asyncio.run(run_up(settings, _say, demo=demo, passed=feeds)))


def _say(text: str) -> None:
    typer.echo(f"listwire: {text}", err=True)
