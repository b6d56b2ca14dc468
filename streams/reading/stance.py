"""How far a change has come, from the words around its verb: auxiliaries and negation first, then the operators above."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from streams.reading.governing import is_ungoverned, operators_above
from streams.reading.operators import Effect, Hit
from streams.reading.tokens import Kind, Unit
from streams.reading.triggers import Trigger, Voice
from streams.reading.words import words
from streams.records import AuthorityKey
from streams.vocabulary import Stage


class Drop(StrEnum):
    """Why a candidate makes no claim; a closed set, counted and shown by `scan --explain`."""

    CALL = "call-or-wish"
    QUESTION = "question-or-condition"
    NEGATED = "negated"
    STATIC = "static-wording"
    NO_GROUP = "no-group"
    NO_AUTHORITY = "no-authority"
    THIRD_PARTY = "asked-by-a-third-party"
    PLATFORM = "company-or-platform"
    GROUP_ACTS = "the-group-itself-acts"
    OPINION = "opinion"
    HYPOTHETICAL = "hypothetical"
    DOUBLE_NEGATION = "attempt-against-an-attempt"
    UNGOVERNED = "noun-without-an-act"
    REPEATED = "said-better-elsewhere"


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
    if is_ungoverned(trigger, above, units):
        return Stance(None, Drop.UNGOVERNED, why)
    for hit in above:
        if drop is not None or stage is None:
            break
        stage, drop = _apply(stage, hit, units, trigger, authority, members)
        why = (*why, hit.operator.id)
    return Stance(None if drop else stage, drop, why)


def _own_words(units: Sequence[Unit], trigger: Trigger) -> tuple[Stage | None, Drop | None, tuple[str, ...]]:
    """What the auxiliaries alone say."""
    aux = set(trigger.auxiliaries)
    stage = trigger.phrase.stage
    if "should" in aux and aux & words().negations and "have" in aux:
        return _rejected(stage), None, ("should-not-have",)
    if (
        any(
            unit.text in {"no", "none", "nobody", "neither"}
            for unit in units[max(trigger.left, trigger.start - 9) : trigger.start]
        )
        and trigger.voice in {Voice.ACTIVE, Voice.PASSIVE}
        and "longer" not in aux
    ):
        return None, Drop.NEGATED, ("no-one",)
    if "longer" in aux:
        return _at_most(stage, Stage.DECIDED if aux & words().future else Stage.EFFECTIVE), None, ("no-longer",)
    if aux & words().negations:
        if aux & (words().future | {"won't", "would", "wouldn't"}):
            return _rejected(stage), None, ("will-not",)
        return None, Drop.NEGATED, ("not",)
    if aux & words().future:
        return _at_most(stage, Stage.DECIDED), None, ("will",)
    if aux & words().wish:
        return None, Drop.CALL, ("should",)
    if "would" in aux:
        return _would(units, trigger, stage)
    if aux & words().maybe:
        return _at_most(stage, Stage.PROPOSED), None, ("may",)
    if "to" in aux and aux & {"is", "are", "was", "were"}:
        return _at_most(stage, Stage.DECIDED), None, ("is-to",)
    if trigger.voice is Voice.INFINITIVE and _actor_to(units, trigger):
        return _at_most(stage, Stage.DECIDED), None, ("is-to",)
    return stage, None, ()


def _would(units: Sequence[Unit], trigger: Trigger, stage: Stage) -> tuple[Stage | None, Drop | None, tuple[str, ...]]:
    if any(unit.text in words().drafts for unit in units[: trigger.start]):
        return _at_most(stage, Stage.PROPOSED), None, ("would-under-a-draft",)
    if any(unit.text in {"said", "announced", "says", "announces", "confirmed"} for unit in units):
        return _at_most(stage, Stage.DECIDED), None, ("said-it-would",)
    return None, Drop.HYPOTHETICAL, ("would",)


def _actor_to(units: Sequence[Unit], trigger: Trigger) -> bool:
    """`UK to brand Wagner terrorists`: the actor or the group directly before "to" is the plan of a headline."""
    start = trigger.start - len(trigger.auxiliaries)
    position = next((i for i in range(max(start, 0), trigger.start) if units[i].text == "to"), None)
    if position is None or position == 0:
        return False
    return units[position - 1].kind in {Kind.ACTOR, Kind.GROUP} or units[position - 1].text in words().be_forms


_LOWER = {Stage.PROPOSED: 0, Stage.DECIDED: 1, Stage.EFFECTIVE: 2}


def _at_most(stage: Stage, cap: Stage) -> Stage:
    return stage if stage is Stage.REJECTED or _LOWER[stage] < _LOWER[cap] else cap


def _rejected(stage: Stage) -> Stage | None:
    return None if stage is Stage.REJECTED else Stage.REJECTED


def _apply(
    stage: Stage,
    hit: Hit,
    units: Sequence[Unit],
    trigger: Trigger,
    authority: AuthorityKey | None,
    members: bool,
) -> tuple[Stage | None, Drop | None]:
    effect = hit.operator.effect
    negated = _negated(units, hit)
    if effect is Effect.QUESTION:
        return None, Drop.QUESTION
    if effect is Effect.CALL:
        own = _called_by_parliament(units, hit, authority) and hit.operator.id == "demand"
        return (_at_most(stage, Stage.PROPOSED), None) if own else (None, Drop.CALL)
    if effect is Effect.GRANT:
        court = any("court" in (u.noun or "").lower() or "tribunal" in u.text for u in units[: hit.start])
        return (stage if stage is not Stage.PROPOSED else Stage.EFFECTIVE if court else Stage.DECIDED), None
    if effect is Effect.REJECT:
        return (stage, None) if negated else _reject(stage)
    if (
        effect is Effect.AFFIRM
        and trigger.voice is Voice.INFINITIVE
        and units[hit.start].text in {"tell", "tells", "told"}
    ):
        return None, Drop.CALL
    if effect is Effect.AFFIRM:
        return (None, Drop.NEGATED) if negated else (stage, None)
    if negated:
        return _reject(stage)
    if effect is Effect.REQUEST:
        return _request(stage, hit, units, authority, members)
    return _at_most(stage, Stage.PROPOSED if effect is Effect.PROPOSE else Stage.DECIDED), None


def _called_by_parliament(units: Sequence[Unit], hit: Hit, authority: AuthorityKey | None) -> bool:
    """Whether the authority's own parliament makes the call: that is a proposal, a stranger's call is none."""
    caller = next((u for u in reversed(units[: hit.start]) if u.kind is Kind.ACTOR and u.noun is not None), None)
    if caller is None or caller.authority not in {None, authority}:
        return False
    return any(word in words().parliaments for word in (caller.noun or "").lower().split() + caller.text.split())


def _reject(stage: Stage) -> tuple[Stage | None, Drop | None]:
    return (None, Drop.DOUBLE_NEGATION) if stage is Stage.REJECTED else (Stage.REJECTED, None)


def _negated(units: Sequence[Unit], hit: Hit) -> bool:
    return any(unit.text in words().negations for unit in units[max(0, hit.start - 3) : hit.start])


def _request(
    stage: Stage, hit: Hit, units: Sequence[Unit], authority: AuthorityKey | None, members: bool
) -> tuple[Stage | None, Drop | None]:
    """A request counts where the asker may ask: an organ of the authority itself, or a member of the body."""
    if hit.noun and not _asked_by_outsiders(units, hit):
        return _at_most(stage, Stage.PROPOSED), None
    asker = next(
        (
            u
            for u in reversed(units[: hit.start])
            if u.kind in {Kind.ACTOR, Kind.GROUP} and not (u.demonym and u.noun is None)
        ),
        None,
    )
    if asker is None or asker.kind is Kind.GROUP:
        return None, Drop.THIRD_PARTY
    asked = [u for u in units[hit.end : hit.end + 8] if u.kind is Kind.ACTOR]
    if (
        hit.operator.id == "ask"
        and not hit.noun
        and not members
        and not any("court" in (u.noun or "").lower() for u in asked)
    ):
        return None, Drop.THIRD_PARTY  # who asks a state asks from outside it, unless it is its own court
    if asker.authority in {None, authority} or members:
        return _at_most(stage, Stage.PROPOSED), None
    return None, Drop.THIRD_PARTY


def _asked_by_outsiders(units: Sequence[Unit], hit: Hit) -> bool:
    """Whether a noun of asking has an asker of its own that is no authority: "a campaign group's petition"."""
    return any(unit.kind is Kind.GROUP for unit in units[max(0, hit.start - 2) : hit.start] if unit.possessive)
