"""Changes in a sentence and who plays which part in them: the verb, the groups it happens to, the authority.

A trigger is a verb of the phrasebook (or a status noun standing for one) whose needs are met. Roles are found by
position and voice, never by meaning:
- active: the groups after the verb; the authority is the nearest actor before it;
- passive: the groups before it; the authority stands behind `by`, or in the list's name, or after `in`;
- an owner in the list's or the ban's own name ("Russia's list") outranks the subject.
What is not in the sentence is left open for `context` to fill.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple

from streams.reading.phrases import Form, Needs, Phrase, spellings
from streams.reading.tokens import Kind, Unit
from streams.reading.words import singular, words


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


_SPLIT = frozenset({";", ":", "—", "–"})
_HARD = frozenset(
    "which who whom whose because while whereas although though when where after before until unless but despite following amid since".split()
)
_ATTRIBUTE_OPENERS = frozenset({"the", "a", "an", "this", "its", "their", "of", "for", "with"})
_ADVERBS = frozenset("also now formally officially already finally again not never n't still yet just recently longer no hereby thereby jointly effectively first once previously".split())
_MODALS = frozenset("will would may might could can should must shall to 'll has have had having is are was were be been being do does did didn't doesn't don't won't hasn't haven't cannot can't wouldn't isn't aren't wasn't weren't".split())


def find_triggers(units: Sequence[Unit], list_in_sight: bool = False) -> Iterator[Trigger]:
    """The triggers of the sentence, left to right; where several rows fit one verb, the most demanding.

    `list_in_sight`: the sentence before spoke of a list, so "removed the group" needs none of its own.
    """
    index = 0
    while index < len(units):
        trigger = _at(units, index, list_in_sight)
        if trigger is not None:
            yield trigger
        index += 1


def _at(units: Sequence[Unit], index: int, list_in_sight: bool) -> Trigger | None:
    if units[index].kind is not Kind.WORD:
        return None
    met: list[Trigger] = []
    for spelling in spellings().get(units[index].text, ()):
        length = len(spelling.words)
        if any(index + k >= len(units) or units[index + k].text != spelling.words[k] for k in range(1, length)):
            continue
        if met and met[0].end - met[0].start > length:
            break
        trigger = _fitting(units, index, index + length, spelling.phrase, spelling.form, list_in_sight)
        if trigger is not None:
            met.append(trigger)
    return min(met, key=lambda t: (not t.phrase.followed_by, _DEMAND[t.phrase.needs]), default=None)


_DEMAND = {need: rank for rank, need in enumerate((Needs.FURTHER_TERM, Needs.LABEL, Needs.STATUS, Needs.LIST, Needs.STATUS_OR_LIST, Needs.GOVERNMENT, Needs.NOTHING))}


def _fitting(units: Sequence[Unit], start: int, end: int, phrase: Phrase, form: Form, list_in_sight: bool) -> Trigger | None:
    if start and units[start - 1].text in {"stay", "stays", "remain", "remains", "remained", "stayed"}:
        return None
    auxiliaries = _auxiliaries(units, start)
    voice, passive = _voice(units, start, end, form, auxiliaries)
    if phrase.subject and voice is Voice.REDUCED:
        voice, passive = Voice.ACTIVE, False
    left, right = _clause(units, start, end)
    trigger = Trigger(phrase, form, voice, passive, start, end, left, right, auxiliaries, None)
    slot = _slot(units, trigger)
    if slot is None and (list_in_sight or any(u.kind is Kind.LIST for u in units[:start])) and phrase.needs is Needs.LIST and phrase.preps and _takes_group(units, trigger):
        slot = -1
    if slot is None:
        return None
    near = units[left : min(right, end + 16)]
    window = {u.text for u in near} | {word for u in near if u.kind is Kind.LIST for word in (u.noun or "").split()}
    if window & set(phrase.without) or ({"other-label", "other-list"} & {unit.text for unit in units[end : end + 16]} and needs_plain(phrase)):
        return None
    if phrase.auxiliary is not None and phrase.auxiliary not in auxiliaries:
        return None
    if phrase.followed_by and not window & set(phrase.followed_by):
        return None
    return trigger._replace(slot=slot if slot >= 0 else None)


def needs_plain(phrase: Phrase) -> bool:
    """Whether a label or list of another kind takes the phrase's meaning away."""
    return phrase.needs in {Needs.NOTHING, Needs.LABEL, Needs.LIST}


def _auxiliaries(units: Sequence[Unit], start: int) -> tuple[str, ...]:
    """The helping words directly before a verb, adverbs and negations among them, in order."""
    found: list[str] = []
    for unit in reversed(units[max(0, start - 6) : start]):
        known = unit.text in _MODALS or unit.text in _ADVERBS or unit.text in words().be_forms
        if unit.kind is not Kind.WORD or not (known or unit.text.endswith("ly")):
            break
        found.append(unit.text)
    return tuple(found[::-1])


def _voice(units: Sequence[Unit], start: int, end: int, form: Form, auxiliaries: tuple[str, ...]) -> tuple[Voice, bool]:
    be = any(aux in words().be_forms or aux in {"isn't", "aren't", "wasn't", "weren't"} for aux in auxiliaries)
    participle = form in {Form.PARTICIPLE, Form.PAST_OR_PARTICIPLE}
    if form is Form.ING:
        return Voice.GERUND, False
    if "to" in auxiliaries and not any(a in {"is", "are", "was", "were"} for a in auxiliaries[: auxiliaries.index("to")]):
        return Voice.INFINITIVE, be and participle
    if participle and be:
        return (Voice.GERUND if auxiliaries[0] == "being" else Voice.PASSIVE), True
    if participle and not auxiliaries and _is_caused(units, start):
        return Voice.INFINITIVE, True
    if participle and not (set(auxiliaries) & words().have_forms) and _is_reduced(units, start, end):
        return Voice.REDUCED, True
    return Voice.ACTIVE, False


def _is_caused(units: Sequence[Unit], start: int) -> bool:
    """`a petition to have X declared terrorist`: have + group + participle."""
    for index in range(start - 1, max(start - 22, -1), -1):
        if units[index].text in {"have", "having", "get", "see"}:
            return any(unit.kind in {Kind.GROUP, Kind.STATUS} for unit in units[index:start])
        if units[index].text in _HARD or units[index].text in _SPLIT:
            return False
    return False


def _is_reduced(units: Sequence[Unit], start: int, end: int) -> bool:
    """`Hamas declared terrorist entity by Canada`: nothing that could be its object follows, and a group precedes."""
    following = units[end] if end < len(units) else None
    if following is not None and following.text in {"by", "as", "in", "from", "off", "under", "since"} and not _object_ahead(units, end):
        return True
    before = units[start - 1] if start else None
    if before is None:
        return following is not None and following.kind is Kind.LABEL
    if before.kind is Kind.STATUS or (following is not None and following.kind is Kind.GROUP and before.text in _ATTRIBUTE_OPENERS):
        return True
    after_group = before.kind is Kind.GROUP or before.text in {")", ","} or (before.kind is Kind.WORD and before.text in words().group_nouns)
    open_end = following is None or following.kind in {Kind.LABEL, Kind.LIST, Kind.PUNCT}
    return after_group and (open_end or following is not None and following.text in {"to", "a", "on"}) and not _object_ahead(units, end)


def _object_ahead(units: Sequence[Unit], end: int) -> bool:
    """Whether a group follows before the clause turns."""
    for unit in units[end : end + 8]:
        if unit.text in _HARD or unit.text in {"by", ",", "in"} or unit.text in _SPLIT:
            return False
        if unit.kind is Kind.GROUP:
            return True
    return False


def _clause(units: Sequence[Unit], start: int, end: int) -> tuple[int, int]:
    """The span of units in which the verb's parts are looked for."""
    left = start
    while left > 0 and units[left - 1].text not in _SPLIT:
        opener = units[left - 1]
        if opener.kind is Kind.WORD and opener.text in _HARD and not any(u.text == "," for u in units[left : start - 1]):
            break
        left -= 1
    right = end
    while right < len(units) and not _closes(units, right, end):
        right += 1
    return left, right


def _closes(units: Sequence[Unit], index: int, end: int) -> bool:
    unit = units[index]
    if unit.kind is Kind.PUNCT:
        return unit.text in {";", "—", "–"} and index > end
    return unit.kind is Kind.WORD and unit.text in _HARD


def _slot(units: Sequence[Unit], trigger: Trigger) -> int | None:
    """Where the need is met: an index, -1 if nothing is needed, None if it is not met."""
    needs = trigger.phrase.needs
    if needs is Needs.NOTHING:
        return -1
    if needs is Needs.LIST:
        return _list_slot(units, trigger)
    if needs is Needs.LABEL:
        return _label_slot(units, trigger)
    if needs is Needs.FURTHER_TERM:
        return _further_term(units, trigger)
    if needs is Needs.GOVERNMENT:
        return _government_slot(units, trigger)
    status = _status_slot(units, trigger)
    if status is None and needs is Needs.STATUS_OR_LIST:
        return _first(units, trigger.end, min(trigger.right, trigger.end + 4), Kind.LIST)
    return status


def _first(units: Sequence[Unit], start: int, stop: int, kind: Kind) -> int | None:
    return next((i for i in range(start, stop) if units[i].kind is kind), None)


def _list_slot(units: Sequence[Unit], trigger: Trigger) -> int | None:
    preps = trigger.phrase.preps
    for index in range(trigger.end, trigger.right):
        if units[index].kind is Kind.LIST and (not preps or _preposition(units, index) in preps):
            return index
        if index > trigger.end and units[index].text == "that":
            return None
    return None


_PLAIN_MOVES = frozenset("remove removed removes removing exclude excluded excluding delete deleted add adds added adding include included drops dropped".split())


def _takes_group(units: Sequence[Unit], trigger: Trigger) -> bool:
    """`removed it`, `to exclude the movement`: the object alone, where the list was named a sentence before."""
    window = [unit.text for unit in units[trigger.end : trigger.right]]
    if any(a in trigger.phrase.preps and b == "it" for a, b in zip(window, window[1:], strict=False)):
        return True
    if units[trigger.start].text not in _PLAIN_MOVES or trigger.passive:
        return False
    near = units[trigger.end : trigger.end + 3]
    return any(u.kind is Kind.GROUP or u.text in {"it", "them"} or singular(u.text) in words().group_nouns for u in near)


def _preposition(units: Sequence[Unit], index: int) -> str:
    """The word that leads to the noun phrase at `index`, its article skipped."""
    before = index - 1
    while before > 0 and (units[before].text in {"the", "a", "an"} or units[before].kind is Kind.PUNCT):
        before -= 1
    return units[before].text


def _label_slot(units: Sequence[Unit], trigger: Trigger) -> int | None:
    slot = _first(units, trigger.end, min(trigger.right, trigger.end + 30), Kind.LABEL)
    if slot is not None and any(unit.text in {"that", "other-label"} for unit in units[trigger.end : slot]):
        return None
    return slot


def _status_slot(units: Sequence[Unit], trigger: Trigger) -> int | None:
    if trigger.passive or trigger.phrase.subject:
        behind = range(trigger.start - 1, trigger.left - 1, -1)
        found = next((i for i in behind if units[i].kind is Kind.STATUS), None)
        return found if found is not None or trigger.phrase.subject else _first(units, trigger.end, min(trigger.right, trigger.end + 3), Kind.STATUS)
    if trigger.phrase.followed_by and trigger.phrase.change.value == "delisting":
        return _first(units, trigger.end, min(trigger.right, trigger.end + 8), Kind.STATUS)
    for index in range(trigger.end, min(trigger.right, trigger.end + 5)):
        if units[index].kind is Kind.STATUS:
            return index
        if units[index].text in {"to", "from", "on", "in", ",", "that", "for", "by"} or _acts(units[index]):
            return None
    return None


def _acts(unit: Unit) -> bool:
    return unit.kind is Kind.WORD and unit.text in spellings() and unit.text not in words().list_marks


def _further_term(units: Sequence[Unit], trigger: Trigger) -> int | None:
    following = [unit.text for unit in units[trigger.end : trigger.right]]
    for index, text in enumerate(following[:-1]):
        if text in {"further", "another", "additional"} and any(t.startswith(("year", "month")) for t in following[index : index + 4]):
            return -1
    return None


_GOVERNMENT = frozenset("government authorities administration regime emirate rule leadership rulers state authority".split())


def _government_slot(units: Sequence[Unit], trigger: Trigger) -> int | None:
    """Recognition needs the group as object (or passive subject) as a government, and no label."""
    window = units[trigger.end : trigger.right]
    if any(unit.kind is Kind.LABEL or unit.text == "other-label" for unit in window):
        return None
    if any(unit.kind is Kind.GROUP and unit.possessive and (i + 1 >= len(window) or window[i + 1].text not in _GOVERNMENT) for i, unit in enumerate(window)):
        return None
    if trigger.passive:
        return -1
    as_what = next((i for i, unit in enumerate(window) if unit.text == "as"), None)
    if as_what is not None and not any(_names_government(unit) for unit in window[as_what : as_what + 8]):
        return None
    near = window[:7]
    return -1 if any(unit.kind is Kind.GROUP for unit in near) or any(_names_government(u) for u in near) else None


def _names_government(unit: Unit) -> bool:
    """Also where the word is part of an actor: "the government of Afghanistan"."""
    return not _GOVERNMENT.isdisjoint(unit.text.split())
