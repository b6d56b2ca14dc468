"""`listwire replay`: an archive in, ledger and alerts out, in event time; no broker, no clock."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Iterable, Iterator
from datetime import date
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from agents.cli.scanning import Item, SourceError, items_of
from agents.rendering import WIDTH, plain, render, status_lines
from agents.spilling import SpillingSort
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

Show = Callable[[Alert | Status], None]

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
    read = _Reading(sources or ["-"])
    show = _print_json if as_json else _Printer(registry)
    silent: dict[str, list[str]] = {}
    with SpillingSort() as sort:
        ledger = _carried(replay(read.stories(), registry, start, sort), read, show, silent)
    _say_silent(silent)
    for kept in ledger.values() if state else ():
        if kept.entry.standings:
            show(kept.status)
    sys.stdout.flush()
    if read.broken:
        raise typer.Exit(1)


def _baseline(named: str, registry: Registry) -> Registry:
    if named == "none":
        return registry.without_baseline()
    try:
        return baseline_before(registry, date.fromisoformat(named))
    except ValueError:
        raise SettingsError(f"--baseline {named!r}: none, or a day such as 2024-10-04") from None


class _Reading:
    """The stories of all sources, one after another, and how many there were."""

    def __init__(self, sources: Iterable[str]) -> None:
        self._sources = sources
        self.count = 0
        self.broken = 0

    def stories(self) -> Iterator[Story]:
        """What can be read; lines and documents that are no story are named at once."""
        for item in self._items():
            if item.story is None:
                self.broken += 1
                sys.stderr.write(f"listwire: {plain(item.source)}: {plain(item.error)}\n")
            else:
                self.count += 1
                yield item.story

    def _items(self) -> Iterator[Item]:
        """What `scan` reads; a document that can not be read does not keep the others from being replayed."""
        for source in self._sources:
            try:
                yield from items_of(source)
            except SourceError as error:
                yield Item(source, source, None, str(error).removeprefix(f"{source}: "))


class _Bar(Progress):
    """How far the replay has come, on a terminal that the alerts do not go to, if it takes longer than a moment."""

    def __init__(self) -> None:
        console = Console(stderr=True)
        super().__init__(console=console, transient=True, disable=not console.is_terminal or sys.stdout.isatty())
        self._task = self.add_task("replay")

    def __enter__(self) -> _Bar:
        return self

    def reached(self, number: int, total: int) -> None:
        """Every so many stories: tells it."""
        if number % LONG == 0:
            self.start()
            self.update(self._task, total=total, completed=number, refresh=True)


def _carried(turns: Generator[Told, None, Ledger], read: _Reading, show: Show, silent: dict[str, list[str]]) -> Ledger:
    """The ledger at the end; alerts are shown as they come, on a terminal that they do not go to with a bar."""
    ledger: Ledger = {}

    def noted() -> Iterator[Told]:
        ledger.update((yield from turns))

    with _Bar() as bar:
        for number, turn in enumerate(noted(), start=1):
            bar.reached(number, read.count)
            if turn.silence in NOTES:
                silent.setdefault(NOTES[turn.silence], []).append(plain(turn.story.guid))
            for alert in turn.alerts:
                show(alert)
    return ledger


def _say_silent(silent: dict[str, list[str]]) -> None:
    """One line on stderr for each sort of story that somebody should know was not used."""
    for note, guids in silent.items():
        more = f" and {len(guids) - NAMED} more" if len(guids) > NAMED else ""
        sys.stderr.write(f"listwire: {', '.join(guids[:NAMED])}{more}: {note}\n")


def _print_json(record: Alert | Status) -> None:
    sys.stdout.buffer.write(encode(record) + b"\n")


class _Printer:
    """Prints for people."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._console = Console(highlight=False, emoji=False, markup=False)
        self._width = min(WIDTH, self._console.width) if self._console.is_terminal else WIDTH

    def __call__(self, record: Alert | Status) -> None:
        if isinstance(record, Alert):
            self._console.print(render(record, None, self._width), soft_wrap=True)
            self._console.print()
        else:
            self._console.print("\n".join(status_lines(record, self._registry)), soft_wrap=True)
