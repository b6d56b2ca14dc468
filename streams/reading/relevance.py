"""Whether a sentence can tell of a change at all, judged by its bare words: a cheap question before the dear ones."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from itertools import chain

from streams.reading.ellipsis import points_back
from streams.reading.phrases import Needs, Spelling, spellings
from streams.reading.words import plural, words

_WORD = re.compile(r"[a-z]{2,}")
_NOUNS_CARRY = {Needs.LABEL, Needs.STATUS, Needs.STATUS_OR_LIST, Needs.LIST}


def may_tell(text: str, list_seen: bool) -> bool:
    """Whether a phrase of the phrasebook can hold in `text`; `list_seen`: the story has spoken of a list before."""
    found = set(_WORD.findall(text.lower()))
    if not text.isascii() or not _telling().isdisjoint(found):
        return True
    if list_seen and not _moves().isdisjoint(found) and not (words().plain_moves | _OBJECTS).isdisjoint(found):
        return True
    return points_back(text)


_OBJECTS = frozenset({"it", "they", "them", "that", "this", "off"})
"""What stands beside a verb whose list or ban was named before: "took them off", "it was imposed in 2001"."""


@cache
def _telling() -> frozenset[str]:
    """Verbs that need no noun, the nouns and marks that the others need."""
    known = words()
    nouns = known.list_heads | known.status_nouns
    marks = known.list_marks | known.label_marks | known.labels_alone | {"further", "another", "additional"}
    verbs = {piece for s in _spelt() if s.phrase.needs not in _NOUNS_CARRY for piece in _told_by(s)}
    texts = {*nouns, *map(plural, nouns), *marks, *verbs}
    return frozenset(piece for text in texts for piece in _WORD.findall(text))


@cache
def _moves() -> frozenset[str]:
    """First words of the verbs that take a list or a ban."""
    takers = {Needs.LIST, Needs.STATUS, Needs.STATUS_OR_LIST}
    return frozenset(piece for s in _spelt() if s.phrase.needs in takers for piece in _WORD.findall(s.words[0]))


def _spelt() -> Iterator[Spelling]:
    return chain.from_iterable(spellings().values())


def _told_by(spelling: Spelling) -> list[str]:
    """The words without which the phrase does not hold: the auxiliary it asks for, the last word of a phrasal verb."""
    if spelling.phrase.needs is Needs.FURTHER_TERM:
        return []
    return _WORD.findall(spelling.phrase.auxiliary or spelling.words[-1])
