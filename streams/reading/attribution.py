"""Who says so, and through which medium."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from streams.reading.phrases import verb_spellings
from streams.reading.tokens import Kind, Unit
from streams.reading.words import load_table
from streams.records import AuthorityKey, GroupKey
from streams.registry import Registry
from streams.registry.entries import AuthorityKind, Entry


class Media(Entry, frozen=True, kw_only=True):
    """Words of attribution; see media.toml."""

    agencies: tuple[str, ...]
    generic: tuple[str, ...]
    speech: tuple[str, ...]
    distancing: tuple[str, ...]
    unnamed: tuple[str, ...]
    opinion: tuple[str, ...]


class Attribution(NamedTuple):
    """The voice behind a sentence; `authority` or `group` is whose voice it is."""

    speaker: str | None
    authority: AuthorityKey | None
    group: GroupKey | None
    medium: str | None
    distanced: bool  # "claimed", "asserted"
    unnamed: bool  # a source, media reports


@cache
def media() -> Media:
    """The table of media.toml."""
    return load_table("media.toml", Media)


@cache
def _speech_forms() -> frozenset[str]:
    return frozenset(spelt[0] for verb in media().speech for spelt, _ in verb_spellings(verb))


@cache
def _distancing_forms() -> frozenset[str]:
    return frozenset(spelt[0] for verb in media().distancing for spelt, _ in verb_spellings(verb))


def attribute(units: Sequence[Unit], text: str, registry: Registry, home: AuthorityKey | None) -> Attribution:
    """The voice behind the sentence `text` (its units given); `home` is the story's authority, for "the ministry"."""
    lower = text.lower()
    voice = _voice(units)
    unnamed = any(word in lower for word in media().unnamed)
    medium = find_medium(text)
    if voice is None:
        return Attribution(None, None, None, medium, False, unnamed)
    unit, verb = voice
    distanced = verb in _distancing_forms()
    if unit.kind is Kind.GROUP and unit.group is not None:
        return Attribution(registry.groups[unit.group].name, None, unit.group, medium, distanced, unnamed)
    authority = unit.authority or home
    return Attribution(_name(unit, authority, registry), authority, None, medium, distanced, unnamed)


def _voice(units: Sequence[Unit]) -> tuple[Unit, str] | None:
    """The actor or group beside a verb of speech, and that verb."""
    for index, unit in enumerate(units):
        if unit.kind is not Kind.WORD:
            continue
        if unit.text == "according" and index + 1 < len(units) and units[index + 1].text == "to":
            found = _first_voice(units[index + 2 : index + 8])
        elif unit.text in _speech_forms():
            found = _nearest_before(units, index) or _first_voice(units[index + 1 : index + 4])
        else:
            continue
        if found is not None:
            return found, unit.text
    return None


def _nearest_before(units: Sequence[Unit], index: int) -> Unit | None:
    for position in range(index - 1, max(-1, index - 15), -1):
        unit = units[position]
        if _can_speak(unit):
            owner = units[position - 1] if position else None
            return owner if owner is not None and owner.kind is Kind.GROUP and unit.authority is None else unit
        if unit.text in {";", "which", "that"} or unit.kind is Kind.LIST:
            return None
    return None


def _first_voice(units: Sequence[Unit]) -> Unit | None:
    return next((unit for unit in units if _can_speak(unit)), None)


def _can_speak(unit: Unit) -> bool:
    if unit.kind is Kind.GROUP:
        return True
    return unit.kind is Kind.ACTOR and (unit.noun is not None or not unit.demonym)


def find_medium(text: str) -> str | None:
    """The agency or kind of medium the text cites, or None."""
    for name in media().agencies:
        start = text.find(name)
        if start >= 0 and not _inside_word(text, start, start + len(name)):
            return name
    lower = text.lower()
    return next((name for name in media().generic if name in lower), None)


def _inside_word(text: str, start: int, end: int) -> bool:
    return (start > 0 and text[start - 1].isalnum()) or (end < len(text) and text[end].isalnum())


def _name(unit: Unit, authority: AuthorityKey | None, registry: Registry) -> str | None:
    if authority is None or authority not in registry.authorities:
        return unit.noun
    name = registry.authorities[authority].name
    if unit.noun is None:
        return name
    if any(unit.noun in organ.names for organ in registry.authorities[authority].organs):
        return unit.noun
    if registry.authorities[authority].kind is AuthorityKind.BODY:
        return name  # "the committee" of the UN speaks for it; a body has no government
    return f"{name}' {unit.noun}" if name.endswith("s") else f"{name}'s {unit.noun}"
