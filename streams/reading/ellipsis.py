"""Changes told by pointing at another: "Britain took the same step", "Ecuador followed", "as Kenya has done"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from streams.reading.candidates import Candidate
from streams.reading.tenses import Scene
from streams.reading.tokens import Kind
from streams.records import AuthorityKey
from streams.vocabulary import Stage

_SAME = re.compile(
    r"\b(similar (?:action|actions|measures?|steps?|moves?|decisions?|designations?|listings?|bans?)|"
    r"(?:did|done|do|doing|taken|took|made) (?:the same|so|likewise)|"
    r"(?:the same|a like) (?:step|move|decision|measure|course)|"
    r"followed suit|\bfollowed\b|similarly|same label|"
    r"as [^,;]{2,40} (?:has|have|had)(?: recently| already| earlier)? done)\b",
    re.IGNORECASE,
)
POINTERS = ("similar", "similarly", "same", "like", "so", "likewise", "followed", "done")
"""Words of which each sentence that `_SAME` meets has one."""
_NOT = re.compile(
    r"\b(not|never|no|urg\w+|call\w*|should|could|would|may|might|ask\w*|want\w*|expected)\b", re.IGNORECASE
)


def same_step(view: Scene, earlier: Sequence[Candidate]) -> list[Candidate]:
    """Background candidates for the authorities of this sentence that took the step of the story's first change."""
    text = " ".join(unit.text for unit in view.units)
    match = _SAME.search(text)
    model = [c for c in earlier if c.drop is None and c.stage not in {None, Stage.REJECTED} and c.group is not None]
    if match is None or not model or _NOT.search(text[max(0, match.start() - 40) : match.start()]):
        return []
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
