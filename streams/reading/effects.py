"""What an operator above a change does to its stage. Which operators stand above is `governing`'s part.

The scale is proposed < decided < effective; `rejected` is off it, and rejecting what is rejected leaves nothing to
claim. Who asks matters: a request counts from an organ of the authority itself or from a member of the body asked,
a call counts from the authority's own parliament.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from streams.reading.operators import Effect, Hit
from streams.reading.tokens import Kind, Unit
from streams.reading.triggers import Voice
from streams.reading.words import words
from streams.records import AuthorityKey
from streams.registry.entries import Act
from streams.vocabulary import Change, Stage


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


ANSWERABLE = frozenset({Drop.CALL, Drop.THIRD_PARTY})
"""Somebody's wish, which counts for nothing until the authority answers it: "rejected a call by Israel to list X"."""


class Above(NamedTuple):
    """What an operator is judged by."""

    units: Sequence[Unit]
    voice: Voice
    authority: AuthorityKey | None
    members: bool  # the authority is a body that states are members of
    decided: bool  # the act is spoken of as a decision: "the decision to list X"


Bent = tuple[Stage | None, Drop | None]
"""The stage that is left, or why there is no claim."""

_LOWER = {Stage.PROPOSED: 0, Stage.DECIDED: 1, Stage.EFFECTIVE: 2}


def at_most(stage: Stage, cap: Stage) -> Stage:
    """The stage, held down to `cap`."""
    return stage if stage is Stage.REJECTED or _LOWER[stage] < _LOWER[cap] else cap


def rejected(stage: Stage) -> Stage | None:
    """What refusing the stage leaves; None for a refusal refused."""
    return None if stage is Stage.REJECTED else Stage.REJECTED


def bend(stage: Stage, hit: Hit, above: Above) -> Bent:
    """The stage under one more operator; those that turn an act over are `undone`'s and `halted`'s part."""
    negated = _negated(above.units, hit)
    match hit.operator.effect:
        case Effect.QUESTION | Effect.REACT as effect:
            return None, Drop.QUESTION if effect is Effect.QUESTION else Drop.CALL
        case Effect.CALL:
            return _refused(stage) if negated and _is_own(hit, above) else _called(stage, hit, above)
        case Effect.GRANT | Effect.UPHOLD | Effect.ENACT:
            return (None, Drop.HYPOTHETICAL) if _is_law(hit, above) else (_granted(stage, hit, above), None)
        case Effect.REJECT:
            return _rejected(stage, hit, above, negated)
        case Effect.AFFIRM:
            return _affirmed(stage, hit, above, negated)
        case Effect.FOLLOW:
            return _refused(stage) if negated else (stage, None)
        case Effect.REOPEN:
            return Stage.PROPOSED, None
        case Effect.REQUEST if not negated:
            return _requested(stage, hit, above)
        case Effect.PROPOSE:
            return _refused(stage) if negated else (Stage.PROPOSED, None)  # also "reviews whether to keep X on it"
        case _:
            return _refused(stage) if negated else (at_most(stage, Stage.DECIDED), None)


def _rejected(stage: Stage, hit: Hit, above: Above, negated: bool) -> Bent:
    if _is_anothers(hit, above):
        return None, Drop.CALL
    return (stage, None) if negated else _refused(stage)


def _is_anothers(hit: Hit, above: Above) -> bool:
    """`China opposes the U.S. decision to delist X`: who is against it is not who decides, unless a member is."""
    if hit.noun or above.members or above.units[hit.start - 1].text in words().be_forms:
        return False
    actor = next((unit for unit in reversed(above.units[: hit.start]) if _can_ask(unit)), None)
    if actor is None or actor.kind is Kind.GROUP or actor.possessive:
        return False
    return actor.authority not in {None, above.authority}


def _negated(units: Sequence[Unit], hit: Hit) -> bool:
    return any(unit.text in words().negations for unit in units[max(0, hit.start - 3) : hit.start])


def _refused(stage: Stage) -> Bent:
    return (None, Drop.DOUBLE_NEGATION) if stage is Stage.REJECTED else (Stage.REJECTED, None)


def _affirmed(stage: Stage, hit: Hit, above: Above, negated: bool) -> Bent:
    """`said it had listed X`; but `told Brussels to list X` is a call, and what was not said is not so."""
    told_to = above.voice is Voice.INFINITIVE and above.units[hit.start].text in {"tell", "tells", "told"}
    if told_to and not _is_own_order(hit, above):
        return None, Drop.CALL
    return (None, Drop.NEGATED) if negated else (stage, None)


def _is_own_order(hit: Hit, above: Above) -> bool:
    """`an order tells the State Department to review X`: the authority to itself."""
    before = above.units[: hit.start]
    free = (u for i, u in enumerate(before) if _can_ask(u) and not (i and before[i - 1].text in words().prepositions))
    teller = next(reversed(tuple(free)), None)
    return teller is not None and teller.authority == above.authority and teller.act is not Act.SPEAKS


def _is_law(hit: Hit, above: Above) -> bool:
    """`the constitution allows it to be banned`: what could be done."""
    return hit.start > 0 and above.units[hit.start - 1].text in {"constitution", "law", "act", "code"}


def _granted(stage: Stage, hit: Hit, above: Above) -> Stage:
    """What was asked for is given: by a court at once, by others as a decision; a bill signed into law is law."""
    if hit.operator.effect is Effect.ENACT:
        return stage if stage is Stage.REJECTED else Stage.EFFECTIVE
    if _is_draft_of_cabinet(hit, above):
        return stage
    actors = (unit for unit in above.units[: hit.start] if unit.kind is Kind.ACTOR)
    if above.members and any(not _PANELS.isdisjoint(unit.text.split()) for unit in actors):
        return stage  # a committee that approves an entry makes it
    if names_court(above.units):
        return Stage.EFFECTIVE if stage is Stage.PROPOSED else stage
    return Stage.DECIDED if stage is Stage.PROPOSED else at_most(stage, Stage.DECIDED)


def names_court(units: Sequence[Unit]) -> bool:
    """Whether a court or tribunal is among the units."""
    return any("court" in (unit.noun or "").lower() or "tribunal" in unit.text for unit in units)


_PANELS = frozenset({"committee", "council", "panel"})


def _is_draft_of_cabinet(hit: Hit, above: Above) -> bool:
    """`the cabinet backs a bill that would ban X`: parliament has still to pass it."""
    if not any(unit.text in {"bill", "draft", "legislation"} for unit in above.units[hit.end : hit.end + 4]):
        return False
    backer = next((unit for unit in reversed(above.units[: hit.start]) if unit.kind is Kind.ACTOR), None)
    return backer is None or not is_parliament(backer)


def _is_own(hit: Hit, above: Above) -> bool:
    """`the Swiss government does not want to outlaw X`: the wish of who would act."""
    actor = next((unit for unit in reversed(above.units[: hit.start]) if unit.kind is Kind.ACTOR), None)
    return actor is not None and actor.authority in {None, above.authority} and not hit.noun


def _called(stage: Stage, hit: Hit, above: Above) -> Bent:
    """A call is no claim, unless the authority's own parliament makes it."""
    if any(unit.text in {"bill", "motion", "legislation"} for unit in above.units[max(0, hit.start - 4) : hit.start]):
        return at_most(stage, Stage.PROPOSED), None  # "a bill that calls on the government to list X"
    caller = next((u for u in reversed(above.units[: hit.start]) if u.kind is Kind.ACTOR and u.noun is not None), None)
    stranger = caller is None or caller.authority not in {None, above.authority} or caller.act is Act.SPEAKS
    signed = any(unit.text == "petition" for unit in above.units[: hit.start])  # "on the website of the parliament"
    if caller is None or stranger or signed or hit.operator.id != "demand":
        return None, Drop.CALL
    return (at_most(stage, Stage.PROPOSED), None) if is_parliament(caller) else (None, Drop.CALL)


def is_parliament(unit: Unit) -> bool:
    """Whether the actor is a parliament, a chamber, or its members."""
    return not words().parliaments.isdisjoint((unit.noun or unit.text).lower().split())


def _requested(stage: Stage, hit: Hit, above: Above) -> Bent:
    """A request counts where the asker may ask: an organ of the authority itself, or a member of the body."""
    if hit.noun and not _asked_by_outsiders(above.units, hit):
        return at_most(stage, Stage.PROPOSED), None
    asker = next((u for u in reversed(above.units[: hit.start]) if _can_ask(u)), None)
    if not hit.noun and any(unit.text in _OTHERS for unit in above.units[hit.end : hit.end + 4]):
        return None, Drop.THIRD_PARTY
    if asker is None or asker.kind is Kind.GROUP:
        return None, Drop.THIRD_PARTY
    opposed = any(unit.text == "opposition" for unit in above.units[: hit.start])  # no majority of the house
    if is_parliament(asker) and not opposed and asker.authority in {None, above.authority}:
        return at_most(stage, Stage.PROPOSED), None  # "the Senate urged the government to list X"
    if hit.operator.id == "ask" and not hit.noun and not above.members and not _asks_own_organ(above.units, hit):
        return None, Drop.THIRD_PARTY  # who asks a state asks from outside it, unless it is its own court or parliament
    if asker.authority in {None, above.authority} or above.members:
        return at_most(stage, Stage.PROPOSED), None
    return None, Drop.THIRD_PARTY


_OTHERS = frozenset({"world", "states", "nations", "countries", "community", "governments", "capitals", "allies"})
"""`Arab ministers urge the world to list X`: others are asked, whoever they are."""


def _can_ask(unit: Unit) -> bool:
    return unit.kind in {Kind.ACTOR, Kind.GROUP} and not (unit.demonym and unit.noun is None)


def _asks_own_organ(units: Sequence[Unit], hit: Hit) -> bool:
    asked = units[hit.end : hit.end + 8]
    if any(unit.text in {"courts", "judges"} for unit in asked):
        return True
    return any(
        unit.kind is Kind.ACTOR
        and ("court" in (unit.noun or "").lower() or (unit.authority is None and unit.noun == "parliament"))
        for unit in asked
    )


def _asked_by_outsiders(units: Sequence[Unit], hit: Hit) -> bool:
    """Whether a noun of asking has an asker of its own that is no authority: "a campaign group's petition"."""
    if not _PUBLIC.isdisjoint(unit.text for unit in units[: hit.start]):
        return True
    return any(unit.kind is Kind.GROUP for unit in units[max(0, hit.start - 2) : hit.start] if unit.possessive)


_PUBLIC = frozenset({"people", "citizens", "signatures", "activists", "campaigners", "exiles", "residents"})
"""Whose petitions are nobody's act."""


def halted(change: Change, stage: Stage) -> tuple[Change, Stage] | None:
    """What is left of a change when the act that made it is put on hold."""
    if change is Change.LISTING:
        return Change.SUSPENSION, Stage.EFFECTIVE
    return None if stage is Stage.REJECTED else (change, Stage.REJECTED)


def undone(change: Change, stage: Stage) -> tuple[Change, Stage] | None:
    """What is left of a change when the act that made it is undone; None where nothing can be said."""
    if change is Change.LISTING:
        return Change.DELISTING, stage
    if stage is Stage.REJECTED:  # an act that kept it listed
        return (change, Stage.EFFECTIVE) if change is Change.DELISTING else None
    return change, Stage.REJECTED
