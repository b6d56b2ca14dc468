"""Verbs said only once, for other authorities or other groups: "Australia in 2009", "and Y in 2001", "as did Y"."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from msgspec.structs import replace

from streams.reading.candidates import Candidate
from streams.reading.tenses import Scene, is_long_ago
from streams.reading.times import When
from streams.reading.tokens import Kind, Unit
from streams.reading.words import words
from streams.records import AuthorityKey
from streams.vocabulary import Stage


def gapped(view: Scene, fresh: Sequence[Candidate]) -> list[Candidate]:
    """Background and news of verbs that are said only once, for other authorities or other groups.

    `The United States listed X in 2008, Australia in 2009 and Britain in 2010`; `put X on its list in 1997 and Y in
    2001`; `X received the label in February, as did Y`.
    """
    model = [c for c in fresh if c.drop is None and (c.stage is Stage.EFFECTIVE or (c.stage and c.background))]
    if not model:
        return []
    last = [c for c in model if c.authority == model[-1].authority and c.change is model[-1].change]
    told = {c.group for c in fresh}
    return (
        [
            replace(c, authority=unit.authority, when=when, background=_is_past(view, when), instrument=None)
            for unit, when in _dated_rows(view, Kind.ACTOR)
            if unit.authority not in {c.authority for c in fresh} and model[-1].when is not None
            for c in last
        ]
        + [
            replace(
                last[0],
                group=unit.group,
                scope=unit.scope,
                when=when,
                background=_is_past(view, when),
            )
            for unit, when in (*_dated_rows(view, Kind.GROUP), *_did_too(view), *_followed(view))
            if unit.group not in told
        ]
        + [
            replace(c, authority=actor, when=None, background=True, instrument=None)
            for actor in _by_too(view)
            for c in last
        ]
    )


def _is_past(view: Scene, when: When | None) -> bool:
    return when is None or is_long_ago(view, when)


def _by_too(view: Scene) -> list[AuthorityKey]:
    """The further authorities: `was designated by Washington in 2018 and a month later by the U.N.`."""
    named: list[tuple[int, AuthorityKey]] = []
    for index, unit in enumerate(view.units[:-2]):
        actor = view.units[index + 2] if view.units[index + 1].text == "the" else view.units[index + 1]
        if unit.text == "by" and actor.kind is Kind.ACTOR and actor.authority is not None:
            named.append((index, actor.authority))
    pairs = pairwise(named)
    joined = [b for a, b in pairs if any(unit.text == "and" for unit in view.units[a[0] : b[0]])]
    by_too = [authority for _, authority in joined if authority != named[0][1]]
    return [*by_too, *(unit.authority for unit in _actors_too(view.units) if unit.authority is not None)]


def _actors_too(units: Sequence[Unit]) -> Iterator[Unit]:
    """`the United States listed X, as did Canada`; `struck from the EU's list in 2009 and from the American one`."""
    for index, unit in enumerate(units):
        if unit.kind is not Kind.ACTOR or unit.authority is None:
            continue
        lead = tuple(u.text for u in units[max(0, index - 3) : index] if u.text != "the")[-2:]
        one = [u.text for u in units[index + 1 : index + 2]] == ["one"]
        that = lead == ("that", "of") and "and" in (u.text for u in units[max(0, index - 6) : index])
        if lead in _TOO or that or (one and "and" in lead):
            yield unit


def _did_too(view: Scene) -> Iterator[tuple[Unit, None]]:
    """The groups behind "as did", "as was", "the same with"."""
    units = view.units
    for index in range(2, len(units)):
        if units[index].kind is Kind.GROUP:
            lead = [unit.text for unit in units[max(0, index - 4) : index] if unit.kind is Kind.WORD]
            if any(pair in _TOO for pair in pairwise(lead)):
                yield units[index], None


def _followed(view: Scene) -> Iterator[tuple[Unit, When | None]]:
    """`X was outlawed in February, and Y followed in October`: the group, and the time behind it."""
    units = view.units
    for index in range(1, len(units) - 1):
        behind = [unit.text for unit in units[index + 1 : index + 4] if unit.text not in {",", "which", "also"}]
        if units[index].kind is Kind.GROUP and behind[:1] == ["followed"] and behind[1:2] != ["by"]:
            yield units[index], next((w for w in view.times if w.start > units[index].end), None)


_TOO = frozenset(
    {
        ("as", "did"),
        ("as", "was"),
        ("as", "were"),
        ("as", "had"),
        ("as", "have"),
        ("as", "has"),
        ("as", "is"),
        ("as", "are"),
        ("so", "was"),
        ("so", "were"),
        ("so", "is"),
        ("so", "are"),
        ("so", "has"),
        ("so", "have"),
        ("same", "with"),
        ("same", "to"),
        ("so", "did"),
        ("time", "as"),
    }
)


_LATER = re.compile(r"\s+\w+\s+(?:years?|months?|weeks?|days?)\s+(?:later|after|earlier|before)\b")
"""A time that counts from another: "Kyrgyzstan a year later"."""


def _dated_rows(view: Scene, kind: Kind) -> Iterator[tuple[Unit, When | None]]:
    """Each authority or group that stands in a row of its own with nothing but a time behind it."""
    units = view.units
    for index in range(1, len(units) - 2):
        unit = units[index]
        if unit.kind is not kind or (kind is Kind.ACTOR and unit.authority is None):
            continue
        if _LATER.match(view.story, unit.end) and _opens_row(units, index):
            yield unit, None
            continue
        end = _behind_aside(units, index)
        when = next((w for w in view.times if 0 <= w.start - end <= _NEXT_TO), None)
        behind = "" if when is None else view.story[end : when.start].strip()
        if when is not None and behind in {"in", "on", "since", "in early", "in late", ""} and _opens_row(units, index):
            yield unit, when


def _behind_aside(units: Sequence[Unit], index: int) -> int:
    """Where the name at `index` ends, what is said of it between two commas included: "X, a Shiite body, in 2019"."""
    if units[index + 1].text != ",":
        return units[index].end
    close = next((i for i in range(index + 2, min(index + 9, len(units))) if units[i].text == ","), None)
    plain = close is not None and all(u.kind is Kind.WORD for u in units[index + 2 : close])
    return units[close].end if close is not None and plain else units[index].end


def _opens_row(units: Sequence[Unit], index: int) -> bool:
    """Whether a comma or "and" stands before, with at most the words that belong to the name in between."""
    before = index - 1
    while before > max(0, index - 7) and units[before].text not in {",", ";", "and"}:
        own = units[before].kind is Kind.ACTOR and units[before].possessive  # "and Venezuela's X in February"
        if not own and (units[before].kind is not Kind.WORD or units[before].text in words().list_breaks - {"of"}):
            return False
        before -= 1
    return units[before].text in {",", ";", "and"}


_NEXT_TO = 12
"""How many characters may stand between an authority and its time: "in early"."""
