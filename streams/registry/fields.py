"""A registry file that is no record: every field that is wrong with it, in words.

The decoder stops at the first fault; its author wants them all, so a refused file is walked field by field.
"""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Any, get_args

import msgspec
from rapidfuzz import fuzz, process

from streams.registry.entries import Entry
from streams.registry.problems import Problem

_ALIKE = 70


def field_problems(file: str, content: bytes, kind: type[Entry]) -> Iterator[Problem]:
    """Why this content is no record of that kind; at least one problem if it is none."""
    try:
        raw = msgspec.toml.decode(content)
    except UnicodeDecodeError:
        yield Problem(file, "text", "is not UTF-8 text", "save it as UTF-8")
        return
    except msgspec.DecodeError as error:
        yield Problem(file, "syntax", str(error), "mend that line; texts stand in double quotes")
        return
    found = list(_unfit(file, raw, kind, kind, ""))
    yield from found
    if any("missing" in problem.fault for problem in found):
        return
    try:
        msgspec.convert(raw, kind)
    except msgspec.ValidationError as error:
        fault, _, place = str(error).partition(" - at `$.")
        yield Problem(
            file, place.rstrip("`") or "record", fault[:1].lower() + fault[1:], "see the guide's table of fields"
        )


def _unfit(file: str, raw: dict[str, Any], kind: type[Entry], top: type[Entry], path: str) -> Iterator[Problem]:
    """Unknown fields, which are then taken out of `raw`, and missing ones, there and in the tables below."""
    fields = {field.name: field for field in msgspec.structs.fields(kind)}
    for name in sorted(raw.keys() - fields.keys()):
        del raw[name]
        remedy = _remedy(name, list(fields), list(top.__struct_fields__))
        yield Problem(file, f"{path}{name}", f"unknown field {name!r}", remedy)
    for name, field in fields.items():
        if name not in raw:
            if field.required:
                yield Problem(file, f"{path}{name}", f"the field {name!r} is missing", "add it")
            continue
        inner = _entry_in(field.type)
        below = raw[name] if isinstance(raw[name], list) else [raw[name]]
        for place, value in enumerate(below, start=1):
            if inner is not None and isinstance(value, dict):
                where = f"{path}{name}[{place}]." if isinstance(raw[name], list) else f"{path}{name}."
                yield from _unfit(file, value, inner, top, where)


def _remedy(name: str, fields: list[str], top: list[str]) -> str:
    if name in top:
        return f"move {name!r} up, above the first line in [brackets]"
    near = process.extractOne(name, fields, scorer=fuzz.ratio, score_cutoff=_ALIKE)
    return f"did you mean {near[0]!r}?" if near else f"take it out; known are {', '.join(fields)}"


def _entry_in(annotation: Any) -> type[Entry] | None:
    """The record type in `Ids` or `tuple[Alias, ...]`."""
    for part in (annotation, *get_args(annotation)):
        if isinstance(part, type) and not isinstance(part, types.GenericAlias) and issubclass(part, Entry):
            return part
    return None
