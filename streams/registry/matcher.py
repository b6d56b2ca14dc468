"""Where a text names a group: one automaton over every name, then the rules that plain search lacks.

Order of the rules, each cheap enough for every story: all overlapping hits of the automaton; only those bounded by
non-letters; only those whose case fits where the name demands it; only those whose `near` words stand in the
story, and where several groups share the text, the one that the words nearby speak for; and of what overlaps, the
longest ("Pakistani Taliban" is not "Taliban"; a group's `never` texts take part and then fall away).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from itertools import product
from typing import NamedTuple

from streams.records import GroupKey, Mention
from streams.registry.company import Company, near_words
from streams.registry.entries import Group
from streams.registry.folding import fold, spaced, words
from streams.registry.scanning import Scanner

_MOST_APOSTROPHES = 3


class Name(NamedTuple):
    """A text to look for, with the conditions under which it counts."""

    group: GroupKey | None  # None: a text that is nobody's name, though it holds one
    text: str
    near: tuple[str, ...] = ()  # as `near_words` makes them
    cased: bool = False
    default: bool = False  # of the groups that share the text, the one meant where the words nearby do not decide

    @property
    def is_open(self) -> bool:
        """Whether it counts without any of its `near` words."""
        return self.default or not self.near


class Undecided(NamedTuple):
    """A name that several groups share, where nothing nearby speaks for one of them more than for another."""

    start: int
    end: int
    text: str
    groups: tuple[GroupKey, ...]


class Found(NamedTuple):
    """The groups a text names, and the names in it that were left open; neither overlaps the other."""

    mentions: tuple[Mention, ...]
    undecided: tuple[Undecided, ...]


class _Hit(NamedTuple):
    start: int  # in the text itself
    end: int
    groups: tuple[GroupKey, ...]  # one: it is meant; several: any of them could be; none: a text that is never a name


class GroupMatcher:
    """All names of all groups, compiled."""

    def __init__(self, groups: Iterable[Group]) -> None:
        """Compile the automaton; with 4,000 names this takes about 80 milliseconds, so it is not cached on disk."""
        self.names: tuple[Name, ...] = tuple(name for group in groups for name in names_of(group))
        self._owners: dict[str, list[Name]] = {}
        for name in self.names:
            for spelling in _spellings(name.text):
                self._owners.setdefault(spelling, []).append(name)
        self._scanner = Scanner(self._owners)

    def find(self, text: str) -> tuple[Mention, ...]:
        """The groups named in `text`, in order, none overlapping; offsets count in `text` itself."""
        return self.find_all(text).mentions

    def find_all(self, text: str) -> Found:
        """As `find`, with the names that could not be given to one of the groups that share them."""
        taken: list[_Hit] = []
        for hit in sorted(self._hits(text), key=lambda hit: (hit.start - hit.end, hit.start)):
            place = bisect_left(taken, hit)
            if (place == 0 or taken[place - 1].end <= hit.start) and (
                place == len(taken) or taken[place].start >= hit.end
            ):
                taken.insert(place, hit)
        return Found(
            tuple(
                Mention(group=h.groups[0], start=h.start, end=h.end, text=text[h.start : h.end]) for h in _named(taken)
            ),
            tuple(Undecided(h.start, h.end, text[h.start : h.end], h.groups) for h in taken if len(h.groups) > 1),
        )

    def _hits(self, text: str) -> Iterator[_Hit]:
        folded = fold(text)
        in_words = words(folded.text)
        company = Company(folded, in_words)
        for spelling, start in self._scanner.scan(folded.text, in_words):
            span = folded.span(start, start + len(spelling))
            names = [name for name in self._owners[spelling] if _is_written(name, company, *span)]
            groups = _owners(names, company, *span)
            if groups is not None:
                yield _Hit(*span, groups)


def names_of(group: Group) -> Iterator[Name]:
    """The group's name, its aliases, and the texts that hold one of them and mean something else."""
    yield Name(group.key, group.name, near_words(group.name_near), group.name_cased, group.name_default)
    for alias in group.aliases:
        yield Name(group.key, alias.text, near_words(alias.near), alias.cased, alias.default)
    for text in group.never:
        yield Name(None, text)


def _named(hits: Iterable[_Hit]) -> Iterator[_Hit]:
    return (hit for hit in hits if len(hit.groups) == 1)


def _spellings(text: str) -> Iterator[str]:
    """The folded text, with and without each of its apostrophes: Hay'at and Hayat, Workers' and Workers."""
    parts = spaced(fold(text).text).split("'")
    if len(parts) > _MOST_APOSTROPHES + 1:
        yield "'".join(parts)
        return
    for marks in product(("'", ""), repeat=len(parts) - 1):
        yield parts[0] + "".join(mark + part for mark, part in zip(marks, parts[1:], strict=True))


def _is_written(name: Name, company: Company, start: int, end: int) -> bool:
    return not name.cased or company.is_written(name.text, start, end, has_near=bool(name.near))


def _owners(names: list[Name], company: Company, start: int, end: int) -> tuple[GroupKey, ...] | None:
    """Whose name stands here: one group, several that fit equally, none on purpose (`()`), or no name at all (None)."""
    if any(name.group is None for name in names):
        return ()
    fitting = [name for name in names if name.is_open or company.has_any(name.near)]
    groups = {name.group for name in fitting if name.group is not None}
    if len(groups) < 2:
        return tuple(groups) or None
    return _strongest(fitting, company, start, end)


def _strongest(names: list[Name], company: Company, start: int, end: int) -> tuple[GroupKey, ...]:
    """The sentence speaks first, then the story; where both are silent or divided, the default."""
    for sentence in (company.sentence(start, end), None):
        heard: dict[GroupKey, int] = {}
        for name in names:
            if name.group is not None:
                heard[name.group] = max(heard.get(name.group, 0), company.count(name.near, sentence))
        loudest = [group for group, count in heard.items() if count == max(heard.values())]
        if len(loudest) == 1:
            return tuple(loudest)
    defaults = [name.group for name in names if name.is_open and name.group in loudest]
    return (defaults[0],) if defaults else tuple(loudest)
