"""What a story is about: its language, the groups it names, and whether it can carry a status change.

Keeps no state: near-copies are folded later, in the ledger's entry. Revisions, kills and withheld stories always go
on, whatever they say now, because an earlier revision may have claimed something.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from streams.classifying.language import READ, language_of
from streams.records import Classified, Mention, Story
from streams.registry import Registry
from streams.vocabulary import Change, PubStatus, Signal

__all__ = ["Quiet", "QuietReason", "classify", "topics_of"]


class QuietReason(StrEnum):
    """Why a story goes no further; each is a metric label."""

    NO_GROUP = "no-group"
    NO_CUE = "no-cue"  # a group, but no word of lists, bans or recognition
    LANGUAGE = "language-unsupported"


@dataclass(frozen=True, slots=True)
class Quiet:
    """A story that carries no status change, and why."""

    reason: QuietReason


_CUE_STEMS: dict[Change, str] = {
    Change.LISTING: "designat proscri outlaw blacklist ban bans banned banning terror list listed lists listing "
    "prohibit forbid unlawful illegal sanction brand label crimin dissol disband",
    Change.DELISTING: "delist de-list deproscri de-proscri unban remov revok rescind lift struck strike annul overturn "
    "quash laps expire off drop",
    Change.SUSPENSION: "suspen hold waive freez froze",
    Change.RENEWAL: "renew exten prolong roll rolls rolled relist re-list maintain keep kept",
    Change.RECOGNITION: "recognis recogniz recognition diplomatic",
}
_STATUS_STEMS = (
    "terror ban bans banned banning list proscri designat outlaw blacklist recognis recogniz unlawful illegal prohibit "
    "forbid sanction label deproscri legalis legaliz dissol disband recognition diplomatic"
)
_WHOLE = frozenset("ban bans list lists off hold roll rolls".split())
"""Stems that count only as whole words: "ban" is no cue in "bank"."""


_MOST_WORDS = 200_000
"""Different words whose meaning is remembered; some megabytes, and more than a year of wires has."""


def _begin(stems: str) -> tuple[tuple[str, ...], frozenset[str]]:
    """Beginnings of words, and whole words."""
    split = stems.split()
    return tuple(stem for stem in split if stem not in _WHOLE), frozenset(split) & _WHOLE


_CUES = tuple((change, *_begin(stems)) for change, stems in _CUE_STEMS.items())
_STATUS, _STATUS_WORDS = _begin(_STATUS_STEMS)
_WORD = re.compile(r"\w+")
_HYPHENED = re.compile(r"\b(?:de|re)-\w+")


def classify(story: Story, registry: Registry) -> Classified | Quiet:
    """The story with its language, mentions and topics, or why it is of no interest. Never raises on any text."""
    mentions = registry.matcher.find(story.text)
    always = _always(story)
    if not mentions and not always:
        return Quiet(QuietReason.NO_GROUP)  # nearly every story: nothing else is looked at
    language = language_of(story.text, story.language)
    if language not in READ and not always:
        return Quiet(QuietReason.LANGUAGE)
    topics = topics_of(story.text, mentions)
    if not topics and not always:
        return Quiet(QuietReason.NO_CUE)
    return Classified(story=story, language=language, mentions=mentions, topics=topics)


def topics_of(text: str, mentions: tuple[Mention, ...]) -> tuple[str, ...]:
    """The changes whose words stand in the text, if it names a group and any word of status at all."""
    if not mentions:
        return ()
    lower = text.lower()
    words = {*_WORD.findall(lower), *_HYPHENED.findall(lower)}
    if not any(map(_is_of_status, words)):
        return ()
    found = frozenset[Change]().union(*map(_cued, words))
    return tuple(change.value for change in _CUE_STEMS if change in found)


@lru_cache(_MOST_WORDS)
def _is_of_status(word: str) -> bool:
    return word.startswith(_STATUS) or word in _STATUS_WORDS


@lru_cache(_MOST_WORDS)
def _cued(word: str) -> frozenset[Change]:
    return frozenset(change for change, begin, whole in _CUES if word.startswith(begin) or word in whole)


def _always(story: Story) -> bool:
    return story.revision > 1 or story.pub_status is not PubStatus.USABLE or Signal.KILL in story.signals
