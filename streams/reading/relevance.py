"""Whether a sentence can tell of a change at all, judged by its bare words: a cheap question before the dear ones."""

from __future__ import annotations

import re
from functools import cache

from streams.reading.ellipsis import POINTERS
from streams.reading.phrases import Needs, Phrase, spellings
from streams.reading.words import plural, words

_WORD = re.compile(r"[a-z]{2,}")
_NOUNS_CARRY = {Needs.LABEL, Needs.STATUS, Needs.STATUS_OR_LIST, Needs.LIST}


def may_tell(text: str, list_seen: bool) -> bool:
    """Whether a phrase of the phrasebook can hold in `text`; `list_seen`: the story has spoken of a list before."""
    telling = _telling_after_list() if list_seen else _telling()
    return not text.isascii() or not telling.isdisjoint(_WORD.findall(text.lower()))


@cache
def _telling() -> frozenset[str]:
    """Verbs that need no noun, the nouns and marks that the others need, and what points at an earlier change."""
    known = words()
    nouns = known.list_heads | known.status_nouns
    marks = known.list_marks | known.label_marks | known.labels_alone | {"further", "another", "additional"}
    verbs = {
        piece for first, phrase in _verbs() if phrase.needs not in _NOUNS_CARRY for piece in _told_by(first, phrase)
    }
    texts = {*nouns, *map(plural, nouns), *marks, *verbs, *POINTERS}
    return frozenset(piece for text in texts for piece in _WORD.findall(text))


@cache
def _telling_after_list() -> frozenset[str]:
    """The same with the verbs that take "it" for a list named before."""
    return _telling() | {piece for first, p in _verbs() if p.needs is Needs.LIST for piece in _WORD.findall(first)}


def _verbs() -> list[tuple[str, Phrase]]:
    return [(first, spelling.phrase) for first, found in spellings().items() for spelling in found]


def _told_by(first: str, phrase: Phrase) -> list[str]:
    """The words without which the phrase does not hold: its auxiliary if it asks for one, else its verb."""
    if phrase.needs is Needs.FURTHER_TERM:
        return []
    return _WORD.findall(phrase.auxiliary or first)
