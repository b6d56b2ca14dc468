"""What can be wrong with the registry's records: a problem in words, and the records that rules look at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from streams.errors import DataFileError
from streams.records import AuthorityKey, GroupKey
from streams.registry.entries import Authority, Group
from streams.registry.folding import fold_key
from streams.registry.matcher import Name, names_of


class Problem(NamedTuple):
    """What is wrong, where, and what to do about it; `str` is the line a person reads."""

    file: str  # with its folder: groups/x.toml
    key: str
    fault: str
    remedy: str

    def __str__(self) -> str:
        return str(self.error())

    def error(self) -> DataFileError:
        """The problem as the loader raises it."""
        return DataFileError(self.file, f"{self.fault}; {self.remedy}", self.key)


@dataclass(frozen=True)
class Records:
    """All records of a registry, with what several rules ask of them."""

    authorities: Mapping[AuthorityKey, Authority]
    groups: Mapping[GroupKey, Group]
    unread: frozenset[str] = frozenset()  # the files that are there and broken: a reference to one is not dead

    @cached_property
    def names(self) -> dict[str, list[Name]]:
        """The names of all groups by their folded text; `never` texts are not among them."""
        found: dict[str, list[Name]] = {}
        for group in self.groups.values():
            for name in names_of(group):
                if name.group is not None:
                    found.setdefault(fold_key(name.text), []).append(name)
        return found

    @cached_property
    def shared(self) -> list[list[Name]]:
        """Of those, the ones that stand in two files or more."""
        return [names for names in self.names.values() if len({name.group for name in names}) > 1]

    @property
    def all(self) -> list[Authority | Group]:
        """Authorities and groups."""
        return [*self.authorities.values(), *self.groups.values()]

    def knows(self, group: GroupKey) -> bool:
        """Whether there is a file for that group."""
        return group in self.groups or f"groups/{group}.toml" in self.unread

    def knows_authority(self, authority: AuthorityKey) -> bool:
        """Whether there is a file for that authority."""
        return authority in self.authorities or f"authorities/{authority}.toml" in self.unread


Rule = Callable[[Records], Iterator[Problem]]


def file_of(record: Authority | Group) -> str:
    """Where the record stands, as its problems name it."""
    return f"{'groups' if isinstance(record, Group) else 'authorities'}/{record.key}.toml"
