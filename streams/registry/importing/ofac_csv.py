"""The same list as SDN.CSV, with ALT.CSV and ADD.CSV where they are given: their rows put one after another.

None of them has a head; the number of cells tells them apart. Persons, vessels and aircraft are ignored by name,
and so are SDN_COMMENTS.CSV and the cells for title, call sign, type, tonnage, flag and owner. ALT.CSV does not tell
weak names from strong ones: the weak ones are in the remarks only.
"""

from __future__ import annotations

from collections.abc import Iterator

from streams.registry.entries import AliasKind, Ids
from streams.registry.importing.listed import ListedEntity, ListedName, ListFileError
from streams.registry.importing.ofac import COMPLETE as SDN_COMPLETE
from streams.registry.importing.ofac import PAGE, listings
from streams.registry.importing.rows import Row, rows
from streams.registry.importing.texts import NO_NAME, clean, leading, names, remark

NAME = "ofac-csv"
COMPLETE = SDN_COMPLETE
NOTHING = "-0-"
SDN_CELLS, ADD_CELLS, ALT_CELLS, COMMENT_CELLS = 12, 6, 5, 2
TYPES = {"": True, "individual": False, "vessel": False, "aircraft": False}
ALIASES = {"aka": AliasKind.NAME, "fka": AliasKind.FORMER, "nka": AliasKind.NAME}
HEAD = "ent_num"
"""First cell of the head that some copies of the files have."""


def sniff(head: bytes) -> bool:
    """Whether a file that starts so is SDN.CSV, ALT.CSV or ADD.CSV."""
    try:
        first = next(rows(head.rpartition(b"\n")[0]), None)
    except ListFileError:
        return False
    if first is None or len(first.cells) not in {SDN_CELLS, ADD_CELLS, ALT_CELLS}:
        return False
    number = _cells(first)[0]
    return number == HEAD or (number.isdecimal() and number.isascii())


def load(raw: bytes) -> tuple[ListedEntity, ...]:
    """The entities, in order. Raises ListFileError."""
    entries: dict[str, tuple[str, ...]] = {}
    aliases: dict[str, list[tuple[str, str]]] = {}
    countries: dict[str, dict[str, None]] = {}
    for row in rows(raw):
        cells = _cells(row)
        if cells[0] == HEAD or len(cells) == COMMENT_CELLS:
            continue
        if len(cells) == SDN_CELLS:
            entries[cells[0]] = cells
        elif len(cells) == ALT_CELLS:
            aliases.setdefault(cells[0], []).append((cells[2], cells[3]))
        elif len(cells) == ADD_CELLS:
            countries.setdefault(cells[0], {})[cells[4]] = None
        else:
            raise ListFileError(f"{len(cells)} cells, where SDN.CSV has 12, ALT.CSV 5 and ADD.CSV 6", row.line)
    return tuple(
        _entity(cells, aliases.get(number, []), tuple(filter(None, countries.get(number, {}))))
        for number, cells in entries.items()
        if TYPES.get(cells[2], True)
    )


def _cells(row: Row) -> tuple[str, ...]:
    cleaned = tuple(clean(cell) for cell in row.cells)
    return tuple("" if cell == NOTHING else cell for cell in cleaned)


def _entity(cells: tuple[str, ...], aliases: list[tuple[str, str]], countries: tuple[str, ...]) -> ListedEntity:
    uid, text, kind, programmes, *_, remarks = cells
    name, others = leading(_names(text, aliases))
    signals = (
        *(() if kind in TYPES else (f"unknown SDN_Type {kind}",)),
        *dict.fromkeys(f"unknown alt_type {stated}" for stated, _ in aliases if stated not in ALIASES),
        *(() if name else (NO_NAME,)),
    )
    return ListedEntity(
        reference=uid,
        name=name,
        aliases=others,
        listings=listings(programmes.split("] [")),
        page=PAGE,
        countries=countries,
        ids=Ids(ofac=uid),
        remarks=remark(remarks),
        signals=signals,
    )


def _names(text: str, aliases: list[tuple[str, str]]) -> Iterator[ListedName]:
    yield from names(text)
    for kind, alias in aliases:
        yield from names(alias, ALIASES.get(kind, AliasKind.NAME))
