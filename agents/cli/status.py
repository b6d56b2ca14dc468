"""`listwire status`: where a group stands, with whom, and since when."""

from __future__ import annotations

import asyncio
from typing import Annotated

import orjson
import typer
from msgspec import to_builtins

from agents.cli.options import BrokerFlag, Config, DataDir, settings_of, with_broker
from agents.kafka import require_broker
from agents.memory import LogReader
from agents.rendering import status_lines
from agents.settings import Settings
from streams.alerts import status_of
from streams.codec import decode
from streams.errors import ListwireError, RecordError, SettingsError
from streams.ledger import open_entry
from streams.records import AuthorityKey, GroupKey, LedgerKey, Status, ledger_key
from streams.registry import Registry, load_registry
from streams.topics import TOPICS, Topic


class UnknownNameError(ListwireError):
    """Neither a group nor an authority."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("status")(status)


def status(
    name: Annotated[
        str | None,
        typer.Argument(help="A group or authority, by key or name; all that has moved if absent.", show_default=False),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a row.")] = False,
    offline: Annotated[bool, typer.Option("--offline", help="The registry's baseline alone, no broker.")] = False,
    broker: BrokerFlag = None,
    data_dir: DataDir = None,
    config: Config = None,
) -> None:
    """The ledger's rows for a group or an authority: the baseline, moved on by every claim so far."""
    registry = load_registry()
    rows = {} if name is None else _baseline(name, registry)
    if not offline:
        rows |= asyncio.run(_live(settings_of(config, broker=broker, data_dir=data_dir), name, registry))
    for row in sorted(rows.values(), key=lambda row: (row.group, row.authority)):
        typer.echo(orjson.dumps(to_builtins(row)).decode() if as_json else "\n".join(status_lines(row, registry)))
    if not rows:
        typer.echo("nothing known")


def _baseline(name: str, registry: Registry) -> dict[LedgerKey, Status]:
    pairs = _pairs(name, registry)
    entries = [open_entry(authority, group, registry) for authority, group in pairs]
    return {entry.key: status_of(entry, -1) for entry in entries if entry.standings}


def _pairs(name: str, registry: Registry) -> list[tuple[AuthorityKey, GroupKey]]:
    group = registry.resolve(name)
    if group is not None:
        return [(authority, group) for authority in registry.authorities]
    authority = AuthorityKey(name.lower())
    if authority not in registry.authorities:
        near = ", ".join(key for key, _, _ in registry.search(name, 3))
        raise UnknownNameError(f"{name!r} is neither a group nor an authority" + (f"; near: {near}" if near else ""))
    return [(authority, key) for key in registry.groups]


async def _live(settings: Settings, name: str | None, registry: Registry) -> dict[LedgerKey, Status]:
    """The rows on the broker; without one only the baseline is known, which is said on stderr."""
    try:
        found = with_broker(settings)
    except SettingsError as error:
        if name is None:
            raise
        typer.echo(f"listwire: {error}; showing the registry's baseline", err=True)
        return {}
    bootstrap = str(found.broker)
    await require_broker(bootstrap)
    wanted = None if name is None else {ledger_key(*pair) for pair in _pairs(name, registry)}
    rows: dict[LedgerKey, Status] = {}
    partitions = next(spec.partitions for spec in TOPICS if spec.topic is Topic.STATUS)
    for partition in range(partitions):
        async for message in LogReader(bootstrap)(Topic.STATUS, partition, 0, None):
            try:
                row = decode(message.value, Status)
            except RecordError:
                continue
            key = ledger_key(row.authority, row.group)
            if wanted is None or key in wanted:
                rows[key] = row
    return rows
