"""What a change happens to: the groups around its verb, or the stand-in ("they", "the two groups") for them.

Active verbs have them behind, passive ones before; with a ban or a list in between, next to that. Several groups count
together where only commas, conjunctions and attributes stand between them.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from streams.reading.names import ACTIVITY, is_owner, run_of_groups
from streams.reading.phrases import Needs
from streams.reading.stand_ins import find_stand_in
from streams.reading.times import WEEKDAYS, is_month
from streams.reading.tokens import Kind, Unit
from streams.reading.triggers import Trigger, Voice
from streams.reading.words import singular, words

_PRONOUNS = frozenset({"it", "them", "both", "they"})
_RELATIVES = frozenset({"which", "whom", "that", "whose"})


class Patient(NamedTuple):
    """What the change happens to: groups by unit index; or a stand-in whose groups context must find."""

    units: tuple[int, ...]
    # "it". "last": that group. "one": the group.
    # "another": an armed group. "many": they, both. "listed": three armies, named later.
    # "status": the ban, whose group is the story's. "step": "it takes effect", what the story reports.
    stand_in: str | None = None
    at: int | None = None  # the unit of a pronoun
    along: tuple[int, ...] = ()  # the groups it also happens to: "recognised it as terrorist along with X"


def patient(units: Sequence[Unit], trigger: Trigger) -> Patient:
    """The groups that the change happens to."""
    whom, along = _patient(units, trigger), _companions(units, trigger)
    return whom._replace(along=along) if whom.units or whom.stand_in else Patient(along)


def _companions(units: Sequence[Unit], trigger: Trigger) -> tuple[int, ...]:
    """The groups behind "along with" and its like, where the change goes on to them."""
    texts = [unit.text for unit in units[trigger.end : trigger.right]]
    place = next((i for i, pair in enumerate(pairwise(texts)) if pair in _ALONG), None)
    if place is None:
        return ()
    first = trigger.end + place + 2
    found = run_of_groups(units, range(first, trigger.right))
    return found if found and found[0] - first <= _NEAR else ()


_ALONG = frozenset({("along", "with"), ("together", "with"), ("well", "as"), ("addition", "to")})
_NEAR = 8
"""How many words may stand between "along with" and the first name: "the armed band that calls itself X"."""


def _patient(units: Sequence[Unit], trigger: Trigger) -> Patient:
    spans = _patient_spans(units, trigger)
    named = _named(units, trigger, spans)
    if named is not None:
        return named
    if trigger.phrase.bare:
        return _bare_pronoun(units, trigger)
    if trigger.voice is Voice.ACTIVE and _object_is_another(units, spans[0]):
        return Patient(())
    return _stand_in(units, trigger, spans)


def _named(units: Sequence[Unit], trigger: Trigger, spans: Sequence[range]) -> Patient | None:
    """The groups named in the first of the spans that has any; none of them, where a thing of a group is meant."""
    antecedent = _antecedent(units, trigger)
    for indices in (*spans, *_examples(units, trigger)):
        found = run_of_groups(units, indices, owned=indices == antecedent and units[indices[0] - 1].kind is Kind.GROUP)
        if found and trigger.slot is not None and _is_on_another(units, trigger.slot, min(found)):
            return Patient(())
        if trigger.phrase.bare:
            found = tuple(i for i in found if i - trigger.end <= _OBJECT and _stands_alone(units, i))
        if found:
            return Patient(found)
    return None


def _stand_in(units: Sequence[Unit], trigger: Trigger, spans: Sequence[range]) -> Patient:
    """What stands for groups that context must find."""
    of_status = trigger.phrase.needs is Needs.STATUS
    owner = units[trigger.start - 1].text if trigger.start and trigger.voice is Voice.NOUN else ""
    if owner in {"its", "their"}:
        return Patient((), "it" if owner == "its" else "many", trigger.start - 1)  # "approved its deletion from"
    for indices in spans:
        stand_in = find_stand_in(units, indices)
        if stand_in == "it" and trigger.phrase.subject and of_status:
            stand_in = "step"
        if stand_in is not None:
            return Patient((), stand_in, next((i for i in indices if units[i].text in _PRONOUNS), None))
    if trigger.phrase.names_later:
        return Patient((), "listed")
    named_before = trigger.slot is None and of_status
    return Patient((), "status" if named_before or _is_whole_status(units, trigger.slot) else None)


def _bare_pronoun(units: Sequence[Unit], trigger: Trigger) -> Patient:
    """`sanctioned it`, `imposed sanctions on it`: nothing else stands for the object of a bare phrase."""
    place = trigger.start - len(trigger.auxiliaries) - 1 if trigger.passive else trigger.end
    if not trigger.passive and place < len(units) and units[place].text in {"on", "against"}:
        place += 1
    if not 0 <= place < len(units):
        return Patient(())
    if trigger.passive and units[place].text in words().group_nouns:
        return Patient((), "one")  # "the coalition was sanctioned"
    if units[place].text == "the" and place + 1 < len(units) and units[place + 1].text in words().group_nouns:
        return Patient((), "one")  # "imposed sanctions on the group"
    return Patient((), "it", place) if units[place].text == "it" else Patient(())


def _is_whole_status(units: Sequence[Unit], slot: int | None) -> bool:
    """Whether the slot is "the ban", and not "the ban on alcohol", whose object is no group."""
    if slot is None or units[slot].kind is not Kind.STATUS:
        return False
    if slot + 2 >= len(units) or units[slot + 1].text not in {"on", "against"}:
        return True
    what = units[slot + 2].text
    return what in WEEKDAYS or what[:1].isdigit() or is_month(what)  # "lifted the ban on Friday"


def _is_on_another(units: Sequence[Unit], slot: int, group: int) -> bool:
    """`a ban on coverage of X`: what is banned is a thing that has to do with the group."""
    if units[slot].kind is not Kind.STATUS or group < slot + 4 or units[slot + 1].text != "on":
        return False
    thing = units[slot + 2]
    plain = thing.kind is Kind.WORD and units[slot + 3].text == "of"
    return plain and singular(thing.text) not in words().group_nouns and thing.text not in ACTIVITY | {"all", "members"}


_OBJECT = 14
"""How far behind its verb a bare object may stand, a list of names included."""


def _stands_alone(units: Sequence[Unit], index: int) -> bool:
    """Whether the group is no mere attribute: "sanctioned Hamas on Monday", not "sanctioned Hamas finance chiefs"."""
    following = units[index + 1] if index + 1 < len(units) else None
    if following is None or following.kind is not Kind.WORD or following.text.endswith("ly"):
        return True
    closed = words().prepositions | words().joints | words().clause_openers | words().be_forms | words().have_forms
    return following.text in closed or following.text in WEEKDAYS or following.text in words().group_nouns


def _patient_spans(units: Sequence[Unit], trigger: Trigger) -> list[range]:
    """Where to look for groups, best place first, each in reading order away from the verb."""
    aside = trigger.right < len(units) and units[trigger.right].text in {"which", "who", "whose"}
    ahead = range(trigger.end, len(units) if aside else trigger.right)
    behind = range(trigger.start - 1, trigger.left - 1, -1)
    if trigger.voice is Voice.NOUN:
        by = [unit.text for unit in units[trigger.end : trigger.end + 1]] == ["by"]
        told = range(trigger.end + 1, trigger.right) if by else ahead  # "appeals by X and by Y against their listing"
        return [told, range(trigger.start - 1, max(trigger.start - 3, trigger.left - 1), -1)]
    if trigger.phrase.needs in {Needs.STATUS, Needs.STATUS_OR_LIST} and trigger.slot is not None:
        slot = trigger.slot
        if slot >= trigger.end:
            return [range(slot + 1, trigger.right), range(trigger.end, slot), behind]
        return [range(slot + 1, trigger.start), range(slot, trigger.left - 1, -1), ahead]
    antecedent = _antecedent(units, trigger)
    if not (trigger.passive or trigger.phrase.subject):
        return [ahead, *filter(None, (antecedent, _asker(units, trigger)))]
    if antecedent is not None:
        return [antecedent, ahead]
    return _subject_spans(units, trigger, ahead, behind)


def _subject_spans(units: Sequence[Unit], trigger: Trigger, ahead: range, behind: range) -> list[range]:
    """The places of what stands before its verb."""
    if trigger.voice is Voice.REDUCED and units[0].text == "among":
        return [range(trigger.end, trigger.right)]  # "Among the outfits dissolved under Macron are X and Y"
    if trigger.passive and trigger.start - trigger.left <= 1:
        return [_behind_comma(units, trigger)]
    colon = next((i for i in range(trigger.end, trigger.right) if units[i].text == ":"), None)
    if colon is not None:
        return [range(colon + 1, trigger.right), behind]  # "three groups have been listed: X, Y and Z"
    aside = _before_aside(units, trigger)
    if aside and units[aside[0].start + 2].text == "who":
        return aside  # "The name of Y, who heads the faction X, was struck": a person
    return [*aside, behind, ahead]


def _asker(units: Sequence[Unit], trigger: Trigger) -> range | None:
    """`a bid by X, a movement from Israel, to get off the list`: who asks for it is what it happens to."""
    if trigger.voice is not Voice.INFINITIVE or trigger.passive:
        return None
    by = next((i for i in range(trigger.start - 1, 0, -1) if units[i].text == "by"), None)
    if by is None or units[by - 1].text not in words().requests:
        return None
    return range(by + 1, trigger.start)


def _follows_group(units: Sequence[Unit], opener: int) -> bool:
    """Whether a group, or the comma behind its name, stands a few words before a relative."""
    reach = 16 if units[opener - 1].text == "and" else 8  # "X, which India blames for the attack and which A banned"
    return units[opener - 1].text == "," or any(u.kind is Kind.GROUP for u in units[max(0, opener - reach) : opener])


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
    if units[opener].text == "whose" and units[opener + 1].text not in ACTIVITY:
        return None
    whole = trigger.passive or trigger.phrase.subject
    if whole and any(unit.text == "," for unit in units[opener : trigger.start]):
        return None
    before = units[opener - 1]
    counted = before.text.isdigit() and {"among", "one"} & {u.text for u in units[max(0, opener - 6) : opener]}
    names = before.kind is Kind.GROUP or singular(before.text) in words().group_nouns or bool(counted)
    if not names and (units[opener].text == "that" or not _follows_group(units, opener)):
        return None
    return range(opener - 1, max(opener - 14, -1), -1)


def _behind_comma(units: Sequence[Unit], trigger: Trigger) -> range:
    """`First outlawed in 2001, the group ...`: the subject that an opening participle belongs to."""
    comma = next((i for i in range(trigger.end, len(units)) if units[i].text == ","), trigger.end - 1)
    return range(comma + 1, max(trigger.right, min(comma + 12, len(units))))


def _before_aside(units: Sequence[Unit], trigger: Trigger) -> list[range]:
    """`The party, which had promised to obey, was banned`: what stands before the aside that ends at the verb."""
    close = trigger.start - len(trigger.auxiliaries) - 1
    if close < 2 or units[close].text != ",":
        return []
    for opening in range(close - 1, 0, -1):
        if units[opening].text != ",":
            continue
        relative = any(u.text in {"which", "who", "whose"} for u in units[opening + 1 : opening + 3])
        named = any(unit.kind is Kind.GROUP for unit in units[opening + 1 : close])
        if relative or (units[opening - 1].kind is Kind.GROUP and not named):
            return [range(opening - 1, trigger.left - 1, -1)]
    return []


def _object_is_another(units: Sequence[Unit], indices: range) -> bool:
    """`outlawed the flags of Hamas, making it a crime to ...`: the object is what belongs to a group."""
    for index in indices[:6]:
        if units[index].kind is Kind.GROUP:
            return is_owner(units, index)
        if units[index].text in {",", "as"}:
            return False
    return False
