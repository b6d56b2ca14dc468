"""`listwire status`: where a group stands, with whom, and since when; on a day of the past; and how it came to it."""

from __future__ import annotations

import asyncio
from datetime import date, datetime
from typing import Annotated

import orjson
import typer
from msgspec import to_builtins

from agents.claims_log import read_claims
from agents.cli.feeds_coverage import covered, reason
from agents.cli.naming import Pair, authority_name, group_name, pairs_of
from agents.cli.options import Baseline, BrokerFlag, Config, DataDir, broker_or_none, registry_of, settings_of
from agents.cli.status_history import history_lines, history_rows
from agents.clock import utcnow
from agents.kafka import require_broker
from agents.link import Bootstrap
from agents.memory import LogReader
from agents.rendering import status_lines
from agents.settings import Settings
from streams.alerts import status_of
from streams.codec import decode
from streams.errors import RecordError, SettingsError
from streams.history import Told, entry_on
from streams.ledger import open_entry
from streams.records import LedgerKey, Status, ledger_key
from streams.registry import Registry, load_registry
from streams.topics import Topic, partitions_of

Rows = dict[LedgerKey, Status]
Names = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[NAME]...",
        help="A group, an authority, or both, by key or name; all that has moved if absent.",
        show_default=False,
    ),
]
At = Annotated[
    datetime | None,
    typer.Option(
        "--at",
        formats=["%Y-%m-%d"],
        help="As it was at the end of that day (UTC), by what is known today: the baseline of the day and the "
        "claims acted on by then, however late they were told.",
        show_default=False,
    ),
]
History = Annotated[
    bool, typer.Option("--history", help="How one pair came to stand so: each claim and alert revision, as told.")
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("status")(status)


def status(
    names: Names = None,
    at: At = None,
    history: History = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a row.")] = False,
    offline: Annotated[bool, typer.Option("--offline", help="The registry's baseline alone, no broker.")] = False,
    broker: BrokerFlag = None,
    data_dir: DataDir = None,
    baseline: Baseline = None,
    config: Config = None,
) -> None:
    """The ledger's rows for a group or an authority: the baseline, moved on by every claim so far."""
    settings = None if offline else settings_of(config, broker=broker, data_dir=data_dir, baseline=baseline)
    registry = registry_of(settings) if settings else load_registry()
    pairs = pairs_of(names, registry) if names else None
    day = _past_day(at)
    if history and (pairs is None or len(pairs) != 1 or day is not None):
        raise SettingsError("--history is of one pair, and of all its days: give an authority and a group, no --at")
    instead = "showing the registry's baseline"
    bootstrap = broker_or_none(settings, instead, required=pairs is None) if settings else None
    if history and pairs:
        _show_history(pairs[0], asyncio.run(_log_of(pairs[0], bootstrap)), registry, as_json)
    else:
        _show_rows(asyncio.run(_rows(bootstrap, pairs, day, registry)), registry, as_json)
        if settings and bootstrap and pairs and not as_json and day is None:
            _say_who_watches(pairs, settings, registry, bootstrap)


async def _rows(bootstrap: Bootstrap | None, pairs: list[Pair] | None, day: date | None, registry: Registry) -> Rows:
    rows = _baseline(pairs or [], day, registry)
    if bootstrap is None:
        return rows
    return rows | await (_live(bootstrap, pairs) if day is None else _past(bootstrap, pairs, day, registry))


def _past_day(at: datetime | None) -> date | None:
    if at is not None and at.date() > utcnow().date():
        raise SettingsError(f"--at: {at:%Y-%m-%d} is still to come; see `listwire due`")
    return at.date() if at is not None else None


def _baseline(pairs: list[Pair], day: date | None, registry: Registry) -> Rows:
    if day is None:
        entries = [open_entry(authority, group, registry) for authority, group in pairs]
    else:
        entries = [entry_on(day, authority, group, (), registry) for authority, group in pairs]
    return {entry.key: status_of(entry, -1) for entry in entries if entry.standings}


async def _live(bootstrap: Bootstrap, pairs: list[Pair] | None) -> Rows:
    """The rows on the broker."""
    await require_broker(bootstrap)
    wanted = None if pairs is None else {ledger_key(*pair) for pair in pairs}
    rows: Rows = {}
    for partition in range(partitions_of(Topic.STATUS)):
        async for message in LogReader(bootstrap)(Topic.STATUS, partition, 0, None):
            try:
                row = decode(message.value, Status)
            except RecordError:
                continue
            key = ledger_key(row.authority, row.group)
            if wanted is None or key in wanted:
                rows[key] = row
    return rows


async def _past(bootstrap: Bootstrap, pairs: list[Pair] | None, day: date, registry: Registry) -> Rows:
    """The rows of that day, where anything was known by then; `offset` is of the newest report that was read."""
    wanted = None if pairs is None else {ledger_key(*pair) for pair in pairs}
    rows: Rows = {}
    for key, log in (await read_claims(bootstrap, wanted)).items():
        report = log[0].report
        entry = entry_on(day, report.authority, report.group, log, registry)
        if entry.standings:
            rows[key] = status_of(entry, log[-1].offset)
    return rows


async def _log_of(pair: Pair, bootstrap: Bootstrap | None) -> list[Told]:
    key = ledger_key(*pair)
    return [] if bootstrap is None else (await read_claims(bootstrap, {key})).get(key, [])


def _show_rows(rows: Rows, registry: Registry, as_json: bool) -> None:
    for row in sorted(rows.values(), key=lambda row: (row.group, row.authority)):
        typer.echo(orjson.dumps(to_builtins(row)) if as_json else "\n".join(status_lines(row, registry)))
    if not rows:
        typer.echo("nothing known", err=as_json)


def _say_who_watches(pairs: list[Pair], settings: Settings, registry: Registry, bootstrap: Bootstrap) -> None:
    """A line where one authority was asked for: an old state may be old because nobody would tell of a new one."""
    authorities = {authority for authority, _ in pairs}
    if len(authorities) == 1:
        (one,) = [one for one in covered(settings, registry, bootstrap) if one.authority in authorities]
        typer.echo(f"watched: {one.degree} ({reason(one)})")


def _show_history(pair: Pair, log: list[Told], registry: Registry, as_json: bool) -> None:
    if as_json:
        for row in history_rows(pair, log, registry):
            typer.echo(orjson.dumps(row))
        return
    typer.echo(f"{authority_name(pair[0], registry)} ▸ {group_name(pair[1], registry)}")
    lines = list(history_lines(pair, log, registry))
    typer.echo("\n".join(lines) if lines else "nothing known")
