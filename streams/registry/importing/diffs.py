"""What a list file would change in the registry, and what it would not change though it says otherwise."""

from __future__ import annotations

from msgspec import Struct

from streams.records import GroupKey
from streams.registry.entries import Alias, Baseline, Group


class LookAlike(Struct, frozen=True, kw_only=True):
    """A group of the registry that an unknown entry may be."""

    key: GroupKey
    name: str  # the one that looks like the entry's
    score: int  # 0..100


class Draft(Struct, frozen=True, kw_only=True):
    """A group the registry lacks."""

    reference: str
    group: Group
    held: tuple[str, ...] = ()  # why it is not written before somebody has looked at it
    like: tuple[LookAlike, ...] = ()
    held_aliases: tuple[Alias, ...] = ()  # an author has to say in whose company they count
    remarks: str | None = None


class Addition(Struct, frozen=True, kw_only=True):
    """What an existing group file lacks."""

    key: GroupKey
    entries: tuple[str, ...]  # the references it comes from, and by what they were found
    aliases: tuple[Alias, ...] = ()
    ids: dict[str, str] = {}  # by register
    rows: tuple[Baseline, ...] = ()
    held_aliases: tuple[Alias, ...] = ()

    @property
    def writes(self) -> bool:
        """Whether there is anything to append."""
        return bool(self.aliases or self.ids or self.rows)


class Conflict(Struct, frozen=True, kw_only=True):
    """A curated field of which the file says something else; it stays as it is."""

    key: GroupKey
    field: str
    registry: str
    file: str
    reference: str | None = None  # None: no entry of the file, which is the conflict


class Doubt(Struct, frozen=True, kw_only=True):
    """An entry that may be a group, on grounds too weak to say so."""

    reference: str
    name: str
    keys: tuple[GroupKey, ...]
    why: str


class Diff(Struct, frozen=True, kw_only=True):
    """The whole difference, in the order of the file."""

    format: str
    entries: int
    known: int  # entries that are groups of the registry
    drafts: tuple[Draft, ...] = ()
    additions: tuple[Addition, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    passed: dict[str, int] = {}  # entries under programmes that list companies, by programme
    signals: dict[str, int] = {}  # what could not be read, and in how many entries
