"""Words that stand above a change and bend it: refusals, decisions, requests, questions. Data: operators.toml."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from functools import cache
from typing import NamedTuple

from streams.reading.phrases import verb_spellings
from streams.reading.tokens import Kind, Unit
from streams.reading.words import load_table, plural, singular, words
from streams.registry.entries import Entry


class Effect(StrEnum):
    """What an operator does to the stage of the change below it; see operators.toml."""

    AFFIRM = "affirm"
    PROPOSE = "propose"
    DECIDE = "decide"
    REJECT = "reject"
    REQUEST = "request"
    CALL = "call"
    REACT = "react"
    GRANT = "grant"
    ENACT = "enact"
    UPHOLD = "uphold"
    QUESTION = "question"
    FOLLOW = "follow"
    REOPEN = "reopen"
    UNDO = "undo"
    HALT = "halt"


class Operator(Entry, frozen=True, kw_only=True):
    """One row of operators.toml."""

    id: str
    effect: Effect
    verbs: tuple[str, ...] = ()
    nouns: tuple[str, ...] = ()
    phrases: tuple[str, ...] = ()
    words: tuple[str, ...] = ()


class Hit(NamedTuple):
    """An operator found at units [start, end)."""

    operator: Operator
    start: int
    end: int
    noun: bool


class _Rows(Entry, frozen=True, kw_only=True):
    operator: tuple[Operator, ...]


@cache
def _index() -> dict[str, tuple[tuple[tuple[str, ...], Operator, bool], ...]]:
    index: dict[str, list[tuple[tuple[str, ...], Operator, bool]]] = {}
    for row in load_table("operators.toml", _Rows).operator:
        forms = [(spelt, False) for verb in row.verbs for spelt, _ in verb_spellings(verb)]
        forms += [(tuple(text.split()), False) for text in (*row.phrases, *row.words)]
        forms += [(tuple(noun.split()), True) for noun in row.nouns]
        for spelt, noun in forms:
            index.setdefault(spelt[0], []).append((spelt, row, noun))
    return {first: tuple(sorted(found, key=lambda item: -len(item[0]))) for first, found in index.items()}


@cache
def _first_words() -> frozenset[str]:
    """Words that may begin an operator, plurals of its nouns included."""
    nouns = {first for first, found in _index().items() if any(noun for _, _, noun in found)}
    return frozenset(_index()) | frozenset(map(plural, nouns))


def find_operators(units: Sequence[Unit]) -> list[Hit]:
    """Every operator of the sentence, left to right, none overlapping."""
    hits: list[Hit] = []
    index = 0
    while index < len(units):
        hit = _at(units, index)
        if hit is None:
            index += 1
            continue
        hits.append(hit)
        index = hit.end
    return hits


def _stands_as_noun(units: Sequence[Unit], index: int) -> bool:
    """Whether a word that is verb and noun ("appeals", "request") is the noun: no subject stands before it."""
    before = units[index - 1] if index else None
    if before is None or before.kind is Kind.PUNCT:
        return True
    if before.text in _MAKES_TEXT:
        return True  # "signed orders declaring X"
    run = [unit.text for unit in units[max(0, index - 3) : index]]
    if before.kind is Kind.ACTOR and singular(units[index].text) == units[index].text and {"a", "an"} & set(run):
        return True  # "a government request": a verb would have its ending
    if before.kind is Kind.ACTOR or before.kind is Kind.GROUP:
        return before.possessive or before.demonym or "u.s" in before.text
    if not any(u.kind in {Kind.ACTOR, Kind.GROUP} or u.text in words().plain_subjects for u in units[:index]):
        return True
    run = [unit.text for unit in units[max(0, index - 3) : index]]
    return bool(set(run) & {"a", "an", "the", "its", "their", "his", "her", "this", "another"}) or before.text in {
        "first",
        "in",
        "of",
        "by",
    }


_MAKES_TEXT = frozenset({"signed", "signs", "issued", "issues", "published", "publishes", "adopted", "drafted"})


def _is_adjunct(units: Sequence[Unit], index: int) -> bool:
    """`on my proposal and in agreement with the president`: how it was done, nothing that bends it."""
    if not 0 < index < len(units) - 1:
        return False
    return units[index - 1].text in {"in", "my", "our"} and units[index + 1].text in {"and", "with", ","}


def _at(units: Sequence[Unit], index: int) -> Hit | None:
    text = units[index].text
    if text not in _first_words() or units[index].kind is not Kind.WORD:
        return None
    if text == "back" and index and units[index - 1].text in words().back_verbs:
        return None  # "brought back legislation"
    options = (
        *_index().get(text, ()),
        *(o for o in _index().get(singular(text), ()) if o[2] and singular(text) != text),
    )
    met = [
        o
        for o in options
        if all(index + k < len(units) and units[index + k].text == w for k, w in enumerate(o[0][1:], start=1))
    ]
    if not met:
        return None
    if _is_adjunct(units, index):
        return None
    nouns = [o for o in met if o[2] and _stands_as_noun(units, index)]
    spelt, operator, noun = (nouns or [o for o in met if not o[2]] or met)[0]
    return Hit(operator, index, index + len(spelt), noun)
