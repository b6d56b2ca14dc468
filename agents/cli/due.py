"""`listwire due`: what lies ahead, by day: days of effect, expiries, reviews."""

from __future__ import annotations

import asyncio
from typing import Annotated

import orjson
import typer
from msgspec import to_builtins

from agents.claims_log import read_claims
from agents.cli.naming import authority_name, group_name, pairs_of
from agents.cli.options import Baseline, BrokerFlag, Config, DataDir, broker_or_none, registry_of, settings_of
from agents.clock import utcnow
from agents.link import Bootstrap
from agents.rendering import plain
from streams.due import Due, ahead
from streams.history import entry_now
from streams.records import Entry, ledger_key
from streams.registry import Registry, load_registry


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("due")(due)


def due(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]...", help="Only of this group, this authority, or both.", show_default=False),
    ] = None,
    days: Annotated[int, typer.Option("--days", help="How far to look ahead.", min=0, max=36_500)] = 90,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a day and group.")] = False,
    offline: Annotated[bool, typer.Option("--offline", help="The registry alone, no broker.")] = False,
    broker: BrokerFlag = None,
    data_dir: DataDir = None,
    baseline: Baseline = None,
    config: Config = None,
) -> None:
    """What lies ahead, the next first: days of effect that stories name, and expiries and reviews that laws set.

    Terms are in the registry; `estimated` marks those counted on over renewals that the ledger does not know, or from a
    date of which only the month or year is known.
    """
    settings = None if offline else settings_of(config, broker=broker, data_dir=data_dir, baseline=baseline)
    registry = registry_of(settings) if settings else load_registry()
    bootstrap = broker_or_none(settings, "looking into the registry alone") if settings else None
    entries = asyncio.run(_entries(names or [], bootstrap, registry))
    found = ahead(entries, registry, utcnow().date(), days)
    for one in found.due:
        typer.echo(orjson.dumps(to_builtins(one)) if as_json else _line(one, registry))
    if not found.due:
        typer.echo(f"nothing within {days} days", err=as_json)
    if found.undated:
        typer.echo(f"listwire: {found.undated} listings with a term have no day to count it from", err=True)


async def _entries(names: list[str], bootstrap: Bootstrap | None, registry: Registry) -> list[Entry]:
    """The entries of the registry's baseline, and those that claims have moved or made."""
    pairs = set(pairs_of(names, registry)) if names else None
    baseline = {(row.authority, group.key) for group in registry.groups.values() for row in group.baseline}
    log = await read_claims(bootstrap) if bootstrap else {}
    told = {(told[0].report.authority, told[0].report.group) for told in log.values()}
    known = {pair for pair in baseline | told if pairs is None or pair in pairs}
    return [entry_now(*pair, log.get(ledger_key(*pair), ()), registry) for pair in sorted(known)]


def _line(one: Due, registry: Registry) -> str:
    place = "".join(f", {part}" for part in (one.instrument, one.scope) if part)
    doubts = [
        *(["estimated"] if one.estimated else []),
        *([] if one.confirmed else ["unconfirmed"]),
        *([f"counted from {one.counted_from}"] if one.counted_from else []),
    ]
    doubt = f" ({', '.join(doubts)})" if doubts else ""
    who = f"{authority_name(one.authority, registry)} ▸ {group_name(one.group, registry)}{place}"
    return f"{one.day}  {one.kind:6}  {who}: {one.what}{doubt}\n    {plain(one.source)}"
