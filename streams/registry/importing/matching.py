"""Which group of the registry an entry of a list is.

Precedence: a number the group has in the same register; the entry's own name; a further name of two words or more.
Names count only when they are equal after folding. A wing's name leads to a doubt: whoever lists the Qassam Brigades
has not listed Hamas. So does a name that several groups share, or that is a group's only in certain company, unless
the list is one of groups and the bare name means one of ours. What merely looks like a group is suggested, no more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import NamedTuple

from rapidfuzz import fuzz, process

from streams.records import GroupKey
from streams.registry import Registry
from streams.registry.entries import AliasKind, Ids
from streams.registry.folding import fold_key
from streams.registry.importing.diffs import Doubt, LookAlike
from streams.registry.importing.listed import Holds, ListedEntity

REGISTERS = Ids.__struct_fields__
ALIKE = 85
"""Least likeness, word order aside, of a name worth suggesting."""

MIN_ALIKE_LETTERS = 6
"""Shorter names are like too many others."""


class Caution(StrEnum):
    """Why an equal name is no proof."""

    WING = "is the name of a wing"
    SHARED = "is a name of several groups"
    COMPANY = "counts only in certain company"
    WEAK = "is all that fits, a weak or single word"


class Found(NamedTuple):
    """The group an entry is, and by what."""

    key: GroupKey
    by: str


class Matcher:
    """The registry's numbers and names, ready to be asked."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._numbers = {
            (register, number): key for key, group in registry.groups.items() for register, number in numbers(group.ids)
        }
        self._alike = {
            name: key
            for key, group in registry.groups.items()
            for name in map(fold_key, (group.name, *(alias.text for alias in group.aliases)))
            if len(name) >= MIN_ALIKE_LETTERS
        }

    def find(self, entity: ListedEntity) -> Found | Doubt | None:
        """The group it is, a doubt, or None for one that nothing leads to."""
        by_number = {
            key: f"{register} {number}"
            for register, number in numbers(entity.ids)
            if (key := self._numbers.get((register, number))) is not None
        }
        if len(by_number) > 1:
            return _doubt(entity, by_number, f"its numbers lead to several: {', '.join(by_number.values())}")
        if by_number:
            return next(Found(key, by) for key, by in by_number.items())
        return self._by_name(entity) or self._by_alias(entity)

    def looking_like(self, entity: ListedEntity) -> tuple[LookAlike, ...]:
        """Groups with a name like the entry's, best first."""
        asked = fold_key(entity.name)
        if len(asked) < MIN_ALIKE_LETTERS:
            return ()
        found = process.extract(asked, self._alike.keys(), scorer=fuzz.token_sort_ratio, score_cutoff=ALIKE, limit=8)
        best: dict[GroupKey, LookAlike] = {}
        for name, score, _ in found:
            key = self._alike[name]
            best.setdefault(key, LookAlike(key=key, name=name, score=round(score)))
        return tuple(best.values())[:3]

    def _by_name(self, entity: ListedEntity) -> Found | Doubt | None:
        owners = self._registry.owners(entity.name)
        if not owners:
            return None
        meant = self._registry.resolve(entity.name)
        caution = self._caution(entity.name, owners)
        if meant is not None and (caution is None or (caution is not Caution.WING and entity.holds is Holds.GROUPS)):
            return Found(meant, "name")
        return _doubt(entity, owners, f"{entity.name!r} {(caution or Caution.SHARED).value}")

    def _by_alias(self, entity: ListedEntity) -> Found | Doubt | None:
        hits: dict[GroupKey, str] = {}
        weak: dict[str, tuple[GroupKey, ...]] = {}
        for alias in entity.aliases:
            owners = self._registry.owners(alias.text)
            if not owners:
                continue
            if self._caution(alias.text, owners) is None and not alias.weak and " " in fold_key(alias.text):
                hits.setdefault(owners[0], alias.text)
            else:
                weak.setdefault(alias.text, owners)
        if len(hits) == 1:
            return next(Found(key, f"its alias {text!r}") for key, text in hits.items())
        if hits:
            return _doubt(entity, hits, f"its aliases lead to several: {', '.join(hits.values())}")
        for text, owners in weak.items():
            return _doubt(entity, owners, f"{text!r} {(self._caution(text, owners) or Caution.WEAK).value}")
        return None

    def _caution(self, name: str, owners: tuple[GroupKey, ...]) -> Caution | None:
        """Why this name of these groups is no proof of one; None if it is."""
        if len(owners) > 1:
            return Caution.SHARED
        group = self._registry.groups[owners[0]]
        folded = {fold_key(name), fold_key(name).removeprefix("the ")}
        if fold_key(group.name) in folded:
            return Caution.COMPANY if group.name_near and not group.name_default else None
        alias = next((alias for alias in group.aliases if fold_key(alias.text) in folded), None)
        if alias is not None and alias.kind is AliasKind.WING:
            return Caution.WING
        return Caution.COMPANY if alias is not None and alias.near and not alias.default else None


def numbers(ids: Ids) -> Iterator[tuple[str, str]]:
    """The registers a body has a number in, and the numbers."""
    for register in REGISTERS:
        number: str | None = getattr(ids, register)
        if number is not None:
            yield register, number


def _doubt(entity: ListedEntity, keys: Iterable[GroupKey], why: str) -> Doubt:
    return Doubt(reference=entity.reference, name=entity.name, keys=tuple(keys), why=why)
