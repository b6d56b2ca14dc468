"""Group records out of entries: names as a wire would print them, and which of them an author has to see first."""

from __future__ import annotations

import re
from collections.abc import Iterable, Set
from itertools import count

from streams.records import GroupKey
from streams.registry.entries import Alias, AliasKind, Authority, AuthorityKind, Baseline, Group
from streams.registry.folding import fold_key
from streams.registry.importing.listed import ListedEntity, ListedName
from streams.registry.importing.texts import script_of

MAX_KEY = 48
LEAST_WORDS = 3
"""A name of fewer words, small ones aside, can be an everyday phrase: `Islamic Army`, `The Base`."""

_SMALL = frozenset(
    "a al an and as da das de del der des di du e el et for in la las le les los of on the to und y".split()
)
_WORD = re.compile(r"[^\W_]+(?:['’ʼ`][^\W_]+)*")
_VOWEL = re.compile(r"[aeiouy]")
_SEVERAL = re.compile(r"[(),:;/…]")


def wire_case(text: str) -> str:
    """A Latin text in capitals, as lists print it, in ordinary case; any other as it is.

    Words without a vowel are taken for acronyms. It is a guess for an author to look at: matching ignores case.
    """
    if not text.isupper() or script_of(text) != "Latn" or (" " not in text and len(text) < 5):
        return text

    def recase(found: re.Match[str]) -> str:
        word = found[0]
        if found.start() and word.lower() in _SMALL and text[found.start() - 1] == " ":
            return word.lower()
        return word.capitalize() if _pronounced(word) else word

    return _WORD.sub(recase, text)


def _pronounced(word: str) -> bool:
    return (len(word) > 2 and _VOWEL.search(fold_key(word)) is not None) or word.lower() in _SMALL


def alias_of(name: ListedName) -> Alias:
    """The alias as it would stand in a group file; an acronym counts only in its own case."""
    text = name.text if name.kind is AliasKind.ACRONYM else wire_case(name.text)
    return Alias(text=text, kind=name.kind, script=script_of(text), cased=name.kind is AliasKind.ACRONYM)


def is_single(text: str) -> bool:
    """Whether a text is one name, and not two with brackets or strokes between them."""
    return not _SEVERAL.search(text)


def is_plain(name: ListedName) -> bool:
    """Whether a name can stand without a word of its author: long enough to mean nothing else."""
    words = [word for word in _WORD.findall(fold_key(name.text)) if len(word) > 2 and word not in _SMALL]
    return not name.weak and name.kind is not AliasKind.ACRONYM and is_single(name.text) and len(words) >= LEAST_WORDS


def key_for(entity: ListedEntity, taken: Set[str]) -> GroupKey:
    """A free key: the name in lower case with hyphens, else with the reference behind it."""
    name = _slug(entity.name)
    while len(name) > MAX_KEY and "-" in name:
        name = name.rpartition("-")[0]
    reference = _slug(entity.reference) or "entry"
    for key in (name, f"{name}-{reference}".strip("-"), reference):
        if key and key not in taken:
            return GroupKey(key)
    return GroupKey(next(key for nth in count(len(taken)) if (key := f"{reference}-{nth}") not in taken))


def _slug(text: str) -> str:
    return "-".join(re.findall(r"[a-z0-9]+", fold_key(text).replace("'", "")))


def country_codes(authorities: Iterable[Authority]) -> dict[str, str]:
    """Folded names of states, and their codes themselves, to the codes."""
    codes: dict[str, str] = {}
    for authority in authorities:
        if authority.kind is AuthorityKind.STATE:
            for name in (authority.key, authority.name, *authority.names):
                codes[fold_key(name)] = authority.key
    return codes


def draft_of(
    entity: ListedEntity,
    key: GroupKey,
    aliases: tuple[Alias, ...],
    rows: tuple[Baseline, ...],
    countries: tuple[str, ...],
) -> Group:
    """The record of a group that is known from this entry alone."""
    name = wire_case(entity.name)
    return Group(
        key=key,
        name=name,
        name_cased=name.isupper() and name.isascii(),
        countries=countries,
        sources=(entity.page,),
        aliases=aliases,
        ids=entity.ids,
        baseline=rows,
        note=f"draft from entry {entity.reference}: name, countries and aliases are as the list has them",
    )
