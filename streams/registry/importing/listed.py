"""What an official list says of one entry, in the same records whatever the format."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from streams.errors import ListwireError
from streams.records import AuthorityKey, PartialDate
from streams.registry.entries import AliasKind, Ids


class ListFileError(ListwireError):
    """A list file that cannot be read: what is wrong with it, and where."""

    def __init__(
        self, problem: str, line: int | None = None, column: int | None = None, file: str | None = None
    ) -> None:
        where = ", ".join(f"{name} {at}" for name, at in (("line", line), ("column", column)) if at is not None)
        super().__init__(": ".join(part for part in (file, where, problem) if part))
        self.problem = problem
        self.line = line
        self.column = column
        self.file = file

    def named(self, file: str) -> ListFileError:
        """The same error, with the file it is about."""
        return ListFileError(self.problem, self.line, self.column, file)


class Holds(StrEnum):
    """What sort of bodies a list is about, which decides how readily an unknown entry becomes a draft."""

    GROUPS = "groups"  # armed, terrorist or criminal groups and their fronts
    MIXED = "mixed"  # groups beside companies, charities and offices
    OTHERS = "others"  # companies and state bodies: only entries that are known groups matter


class ListedName(Struct, frozen=True, kw_only=True):
    """A further name of an entry."""

    text: str
    kind: AliasKind = AliasKind.NAME
    weak: bool = False  # the list itself calls it of low quality


class Listing(Struct, frozen=True, kw_only=True):
    """One list, by its registry keys, that the entry stands on."""

    authority: AuthorityKey
    instrument: str | None  # None: a list, or an act, that the authority's file has no key for
    programme: str  # what the file calls it
    holds: Holds
    listed: PartialDate | None = None


class ListedEntity(Struct, frozen=True, kw_only=True):
    """One entry of a list that is neither a person nor a ship nor an aircraft."""

    reference: str  # its number in that list
    name: str  # empty where the file gives none; a signal then says so
    listings: tuple[Listing, ...]
    page: str  # the web page of the list
    aliases: tuple[ListedName, ...] = ()
    countries: tuple[str, ...] = ()  # names or ISO codes, as the file has them
    ids: Ids = Ids()
    remarks: str | None = None
    signals: tuple[str, ...] = ()  # what the file says that we do not know how to read

    @property
    def holds(self) -> Holds:
        """The most group-like of the lists it stands on."""
        found = {listing.holds for listing in self.listings}
        return next((kind for kind in Holds if kind in found), Holds.OTHERS)
