"""`listwire registry`: look groups and authorities up."""

from __future__ import annotations

from typing import Annotated

import msgspec
import orjson
import typer

from streams.errors import ListwireError
from streams.records import AuthorityKey, GroupKey
from streams.registry import Authority, Group, load_registry


class UnknownKeyError(ListwireError):
    """A key that no registry file has."""


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True, help="Look groups and authorities up.", rich_markup_mode=None)
    group.command("resolve")(resolve)
    group.command("search")(search)
    group.command("show")(show)
    app.add_typer(group, name="registry")


def resolve(
    names: Annotated[list[str], typer.Argument(help="Names, aliases or keys.")],
    as_json: Annotated[bool, typer.Option("--json", help="One object: name to key, null where unknown.")] = False,
) -> None:
    """The registry key of each name, exactly as written apart from case, accents and quotes."""
    registry = load_registry()
    keys = {name: registry.resolve(name) for name in names}
    if as_json:
        typer.echo(orjson.dumps(keys))
        return
    for name, key in keys.items():
        typer.echo(f"{name}\t{key or '-'}")


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


def _known(entry: Group | Authority) -> dict[str, object]:
    """The entry without empty fields."""
    return {name: value for name, value in msgspec.to_builtins(entry).items() if value not in (None, [], {}, (), "")}
