"""Everything that is wrong with a registry, at once, in words: what `listwire registry check` prints."""

from __future__ import annotations

from importlib.resources.abc import Traversable

from streams.records import AuthorityKey, GroupKey
from streams.registry.entries import Authority, Group
from streams.registry.loader import package_folder, problems_of, read_folder
from streams.registry.problems import Problem, Records
from streams.registry.rules import RULES
from streams.registry.traps import TRAPS


def check(groups: Traversable | None = None, authorities: Traversable | None = None) -> tuple[Records, list[Problem]]:
    """The records of these folders, or of those that ship with the package, and every problem of theirs, by file."""
    group_records, broken_groups = read_folder(groups or package_folder("groups"), Group)
    authority_records, broken_authorities = read_folder(authorities or package_folder("authorities"), Authority)
    broken = [*broken_groups, *broken_authorities]
    records = Records(
        {AuthorityKey(key): authority for key, authority in authority_records.items()},
        {GroupKey(key): group for key, group in group_records.items()},
        frozenset(problem.file for problem in broken),
    )
    found = {*broken, *problems_of(records, (*RULES, *TRAPS))}
    return records, sorted(found, key=lambda problem: (problem.file, problem.key, problem.fault))
