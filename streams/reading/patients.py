"""What a change happens to: the groups around its verb, or the stand-in ("they", "the two groups") for them.

Active verbs have them behind, passive ones before; with a ban or a list in between, next to that. Several groups count
together where only commas, conjunctions and attributes stand between them.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from streams.reading.phrases import Needs, act_nouns, verb_forms
from streams.reading.times import is_month
from streams.reading.tokens import Kind, Unit
from streams.reading.triggers import Trigger, Voice
from streams.reading.words import singular, words


_ACTIVITY = frozenset({"activities", "activity", "operations"})
"""What some states forbid a foreign group, and mean the group."""


_LEAD_ON = frozenset(
    {("attached", "to"), ("applied", "to"), ("given", "to"), ("recognition", "to"), ("known", "as"), ("relations", "with"), ("ties", "with")}
)
"""Pairs behind which the object still comes: "the label attached to X", "the movement known as X"."""

_RELATIVES = frozenset({"which", "whom", "that", "whose"})


class Patient(NamedTuple):
    """What the change happens to: groups by unit index; or a stand-in whose groups context must find."""

    units: tuple[int, ...]
    # "it". "one": the group. "another": an armed group. "many": they, both. "listed": three armies, named later.
    # "status": the ban, whose group is the story's.
    stand_in: str | None = None
    at: int | None = None  # the unit of a pronoun


def patient(units: Sequence[Unit], trigger: Trigger) -> Patient:
    """The groups that the change happens to."""
    spans = _patient_spans(units, trigger)
    for indices in (*spans, *_examples(units, trigger)):
        found = _run_of_groups(units, indices)
        if found:
            return Patient(found)
    if trigger.voice is Voice.ACTIVE and _object_is_another(units, spans[0]):
        return Patient(())
    for indices in spans:
        stand_in = _stand_in(units, indices)
        if stand_in is not None:
            return Patient((), stand_in, next((i for i in indices if units[i].text == "it"), None))
    if trigger.phrase.names_later:
        return Patient((), "listed")
    return Patient((), "status" if trigger.slot is not None and units[trigger.slot].kind is Kind.STATUS else None)


def _patient_spans(units: Sequence[Unit], trigger: Trigger) -> list[range]:
    """Where to look for groups, best place first, each in reading order away from the verb."""
    aside = trigger.right < len(units) and units[trigger.right].text in {"which", "who", "whose"}
    ahead = range(trigger.end, len(units) if aside else trigger.right)
    behind = range(trigger.start - 1, trigger.left - 1, -1)
    if trigger.voice is Voice.NOUN:
        return [ahead, range(trigger.start - 1, max(trigger.start - 3, trigger.left - 1), -1)]
    if trigger.phrase.needs in {Needs.STATUS, Needs.STATUS_OR_LIST} and trigger.slot is not None:
        slot = trigger.slot
        if slot >= trigger.end:
            return [range(slot + 1, trigger.right), range(trigger.end, slot), behind]
        return [range(slot + 1, trigger.start), range(slot, trigger.left - 1, -1), ahead]
    antecedent = _antecedent(units, trigger)
    if trigger.passive and antecedent is not None:
        return [antecedent, ahead]
    if trigger.passive and trigger.start - trigger.left <= 1:
        return [_behind_comma(units, trigger)]
    if (trigger.passive or trigger.phrase.subject) and not _lists_ahead(units, trigger):
        return [*_before_aside(units, trigger), behind, ahead]
    if trigger.passive or trigger.phrase.subject:
        colon = next(i for i in range(trigger.end, trigger.right) if units[i].text == ":")
        return [range(colon + 1, trigger.right), behind]
    return [ahead] if antecedent is None else [ahead, antecedent]


def _examples(units: Sequence[Unit], trigger: Trigger) -> list[range]:
    """`listed 25 groups whose terms had run out, among them X and Y`: names given behind a clause of their own."""
    for index in range(trigger.right, len(units) - 1):
        if units[index].text in {";", ":"}:
            return []
        if units[index].text == "including" or (units[index].text, units[index + 1].text) == ("among", "them"):
            return [range(index + 1, len(units))]
    return []


def _antecedent(units: Sequence[Unit], trigger: Trigger) -> range | None:
    """`the MEK, which Canada listed in 2005`, `the bodies that Colombo outlawed`: what stands before the relative."""
    low = max(trigger.left - 1, 0)
    opener = next((i for i in range(trigger.start - 1, low - 1, -1) if units[i].text in _RELATIVES), None)
    if opener is None or opener == 0:
        return None
    if units[opener].text == "whose" and units[opener + 1].text not in _ACTIVITY:
        return None
    if trigger.passive and any(unit.text == "," for unit in units[opener : trigger.start]):
        return None
    before = units[opener - 1]
    names = before.kind is Kind.GROUP or singular(before.text) in words().group_nouns
    if not names and (units[opener].text == "that" or before.text != ","):
        return None
    return range(opener - 1, max(opener - 14, -1), -1)


def _behind_comma(units: Sequence[Unit], trigger: Trigger) -> range:
    """`First outlawed in 2001, the group ...`: the subject that an opening participle belongs to."""
    comma = next((i for i in range(trigger.end, trigger.right) if units[i].text == ","), trigger.end - 1)
    return range(comma + 1, trigger.right)


def _before_aside(units: Sequence[Unit], trigger: Trigger) -> list[range]:
    """`The party, which had promised to obey, was banned`: what stands before the aside that ends at the verb."""
    close = trigger.start - len(trigger.auxiliaries) - 1
    if close < 2 or units[close].text != ",":
        return []
    for opening in range(close - 1, 0, -1):
        if units[opening].text == "," and units[opening + 1].text in {"which", "who", "whose"}:
            return [range(opening - 1, trigger.left - 1, -1)]
    return []


def _lists_ahead(units: Sequence[Unit], trigger: Trigger) -> bool:
    """`three groups have been listed: X, Y and Z`: the names follow the passive."""
    return any(units[i].text == ":" for i in range(trigger.end, trigger.right))


def _run_of_groups(units: Sequence[Unit], indices: range) -> tuple[int, ...]:
    """The first group of the span and all that are joined to it."""
    found: list[int] = []
    for index in indices:
        unit = units[index]
        if unit.kind is Kind.GROUP and not is_owner(units, index):
            if not found or _joined(units, found[-1], index):
                found.append(index)
                continue
            break
        if not found and _turns(units, index, indices):
            break
    return tuple(found)


def _turns(units: Sequence[Unit], index: int, indices: range) -> bool:
    """Whether the search for the first group must give up at this unit."""
    unit = units[index]
    if indices.step < 0:
        if unit.text == "by" and index and _is_participle(units[index - 1].text):
            return False  # "the fund set up by the late X is ..."
        return unit.text in {"by", ";"} or (
            unit.text in words().speech and index + 1 < len(units) and units[index + 1].text != ","
        )
    if unit.kind is not Kind.WORD:
        return False
    if (
        unit.text in verb_forms()
        and units[index - 1].text in {",", "and", "but"}
        and unit.text not in words().label_marks
        and not unit.text.endswith("ing")
    ):
        return True
    if (units[index - 1].text, unit.text) in _LEAD_ON:
        return False
    if unit.text in {"to", "for"} and units[index - 1].kind in {Kind.LABEL, Kind.STATUS}:
        return False  # "attached the label of terrorist organisation to X", "adopted the label for X"
    if units[index - 1].text in {"entry", "entries", "name", "names"}:
        return False
    if unit.text == "that" and index + 1 < len(units) and singular(units[index + 1].text) in words().group_nouns:
        return False  # "removed that group"
    leads_on = index + 1 < len(units) and any(
        u.kind in {Kind.LIST, Kind.LABEL, Kind.STATUS} for u in units[index + 1 : index + 3]
    )
    return unit.text in words().away and not leads_on


def _object_is_another(units: Sequence[Unit], indices: range) -> bool:
    """`outlawed the flags of Hamas, making it a crime to ...`: the object is what belongs to a group."""
    for index in indices[:6]:
        if units[index].kind is Kind.GROUP:
            return is_owner(units, index)
        if units[index].text in {",", "as"}:
            return False
    return False


def _is_participle(word: str) -> bool:
    return word.endswith(("ed", "wn")) or word in {"led", "run", "up", "built", "held", "made", "begun"}


def is_owner(units: Sequence[Unit], index: int) -> bool:
    """Whether the group only says whose somebody or something is: "Hamas leader", "members of Hamas", "tied to Hamas"."""
    following = units[index + 1] if index + 1 < len(units) else None
    if following is not None and following.text in words().members:
        return True
    if units[index].possessive and following is not None and (following.text in _ACTIVITY or following.text in act_nouns()):
        return False
    if units[index].possessive and following is not None and following.kind is Kind.WORD:
        return not any(u.kind in {Kind.STATUS, Kind.LABEL, Kind.LIST, Kind.GROUP} for u in units[index + 1 : index + 4])
    if index > 1 and units[index - 1].text in {"and", "or", "the"}:
        joint = index - 1 if units[index - 1].text != "the" else index - 2
        if joint > 0 and units[joint].text in {"and", "or"} and units[joint - 1].kind is Kind.GROUP:
            return is_owner(units, joint - 1)  # "members of X and the Y"
    before = [unit.text for unit in units[max(0, index - 4) : index]]
    if any(a in words().ties and b in {"to", "with"} for a, b in pairwise(before)):
        return True
    return "of" in before and any(text in words().members for text in before[: before.index("of")])


def _joined(units: Sequence[Unit], first: int, second: int) -> bool:
    """Whether two groups stand in one list: commas, conjunctions, attributes between, no preposition or verb."""
    low, high = sorted((first, second))
    between = _bare_list(units[low + 1 : high])
    if between and between[0].kind is Kind.LABEL and [u.text for u in between[1:3]] in (["along", "with"], ["together", "with"]):
        between = between[1:]  # "designated X a terrorist group along with Y"
    if any(unit.text in words().list_breaks or unit.kind in {Kind.LIST, Kind.LABEL, Kind.STATUS} for unit in between):
        return False
    if any(unit.text in words().clause_openers - {"as"} for unit in between):
        return False
    return any(unit.text in words().joints for unit in between) or not between


def _bare_list(between: Sequence[Unit]) -> list[Unit]:
    """`banned X in May 2003 and Y in June`, `of X, which is armed, and of Y`: what is no break in the list."""
    kept: list[Unit] = []
    aside = False
    for index, unit in enumerate(between):
        if unit.text == ",":
            aside = False
        elif kept and kept[-1].text == "," and unit.text in {"which", "who", "whose"}:
            aside = True
        if (aside and any(u.text == "," for u in between[index + 1 :])) or (unit.text == "of" and kept and kept[-1].text in {"and", ","}):
            continue
        if unit.text[:1].isdigit() or is_month(unit.text):
            if kept and kept[-1].text in {"in", "on"}:
                kept.pop()
            continue
        kept.append(unit)
    return kept


def _stand_in(units: Sequence[Unit], indices: range) -> str | None:
    for index in indices:
        unit = units[index]
        if unit.text in {"following", "below", "schedule", "entries"}:
            return "listed"
        if unit.text in words().stand_ins_for_many:
            return None if _means_strangers(units, index) else "many"
        if unit.text in words().stand_ins_for_one or _is_its_activity(units, index):
            return "it"
        if unit.kind is Kind.WORD and singular(unit.text) in words().group_nouns:
            plural = unit.text.endswith("s")
            if not plural:
                return "one" if _definite(units, index) else "another"
            return "many" if _definite(units, index) else "listed"
        if (
            unit.text in {"by", ";"}
            or (unit.kind is Kind.ACTOR and (unit.noun is not None or not unit.demonym) and not _is_place(units, index))
            or (indices.step > 0 and _turns(units, index, indices) and unit.text != "as")
        ):
            return None
    return None


def _is_place(units: Sequence[Unit], index: int) -> bool:
    """`groups tied to the war in Syria were banned`: no actor, only where."""
    return index > 0 and units[index - 1].text in {"in", "from", "near"} and units[index].noun is None


def _means_strangers(units: Sequence[Unit], index: int) -> bool:
    """`the vessels called at the port when it listed them`: the nearest plural before the pronoun is no group."""
    for unit in reversed(units[:index]):
        if unit.kind is Kind.GROUP or (unit.text.endswith("s") and singular(unit.text) in words().group_nouns):
            return False
        if unit.text in words().strangers:
            return True
    return False


def _is_its_activity(units: Sequence[Unit], index: int) -> bool:
    """`prohibited its activities`: how some states word the ban of a foreign group."""
    following = units[index + 1].text if index + 1 < len(units) else ""
    return units[index].text == "its" and following in _ACTIVITY


def _definite(units: Sequence[Unit], index: int) -> bool:
    return any(unit.text in {"the", "these", "those", "same"} for unit in units[max(0, index - 4) : index])
