"""One sentence's candidate claims: what each trigger in it says, of whom, how far, and when."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec
from msgspec.structs import replace

from streams.reading.actors import agent
from streams.reading.attribution import Attribution
from streams.reading.clauses import Seen, find_triggers
from streams.reading.context import Focus, Named
from streams.reading.effects import Drop
from streams.reading.nominal import DATED, bans
from streams.reading.operators import Effect
from streams.reading.patients import patient
from streams.reading.phrases import Form
from streams.reading.sentences import Sentence
from streams.reading.stance import Stance, judge
from streams.reading.stand_ins import REACH, counted
from streams.reading.static import is_static
from streams.reading.tenses import Scene, is_background, is_long_ago, time_near, when_of
from streams.reading.times import When
from streams.reading.tokens import Kind
from streams.reading.triggers import Trigger, Voice
from streams.reading.whereabouts import Agent
from streams.reading.words import words
from streams.records import AuthorityKey, GroupKey, PartialDate
from streams.registry import Registry
from streams.registry.entries import AuthorityKind
from streams.vocabulary import Change, Stage


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A possible claim; with `drop` set it is none, and that is why."""

    change: Change
    stage: Stage | None
    rule: str
    why: tuple[str, ...]
    sentence: Sentence
    drop: Drop | None
    when: When | None
    background: bool
    position: int  # the sentence that told of the change, where another names the groups
    fresh: bool  # of the story's own day or the two before it, as far as the text says
    again: bool  # the phrase says that it was not the first time
    also: bool  # "were also named": goes on with what was told before
    told: bool  # announced as done: "said that X had been / has been ..."
    voice: Attribution
    group: GroupKey | None = None
    scope: GroupKey | None = None
    authority: AuthorityKey | None = None
    instrument: str | None = None
    awaits: str | None = None  # the stand-in for groups that a later sentence may name
    expects: int = 0  # how many of them, where the sentence counts them
    guessed: int = 0  # how many roles context had to fill: lowers confidence

    @property
    def date(self) -> PartialDate | None:
        """The stated date, weekdays left out: they only say that it is today's news."""
        return self.when.date if self.when is not None and not self.when.weekday else None


def candidates(view: Scene, focus: Focus, registry: Registry) -> Iterator[Candidate]:
    """Every candidate of the sentence, dropped ones included, with their reasons."""
    seen = Seen(
        focus.list_in_sight or focus.list_seen,
        lambda: focus.list_in_sight or (focus.list_seen and _is_dated(view)),
        focus.status_in_sight,
        focus.act_in_sight,
    )
    triggers = list(find_triggers(view.units, seen))
    taken = {trigger.slot for trigger in triggers if trigger.voice is not Voice.NOUN}
    triggers = [t for t in triggers if t.slot is None or not _is_challenge(t) or t.slot not in taken]
    triggers += bans(view, {trigger.slot for trigger in triggers})
    for trigger in triggers:
        yield from _of_trigger(view, trigger, focus, registry)


def _is_challenge(trigger: Trigger) -> bool:
    """`a bid to have the ban suspended`: where the verb says what is asked for, the noun adds nothing."""
    return trigger.voice is Voice.NOUN and trigger.phrase.stage is Stage.PROPOSED


def _unsaid(view: Scene, trigger: Trigger, focus: Focus, who: Agent) -> tuple[AuthorityKey, ...]:
    """The authority that context gives; where the group is the subject of the verb, whoever tells of it comes first."""
    told = view.voice.authority if trigger.phrase.subject and who.unit is None else None
    behind = [unit.text for unit in view.units[trigger.end : trigger.end + 3]]
    if who.unit is None and behind[:2] == ["in", "the"] and behind[2:] in _HERE:
        told = focus.home  # "has been outlawed in the country since 2005"
    if who.unit is None and trigger.voice is Voice.ACTIVE and not trigger.phrase.subject and _says_it(view, trigger):
        told = focus.subject
    slot = view.units[trigger.slot] if trigger.slot is not None else None
    if slot is not None and slot.kind is Kind.LIST and slot.own and who.unit is None and told is None:
        told = _owner_before(view, trigger)
    found = told or focus.authority_for(view.units, who.unit)
    return (found,) if found is not None else ()


def _owner_before(view: Scene, trigger: Trigger) -> AuthorityKey | None:
    """`The head of Russia's Chechnya proposed that X be taken off the country's list`: whose country it is."""
    before = (unit.authority for unit in view.units[: trigger.start] if unit.kind is Kind.ACTOR)
    return next((authority for authority in before if authority is not None), None)


def _says_it(view: Scene, trigger: Trigger) -> bool:
    """`In November 2021 it struck X off`: the subject is a pronoun right before the verb."""
    place = trigger.start - len(trigger.auxiliaries) - 1
    return place >= 0 and view.units[place].text == "it"


_HERE = (["country"], ["kingdom"], ["republic"])


def _is_dated(view: Scene) -> bool:
    return any(when.date is not None and not when.weekday for when in view.times)


def _of_trigger(view: Scene, trigger: Trigger, focus: Focus, registry: Registry) -> Iterator[Candidate]:
    who, whom = agent(view.units, trigger), patient(view.units, trigger)
    groups = focus.groups_for(whom, view.units)
    authorities = who.authorities or _unsaid(view, trigger, focus, who)
    drop = _structural_drop(view, trigger, who, groups, authorities) or _focus_drop(view, focus, trigger, who)
    for authority in authorities or (None,):
        stance = _stance(view, trigger, authority, registry)
        told = replace(
            _candidate(view, trigger, stance, drop),
            authority=authority,
            guessed=int(not whom.units) + int(not who.authorities),
            instrument=_instrument(view, authority, registry),
        )
        if _is_foreign_past(view, trigger, authority, focus):
            told = replace(told, background=True)
        if not groups:
            waiting = told.drop is Drop.NO_GROUP and whom.stand_in in REACH
            expects = counted(view.units, trigger) if waiting else 0
            yield replace(told, awaits=whom.stand_in if waiting else None, expects=expects)
        for named in groups:
            yield replace(told, group=named.group, scope=named.scope)


def _is_foreign_past(view: Scene, trigger: Trigger, authority: AuthorityKey | None, focus: Focus) -> bool:
    """`Israel called for a ban, a day after Britain announced one`: another's act as the time of this story's."""
    opener = view.units[trigger.left - 1].text if trigger.left else ""
    return opener in {"after", "since", "before"} and authority not in {None, focus.home}


def _stance(view: Scene, trigger: Trigger, authority: AuthorityKey | None, registry: Registry) -> Stance:
    if trigger.phrase.id == DATED:
        return Stance(trigger.phrase.stage, None, ())  # a ban that is there already, whatever is thought of it
    body = authority in registry.authorities and registry.authorities[authority].kind is AuthorityKind.BODY
    stance = judge(view.units, trigger, view.operators, authority, body)
    own = words().have_forms | _CANNOT
    spoken = view.sentence.number <= 1 and authority == view.voice.authority
    asked = any(hit.operator.effect is Effect.QUESTION for hit in view.operators if hit.end <= trigger.start)
    if stance.drop is Drop.NEGATED and spoken and not asked and not own.isdisjoint(trigger.auxiliaries):
        return Stance(Stage.REJECTED, None, (*stance.why, "own-denial"))
    return stance


_CANNOT = frozenset({"can", "cannot", "can't"})
"""`has not listed X`, `cannot list X`: in the authority's own mouth a refusal."""


def _focus_drop(view: Scene, focus: Focus, trigger: Trigger, who: Agent) -> Drop | None:
    """What the story so far says against it: it is about a company, or nobody is there who could act."""
    if focus.platform and (not who.authorities or trigger.phrase.id == "ban"):
        return Drop.PLATFORM
    acts = trigger.voice in {Voice.ACTIVE, Voice.GERUND}
    organ = who.unit is not None and acts and trigger.form is not Form.BASE
    decreed = any(unit.text in words().acts for unit in view.units[trigger.end : trigger.end + 6])
    past = focus.home is not None and _is_dated(view)
    known = who.authorities or organ or decreed or (trigger.passive and (focus.acting is not None or past))
    return Drop.NO_AUTHORITY if trigger.phrase.needs_actor and not known else None


def _structural_drop(
    view: Scene,
    trigger: Trigger,
    who: Agent,
    groups: tuple[Named, ...],
    authorities: tuple[AuthorityKey, ...],
) -> Drop | None:
    if who.platform or _is_from_platform(view, trigger):
        return Drop.PLATFORM
    if who.group_acts:
        return Drop.GROUP_ACTS
    if view.units[-1].text == "?":
        return Drop.QUESTION
    if _is_bidden(view, trigger):
        return Drop.CALL
    if is_static(view.units, trigger, view.sentence.number == 0):
        return Drop.STATIC
    if not groups:
        return Drop.NO_GROUP
    return None if authorities else Drop.NO_AUTHORITY


def _is_from_platform(view: Scene, trigger: Trigger) -> bool:
    """`had been banned from the platform`."""
    behind = [unit.text for unit in view.units[trigger.end : trigger.end + 8]]
    return "from" in behind and not words().platforms.isdisjoint(behind[behind.index("from") :])


def _is_bidden(view: Scene, trigger: Trigger) -> bool:
    """`Lift the ban, Amnesty tells Pakistan`: a headline that opens with a plain verb has no subject; it commands."""
    return view.sentence.number == 0 and trigger.start == 0 and trigger.form is Form.BASE


def _candidate(view: Scene, trigger: Trigger, stance: Stance, drop: Drop | None) -> Candidate:
    """What the sentence says by itself; whom and by whom is filled in by the caller."""
    when = when_of(view, trigger)
    if stance.turned_by is not None:
        when = time_near(view, view.units[stance.turned_by.start].start)
    perfect = not {"has", "have"}.isdisjoint(trigger.auxiliaries)
    return Candidate(
        change=stance.change or _change(trigger),
        stage=stance.stage,
        rule=trigger.phrase.id,
        why=stance.why,
        sentence=view.sentence,
        drop=stance.drop if drop is Drop.NO_GROUP and stance.drop else drop or stance.drop,
        when=when,
        background=_is_history(view, trigger, stance, when),
        position=view.sentence.number,
        fresh=when is None or not is_long_ago(view, when, 2),
        again=trigger.phrase.again,
        also=_ALSO.search(view.story, view.sentence.start, view.sentence.end) is not None,
        told="hereby" in trigger.auxiliaries or (perfect and "announce" in stance.why),
        voice=view.voice,
    )


_ALSO = re.compile(
    r"\b(?:also|as well|too|likewise|alongside|at the same time|(?:on )?the same day|"
    r"in the same (?:order|decree|notice|act|decision|statement|announcement))\b",
    re.IGNORECASE,
)
"""What says that a change goes on with the one told before."""


def _is_history(view: Scene, trigger: Trigger, stance: Stance, when: When | None) -> bool:
    if stance.turned_by is not None:  # the act that was undone is history, that it was undone need not be
        had = "had" in (unit.text for unit in view.units[max(0, stance.turned_by.start - 3) : stance.turned_by.start])
        return had or (when is not None and is_long_ago(view, when))
    return stance.retold or is_background(view, trigger, when) or (trigger.voice is Voice.NOUN and not stance.why)


def _change(trigger: Trigger) -> Change:
    """The phrase's change; what is no longer called terrorist has been delisted."""
    turned = "longer" in trigger.auxiliaries and trigger.phrase.change is Change.LISTING
    return Change.DELISTING if turned else trigger.phrase.change


def _instrument(view: Scene, authority: AuthorityKey | None, registry: Registry) -> str | None:
    """The instrument of the authority that the sentence names, the longest name first."""
    if authority is None or authority not in registry.authorities:
        return None
    spoken = view.story[view.sentence.start : view.sentence.end].lower()
    names = [(text.lower(), i.key) for i in registry.authorities[authority].instruments for text in (i.name, *i.short)]
    return next((key for text, key in sorted(names, key=lambda n: -len(n[0])) if text in spoken), None)
