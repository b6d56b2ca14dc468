"""Changes told by pointing at another: "Britain took the same step", "Ecuador followed", "as Kenya has done"."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from msgspec.structs import replace

from streams.reading.candidates import SAME_FATE, Candidate
from streams.reading.names import run_of_groups
from streams.reading.tenses import Scene, is_long_ago
from streams.reading.times import When
from streams.reading.tokens import Kind, Unit
from streams.reading.words import words
from streams.records import AuthorityKey
from streams.vocabulary import Stage

_SAME = re.compile(
    r"\b(similar (?:action|actions|measures?|steps?|moves?|decisions?|designations?|listings?|bans?|orders?|decrees?|"
    r"proclamations?|rulings?)|"
    r"(?:did|done|do|doing|taken|took|made) (?:the same|so|likewise)|"
    r"(?:the same|a like) (?:step|move|decision|measure|course)|"
    r"followed suit|\bfollowed\b|similarly|same label|"
    r"as [^,;]{2,40} (?:has|have|had)(?: recently| already| earlier)? done)\b",
    re.IGNORECASE,
)
_NOT = re.compile(
    r"\b(not|never|no|urg\w+|call\w*|should|could|would|may|might|ask\w*|want\w*|expected)\b", re.IGNORECASE
)


def points_back(text: str) -> bool:
    """Whether the text may tell of a change by pointing at another one."""
    if not any(map(text.__contains__, _POINTERS)):
        return False
    return any(pattern.search(text) is not None for pattern in (_SAME, _FATE, _MORE))


_POINTERS = (
    "same",
    "imilar",
    "So ",
    " so",
    "followed",
    "done",
    "turn of",
    "likewise",
    "a like ",
    "fate",
    "did ",
    "mong ",
    "others",
    "rest ",
    "too",
)
"""Pieces of which each text that points has one, in the letters of running text."""


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
            for unit, when in (*_dated_rows(view, Kind.GROUP), *_did_too(view))
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


def pointed_at(view: Scene, found: Sequence[Candidate], fresh: Sequence[Candidate]) -> list[Candidate]:
    """What the sentence tells by pointing at a change told before: of other authorities, of other groups."""
    text = view.story[view.sentence.start : view.sentence.end]
    if not points_back(text):
        return []
    earlier = [*found, *fresh]
    return [*_same_step(view, text, earlier), *_same_fate(view, text, earlier)]


def _by_too(view: Scene) -> list[AuthorityKey]:
    """`was designated by Washington in 2018 and a month later by the U.N.`: the authorities behind a second "by"."""
    named: list[tuple[int, AuthorityKey]] = []
    for index, unit in enumerate(view.units[:-2]):
        actor = view.units[index + 2] if view.units[index + 1].text == "the" else view.units[index + 1]
        if unit.text == "by" and actor.kind is Kind.ACTOR and actor.authority is not None:
            named.append((index, actor.authority))
    pairs = pairwise(named)
    joined = [b for a, b in pairs if any(unit.text == "and" for unit in view.units[a[0] : b[0]])]
    return [authority for _, authority in joined if authority != named[0][1]]


def _did_too(view: Scene) -> Iterator[tuple[Unit, None]]:
    """The groups behind "as did", "as was", "the same with"."""
    units = view.units
    for index in range(2, len(units)):
        if units[index].kind is Kind.GROUP:
            lead = [unit.text for unit in units[max(0, index - 4) : index] if unit.kind is Kind.WORD]
            if any(pair in _TOO for pair in pairwise(lead)):
                yield units[index], None


_TOO = frozenset(
    {
        ("as", "did"),
        ("as", "was"),
        ("as", "were"),
        ("as", "had"),
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
        when = next((w for w in view.times if 0 <= w.start - unit.end <= _NEXT_TO), None)
        behind = "" if when is None else view.story[unit.end : when.start].strip()
        if when is not None and behind in {"in", "on", "since", "in early", "in late", ""} and _opens_row(units, index):
            yield unit, when


def _opens_row(units: Sequence[Unit], index: int) -> bool:
    """Whether a comma or "and" stands before, with at most the words that belong to the name in between."""
    before = index - 1
    while before > max(0, index - 7) and units[before].text not in {",", ";", "and"}:
        if units[before].kind is not Kind.WORD or units[before].text in words().list_breaks - {"of"}:
            return False
        before -= 1
    return units[before].text in {",", ";", "and"}


_NEXT_TO = 12
"""How many characters may stand between an authority and its time: "in early"."""


_FATE = re.compile(
    r"\b(?:that fate|(?:ruled|decided|voted) the same way|"
    r"same (?:fate|treatment|label|status|designation|tag|thing|law|lot)|"
    r"(?:did|done|doing|does) (?:the same|likewise) (?:to|with|for)|"
    r"(?:was|is) the turn of)\b|^so (?:is|are|was|were) |^(?:the )?same (?:goes|went|holds|applies|applied) ",
    re.IGNORECASE,
)


_MORE = re.compile(
    r"^(?:also )?among (?:them|those|the) .*\b(?:are|is|were|was)\b|^the (?:others|rest) (?:are|were)\b|"
    r"\b(?:is|are|was|were) (?:also )?among them\b|"
    r"\b(?:is|are|was|were) (?:named|listed|included|mentioned) (?:\w+ )*too\b",
    re.IGNORECASE,
)
_SOLE = re.compile(r"\b(?:first|last|latest|only|second|third)\b[^,;]{0,40} to $")

_MORE_REACH = 3
"""How many sentences behind a change the rest of its groups may be named."""


def _same_fate(view: Scene, text: str, earlier: Sequence[Candidate]) -> list[Candidate]:
    """`X met the same fate in 2023`, `So are Y and Z`: other groups, to which the last change told was done too."""
    more = _MORE.search(text)
    match = more or _FATE.search(text)
    near = [c for c in earlier if c.drop is None and c.group is not None and c.stage not in {None, Stage.REJECTED}]
    near = [c for c in near if view.sentence.number - c.position <= (_MORE_REACH if more else 1)]
    if more:
        near = [c for c in near if not c.background] or near
    if match is None or not near or _NOT.search(text[max(0, match.start() - 40) : match.start()]):
        return []
    model, told = near[-1], {c.group for c in near}
    when = next((w for w in view.times if w.date is not None), None)
    history = model.background or (not more and model.stage is not Stage.EFFECTIVE)
    if when is not None and not more:
        history = is_long_ago(view, when)
    return [
        replace(
            model,
            group=unit.group,
            scope=unit.scope,
            rule=SAME_FATE,
            stage=Stage.EFFECTIVE if history else model.stage,
            why=(),
            sentence=view.sentence,
            position=model.position if more else view.sentence.number,
            background=history,
            voice=view.voice,
            when=when,
            instrument=None,
        )
        for unit in (view.units[i] for i in run_of_groups(view.units, range(len(view.units))))
        if unit.group not in told
    ]


def _same_step(view: Scene, text: str, earlier: Sequence[Candidate]) -> list[Candidate]:
    """Background candidates for the authorities of this sentence that took the step of the story's first change."""
    match = _SAME.search(text)
    model = [c for c in earlier if c.drop is None and c.stage not in {None, Stage.REJECTED} and c.group is not None]
    if match is None or not model or _NOT.search(text[max(0, match.start() - 40) : match.start()]):
        return []
    if _SOLE.search(text[: match.start()]) and any(c.sentence.number == view.sentence.number for c in model):
        return []  # "Russia recognised it, the first country to do so"
    near = [c for c in model if view.sentence.number - c.sentence.number <= 1 and c.authority is not None]
    first = (near or model)[-1 if near else 0]
    groups = [c for c in model if c.change is first.change and c.sentence.number == first.sentence.number]
    told = {c.authority for c in groups}
    actors: dict[AuthorityKey, None] = dict.fromkeys(
        unit.authority
        for unit in view.units
        if unit.kind is Kind.ACTOR
        and unit.authority is not None
        and not unit.possessive
        and not (unit.demonym and unit.noun is None)
    )
    return [
        replace(
            c,
            authority=actor,
            stage=Stage.EFFECTIVE,
            rule="same-step",
            why=(),
            sentence=view.sentence,
            background=True,
            voice=view.voice,
            when=None,
            instrument=None,
            drop=None,
        )
        for actor in actors
        if actor not in told
        for c in groups
    ]
