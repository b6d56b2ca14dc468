"""The phrasebook: which verbs change a status, with what beside them.

Every row of `phrasebook/{listing,delisting,standing}.toml` becomes a `Phrase`; its verbs are spelt out in all their
forms here, so that an analyst adds a verb and not five. A row carries sentences that it must hit and must miss.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from functools import cache
from itertools import chain
from typing import NamedTuple

from streams.errors import DataFileError
from streams.reading.words import load_table, plural, words
from streams.registry.entries import Entry
from streams.vocabulary import Change, Stage

FILES = ("listing.toml", "delisting.toml", "standing.toml")


class Needs(StrEnum):
    """What must stand in a verb's clause for the phrase to hold."""

    NOTHING = "nothing"  # a group is enough
    LIST = "list"
    LABEL = "label"
    STATUS = "status"
    STATUS_OR_LIST = "status-or-list"
    FURTHER_TERM = "further-term"  # "for a further five years"
    GOVERNMENT = "government"


class Form(StrEnum):
    """Which form of the verb stands there."""

    BASE = "base"
    PRESENT = "present"
    PAST = "past"
    PARTICIPLE = "participle"
    PAST_OR_PARTICIPLE = "past-or-participle"
    ING = "ing"
    NOUN = "noun"


class Phrase(Entry, frozen=True, kw_only=True):
    """One row of the phrasebook."""

    id: str
    verbs: tuple[str, ...]
    change: Change
    needs: Needs
    why: str
    hits: tuple[str, ...]
    misses: tuple[str, ...]
    texts: tuple[str, ...] = ()  # taken as they stand, not inflected: "is no longer"
    nouns: tuple[str, ...] = ()  # the act as a noun: "the removal of X from the list"
    preps: tuple[str, ...] = ()  # between verb and list
    followed_by: tuple[str, ...] = ()  # one of these words must follow
    auxiliary: str | None = None  # must stand among the verb's helping words
    names_later: bool = False  # the groups stand in what follows: "issued its first list"
    needs_actor: bool = False  # only with an authority named as the one who does it
    without: tuple[str, ...] = ()  # none of these words may stand in the clause
    again: bool = False  # of a group that stands on the list it is a renewal
    bare: bool = False  # only of groups named as its object: no stand-in, no "Hamas network"
    standing: bool = False  # its present tense describes how things stand: "the EU lists X"
    subject: bool = False  # what changes is the subject of an active verb
    stage: Stage = Stage.EFFECTIVE
    body_stage: Stage | None = None  # of a body of states, whose list others keep


class Spelling(NamedTuple):
    """One form of one verb of a phrase, as words."""

    words: tuple[str, ...]
    form: Form
    phrase: Phrase


class _Rows(Entry, frozen=True, kw_only=True):
    phrase: tuple[Phrase, ...]


@cache
def phrases() -> tuple[Phrase, ...]:
    """All rows, in file order: earlier rows win where two fit. Raises DataFileError on a doubled id."""
    rows = tuple(row for name in FILES for row in load_table(name, _Rows).phrase)
    seen: set[str] = set()
    for row in rows:
        if row.id in seen:
            raise DataFileError("phrasebook", "this id stands twice", row.id)
        seen.add(row.id)
    return rows


@cache
def spellings() -> dict[str, tuple[Spelling, ...]]:
    """Every form of every verb, by its first word; longer ones first."""
    index: dict[str, list[Spelling]] = {}
    for row in phrases():
        for verb in row.verbs:
            # `put` is base, past and participle: the last form given stands, and the helping words tell them apart.
            for spelt, form in dict(verb_spellings(verb)).items():
                index.setdefault(spelt[0], []).append(Spelling(spelt, form, row))
        for first, *rest in (text.split() for text in row.texts):
            index.setdefault(first, []).append(Spelling((first, *rest), Form.PAST, row))
        for noun in chain.from_iterable((noun, plural(noun)) for noun in row.nouns):
            index.setdefault(noun, []).append(Spelling((noun,), Form.NOUN, row))
    return {first: tuple(sorted(found, key=lambda s: -len(s.words))) for first, found in index.items()}


@cache
def verb_forms() -> frozenset[str]:
    """First words of all spellings: what can not be a modifier of a noun."""
    return frozenset(first for first, found in spellings().items() if any(s.form is not Form.NOUN for s in found))


@cache
def act_nouns() -> frozenset[str]:
    """The nouns for a change itself."""
    return frozenset(noun for row in phrases() for noun in row.nouns)


def verb_spellings(verb: str) -> Iterator[tuple[tuple[str, ...], Form]]:
    """All forms of a verb; of a phrasal one ("strike down") the first word is inflected."""
    head, *rest = verb.split()
    third, past, participle, ing = _inflect(head)
    yield (head, *rest), Form.BASE
    yield (third, *rest), Form.PRESENT
    yield (ing, *rest), Form.ING
    if past == participle:
        yield (past, *rest), Form.PAST_OR_PARTICIPLE
        return
    yield (past, *rest), Form.PAST if _is_irregular_past(past, participle) else Form.PAST_OR_PARTICIPLE
    yield (
        (participle, *rest),
        Form.PARTICIPLE if _is_irregular_past(past, participle) else Form.PAST_OR_PARTICIPLE,
    )


def _is_irregular_past(past: str, participle: str) -> bool:
    """Whether the two differ as forms, not as British and American spelling (`labelled`, `labeled`)."""
    return not (past.endswith("ed") and participle.endswith("ed"))


def _inflect(verb: str) -> tuple[str, str, str, str]:
    known = words().irregular.get(verb)
    if known is not None:
        return known
    if verb.endswith("y") and verb[-2] not in "aeiou":
        return verb[:-1] + "ies", verb[:-1] + "ied", verb[:-1] + "ied", verb + "ing"
    third = verb + ("es" if verb.endswith(("s", "sh", "ch", "x", "z")) else "s")
    if verb.endswith("e"):
        return third, verb + "d", verb + "d", (verb[:-1] if not verb.endswith("ee") else verb) + "ing"
    return third, verb + "ed", verb + "ed", verb + "ing"
