"""Who plays which part around a trigger: the groups it happens to, the authority that acts. See `clauses`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from streams.reading.clauses import Trigger, Voice
from streams.reading.phrases import Needs, verb_forms
from streams.reading.tokens import Kind, Unit
from streams.reading.words import singular, words
from streams.records import AuthorityKey


class Patient(NamedTuple):
    """What the change happens to: groups by unit index; or a stand-in whose groups context must find."""

    units: tuple[int, ...]
    stand_in: str | None = None  # "one" (it, the group), "many" (they, both, the two), "listed" (three armies: named later), "status" (the ban)


class Agent(NamedTuple):
    """Who acts: the unit of the actor if one stands there, and its authority if that is known."""

    authorities: tuple[AuthorityKey, ...]
    unit: int | None
    platform: bool = False
    group_acts: bool = False


_JOINTS = frozenset({",", "and", "&", "or", "(", ")", "the", "as", "well", "along", "with", "plus", "also", "its", '"', "“", "”", "'", ":", "-", "including", "namely"})
_GAP_STOPS = frozenset("by from against to on in at for after of over that than not is are was were has have had will would".split())
_ONE = frozenset({"it", "itself"})
_MANY = frozenset({"they", "them", "both", "all", "these", "those"})
_PREPOSITIONS = frozenset("in on at with from against by for after of to into over under between near about".split())


def patient(units: Sequence[Unit], trigger: Trigger) -> Patient:
    """The groups that the change happens to."""
    spans = _patient_spans(units, trigger)
    for indices in spans:
        found = _run_of_groups(units, indices)
        if found:
            return Patient(found)
    for indices in spans:
        stand_in = _stand_in(units, indices)
        if stand_in is not None:
            return Patient((), stand_in)
    if trigger.phrase.names_later:
        return Patient((), "listed")
    return Patient((), "status" if trigger.slot is not None and units[trigger.slot].kind is Kind.STATUS else None)


def _patient_spans(units: Sequence[Unit], trigger: Trigger) -> list[range]:
    """Where to look for groups, best place first, each in reading order away from the verb."""
    ahead = range(trigger.end, trigger.right)
    behind = range(trigger.start - 1, trigger.left - 1, -1)
    if trigger.phrase.needs in {Needs.STATUS, Needs.STATUS_OR_LIST} and trigger.slot is not None:
        slot = trigger.slot
        if slot >= trigger.end:
            return [range(slot + 1, trigger.right), range(trigger.end, slot), behind]
        return [range(slot + 1, trigger.start), range(slot, trigger.left - 1, -1), ahead]
    if trigger.passive or trigger.phrase.subject:
        return [behind, ahead] if not _lists_ahead(units, trigger) else [ahead, behind]
    return [ahead]


def _lists_ahead(units: Sequence[Unit], trigger: Trigger) -> bool:
    """`three groups have been listed: X, Y and Z`: the names follow the passive."""
    return any(units[i].text == ":" for i in range(trigger.end, trigger.right))


def _run_of_groups(units: Sequence[Unit], indices: range) -> tuple[int, ...]:
    """The first group of the span and all that are joined to it."""
    found: list[int] = []
    for index in indices:
        unit = units[index]
        if unit.kind is Kind.GROUP and not _is_owner(units, index):
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
        return unit.text in {"by", ";"} or (unit.text in _SPEECH and index + 1 < len(units) and units[index + 1].text != ",")
    if unit.kind is not Kind.WORD:
        return False
    if unit.text in verb_forms() and units[index - 1].text in {",", "and", "but"} and unit.text not in words().label_marks:
        return True
    if units[index - 1].text in {"entry", "entries", "name", "names"}:
        return False
    leads_on = index + 1 < len(units) and any(u.kind in {Kind.LIST, Kind.LABEL, Kind.STATUS} for u in units[index + 1 : index + 3])
    return unit.text in _AWAY and not leads_on


_SPEECH = frozenset("say says said told tells announced confirmed insists".split())
_AWAY = frozenset("by that against for over under after with from to at in as into during through".split())
_MEMBERS = frozenset(
    "member members leader leaders chief chiefs commander commanders official officials officer officers fighter fighters militant militants "
    "financier financiers supporter supporters operative operatives spokesman spokesmen founder founders head chairman figure figures "
    "suspect suspects activist activists cell cells channel channels account accounts flag flags symbol symbols tanker tankers ship ships "
    "rally rallies march protest money website page pages".split()
)


def _is_owner(units: Sequence[Unit], index: int) -> bool:
    """Whether the group only says whose somebody or something is: "Hamas leader", "members of Hamas", "Hamas's flag"."""
    following = units[index + 1] if index + 1 < len(units) else None
    if following is not None and following.kind is Kind.WORD and following.text in _MEMBERS:
        return True
    if units[index].possessive and following is not None and following.kind is Kind.WORD:
        return not any(u.kind in {Kind.STATUS, Kind.LABEL, Kind.LIST, Kind.GROUP} for u in units[index + 1 : index + 4])
    before = [unit.text for unit in units[max(0, index - 4) : index]]
    return "of" in before and any(text in _MEMBERS for text in before[: before.index("of")])


def _joined(units: Sequence[Unit], first: int, second: int) -> bool:
    """Whether two groups stand in one list: between them commas, conjunctions and attributes, no preposition or verb."""
    low, high = sorted((first, second))
    between = units[low + 1 : high]
    if any(unit.text in _GAP_STOPS or unit.kind in {Kind.LIST, Kind.LABEL, Kind.STATUS} for unit in between):
        return False
    if any(unit.text in words().clause_openers - {"as"} for unit in between):
        return False
    return any(unit.text in _JOINTS for unit in between) or not between


def _stand_in(units: Sequence[Unit], indices: range) -> str | None:
    for index in indices:
        unit = units[index]
        if unit.text in {"following", "below", "schedule", "entries"}:
            return "listed"
        if unit.text in _MANY:
            return "many"
        if unit.text in _ONE:
            return "one"
        if unit.kind is Kind.WORD and singular(unit.text) in words().group_nouns:
            plural = unit.text.endswith("s")
            if not plural:
                return "one"
            return "many" if _definite(units, index) else "listed"
        if unit.text in {"by", ";"} or unit.kind is Kind.ACTOR or (indices.step > 0 and unit.text in _AWAY - {"as"}):
            return None
    return None


def _definite(units: Sequence[Unit], index: int) -> bool:
    return any(unit.text in {"the", "these", "those", "same"} for unit in units[max(0, index - 4) : index])


def agent(units: Sequence[Unit], trigger: Trigger) -> Agent:
    """The authority that acts, as far as the sentence says."""
    slot = units[trigger.slot] if trigger.slot is not None else None
    if slot is not None and slot.authority is not None:
        return Agent((slot.authority,), None)
    if trigger.passive:
        found = _by_phrase(units, trigger) or _place(units, trigger)
        if found is not None:
            return found
    subject = _subject(units, trigger)
    if trigger.voice is Voice.ACTIVE and not trigger.phrase.subject and _group_is_subject(units, trigger, subject):
        return Agent((), None, group_acts=True)
    if subject is None and trigger.left > 0 and units[trigger.left].text in {"it", "they", "he", "she"}:
        subject = _subject(units, trigger._replace(left=0))
    if subject is not None and not (trigger.passive and trigger.voice is Voice.PASSIVE and units[subject].noun is None):
        unit = units[subject]
        return Agent(_with_joined(units, subject), subject) if unit.authority else Agent((), subject)
    platform = any(unit.text in words().platforms for unit in units[trigger.left : trigger.right])
    return _place(units, trigger) or Agent((), None, platform)


def _group_is_subject(units: Sequence[Unit], trigger: Trigger, actor: int | None) -> bool:
    """`Taliban ban all parties`: a group stands where the authority would, nearer than any actor."""
    low = trigger.left if actor is None else actor + 1
    for index in range(trigger.start - 1, low - 1, -1):
        if units[index].text in {",", ")"} or units[index].text in _PREPOSITIONS:
            return False
        if units[index].kind is Kind.GROUP:
            return not _after_preposition(units, index) and not units[index].possessive
    return False


def _with_joined(units: Sequence[Unit], index: int) -> tuple[AuthorityKey, ...]:
    """The actor's authority and those coordinated with it: "Britain and the United States have ..."."""
    found: list[AuthorityKey] = []
    while index >= 0:
        unit = units[index]
        if unit.kind is Kind.ACTOR and unit.authority and unit.authority not in found:
            found.append(unit.authority)
        elif unit.text not in {",", "and", "the"}:
            break
        index -= 1
    return tuple(reversed(found))


def _by_phrase(units: Sequence[Unit], trigger: Trigger) -> Agent | None:
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


def _place(units: Sequence[Unit], trigger: Trigger) -> Agent | None:
    """`banned in Australia`, `listed as a terrorist organisation in Australia`."""
    for index in range(trigger.end, min(trigger.right, trigger.end + 6) - 1):
        if units[index].text == "in":
            place = units[index + 2] if units[index + 1].text == "the" and index + 2 < len(units) else units[index + 1]
            if place.kind is Kind.ACTOR and place.authority and not place.demonym:
                return Agent((place.authority,), None)
    return None


def _subject(units: Sequence[Unit], trigger: Trigger) -> int | None:
    """The nearest actor before the verb that can be its subject."""
    second: int | None = None
    for index in range(trigger.start - 1, trigger.left - 1, -1):
        unit = units[index]
        if unit.kind is not Kind.ACTOR or _is_attribute(units, index) or _is_requester(units, index):
            continue
        if _after_preposition(units, index):
            second = index if second is None and unit.authority else second
            continue
        return index
    return second


def _after_preposition(units: Sequence[Unit], index: int) -> bool:
    before = units[index - 1] if index else None
    if before is not None and before.text == "the" and index > 1:
        before = units[index - 2]
    return before is not None and before.text in _PREPOSITIONS


_REQUESTS = frozenset("request plea call demand bid appeal petition application proposal motion push pressure claim".split())


def _is_requester(units: Sequence[Unit], index: int) -> bool:
    """`a U.S. request to designate`, `a request by Pakistan to place`: who asks is not who acts."""
    after = {unit.text for unit in units[index + 1 : index + 3]}
    before = {unit.text for unit in units[max(0, index - 4) : index]}
    return bool(after & _REQUESTS) or bool(before & _REQUESTS and before & {"by", "from", "of"})


def _is_attribute(units: Sequence[Unit], index: int) -> bool:
    """Whether the actor only says where something is from: "Russia's Wagner mercenaries", "Iranian cities"."""
    unit = units[index]
    if unit.demonym:
        following = units[index + 1] if index + 1 < len(units) else None
        return following is None or following.kind is not Kind.WORD or unit.noun is None
    if unit.possessive:
        return any(other.kind is Kind.GROUP for other in units[index + 1 : index + 4])
    return False
