"""`targets.simple.csv` of OpenSanctions: organisations and legal entities.

All other schemata are ignored by name: persons, vessels, and companies, which are no groups. The file tells under
which programmes an entry stands and, apart from that, when some sanction began; the two can be put together only
where there is one of each. The programmes, here for both its formats, are the project's own keys.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from typing import NamedTuple

from streams.records import AuthorityKey, PartialDate
from streams.registry.entries import Ids
from streams.registry.importing.listed import Holds, ListedEntity, ListedName, ListFileError, Listing
from streams.registry.importing.rows import first_line, records, rows, unknown_columns
from streams.registry.importing.texts import NO_NAME, clean, iso_day, leading, names, un_number

NAME = "opensanctions"
COMPLETE: frozenset[tuple[AuthorityKey, str]] = frozenset()
"""Whether a copy holds a list in full depends on which collection it was made from."""

SCHEMATA = frozenset({"Organization", "LegalEntity"})
USED = frozenset("id schema name aliases countries identifiers sanctions program_ids".split())
IGNORED = frozenset("birth_date addresses phones emails dataset first_seen last_seen last_change".split())
REQUIRED = frozenset("id schema name aliases countries identifiers".split())

WIKIDATA = re.compile(r"Q[1-9]\d*")
_ID = re.compile(r"[A-Za-z0-9.-]+")


class Programme(NamedTuple):
    """Which list of ours a programme is."""

    authority: str
    instrument: str | None
    holds: Holds


# fmt: off
PROGRAMMES = {
    "AE-UNSC1373":   Programme("ae", "local-terrorist-list",     Holds.GROUPS),
    "AU-TERROR":     Programme("au", "listed-organisations",     Holds.GROUPS),
    "AU-UNSC1373":   Programme("au", "dfat-consolidated",        Holds.GROUPS),
    "CA-UNSC1373":   Programme("ca", "listed-entities",          Holds.GROUPS),
    "CZ-TERR":       Programme("cz", "regulation-210-2008",      Holds.GROUPS),
    "EG-UNSC1373":   Programme("eg", "terrorist-entities",       Holds.GROUPS),
    "EU-AFG":        Programme("eu", "taliban",                  Holds.MIXED),
    "EU-CAF":        Programme("eu", "central-african-republic", Holds.MIXED),
    "EU-COD":        Programme("eu", "dr-congo",                 Holds.MIXED),
    "EU-HAM":        Programme("eu", None,                       Holds.MIXED),
    "EU-HR":         Programme("eu", "global-human-rights",      Holds.OTHERS),
    "EU-HTI":        Programme("eu", "haiti",                    Holds.MIXED),
    "EU-SOM":        Programme("eu", "somalia",                  Holds.MIXED),
    "EU-SYR":        Programme("eu", "syria",                    Holds.OTHERS),
    "EU-TAQA-EUAQ":  Programme("eu", None,                       Holds.GROUPS),
    "EU-TERR":       Programme("eu", "cp-931",                   Holds.GROUPS),
    "EU-UKR":        Programme("eu", "ukraine",                  Holds.OTHERS),
    "EU-YEM":        Programme("eu", "yemen",                    Holds.MIXED),
    "FR-CMF-562":    Programme("fr", "asset-freeze",             Holds.MIXED),
    "GB-CT":         Programme("gb", "financial-sanctions",      Holds.GROUPS),
    "GB-ICT":        Programme("gb", "financial-sanctions",      Holds.GROUPS),
    "GB-ISIL":       Programme("gb", "financial-sanctions",      Holds.GROUPS),
    "IN-UAPA":       Programme("in", None,                       Holds.GROUPS),
    "NL-UNSC1373":   Programme("nl", "national-terrorism-list",  Holds.GROUPS),
    "NZ-UNSC1373":   Programme("nz", "designated-entities",      Holds.GROUPS),
    "PK-ATA1997":    Programme("pk", "first-schedule",           Holds.GROUPS),
    "SA-UNSC1373":   Programme("sa", "national-list",            Holds.GROUPS),
    "SECO-ISIL":     Programme("ch", "seco-sanctions",           Holds.GROUPS),
    "UA-SA1644":     Programme("ua", "nsdc-sanctions",           Holds.OTHERS),
    "UN-SC1533":     Programme("un", "1533",                     Holds.MIXED),
    "UN-SC1988":     Programme("un", "1988",                     Holds.MIXED),
    "UN-SC2127":     Programme("un", "2745",                     Holds.MIXED),
    "UN-SC2140":     Programme("un", "2140",                     Holds.GROUPS),
    "UN-SC2653":     Programme("un", "2653",                     Holds.GROUPS),
    "UN-SC2713":     Programme("un", "2713",                     Holds.GROUPS),
    "UN-SCISIL":     Programme("un", "1267",                     Holds.GROUPS),
    "US-FTO219":     Programme("us", "fto",                      Holds.GROUPS),
    "US-NARCO":      Programme("us", "sdn",                      Holds.MIXED),
    "US-TCO":        Programme("us", "sdn",                      Holds.MIXED),
    "US-TERR":       Programme("us", None,                       Holds.MIXED),  # SDGT, FTO or both
    "VN-TERROR":     Programme("vn", "mps-list",                 Holds.GROUPS),
}
# fmt: on
_BY_PREFIX = {"GB": "financial-sanctions", "SECO": "seco-sanctions"}
_AUTHORITIES = {"SECO": "ch"}


def sniff(head: bytes) -> bool:
    """Whether a file that starts so is `targets.simple.csv`."""
    return first_line(head).replace('"', "").startswith("id,schema,name,aliases,")


def load(raw: bytes) -> tuple[ListedEntity, ...]:
    """Its organisations and legal entities, in order. Raises ListFileError."""
    found: list[ListedEntity] = []
    for line, record in records(rows(raw), REQUIRED):
        if not clean(record["id"]):
            raise ListFileError("a row without id", line)
        if record["schema"] in SCHEMATA:
            found.append(_entity(record))
    return tuple(found)


def listing(programme: str, listed: PartialDate | None) -> Listing:
    """The list behind a programme key; one that is not in the table belongs to the authority it begins with.

    For the European Union the project dates a sanction by the act that changed it last, so that is not taken.
    """
    prefix = programme.partition("-")[0]
    guess = Programme(_AUTHORITIES.get(prefix, prefix.lower()), _BY_PREFIX.get(prefix), Holds.OTHERS)
    known = PROGRAMMES.get(programme, guess)
    return Listing(
        authority=AuthorityKey(known.authority),
        instrument=known.instrument,
        programme=programme,
        holds=known.holds,
        listed=None if known.authority == "eu" else listed,
    )


def page_of(identifier: str) -> str:
    """The page of an entry; the site's own for an identifier that is none of its making."""
    site = "https://www.opensanctions.org/"
    return f"{site}entities/{identifier}/" if _ID.fullmatch(identifier) else site


def several(cell: str | None) -> tuple[str, ...]:
    """The values of a cell that holds a row of its own, parted by semicolons."""
    values = next(csv.reader([cell or ""], delimiter=";"), [])
    return tuple(value for value in map(clean, values) if value)


def _entity(record: dict[str, str]) -> ListedEntity:
    identifier = clean(record["id"])
    name, aliases = leading(_names(record))
    programmes = several(record.get("program_ids"))
    began = [day for text in several(record.get("sanctions")) if (day := iso_day(text.rpartition(" - ")[2]))]
    listed = began[0] if len(began) == len(programmes) == 1 else None
    numbers = {number for text in several(record["identifiers"]) if (number := un_number(text))}
    return ListedEntity(
        reference=identifier,
        name=name,
        aliases=aliases,
        listings=tuple(listing(programme, listed) for programme in programmes),
        page=page_of(identifier),
        countries=several(record["countries"]),
        ids=Ids(
            wikidata=identifier if WIKIDATA.fullmatch(identifier) else None,
            un=numbers.pop() if len(numbers) == 1 else None,
        ),
        signals=(*unknown_columns(record, USED | IGNORED), *(() if name else (NO_NAME,))),
    )


def _names(record: dict[str, str]) -> Iterator[ListedName]:
    yield from names(record["name"])
    for alias in several(record["aliases"]):
        yield from names(alias)
