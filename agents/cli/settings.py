"""`listwire settings`: what is in force, and where each value comes from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, NamedTuple

import orjson
import typer

from agents.cli.options import BrokerFlag, Config, DataDir, LogLevel
from agents.link_settings import require_consistent
from agents.origins import PREFIX, Kind, Origin, nearest
from agents.settings import Settings, Traced, traced_settings
from streams.errors import SettingsError
from streams.masking import masked_addresses, masked_url
from streams.retention import period

URLS = frozenset({"sinks", "websub_url", "maven_repository", "contact"})


class Shown(NamedTuple):
    """One setting as it may be seen: nothing in it is a secret."""

    name: str
    value: Any
    origin: Origin
    kind: str
    default: Any
    description: str

    @property
    def variable(self) -> str:
        """The variable that sets it."""
        return f"{PREFIX}{self.name.upper()}"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("settings")(settings)


def settings(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]...", help="Settings; all if absent.", show_default=False),
    ] = None,
    changed: Annotated[bool, typer.Option("--changed", help="Only those that are not left at their default.")] = False,
    describe: Annotated[bool, typer.Option("--describe", help="Say of each what it is and takes.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a setting.")] = False,
    broker: BrokerFlag = None,
    data_dir: DataDir = None,
    log_level: LogLevel = None,
    config: Config = None,
) -> None:
    """Print each setting with its value and where that comes from: flag, variable, file and key, or default.

    What could be a secret is masked; of files with secrets only the names are shown. A flag here is seen as one.
    """
    traced = traced_settings(config, broker=broker, data_dir=data_dir, log_level=log_level)
    require_consistent(traced.settings)
    rows = [row for row in shown(traced) if not names or row.name in _known(names)]
    rows = [row for row in rows if not changed or row.origin.kind is not Kind.DEFAULT]
    for line in _objects(rows) if as_json else _lines(rows, describe):
        typer.echo(line)


def shown(traced: Traced) -> Iterator[Shown]:
    """Every setting, in the order of the class."""
    schemas = Settings.model_json_schema()["properties"]
    for name, field in Settings.model_fields.items():
        value, default = getattr(traced.settings, name), field.get_default(call_default_factory=True)
        kind = kind_of(schemas[name])
        origin = traced.sources.origin_of(name)
        yield Shown(name, _open(name, value), origin, kind, _open(name, default), field.description or "")


def changed_lines(traced: Traced) -> list[str]:
    """What is not left at its default, a line each."""
    return list(_lines([row for row in shown(traced) if row.origin.kind is not Kind.DEFAULT], False))


def kind_of(schema: Mapping[str, Any]) -> str:
    """What a setting takes, in words, from its JSON Schema."""
    branches = [branch for branch in schema.get("anyOf", ()) if branch.get("type") != "null"]
    if branches:
        return " or ".join(dict.fromkeys(map(kind_of, branches)))
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if schema.get("type") in {"integer", "number"}:
        return f"{schema['type']}{_limits(schema)}"
    if schema.get("type") == "array":
        return f"list of {kind_of(schema['items'])}"
    return {"path": "path", "ipv4network": "network", "ipv6network": "network"}.get(
        schema.get("format", ""), "table" if schema.get("type") == "object" else "text"
    )


def _known(names: list[str]) -> set[str]:
    """The names as fields, given so or as variables. Raises SettingsError."""
    fields = {name.lower().removeprefix(PREFIX.lower()).replace("-", "_"): name for name in names}
    for field, name in fields.items():
        if field not in Settings.model_fields:
            raise SettingsError(f"{name}: no such setting{nearest(field, set(Settings.model_fields))}")
    return set(fields)


def _open(name: str, value: Any) -> Any:
    """The value as JSON has it, masked."""
    if isinstance(value, tuple):
        return [_open(name, one) for one in value]
    if isinstance(value, dict):
        return {str(topic): period(milliseconds) for topic, milliseconds in value.items()}
    if value is None or isinstance(value, int | float):
        return value
    if name == "broker":
        return masked_addresses(str(value))
    return masked_url(str(value)) if name in URLS else str(value)


def _limits(schema: Mapping[str, Any]) -> str:
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    high = schema.get("maximum")
    if low is None and high is None:
        return ""
    above = " above" if "exclusiveMinimum" in schema else ""
    return f"{above} {low:.10g} to {high:.10g}" if high is not None else f"{above or ' at least'} {low:.10g}"


def _objects(rows: list[Shown]) -> Iterator[str]:
    for row in rows:
        facts = {"origin": row.origin.kind, "where": row.origin.where or None, "variable": row.variable}
        told = {"name": row.name, "value": row.value, **facts, "takes": row.kind, "default": row.default}
        yield orjson.dumps(told | {"description": row.description}).decode()


def _lines(rows: list[Shown], describe: bool) -> Iterator[str]:
    width = max((len(row.name) for row in rows), default=0)
    for row in rows:
        yield f"{row.name:{width}}  {_text(row.value)}  ({row.origin.where or 'default'})"
        if describe:
            yield f"{'':{width}}  {row.variable}: {row.kind}; default {_text(row.default)}"
            yield f"{'':{width}}  {row.description}"


def _text(value: Any) -> str:
    match value:
        case None | [] | {}:
            return "-"
        case list():
            return ",".join(map(str, value))
        case dict():
            return ",".join(f"{key}={one}" for key, one in value.items())
        case _:
            return str(value)
