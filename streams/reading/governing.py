"""Which operators stand above a trigger and bend it, nearest first.

An infinitive, a gerund or a noun is governed by what stands before it ("refused TO LIST", "a bid TO LIFT"); a finite
verb only through "that", "whether" or "if"; and a subject clause may be judged by what follows it ("appeals TO BLOCK
it WERE DISMISSED").
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from streams.reading.operators import Effect, Hit
from streams.reading.tokens import Kind, Unit
from streams.reading.triggers import Trigger, Voice
from streams.reading.words import singular, words


def operators_above(units: Sequence[Unit], trigger: Trigger, operators: Sequence[Hit]) -> list[Hit]:
    """The operators above the trigger, nearest first."""
    before = [h for h in operators if h.end <= trigger.start and (trigger.left <= h.end or _turns_act(h))]
    bound = trigger.voice in {Voice.INFINITIVE, Voice.GERUND, Voice.NOUN}
    if bound and trigger.voice is Voice.GERUND and _loose_gerund(units, trigger):
        bound = False
    governing: list[Hit] = []
    reach = trigger.start
    for hit in reversed(before):
        if _turns_act(hit):
            if _undoes_act(units, hit, reach, trigger):
                governing.append(hit)
                reach, bound = hit.start, True
                if hit.start and units[hit.start - 1].text == ",":
                    break  # ", annulling the decision": what stands before is another clause
            continue
        own = hit.start >= trigger.start - len(trigger.auxiliaries)
        if hit.operator.effect is Effect.QUESTION and (own or _is_weighed(hit, before)):
            continue  # "must keep": the verb's own helping word is `stance`'s part
        if not bound and hit.operator.effect is not Effect.QUESTION and not _linked(units, hit.end, reach):
            continue
        if bound and _breaks(units, hit.end, reach):
            break
        governing.append(hit)
        reach = hit.start
        bound = True
    return governing + _judged_after(units, trigger, operators)


def _turns_act(hit: Hit) -> bool:
    return hit.operator.effect in {Effect.UNDO, Effect.HALT}


def _undoes_act(units: Sequence[Unit], hit: Hit, reach: int, trigger: Trigger) -> bool:
    """`annulling the decision that put X on the list`, `annulled the inclusion of X`: an act is its object."""
    between = units[hit.end : reach]
    finite = trigger.voice in {Voice.ACTIVE, Voice.PASSIVE}
    if finite and not any(unit.text in {"that", "which"} for unit in units[hit.end : trigger.start]):
        return False  # "annulled a ruling and banned X"
    if any(unit.kind is Kind.STATUS for unit in between[:4]):
        return False  # "suspended the ban under which X was outlawed": the ban is another phrase's
    commas = sum(unit.text == "," for unit in between)
    if commas % 2 or any(unit.text in {";", "but"} for unit in between):
        return False  # two commas hold an aside
    near = units[hit.end : hit.end + 5] if not commas else units[reach : reach + 1]
    return len(between) <= 2 or any(singular(unit.text) in words().rulings for unit in near)


def _is_weighed(question: Hit, before: Sequence[Hit]) -> bool:
    """`considering whether to`: the weighing is said, so the question adds nothing."""
    return any(hit.end == question.start and hit.operator.effect is Effect.PROPOSE for hit in before)


def is_ungoverned(trigger: Trigger, governing: Sequence[Hit], units: Sequence[Unit]) -> bool:
    """`Listing the group would weaken ...`: a gerund that opens its clause is a thought, unless something enacts it."""
    return (
        trigger.voice is Voice.GERUND
        and not governing
        and not _loose_gerund(units, trigger)
        and not _enacted(units, trigger)
        and units[trigger.start - 1].text not in {"after", "since"}
        and main_actor(units, trigger) is None
    )


def main_actor(units: Sequence[Unit], trigger: Trigger) -> int | None:
    """`Designating X, Australia joined Canada`: whoever the clause behind an opening gerund is about."""
    if trigger.voice is not Voice.GERUND or trigger.start > 1:
        return None
    comma = next((i for i in range(trigger.end, len(units) - 1) if units[i].text == ","), None)
    if comma is None:
        return None
    index = comma + 2 if units[comma + 1].text == "the" else comma + 1
    return index if index < len(units) and units[index].kind is Kind.ACTOR and units[index].authority else None


def _enacted(units: Sequence[Unit], trigger: Trigger) -> bool:
    """`a resolution recognising X`, `an order on Sunday outlawing X`, and headlines of the form `A banning X`."""
    return any(
        unit.text in words().acts or unit.kind in {Kind.ACTOR, Kind.STATUS}
        for unit in units[trigger.left : trigger.start]
    )


def _loose_gerund(units: Sequence[Unit], trigger: Trigger) -> bool:
    """`renewed its list, keeping X on it`: a gerund behind a comma goes along with the main verb, ungoverned."""
    start = trigger.start - 1
    return start >= 0 and units[start].text == ","


def _linked(units: Sequence[Unit], start: int, stop: int) -> bool:
    """`denied that X had been removed`, `said it would ban`, `erred when they struck`: the verb's object clause."""
    if stop == start:
        return True
    if _breaks(units, start, stop):
        return False
    if any(unit.text in {"whether", "if", "it", "they", "reports"} for unit in units[start : min(stop, start + 3)]):
        return True
    if _is_subject(units, start, stop):
        return True
    opener = next((i for i in range(start, stop) if units[i].text == "that"), None)
    return opener is not None and (opener == start or units[opener - 1].text not in words().rulings)


def _is_subject(units: Sequence[Unit], start: int, stop: int) -> bool:
    """`hoped the United States would list X`: only the subject of a clause without "that" stands in between."""
    while stop > start and units[stop - 1].text in words().helping_words:
        stop -= 1
    between = units[start:stop]
    plain = all(u.kind is Kind.ACTOR or u.text in words().determiners for u in between)
    return plain and any(u.kind is Kind.ACTOR and not u.possessive for u in between)


def _breaks(units: Sequence[Unit], start: int, stop: int) -> bool:
    """Whether a conjunction of main clauses stands between operator and trigger."""
    between = [unit.text for unit in units[start:stop]]
    return ";" in between or "but" in between or (",", "and") in pairwise(between)


_NEEDS_NO_PASSIVE = frozenset({"effect", "force", "nothing", "through", "failed", "fails"})
"""How the verbs end that need no passive: "the removal of X took effect", "a bid to list X came to nothing"."""


def _judged_after(units: Sequence[Unit], trigger: Trigger, operators: Sequence[Hit]) -> list[Hit]:
    """`appeals to block its proscription were dismissed`: the passive behind judges the attempt before it."""
    decree = trigger.voice is Voice.GERUND and any(u.text in words().acts for u in units[trigger.left : trigger.start])
    as_noun = trigger.voice is Voice.GERUND and trigger.end < len(units) and units[trigger.end].text == "of"
    if trigger.voice not in {Voice.INFINITIVE, Voice.NOUN} and not decree and not as_noun:
        return []
    after = [h for h in operators if trigger.end <= h.start < trigger.right and not h.noun]
    after = [h for h in after if not _turns_act(h) or trigger.voice is not Voice.INFINITIVE]
    return [
        hit
        for hit in after[:1]
        if units[hit.start - 1].text in words().be_forms or units[hit.end - 1].text in _NEEDS_NO_PASSIVE
    ]
