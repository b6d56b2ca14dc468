"""Changes told of groups without their names, and the sentences that give the names: "four groups", then a list."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from streams.reading.candidates import Candidate
from streams.reading.context import groups_in
from streams.reading.names import is_owner
from streams.reading.sentences import Sentence
from streams.reading.stand_ins import REACH
from streams.reading.tenses import Scene
from streams.reading.tokens import Kind, Unit
from streams.reading.words import words
from streams.vocabulary import Change

SAME_FATE = "same-fate"
"""The rule of what `pointers` finds, where it names the groups of a change told before."""

_LINE = 14
"""Units of a line that only goes on with a list."""
_OPENS = 3
"""Units within which a sentence that goes on with names has its first."""


def may_be_named_in(sentence: Sentence, c: Candidate) -> bool:
    """Whether the groups that `c` leaves unnamed may be named in the sentence."""
    if c.awaits is None or c.authority is None or c.stage is None:
        return False
    return sentence.number - c.sentence.number <= REACH[c.awaits]


def _still_waits(c: Candidate, view: Scene, found: Sequence[Candidate]) -> bool:
    """Whether names for `c` are still to come: none yet, or a list of short lines that goes on."""
    told = [o for o in found if o.drop is None and (o.authority, o.change) == (c.authority, c.change)]
    if told and (c.awaits != "listed" or (c.position == 0 and any(o.position > 0 for o in told))):
        return False  # the names have come, if not in a list of their own
    if any(o.rule == SAME_FATE for o in told):
        return False  # "the others are X and Y" ended the list
    named = [o for o in found if o.position == c.position and o.rule == c.rule and o.awaits is None]
    if not named:
        return True
    told_of = {o.group for o in named if o.authority == c.authority}
    if len(told_of) < c.expects and any(unit.kind is Kind.GROUP for unit in view.units[:_OPENS]):
        return True  # "four groups", of which the last sentence named two
    return max(o.sentence.number for o in named) == view.sentence.number - 1 and len(view.units) <= _LINE


def _opposite(told: Candidate, waiting: Candidate) -> bool:
    """`drops X, adds two others`: X is not one of those that are added."""
    pair = {told.change, waiting.change}
    apart = Change.DELISTING in pair and not pair.isdisjoint({Change.LISTING, Change.RENEWAL})
    return told.authority == waiting.authority and apart and not told.background


def _is_other(units: Sequence[Unit], index: int) -> bool:
    """Whether a group is named as one that acts or owns, not as one of those that were meant."""
    if any(unit.text == "concerning" for unit in units[max(0, index - 8) : index]):
        return True  # the full name of a committee
    behind = units[index + 1].text if index + 1 < len(units) else ""
    return is_owner(units, index) or behind in words().speech or behind in words().government


def _is_aside(units: Sequence[Unit], index: int) -> bool:
    """`X, which emerged after the army crushed Y, has`: named in a time or reason that the sentence gives."""
    for unit in reversed(units[:index]):
        if unit.text == ",":
            return False
        if unit.text in words().clause_walls:
            return unit.text not in {"which", "who", "whom", "whose"}
    return False


def _opens_with_its_group(units: Sequence[Unit]) -> bool:
    """Whether the sentence is about one group, its first word or two."""
    named = [index for index, unit in enumerate(units) if unit.kind is Kind.GROUP]
    return len(named) == 1 and named[0] <= 1 and not units[named[0]].possessive


def named_later(
    waiting: Sequence[Candidate], found: Sequence[Candidate], view: Scene, fresh: Sequence[Candidate]
) -> list[Candidate]:
    """What earlier sentences said of several unnamed groups (`waiting`), said of those that this sentence names.

    Only where this sentence has no change of its own: "The order applies to X and Y" goes on, "X was banned" does not.
    """
    told = [c for c in fresh if c.drop is None]
    if told and all(c.background for c in told) and _opens_with_its_group(view.units):
        waiting = [c for c in waiting if c.awaits == "another"]  # "X had been on it since 2005": of whom the lead tells
    elif told:
        waiting = []
    if not waiting:
        return []
    if any(unit.text in words().stays for unit in view.units):
        return []  # "Y remains outlawed": a standing of its own
    at = (i for i, unit in enumerate(view.units) if unit.kind is Kind.GROUP)
    groups = groups_in(view.units[i] for i in at if not _is_other(view.units, i) and not _is_aside(view.units, i))
    return [
        replace(
            c,
            group=named.group,
            scope=named.scope,
            drop=None,
            awaits=None,
            sentence=view.sentence,
            guessed=1,
        )
        for c in waiting
        if _still_waits(c, view, found)
        for named in groups
        if not any(o.drop is None and o.group == named.group and _opposite(o, c) for o in found)
    ]
