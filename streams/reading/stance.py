"""How far a change has come, from the words around its verb: helping words first, then the operators above."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from streams.reading.effects import ANSWERABLE, Above, Drop, at_most, bend, rejected
from streams.reading.governing import is_ungoverned, operators_above
from streams.reading.operators import Effect, Hit
from streams.reading.phrases import Form
from streams.reading.tokens import Kind, Unit
from streams.reading.triggers import Trigger, Voice
from streams.reading.words import words
from streams.records import AuthorityKey
from streams.vocabulary import Stage


class Stance(NamedTuple):
    """The stage reached, or why there is no claim; `why` are the ids of what bent it, in order of application."""

    stage: Stage | None
    drop: Drop | None
    why: tuple[str, ...]


def judge(
    units: Sequence[Unit],
    trigger: Trigger,
    operators: Sequence[Hit],
    authority: AuthorityKey | None,
    members: bool,
) -> Stance:
    """The stage of the change at `trigger`. `members`: the authority is a body that states are members of."""
    stage, drop, why = _own_words(units, trigger)
    above = operators_above(units, trigger, operators)
    scene = Above(units, trigger.voice, authority, members)
    if is_ungoverned(trigger, above, units):
        return Stance(None, Drop.UNGOVERNED, why)
    for hit in above:
        if stage is not None and drop in ANSWERABLE and hit.operator.effect in {Effect.REJECT, Effect.GRANT}:
            drop = None  # whoever asked: here is the answer
        if drop is not None or stage is None:
            break
        bent, drop = bend(stage, hit, scene)
        stage = Stage.PROPOSED if drop in ANSWERABLE and hit.noun else bent
        why = (*why, hit.operator.id)
    return Stance(None if drop else stage, drop, why)


Own = tuple[Stage | None, Drop | None, tuple[str, ...]]
"""Stage, reason to drop, and what said so, from the verb's own helping words."""


def _own_words(units: Sequence[Unit], trigger: Trigger) -> Own:
    """What the helping words alone say: negation first, then modality."""
    return _negation(units, trigger) or _modality(units, trigger)


def _negation(units: Sequence[Unit], trigger: Trigger) -> Own | None:
    aux, stage = set(trigger.auxiliaries), trigger.phrase.stage
    if "longer" in aux:
        return at_most(stage, Stage.DECIDED if aux & words().future else Stage.EFFECTIVE), None, ("no-longer",)
    if trigger.voice in {Voice.ACTIVE, Voice.PASSIVE} and _nobody(units, trigger):
        return None, Drop.NEGATED, ("no-one",)
    if not aux & words().negations:
        return None
    if {"should", "have"} <= aux:
        return rejected(stage), None, ("should-not-have",)
    if aux & (words().future | {"won't", "would", "wouldn't"}):
        return rejected(stage), None, ("will-not",)
    return None, Drop.NEGATED, ("not",)


def _nobody(units: Sequence[Unit], trigger: Trigger) -> bool:
    before = units[max(trigger.left, trigger.start - 9) : trigger.start]
    return any(unit.text in {"no", "none", "nobody", "neither"} for unit in before)


def _modality(units: Sequence[Unit], trigger: Trigger) -> Own:
    aux, stage = set(trigger.auxiliaries), trigger.phrase.stage
    if aux & words().future:
        return at_most(stage, Stage.DECIDED), None, ("will",)
    if aux & words().wish:
        return None, Drop.CALL, ("should",)
    if "would" in aux:
        return _would(units, trigger, stage)
    if aux & words().maybe:
        return at_most(stage, Stage.PROPOSED), None, ("may",)
    if trigger.form is Form.ING and aux & {"is", "are", "'s", "'re"}:
        return at_most(stage, Stage.DECIDED), None, ("is-doing",)
    planned = "to" in aux and aux & {"is", "are", "was", "were"}
    if planned or (trigger.voice is Voice.INFINITIVE and _actor_to(units, trigger)):
        return at_most(stage, Stage.DECIDED), None, ("is-to",)
    return stage, None, ()


def _would(units: Sequence[Unit], trigger: Trigger, stage: Stage) -> Own:
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
