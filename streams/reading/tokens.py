"""The smallest pieces of a sentence, and what they can become."""

from __future__ import annotations

import re
from enum import StrEnum
from functools import partial
from typing import NamedTuple

from streams.records import AuthorityKey, GroupKey
from streams.registry.entries import Act
from streams.registry.folding import fold

_TOKEN = re.compile(
    r"(?:[A-Za-z]\.){2,}|['’]s\b|\d+(?:[.,]\d+)*(?:st|nd|rd|th)?|[^\W_]+(?:(?:[-.&]|['’](?!s\b))[^\W_]+)*|[^\w\s]"
)


class Kind(StrEnum):
    """What a unit is."""

    WORD = "word"
    PUNCT = "punct"
    GROUP = "group"
    ACTOR = "actor"
    LIST = "list"
    LABEL = "label"
    STATUS = "status"


class Unit(NamedTuple):
    """One unit; `text` is lower case, offsets count in the story's text."""

    kind: Kind
    text: str
    start: int
    end: int
    group: GroupKey | None = None
    scope: GroupKey | None = None  # the wing of `group` that is named
    authority: AuthorityKey | None = None  # an actor's, or the owner of a list, label or status
    act: Act | None = None  # an organ's
    noun: str | None = None  # an organ as an alert prints it; the words inside a list's name
    demonym: bool = False
    possessive: bool = False  # followed by 's
    own: bool = False  # a list or status with "its", "the country's"
    weak: bool = False  # "the list", with nothing that says which; "the ban", one that was known before
    capital: bool = False


def tokens(text: str, start: int, end: int) -> list[Unit]:
    """The words and marks of `text[start:end]`; `'s` and a final `'` stand alone."""
    found = []
    for match in _TOKEN.finditer(text, start, end):
        raw = match[0]
        kind = _WORD if raw[0].isalnum() or len(raw) > 1 else _PUNCT
        word = raw.lower() if raw.isascii() else fold(raw).text or raw
        found.append(_unit((kind, word, *match.span(), *_NOTHING_KNOWN, raw[0].isupper())))
    return found


# The reader makes most of its objects here: a plain tuple is twice as fast as the keyword call.
_unit = partial(tuple.__new__, Unit)
_WORD, _PUNCT = Kind.WORD, Kind.PUNCT
_NOTHING_KNOWN = tuple(Unit._field_defaults.values())[:-1]
