"""`listwire backup` and `listwire restore`: all that must survive, in one file, and back again."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn

from agents.backup import Scope, back_up
from agents.backup_file import BackupError, contents
from agents.broker import Broker, BrokerSpec, running
from agents.cli.options import BrokerFlag, Config, DataDir, broker_dir, with_broker
from agents.cli.settings import changed_lines
from agents.clock import utcnow
from agents.link import Link
from agents.link_settings import link_of, require_consistent
from agents.logs import configure_logging
from agents.restoring import restore as restored
from agents.settings import Settings, Traced, traced_settings
from streams.backups import Enclosed, Head, Tail
from streams.errors import SettingsError
from streams.retention import specs
from streams.topics import Topic

Json = Annotated[bool, typer.Option("--json", help="One JSON object.")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("backup")(backup)


def backup(
    target: Annotated[Path, typer.Argument(help="A folder, where the file is named after the time; or a file.")],
    verify: Annotated[bool, typer.Option("--verify", help="Read a backup and check that it is whole.")] = False,
    stories: Annotated[
        bool, typer.Option(help="All stories that are kept; without, only those that the worker has not done with.")
    ] = True,
    deadletters: Annotated[bool, typer.Option(help="The dead letters.")] = True,
    as_json: Json = False,
    broker: BrokerFlag = None,
    data_dir: DataDir = None,
    config: Config = None,
) -> None:
    """Back up the topics, the places of all who read them, the feed list and the settings, while all goes on.

    The file holds texts under licence and what hubs sign with: it is for its owner alone. Files with secrets are not
    in it. Without LISTWIRE_BROKER it is the broker of `listwire up`, running or not. Exit code 1 if the backup failed,
    or is not whole.
    """
    if verify:
        found = contents(target)
        _tell(target, found.head, found.tail, as_json)
        return
    traced = _traced(config, broker=broker, data_dir=data_dir)
    file = target / f"listwire-{utcnow():%Y%m%dT%H%M%SZ}.jsonl.gz" if target.is_dir() else target
    with _reached(traced.settings) as link, _progress("backed up") as progress:
        head, tail = asyncio.run(back_up(link, file, _enclosed(traced), Scope(stories, deadletters), progress))
    _tell(file, head, tail, as_json)


def restore(
    file: Annotated[Path, typer.Argument(help="A backup.", show_default=False)],
    files: Annotated[
        Path | None,
        typer.Option("--files", help="Only put the settings and the feed list of the backup into this folder."),
    ] = None,
    as_json: Json = False,
    broker: BrokerFlag = None,
    data_dir: DataDir = None,
    config: Config = None,
) -> None:
    """Restore a backup into a broker whose topics are absent or empty, before workers and pollers are started.

    Nothing is sent unless the whole file is in order. Without LISTWIRE_BROKER it is the broker of `listwire up`, before
    that is started. Exit code 1 if something stands in the way.
    """
    if files is not None:
        _put_out(file, files)
        return
    settings = _traced(config, broker=broker, data_dir=data_dir).settings
    found = contents(file)  # before a broker is reached, or even started
    with _reached(settings, new=True) as link, _progress("restored") as progress:
        asyncio.run(restored(link, file, found, settings.replication, specs(settings.retention), progress))
    _tell(file, found.head, found.tail, as_json)


@contextmanager
def _reached(settings: Settings, *, new: bool = False) -> Iterator[Link]:
    """The broker of the settings, or that of `up`, which is started for as long as it takes if it does not run.

    `new`: also where there was none before.
    """
    require_consistent(settings)
    folder = broker_dir(settings.data_dir)
    sleeps = settings.broker is None and running(folder) is None and (new or folder.exists())
    if not sleeps:
        yield link_of(with_broker(settings))
        return
    spec = BrokerSpec(folder, settings.cache_dir, settings.kafka_jars, settings.maven_repository)
    with Broker.start(spec, lambda text: typer.echo(f"listwire: {text}", err=True)) as broker:
        yield Link(broker.bootstrap)


def _traced(config: Path | None, **flags: object) -> Traced:
    traced = traced_settings(config, **flags)
    configure_logging(traced.settings.log_level, traced.settings.log_format)
    return traced


def _enclosed(traced: Traced) -> list[Enclosed]:
    """The operator's files, and what was set besides by flags and variables."""
    named = {"listwire.toml": traced.sources.file, "feeds.toml": traced.settings.feeds_file}
    found = [_file(name, path) for name, path in named.items() if path is not None and path.exists()]
    return [*found, Enclosed(name="settings.txt", path="", text="\n".join(changed_lines(traced)) + "\n")]


def _file(name: str, path: Path) -> Enclosed:
    try:
        return Enclosed(name=name, path=str(path.absolute()), text=path.read_text("utf-8"))
    except UnicodeDecodeError:
        raise SettingsError(f"{path}: not UTF-8 text") from None
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}") from None


def _put_out(file: Path, folder: Path) -> None:
    for enclosed in contents(file).files:
        target = folder / Path(enclosed.name).name  # a name with a folder in it would be somebody's trick
        try:
            handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as error:
            raise BackupError(f"{target}: {error.strerror}") from None
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            out.write(enclosed.text)
        typer.echo(f"{target}{f', which was {enclosed.path}' if enclosed.path else ''}")


def _tell(file: Path, head: Head, tail: Tail, as_json: bool) -> None:
    facts: dict[str, Any] = {
        "file": str(file),
        "bytes": file.stat().st_size,
        "made_at": head.made_at,
        "listwire": head.listwire,
        "broker": head.broker,
        "groups": len({place.group for place in head.places}),
        "messages": tail.messages,
        "topics": {str(topic): sum(one.messages for one in tail.counts if one.topic == topic) for topic in Topic},
        "sha256": tail.sha256,
    }
    if as_json:
        typer.echo(orjson.dumps(facts).decode())
        return
    for topic, messages in facts["topics"].items():
        typer.echo(f"{topic:22} {messages:>10}")
    typer.echo(f"{facts['messages']} messages and the places of {facts['groups']} groups as of {head.made_at:%F %T}Z")
    typer.echo(f"{file}: {facts['bytes']} bytes")


@contextmanager
def _progress(done: str) -> Iterator[Callable[[int], None]]:
    """Counts on stderr, where that is a terminal."""
    columns = SpinnerColumn(), TextColumn("{task.completed:.0f} messages {task.description}")
    bar = Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty())
    with bar:
        task = bar.add_task(done, total=None)
        yield lambda count: bar.advance(task, count)
