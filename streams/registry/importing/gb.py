"""The UK Sanctions List, XML: its entities. Since 28 January 2026 it is the one list of the United Kingdom.

Persons and ships are ignored by name. Organisations proscribed under the Terrorism Act are not in it: that list is
published apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from streams.records import AuthorityKey
from streams.registry.entries import AliasKind, Ids
from streams.registry.importing.documents import elements, root_of, unknown
from streams.registry.importing.listed import Holds, ListedEntity, ListedName, Listing
from streams.registry.importing.texts import NO_NAME, clean, day_first, leading, names, remark, un_number, unread

NAME = "gb"
PAGE = "https://www.gov.uk/government/publications/the-uk-sanctions-list"
GB = AuthorityKey("gb")
INSTRUMENT = "financial-sanctions"
ROOT = "Designations"
COMPLETE = frozenset({(GB, INSTRUMENT)})

# What a regime's entries are, by a part of its name; the first that fits counts, and none means companies.
REGIMES = (
    ("Counter-Terrorism", Holds.GROUPS),
    ("Al-Qa", Holds.GROUPS),  # the list writes Al-Qaeda, the act Al-Qaida
    ("Afghanistan", Holds.MIXED),
    ("Central African Republic", Holds.MIXED),
    ("Democratic Republic of the Congo", Holds.MIXED),
    ("Haiti", Holds.MIXED),
    ("Human Rights", Holds.MIXED),
    ("Irregular Migration", Holds.MIXED),
    ("Libya", Holds.MIXED),
    ("Mali", Holds.MIXED),
    ("Somalia", Holds.MIXED),
    ("Sudan", Holds.MIXED),
    ("Syria", Holds.MIXED),
    ("Yemen", Holds.MIXED),
)
TYPES = {"entity": True, "individual": False, "ship": False}
PRIMARY = "primary name"
NAME_TYPES = {PRIMARY, "primary name variation", "alias", ""}
STRENGTHS = {"": False, "good quality a.k.a": False, "low quality a.k.a": True}

_PERSON_NAMES = tuple(f"Name{nth}" for nth in range(1, 7))
USED = frozenset(
    "DateDesignated UniqueID UNReferenceNumber RegimeName IndividualEntityShip OtherInformation Names Names/Name "
    "Names/Name/NameType Names/Name/AliasStrength NonLatinNames NonLatinNames/NonLatinName "
    "NonLatinNames/NonLatinName/NameNonLatinScript Addresses Addresses/Address "
    "Addresses/Address/AddressCountry".split()
) | {f"Names/Name/{part}" for part in _PERSON_NAMES}
IGNORED = frozenset(
    "LastUpdated OFSIGroupID DesignationSource SanctionsImposed SanctionsImposedIndicators/* UKStatementofReasons "
    "NonLatinNames/NonLatinName/NonLatinScriptType NonLatinNames/NonLatinName/NonLatinScriptLanguage Titles/* "
    "Addresses/Address/AddressLine1 Addresses/Address/AddressLine2 Addresses/Address/AddressLine3 "
    "Addresses/Address/AddressLine4 Addresses/Address/AddressLine5 Addresses/Address/AddressLine6 "
    "Addresses/Address/AddressPostalCode PhoneNumbers/* EmailAddresses/* Websites/* IndividualDetails/* "
    "EntityDetails/* ShipDetails/*".split()
)


def sniff(head: bytes) -> bool:
    """Whether a file that starts so is the list."""
    root = root_of(head)
    return root is not None and root.name == ROOT


def load(raw: bytes) -> tuple[ListedEntity, ...]:
    """Its entities, in order. Raises ListFileError."""
    return tuple(
        _entity(node)
        for node in elements(raw, ROOT, {"Designation"})
        if TYPES.get(clean(node.findtext("IndividualEntityShip")).lower(), True)
    )


def listing(regime: str, designated: str) -> Listing:
    """The one list, with what the regime holds."""
    name = clean(regime)
    holds = next((holds for part, holds in REGIMES if part in name), Holds.OTHERS)
    return Listing(authority=GB, instrument=INSTRUMENT, programme=name, holds=holds, listed=day_first(designated))


def named(parts: list[str], kind: str, strength: str) -> tuple[bool, tuple[ListedName, ...]]:
    """Whether it is the entry's main name, and the names it gives."""
    weak = STRENGTHS.get(clean(strength).lower(), False)
    text = " ".join(part for part in map(clean, parts) if part)
    return clean(kind).lower() == PRIMARY, tuple(names(text, AliasKind.NAME, weak=weak))


def strange(kind: str, strength: str, entry_type: str) -> Iterator[str]:
    """Signals for words that the list has not used before."""
    if clean(kind).lower() not in NAME_TYPES:
        yield f"unknown name type {clean(kind)}"
    if clean(strength).lower() not in STRENGTHS:
        yield f"unknown alias strength {clean(strength)}"
    if clean(entry_type).lower() not in TYPES:
        yield f"unknown designation type {clean(entry_type)}"


def _entity(node: Element) -> ListedEntity:
    def text(path: str, at: Element = node) -> str:
        return at.findtext(path) or ""

    found = [
        named([text(part, name) for part in _PERSON_NAMES], text("NameType", name), text("AliasStrength", name))
        for name in node.iterfind("Names/Name")
    ]
    latin = [name for _, given in sorted(found, key=lambda pair: not pair[0]) for name in given]
    others = [
        n for name in node.iterfind("NonLatinNames/NonLatinName") for n in names(text("NameNonLatinScript", name))
    ]
    name, aliases = leading([*latin, *others])
    signals = dict.fromkeys(
        signal
        for given in node.iterfind("Names/Name")
        for signal in strange(text("NameType", given), text("AliasStrength", given), text("IndividualEntityShip"))
    )
    found_listing = listing(text("RegimeName"), text("DateDesignated"))
    return ListedEntity(
        reference=clean(text("UniqueID")),
        name=name,
        aliases=aliases,
        listings=(found_listing,),
        page=PAGE,
        countries=tuple(
            dict.fromkeys(clean(c.text) for c in node.iterfind("Addresses/Address/AddressCountry") if c.text)
        ),
        ids=Ids(gb=clean(text("UniqueID")) or None, un=un_number(text("UNReferenceNumber"))),
        remarks=remark(text("OtherInformation")),
        signals=(
            *unknown(node, USED | IGNORED),
            *signals,
            *unread("DateDesignated", text("DateDesignated"), found_listing.listed),
            *(() if name else (NO_NAME,)),
        ),
    )
