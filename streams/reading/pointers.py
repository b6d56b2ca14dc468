"""Changes told by pointing at another: "Britain took the same step", "Ecuador followed", "X met the same fate"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import zip_longest

from msgspec.structs import replace

from streams.reading.candidates import Candidate
from streams.reading.names import is_owner, run_of_groups
from streams.reading.tenses import Scene, is_long_ago, time_near
from streams.reading.times import When
from streams.reading.tokens import Kind, Unit
from streams.reading.waiting import SAME_FATE
from streams.reading.words import words
from streams.records import AuthorityKey
from streams.vocabulary import Stage

_SAME = re.compile(
    r"\b(similar (?:action|actions|measures?|steps?|moves?|decisions?|designations?|listings?|bans?|orders?|decrees?|"
    r"proclamations?|rulings?)|"
    r"(?:did|done|do|doing|taken|took|made) (?:the same|so|likewise)|did it (?:in|on|last|earlier|too)|"
    r"(?:the same|a like) (?:step|move|decision|measure|course)|(?:took|taken) (?:the|that|this) step|"
    r"followed suit|of the same kind|same (?:status|treatment|designation|tag|label)|followed|similarly|"
    r"(?:as|which) [^,;]{2,40} (?:has|have|had)(?: recently| already| earlier| also)? done)\b",
    re.IGNORECASE,
)
_NOT = re.compile(r"\b(?:(?i:not|never|no|urg\w+|call\w*|should|could|would|might|ask\w*|want\w*|expected)|may)\b")


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
    " like ",
    " step",
    "fate",
    "did ",
    "mong ",
    "others",
    "rest ",
    "too",
    "Also ",
)
"""Pieces of which each text that points has one, in the letters of running text."""


def pointed_at(view: Scene, found: Sequence[Candidate], fresh: Sequence[Candidate]) -> list[Candidate]:
    """What the sentence tells by pointing at a change told before: of other authorities, of other groups."""
    text = view.story[view.sentence.start : view.sentence.end]
    if not points_back(text):
        return []
    earlier = [*found, *fresh]
    return [*_same_step(view, text, earlier), *_same_fate(view, text, earlier)]


_FATE = re.compile(
    r"\b(?:that fate|(?:ruled|decided|voted) the same way|"
    r"(?:same|like|similar) (?:decision|ruling|order|verdict) (?:on|about|against|for|regarding)|"
    r"same (?:fate|treatment|label|status|designation|tag|thing|law|lot)|"
    r"(?:did|done|doing|does) (?:the same|likewise) (?:to|with|for)|"
    r"in the same way with|treated (?:in )?the same way|(?:was|is) the turn of)\b|"
    r"^so (?:is|are|was|were) |^(?:the )?same (?:goes|went|holds|applies|applied) ",
    re.IGNORECASE,
)


_MORE = re.compile(
    r"^(?:also )?among (?:them|those|the) .*\b(?:are|is|were|was)\b|^the (?:others|rest) (?:are|were)\b|"
    r"^also (?:named|listed|designated|sanctioned|added|blacklisted|banned|outlawed|proscribed|included|removed|"
    r"on the list)[^,;]{0,30} (?:is|are|was|were) |"
    r"\b(?:is|are|was|were) (?:also )?among them\b|"
    r"\b(?:is|are|was|were) (?:named|listed|included|mentioned) (?:\w+ )*too\b",
    re.IGNORECASE,
)
_SOLE = re.compile(r"\b(?:first|last|latest|only|second|third)\b[^,;]{0,40} to $")

_REACH = 3
"""How many sentences behind a change the rest of its groups, or another with its fate, may be named."""


def _same_fate(view: Scene, text: str, earlier: Sequence[Candidate]) -> list[Candidate]:
    """`X met the same fate in 2023`, `So are Y and Z`: other groups, to which the last change told was done too."""
    more = _MORE.search(text)
    match = more or _FATE.search(text)
    near = [c for c in earlier if c.drop is None and c.group is not None and c.stage not in {None, Stage.REJECTED}]
    near = [c for c in near if view.sentence.number - c.position <= _REACH]
    if more:
        near = [c for c in near if not c.background] or near
    if match is None or not near or _is_denied(text, match):
        return []
    told = {c.group for c in near}
    when = time_near(view, view.sentence.start + match.start())
    return [
        _of_another(view, model, unit, when, more is not None)
        for model in _last_told(near)
        for unit in _pointed_groups(view, match)
        if unit.group not in told
    ]


def _is_denied(text: str, match: re.Match[str]) -> bool:
    return _NOT.search(text[max(0, match.start() - 40) : match.start()]) is not None


def _last_told(near: Sequence[Candidate]) -> list[Candidate]:
    """The last change told, once for each authority that made it."""
    last = near[-1]
    same = [
        c for c in near if (c.group, c.change, c.sentence.number) == (last.group, last.change, last.sentence.number)
    ]
    return list({c.authority: c for c in same}.values())


def _pointed_groups(view: Scene, match: re.Match[str]) -> list[Unit]:
    """The groups that the pointer joins to the change: those behind it, else those right before it."""
    units, start, end = view.units, view.sentence.start + match.start(), view.sentence.start + match.end()
    at = [i for i, unit in enumerate(units) if unit.kind is Kind.GROUP and not is_owner(units, i)]
    wall = next(
        (u.start for u in units if u.start >= end and u.text in words().clause_openers - {"as"}), view.sentence.end
    )
    behind = next((i for i in at if start <= units[i].start < wall), None)
    before = next((i for i in reversed(at) if units[i].end <= start), None)
    if behind is not None and not (before is not None and view.story[end:].startswith(" as ")):
        return [units[i] for i in run_of_groups(units, range(behind, len(units)))]
    return [] if before is None else [units[i] for i in run_of_groups(units, range(before, -1, -1))][::-1]


def _of_another(view: Scene, model: Candidate, unit: Unit, when: When | None, more: bool) -> Candidate:
    """What was told of one group, told of another; `more`: as a part of the same act."""
    history = model.background or (not more and model.stage is not Stage.EFFECTIVE)
    if when is not None and when.date is not None and not more:
        history = is_long_ago(view, when)
    return replace(
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


def _same_step(view: Scene, text: str, earlier: Sequence[Candidate]) -> list[Candidate]:
    """Candidates for the authorities of this sentence that took the step of the story's first change."""
    match = _SAME.search(text)
    model = [c for c in earlier if c.drop is None and c.stage is not None and c.group is not None]
    model = [c for c in model if c.stage is not Stage.REJECTED] or model  # "ruled out a ban, after the EU did so"
    if match is None or not model or _is_denied(text, match):
        return []
    if _SOLE.search(text[: match.start()]) and any(c.sentence.number == view.sentence.number for c in model):
        return []  # "Russia recognised it, the first country to do so"
    near = [c for c in model if view.sentence.number - c.sentence.number <= 1 and c.authority is not None]
    first = (near or model)[-1 if near else 0]
    groups = [c for c in model if c.change is first.change and c.sentence.number == first.sentence.number]
    told = {c.authority for c in groups}
    return [
        replace(
            c,
            authority=actor,
            stage=Stage.EFFECTIVE,
            rule="same-step",
            why=(),
            sentence=view.sentence,
            background=when is None or not when.weekday or is_long_ago(view, when, 0),
            voice=view.voice,
            when=when,
            instrument=None,
            drop=None,
        )
        for actor, when in _dated_actors(view)
        if actor not in told
        for c in groups
    ]


def _dated_actors(view: Scene) -> list[tuple[AuthorityKey, When | None]]:
    """The authorities that act in the sentence, each with the first time behind it and before the next."""
    acting = [
        unit
        for unit in view.units
        if unit.kind is Kind.ACTOR and unit.authority is not None and not unit.possessive and _is_actor(unit)
    ]
    found: dict[AuthorityKey, When | None] = {}
    for unit, following in zip_longest(acting, acting[1:]):
        until = following.start if following is not None else view.sentence.end
        when = next((w for w in view.times if unit.end <= w.start < until), None)
        if unit.authority is not None:
            found.setdefault(unit.authority, when)
    return list(found.items())


def _is_actor(unit: Unit) -> bool:
    return unit.noun is not None or not unit.demonym
