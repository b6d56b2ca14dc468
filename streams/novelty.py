"""Which items of a document are news: new, changed, or neither, against what is remembered of its feed.

Rules, in order:
1. An item whose markup is the one remembered was not even parsed: nothing changed.
2. A version older than the one that is known came late and is ignored.
3. What a known item says now differs from what it said: its next revision. Words, status and embargo count; spaces,
   links and markup do not, for they move without news.
4. An unknown item that says what another item of the feed says, within a week of it, is a copy under another name:
   publishers rewrite their guids, from http to https, with a new CMS, from one mirror to the next.
5. An item without a word (a picture, an item still to be written) is none until it has a text.
6. Anything else is a new story. One that is much older than the feed's last look is history. So are items that the feed
   brings all at once and all older than what it had brought before: those are rewritten names with reworked texts.

What rules 2, 4 and 5 keep back is counted by its reason. So is what waits: of a flood, the oldest stories go first, and
the others are found again at the next looks, lest one feed delay what the others bring.
"""

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from streams.records import Story, StoryId
from streams.vocabulary import PubStatus, Signal
from streams.wires.documents import Document, Dropped

BACKFILL_AFTER = timedelta(days=30)
SAME_WITHIN = timedelta(days=7)
"""Copies of a story appear within days; the same words after a year are another year's decision."""

REWRITE_AT_LEAST = 10
"""Fewer items that are unknown and old are a feed that shows a few more of its past."""

KEEP_AT_LEAST = 1_000
KEEP_AT_MOST = 22_000
"""Items remembered. At 85 bytes each, the most stays within a message; no document has more than 20,000."""

AT_ONCE = 300
"""Stories of one look; more are a feed's first day or a flood."""

COPY = "copy"
OLD_VERSION = "old-version"
EMPTY = "empty"
WAITING = "waiting"
REASONS = (COPY, OLD_VERSION, EMPTY, WAITING)
"""Why an item of a feed is kept back."""

_HEX_DIGITS = 16
_URL = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_TAG = re.compile(r"</?[A-Za-z][^<>]*>")
_NOT_WORDS = re.compile(r"[\s\u200b-\u200f\u2060\ufeff]+")


class SeenItem(Struct, frozen=True, array_like=True):
    """What is remembered of an item: enough to tell a new one from a changed one."""

    story: StoryId
    fingerprint: str
    revision: int
    wire: str = ""  # hash of the item's own markup, where its format tells it
    version: int | None = None  # as the agency counts
    published_s: int | None = None  # seconds of the epoch


class News(NamedTuple):
    """What a document brings: the stories oldest first, what to remember, and what was kept back and why."""

    stories: tuple[Story, ...]
    seen: tuple[SeenItem, ...]
    kept_back: tuple[Dropped, ...]
    waiting: int  # stories that the next look will bring


def fingerprint(story: Story) -> str:
    """A hash of what the story says and whether it may be used.

    Spaces and links move without news (a tracking parameter, a re-flowed paragraph), and each such move would
    publish the story again.
    """
    plain = _URL.sub("", _TAG.sub("", unicodedata.normalize("NFKC", story.text)))
    said = _NOT_WORDS.sub("", plain)
    if story.pub_status is not PubStatus.USABLE or story.embargoed_until is not None:
        said += f"\n{story.pub_status}\n{story.embargoed_until}"
    return hashlib.blake2b(said.encode("utf-8", "replace")).hexdigest()[:_HEX_DIGITS]


def news_of(document: Document, seen: Sequence[SeenItem], looked_at: datetime, now: datetime) -> News:
    """The news of a document against `seen`; `looked_at` is when its feed was last looked at."""
    comparison = _Comparison(seen)
    for index, story in enumerate(document.stories):
        comparison.take(story, document.hashes[index] if document.hashes else "")
    comparison.keep(document.unchanged)
    newest_s = max((item.published_s or 0 for item in seen), default=0)
    new = [story for story in comparison.fresh if story.id in comparison.new]
    late = _late(new, newest_s, len(document.stories) + len(document.unchanged))
    marked = [_marked(story, looked_at, story.id in late) for story in comparison.fresh]
    ordered = _oldest_first(marked, now)
    waiting = ordered[AT_ONCE:]
    for story in waiting:
        comparison.put_off(story.id)
    kept_back = tuple(Dropped(reason, items) for reason, items in sorted(comparison.kept_back.items()))
    return News(ordered[:AT_ONCE], _bounded(comparison.listed, seen), kept_back, len(waiting))


class _Comparison:
    """Goes over the items of a document once."""

    def __init__(self, seen: Sequence[SeenItem]) -> None:
        self.listed: dict[StoryId, SeenItem] = {}
        self.fresh: list[Story] = []
        self.new: set[StoryId] = set()  # those of `fresh` that nothing was known of
        self.kept_back: Counter[str] = Counter()
        self._known = {item.story: item for item in seen}
        self._by_words = {item.fingerprint: item for item in reversed(seen)}
        self._by_markup = {item.wire: item for item in seen if item.wire}

    def keep(self, unchanged: Iterable[str]) -> None:
        """Takes the items whose markup is the one remembered."""
        for wire in unchanged:
            if item := self._by_markup.get(wire):
                self.listed.setdefault(item.story, item)

    def take(self, story: Story, wire: str) -> None:
        """Takes an item that was read."""
        if story.id in self.listed:
            return
        if _is_empty(story):
            self.kept_back[EMPTY] += 1
            return
        said, before = fingerprint(story), self._known.get(story.id)
        now = SeenItem(story.id, said, story.revision, wire, story.version, _seconds(story.published))
        if before is not None:
            self._take_known(story, before, now)
        elif (twin := self._by_words.get(said)) is not None and _is_copy(story, now, twin):
            self._file(replace(now, revision=twin.revision))
            self.kept_back[COPY] += 1
        else:
            self.new.add(story.id)
            self._publish(story, now)

    def put_off(self, story: StoryId) -> None:
        """Leaves a story that was to be published as it was known before, or unknown."""
        self.kept_back[WAITING] += 1
        before = self._known.get(story)
        if before is not None:
            self._file(replace(before, wire=""))
        else:
            self.listed.pop(story)

    def _take_known(self, story: Story, before: SeenItem, now: SeenItem) -> None:
        if now.version is not None and before.version is not None and now.version < before.version:
            self._file(before)
            self.kept_back[OLD_VERSION] += 1
        elif before.fingerprint == now.fingerprint:
            self._file(replace(now, revision=before.revision))
        else:
            self._publish(story, replace(now, revision=max(before.revision + 1, story.revision)))

    def _publish(self, story: Story, item: SeenItem) -> None:
        self.fresh.append(replace(story, revision=item.revision))
        self._by_words[item.fingerprint] = item
        self._file(item)

    def _file(self, item: SeenItem) -> None:
        self.listed[item.story] = item


def _is_empty(story: Story) -> bool:
    """Nothing to read; a kill needs no words, it has an identity."""
    return not story.text.strip() and story.pub_status is PubStatus.USABLE and Signal.KILL not in story.signals


def _is_copy(story: Story, item: SeenItem, twin: SeenItem) -> bool:
    """Same words, about the same time. A kill without a text names its story by nothing but its identity."""
    if story.pub_status is not PubStatus.USABLE or Signal.KILL in story.signals:
        return False
    if twin.published_s is None or item.published_s is None:
        return True
    return abs(twin.published_s - item.published_s) <= SAME_WITHIN.total_seconds()


def _late(new: Sequence[Story], newest_s: int, items: int) -> frozenset[StoryId]:
    """New stories older than the newest known, if they are so many that no honest feed brings them at once."""
    late = frozenset(
        story.id for story in new if story.published is not None and story.published.timestamp() < newest_s
    )
    return late if len(late) >= REWRITE_AT_LEAST and 2 * len(late) > items else frozenset()


def _marked(story: Story, looked_at: datetime, late: bool) -> Story:
    """With the signal of a story that is older than the last look at its feed explains: history, no live news."""
    old = story.published is not None and story.published < looked_at - BACKFILL_AFTER
    return replace(story, signals=(*story.signals, Signal.BACKFILL)) if old or late else story


def _bounded(listed: Mapping[StoryId, SeenItem], older: Iterable[SeenItem]) -> tuple[SeenItem, ...]:
    """What is listed now, then what was, as far as it goes: items leave a feed and come back."""
    rest = (item for item in older if item.story not in listed)
    keep = min(max(KEEP_AT_LEAST, 2 * len(listed)), KEEP_AT_MOST)
    return (*listed.values(), *rest)[: max(keep, len(listed))]


def _oldest_first(fresh: list[Story], now: datetime) -> tuple[Story, ...]:
    """By publication; where that is equal or not given, from the end, since feeds list the newest first."""
    fresh.reverse()
    return tuple(sorted(fresh, key=lambda story: story.published or now))


def _seconds(at: datetime | None) -> int | None:
    return None if at is None else int(at.timestamp())
