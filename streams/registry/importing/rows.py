"""Comma-separated files, read row by row with the line they stand on."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import NamedTuple

from streams.registry.importing.listed import ListFileError
from streams.registry.importing.texts import clean
from streams.wires.charsets import decode_text


class Row(NamedTuple):
    """A row as it is, and the number of the line it ends on."""

    line: int
    cells: tuple[str, ...]


def first_line(head: bytes) -> str:
    """The first line that holds anything."""
    return next((line.strip() for line in decode_text(head).splitlines() if line.strip()), "")


def rows(raw: bytes) -> Iterator[Row]:
    """Every row with a cell in it. Raises ListFileError for quotes that never end and the like."""
    reader = csv.reader(io.StringIO(decode_text(raw), newline=""), strict=True)
    try:
        for cells in reader:
            if any(cell.strip("\x1a ") for cell in cells):  # SDN.CSV ends with the end mark of CP/M
                yield Row(reader.line_num, tuple(cells))
    except csv.Error as error:
        raise ListFileError(f"broken or cut CSV: {error}", reader.line_num) from None


def records(found: Iterator[Row], required: frozenset[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Rows by the names of the first one, each with its line.

    Raises ListFileError: no rows, a required column missing, a row with more or fewer cells than the head.
    """
    head = next(found, None)
    if head is None:
        raise ListFileError("no rows")
    columns = tuple(map(clean, head.cells))
    missing = sorted(required - set(columns))
    if missing:
        raise ListFileError(f"the column {missing[0]!r} is missing", head.line)
    for row in found:
        if len(row.cells) != len(columns):
            raise ListFileError(f"{len(row.cells)} cells where the head has {len(columns)}", row.line)
        yield row.line, dict(zip(columns, row.cells, strict=True))


def unknown_columns(record: dict[str, str], known: frozenset[str]) -> tuple[str, ...]:
    """A signal for every column that the format's table does not name."""
    return tuple(f"unknown column {column}" for column in record if column not in known)
