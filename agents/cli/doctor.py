"""`listwire doctor`: is everything there that Listwire needs? Each finding comes with its remedy."""

from __future__ import annotations

import asyncio
from typing import Annotated

import orjson
import typer

from agents.checks import Finding, Verdict, brokers, inputs, machine
from agents.cli.options import BrokerFlag, Config, DataDir, settings_of
from agents.settings import Settings
from streams.acls import Role


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("doctor")(doctor)


def doctor(
    broker: BrokerFlag = None,
    data_dir: DataDir = None,
    role: Annotated[
        Role | None,
        typer.Option(help="Who we are on the broker: a right that this role lacks is a fault.", show_default=False),
    ] = None,
    feeds: Annotated[
        bool, typer.Option("--feeds", help="Fetch each feed, and compare clocks with their servers.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a finding.")] = False,
    config: Config = None,
) -> None:
    """Check the machine, the settings, and the broker with its topics and our rights there, or what would bring one.

    Nothing is changed. `warn` is for what runs and should be known; exit code 1 if something fails, 2 for a setting
    that cannot be read.
    """
    findings = asyncio.run(_findings(settings_of(config, broker=broker, data_dir=data_dir), role, feeds=feeds))
    for finding in findings:
        typer.echo(_object(finding) if as_json else _line(finding))
    if any(finding.verdict is Verdict.WRONG for finding in findings):
        raise typer.Exit(1)


async def _findings(settings: Settings, role: Role | None, *, feeds: bool) -> list[Finding]:
    found = [*machine.examine(settings.data_dir), *inputs.examine(settings)]
    if feeds:
        found += await inputs.fetched(settings)
    return found + await brokers.examine(settings, role)


def _line(finding: Finding) -> str:
    line = f"{finding.verdict:4} {finding.name:10} {finding.what}"
    return line if finding.verdict is Verdict.FINE else f"{line}\n{'':16}{finding.remedy}"


def _object(finding: Finding) -> str:
    return orjson.dumps(finding._asdict() | {"remedy": finding.remedy or None}).decode()
