"""How far a change has come, from the words around its verb: helping words first, then the operators above."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import NamedTuple

import msgspec

from streams.reading.effects import (
    ANSWERABLE,
    Above,
    Drop,
    at_most,
    bend,
    halted,
    is_parliament,
    names_court,
    rejected,
    undone,
)
from streams.reading.governing import is_ungoverned, operators_above
from streams.reading.operators import Effect, Hit
from streams.reading.phrases import Form
from streams.reading.tokens import Kind, Unit
from streams.reading.triggers import Trigger, Voice
from streams.reading.words import words
from streams.records import AuthorityKey
from streams.vocabulary import Change, Stage


class Stance(NamedTuple):
    """The stage reached, or why there is no claim; `why` are the ids of what bent it, in order of application."""

    stage: Stage | None
    drop: Drop | None
    why: tuple[str, ...]
    change: Change | None = None  # another than the verb's own, where an operator turned the act over
    turned_by: Hit | None = None
    retold: bool = False  # somebody reacts to it: it was news before


def judge(
    units: Sequence[Unit],
    trigger: Trigger,
    operators: Sequence[Hit],
    authority: AuthorityKey | None,
    members: bool,
) -> Stance:
    """The stage of the change at `trigger`. `members`: the authority is a body that states are members of."""
    if members and trigger.phrase.body_stage is not None:
        trigger = trigger._replace(phrase=msgspec.structs.replace(trigger.phrase, stage=trigger.phrase.body_stage))
    above = operators_above(units, trigger, operators)
    start = _Course(trigger.phrase.change, *_own_words(units, trigger, authority))
    if is_ungoverned(trigger, above, units):
        return Stance(None, Drop.UNGOVERNED, start.why)
    decided = any(hit.noun and hit.operator.effect is Effect.DECIDE for hit in above)
    decided = decided or any(unit.text in words().rulings for unit in units[max(0, trigger.start - 8) : trigger.start])
    scene = Above(units, trigger.voice, authority, members, decided)
    end = start
    for hit, upper in zip_longest(above, above[1:]):
        end = _bent(end, hit, scene, asked=hit.noun or (upper is not None and _is_asking(upper)))
    drop = end.drop
    answered = any(hit.operator.effect in {Effect.REJECT, Effect.GRANT} for hit in above)
    if drop is None and trigger.voice is Voice.NOUN and trigger.phrase.stage is Stage.PROPOSED and not answered:
        drop = Drop.THIRD_PARTY  # a challenge in court is nobody's act until it is decided
    if drop is None and end.stage is None:
        drop = Drop.DOUBLE_NEGATION
    turned = end.change if end.turned_by else None
    return Stance(None if drop else end.stage, drop, end.why, turned, end.turned_by, end.retold)


class _Course(NamedTuple):
    """What is left of a change on the way up through its operators."""

    change: Change
    stage: Stage | None
    drop: Drop | None
    why: tuple[str, ...]
    turned_by: Hit | None = None
    retold: bool = False


def _is_asking(hit: Hit) -> bool:
    """`a petition that called on it to list X`: a noun that holds the wish."""
    return hit.noun and hit.operator.effect in {Effect.REQUEST, Effect.CALL}


def _bent(course: _Course, hit: Hit, scene: Above, asked: bool) -> _Course:
    """The course under one more operator; `asked`: it stands in a wish that can be answered."""
    effect = hit.operator.effect
    if course.stage is not None and course.drop in ANSWERABLE and effect in {Effect.REJECT, Effect.GRANT}:
        course = course._replace(drop=None)  # whoever asked: here is the answer
    if course.drop is not None or course.stage is None:
        return course
    why = (*course.why, hit.operator.id)
    stands = effect is Effect.UPHOLD and scene.decided and not asked and names_court(scene.units[: hit.start])
    if stands and course.change is Change.LISTING:
        # "upheld the decision to list X", "confirmed the order declaring X unlawful": the listing stands
        return course._replace(change=Change.DELISTING, stage=Stage.REJECTED, why=why, turned_by=hit)
    if effect in {Effect.UNDO, Effect.HALT}:
        return _turned(course, hit, scene.members)._replace(why=why)
    bent, drop = bend(course.stage, hit, scene)
    if drop is Drop.CALL and effect in {Effect.REACT, Effect.REJECT} and scene.decided:
        return course._replace(why=why, retold=True)  # "China opposes the U.S. decision to list X"
    return course._replace(stage=Stage.PROPOSED if drop in ANSWERABLE and asked else bent, drop=drop, why=why)


def _turned(course: _Course, hit: Hit, members: bool) -> _Course:
    """The course after the act that made the change is undone; the list of a body is changed by whoever keeps it."""
    turn = undone if hit.operator.effect is Effect.UNDO else halted
    left = turn(course.change, course.stage) if course.stage is not None else None
    change, stage = left if left is not None else (course.change, None)
    if change is Change.DELISTING and stage not in {None, Stage.REJECTED}:
        stage = Stage.DECIDED if members else Stage.EFFECTIVE
    return course._replace(change=change, stage=stage, turned_by=hit)


Own = tuple[Stage | None, Drop | None, tuple[str, ...]]
"""Stage, reason to drop, and what said so, from the verb's own helping words."""


def _own_words(units: Sequence[Unit], trigger: Trigger, authority: AuthorityKey | None) -> Own:
    """What the helping words alone say: negation first, then modality."""
    return _negation(units, trigger) or _modality(units, trigger, authority)


def _negation(units: Sequence[Unit], trigger: Trigger) -> Own | None:
    aux, stage = set(trigger.auxiliaries), trigger.phrase.stage
    if aux & {"rightly", "lawfully", "legally"}:
        return None, Drop.STATIC, ("rightly",)  # what was done before is judged
    if "longer" in aux and "would" in aux:
        return _would(units, trigger, stage)
    if "longer" in aux:
        return at_most(stage, Stage.DECIDED if aux & words().future else Stage.EFFECTIVE), None, ("no-longer",)
    if trigger.voice in {Voice.ACTIVE, Voice.PASSIVE} and _nobody(units, trigger):
        return None, Drop.NEGATED, ("no-one",)
    if not aux & words().negations:
        return None
    if {"should", "have"} <= aux:
        return rejected(stage), None, ("should-not-have",)
    if trigger.voice is Voice.INFINITIVE and any(unit.text in _CHOICES for unit in units[trigger.left : trigger.start]):
        return rejected(stage), None, ("chose-not-to",)
    if aux & (words().future | {"won't", "would", "wouldn't"}):
        return rejected(stage), None, ("will-not",)
    return None, Drop.NEGATED, ("not",)


_CHOICES = frozenset(
    {"decided", "decides", "chose", "chosen", "opted", "opts", "agreed", "resolved", "voted", "elected"}
)
"""`decided not to proscribe X`: what is refused, not only what has not happened."""


def _nobody(units: Sequence[Unit], trigger: Trigger) -> bool:
    before = units[max(trigger.left, trigger.start - 9) : trigger.start]
    nobody = next((i for i, unit in enumerate(before) if unit.text in {"no", "none", "nobody", "neither"}), None)
    return nobody is not None and not any(unit.text == "and" for unit in before[nobody:])


def _modality(units: Sequence[Unit], trigger: Trigger, authority: AuthorityKey | None) -> Own:
    aux, stage = set(trigger.auxiliaries), trigger.phrase.stage
    prolonged = trigger.phrase.change is Change.RENEWAL and trigger.phrase.subject and not trigger.phrase.standing
    if prolonged and aux & (words().future | {"to"}):
        return stage, None, ("stays",)  # "will stay banned for five more years": how a renewal is told
    if aux & words().future:
        return at_most(stage, Stage.DECIDED), None, ("will",)
    if aux & words().wish:
        return _bound(units, trigger, stage, authority)
    if "would" in aux:
        return _would(units, trigger, stage)
    if "can" in aux and not any(unit.text == "whether" for unit in units[: trigger.start]):
        return None, Drop.HYPOTHETICAL, ("can",)  # what the law allows
    if aux & words().maybe:
        return at_most(stage, Stage.PROPOSED), None, ("may",)
    if trigger.form is Form.ING and aux & {"is", "are", "'s", "'re"} and not aux & {"hereby", "today"}:
        return at_most(stage, Stage.DECIDED), None, ("is-doing",)
    planned = "to" in aux and aux & {"is", "are", "was", "were"}
    if planned or (trigger.voice is Voice.INFINITIVE and _actor_to(units, trigger)):
        return at_most(stage, Stage.DECIDED), None, ("is-to",)
    return stage, None, ()


def _bound(units: Sequence[Unit], trigger: Trigger, stage: Stage, authority: AuthorityKey | None) -> Own:
    """`must keep X on its list, the court ruled`: what a court says must be done is as good as decided."""
    if names_court(units) and "must" in trigger.auxiliaries and any(unit.text in _RULED for unit in units):
        return at_most(stage, Stage.DECIDED), None, ("must-by-ruling",)
    if any(unit.text in _MOTIONS or _is_own_parliament(unit, authority) for unit in units):
        return at_most(stage, Stage.PROPOSED), None, ("should-by-motion",)
    return None, Drop.CALL, ("should",)


def _is_own_parliament(unit: Unit, authority: AuthorityKey | None) -> bool:
    """`should be banned, a parliamentary committee said`: as when it calls for the ban."""
    if unit.kind is not Kind.ACTOR or unit.authority not in {None, authority}:
        return False
    return is_parliament(unit)


_MOTIONS = frozenset({"motion", "bill"})
_RULED = frozenset({"ruled", "rules", "held", "decided", "ordered", "found"})


def _would(units: Sequence[Unit], trigger: Trigger, stage: Stage) -> Own:
    if any(unit.text == "if" for unit in units[trigger.end :]):
        return None, Drop.HYPOTHETICAL, ("would-if",)
    if any(unit.text in words().drafts for unit in units[: trigger.start]):
        return at_most(stage, Stage.PROPOSED), None, ("would-under-a-draft",)
    if any(unit.text in {"said", "announced", "says", "announces", "confirmed"} for unit in units):
        return at_most(stage, Stage.DECIDED), None, ("said-it-would",)
    return None, Drop.HYPOTHETICAL, ("would",)


def _actor_to(units: Sequence[Unit], trigger: Trigger) -> bool:
    """`UK to brand Wagner terrorists`: the actor or the group directly before "to" is the plan of a headline."""
    start = trigger.start - len(trigger.auxiliaries)
    position = next((i for i in range(max(start, 0), trigger.start) if units[i].text == "to"), None)
    if position is None or position == 0:
        return False
    return units[position - 1].kind in {Kind.ACTOR, Kind.GROUP} or units[position - 1].text in words().be_forms
