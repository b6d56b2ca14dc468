"""`listwire feeds test`: does each feed work from here?"""

from __future__ import annotations

import asyncio
import difflib
import sys
from collections.abc import Sequence
from typing import Annotated

import orjson
import typer
from msgspec import to_builtins
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from agents.cli.options import Config, FeedUrls, feeds_of, settings_of
from agents.credentials import Credentials
from agents.fetching import Fetcher
from agents.parsing import Parser
from agents.probing import probe_all
from agents.rendering import plain
from agents.settings import Settings
from streams.errors import SettingsError
from streams.feeds import FeedSpec
from streams.probes import Probe

WIDTH_OF_A_FILE = 160
"""Columns of the table where no terminal says how many there are."""


def register_test(group: typer.Typer) -> None:
    """Add the command to the group `feeds`."""
    group.command("test")(test)


def test(
    feed: FeedUrls = None,
    keys: Annotated[
        list[str] | None,
        typer.Argument(metavar="[KEY]...", help="Feeds of the list; all enabled ones if absent.", show_default=False),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a feed.")] = False,
    config: Config = None,
) -> None:
    """Fetch and parse feeds once, without a broker, and say how each fares. Exit code 1 if one fails.

    A feed fails if nothing can be read from it. A feed whose newest item is older than 30 days is marked `stale`; that
    is a warning, as are a feed without items and one that moved, and leaves the exit code at 0.
    """
    settings = settings_of(config)
    wanted = _wanted(feeds_of(settings, feed), keys or [])
    probes = asyncio.run(_probes(wanted, settings))
    if as_json:
        for probe in probes:
            typer.echo(orjson.dumps(to_builtins(probe)).decode())
    else:
        terminal = sys.stdout.isatty()
        Console(width=None if terminal else WIDTH_OF_A_FILE, highlight=False).print(_table(probes))
    if not all(probe.fine for probe in probes):
        raise typer.Exit(1)


def _wanted(feeds: Sequence[FeedSpec], keys: list[str]) -> list[FeedSpec]:
    """The feeds of these keys, disabled ones too, else all that are enabled. Raises SettingsError."""
    known = {feed.key for feed in feeds}
    for key in keys:
        if key not in known:
            near = difflib.get_close_matches(key, sorted(known), n=1)
            hint = f" (did you mean {near[0]}?)" if near else ""
            raise SettingsError(f"{key}: not in the feed list{hint}")
    return [feed for feed in feeds if (feed.key in keys if keys else feed.enabled)]


async def _probes(feeds: list[FeedSpec], settings: Settings) -> list[Probe]:
    parser = Parser(workers=2)
    credentials = Credentials(settings.credentials_dir)
    with _progress() as progress:
        bar = progress.add_task("", total=len(feeds))
        async with Fetcher(
            contact=settings.contact, allowed=settings.allow_networks, credentials=credentials
        ) as fetcher:
            try:
                return await probe_all(
                    feeds, fetcher, parser, done=lambda probe: progress.update(bar, advance=1, description=probe.key)
                )
            finally:
                await parser.close()


def _progress() -> Progress:
    """A bar on stderr, none where stderr is no terminal."""
    columns = BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}", markup=False)
    return Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty())


def _table(probes: Sequence[Probe]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("")
    table.add_column("feed", no_wrap=True)
    for name in ("HTTP", "format", "items", "newest", "seconds"):
        table.add_column(name, justify="left" if name == "format" else "right", no_wrap=True)
    table.add_column("problem", overflow="fold")
    for probe in probes:
        table.add_row(*_row(probe))
    return table


def _row(probe: Probe) -> tuple[Text, ...]:
    mark, colour = ("FAIL", "red") if not probe.fine else ("odd", "yellow") if probe.problem else ("ok", "green")
    facts = (
        _shown(probe.status),
        _shown(probe.format),
        _shown(probe.items),
        "-" if probe.age_s is None else age(probe.age_s),
        f"{probe.seconds:.1f}",
    )
    problem = Text(plain(probe.problem or ""), colour if probe.problem else "")
    return Text(mark, colour), Text(probe.key), *map(Text, facts), problem


def _shown(value: object) -> str:
    return "-" if value is None else str(value)


def age(seconds: int) -> str:
    """In the largest unit of which there are two."""
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
