"""The list of Specially Designated Nationals of the United States, classic SDN.XML: its entities.

Persons, vessels and aircraft are ignored by name. This schema carries no dates: since when an entry is listed stays
open (SDN_ADVANCED.XML tells). The programme tags of the list, here for all its formats, say which of the
authority's lists an entry stands on: every entry is on the SDN list, so that one is named only where no list of
terrorist groups is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple
from xml.etree.ElementTree import Element

from streams.records import AuthorityKey, PartialDate
from streams.registry.entries import AliasKind, Ids
from streams.registry.importing.documents import elements, root_of, unknown
from streams.registry.importing.listed import Holds, ListedEntity, ListedName, Listing
from streams.registry.importing.texts import NO_NAME, clean, leading, names, remark

NAME = "ofac"
PAGE = "https://sanctionslist.ofac.treas.gov/Home/SdnList"
US = AuthorityKey("us")
ROOT = "sdnList"
COMPLETE = frozenset({(US, "fto"), (US, "sdgt")})


class Programme(NamedTuple):
    """Which list of ours a programme tag is."""

    instrument: str
    holds: Holds


PROGRAMMES = {
    "FTO": Programme("fto", Holds.GROUPS),
    "ILLICIT-DRUGS-EO": Programme("sdn", Holds.MIXED),  # the tag of its first months, until 2022
    "ILLICIT-DRUGS-EO14059": Programme("sdn", Holds.MIXED),
    "SDGT": Programme("sdgt", Holds.MIXED),
    "SDNT": Programme("sdn", Holds.MIXED),
    "SDNTK": Programme("sdn", Holds.MIXED),
    "TCO": Programme("sdn", Holds.MIXED),
}
OTHER = Programme("sdn", Holds.OTHERS)

TYPES = {"Entity": True, "Individual": False, "Vessel": False, "Aircraft": False}
"""Whether an `sdnType` is read."""

ALIASES = {"a.k.a.": AliasKind.NAME, "f.k.a.": AliasKind.FORMER, "n.k.a.": AliasKind.NAME}
CATEGORIES = {"strong": False, "weak": True, "": False}

USED = frozenset(
    "uid lastName firstName sdnType remarks programList programList/program akaList akaList/aka akaList/aka/type "
    "akaList/aka/category akaList/aka/lastName akaList/aka/firstName addressList addressList/address "
    "addressList/address/country".split()
)
IGNORED = frozenset(
    "title idList/* nationalityList/* citizenshipList/* dateOfBirthList/* placeOfBirthList/* vesselInfo/* "
    "akaList/aka/uid addressList/address/uid addressList/address/address1 addressList/address/address2 "
    "addressList/address/address3 addressList/address/city addressList/address/stateOrProvince "
    "addressList/address/postalCode addressList/address/region".split()
)


def sniff(head: bytes) -> bool:
    """Whether a file that starts so is SDN.XML."""
    root = root_of(head)
    return root is not None and root.name == ROOT


def load(raw: bytes) -> tuple[ListedEntity, ...]:
    """Its entities, in order. Raises ListFileError."""
    entries = elements(raw, ROOT, {"sdnEntry"})
    return tuple(_entity(node) for node in entries if TYPES.get(clean(node.findtext("sdnType")), True))


def listings(programmes: Iterable[str], since: PartialDate | None = None, basis: str = "") -> tuple[Listing, ...]:
    """The lists that programme tags stand for, each once.

    `since` is the day the entry came onto the SDN list under the legal `basis`. That is the day of a programme only
    where there is one, or where the basis is the order that the programme applies.
    """
    tags = list(dict.fromkeys(clean(tag) for tag in programmes if clean(tag)))
    known = [(tag, PROGRAMMES.get(tag, OTHER)) for tag in tags]
    if any(programme.instrument != "sdn" for _, programme in known):
        known = [(tag, programme) for tag, programme in known if programme.instrument != "sdn"]
    by_list: dict[str, list[tuple[str, Programme]]] = {}
    for tag, programme in known:
        by_list.setdefault(programme.instrument, []).append((tag, programme))
    return tuple(
        Listing(
            authority=US,
            instrument=instrument,
            programme=", ".join(tag for tag, _ in rows),
            holds=next(kind for kind in Holds if kind in {programme.holds for _, programme in rows}),
            listed=since if len(tags) == 1 or (instrument == "sdgt" and "13224" in basis) else None,
        )
        for instrument, rows in by_list.items()
    )


def _entity(node: Element) -> ListedEntity:
    name, aliases = leading(_names(node))
    uid = clean(node.findtext("uid"))
    kind = clean(node.findtext("sdnType"))
    akas = node.findall("akaList/aka")
    signals = (
        *unknown(node, USED | IGNORED),
        *(() if kind in TYPES else (f"unknown sdnType {kind}",)),
        *_strange((clean(aka.findtext("type")) for aka in akas), ALIASES, "aka type"),
        *_strange((clean(aka.findtext("category")) for aka in akas), CATEGORIES, "aka category"),
        *(() if name else (NO_NAME,)),
    )
    countries = (clean(country.text) for country in node.iterfind("addressList/address/country"))
    return ListedEntity(
        reference=uid,
        name=name,
        aliases=aliases,
        listings=listings(tag.text or "" for tag in node.iterfind("programList/program")),
        page=PAGE,
        countries=tuple(dict.fromkeys(country for country in countries if country)),
        ids=Ids(ofac=uid or None),
        remarks=remark(node.findtext("remarks")),
        signals=signals,
    )


def _names(node: Element) -> Iterator[ListedName]:
    yield from names(_whole(node))
    for aka in node.iterfind("akaList/aka"):
        kind = ALIASES.get(clean(aka.findtext("type")), AliasKind.NAME)
        yield from names(_whole(aka), kind, weak=CATEGORIES.get(clean(aka.findtext("category")), False))


def _whole(node: Element) -> str:
    """An entity has only a last name; the other field is for persons, and read in case."""
    return " ".join(part for part in (clean(node.findtext("firstName")), clean(node.findtext("lastName"))) if part)


def _strange(found: Iterable[str], known: Iterable[str], what: str) -> Iterator[str]:
    return (f"unknown {what} {value}" for value in dict.fromkeys(found) if value not in set(known))
