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
from streams.vocabulary import Change, PubStatus

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
    language: str


_CUES: tuple[tuple[Change, re.Pattern[str]], ...] = (
    (Change.LISTING, re.compile(r"\b(?:designat|proscri|outlaw|blacklist|ban(?:s|ned|ning)?\b|terror|list(?:s|ed|ing|ings)?\b|prohibit|unlawful|illegal|sanction|brand|label|crimin)", re.I)),
    (Change.DELISTING, re.compile(r"\b(?:delist|de-list|deproscri|de-proscri|unban|remov|revok|rescind|lift|struck|strike|annul|overturn|quash|laps|expire|off\b|drop)", re.I)),
    (Change.SUSPENSION, re.compile(r"\b(?:suspen|on hold|waive|freez|froze)", re.I)),
    (Change.RENEWAL, re.compile(r"\b(?:renew|exten|prolong|roll(?:s|ed)? over|re-?list|maintain|keep|kept)", re.I)),
    (Change.RECOGNITION, re.compile(r"\brecogni[sz]", re.I)),
)  # fmt: skip
_STATUS = re.compile(r"\b(?:terror|ban(?:s|ned|ning)?\b|list|proscri|designat|outlaw|blacklist|recogni[sz]|unlawful|illegal|prohibit|sanction|label|deproscri|legali[sz])", re.I)  # fmt: skip


def classify(story: Story, registry: Registry) -> Classified | Quiet:
    """The story with its language, mentions and topics, or why it is of no interest. Never raises on any text."""
    language = language_of(story.text, story.language)
    mentions = registry.matcher.find(story.text)
    topics = topics_of(story.text, mentions)
    if _always(story):
        return Classified(story=story, language=language, mentions=mentions, topics=topics)
    if not mentions:
        return Quiet(QuietReason.NO_GROUP, language)
    if language not in READ:
        return Quiet(QuietReason.LANGUAGE, language)
    if not topics:
        return Quiet(QuietReason.NO_CUE, language)
    return Classified(story=story, language=language, mentions=mentions, topics=topics)


def topics_of(text: str, mentions: tuple[Mention, ...]) -> tuple[str, ...]:
    """The changes whose words stand in the text, if it names a group and any word of status at all."""
    if not mentions or not _STATUS.search(text):
        return ()
    return tuple(change.value for change, cue in _CUES if cue.search(text))


def _always(story: Story) -> bool:
    return story.revision > 1 or story.pub_status is not PubStatus.USABLE or "kill" in story.signals
