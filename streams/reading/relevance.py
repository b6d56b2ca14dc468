"""Whether a sentence can tell of a change at all, judged by its bare words: a cheap question before the dear ones."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from enum import Enum
from functools import cache
from itertools import chain
from typing import NamedTuple

from streams.reading.phrases import Needs, Spelling, spellings
from streams.reading.pointers import points_back
from streams.reading.words import plural, words
from streams.vocabulary import Change, Stage

_WORD = re.compile(r"[a-z]{2,}")
_FOREIGN = re.compile(r"[^\x00-\u024f\u2010-\u2027]")
"""Letters and marks beyond Latin script: folding may turn them into words that are not seen here."""


def may_tell(text: str, list_seen: bool, act_seen: bool) -> bool:
    """Whether a phrase of the phrasebook can hold in `text`.

    `list_seen`: some sentence before spoke of a list, so that "removed it" is enough; `act_seen`: the last one did of
    a ban or a change, so that "it was imposed in 2001" is.
    """
    found = set(_WORD.findall(text.lower()))
    if not _status_nouns().isdisjoint(found) or _FOREIGN.search(text):
        return True
    known = _by_first_word(list_seen, act_seen)
    for word in found & known.keys():
        for row in known[word]:
            if row.rest <= found and not any(map(found.isdisjoint, row.beside)):
                return True
    return points_back(text)


class _Before(Enum):
    """What the sentences before must have spoken of, so that a verb needs no more beside it."""

    NOTHING = 0
    A_LIST = 1
    AN_ACT = 2


class _Telling(NamedTuple):
    """One way in which a spelling of a phrase can hold, as bare words, behind its first."""

    rest: frozenset[str]  # all of these must be there
    beside: tuple[frozenset[str], ...]  # and one of each of these


@cache
def _by_first_word(list_seen: bool, act_seen: bool) -> dict[str, tuple[_Telling, ...]]:
    known = {_Before.NOTHING} | ({_Before.A_LIST} if list_seen else set()) | ({_Before.AN_ACT} if act_seen else set())
    index: dict[str, dict[_Telling, None]] = {}
    for spelt in chain.from_iterable(spellings().values()):
        first, *rest = _pieces(spelt.words)
        asked = tuple(filter(None, (_pieces(spelt.phrase.followed_by), _pieces([spelt.phrase.auxiliary or ""]))))
        for before, more, beside in _ways(spelt):
            if before in known:
                needed = (*map(frozenset, asked), *([frozenset(beside)] if beside else []))
                index.setdefault(first, {})[_Telling(frozenset([*rest, *more]), needed)] = None
    return {first: tuple(rows) for first, rows in index.items()}


def _pieces(texts: Iterable[str]) -> list[str]:
    """The words of the texts as `found` has them, each once."""
    return list(dict.fromkeys(piece for text in texts for piece in _WORD.findall(text)))


_Way = tuple[_Before, Iterable[str], Iterable[str]]
"""What must have been spoken of before, words that must all be there, words of which one must."""


def _ways(spelt: Spelling) -> Iterator[_Way]:
    known, phrase = words(), spelt.phrase
    needs = phrase.needs
    if needs in {Needs.NOTHING, Needs.GOVERNMENT}:
        yield _Before.NOTHING, (), ()
    elif needs is Needs.LABEL:
        yield _Before.NOTHING, (), {*known.label_marks, *_with_plurals(known.labels_alone)}
    elif needs is Needs.FURTHER_TERM:
        yield _Before.NOTHING, (), ("further", "another", "additional")
    if needs in {Needs.LIST, Needs.STATUS_OR_LIST}:
        yield _Before.NOTHING, (), _with_plurals(known.list_heads)
    if needs in {Needs.STATUS, Needs.STATUS_OR_LIST} and not phrase.followed_by:
        acts = known.rulings if phrase.change is not Change.LISTING else frozenset()
        yield _Before.AN_ACT, (), known.pronouns | acts  # the nouns themselves are asked for before all else
    if phrase.nouns and phrase.stage is Stage.PROPOSED:
        yield from ((before, ("by",), ()) for before in (_Before.A_LIST, _Before.AN_ACT))  # "denied petitions by X"
    if needs is Needs.LIST:
        yield from _of_a_list_named_before(spelt)


def _of_a_list_named_before(spelt: Spelling) -> Iterator[_Way]:
    """What `slots.takes_group` asks for."""
    phrase = spelt.phrase
    if not phrase.preps:
        return
    if spelt.words[0] in words().plain_moves:
        yield _Before.A_LIST, (), ()
    for prep in phrase.preps:
        yield _Before.A_LIST, (prep,), () if phrase.subject or prep == "off" else ("it", "its", "their")


@cache
def _status_nouns() -> frozenset[str]:
    return frozenset(_with_plurals(words().status_nouns | words().marked_status_nouns))


def _with_plurals(nouns: frozenset[str]) -> Iterator[str]:
    yield from nouns
    yield from map(plural, nouns)
