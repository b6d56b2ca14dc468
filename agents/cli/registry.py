"""`listwire registry`: look groups and authorities up, and check the files they come from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import orjson
import typer

from agents.cli.registry_import import register_import
from streams.errors import ListwireError, SettingsError
from streams.records import AuthorityKey, GroupKey
from streams.registry import Authority, Group, Registry, load_registry
from streams.registry.checking import check as check_files


class UnknownKeyError(ListwireError):
    """A key that no registry file has."""


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(
        no_args_is_help=True,
        help="Look up groups and authorities, check and import lists.",
        rich_markup_mode=None,
    )
    group.command("resolve")(resolve)
    group.command("search")(search)
    group.command("show")(show)
    group.command("check")(check)
    register_import(group)
    app.add_typer(group, name="registry")


def resolve(
    names: Annotated[list[str], typer.Argument(help="Names, aliases or keys.")],
    as_json: Annotated[bool, typer.Option("--json", help="One object: name to key, null where unknown.")] = False,
) -> None:
    """The registry key of each name, exactly as written apart from case, accents, quotes and hyphens."""
    registry = load_registry()
    keys = {name: registry.resolve(name) for name in names}
    if as_json:
        typer.echo(orjson.dumps(keys))
        return
    for name, key in keys.items():
        typer.echo(f"{name}\t{key or _open(name, registry)}")


def search(query: Annotated[str, typer.Argument(help="Part of a name; typos are forgiven.")]) -> None:
    """Groups whose names look like the query, best first."""
    found = load_registry().search(query)
    for key, name, score in found:
        typer.echo(f"{score:5.1f}  {key:32} {name}")
    if not found:
        raise UnknownKeyError(f"nothing like {query!r} in the registry")


def show(key: Annotated[str, typer.Argument(help="A group or authority key, or a group's name.")]) -> None:
    """Everything the registry knows of one group or authority."""
    registry = load_registry()
    entry: Group | Authority | None = registry.authorities.get(AuthorityKey(key)) or registry.groups.get(
        GroupKey(registry.resolve(key) or key)
    )
    if entry is None:
        near = ", ".join(found for found, _, _ in registry.search(key, 3))
        raise UnknownKeyError(f"{key!r} is neither a group nor an authority" + (f"; near: {near}" if near else ""))
    typer.echo(orjson.dumps(_known(entry), option=orjson.OPT_INDENT_2).decode())


def check(
    folder: Annotated[
        Path | None, typer.Argument(help="A folder with groups/ and, if not the shipped ones, authorities/.")
    ] = None,
) -> None:
    """What is wrong with the registry's files, a line each: file, field, fault, remedy. Exit code 1 if anything is."""
    groups, authorities = (folder / "groups", folder / "authorities") if folder else (None, None)
    if groups is not None and not groups.is_dir():
        raise SettingsError(f"{folder} has no folder groups")
    records, problems = check_files(groups, authorities if authorities and authorities.is_dir() else None)
    for problem in problems:
        typer.echo(str(problem))
    if problems:
        raise typer.Exit(1)
    typer.echo(f"{len(records.groups)} groups and {len(records.authorities)} authorities: nothing wrong")


def _open(name: str, registry: Registry) -> str:
    """The groups that share the name, where it alone means none of them; `-` if there are none."""
    return "-" + "".join(f" {key}?" for key in registry.owners(name))


def _known(entry: Group | Authority) -> dict[str, object]:
    """The entry without empty fields."""
    return {name: value for name, value in msgspec.to_builtins(entry).items() if value not in (None, [], {}, (), "")}
