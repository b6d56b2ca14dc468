"""The same list as SDN_ADVANCED.XML, which alone of its formats has dates and names in other scripts.

Almost everything in it is a number that a table at its head explains, and an entry's lists and dates come in a
section of their own at the end, so the entries wait, with no more than their names, until the file is read.
Persons, vessels and aircraft, identity documents, features other than locations, and the relations between entries
are ignored by name; so are entries of other lists than the SDN list.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from msgspec import structs

from streams.records import PartialDate
from streams.registry.entries import AliasKind, Ids
from streams.registry.importing.documents import elements, root_of, unknown
from streams.registry.importing.listed import ListedEntity, ListedName, ListFileError
from streams.registry.importing.ofac import COMPLETE as SDN_COMPLETE
from streams.registry.importing.ofac import PAGE, listings
from streams.registry.importing.texts import NO_NAME, clean, from_parts, leading, names, remark, script_of

NAME = "ofac-advanced"
COMPLETE = SDN_COMPLETE
ROOT = "Sanctions"
SDN_LIST = "SDN List"
TABLES = frozenset(
    "AliasTypeValues AreaCodeValues CountryValues LegalBasisValues ListValues PartySubTypeValues PartyTypeValues "
    "SanctionsTypeValues".split()
)
"""The tables at the head that are read; the others explain what is ignored."""

TYPES = {"Entity": True, "Individual": False, "Vessel": False, "Aircraft": False, "Transport": False, "Location": False}
ALIASES = {
    "Name": AliasKind.NAME,
    "A.K.A.": AliasKind.NAME,
    "F.K.A.": AliasKind.FORMER,
    "N.K.A.": AliasKind.NAME,
}

_ALIAS = "Profile/Identity/Alias"
USED = frozenset(
    f"@FixedRef Comment Profile Profile/@PartySubTypeID Profile/@ID Profile/Identity {_ALIAS} {_ALIAS}/@AliasTypeID "
    f"{_ALIAS}/@Primary {_ALIAS}/@LowQuality {_ALIAS}/DocumentedName {_ALIAS}/DocumentedName/DocumentedNamePart "
    f"{_ALIAS}/DocumentedName/DocumentedNamePart/NamePartValue Profile/Feature/*".split()
)
IGNORED = frozenset(
    f"@DeltaAction Profile/Identity/@ID Profile/Identity/@FixedRef Profile/Identity/@Primary Profile/Identity/@False "
    f"Profile/Identity/NamePartGroups/* {_ALIAS}/@FixedRef {_ALIAS}/@ID {_ALIAS}/DocumentedName/@ID "
    f"{_ALIAS}/DocumentedName/@FixedRef {_ALIAS}/DocumentedName/@DocNameStatusID "
    f"{_ALIAS}/DocumentedName/DocumentedNamePart/NamePartValue/@NamePartGroupID "
    f"{_ALIAS}/DocumentedName/DocumentedNamePart/NamePartValue/@ScriptID "
    f"{_ALIAS}/DocumentedName/DocumentedNamePart/NamePartValue/@ScriptStatusID "
    f"{_ALIAS}/DocumentedName/DocumentedNamePart/NamePartValue/@Acronym "
    "Profile/ExternalReference/* Profile/SanctionsEntryReference/*".split()
)


def sniff(head: bytes) -> bool:
    """Whether a file that starts so is SDN_ADVANCED.XML."""
    root = root_of(head)
    return root is not None and root.name == ROOT


def load(raw: bytes) -> tuple[ListedEntity, ...]:
    """Its entities on the SDN list, in order. Raises ListFileError, also for a number that no table explains."""
    reader = _Reader()
    for node in elements(raw, ROOT, TABLES | {"Location", "DistinctParty", "SanctionsEntry"}):
        if node.tag in TABLES:
            reader.explain(node)
        elif node.tag == "Location":
            reader.locate(node)
        elif node.tag == "DistinctParty":
            reader.party(node)
        else:
            reader.entry(node)
    return tuple(entity for entity in reader.entities.values() if entity.listings)


class _Reader:
    """What has been read so far."""

    def __init__(self) -> None:
        self.entities: dict[str, ListedEntity] = {}  # by profile
        self._texts: dict[tuple[str, str], str] = {}  # (kind of value, number) to its text
        self._party_types: dict[str, str] = {}  # sub-type to type
        self._countries: dict[str, str] = {}  # location to country

    def explain(self, table: Element) -> None:
        """Learn a table of the head."""
        for value in table:
            number = value.get("ID", "")
            stated = (value.text, value.get("Description"), value.get("LegalBasisShortRef"))
            self._texts[value.tag, number] = next((text for text in map(clean, stated) if text), "")
            if value.tag == "PartySubType":
                self._party_types[number] = value.get("PartyTypeID", "")

    def locate(self, location: Element) -> None:
        """Learn the country of a location, if it has one."""
        for child, kind in (("LocationCountry", "Country"), ("LocationAreaCode", "AreaCode")):
            found = location.find(child)
            name = self._texts.get((kind, found.get(f"{kind}ID", ""))) if found is not None else None
            if name and name != "undetermined":
                self._countries[location.get("ID", "")] = name
                return

    def party(self, node: Element) -> None:
        """Take an entity with its names; its lists follow later."""
        profile = node.find("Profile")
        if profile is None:
            raise ListFileError(f"DistinctParty {node.get('FixedRef')} has no Profile")
        kind = self._party_type(profile.get("PartySubTypeID", ""))
        if not TYPES.get(kind, True):
            return
        name, aliases = leading(self._names(profile))
        uid = node.get("FixedRef", "")
        signals = (
            *unknown(node, USED | IGNORED),
            *(() if kind in TYPES else (f"unknown PartyType {kind}",)),
            *(() if name else (NO_NAME,)),
        )
        self.entities[profile.get("ID", uid)] = ListedEntity(
            reference=uid,
            name=name,
            aliases=aliases,
            listings=(),
            page=PAGE,
            countries=tuple(dict.fromkeys(self._locations(profile))),
            ids=Ids(ofac=uid or None),
            remarks=remark(node.findtext("Comment")),
            signals=signals,
        )

    def entry(self, node: Element) -> None:
        """Give an entity its lists."""
        entity = self.entities.get(node.get("ProfileID", ""))
        if entity is None or self._text("List", node.get("ListID")) != SDN_LIST:
            return
        tags = (
            measure.findtext("Comment") or ""
            for measure in node.iterfind("SanctionsMeasure")
            if self._text("SanctionsType", measure.get("SanctionsTypeID")) == "Program"
        )
        since, basis = self._event(node)
        more = listings(tags, since, basis)
        self.entities[node.get("ProfileID", "")] = structs.replace(entity, listings=entity.listings + more)

    def _event(self, node: Element) -> tuple[PartialDate | None, str]:
        """The earliest dated event of an entry, and the texts of its legal bases."""
        days = [
            day
            for event in node.iterfind("EntryEvent")
            if (day := from_parts(*(event.findtext(f"Date/{part}") for part in ("Year", "Month", "Day"))))
        ]
        numbers = [number for event in node.iterfind("EntryEvent") if (number := event.get("LegalBasisID"))]
        return min(days, default=None), " ".join(self._text("LegalBasis", number) for number in numbers)

    def _names(self, profile: Element) -> Iterator[ListedName]:
        """The primary name first, in Latin letters before any other script."""
        aliases = profile.findall("Identity/Alias")
        for alias in sorted(aliases, key=lambda alias: alias.get("Primary") != "true"):
            kind = ALIASES.get(self._text("AliasType", alias.get("AliasTypeID")), AliasKind.NAME)
            weak = alias.get("LowQuality") == "true"
            texts = [_joined(name) for name in alias.iterfind("DocumentedName")]
            for text in sorted(texts, key=lambda text: script_of(text) != "Latn"):
                yield from names(text, kind, weak=weak)

    def _locations(self, profile: Element) -> Iterator[str]:
        for place in profile.iter("VersionLocation"):
            country = self._countries.get(place.get("LocationID", ""))
            if country is not None:
                yield country

    def _party_type(self, number: str) -> str:
        name = self._text("PartySubType", number)
        return self._text("PartyType", self._party_types[number]) if name in {"Unknown", ""} else name

    def _text(self, kind: str, number: str | None) -> str:
        try:
            return self._texts[kind, number or ""]
        except KeyError:
            raise ListFileError(f"no {kind} {number} in the tables at the head") from None


def _joined(name: Element) -> str:
    parts = (clean(value.text) for value in name.iterfind("DocumentedNamePart/NamePartValue"))
    return " ".join(part for part in parts if part)
