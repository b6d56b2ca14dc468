"""What counts as a break of a schema, from either side, and what does not."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal

import msgspec
import pytest
from msgspec import Meta, defstruct

from streams.compatibility import breaks
from streams.schemas import RECORDS, json_schema


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class More(StrEnum):
    RED = "red"
    BLUE = "blue"
    GREEN = "green"


def record(*fields: Any) -> dict[str, Any]:
    """The schema of a record with these fields: `(name, type)` or `(name, type, default)`."""
    return msgspec.json.schema(defstruct("R", fields, kw_only=True))


def part(*fields: Any) -> type:
    return defstruct("Part", fields, kw_only=True)


@pytest.mark.parametrize("name", RECORDS)
def test_a_schema_does_not_break_itself(name: str) -> None:
    assert breaks(json_schema(name), json_schema(name)) == ()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ([("a", int)], [("a", int), ("b", str, "")]),
        ([("a", Colour)], [("a", More)]),
        ([("a", part(("x", int)))], [("a", part(("x", int), ("y", str | None, None)))]),
        ([("a", int), ("b", int)], [("b", int), ("a", int)]),
        ([("a", str | None, None)], [("a", None | str, None)]),
        ([("a", int, 1)], [("a", int, 2)]),
        ([("a", dict[str, Any])], [("a", dict[str, Any])]),
    ],
    ids=["new field", "new member", "new field of a part", "order", "order of a union", "default", "whatever"],
)
def test_what_readers_do_not_notice_is_no_break(old: list[Any], new: list[Any]) -> None:
    assert breaks(record(*old), record(*new)) == ()


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ([("a", int), ("b", int)], [("a", int)], "record: field b is gone"),
        ([("a", int), ("b", int, 0)], [("a", int)], "record: field b is gone"),
        ([("a", int)], [("a", int), ("b", int)], "record: field b is required now"),
        ([("a", int, 0)], [("a", int)], "record: field a is required now"),
        ([("a", int)], [("a", int, 0)], "record: field a may be absent now"),
        ([("a", float)], [("a", int)], "a: number has become integer"),
        ([("a", str)], [("a", bytes)], "a: string has become string base64"),
        ([("a", str)], [("a", Colour)], "a: string has become choice of words"),
        ([("a", str | None)], [("a", str)], "a: may no longer be null"),
        ([("a", str)], [("a", str | None)], "a: may be null now"),
        ([("a", int | str | None)], [("a", str | None)], "a: may no longer be integer"),
        ([("a", More)], [("a", Colour)], "a: 'green' is no longer a value"),
        ([("a", Literal["x", "y"])], [("a", Literal["x"])], "a: 'y' is no longer a value"),
        ([("a", More | None)], [("a", Colour | None)], "a: 'green' is no longer a value"),
        ([("a", str)], [("a", Annotated[str, Meta(max_length=5)])], "a: maxLength was None, is 5"),
        ([("a", Annotated[int, Meta(ge=0)])], [("a", Annotated[int, Meta(ge=1)])], "a: minimum was 0, is 1"),
        ([("a", list[str])], [("a", list[int])], "a[]: string has become integer"),
        ([("a", tuple[str, int])], [("a", tuple[str, str])], "a[1]: integer has become string"),
        ([("a", dict[str, int])], [("a", dict[str, str])], "a.*: integer has become string"),
        ([("a", part(("x", int)))], [("a", part(("y", int, 0)))], "a: field x is gone"),
        ([("a", list[part(("x", int))])], [("a", list[part(("x", str))])], "a[].x: integer has become string"),
        ([("a", part(("x", int)) | None)], [("a", part(("x", int), ("y", int)) | None)], "a: field y is required now"),
    ],
)  # fmt: skip
def test_a_break_is_told_with_its_place(old: list[Any], new: list[Any], told: str) -> None:
    assert breaks(record(*old), record(*new)) == (told,)


def test_a_record_that_refuses_what_it_does_not_know_breaks_newer_writers() -> None:
    strict = msgspec.json.schema(defstruct("R", [("a", int)], kw_only=True, forbid_unknown_fields=True))
    assert breaks(record(("a", int)), strict) == ("record: further fields were True, are False",)


def test_a_record_that_contains_itself_is_compared_once() -> None:
    def tree(kind: str) -> dict[str, Any]:
        node = {"type": "object", "properties": {"x": {"type": kind}, "next": {"$ref": "#/$defs/N"}}}
        return {"$ref": "#/$defs/N", "$defs": {"N": node}}

    assert breaks(tree("integer"), tree("integer")) == ()
    assert breaks(tree("integer"), tree("string")) == ("x: integer has become string",)


def test_a_part_in_two_places_is_told_of_in_both() -> None:
    old, new = part(("x", int)), part(("x", str))
    assert breaks(record(("a", old), ("b", old)), record(("a", new), ("b", new))) == (
        "a.x: integer has become string",
        "b.x: integer has become string",
    )


def test_a_place_less_is_told_of() -> None:
    assert "a: 2 places have become 1" in breaks(record(("a", tuple[str, int])), record(("a", tuple[str])))
