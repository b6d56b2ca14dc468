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
from streams.registry.loader import load_folder, package_folder, refuse_problems
from streams.registry.matcher import GroupMatcher, names_of
from streams.registry.problems import Records

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
    def _owners(self) -> dict[str, dict[GroupKey, bool]]:
        """Folded name to the groups that have it, each with whether the bare name can mean it."""
        owners: dict[str, dict[GroupKey, bool]] = {}
        for group in self.groups.values():
            for name in names_of(group):
                if name.group is not None:
                    held = owners.setdefault(fold_key(name.text), {})
                    held[name.group] = held.get(name.group, False) or name.is_open
        return owners

    def owners(self, name: str) -> tuple[GroupKey, ...]:
        """The groups with exactly this key, name or alias, whatever its case, accents, quotes or hyphens."""
        key = GroupKey(name.strip().lower())
        if key in self.groups:
            return (key,)
        return tuple(self._held(fold_key(name)))

    def resolve(self, name: str) -> GroupKey | None:
        """The one group of this key, name or alias; of those that share it, the one that the bare name means."""
        owners = self.owners(name)
        if len(owners) == 1:
            return owners[0]
        return next((group for group, is_open in self._held(fold_key(name)).items() if is_open), None)

    def _held(self, folded: str) -> dict[GroupKey, bool]:
        return self._owners.get(folded) or self._owners.get(folded.removeprefix("the "), {})

    def without_baseline(self) -> "Registry":
        """The same names, and a ledger that starts from nothing."""
        bare = {key: structs.replace(group, baseline=()) for key, group in self.groups.items()}
        return Registry(self.authorities, bare)

    def search(self, query: str, limit: int = 10) -> list[tuple[GroupKey, str, float]]:
        """Groups whose names look like `query`, typos forgiven: (key, the name that matched, score 0..100)."""
        found = process.extract(
            fold_key(query), self._owners.keys(), scorer=fuzz.WRatio, limit=limit * 4, score_cutoff=60
        )
        best: dict[GroupKey, tuple[str, float]] = {}
        for name, score, _ in found:
            for group in self._owners[name]:
                best.setdefault(group, (name, score))
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
    refuse_problems(Records(registry.authorities, registry.groups))
    return registry
