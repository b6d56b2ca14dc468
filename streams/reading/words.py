"""The closed word classes of `phrasebook/words.toml` and `organs.toml`, loaded once."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import TypeVar

import msgspec

from streams.errors import DataFileError
from streams.records import AuthorityKey
from streams.registry.entries import Act, Entry

T = TypeVar("T")


class Words(Entry, frozen=True, kw_only=True):
    """Word classes; see the comments of words.toml."""

    list_heads: frozenset[str]
    list_marks: frozenset[str]
    list_never: frozenset[str]
    label_heads: frozenset[str]
    label_marks: frozenset[str]
    label_never: frozenset[str]
    labels_alone: frozenset[str]
    status_nouns: frozenset[str]
    marked_status_nouns: frozenset[str]
    group_nouns: frozenset[str]
    clause_openers: frozenset[str]
    be_forms: frozenset[str]
    have_forms: frozenset[str]
    platforms: frozenset[str]
    parliaments: frozenset[str]
    prepositions: frozenset[str]
    requests: frozenset[str]
    past_cues: frozenset[str]
    close_past_cues: frozenset[str]
    rulings: frozenset[str]
    legal_texts: frozenset[str]
    acts: frozenset[str]
    own: frozenset[str]
    determiners: frozenset[str]
    articles: frozenset[str]
    phrase_stops: frozenset[str]
    verb_markers: frozenset[str]
    plain_subjects: frozenset[str]
    joints: frozenset[str]
    list_breaks: frozenset[str]
    stand_ins_for_one: frozenset[str]
    stand_ins_for_many: frozenset[str]
    speech: frozenset[str]
    away: frozenset[str]
    members: frozenset[str]
    abbreviations: frozenset[str]
    sentence_openers: frozenset[str]
    plain_moves: frozenset[str]
    government: frozenset[str]
    future: frozenset[str]
    maybe: frozenset[str]
    wish: frozenset[str]
    negations: frozenset[str]
    drafts: frozenset[str]
    month_leads: frozenset[str]
    clause_walls: frozenset[str]
    organ_breaks: frozenset[str]
    attribute_openers: frozenset[str]
    adverbs: frozenset[str]
    helping_words: frozenset[str]
    stays: frozenset[str]
    quarters: frozenset[str]
    ranks: frozenset[str]
    ties: frozenset[str]
    serving: frozenset[str]
    trades: frozenset[str]
    companies: frozenset[str]
    strangers: frozenset[str]
    back_verbs: frozenset[str]
    pronouns: frozenset[str]
    irregular: dict[str, tuple[str, str, str, str]]


class _Places(Entry, frozen=True, kw_only=True):
    places: dict[AuthorityKey, tuple[str, ...]]


class OrganRow(Entry, frozen=True, kw_only=True):
    """An organ that every state has."""

    noun: str
    act: Act
    words: tuple[str, ...]


class _Organs(Entry, frozen=True, kw_only=True):
    organ: tuple[OrganRow, ...]


@cache
def words() -> Words:
    """The word classes. Raises DataFileError if the file breaks its rules."""
    return load_table("words.toml", Words)


@cache
def cities() -> dict[str, AuthorityKey]:
    """The state of each city that opens datelines and is no capital, by the city in lower case."""
    table = load_table("places.toml", _Places).places
    return {city: state for state, names in table.items() for city in names}


@cache
def organs() -> tuple[OrganRow, ...]:
    """The organs that every state has."""
    return load_table("organs.toml", _Organs).organ


def load_table(name: str, kind: type[T]) -> T:
    """One file of the phrasebook folder, strictly. Raises DataFileError that names it."""
    raw = resources.files("streams.reading").joinpath("phrasebook", name).read_text(encoding="utf-8")
    try:
        return msgspec.convert(tomllib.loads(raw), kind)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise DataFileError(name, str(error)) from None


def singular(word: str) -> str:
    """The word without a plural ending, as far as the word classes need it."""
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


def plural(word: str) -> str:
    """The regular plural, such that `singular` leads back."""
    return word[:-1] + "ies" if word.endswith("y") and word[-2] not in "aeiou" else word + "s"
