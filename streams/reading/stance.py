"""How far a change has come, from the words around its verb: auxiliaries, negation, and the operators above it.

The verb's own auxiliaries are read first, then the operators that govern it, nearest first. An infinitive, a gerund
or a noun is governed by what stands before it ("refused TO LIST", "a bid TO LIFT"); a finite verb only through
"that", "whether" or "if". A subject clause may be judged by what follows ("appeals TO BLOCK it WERE DISMISSED").
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from streams.reading.clauses import Trigger, Voice
from streams.reading.operators import Effect, Hit
from streams.reading.phrases import Form
from streams.reading.tokens import Kind, Unit
from streams.reading.words import words
from streams.records import AuthorityKey, Stage


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


_FUTURE = frozenset({"will", "'ll", "shall"})
_MAYBE = frozenset({"may", "might", "could", "can"})
_WISH = frozenset({"should", "must", "ought"})
_NOT = frozenset({"not", "never", "n't", "no", "cannot", "didn't", "doesn't", "don't", "won't", "hasn't", "haven't", "isn't", "aren't", "wasn't", "weren't", "can't", "wouldn't"})
_DRAFTS = frozenset({"bill", "draft", "law", "motion", "order", "resolution", "legislation", "text", "proposal"})


def judge(units: Sequence[Unit], trigger: Trigger, operators: Sequence[Hit], authority: AuthorityKey | None, members: bool) -> Stance:
    """The stage of the change at `trigger`. `members`: the authority is a body that states are members of."""
    stage, drop, why = _own_words(units, trigger)
    governing = _governing(units, trigger, operators)
    if _ungoverned(trigger, governing, units):
        return Stance(None, Drop.UNGOVERNED, why)
    for hit in governing:
        if drop is not None or stage is None:
            break
        stage, drop = _apply(stage, hit, units, trigger, authority, members)
        why = (*why, hit.operator.id)
    return Stance(None if drop else stage, drop, why)


def _own_words(units: Sequence[Unit], trigger: Trigger) -> tuple[Stage | None, Drop | None, tuple[str, ...]]:
    """What the auxiliaries alone say."""
    aux = set(trigger.auxiliaries)
    stage = trigger.phrase.stage
    if "should" in aux and aux & _NOT and "have" in aux:
        return _rejected(stage), None, ("should-not-have",)
    if any(unit.text in {"no", "none", "nobody", "neither"} for unit in units[max(trigger.left, trigger.start - 9) : trigger.start]) and trigger.voice in {Voice.ACTIVE, Voice.PASSIVE} and "longer" not in aux:
        return None, Drop.NEGATED, ("no-one",)
    if "longer" in aux:
        return _at_most(stage, Stage.DECIDED if aux & _FUTURE else Stage.EFFECTIVE), None, ("no-longer",)
    if aux & _NOT:
        if aux & (_FUTURE | {"won't", "would", "wouldn't"}):
            return _rejected(stage), None, ("will-not",)
        return None, Drop.NEGATED, ("not",)
    if aux & _FUTURE:
        return _at_most(stage, Stage.DECIDED), None, ("will",)
    if aux & _WISH:
        return None, Drop.CALL, ("should",)
    if "would" in aux:
        return _would(units, trigger, stage)
    if aux & _MAYBE:
        return _at_most(stage, Stage.PROPOSED), None, ("may",)
    if "to" in aux and aux & {"is", "are", "was", "were"}:
        return _at_most(stage, Stage.DECIDED), None, ("is-to",)
    if trigger.voice is Voice.INFINITIVE and _actor_to(units, trigger):
        return _at_most(stage, Stage.DECIDED), None, ("is-to",)
    return stage, None, ()


def _would(units: Sequence[Unit], trigger: Trigger, stage: Stage) -> tuple[Stage | None, Drop | None, tuple[str, ...]]:
    if any(unit.text in _DRAFTS for unit in units[: trigger.start]):
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


def _governing(units: Sequence[Unit], trigger: Trigger, operators: Sequence[Hit]) -> list[Hit]:
    """The operators above the trigger, nearest first."""
    before = [h for h in operators if trigger.left <= h.end and h.end <= trigger.start]
    bound = trigger.voice in {Voice.INFINITIVE, Voice.GERUND, Voice.NOUN}
    if bound and trigger.voice is Voice.GERUND and _loose_gerund(units, trigger):
        bound = False
    governing: list[Hit] = []
    reach = trigger.start
    for hit in reversed(before):
        if hit.operator.effect is Effect.QUESTION and _is_weighed(hit, before):
            continue
        if not bound and hit.operator.effect is not Effect.QUESTION and not _linked(units, hit.end, reach):
            continue
        if bound and _breaks(units, hit.end, reach):
            break
        governing.append(hit)
        reach = hit.start
        bound = True
    return governing + _judged_after(units, trigger, operators)


def _is_weighed(question: Hit, before: Sequence[Hit]) -> bool:
    """`considering whether to`: the weighing is said, so the question adds nothing."""
    return any(hit.end == question.start and hit.operator.effect is Effect.PROPOSE for hit in before)


def _ungoverned(trigger: Trigger, governing: Sequence[Hit], units: Sequence[Unit]) -> bool:
    """`Listing the group would weaken ...`: a gerund that opens its clause is a thought, unless something enacts it."""
    return trigger.voice is Voice.GERUND and not governing and not _loose_gerund(units, trigger) and not _enacted(units, trigger)


def _enacted(units: Sequence[Unit], trigger: Trigger) -> bool:
    """`a resolution recognising X`, `an order on Sunday outlawing X`, and headlines of the form `A banning X`."""
    return any(unit.text in _ACTS or unit.kind in {Kind.ACTOR, Kind.STATUS} for unit in units[trigger.left : trigger.start])


def _loose_gerund(units: Sequence[Unit], trigger: Trigger) -> bool:
    """`renewed its list, keeping X on it`: a gerund behind a comma goes along with the main verb, it is not governed."""
    start = trigger.start - 1
    return start >= 0 and units[start].text == ","


def _linked(units: Sequence[Unit], start: int, stop: int) -> bool:
    """`denied that X had been removed`, `said it would ban`, `erred when they struck`: the clause is the verb's object."""
    if stop == start:
        return True
    if _breaks(units, start, stop):
        return False
    if any(unit.text in {"whether", "if", "it", "they", "reports"} for unit in units[start : min(stop, start + 3)]):
        return True
    opener = next((i for i in range(start, stop) if units[i].text == "that"), None)
    return opener is not None and (opener == start or not units[opener - 1].text in RULINGS)


RULINGS = frozenset("ruling judgment judgement verdict decision move step listing designation ban measure law decree order act resolution".split())
"""Nouns that a relative clause tells of, rather than verbs whose object it is."""
LEGAL = frozenset("law decree order act resolution".split())
"""Those of them that do what their relative clause says: `signed a decree that designates X` is the news itself."""


def _breaks(units: Sequence[Unit], start: int, stop: int) -> bool:
    """Whether a conjunction of main clauses stands between operator and trigger."""
    between = units[start:stop]
    return any(unit.text in {";", "but"} for unit in between)


def _judged_after(units: Sequence[Unit], trigger: Trigger, operators: Sequence[Hit]) -> list[Hit]:
    """`appeals to block its proscription were dismissed`: the passive behind judges the attempt before it."""
    if trigger.voice not in {Voice.INFINITIVE, Voice.NOUN}:
        return []
    after = [h for h in operators if trigger.end <= h.start < trigger.right and not h.noun]
    return [h for h in after[:1] if units[h.start - 1].text in words().be_forms]


_LOWER = {Stage.PROPOSED: 0, Stage.DECIDED: 1, Stage.EFFECTIVE: 2}


def _at_most(stage: Stage, cap: Stage) -> Stage:
    return stage if stage is Stage.REJECTED or _LOWER[stage] < _LOWER[cap] else cap


def _rejected(stage: Stage) -> Stage | None:
    return None if stage is Stage.REJECTED else Stage.REJECTED


def _apply(
    stage: Stage, hit: Hit, units: Sequence[Unit], trigger: Trigger, authority: AuthorityKey | None, members: bool
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
    if effect is Effect.AFFIRM and trigger.voice is Voice.INFINITIVE and units[hit.start].text in {"tell", "tells", "told"}:
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
    return any(unit.text in _NOT for unit in units[max(0, hit.start - 3) : hit.start])


def _request(
    stage: Stage, hit: Hit, units: Sequence[Unit], authority: AuthorityKey | None, members: bool
) -> tuple[Stage | None, Drop | None]:
    """A request counts where the asker may ask: an organ of the authority itself, or a member of the body."""
    if hit.noun and not _asked_by_outsiders(units, hit):
        return _at_most(stage, Stage.PROPOSED), None
    asker = next((u for u in reversed(units[: hit.start]) if u.kind in {Kind.ACTOR, Kind.GROUP} and not (u.demonym and u.noun is None)), None)
    if asker is None or asker.kind is Kind.GROUP:
        return None, Drop.THIRD_PARTY
    asked = [u for u in units[hit.end : hit.end + 8] if u.kind is Kind.ACTOR]
    if hit.operator.id == "ask" and not hit.noun and not members and not any("court" in (u.noun or "").lower() for u in asked):
        return None, Drop.THIRD_PARTY  # who asks a state asks from outside it, unless it is its own court
    if asker.authority in {None, authority} or members:
        return _at_most(stage, Stage.PROPOSED), None
    return None, Drop.THIRD_PARTY


def _asked_by_outsiders(units: Sequence[Unit], hit: Hit) -> bool:
    """Whether a noun of asking has an asker of its own that is no authority: "a campaign group's petition"."""
    return any(unit.kind is Kind.GROUP for unit in units[max(0, hit.start - 2) : hit.start] if unit.possessive)


def is_static(units: Sequence[Unit], trigger: Trigger, headline: bool) -> bool:
    """Whether the words describe a standing rather than a change: "is designated by", "X, outlawed in A"."""
    if headline:
        return False
    aux = set(trigger.auxiliaries)
    if aux & {"now", "hereby", "longer", "has", "have", "had", "will", "to", "being", "may", "could", "would"} or trigger.voice in {Voice.INFINITIVE, Voice.GERUND, Voice.NOUN}:
        return False
    if trigger.voice is Voice.PASSIVE:
        return bool(aux & {"is", "are", "'s"})
    if trigger.voice is Voice.REDUCED and trigger.slot is not None and units[trigger.slot].kind is Kind.STATUS:
        return units[trigger.slot].weak
    if trigger.voice is Voice.REDUCED:
        return not any(unit.text in {"on", "in"} and i + 1 < len(units) and units[i + 1].text.isdigit() for i, unit in enumerate(units))
    return trigger.form in {Form.PRESENT, Form.BASE} and trigger.phrase.id in _STANDING_VERBS and not _is_acted_in(units, trigger)


def _is_acted_in(units: Sequence[Unit], trigger: Trigger) -> bool:
    """`signed a decree that designates X`: the present tense of a text that does what it says."""
    if any(unit.text in _ACTS for unit in units[max(trigger.left, trigger.start - 3) : trigger.start]):
        return True
    opener = next((i for i in range(trigger.start - 1, max(trigger.start - 4, -1), -1) if units[i].text in {"that", "which"}), None)
    return opener is not None and any(unit.text in _ACTS for unit in units[max(0, opener - 7) : opener])


_ACTS = frozenset("law decree order resolution act bill decision ruling ordinance notice regulation proclamation measure motion".split())


_STANDING_VERBS = frozenset({"list", "declare-terrorist", "designate", "ban", "keep-on-list", "ban-lapses"})
