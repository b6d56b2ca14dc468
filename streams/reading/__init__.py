"""A story in, the claims it makes out: who changed whose status how, how far it has come, and where the text says so.

    sentences -> units (words, groups, actors) -> noun phrases -> triggers and roles -> stance and time -> claims

Deterministic and explainable: each claim names its rule and its sentence, each candidate that was dropped its reason.
Nothing here knows a particular group or story; that is the registry's and the phrasebook's part.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache

from streams.reading.attribution import attribute, find_medium, media
from streams.reading.candidates import Candidate, candidates, named_later
from streams.reading.claims import Row, claim_of, find_turns, held_back, settle_news
from streams.reading.context import Focus, Named, groups_in, home_of
from streams.reading.effects import Drop
from streams.reading.ellipsis import same_step
from streams.reading.lexicon import Lexicon
from streams.reading.nouns import collapse
from streams.reading.sentences import Sentence, split
from streams.reading.tenses import Scene, scene
from streams.reading.times import find_times
from streams.reading.tokens import Kind, Unit
from streams.reading.units import units_of
from streams.records import Claim, Mention, Story
from streams.registry import Registry

__all__ = ["Reading", "read"]


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read out of a story: claims, mentions, and the candidates that were dropped with their reasons."""

    claims: tuple[Claim, ...]
    mentions: tuple[Mention, ...]
    dropped: tuple[Candidate, ...]


def read(story: Story, registry: Registry) -> Reading:
    """The claims of a story. Never raises on any text."""
    mentions = registry.matcher.find(story.text)
    if not mentions:
        return Reading((), (), ())
    page = _page(story, mentions, registry)
    found, turns = _walk(page, registry)
    news, background, repeated = settle_news(found, _is_opinion(story))
    claims = [claim_of(held_back(c, turns), story, page.today) for c in news]
    claims += [claim_of(c, story, page.today) for c in background]
    return Reading(tuple(claims), mentions, (*(c for c in found if c.drop is not None), *repeated))


@dataclass(frozen=True, slots=True)
class _Page:
    """A story cut and tagged: its sentences with their units, its day, and what it is about."""

    story: Story
    sentences: tuple[Sentence, ...]
    units: tuple[list[Unit], ...]
    today: date | None
    agency: str | None
    focus: Focus


def _page(story: Story, mentions: tuple[Mention, ...], registry: Registry) -> _Page:
    sentences, dateline = split(story.headline, story.body)
    lexicon = lexicon_of(registry)
    units = tuple(collapse(units_of(story.text, s.start, s.end, mentions, lexicon)) for s in sentences)
    focus = _opening_focus(units)
    if focus.home is None and dateline is not None:
        focus.home = home_of([units_of(story.text, dateline.start, dateline.end, (), lexicon)])
    today = story.published.date() if story.published is not None else None
    agency = dateline.agency if dateline is not None else None
    return _Page(story, sentences, units, today, agency or find_medium(story.source or "") or story.source, focus)


def _walk(page: _Page, registry: Registry) -> tuple[list[Candidate], list[Row]]:
    """All candidates, sentence by sentence, and the rows that hold changes back or bring them forward."""
    found: list[Candidate] = []
    turns: list[Row] = []
    for sentence, units in zip(page.sentences, page.units, strict=True):
        view = _scene(page, sentence, units, registry)
        fresh = list(candidates(view, page.focus, registry))
        fresh += same_step(view, [*found, *fresh])
        fresh += named_later(found, view, fresh, groups_in(units))
        found += fresh
        _remember(page.focus, fresh, units)
        turns += find_turns(page.story.text[sentence.start : sentence.end]) if sentence.number else []
    return found, turns


@cache
def lexicon_of(registry: Registry) -> Lexicon:
    """The lexicon built from a registry, once."""
    return Lexicon(registry)


def _scene(page: _Page, sentence: Sentence, units: list[Unit], registry: Registry) -> Scene:
    text = page.story.text
    voice = attribute(units, text[sentence.start : sentence.end], registry, page.focus.acting or page.focus.home)
    if voice.medium is None:
        voice = voice._replace(medium=page.agency)
    return scene(sentence, units, find_times(text, sentence.start, sentence.end, page.today), voice, page.today)


def _opening_focus(units: Sequence[list[Unit]]) -> Focus:
    """What headline and lead are about."""
    topic = next((groups for groups in map(groups_in, units[:2]) if groups), ())
    return Focus(home=home_of(units), topic=topic)


def _remember(focus: Focus, fresh: list[Candidate], units: list[Unit]) -> None:
    done = [c for c in fresh if c.group is not None and c.authority is not None]
    if done:
        focus.changed = tuple(dict.fromkeys(Named(c.group, c.scope) for c in done if c.group is not None))
        focus.acting = done[-1].authority
    focus.platform = focus.platform or any(c.drop is Drop.PLATFORM for c in fresh)
    focus.list_in_sight = any(unit.kind is Kind.LIST for unit in units)
    focus.list_seen = focus.list_seen or any(unit.kind in {Kind.LIST, Kind.STATUS} for unit in units)
    focus.saw(units)


_HEAD = re.compile(r"[:|–—]|-(?=\w)|\s-\s")


def _is_opinion(story: Story) -> bool:
    """Whether the headline or slug marks the text as somebody's view or a list of old events."""
    first = _HEAD.split(story.headline.lower(), maxsplit=1)[0].strip(" []()")
    slug = (story.slugline or "").lower()
    return first in media().opinion or any(slug.startswith(word) for word in media().opinion)
