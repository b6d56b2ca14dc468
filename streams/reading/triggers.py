"""What a trigger is: a phrase of the phrasebook met in a sentence, with its voice and the clause it rules."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from streams.reading.phrases import Form, Phrase


class Voice(StrEnum):
    """How the verb stands."""

    ACTIVE = "active"
    PASSIVE = "passive"
    REDUCED = "reduced"  # a participle without its auxiliary: headlines, and "X, banned in A"
    INFINITIVE = "infinitive"
    GERUND = "gerund"
    NOUN = "noun"


class Trigger(NamedTuple):
    """A phrase met in a sentence: units [start, end) are its verb, [left, right) the clause it rules."""

    phrase: Phrase
    form: Form
    voice: Voice
    passive: bool  # also of infinitives and gerunds: "to be removed"
    start: int
    end: int
    left: int
    right: int
    auxiliaries: tuple[str, ...]
    slot: int | None  # index of the list, label or status that met the need


SPLIT = frozenset({";", ":", "—", "–"})
