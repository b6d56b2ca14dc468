"""Who acts, told by a phrase of its own: "by Canada", "in Australia", "under U.S. law", "on the list of Russia"."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile
from typing import NamedTuple

from streams.reading.tokens import Kind, Unit
from streams.reading.triggers import Trigger
from streams.reading.words import words
from streams.records import AuthorityKey


class Agent(NamedTuple):
    """Who acts: the unit of the actor if one stands there, and its authority if that is known."""

    authorities: tuple[AuthorityKey, ...]
    unit: int | None
    platform: bool = False
    group_acts: bool = False


def owners_behind(units: Sequence[Unit], slot: int | None) -> tuple[AuthorityKey, ...]:
    """`on the terrorism lists of the United States and the United Nations`: whose the list is."""
    if (
        slot is None
        or units[slot].kind is not Kind.LIST
        or units[slot + 1 : slot + 2] == []
        or (units[slot + 1].text != "of")
    ):
        return ()
    run = takewhile(lambda u: u.kind is Kind.ACTOR or u.text in {",", "and", "the", "both"}, units[slot + 2 :])
    return tuple(dict.fromkeys(unit.authority for unit in run if unit.authority is not None))


def by_phrase(units: Sequence[Unit], trigger: Trigger) -> Agent | None:
    """`was designated by Canada and the United States`, `banned by Facebook`."""
    for index in range(trigger.end, trigger.right):
        if units[index].text == "by":
            actors: list[AuthorityKey] = []
            first = None
            for reach in range(index + 1, min(index + 12, trigger.right)):
                unit = units[reach]
                if unit.kind is Kind.ACTOR and unit.authority:
                    first = reach if first is None else first
                    actors.append(unit.authority)
                elif actors and unit.text not in {",", "and", "the"}:
                    break
            if actors:
                return Agent(tuple(dict.fromkeys(actors)), first)
            if any(unit.text in words().platforms for unit in units[index : index + 3]):
                return Agent((), None, True)
    return None


def in_place(units: Sequence[Unit], trigger: Trigger, lead: str = "in") -> Agent | None:
    """`banned in Australia`, `listed as a terrorist organisation in Australia`; `In Australia the group was banned`."""
    behind = range(trigger.end, min(trigger.right, trigger.end + 6) - 1)
    fronted = range(trigger.left, min(trigger.left + 1, trigger.start - 2))
    for index in (*behind, *fronted):
        of_group = (
            lead == "in" and not trigger.passive and units[index - 1].kind is Kind.GROUP
        )  # "the Centre in London"
        if units[index].text == lead and not of_group:
            behind_in = (u for u in units[index + 1 : index + 4] if u.text != "the" and u.text not in words().quarters)
            there = next(behind_in, units[index])
            if there.kind is Kind.ACTOR and there.authority and not there.demonym:
                return Agent((there.authority,), None)
    return None


def under_law(
    units: Sequence[Unit], trigger: Trigger, leads: frozenset[str] = frozenset({"under", "for", "as"})
) -> Agent | None:
    """`became a terrorist organisation under Australian law`, `... as far as the United States is concerned`."""
    for index in range(trigger.end - 1, trigger.right - 1):
        if units[index].text in leads or (index < trigger.end and units[index].text == "to"):
            near = units[index + 1 : index + 5]
            owner = next((unit.authority for unit in near if unit.kind is Kind.ACTOR and unit.authority), None)
            if owner is not None:
                return Agent((owner,), None)
    return None


def where(units: Sequence[Unit], trigger: Trigger) -> Agent | None:
    """`Britain, where it has been banned since 2001`."""
    if trigger.left < 2 or units[trigger.left - 1].text != "where":
        return None
    there = units[trigger.left - 2] if units[trigger.left - 2].text != "," else units[trigger.left - 3]
    return Agent((there.authority,), None) if there.kind is Kind.ACTOR and there.authority else None


def heading(units: Sequence[Unit]) -> Agent | None:
    """`UNITED STATES - Hezbollah has been ...`: an entry of a list of states."""
    first = units[0]
    if first.kind is not Kind.ACTOR or first.authority is None or len(units) < 2 or units[1].text not in {"-", ":"}:
        return None
    return Agent((first.authority,), 0)
