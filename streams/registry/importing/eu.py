"""The consolidated financial sanctions list of the European Union (FSF), XML 1.1: its enterprises.

Persons are ignored by name. The file names for each entry the act that last changed it; since when the entry is
listed it tells only in `designationDate`, or where that act is no amendment. An amendment's date is not taken, and
on a list copied from the United Nations neither is `designationDate`: it is the day of their committee.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple
from xml.etree.ElementTree import Element

from streams.records import AuthorityKey, PartialDate
from streams.registry.entries import AliasKind, Ids
from streams.registry.importing.documents import elements, root_of, unknown
from streams.registry.importing.listed import Holds, ListedEntity, ListedName, Listing
from streams.registry.importing.texts import NO_NAME, clean, iso_day, leading, names, remark, un_number, unread

NAME = "eu"
PAGE = "https://www.sanctionsmap.eu/"
EU = AuthorityKey("eu")
ROOT = "export"
NAMESPACE = "http://eu.europa.ec/fpi/fsd/export"


class Programme(NamedTuple):
    """Which list of ours a `programme` is."""

    instrument: str | None
    holds: Holds


PROGRAMMES = {
    "AFG": Programme("taliban", Holds.MIXED),
    "CAF": Programme("central-african-republic", Holds.MIXED),
    "COD": Programme("dr-congo", Holds.MIXED),
    "EUAQ": Programme("isil-aq", Holds.GROUPS),
    "HR": Programme("global-human-rights", Holds.OTHERS),
    "HTI": Programme("haiti", Holds.MIXED),
    "SOM": Programme("somalia", Holds.MIXED),
    "SYR": Programme("syria", Holds.OTHERS),
    "TAQA": Programme("un-isil-aq", Holds.GROUPS),
    "TERR": Programme("cp-931", Holds.GROUPS),
    "UKR": Programme("ukraine", Holds.OTHERS),
    "YEM": Programme("yemen", Holds.MIXED),
    **dict.fromkeys("HAM MLI SDNZ UNLI".split(), Programme(None, Holds.MIXED)),
}
OTHER = Programme(None, Holds.OTHERS)
COPIED = {"TAQA"}
COMPLETE = frozenset((EU, known.instrument) for known in PROGRAMMES.values() if known.instrument)

TYPES = {"enterprise": True, "person": False}
ENGLISH = {"", "EN"}

USED = frozenset(
    "@designationDate @unitedNationId @euReferenceNumber @logicalId remark subjectType subjectType/@code regulation "
    "regulation/@regulationType regulation/@entryIntoForceDate regulation/@programme nameAlias nameAlias/@wholeName "
    "nameAlias/@nameLanguage nameAlias/@strong address address/@countryIso2Code citizenship "
    "citizenship/@countryIso2Code".split()
)
IGNORED = frozenset(
    "@designationDetails subjectType/@classificationCode regulation/@organisationType regulation/@publicationDate "
    "regulation/@numberTitle regulation/@logicalId regulation/publicationUrl regulationSummary/* "
    "nameAlias/@firstName nameAlias/@middleName nameAlias/@lastName nameAlias/@function nameAlias/@gender "
    "nameAlias/@title nameAlias/@regulationLanguage nameAlias/@logicalId nameAlias/remark "
    "nameAlias/regulationSummary/* address/@city address/@street address/@poBox address/@zipCode address/@region "
    "address/@place address/@asAtListingTime address/@countryDescription address/@regulationLanguage "
    "address/@logicalId address/remark address/contactInfo/* address/regulationSummary/* citizenship/@region "
    "citizenship/@countryDescription citizenship/@regulationLanguage citizenship/@logicalId citizenship/remark "
    "citizenship/regulationSummary/* identification/* birthdate/*".split()
)


def sniff(head: bytes) -> bool:
    """Whether a file that starts so is the list."""
    root = root_of(head)
    return root is not None and root.name == ROOT and root.namespace == NAMESPACE


def load(raw: bytes) -> tuple[ListedEntity, ...]:
    """Its enterprises, in order. Raises ListFileError."""
    return tuple(_entity(node) for node in elements(raw, ROOT, {"sanctionEntity"}) if TYPES.get(_type(node), True))


def _type(node: Element) -> str:
    subject = node.find("subjectType")
    return clean(subject.get("code")) if subject is not None else ""


def _entity(node: Element) -> ListedEntity:
    name, aliases = leading(_names(node))
    stated = node.get("designationDate")
    designated = iso_day(stated)
    reference = clean(node.get("euReferenceNumber"))
    signals = (
        *unknown(node, USED | IGNORED),
        *unread("designationDate", stated, designated),
        *(() if _type(node) in TYPES else (f"unknown subjectType {_type(node)}",)),
        *(() if name else (NO_NAME,)),
    )
    return ListedEntity(
        reference=reference or f"logicalId {clean(node.get('logicalId'))}",
        name=name,
        aliases=aliases,
        listings=tuple(_listing(act, designated) for act in node.iterfind("regulation")),
        page=PAGE,
        countries=_countries(node),
        ids=Ids(eu=reference or None, un=un_number(node.get("unitedNationId"))),
        remarks=remark(" ".join(clean(found.text) for found in node.iterfind("remark"))),
        signals=signals,
    )


def _listing(act: Element, designated: PartialDate | None) -> Listing:
    tag = clean(act.get("programme"))
    programme = PROGRAMMES.get(tag, OTHER)
    first = act.get("entryIntoForceDate") if clean(act.get("regulationType")) == "regulation" else None
    return Listing(
        authority=EU,
        instrument=programme.instrument,
        programme=tag,
        holds=programme.holds,
        listed=(None if tag in COPIED else designated) or iso_day(first),
    )


def _names(node: Element) -> Iterator[ListedName]:
    """English names first, for the first one names the entry."""
    found = node.findall("nameAlias")
    for alias in sorted(found, key=lambda alias: (clean(alias.get("nameLanguage")) not in ENGLISH, _weak(alias))):
        english = clean(alias.get("nameLanguage")) in ENGLISH
        kind = AliasKind.NAME if english else AliasKind.TRANSLATION
        yield from names(alias.get("wholeName"), kind, weak=_weak(alias))


def _weak(alias: Element) -> bool:
    return alias.get("strong") == "false"


def _countries(node: Element) -> tuple[str, ...]:
    """ISO codes; `00` stands for unknown."""
    found = (
        clean(place.get("countryIso2Code")) for kind in ("address", "citizenship") for place in node.iterfind(kind)
    )
    return tuple(dict.fromkeys(code for code in found if code not in {"", "00"}))
