"""The UK Sanctions List as CSV: one row for each name and address of an entry, put together by its unique number.

The first line is the day of the report, the second the head. Persons and ships are ignored by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from streams.registry.entries import Ids
from streams.registry.importing.gb import COMPLETE as GB_COMPLETE
from streams.registry.importing.gb import PAGE, TYPES, listing, named, strange
from streams.registry.importing.listed import ListedEntity, ListFileError
from streams.registry.importing.rows import Row, first_line, records, rows, unknown_columns
from streams.registry.importing.texts import NO_NAME, clean, leading, names, remark, un_number, unread

NAME = "gb-csv"
COMPLETE = GB_COMPLETE
REPORT = "Report Date"
_NAME_PARTS = ("Name 1", "Name 2", "Name 3", "Name 4", "Name 5", "Name 6")

USED = frozenset(
    {
        *_NAME_PARTS,
        *("Unique ID", "UN Reference Number", "Name type", "Alias strength", "Name non-latin script", "Regime Name"),
        *("Designation Type", "Other Information", "Address Country", "Date Designated"),
    }
)
IGNORED = frozenset(
    {
        *("Last Updated", "OFSI Group ID", "Title", "Non-latin script type", "Non-latin script language"),
        *("Designation source", "Sanctions Imposed", "UK Statement of Reasons", "Address Postal Code"),
        *(f"Address Line {nth}" for nth in range(1, 7)),
        *("Phone number", "Website", "Email address", "D.O.B", "Nationality(/ies)", "National Identifier number"),
        *("National Identifier additional information", "Passport number", "Passport additional information"),
        *("Position", "Gender", "Town of birth", "Country of birth", "Type of entity", "Subsidiaries"),
        *("Parent company", "Business registration number (s)", "IMO number", "Current owner/operator (s)"),
        *("Previous owner/operator (s)", "Current believed flag of ship", "Previous flags", "Type of ship"),
        *("Tonnage of ship", "Length of ship", "Year Built", "Hull identification number (HIN)"),
    }
)


def sniff(head: bytes) -> bool:
    """Whether a file that starts so is the list."""
    line = first_line(head)
    return line.startswith((REPORT, "Last Updated,Unique ID,"))


def load(raw: bytes) -> tuple[ListedEntity, ...]:
    """Its entities, in the order of their first rows. Raises ListFileError."""
    entries: dict[str, list[dict[str, str]]] = {}
    for line, record in records(_without_report(rows(raw)), USED):
        number = clean(record["Unique ID"])
        if not number:
            raise ListFileError("a row without Unique ID", line)
        if TYPES.get(clean(record["Designation Type"]).lower(), True):
            entries.setdefault(number, []).append(record)
    return tuple(_entity(number, found) for number, found in entries.items())


def _without_report(found: Iterator[Row]) -> Iterator[Row]:
    return (row for row in found if not row.cells[0].startswith(REPORT))


def _entity(number: str, found: list[dict[str, str]]) -> ListedEntity:
    first = found[0]
    given = [named([row[part] for part in _NAME_PARTS], row["Name type"], row["Alias strength"]) for row in found]
    latin = [name for _, group in sorted(given, key=lambda pair: not pair[0]) for name in group]
    others = [name for row in found for name in names(row["Name non-latin script"])]
    name, aliases = leading([*latin, *others])
    strangers = (s for row in found for s in strange(row["Name type"], row["Alias strength"], row["Designation Type"]))
    stands_on = listing(first["Regime Name"], first["Date Designated"])
    return ListedEntity(
        reference=number,
        name=name,
        aliases=aliases,
        listings=(stands_on,),
        page=PAGE,
        countries=_each(row["Address Country"] for row in found),
        ids=Ids(gb=number, un=un_number(first["UN Reference Number"])),
        remarks=remark(first["Other Information"]),
        signals=(
            *unknown_columns(first, USED | IGNORED),
            *dict.fromkeys(strangers),
            *unread("Date Designated", first["Date Designated"], stands_on.listed),
            *(() if name else (NO_NAME,)),
        ),
    )


def _each(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for text in map(clean, texts) if text))
