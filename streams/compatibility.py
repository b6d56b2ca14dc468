"""What an upgrade would break for those who read our records: two JSON Schemas held against each other.

Both sides are meant. An older reader meets newer messages (a field is gone, a type may be more than it was), a newer
one reads older messages back (a field has become required, a type or an enum admits less). New fields with a default
and new members of an enum break nobody who keeps to the rules: ignore fields that you do not know, and treat a member
that you do not know as one that you do not act on.

Understood is what our generator writes: objects, arrays, tuples, enums, `anyOf`, `$ref` into `$defs`, and bounds.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]

_TOLD = {"title", "description", "default", "examples", "$schema", "$id", "$defs"}


def breaks(old: Schema, new: Schema) -> tuple[str, ...]:
    """What in `new` breaks readers of `old`, one line each with the path; empty if nothing does."""
    return tuple(_Comparison(old.get("$defs", {}), new.get("$defs", {})).found("", old, new))


class _Comparison:
    """The definitions on both sides, and which pairs of them are being compared: a record may contain itself."""

    def __init__(self, old: Schema, new: Schema) -> None:
        self._old = old
        self._new = new
        self._under_way: set[tuple[str, str]] = set()

    def found(self, path: str, old: Schema, new: Schema) -> Iterator[str]:
        names = (str(old.get("$ref", "")), str(new.get("$ref", "")))
        if all(names):
            if names in self._under_way:
                return
            self._under_way.add(names)
        yield from self._differences(path, _resolved(old, self._old), _resolved(new, self._new))
        self._under_way.discard(names)

    def _differences(self, path: str, old: Schema, new: Schema) -> Iterator[str]:
        if "anyOf" in old or "anyOf" in new:
            yield from self._alternatives(path, old, new)
            return
        if _kind(old) != _kind(new):
            yield f"{_at(path)}: {_kind(old)} has become {_kind(new)}"
            return
        for gone in sorted(_members(old) - _members(new), key=str):
            yield f"{_at(path)}: {gone!r} is no longer a value"
        yield from self._fields(path, old, new)
        yield from self._items(path, old, new)
        yield from _bounds(path, old, new)

    def _fields(self, path: str, old: Schema, new: Schema) -> Iterator[str]:
        before, after = old.get("properties", {}), new.get("properties", {})
        required, now_required = set(old.get("required", ())), set(new.get("required", ()))
        for name, schema in before.items():
            if name not in after:
                yield f"{_at(path)}: field {name} is gone"
            else:
                yield from self.found(f"{path}.{name}", schema, after[name])
        for name in sorted(now_required - required):
            yield f"{_at(path)}: field {name} is required now"
        for name in sorted((required & after.keys()) - now_required):
            yield f"{_at(path)}: field {name} may be absent now"
        yield from self._others(path, old, new)

    def _others(self, path: str, old: Schema, new: Schema) -> Iterator[str]:
        """What may stand under names that are not listed."""
        before, after = old.get("additionalProperties", True), new.get("additionalProperties", True)
        if isinstance(before, dict) and isinstance(after, dict):
            yield from self.found(f"{path}.*", before, after)
        elif before != after:
            yield f"{_at(path)}: further fields were {before}, are {after}"

    def _items(self, path: str, old: Schema, new: Schema) -> Iterator[str]:
        before, after = old.get("prefixItems", []), new.get("prefixItems", [])
        if len(before) != len(after):
            yield f"{_at(path)}: {len(before)} places have become {len(after)}"
            return
        for number, (was, now) in enumerate(zip(before, after, strict=True)):
            yield from self.found(f"{path}[{number}]", was, now)
        was, now = old.get("items", True), new.get("items", True)
        if isinstance(was, dict) and isinstance(now, dict):
            yield from self.found(f"{path}[]", was, now)
        elif was != now:
            yield f"{_at(path)}: further items were {was}, are {now}"

    def _alternatives(self, path: str, old: Schema, new: Schema) -> Iterator[str]:
        before = {_kind(_resolved(one, self._old)): one for one in old.get("anyOf", [old])}
        after = {_kind(_resolved(one, self._new)): one for one in new.get("anyOf", [new])}
        for kind in sorted(before.keys() - after.keys()):
            yield f"{_at(path)}: may no longer be {kind}"
        for kind in sorted(after.keys() - before.keys()):
            yield f"{_at(path)}: may be {kind} now"
        for kind in sorted(before.keys() & after.keys()):
            yield from self.found(path, before[kind], after[kind])


def _resolved(schema: Schema, definitions: Schema) -> Schema:
    while "$ref" in schema:
        schema = definitions[schema["$ref"].removeprefix("#/$defs/")]
    return schema


def _kind(schema: Schema) -> str:
    """What sort of value: the type and format; values of an enum are of the type of its first one."""
    if "enum" in schema or "const" in schema:
        first = next(iter(schema.get("enum", [schema.get("const")])), None)
        return "choice of words" if isinstance(first, str) else "choice"
    parts = [str(schema.get(word, "")) for word in ("type", "format", "contentEncoding")]
    return " ".join(part for part in parts if part) or "anything"


def _members(schema: Schema) -> set[Any]:
    return set(schema.get("enum", ())) | ({schema["const"]} if "const" in schema else set())


def _bounds(path: str, old: Schema, new: Schema) -> Iterator[str]:
    """Whatever else is said of a value: any change of it may refuse what was fine."""
    known = _TOLD | {"$ref", "type", "format", "contentEncoding", "enum", "const", "properties", "required"}
    known |= {"additionalProperties", "items", "prefixItems", "anyOf"}
    for word in sorted((old.keys() | new.keys()) - known):
        if old.get(word) != new.get(word):
            yield f"{_at(path)}: {word} was {old.get(word)}, is {new.get(word)}"


def _at(path: str) -> str:
    return path.removeprefix(".") or "record"
