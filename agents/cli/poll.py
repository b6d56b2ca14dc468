"""`listwire poll`: fetch the feeds and publish every new story."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Annotated

import typer

from agents.cli.options import BrokerFlag, Config, DataDir, FeedUrls, LogLevel, feeds_of, settings_of, with_interval
from agents.poll_service import poll_once, run_poller


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("poll")(poll)


def poll(
    feed: FeedUrls = None,
    broker: BrokerFlag = None,
    once: Annotated[bool, typer.Option("--once", help="Poll every feed once and exit.")] = False,
    interval: Annotated[
        int | None,
        typer.Option(help="Seconds between polls, for wires of your own.", min=1, show_default=False),
    ] = None,
    allow_network: Annotated[
        list[str] | None,
        typer.Option(help="Private network (CIDR) that feeds may be on; may be repeated.", show_default=False),
    ] = None,
    metrics_port: Annotated[
        int | None, typer.Option(help="Port of /metrics, /livez and /readyz.", show_default=False)
    ] = None,
    data_dir: DataDir = None,
    log_level: LogLevel = None,
    config: Config = None,
) -> None:
    """Poll the feeds politely and publish every new or changed story; until stopped.

    Several of these on one broker share the feed list; feeds given with --feed are polled by this one alone.
    """
    settings = settings_of(
        config,
        broker=broker,
        allow_networks=tuple(allow_network) if allow_network else None,
        poller_metrics_port=metrics_port,
        data_dir=data_dir,
        log_level=log_level,
    )
    feeds = feeds_of(settings, feed)
    adapt = partial(with_interval, interval_s=interval)
    if not once:
        raise typer.Exit(asyncio.run(run_poller(settings, feeds, shared=not feed, adapt=adapt)))
    for key, outcome in asyncio.run(poll_once(settings, [f for f in feeds if f.enabled])).items():
        typer.echo(f"{key}: {outcome}")
