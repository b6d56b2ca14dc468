"""Bans told by the noun alone: with its year ("the ban of 2003"), or under a verb ("is weighing a ban on X")."""

from __future__ import annotations

import re
from collections.abc import Iterator

from streams.reading.operators import Effect
from streams.reading.phrases import Form, phrases
from streams.reading.tenses import Scene, is_long_ago
from streams.reading.tokens import Kind
from streams.reading.triggers import Trigger, Voice

DATED, GOVERNED = "dated-ban", "governed-ban"
"""The rows of the phrasebook that this module looks for."""

_LEADS_TO_DATE = re.compile(
    r"(?: (?:of|on|against) [^,;.]{2,50}?)?(?: as [^,;.]{2,40}?)?"
    r",? (?:in|of|on|from|since|dating from|back in)(?: early| late)? ",
    re.IGNORECASE,
)
_GOVERN = frozenset(
    {Effect.PROPOSE, Effect.DECIDE, Effect.REJECT, Effect.CALL, Effect.REQUEST, Effect.GRANT, Effect.REOPEN}
)


def bans(view: Scene, taken: set[int | None]) -> Iterator[Trigger]:
    """A trigger for each ban or designation that no verb has (`taken`), but a year or a verb above it tells of."""
    for index, unit in enumerate(view.units):
        if unit.kind is not Kind.STATUS or index in taken or _is_of_sponsor(view, index):
            continue
        known = unit.weak or unit.own or (index and view.units[index - 1].possessive)
        if known and _has_date(view, index):
            yield _trigger(view, index, DATED)
        elif _is_governed(view, index, definite=unit.weak) and (not unit.weak or _is_known_act(view, index, 14)):
            yield _trigger(view, index, GOVERNED)
        elif known and _is_known_act(view, index):
            yield _trigger(view, index, DATED)


def _is_of_sponsor(view: Scene, index: int) -> bool:
    """`the listing of X as a state sponsor of terrorism`: another list."""
    return any(unit.text in {"sponsor", "sponsors"} for unit in view.units[index + 1 : index + 12])


def _trigger(view: Scene, index: int, name: str) -> Trigger:
    row = next(row for row in phrases() if row.id == name)
    return Trigger(row, Form.NOUN, Voice.NOUN, False, index, index + 1, 0, len(view.units), (), index)


def _is_governed(view: Scene, index: int, definite: bool) -> bool:
    """Whether an operator stands right before the noun: "is considering a ban", "voted in favour of a ban".

    A review of the ban (`definite`) is the first step of its end, and another phrase's.
    """
    for hit in view.operators:
        if definite and view.units[hit.start].text.startswith(("review", "re-exam", "reassess", "reconsider")):
            continue
        between = view.units[hit.end : index]
        if hit.end <= index and hit.operator.effect in _GOVERN and all(u.text in _SMALL for u in between):
            return len(between) <= _REACH
    return False


_SMALL = frozenset({"a", "an", "for", "of", "on", "to", "the", "its", "and", "possible", "outright", "total"})
_REACH = 3


def _is_known_act(view: Scene, index: int, reach: int = 6) -> bool:
    """`comes in the week of the listing of X`: the act itself by its noun, not the ban that it made."""
    if view.units[index].text not in _ACTS or index + 1 >= len(view.units) or view.units[index + 1].text != "of":
        return False
    return any(unit.kind is Kind.GROUP for unit in view.units[index + 2 : index + reach])


_ACTS = frozenset(
    {"designation", "redesignation", "listing", "proscription", "outlawing", "blacklisting", "dissolution"}
)


def _has_date(view: Scene, index: int) -> bool:
    unit = view.units[index]
    for when in view.times:
        told = _LEADS_TO_DATE.fullmatch(view.story, unit.end, when.start) or unit.start <= when.start < unit.end
        if told and when.date is not None and (view.today is None or is_long_ago(view, when)):
            return True
    return False
