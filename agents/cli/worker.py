"""`listwire worker`: classifier, detector, bookkeeper and herald on a broker."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from agents.cli.options import BrokerFlag, Config, DataDir, LogLevel, registry_of, settings_of
from agents.worker import run_worker


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("worker")(worker)


def worker(
    broker: BrokerFlag = None,
    sinks: Annotated[
        list[str] | None,
        typer.Option("--sink", help="Where alerts go, by URL; may be repeated.", show_default=False),
    ] = None,
    metrics_port: Annotated[
        int | None, typer.Option(help="Port of /metrics, /livez and /readyz.", show_default=False)
    ] = None,
    baseline: Annotated[
        str | None, typer.Option(help="Where the ledger starts: registry, or none.", show_default=False)
    ] = None,
    data_dir: DataDir = None,
    log_level: LogLevel = None,
    config: Config = None,
) -> None:
    """Read stories from the broker, keep the ledger, hand alerts to the sinks; until stopped."""
    settings = settings_of(
        config,
        broker=broker,
        sinks=tuple(sinks) if sinks else None,
        metrics_port=metrics_port,
        baseline=baseline,
        data_dir=data_dir,
        log_level=log_level,
    )
    registry = registry_of(settings)
    raise typer.Exit(asyncio.run(run_worker(settings, registry)))
