"""What a story is about: its language, the groups it names, and whether it can carry a status change.

Keeps no state: near-copies are folded later, in the ledger's entry. Revisions, kills and withheld stories always go
on, whatever they say now, because an earlier revision may have claimed something.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

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


def _pattern(stems: str) -> re.Pattern[str]:
    return re.compile(
        r"\b(?:" + "|".join(stem + (r"\b" if stem in _WHOLE else "") for stem in stems.split()) + ")", re.I
    )


_CUES = tuple((change, _pattern(stems)) for change, stems in _CUE_STEMS.items())
_STATUS = _pattern(_STATUS_STEMS)


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
    if not mentions or not _STATUS.search(text):
        return ()
    return tuple(change.value for change, cue in _CUES if cue.search(text))


def _always(story: Story) -> bool:
    return story.revision > 1 or story.pub_status is not PubStatus.USABLE or Signal.KILL in story.signals
