"""`listwire restore`, which `listwire backup` is the other half of."""

from __future__ import annotations

import typer

from agents.cli.backup import restore


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("restore")(restore)
