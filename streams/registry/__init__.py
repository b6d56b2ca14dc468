"""The registry: who can list whom, under which names, and where every pair stands.

The compass of the reader and the baseline of the ledger. Loaded once, then only read.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, cached_property

from msgspec import structs
from rapidfuzz import fuzz, process

from streams.records import AuthorityKey, GroupKey
from streams.registry.entries import Authority, Group
from streams.registry.folding import fold_key
from streams.registry.loader import check_authorities, check_groups, load_folder, package_folder
from streams.registry.matcher import GroupMatcher

__all__ = ["Authority", "Group", "Registry", "load_registry"]


@dataclass(frozen=True, eq=False)
class Registry:
    """Authorities and groups by key, and the matchers built from them. Compared and hashed by identity: loaded once."""

    authorities: dict[AuthorityKey, Authority]
    groups: dict[GroupKey, Group]

    @cached_property
    def matcher(self) -> GroupMatcher:
        """Finds group names in text."""
        return GroupMatcher(self.groups.values())

    @cached_property
    def _names(self) -> dict[str, GroupKey]:
        names = {fold_key(alias.text): key for key, group in self.groups.items() for alias in group.aliases}
        return names | {fold_key(group.name): key for key, group in self.groups.items()}

    def resolve(self, name: str) -> GroupKey | None:
        """The group of exactly this key, name or alias, whatever its case, accents or quotes."""
        folded = fold_key(name)
        if folded in self.groups:
            return GroupKey(folded)
        return self._names.get(folded) or self._names.get(folded.removeprefix("the "))

    def without_baseline(self) -> "Registry":
        """The same names, and a ledger that starts from nothing."""
        bare = {key: structs.replace(group, baseline=()) for key, group in self.groups.items()}
        return Registry(self.authorities, bare)

    def search(self, query: str, limit: int = 10) -> list[tuple[GroupKey, str, float]]:
        """Groups whose names look like `query`, typos forgiven: (key, the name that matched, score 0..100)."""
        found = process.extract(
            fold_key(query), self._names.keys(), scorer=fuzz.WRatio, limit=limit * 4, score_cutoff=60
        )
        best: dict[GroupKey, tuple[str, float]] = {}
        for name, score, _ in found:
            best.setdefault(self._names[name], (name, score))
        return [(key, name, score) for key, (name, score) in best.items()][:limit]


@cache
def load_registry() -> Registry:
    """The registry that ships with the package. Raises DataFileError on the first broken file."""
    authorities = load_folder(package_folder("authorities"), Authority)
    groups = load_folder(package_folder("groups"), Group)
    return build_registry(authorities.values(), groups.values())


def build_registry(authorities: Iterable[Authority], groups: Iterable[Group]) -> Registry:
    """A registry out of records, with the rules that hold across them checked."""
    registry = Registry({a.key: a for a in authorities}, {g.key: g for g in groups})
    check_authorities(registry.authorities)
    check_groups(registry.groups, registry.authorities)
    return registry
