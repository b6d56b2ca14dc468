"""One sentence's candidate claims: what each trigger in it says, of whom, how far, and when."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from streams.reading.actors import Agent, agent
from streams.reading.attribution import Attribution
from streams.reading.clauses import find_triggers
from streams.reading.context import Focus, Named
from streams.reading.operators import Hit, find_operators
from streams.reading.patients import patient
from streams.reading.phrases import Form
from streams.reading.sentences import Sentence
from streams.reading.stance import Drop, Stance, judge
from streams.reading.static import is_static
from streams.reading.times import When, is_before
from streams.reading.tokens import Kind, Unit
from streams.reading.triggers import Trigger
from streams.reading.words import words
from streams.records import AuthorityKey, GroupKey, PartialDate
from streams.registry import Registry
from streams.registry.entries import AuthorityKind
from streams.vocabulary import Change, Stage


@dataclass(frozen=True, slots=True)
class Candidate:
    """A possible claim; with `drop` set it is none, and that is why."""

    group: GroupKey | None
    authority: AuthorityKey | None
    change: Change
    stage: Stage | None
    rule: str
    why: tuple[str, ...]
    sentence: Sentence
    drop: Drop | None
    when: When | None
    background: bool
    scope: GroupKey | None
    position: int  # the sentence that told of the change, where another names the groups
    told: bool  # announced as done: "said that X had been / has been ..."
    awaits: bool  # it speaks of several groups that a later sentence may name
    guessed: int  # how many roles context had to fill: lowers confidence
    voice: Attribution
    instrument: str | None = None

    @property
    def date(self) -> PartialDate | None:
        """The stated date, weekdays left out: they only say that it is today's news."""
        return self.when.date if self.when is not None and not self.when.weekday else None


@dataclass(frozen=True, slots=True)
class Scene:
    """All that is known of a sentence before its changes are read."""

    sentence: Sentence
    units: Sequence[Unit]
    operators: Sequence[Hit]
    times: Sequence[When]
    voice: Attribution
    today: date | None


def scene(
    sentence: Sentence, units: Sequence[Unit], times: Sequence[When], voice: Attribution, today: date | None
) -> Scene:
    """The sentence, prepared."""
    return Scene(sentence, units, find_operators(units), times, voice, today)


def candidates(view: Scene, focus: Focus, registry: Registry) -> Iterator[Candidate]:
    """Every candidate of the sentence, dropped ones included, with their reasons."""
    for trigger in find_triggers(view.units, focus.list_in_sight):
        yield from _of_trigger(view, trigger, focus, registry)


def _of_trigger(view: Scene, trigger: Trigger, focus: Focus, registry: Registry) -> Iterator[Candidate]:
    units = view.units
    who = agent(units, trigger)
    whom = patient(units, trigger)
    groups = focus.groups_for(whom, units)
    authorities = who.authorities or tuple(a for a in (focus.authority_for(units, who.unit),) if a is not None)
    guessed = int(not whom.units) + int(not who.authorities)
    awaits = not groups and whom.stand_in in {"one", "many", "listed"}
    drop = _structural_drop(view, trigger, who, groups, authorities)
    if focus.platform and (not who.authorities or trigger.phrase.id == "ban"):
        drop = Drop.PLATFORM
    if trigger.phrase.needs_actor and not who.authorities:
        drop = Drop.NO_AUTHORITY
    for authority in authorities or (None,):
        kind = registry.authorities[authority].kind if authority in registry.authorities else None
        stance = judge(units, trigger, view.operators, authority, kind is AuthorityKind.BODY)
        if stance.drop is Drop.NEGATED and view.sentence.number == 1 and authority == view.voice.authority:
            stance = Stance(Stage.REJECTED, None, (*stance.why, "own-denial"))
        for named in groups or (None,):
            fate = drop or stance.drop
            yield _candidate(
                view,
                trigger,
                stance,
                fate,
                named,
                authority,
                (guessed, awaits and fate is Drop.NO_GROUP),
                registry,
            )


def _structural_drop(
    view: Scene,
    trigger: Trigger,
    who: Agent,
    groups: tuple[Named, ...],
    authorities: tuple[AuthorityKey, ...],
) -> Drop | None:
    if who.platform:
        return Drop.PLATFORM
    if who.group_acts:
        return Drop.GROUP_ACTS
    if is_static(view.units, trigger, view.sentence.number == 0):
        return Drop.STATIC
    if not groups:
        return Drop.NO_GROUP
    return None if authorities else Drop.NO_AUTHORITY


def _candidate(
    view: Scene,
    trigger: Trigger,
    stance: Stance,
    drop: Drop | None,
    named: Named | None,
    authority: AuthorityKey | None,
    filled: tuple[int, bool],
    registry: Registry,
) -> Candidate:
    when = _when(view, trigger)
    return Candidate(
        group=named.group if named is not None else None,
        scope=named.scope if named is not None else None,
        authority=authority,
        change=_change(trigger),
        stage=stance.stage,
        rule=trigger.phrase.id,
        why=stance.why,
        sentence=view.sentence,
        drop=drop,
        when=when,
        background=_is_background(view, trigger, when),
        position=view.sentence.number,
        told="hereby" in trigger.auxiliaries
        or (bool(set(trigger.auxiliaries) & {"has", "have"}) and "announce" in stance.why),
        awaits=filled[1],
        guessed=filled[0],
        voice=view.voice,
        instrument=_instrument(view, authority, registry),
    )


def _change(trigger: Trigger) -> Change:
    """The phrase's change; what is no longer called terrorist has been delisted."""
    turned = "longer" in trigger.auxiliaries and trigger.phrase.change is Change.LISTING
    return Change.DELISTING if turned else trigger.phrase.change


def _when(view: Scene, trigger: Trigger) -> When | None:
    """The time nearest to the verb within its clause; one behind it first; else the day of the report itself."""
    start, end = view.units[trigger.left].start, view.units[trigger.right - 1].end
    verb = view.units[trigger.start].start
    inside = [w for w in view.times if start <= w.start and w.end <= end]
    told = next((w for w in view.times if view.today is not None and w.date == view.today.isoformat()), None)
    return min(inside, key=lambda w: (w.weekday, abs(w.start - verb) * (1 if w.start > verb else 2)), default=told)


def _is_background(view: Scene, trigger: Trigger, when: When | None) -> bool:
    """Whether the clause itself tells of the past: a stated day well before the story, or a word that says so."""
    if when is not None and when.date is not None and view.today is not None and is_before(when.date, view.today, 10):
        return True
    if when is not None and when.since:
        return True
    if "had" in trigger.auxiliaries and not _reported(view, trigger):
        return True
    if _is_retold(view, trigger) or _is_when(view, trigger):
        return True
    window = view.units[max(trigger.left, trigger.start - 5) : min(trigger.right, trigger.end + 12)]
    return (
        any(unit.text in words().past_cues for unit in window)
        or _has(window, "last", {"year", "month", "week"})
        or _first_listed(view, trigger)
    )


def _is_when(view: Scene, trigger: Trigger) -> bool:
    """`announced on Wednesday when it listed X`: a time is told by the change, which is known. The lead may tell it so."""
    opener = view.units[trigger.left - 1].text if trigger.left else ""
    if any(hit.end == trigger.left for hit in view.operators):
        return False  # "erred when they struck": the clause is what the verb is about
    return opener == "when" or (opener in {"after", "since", "before"} and view.sentence.number > 1)


def _is_retold(view: Scene, trigger: Trigger) -> bool:
    """`commenting on a ruling that suspended the ban`: the change is the ground of the story, not its news."""
    for index in range(trigger.start - 1, max(trigger.start - 4, 0), -1):
        if view.units[index].text in {"that", "which"}:
            return any(
                unit.text in words().rulings - words().legal_texts for unit in view.units[max(0, index - 6) : index]
            )
    return False


def _reported(view: Scene, trigger: Trigger) -> bool:
    """`denied that it had been removed`: the pluperfect of reported speech is no history."""
    return any(h.operator.id in {"refuse", "announce"} for h in view.operators if h.end <= trigger.start)


def _has(window: Sequence[Unit], first: str, second: set[str]) -> bool:
    return any(a.text == first and b.text in second for a, b in zip(window, window[1:], strict=False))


def _first_listed(view: Scene, trigger: Trigger) -> bool:
    before = view.units[trigger.start - 1].text if trigger.start else ""
    return before in {"first", "originally"} and trigger.form is not Form.BASE


def _instrument(view: Scene, authority: AuthorityKey | None, registry: Registry) -> str | None:
    """The instrument of the authority that the sentence names, the longest name first."""
    if authority is None or authority not in registry.authorities:
        return None
    spoken = " ".join(unit.text for unit in view.units if unit.kind is not Kind.PUNCT)
    names = [(text.lower(), i.key) for i in registry.authorities[authority].instruments for text in (i.name, *i.short)]
    return next((key for text, key in sorted(names, key=lambda n: -len(n[0])) if text in spoken), None)


_REACH = 6
"""How many sentences a promise of names holds: notices give each name a line of its own."""


def _still_waits(c: Candidate, view: Scene, found: Sequence[Candidate]) -> bool:
    """Whether names for `c` are still to come: none yet, or a list of short lines that goes on."""
    if view.sentence.number - c.sentence.number > _REACH:
        return False
    named = [
        other.sentence.number
        for other in found
        if other.position == c.position and other.rule == c.rule and not other.awaits
    ]
    return not named or (max(named) == view.sentence.number - 1 and len(view.units) <= _LINE)


_LINE = 14


def named_later(
    found: Sequence[Candidate], view: Scene, fresh: Sequence[Candidate], groups: Sequence[Named]
) -> list[Candidate]:
    """What earlier sentences said of several unnamed groups, said of those that this sentence names.

    Only where this sentence has no change of its own: "The order applies to X and Y" goes on, "X was banned" does not.
    """
    waiting = [c for c in found if c.awaits]
    if not groups or any(c.drop is None for c in fresh):
        return []
    return [
        replace(
            c,
            group=named.group,
            scope=named.scope,
            drop=None,
            awaits=False,
            sentence=view.sentence,
            guessed=1,
        )
        for c in waiting
        if c.authority is not None and c.stage is not None and _still_waits(c, view, found)
        for named in groups
    ]
