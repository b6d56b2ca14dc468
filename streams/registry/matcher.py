"""Where a text names a group: one automaton over every alias, then the rules that plain search lacks.

Order of the rules, each cheap enough for every story: all overlapping hits of the automaton; only those bounded by
non-letters; only those whose case fits where the alias demands it; only those whose `near` words stand in the
story; and of what overlaps, the longest ("Pakistani Taliban" is not "Taliban"; a group's `never` texts take part
and then fall away).
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ahocorasick_rs import AhoCorasick, Implementation, MatchKind

from streams.records import GroupKey, Mention
from streams.registry.entries import Group
from streams.registry.folding import Folded, fold


class Name(NamedTuple):
    """A text to look for, with the conditions under which it counts."""

    group: GroupKey | None  # None: a text that is nobody's name, though it holds one
    text: str
    folded: str
    near: tuple[str, ...]
    cased: bool


class GroupMatcher:
    """All names of all groups, compiled."""

    def __init__(self, groups: Iterable[Group]) -> None:
        """Compile the automaton; with 1,200 names this takes about a millisecond, so it is not cached on disk."""
        self.names: tuple[Name, ...] = tuple(name for group in groups for name in _names(group))
        self._automaton = AhoCorasick(
            [name.folded for name in self.names] or ["\x00"],
            matchkind=MatchKind.Standard,
            implementation=Implementation.DFA,
        )

    def find(self, text: str, folded: Folded | None = None) -> tuple[Mention, ...]:
        """The groups named in `text`, in order, none overlapping; offsets count in `text` itself."""
        folded = folded or fold(text)
        hits = [hit for hit in self._hits(folded) if self._counts(hit, text, folded)]
        hits.sort(key=lambda hit: (hit[1] - hit[2], hit[1]))
        taken: list[tuple[int, int, int]] = []
        for hit in hits:
            if all(hit[2] <= other[1] or hit[1] >= other[2] for other in taken):
                taken.append(hit)
        taken.sort(key=lambda hit: hit[1])
        return tuple(mention for hit in taken if (mention := self._mention(hit, text, folded)) is not None)

    def _hits(self, folded: Folded) -> Iterator[tuple[int, int, int]]:
        text, length = folded.text, len(folded.text)
        for index, start, end in self._automaton.find_matches_as_indexes(text, overlapping=True):
            if start and text[start - 1].isalnum() and text[start].isalnum():
                continue
            if end < length and text[end].isalnum() and text[end - 1].isalnum():
                continue
            yield index, start, end

    def _counts(self, hit: tuple[int, int, int], text: str, folded: Folded) -> bool:
        name = self.names[hit[0]]
        if name.cased:
            start, end = folded.span(hit[1], hit[2])
            if text[start:end] != name.text:
                return False
        return not name.near or any(_stands_in(word, folded.text) for word in name.near)

    def _mention(self, hit: tuple[int, int, int], text: str, folded: Folded) -> Mention | None:
        group = self.names[hit[0]].group
        if group is None:
            return None
        start, end = folded.span(hit[1], hit[2])
        return Mention(group=group, start=start, end=end, text=text[start:end])


def _names(group: Group) -> Iterator[Name]:
    yield _name(group.key, group.name, group.name_near, group.name_cased)
    for alias in group.aliases:
        yield _name(group.key, alias.text, alias.near, alias.cased)
    for text in group.never:
        yield _name(None, text, (), False)


def _name(group: GroupKey | None, text: str, near: tuple[str, ...], cased: bool) -> Name:
    return Name(group, text, fold(text).text, tuple(fold(word).text for word in near), cased)


def _stands_in(word: str, text: str) -> bool:
    """Whether `word` begins a word of `text`: `kashmir` also counts in `kashmiri`."""
    start = text.find(word)
    while start >= 0:
        if start == 0 or not text[start - 1].isalnum():
            return True
        start = text.find(word, start + 1)
    return False
