"""Who acts: the authority of a change, by position and voice, never by meaning.

An owner in the list's or the ban's own name ("Russia's list") outranks all; a passive is followed by `by` or a place;
an active verb has the nearest actor before it that is no origin, no requester, and not behind a preposition.
"""

from __future__ import annotations

from collections.abc import Sequence

from streams.reading.governing import main_actor
from streams.reading.phrases import verb_forms
from streams.reading.tokens import Kind, Unit
from streams.reading.triggers import Trigger, Voice
from streams.reading.whereabouts import Agent, by_phrase, heading, in_place, owners_behind, under_law, where
from streams.reading.words import words
from streams.records import AuthorityKey

_FOLLOWS = frozenset({"follow", "follows", "followed", "following", "join", "joins", "joined", "joining"})


def agent(units: Sequence[Unit], trigger: Trigger) -> Agent:
    """The authority that acts, as far as the sentence says."""
    slot = units[trigger.slot] if trigger.slot is not None else None
    if slot is not None and slot.authority is not None:
        return Agent((slot.authority,), None)
    owners = () if trigger.phrase.names_later else owners_behind(units, trigger.slot)
    if owners:
        return Agent(owners, None)
    said = (by_phrase(units, trigger) or in_place(units, trigger)) if trigger.passive else None
    if said is not None:
        return said
    return _of_subject(units, trigger) if trigger.phrase.subject else _of_object(units, trigger)


def _of_subject(units: Sequence[Unit], trigger: Trigger) -> Agent:
    """Who is behind a verb whose subject is the group: "X joined the list"."""
    said = in_place(units, trigger) or under_law(units, trigger) or by_phrase(units, trigger)
    return said or where(units, trigger) or _holder(units, trigger) or heading(units) or Agent((), None)


def _of_object(units: Sequence[Unit], trigger: Trigger) -> Agent:
    """Who does what the verb says to the group."""
    venue = in_place(units, trigger, "at") if trigger.voice is Voice.INFINITIVE else None
    if trigger.phrase.bare:
        venue = venue or under_law(units, trigger, frozenset({"under"}))
    if venue is not None:
        return venue  # "a proposal to blacklist X at the U.N.", "put X under U.N. sanctions"
    subject = _actor(units, trigger)
    if trigger.voice is Voice.ACTIVE and _group_is_subject(units, trigger, subject):
        return Agent((), None, group_acts=True)
    if subject is not None and not (trigger.passive and trigger.voice is Voice.PASSIVE and units[subject].noun is None):
        if units[subject].authority is None:
            elsewhere = in_place(units, trigger) or where(units, trigger) or _owner_of_organ(units, subject)
            return elsewhere or Agent((), subject)  # "in Lithuania, lawmakers declared", "Iran, where judges banned"
        return Agent(_with_joined(units, subject), subject)
    before = units[trigger.left : trigger.start]
    platform = any(unit.text in words().platforms or unit.text in words().companies for unit in before)
    return in_place(units, trigger) or heading(units) or Agent((), None, platform)


def _owner_of_organ(units: Sequence[Unit], index: int) -> Agent | None:
    """`Moscow recognised X after its Supreme Court had suspended the ban`: whose court it is."""
    if not index or units[index - 1].text not in {"its", "their"}:
        return None
    before = (unit.authority for unit in reversed(units[:index]) if unit.kind is Kind.ACTOR)
    owner = next((authority for authority in before if authority is not None), None)
    return None if owner is None else Agent((owner,), index)


def _actor(units: Sequence[Unit], trigger: Trigger) -> int | None:
    """The unit of the actor that the verb belongs to, also across "it" and "which"."""
    subject = main_actor(units, trigger) or _subject(units, trigger)
    if subject is None and trigger.left > 0 and units[trigger.left].text in {"it", "they", "he", "she"}:
        subject = _subject(units, trigger._replace(left=0))
    if subject is None and trigger.voice is Voice.ACTIVE:
        subject = _antecedent(units, trigger)
    return subject


_OF_A_ROW = frozenset({"and", "the", ",", "(", ")"})


def _group_is_subject(units: Sequence[Unit], trigger: Trigger, actor: int | None) -> bool:
    """`Taliban ban all parties`: a group stands where the authority would, nearer than any actor."""
    low = trigger.left if actor is None else actor + 1
    verb = trigger.start - len(trigger.auxiliaries)
    for index in range(trigger.start - 1, low - 1, -1):
        if units[index].text in {",", ")", "as", "concerning"} or units[index].text in words().prepositions:
            return False
        if index < verb and (units[index].text in words().be_forms or units[index].text in verb_forms()):
            return False  # "ruled that X is extremist and banned it", "took X off its list and added Y"
        if units[index].kind is Kind.GROUP:
            first = index
            while first > 1 and (units[first - 1].text in _OF_A_ROW or units[first - 1].kind is Kind.GROUP):
                first -= 1
            return not _after_preposition(units, first) and not units[index].possessive
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


def _holder(units: Sequence[Unit], trigger: Trigger) -> Agent | None:
    """`Washington has had X on its list`: an actor of its own standing before the verb, with no group in between."""
    index = _subject(units, trigger)
    if index is None or _after_preposition(units, index):
        return None
    if any(unit.kind is Kind.GROUP for unit in units[index + 1 : trigger.start]):
        return None
    return Agent(_with_joined(units, index), index) if units[index].authority else Agent((), index)


def _subject(units: Sequence[Unit], trigger: Trigger) -> int | None:
    """The nearest actor before the verb that can be its subject."""
    told = _told_to_act(units, trigger)
    if told is not None:
        return told
    second: int | None = None
    for index in range(_before_aside(units, trigger), trigger.left - 1, -1):
        unit = units[index]
        if unit.kind is Kind.ACTOR and unit.authority is not None and _owns_act(units, index, trigger):
            return index
        if unit.kind is not Kind.ACTOR or _is_attribute(units, index) or _is_requester(units, index):
            continue
        if _after_preposition(units, index):
            second = index if second is None and unit.authority else second
            continue
        return index
    return None if trigger.phrase.needs_actor else second


def _owns_act(units: Sequence[Unit], index: int, trigger: Trigger) -> bool:
    """`notes Russia's decision last week to recognise X`: whose decision it is."""
    if trigger.voice not in {Voice.INFINITIVE, Voice.GERUND} or not (units[index].possessive or units[index].demonym):
        return False
    between = units[index + 1 : trigger.start]
    return not any(u.kind is Kind.ACTOR for u in between) and any(u.text in _OWNED_ACTS for u in between[:3])


_OWNED_ACTS = frozenset({"decision", "move", "plan", "step", "order", "ruling", "decree", "announcement", "intention"})


def _antecedent(units: Sequence[Unit], trigger: Trigger) -> int | None:
    """`Canada, which listed the group in 2021`: the actor that a relative clause is about."""
    opener = trigger.start - len(trigger.auxiliaries) - 1
    if opener > 0 and units[opener].text == "and" and trigger.left > 1:
        opener = trigger.left - 1  # "Canada, which sent troops and listed the group"
    if opener < 1 or units[opener].text not in {"which", "who", "that"}:
        return None
    index = opener - 2 if units[opener - 1].text == "," else opener - 1
    if units[index].kind is not Kind.ACTOR and units[opener - 1].text == ",":
        # "an order of the Secretary of State, published on Friday, which removed X"
        index = next((i - 1 for i in range(index, max(index - 8, 1), -1) if units[i].text == ","), index)
    return index if index >= 0 and units[index].kind is Kind.ACTOR else None


def _before_aside(units: Sequence[Unit], trigger: Trigger) -> int:
    """Where the search for the subject begins, what stands between it and the verb skipped.

    `India, whose prime minister the group killed, outlawed it`; `Estonia followed Germany and Britain in banning it`.
    """
    if trigger.voice is Voice.GERUND:
        model = next((i for i in range(trigger.left, trigger.start) if units[i].text in _FOLLOWS), None)
        if model is not None and units[trigger.start - 1].text in {"in", "by"}:
            return model - 1
    close = trigger.start - len(trigger.auxiliaries) - 1
    if close > 2 and units[close].text == ",":
        for opening in range(close - 2, 0, -1):
            if units[opening].text == "," and any(
                u.text in {"which", "who", "whose", "where"} for u in units[opening + 1 : opening + 3]
            ):
                return opening - 1
    return trigger.start - 1


def _told_to_act(units: Sequence[Unit], trigger: Trigger) -> int | None:
    """`calls on the Canadian government to designate X`: the actor right before "to" is who would act."""
    if trigger.voice is not Voice.INFINITIVE or not trigger.auxiliaries or trigger.auxiliaries[0] != "to":
        return None
    before = trigger.start - len(trigger.auxiliaries) - 1
    if before < 0 or units[before].kind is not Kind.ACTOR or units[before].authority is None:
        return None
    return None if _is_requester(units, before) else before


def _after_preposition(units: Sequence[Unit], index: int) -> bool:
    before = index - 1
    while before > 0 and (units[before].text == "the" or units[before].text in words().quarters):
        before -= 1
    return before >= 0 and units[before].text in words().prepositions


def _is_requester(units: Sequence[Unit], index: int) -> bool:
    """`a U.S. request to designate`, `a request by Pakistan to place`: who asks is not who acts."""
    after = {unit.text for unit in units[index + 1 : index + 3]}
    before = {unit.text for unit in units[max(0, index - 4) : index]}
    return bool(after & words().requests) or bool(before & words().requests and before & {"by", "from", "of"})


def _is_attribute(units: Sequence[Unit], index: int) -> bool:
    """Whether the actor only says where something is from: "Russia's Wagner mercenaries", "Iranian cities"."""
    unit = units[index]
    if unit.noun is None and index + 1 < len(units) and units[index + 1].text in words().companies:
        return True  # "the US corporation Meta", "the first UN member to recognise X"
    if unit.demonym:
        following = units[index + 1] if index + 1 < len(units) else None
        return following is None or following.kind is not Kind.WORD or unit.noun is None
    if unit.possessive:
        return any(other.kind is Kind.GROUP for other in units[index + 1 : index + 4])
    return False
