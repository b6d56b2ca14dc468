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

from streams.reading.attribution import find_medium, media
from streams.reading.candidates import Candidate, candidates
from streams.reading.claims import Row, claim_of, find_turns, fingerprint, held_back, settle_news
from streams.reading.context import Focus, Named, groups_in, home_of, opens_with_organ, origin_of
from streams.reading.effects import Drop
from streams.reading.ellipsis import gapped
from streams.reading.history import as_renewal, kept_by_renewal
from streams.reading.lexicon import Lexicon
from streams.reading.nouns import collapse
from streams.reading.pointers import pointed_at
from streams.reading.relevance import may_tell
from streams.reading.sentences import Sentence, split
from streams.reading.tenses import Scene
from streams.reading.tokens import Kind, Unit
from streams.reading.units import bare_groups, units_of
from streams.reading.waiting import may_be_named_in, named_later
from streams.reading.words import cities, words
from streams.records import Claim, Mention, Story
from streams.registry import Registry
from streams.vocabulary import Change

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
    found = [as_renewal(c, registry, page.today) for c in kept_by_renewal(_walk(page, registry))]
    news, background, repeated = settle_news(found, _is_opinion(story))
    turns = _turns(page) if news else []
    claims = [held_back(c, turns) for c in news] + background
    mark = fingerprint(story) if claims else ""
    finished = tuple(claim_of(c, story, page.today, mark) for c in claims)
    return Reading(finished, mentions, (*(c for c in found if c.drop is not None), *repeated))


@dataclass(frozen=True, slots=True)
class _Page:
    """A story cut: its sentences, the units of those that open it, its day, and what it is about."""

    story: Story
    mentions: tuple[Mention, ...]
    lexicon: Lexicon
    sentences: tuple[Sentence, ...]
    opening: tuple[list[Unit], ...]
    today: date | None
    agency: str | None
    focus: Focus


_OPENING = 3
"""Headline and lead: what a story is about is told there, so they are always read whole."""


def _page(story: Story, mentions: tuple[Mention, ...], registry: Registry) -> _Page:
    sentences, dateline = split(story.headline, story.body)
    lexicon = lexicon_of(registry)
    told = (s for s in sentences if s.number < _OPENING)
    opening = tuple(collapse(units_of(story.text, s.start, s.end, mentions, lexicon)) for s in told)
    focus = _opening_focus(opening)
    of_organ = opens_with_organ(opening)
    if dateline is not None and (focus.home is None or of_organ):
        place = [units_of(story.text, dateline.start, dateline.end, (), lexicon)]
        seat, city = home_of(place) or origin_of(place), cities().get((dateline.place or "").lower())
        focus.home = (city if of_organ else None) or seat or city or focus.home
    focus.home = focus.home or origin_of(opening)
    today = story.published.date() if story.published is not None else None
    agency = (dateline.agency if dateline is not None else None) or find_medium(story.source or "") or story.source
    return _Page(story, mentions, lexicon, sentences, opening, today, agency, focus)


def _units(page: _Page, index: int, text: str, waiting: bool) -> list[Unit]:
    """The units of a sentence (its `text`); of one that can tell nothing only its groups.

    `waiting`: names may still be to come.
    """
    if index < len(page.opening):
        return page.opening[index]
    story, (start, end, *_) = page.story.text, page.sentences[index]
    focus = page.focus
    if waiting or may_tell(text, focus.list_seen or focus.list_in_sight, focus.status_in_sight or focus.act_in_sight):
        return collapse(units_of(story, start, end, page.mentions, page.lexicon))
    return bare_groups(story, start, end, page.mentions, page.lexicon)


def _walk(page: _Page, registry: Registry) -> list[Candidate]:
    """All candidates, sentence by sentence."""
    found: list[Candidate] = []
    for index, sentence in enumerate(page.sentences):
        text = page.story.text[sentence.start : sentence.end]
        page.focus.hear(text)
        waiting = [c for c in found if may_be_named_in(sentence, c)]
        units = _units(page, index, text, bool(waiting))
        view = _scene(page, sentence, units, registry)
        fresh = list(candidates(view, page.focus, registry))
        fresh += gapped(view, fresh)
        fresh += pointed_at(view, found, fresh)
        fresh += named_later(waiting, found, view, fresh)
        found += fresh
        _remember(page.focus, fresh, units, page.story.text)
        if fresh:
            page.focus.meet(units)
    return found


def _turns(page: _Page) -> list[Row]:
    """The rows of the body's sentences that hold changes back or bring them forward."""
    text = page.story.text
    return [row for s in page.sentences if s.number for row in find_turns(text[s.start : s.end])]


@cache
def lexicon_of(registry: Registry) -> Lexicon:
    """The lexicon built from a registry, once."""
    return Lexicon(registry)


def _scene(page: _Page, sentence: Sentence, units: list[Unit], registry: Registry) -> Scene:
    home = page.focus.acting or page.focus.home
    return Scene(sentence, units, page.story.text, page.today, registry, home, page.agency)


def _opening_focus(units: Sequence[list[Unit]]) -> Focus:
    """What headline and lead are about."""
    topic = next((groups for groups in map(groups_in, units[:2]) if groups), ())
    return Focus(home=home_of(units), topic=topic)


def _remember(focus: Focus, fresh: list[Candidate], units: list[Unit], story: str) -> None:
    done = [c for c in fresh if c.group is not None and c.authority is not None]
    if done:
        focus.changed = tuple(dict.fromkeys(Named(c.group, c.scope) for c in done if c.group is not None))
        focus.several = focus.changed if len(focus.changed) > 1 else focus.several
        focus.acting = done[-1].authority
    news = [c for c in done if c.drop is None and not c.background]
    if news:
        focus.reported = tuple(dict.fromkeys(Named(c.group, c.scope) for c in news if c.group is not None))
    kinds = {unit.kind for unit in units}
    focus.platform = focus.platform or any(c.drop is Drop.PLATFORM for c in fresh)
    focus.list_in_sight = Kind.LIST in kinds or any(c.change is Change.LISTING for c in done)
    focus.strangers = not done and not words().strangers.isdisjoint(unit.text for unit in units)
    focus.status_in_sight = Kind.STATUS in kinds or Kind.LABEL in kinds
    focus.act_in_sight = bool(done)
    focus.list_seen = focus.list_seen or Kind.LIST in kinds or Kind.STATUS in kinds
    focus.saw(units, story)


_HEAD = re.compile(r"[:|–—]|-(?=\w)|\s-\s")


def _is_opinion(story: Story) -> bool:
    """Whether the headline or slug marks the text as somebody's view or a list of old events."""
    first = _HEAD.split(story.headline.lower(), maxsplit=1)[0].strip(" []()")
    slug = (story.slugline or "").lower()
    return first in media().opinion or any(slug.startswith(word) for word in media().opinion)
