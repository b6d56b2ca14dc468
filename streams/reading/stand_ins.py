"""Words that stand for groups which context must find: "it", "the group", "both", "three armies"."""

from __future__ import annotations

from collections.abc import Sequence

from streams.reading.names import ACTIVITY, turns_away
from streams.reading.tokens import Kind, Unit
from streams.reading.triggers import Trigger
from streams.reading.words import singular, words

_DEFINITE = frozenset({"the", "these", "those", "same", "their", "his", "her", "its", "our"})


_VALUES = {word: n for n, word in enumerate("two three four five six seven eight nine ten eleven twelve".split(), 2)}
NUMBERS = frozenset(_VALUES)


REACH = {"it": 2, "one": 2, "another": 2, "many": 2, "listed": 6}
"""For how many sentences names are waited for: notices give each name of a list a line of its own."""


def counted(units: Sequence[Unit], trigger: Trigger) -> int:
    """How many groups the trigger's object is said to be: 4 for "two Egyptian and two Bahraini groups"; 0 if unsaid."""
    before = trigger.passive or trigger.phrase.subject
    span = range(trigger.left, trigger.start) if before else range(trigger.end, trigger.right)
    noun = next(
        (i for i in span if units[i].text.endswith("s") and singular(units[i].text) in words().group_nouns), None
    )
    if noun is None:
        return 0
    return sum(_VALUES.get(unit.text, 0) for unit in units[max(span.start, noun - 8) : noun])


def _ends_phrase(units: Sequence[Unit], index: int) -> bool:
    """Whether a number has no noun behind it: "the two were designated"."""
    following = units[index + 1] if index + 1 < len(units) else None
    closed = words().be_forms | words().have_forms | words().prepositions | words().helping_words
    return following is None or following.kind is Kind.PUNCT or following.text in closed


def find_stand_in(units: Sequence[Unit], indices: range) -> str | None:
    """The kind of stand-in that comes first in the span; `Patient` tells the kinds."""
    for index in indices:
        kind = _pronoun(units, index) or _noun(units, index)
        if kind is not None:
            return None if kind in {"own", "strangers"} else kind
        if _ends_search(units, index, indices):
            return None
    return None


def _pronoun(units: Sequence[Unit], index: int) -> str | None:
    """The kind of a pronoun, or of a number without a noun."""
    unit = units[index]
    if unit.text in {"following", "below", "schedule", "entries"}:
        return "listed"
    if unit.text == "all" and not _ends_phrase(units, index):
        return None  # "banned all political parties"
    if unit.text in words().stand_ins_for_many:
        return "strangers" if _means_strangers(units, index) else "many"
    if unit.text in NUMBERS and units[index - 1].text == "the" and _ends_phrase(units, index):
        return "many"
    return "it" if unit.text in words().stand_ins_for_one or _is_its_activity(units, index) else None


def _noun(units: Sequence[Unit], index: int) -> str | None:
    """The kind of a noun for a group; "own" where it is somebody's own."""
    unit = units[index]
    owner = unit.text.removesuffix("'s")
    if owner != unit.text and owner in words().group_nouns and _is_part_of_it(units[index + 1 : index + 7]):
        return "it"  # "recognised the movement's government", "designated the movement's Egyptian branch"
    if unit.kind is not Kind.WORD or singular(unit.text) not in words().group_nouns:
        return None
    if units[index - 1].text == "own":
        return "own"  # "dissolved their own factions"
    if units[index - 1].text == "that" and not unit.text.endswith("s"):
        return "last"  # "although Tajikistan outlawed that organisation": the one just named
    if unit.text.endswith("s") and any(u.text in {"among", "one"} for u in units[max(0, index - 4) : index]):
        return None  # "X was one of the groups that A listed": the subject says which
    if unit.text.endswith("s"):
        return "many" if _definite(units, index) else "listed"
    return "one" if _definite(units, index) else "another"


def _is_part_of_it(behind: Sequence[Unit]) -> bool:
    first = behind[0].text if behind else ""
    return first in words().government or any(unit.text in _CHAPTERS for unit in behind)


_CHAPTERS = frozenset({"branch", "branches", "chapter", "chapters", "wing", "wings", "arm", "arms"})


def _ends_search(units: Sequence[Unit], index: int, indices: range) -> bool:
    unit = units[index]
    acts = unit.kind is Kind.ACTOR and (unit.noun is not None or not unit.demonym) and not _is_place(units, index)
    away = indices.step > 0 and unit.text != "as" and turns_away(units, index, indices)
    return unit.text in {"by", ";"} or acts or away


def _is_place(units: Sequence[Unit], index: int) -> bool:
    """`groups tied to the war in Syria were banned`, `the military wing`: no actor, only where or of which kind."""
    if index + 1 < len(units) and singular(units[index + 1].text) in words().group_nouns:
        return True
    return index > 0 and units[index - 1].text in {"in", "of", "from", "near", "across"} and units[index].noun is None


def _means_strangers(units: Sequence[Unit], index: int) -> bool:
    """`the vessels called at the port when it listed them`: the nearest plural before the pronoun is no group."""
    for unit in reversed(units[:index]):
        if unit.kind is Kind.GROUP or (unit.text.endswith("s") and singular(unit.text) in words().group_nouns):
            return False
        if unit.text in words().strangers:
            return True
    return False


def _is_its_activity(units: Sequence[Unit], index: int) -> bool:
    """`prohibited its activities`, `recognised their emirate`: how states word what they do to a group."""
    following = units[index + 1].text if index + 1 < len(units) else ""
    return units[index].text in {"its", "their"} and (following in ACTIVITY or following in words().government)


def _definite(units: Sequence[Unit], index: int) -> bool:
    return any(unit.text in _DEFINITE for unit in units[max(0, index - 4) : index])
