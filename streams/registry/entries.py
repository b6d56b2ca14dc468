"""The records of the registry as they stand in its TOML files: one authority or one group a file.

Strict: a key that is not named here is an error, and so is a missing one. What each field means, with examples,
is in this folder's README.md.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from streams.records import AuthorityKey, GroupKey, PartialDate


class AuthorityKind(StrEnum):
    """What sort of body keeps the list."""

    STATE = "state"
    BODY = "body"  # an international organisation
    SUBNATIONAL = "subnational"


class Act(StrEnum):
    """What an organ's own act amounts to in its authority's procedure."""

    PROPOSES = "proposes"
    DECIDES = "decides"
    EFFECTS = "effects"  # its act is in force by itself
    SPEAKS = "speaks"  # announces what others did


class AliasKind(StrEnum):
    """Why a text stands for a group."""

    NAME = "name"  # another full name in use
    ACRONYM = "acronym"
    TRANSLATION = "translation"
    TRANSLITERATION = "transliteration"
    FORMER = "former"
    WING = "wing"  # a part that the authority lists with or as the group
    SHORT = "short"  # how the wires shorten it


class Entry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Strictness shared by all records of the registry."""


class Alias(Entry, frozen=True, kw_only=True):
    """A text that stands for a group; with `near`, only in a story where one of those words stands too."""

    text: str
    kind: AliasKind
    script: str = "Latn"  # ISO 15924
    near: tuple[str, ...] = ()
    cased: bool = False  # True: upper and lower case must match, for names that are ordinary words
    default: bool = False  # of the groups that share the text, the one meant where no word nearby decides


class Baseline(Entry, frozen=True, kw_only=True):
    """Where the group stands, or stood, on one list of one authority."""

    authority: AuthorityKey
    source: str
    instrument: str | None = None
    listed: PartialDate | None = None
    delisted: PartialDate | None = None
    suspended: PartialDate | None = None
    scope: GroupKey | None = None
    note: str | None = None


class Ids(Entry, frozen=True, kw_only=True):
    """The group's names in other registers."""

    wikidata: str | None = None
    un: str | None = None
    ofac: str | None = None
    eu: str | None = None
    gb: str | None = None


class Group(Entry, frozen=True, kw_only=True):
    """A group that some authority has designated, or has been asked to."""

    key: GroupKey
    name: str
    countries: tuple[str, ...]
    sources: tuple[str, ...]
    aliases: tuple[Alias, ...] = ()
    never: tuple[str, ...] = ()  # texts that look like its name and are not
    part_of: GroupKey | None = None  # a wing or chapter: claims about it are claims about that group, with this scope
    successor_of: tuple[GroupKey, ...] = ()
    ids: Ids = Ids()
    baseline: tuple[Baseline, ...] = ()
    name_near: tuple[str, ...] = ()  # as `Alias.near`, for the name itself
    name_cased: bool = False
    name_default: bool = False
    note: str | None = None


class Organ(Entry, frozen=True, kw_only=True):
    """A part of the authority that can act or speak, by names that need no country beside them."""

    names: tuple[str, ...]
    act: Act


class TermEnd(StrEnum):
    """What happens when the term of a listing has run."""

    EXPIRY = "expiry"  # it lapses unless it was renewed
    REVIEW = "review"  # it goes on, and the authority has to look at it again


class Term(Entry, frozen=True, kw_only=True):
    """How long a listing runs from its day, or from its last renewal."""

    months: Annotated[int, Meta(ge=1)]
    ends: TermEnd
    law: str


class Instrument(Entry, frozen=True, kw_only=True):
    """A list the authority keeps."""

    key: str
    name: str
    short: tuple[str, ...] = ()
    main: bool = False
    publication: str | None = None  # what makes an entry on it legal
    term: Term | None = None  # None: without a term, or one that each act sets for itself


class Authority(Entry, frozen=True, kw_only=True):
    """A state or body whose lists or recognition we follow."""

    key: AuthorityKey
    name: str
    kind: AuthorityKind
    sources: tuple[str, ...]
    names: tuple[str, ...] = ()  # further proper names
    demonyms: tuple[str, ...] = ()  # adjectives and peoples: Russian, Russians
    metonyms: tuple[str, ...] = ()  # capitals and seats that stand for it: Moscow, the Kremlin
    figures: tuple[str, ...] = ()  # surnames of office holders that headlines use alone
    organs: tuple[Organ, ...] = ()
    instruments: tuple[Instrument, ...] = ()
