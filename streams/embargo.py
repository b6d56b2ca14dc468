"""What happens to a story that its agency does not want used yet: held, replaced, released or dropped.

Rules, in order:
1. A kill is never held. Of a held story it takes away what is held, and it travels on only if something of the story
   is out, or may be: what is held beyond its end may have been published by whoever crashed before saying so.
2. A story whose embargo ends later than now is held. It replaces whatever is held of the same story.
3. Any other story goes out at once, as does one whose embargo is withdrawn early, and what is held of it is dropped.
4. A held story is released when its embargo has ended, as it came. Of several revisions only the newest is released.

A story that is withheld without an end goes on by rule 3: nobody can say when to let go of it.

Held stories lie under `story|revision`: whoever deletes one that was released deletes that very revision, never a newer
one that came meanwhile.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from streams.records import Record, Story, StoryId
from streams.vocabulary import PubStatus, Signal

LOOK_AGAIN_S = 60.0
"""Nobody sleeps longer than this: a clock that is put right takes effect, and what others hold is seen."""


class Held(Record, frozen=True, kw_only=True):
    """A story under embargo; the value of its key in `wire.held`."""

    story: Story
    is_revision: bool = False  # something of the story is out already

    @property
    def key(self) -> str:
        """`story|revision`."""
        return f"{self.story.id}|{self.story.revision}"

    @property
    def until(self) -> datetime:
        """When it is released; one that tells no end should not be here, and its time has come."""
        return self.story.embargoed_until or self.story.received_at


class Plan(NamedTuple):
    """What to do, in this order, each part acknowledged before the next: a crash in between loses nothing."""

    hold: tuple[Held, ...] = ()
    publish: tuple[Story, ...] = ()
    drop: tuple[Held, ...] = ()


HeldStories = Mapping[StoryId, Sequence[Held]]
"""What is held of each story: one revision, or several after a crash."""


def is_embargoed(story: Story, now: datetime) -> bool:
    """Whether the story is to be held."""
    return story.embargoed_until is not None and story.embargoed_until > now and not _is_kill(story)


def received(stories: Iterable[Story], held: HeldStories, now: datetime) -> Plan:
    """What becomes of stories that come in, given in order, and of what is held of them."""
    there = dict(held)
    hold: list[Held] = []
    publish: list[Story] = []
    drop: list[Held] = []
    for story in stories:
        before = there.get(story.id, ())
        is_out = any(old.is_revision or old.until <= now for old in before) if before else story.revision > 1
        kept = [Held(story=story, is_revision=is_out)] if is_embargoed(story, now) else []
        if not kept and (is_out or not before or not _is_kill(story)):
            publish.append(story)
        hold += kept
        drop += [old for old in before if old.key not in {new.key for new in kept}]
        there[story.id] = kept
    return Plan(tuple(hold), tuple(publish), tuple(drop))


def released(held: HeldStories, now: datetime, grace: timedelta = timedelta()) -> Plan:
    """What is released now: whose embargo ended at least `grace` ago, the first to end first."""
    due = sorted(
        (newest for newest in map(newest_of, held.values()) if newest.until <= now - grace),
        key=lambda newest: (newest.until, newest.key),
    )
    drop = tuple(old for newest in due for old in held[newest.story.id])
    return Plan(publish=tuple(newest.story for newest in due), drop=drop)


def newest_of(revisions: Iterable[Held]) -> Held:
    """The one of several held revisions of a story that counts."""
    return max(revisions, key=lambda held: held.story.revision)


def wait_s(until: datetime, now: datetime) -> float:
    """Seconds to sleep before the next look, if that is when the next story is released; at most `LOOK_AGAIN_S`."""
    return min(max((until - now).total_seconds(), 0.0), LOOK_AGAIN_S)


def _is_kill(story: Story) -> bool:
    return story.pub_status is PubStatus.CANCELED or Signal.KILL in story.signals
