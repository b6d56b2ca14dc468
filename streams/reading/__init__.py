"""A story in, the claims it makes out: who changed whose status how, how far it has come, and where the text says so.

    sentences -> units (words, groups, actors) -> noun phrases -> triggers and roles -> stance and time -> claims

Deterministic and explainable: each claim names its rule and its sentence, each candidate that was dropped its reason.
Nothing here knows a particular group or story; that is the registry's and the phrasebook's part.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from functools import cache

from streams.reading.attribution import attribute, find_medium, media
from streams.reading.candidates import Candidate, Scene, candidates, named_later, scene
from streams.reading.claims import Row, claim_of, find_turns, held_back, settle_news
from streams.reading.context import Focus, Named, groups_in, home_of
from streams.reading.ellipsis import same_step
from streams.reading.lexicon import Lexicon
from streams.reading.nouns import collapse
from streams.reading.sentences import Sentence, split
from streams.reading.stance import Drop
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


def read(story: Story, registry: Registry, *, official: bool = False) -> Reading:
    """The claims of a story. `official`: it is the authority's own publication. Never raises on any text."""
    mentions = registry.matcher.find(story.text)
    if not mentions:
        return Reading((), (), ())
    sentences, dateline = split(story.headline, story.body)
    lexicon = lexicon_of(registry)
    units = [collapse(units_of(story.text, s.start, s.end, mentions, lexicon)) for s in sentences]
    today = story.published.date() if story.published is not None else None
    focus = _opening_focus(units)
    if focus.home is None and dateline is not None:
        focus.home = home_of([units_of(story.text, dateline.start, dateline.end, (), lexicon)])
    found: list[Candidate] = []
    rows: list[Row] = []
    agency = dateline.agency if dateline is not None else None
    for sentence, pieces in zip(sentences, units, strict=True):
        view = _scene(story, sentence, pieces, focus, registry, today, agency)
        fresh = list(candidates(view, focus, registry))
        fresh += same_step(view, [*found, *fresh])
        fresh += named_later(found, view, fresh, groups_in(pieces))
        found += fresh
        _remember(focus, fresh, pieces)
        rows += find_turns(story.text[sentence.start : sentence.end]) if sentence.number else []
    news, background, repeated = settle_news(found, _is_opinion(story))
    claims = [claim_of(held_back(c, rows), story, today, official) for c in news]
    claims += [claim_of(c, story, today, official) for c in background]
    return Reading(tuple(claims), mentions, (*(c for c in found if c.drop is not None), *repeated))


@cache
def lexicon_of(registry: Registry) -> Lexicon:
    """The lexicon built from a registry, once."""
    return Lexicon(registry)


def _scene(
    story: Story,
    sentence: Sentence,
    units: list[Unit],
    focus: Focus,
    registry: Registry,
    today: date | None,
    agency: str | None,
) -> Scene:
    text = story.text[sentence.start : sentence.end]
    voice = attribute(units, text, registry, focus.acting or focus.home)
    if voice.medium is None:
        voice = voice._replace(medium=agency or find_medium(story.source or "") or story.source)
    return scene(sentence, units, find_times(story.text, sentence.start, sentence.end, today), voice, today)


def _opening_focus(units: list[list[Unit]]) -> Focus:
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
    focus.saw(units)


_HEAD = re.compile(r"[:|–—]|-(?=\w)|\s-\s")


def _is_opinion(story: Story) -> bool:
    """Whether the headline or slug marks the text as somebody's view or a list of old events."""
    first = _HEAD.split(story.headline.lower(), maxsplit=1)[0].strip(" []()")
    slug = (story.slugline or "").lower()
    return first in media().opinion or any(slug.startswith(word) for word in media().opinion)
