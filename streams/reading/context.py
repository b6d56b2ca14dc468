"""What a sentence leaves to its neighbours: "the group", "they", "its ban", "the ministry", "the same step"."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, takewhile
from typing import NamedTuple

from streams.reading.names import is_owner
from streams.reading.patients import Patient
from streams.reading.stand_ins import NUMBERS
from streams.reading.tokens import Kind, Unit
from streams.reading.words import words
from streams.records import AuthorityKey, GroupKey
from streams.registry.folding import fold


class Named(NamedTuple):
    """A group, or a wing of it."""

    group: GroupKey
    scope: GroupKey | None


@dataclass(slots=True)
class Focus:
    """What the story is about up to here; updated sentence by sentence."""

    home: AuthorityKey | None = None  # the authority the story is about
    acting: AuthorityKey | None = None  # the last one that acted
    changed: tuple[Named, ...] = ()  # the groups of the last change
    several: tuple[Named, ...] = ()  # the groups of the last change that was of more than one
    reported: tuple[Named, ...] = ()  # the groups of the last change that is news
    named: tuple[Named, ...] = ()  # the groups of the last sentence that named any
    just_named: bool = False  # the last sentence named one group
    topic: tuple[Named, ...] = ()  # the groups of the headline, or of the lead if it has none
    platform: bool = False  # the story is about what a company did
    list_in_sight: bool = False  # the sentence before spoke of a list, or told of a listing
    strangers: bool = False  # the sentence before was about people, companies or ships, and named no group's change
    act_in_sight: bool = False  # the sentence before told of a change
    status_in_sight: bool = False  # the sentence before spoke of a ban or designation
    list_seen: bool = False  # some sentence did
    subject: AuthorityKey | None = None  # who the last sentence was about: its opening actor
    officials: dict[str, AuthorityKey] = field(default_factory=dict)  # by surname, whose officials the story introduced

    def groups_for(self, patient: Patient, units: Sequence[Unit]) -> tuple[Named, ...]:
        """The groups a patient stands for: its own, or those of its stand-in."""
        own = _once(units[i] for i in (*patient.units, *patient.along))
        if patient.units or patient.stand_in is None or patient.stand_in == "listed":
            return own
        meant = self._meant_by(patient, units)
        return (*meant, *(named for named in own if named not in meant))

    def _meant_by(self, patient: Patient, units: Sequence[Unit]) -> tuple[Named, ...]:
        """The groups of a stand-in."""
        if patient.stand_in == "many" and self.strangers and _opens_sentence(patient, units):
            return ()
        here = groups_in(units[: patient.at]) if patient.stand_in == "many" and patient.at else ()
        if len(here) > 1:
            return here
        if patient.stand_in == "many":
            lone = self.changed or self.topic or self.named
            return next((c for c in (self.changed, self.named, self.topic, self.several) if len(c) > 1), lone)
        if patient.stand_in == "step" and self.reported:
            return self.reported
        if patient.stand_in == "last":
            return groups_in(units)[-1:] or self.named[-1:] or self._known(set())
        if patient.stand_in in {"it", "step"}:
            return self._nearest(units[: patient.at]) or self._known(set())
        return self._known(
            {unit.group for unit in units if unit.kind is Kind.GROUP} if patient.stand_in == "another" else set()
        )

    def _nearest(self, units: Sequence[Unit]) -> tuple[Named, ...]:
        """The one group that the sentence itself names, for a pronoun in it."""
        here = groups_in(u for i, u in enumerate(units) if u.kind is Kind.GROUP and not is_owner(units, i))
        return here if len(here) == 1 else ()

    def _known(self, but: set[GroupKey | None]) -> tuple[Named, ...]:
        """The one group in focus, those of `but` left out: a noun would have been their name."""
        order = (self.named, self.changed, self.topic) if self.just_named else (self.changed, self.topic, self.named)
        known = [tuple(n for n in c if n.group not in but) for c in order]
        one = next((c for c in known if len(c) == 1), ())
        return one or known[0][:1] or known[1][:1] or known[2][:1]

    def authority_for(self, units: Sequence[Unit], unit: int | None) -> AuthorityKey | None:
        """The authority of an organ without a country, or of no actor at all."""
        if unit is not None and units[unit].authority is not None:
            return units[unit].authority
        return self.acting or self.home

    def hear(self, text: str) -> None:
        """Turn to the authority of an official who was introduced before, if the sentence begins with what he says."""
        first, *following = text.split(maxsplit=3) if self.officials else [""]
        if not words().speech.isdisjoint(following[:2]):
            self.acting = self.officials.get(fold(first).text, self.acting)

    def meet(self, units: Sequence[Unit]) -> None:
        """Remember the officials a sentence introduces; one without a country is of the acting authority."""
        for surname, authority in _introduced(units):
            whose = authority or self.acting or self.home
            if whose is not None:
                self.officials.setdefault(surname, whose)

    def saw(self, units: Sequence[Unit], story: str) -> None:
        """Remember the groups a sentence of `story` named, and the actor that it opened with."""
        self.subject = _opening_actor(units)
        named = groups_in(units)
        self.just_named = len(named) == 1 and not _is_one_of_two(units, story)
        if named:
            self.named = named


def _is_one_of_two(units: Sequence[Unit], story: str) -> bool:
    """`compares it with the ANC and the IRA`: the name is joined to another that the registry does not have."""
    first = next(unit for unit in units if unit.kind is Kind.GROUP)
    return "and" in story[max(0, first.start - 9) : first.start].split()


def _opening_actor(units: Sequence[Unit]) -> AuthorityKey | None:
    """`Washington, too, will be watching`: the authority that "it" in the next sentence stands for."""
    first = next((unit for unit in units[:2] if unit.text != "the"), None)
    if first is None or first.kind is not Kind.ACTOR or first.possessive or (first.demonym and first.noun is None):
        return None
    return first.authority


def _opens_sentence(patient: Patient, units: Sequence[Unit]) -> bool:
    """Whether the pronoun, or a number that stands for one, is the subject: "they", "the four"."""
    number = len(units) > 1 and units[0].text == "the" and patient.at is None and units[1].text in NUMBERS
    return number or (patient.at is not None and patient.at <= 1)


def _introduced(units: Sequence[Unit]) -> Iterator[tuple[str, AuthorityKey | None]]:
    """The officials named by office and full name, "Foreign Minister Penny Wong": surname, and whose the office is."""
    for index, (unit, first) in enumerate(pairwise(units), start=1):
        if unit.kind is not Kind.ACTOR or unit.noun is None:
            continue
        if first.kind is Kind.ACTOR and first.authority is not None:  # a figure that the registry knows
            yield first.text.rsplit(maxsplit=1)[-1], first.authority
        name = list(takewhile(lambda u: u.kind is Kind.WORD and u.capital, units[index : index + 3]))
        if len(name) > 1:
            yield name[-1].text, unit.authority


def groups_in(units: Iterable[Unit]) -> tuple[Named, ...]:
    """The groups that stand as units of their own, in order, each once."""
    return _once(unit for unit in units if unit.kind is Kind.GROUP)


def _once(units: Iterable[Unit]) -> tuple[Named, ...]:
    """Each group once; where both the whole and a wing are named together, the whole."""
    found: dict[GroupKey, Named] = {}
    for unit in units:
        if unit.group is not None and (unit.group not in found or unit.scope is None):
            found[unit.group] = Named(unit.group, unit.scope)
    return tuple(found.values())


def home_of(sentences: Sequence[Sequence[Unit]]) -> AuthorityKey | None:
    """The authority a story is about: the first actor of headline or lead that is more than an origin."""
    for units in sentences[:3]:
        for index, unit in enumerate(units):
            plain = unit.kind in {Kind.ACTOR, Kind.LIST, Kind.STATUS} and not (unit.demonym and unit.noun is None)
            if unit.authority is not None and plain and not _is_origin(units, index):
                return unit.authority
    return None


def origin_of(sentences: Sequence[Sequence[Unit]]) -> AuthorityKey | None:
    """The first authority that headline or lead name at all: "Iranian exiles"."""
    for units in sentences[:2]:
        for index, unit in enumerate(units):
            if unit.kind is Kind.ACTOR and unit.authority is not None and not _is_origin(units, index):
                return unit.authority
    return None


def opens_with_organ(sentences: Sequence[Sequence[Unit]]) -> bool:
    """`The interior ministry has banned ...`: the lead begins with an organ without a country."""
    opening = (unit for units in sentences[1:2] for unit in units[:3] if unit.kind is Kind.ACTOR)
    first = next(opening, None)
    return first is not None and first.authority is None and first.noun is not None


def _is_origin(units: Sequence[Unit], index: int) -> bool:
    """`Japan's Aum Shinrikyo`: where a group is from."""
    return units[index].possessive and index + 1 < len(units) and units[index + 1].kind is Kind.GROUP
