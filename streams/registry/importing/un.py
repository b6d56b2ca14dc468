"""The consolidated list of the United Nations Security Council, XML: its entities.

Individuals are ignored by name. `LISTED_ON` is the day of the committee's listing; the list is one file for all
committees, and `UN_LIST_TYPE` tells which.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple
from xml.etree.ElementTree import Element

from streams.records import AuthorityKey
from streams.registry.entries import AliasKind, Ids
from streams.registry.importing.documents import elements, root_of, unknown
from streams.registry.importing.listed import Holds, ListedEntity, ListedName, Listing
from streams.registry.importing.texts import NO_NAME, clean, iso_day, leading, names, remark, un_number, unread

NAME = "un"
PAGE = "https://main.un.org/securitycouncil/en/content/un-sc-consolidated-list"
UN = AuthorityKey("un")
ROOT = "CONSOLIDATED_LIST"


class Committee(NamedTuple):
    """Which list of ours a `UN_LIST_TYPE` is."""

    instrument: str | None
    holds: Holds
    country: str | None = None  # where all that it lists is at home


COMMITTEES = {
    "Al-Qaida": Committee("1267", Holds.GROUPS),
    "CAR": Committee("2745", Holds.MIXED, "cf"),
    "DPRK": Committee(None, Holds.OTHERS),
    "DRC": Committee("1533", Holds.MIXED, "cd"),
    "GB": Committee(None, Holds.OTHERS),
    "Haiti": Committee("2653", Holds.GROUPS, "ht"),
    "Iran": Committee(None, Holds.OTHERS),
    "Iraq": Committee(None, Holds.OTHERS),
    "Libya": Committee(None, Holds.OTHERS),
    "Mali": Committee(None, Holds.MIXED),
    "Somalia": Committee("2713", Holds.GROUPS, "so"),
    "SouthSudan": Committee(None, Holds.MIXED),
    "Sudan": Committee(None, Holds.MIXED),
    "Taliban": Committee("1988", Holds.MIXED, "af"),
    "Yemen": Committee("2140", Holds.GROUPS, "ye"),
}

COMPLETE = frozenset((UN, known.instrument) for known in COMMITTEES.values() if known.instrument)
"""The lists that a file holds in full, so that who is not in it is not on them."""

QUALITIES = {
    "": None,  # no alias: the element is there empty
    "a.k.a.": AliasKind.NAME,
    "f.k.a.": AliasKind.FORMER,
    "Good": AliasKind.NAME,
    "Low": AliasKind.NAME,
}

USED = frozenset(
    "FIRST_NAME SECOND_NAME THIRD_NAME FOURTH_NAME NAME_ORIGINAL_SCRIPT REFERENCE_NUMBER UN_LIST_TYPE LISTED_ON "
    "COMMENTS1 ENTITY_ALIAS ENTITY_ALIAS/QUALITY ENTITY_ALIAS/ALIAS_NAME ENTITY_ADDRESS ENTITY_ADDRESS/COUNTRY".split()
)
IGNORED = frozenset(
    "DATAID VERSIONNUM LIST_TYPE/* LAST_DAY_UPDATED/* SORT_KEY SORT_KEY_LAST_MOD SUBMITTED_BY/* SUBMITTED_ON "
    "ENTITY_ALIAS/NOTE ENTITY_ADDRESS/STREET ENTITY_ADDRESS/CITY ENTITY_ADDRESS/STATE_PROVINCE "
    "ENTITY_ADDRESS/ZIP_CODE ENTITY_ADDRESS/NOTE".split()
)


def sniff(head: bytes) -> bool:
    """Whether a file that starts so is the consolidated list."""
    root = root_of(head)
    return root is not None and root.name == ROOT


def load(raw: bytes) -> tuple[ListedEntity, ...]:
    """Its entities, in order. Raises ListFileError."""
    return tuple(_entity(node) for node in elements(raw, ROOT, {"ENTITY"}))


def _entity(node: Element) -> ListedEntity:
    name, aliases = leading(_names(node))
    reference = clean(node.findtext("REFERENCE_NUMBER")).rstrip(".")
    kind = clean(node.findtext("UN_LIST_TYPE"))
    committee = COMMITTEES.get(kind, Committee(None, Holds.MIXED))
    stated = node.findtext("LISTED_ON")
    listed = iso_day(stated)
    listing = Listing(
        authority=UN, instrument=committee.instrument, programme=kind, holds=committee.holds, listed=listed
    )
    signals = (
        *unknown(node, USED | IGNORED),
        *unread("LISTED_ON", stated, listed),
        *(() if kind in COMMITTEES else (f"unknown UN_LIST_TYPE {kind}",)),
        *_strange_qualities(node),
        *(() if name else (NO_NAME,)),
    )
    return ListedEntity(
        reference=reference,
        name=name,
        aliases=aliases,
        listings=(listing,),
        page=PAGE,
        countries=_countries(node) or ((committee.country,) if committee.country else ()),
        ids=Ids(un=un_number(reference)),
        remarks=remark(node.findtext("COMMENTS1")),
        signals=signals,
    )


def _names(node: Element) -> Iterator[ListedName]:
    parts = (clean(node.findtext(f"{nth}_NAME")) for nth in ("FIRST", "SECOND", "THIRD", "FOURTH"))
    yield from names(" ".join(part for part in parts if part))
    yield from names(node.findtext("NAME_ORIGINAL_SCRIPT"))
    for alias in node.iterfind("ENTITY_ALIAS"):
        quality = clean(alias.findtext("QUALITY"))
        kind = QUALITIES.get(quality, AliasKind.NAME)
        for text in clean(alias.findtext("ALIAS_NAME")).split("; ") if kind else ():
            yield from names(text, kind or AliasKind.NAME, weak=quality == "Low")


def _strange_qualities(node: Element) -> Iterator[str]:
    found = (clean(alias.findtext("QUALITY")) for alias in node.iterfind("ENTITY_ALIAS"))
    return (f"unknown QUALITY {quality}" for quality in found if quality not in QUALITIES)


def _countries(node: Element) -> tuple[str, ...]:
    found = (clean(address.findtext("COUNTRY")) for address in node.iterfind("ENTITY_ADDRESS"))
    return tuple(dict.fromkeys(country for country in found if country))
