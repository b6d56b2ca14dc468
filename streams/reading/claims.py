"""From a story's candidates to its claims: which are news, which say the same, what holds them back.

One claim for each (group, authority, change) can be news: the headline and the lead tell it together, the body's
words are the evidence because they carry more of it. History keeps one claim for each stage and date.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from datetime import date
from enum import StrEnum
from functools import cache

from msgspec.structs import replace

from streams.corroboration import sketch
from streams.dates import day_of, is_after
from streams.reading.candidates import Candidate
from streams.reading.effects import Drop
from streams.reading.sentences import Sentence
from streams.reading.words import load_table
from streams.records import AuthorityKey, Claim, ClaimId, Evidence, GroupKey, PartialDate, Story
from streams.registry.entries import Entry
from streams.vocabulary import Change, Stage


class Turn(StrEnum):
    """What a sentence elsewhere does to a change told as done, or as decided."""

    PENDING = "pending"
    DONE = "done"


class Row(Entry, frozen=True, kw_only=True):
    """One row of pending.toml."""

    id: str
    effect: Turn
    pattern: str
    cues: tuple[str, ...]  # one of which stands in every sentence that the pattern meets
    changes: tuple[Change, ...] = tuple(Change)  # those it holds back or brings forward
    hits: tuple[str, ...]
    misses: tuple[str, ...]


class _Rows(Entry, frozen=True, kw_only=True):
    row: tuple[Row, ...]


@cache
def turns() -> tuple[tuple[Row, re.Pattern[str]], ...]:
    """The rows of pending.toml with their compiled patterns."""
    return tuple((row, re.compile(row.pattern)) for row in load_table("pending.toml", _Rows).row)


def find_turns(sentence: str) -> list[Row]:
    """The rows that a sentence meets."""
    lower = sentence.lower().replace("’", "'")
    return [row for row, pattern in turns() if any(map(lower.__contains__, row.cues)) and pattern.search(lower)]


def settle_news(found: Sequence[Candidate], opinion: bool) -> tuple[list[Candidate], list[Candidate], list[Candidate]]:
    """(news, background, repeated): the candidates told apart, duplicates folded."""
    live = [c for c in found if c.drop is None and c.stage is not None]
    headline = {_key(c) for c in live if c.sentence.number == 0 and not c.background}
    unnamed = {(c.authority, c.change) for c in found if c.awaits and c.position <= 2}
    acts = {(c.authority, c.change) for c in live if not c.background and c.position <= 2}
    news = [c for c in live if not opinion and (_is_news(c, headline) or _is_promised(c, unnamed) or _goes_on(c, acts))]
    chosen = {id(c) for c in news}
    rest = [replace(c, background=True) for c in live if id(c) not in chosen]
    kept_news, repeated = _fold_news(_without_kept(news))
    kept_rest = _fold_background(rest, kept_news)
    kept = {id(c) for c in kept_rest}
    return kept_news, kept_rest, repeated + [c for c in rest if id(c) not in kept]


def _key(c: Candidate) -> tuple[str | None, str | None, Change]:
    return (c.group, c.authority, c.change)


def _is_news(c: Candidate, headline: set[tuple[str | None, str | None, Change]]) -> bool:
    if c.background:
        return False
    if c.position <= 2 or _key(c) in headline:
        return True
    return c.told or (c.when is not None and c.when.weekday and c.fresh)


def _goes_on(c: Candidate, acts: set[tuple[AuthorityKey | None, Change]]) -> bool:
    """`These three were also named`: more of what headline or lead told of."""
    return c.also and not c.background and (c.authority, c.change) in acts


def _is_promised(c: Candidate, unnamed: set[tuple[AuthorityKey | None, Change]]) -> bool:
    """Whether headline or lead told of this change without the names, which the body then gives."""
    return not c.background and (c.authority, c.change) in unnamed


def _without_kept(news: list[Candidate]) -> list[Candidate]:
    """`renewed its list, keeping X on it`, `before the old listing was due to lapse`: the renewal says it all."""
    renewed = {(c.group, c.authority): c.sentence for c in news if c.change is Change.RENEWAL}
    return [c for c in news if not (c.change is Change.DELISTING and _adds_nothing(c, renewed))]


def _adds_nothing(c: Candidate, renewed: dict[tuple[GroupKey | None, AuthorityKey | None], Sentence]) -> bool:
    sentence = renewed.get((c.group, c.authority))
    return sentence is not None and (c.stage is Stage.REJECTED or c.sentence == sentence)


def _fold_news(news: list[Candidate]) -> tuple[list[Candidate], list[Candidate]]:
    """One candidate a key: the first of the body if there is one, with the headline's only where the body is silent."""
    best: dict[tuple[str | None, str | None, Change], Candidate] = {}
    repeated = []
    for c in news:
        known = best.get(_key(c))
        if known is None:
            best[_key(c)] = c
        elif known.sentence.number == 0:
            repeated.append(known)
            best[_key(c)] = c
        else:
            repeated.append(c)
    return list(best.values()), [replace(c, drop=Drop.REPEATED) for c in repeated]


def _fold_background(rest: list[Candidate], news: list[Candidate]) -> list[Candidate]:
    told = {(*_key(c), c.stage) for c in news}
    kept: dict[tuple[object, ...], Candidate] = {}
    for c in rest:
        if (*_key(c), c.stage) in told and c.date is None:
            continue
        kept.setdefault((*_key(c), c.stage, c.date), c)
    return list(kept.values())


def held_back(c: Candidate, rows: Iterable[Row]) -> Candidate:
    """The candidate after the rest of the story: not yet in force where a sentence says that a step is to come."""
    effects = {row.effect: row.id for row in rows if c.change in row.changes}
    if c.stage is Stage.EFFECTIVE and Turn.PENDING in effects and Turn.DONE not in effects:
        return replace(c, stage=Stage.DECIDED, why=(*c.why, effects[Turn.PENDING]))
    if c.stage is Stage.DECIDED and c.rule != "ban-unlawful" and Turn.DONE in effects and "will" not in c.why:
        return replace(c, stage=Stage.EFFECTIVE, why=(*c.why, effects[Turn.DONE]))
    return c


def claim_of(c: Candidate, story: Story, today: date | None, mark: str) -> Claim:
    """The finished claim; `mark` is the story's fingerprint. Requires a candidate without `drop`."""
    if c.group is None or c.authority is None or c.stage is None:
        raise ValueError("a candidate that was dropped makes no claim")
    text = story.text[c.sentence.start : c.sentence.end]
    stated = c.when.date if c.when is not None else None
    published = day_of(today, story.published_precision)
    acted = stated or (None if c.background else published)
    future = today is not None and stated is not None and is_after(stated, today)
    official = story.official_of == c.authority
    confirmed = _is_confirmed(c, official)
    return Claim(
        id=_claim_id(story, c),
        group=c.group,
        authority=c.authority,
        change=c.change,
        stage=Stage.DECIDED if future and c.stage is Stage.EFFECTIVE else c.stage,
        news=not c.background,
        evidence=Evidence(rule="+".join((c.rule, *c.why)), start=c.sentence.start, end=c.sentence.end, text=text),
        confidence=_confidence(c, confirmed, story),
        confirmed=confirmed,
        date=_date(c, today),
        acted_on=acted if not future else published,
        effective_on=stated if future else None,
        instrument=c.instrument,
        scope=c.scope,
        speaker=c.voice.speaker,
        medium=c.voice.medium,
        origin=c.voice.medium or story.source,
        fingerprint=mark,
        official=official,
    )


def _date(c: Candidate, today: date | None) -> PartialDate | None:
    """The date as the text gives it; a weekday counts as the day it resolves to, where the story's day is known."""
    if c.when is None:
        return None
    return c.when.date if today is not None or not c.when.weekday else None


def _is_confirmed(c: Candidate, official: bool) -> bool:
    """Whether the authority's voice, or an outlet in its own name, carries the claim: no beneficiary, no rumour."""
    if official:
        return True
    if c.voice.group is not None or c.voice.unnamed or c.voice.distanced:
        return False
    return c.voice.authority in {None, c.authority} or c.stage is not Stage.EFFECTIVE


def _confidence(c: Candidate, confirmed: bool, story: Story) -> float:
    score = 0.95 - 0.1 * min(c.guessed, 2) - (0.0 if confirmed else 0.35) - (0.1 if not story.complete else 0.0)
    return round(max(score - (0.05 if c.sentence.number > 2 else 0.0), 0.05), 2)


def _claim_id(story: Story, c: Candidate) -> ClaimId:
    """A function of content: the story and its revision, the key, the change, the stage, the words."""
    parts = (
        story.id,
        str(story.revision),
        c.authority,
        c.group,
        c.change,
        c.stage,
        c.date,
        c.rule,
        str(c.sentence.start),
        str(c.background),
    )
    return ClaimId(hashlib.blake2b("\n".join(str(p) for p in parts).encode(), digest_size=10).hexdigest())


def fingerprint(story: Story) -> str:
    """What copies of one text share, by `streams.corroboration`."""
    return sketch(story.text)
