"""`listwire poll`: fetch the feeds, empty the watched folders, or read stdin, and publish every new story."""

from __future__ import annotations

import asyncio
import sys
from functools import partial
from typing import Annotated

import typer

from agents.cli.options import BrokerFlag, Config, DataDir, FeedUrls, LogLevel, feeds_of, settings_of, with_interval
from agents.piping import STDIN
from agents.poll_service import poll_once, publish_piped, run_poller
from agents.settings import Settings
from streams.errors import SettingsError
from streams.feeds import feed_of_key

Networks = Annotated[
    list[str] | None,
    typer.Option(help="Private network (CIDR) that feeds may be on; may be repeated.", show_default=False),
]
Stdin = Annotated[
    str | None,
    typer.Option(
        "--stdin",
        metavar="KEY",
        help="Publish what comes on stdin (a wire document, or JSON Lines of stories) as the feed KEY, and exit.",
        show_default=False,
    ),
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("poll")(poll)


def poll(
    feed: FeedUrls = None,
    broker: BrokerFlag = None,
    once: Annotated[bool, typer.Option("--once", help="Poll every feed once, empty every folder, and exit.")] = False,
    interval: Annotated[
        int | None,
        typer.Option(help="Seconds between polls, for wires of your own.", min=1, show_default=False),
    ] = None,
    allow_network: Networks = None,
    stdin: Stdin = None,
    metrics_port: Annotated[
        int | None, typer.Option(help="Port of /metrics, /livez and /readyz.", show_default=False)
    ] = None,
    data_dir: DataDir = None,
    log_level: LogLevel = None,
    config: Config = None,
) -> None:
    """Poll the feeds politely, watch folders, and publish every new or changed story; until stopped.

    Several of these on one broker share the feed list; feeds given with --feed are polled by this one alone.
    A feed of your own list that has `folder` instead of `url` is a folder into which an agency delivers files.
    """
    settings = settings_of(
        config,
        broker=broker,
        allow_networks=tuple(allow_network) if allow_network else None,
        poller_metrics_port=metrics_port,
        data_dir=data_dir,
        log_level=log_level,
    )
    if stdin is not None and (feed or once):
        raise SettingsError("--stdin publishes what is piped in, once: it goes with neither --feed nor --once")
    if stdin is not None:
        raise typer.Exit(_publish_stdin(settings, stdin))
    feeds = feeds_of(settings, feed)
    adapt = partial(with_interval, interval_s=interval)
    if not once:
        raise typer.Exit(asyncio.run(run_poller(settings, feeds, shared=not feed, adapt=adapt)))
    for key, outcome in asyncio.run(poll_once(settings, [f for f in feeds if f.enabled])).items():
        typer.echo(f"{key}: {outcome}")


def _publish_stdin(settings: Settings, key: str) -> int:
    """The exit code: 1 if something that was piped in could not be read."""
    new = feed_of_key(key)
    listed = next((feed for feed in feeds_of(settings, None) if feed.key == key), None)
    piped = asyncio.run(publish_piped(settings, sys.stdin.buffer.read(), new=new, listed=listed))
    for problem in piped.broken:
        sys.stderr.write(f"listwire: {STDIN}: {problem}\n")
    typer.echo(f"{key}: {piped.stories} published, {piped.listed - piped.stories} known already")
    return 1 if piped.broken else 0
