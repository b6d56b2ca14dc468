"""`listwire replay`: an archive in, ledger and alerts out, in event time; no broker, no clock."""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterable, Iterator
from datetime import date
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from agents.cli.scanning import Item, SourceError, items_of
from agents.rendering import WIDTH, plain, render, status_lines
from streams.archives import LeftOut
from streams.codec import encode
from streams.errors import SettingsError
from streams.records import Alert, Status, Story
from streams.registry import Registry, load_registry
from streams.replaying import Ledger, Silence, Told, Unmatched, baseline_before, replay

LONG = 500
"""Stories from which on a terminal is shown how far the replay has come: a second or more of reading."""

NAMED = 10
"""Stories that a note names; the others are counted."""

NOTES: dict[Silence | None, str] = {
    LeftOut.UNDATED: "undated, left out: without a day there is no place for it in the order of events",
    Unmatched.KILL: "killed, but it never claimed anything",
}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("replay")(replay_archive)


def replay_archive(
    sources: Annotated[
        list[str] | None,
        typer.Argument(metavar="[FILES|URL|-]...", help="JSON Lines of stories or any wire document; - is stdin."),
    ] = None,
    baseline: Annotated[
        str,
        typer.Option(
            metavar="none|DATE", help="Where the ledger starts: from nothing, or as the registry has it before a day."
        ),
    ] = "none",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object an alert.")] = False,
    state: Annotated[
        bool, typer.Option("--state", help="Print last where each pair stands; with --json one object a pair.")
    ] = False,
) -> None:
    """Carry one ledger through an archive and print the alerts it would have raised, each on its day.

    All stories are sorted by the time they were told, whatever file or line they stand in; revisions, corrections and
    kills take effect when they were sent. A story without a date is named and left out, unless it revises one that has
    a date. The same archive gives the same bytes. What cannot be read is named, and the exit code is 1.
    """
    registry = load_registry()
    start = _baseline(baseline, registry)
    stories, broken = _stories(sources or ["-"])
    told, ledger = _carried(replay(stories, registry, start), len(stories))
    _say_silent(told)
    alerts = [alert for turn in told for alert in turn.alerts]
    rows = [kept.status for kept in ledger.values() if kept.entry.standings] if state else []
    if as_json:
        _print_json(alerts, rows)
    else:
        _print_text(alerts, rows, registry)
    if broken:
        raise typer.Exit(1)


def _baseline(named: str, registry: Registry) -> Registry:
    if named == "none":
        return registry.without_baseline()
    try:
        return baseline_before(registry, date.fromisoformat(named))
    except ValueError:
        raise SettingsError(f"--baseline {named!r}: none, or a day such as 2024-10-04") from None


def _stories(sources: Iterable[str]) -> tuple[list[Story], int]:
    """All stories, and how many lines and documents were none; those are named at once."""
    stories, broken = [], 0
    for item in _items(sources):
        if item.story is None:
            broken += 1
            sys.stderr.write(f"listwire: {plain(item.source)}: {plain(item.error)}\n")
        else:
            stories.append(item.story)
    return stories, broken


def _items(sources: Iterable[str]) -> Iterator[Item]:
    """What `scan` reads; a document that can not be read does not keep the others from being replayed."""
    for source in sources:
        try:
            yield from items_of(source)
        except SourceError as error:
            yield Item(source, source, None, str(error).removeprefix(f"{source}: "))


def _carried(turns: Generator[Told, None, Ledger], total: int) -> tuple[list[Told], Ledger]:
    """All turns and the ledger at their end, with a bar on a terminal for as long as it takes."""
    ledger: Ledger = {}

    def noted() -> Iterator[Told]:
        ledger.update((yield from turns))

    console = Console(stderr=True)
    is_shown = console.is_terminal and total >= LONG
    with Progress(console=console, transient=True, disable=not is_shown) as progress:
        return list(progress.track(noted(), total=total, description="replay")), ledger


def _say_silent(told: Iterable[Told]) -> None:
    """One line on stderr for each sort of story that somebody should know was not used."""
    silent: dict[str, list[str]] = {}
    for turn in told:
        if turn.silence in NOTES:
            silent.setdefault(NOTES[turn.silence], []).append(plain(turn.story.guid))
    for note, guids in silent.items():
        more = f" and {len(guids) - NAMED} more" if len(guids) > NAMED else ""
        sys.stderr.write(f"listwire: {', '.join(guids[:NAMED])}{more}: {note}\n")


def _print_json(alerts: Iterable[Alert], rows: Iterable[Status]) -> None:
    for record in (*alerts, *rows):
        sys.stdout.buffer.write(encode(record) + b"\n")
    sys.stdout.buffer.flush()


def _print_text(alerts: Iterable[Alert], rows: Iterable[Status], registry: Registry) -> None:
    console = Console(highlight=False, emoji=False, markup=False)
    width = min(WIDTH, console.width) if console.is_terminal else WIDTH
    for alert in alerts:
        console.print(render(alert, None, width), soft_wrap=True)
        console.print()
    for row in rows:
        console.print("\n".join(status_lines(row, registry)), soft_wrap=True)
