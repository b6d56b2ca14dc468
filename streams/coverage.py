"""Who would tell us if an authority changed a status: the feeds that could, and whether they are fresh.

    own       the authority's own publication is fresh, or a feed that is its voice
    near      none of its own, but one that covers it by name (`covers = ["kz"]`), as an agency of the country
    distant   only desks that cover everybody (`covers = ["*"]`), who tell what the world talks about
    blind     no fresh feed at all: a change would pass unseen

A feed is fresh when it is polled, answers, and brought something new lately. Official journals are quiet for weeks and
well; an agency that is quiet for three days (a weekend and one more) is not, however well its server answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct

from streams.classifying.language import READ
from streams.feeds import EVERYBODY, FeedSpec
from streams.polling import SUCCESSES, Outcome
from streams.records import AuthorityKey, Record, Utc

QUIET_OFFICIAL = timedelta(days=30)
QUIET = timedelta(days=3)
FAILING_FROM = 5
"""Failed looks in a row; fewer are a bad moment."""
OVERDUE = timedelta(minutes=10)
_WELL = frozenset({*SUCCESSES, Outcome.PUSHED})


class FeedHealth(Record, frozen=True, kw_only=True):
    """As much of a `FeedState` as tells whether the feed is well."""

    feed: str
    polled_at: Utc | None = None
    next_due: Utc | None = None
    failures: int = 0
    outcome: str | None = None
    newest: Utc | None = None
    moved_to: str | None = None
    waiting: int = 0


class Degree(StrEnum):
    """How well an authority is watched, best first."""

    OWN = "own"
    NEAR = "near"
    DISTANT = "distant"
    BLIND = "blind"


_BEST_FIRST = tuple(Degree)


class Coverage(Struct, frozen=True, kw_only=True):
    """How an authority is watched."""

    authority: AuthorityKey
    degree: Degree
    fresh: tuple[str, ...]  # feeds, the nearest first
    failing: tuple[tuple[str, str], ...]  # feeds of its own or near ones that are not fresh, and why


def quiet_after(feed: FeedSpec) -> timedelta:
    """After so long without a new item the feed counts as quiet."""
    return QUIET_OFFICIAL if feed.official else QUIET


def problem(feed: FeedSpec, health: FeedHealth | None, now: datetime) -> str | None:
    """Why the feed cannot be relied on now; None if it is fresh."""
    if not feed.enabled:
        return "switched off"
    if feed.language and feed.language.split("-")[0] not in READ:
        return f"in a language that is not read ({feed.language})"
    if health is None or health.polled_at is None:
        return "never polled"
    if health.failures >= FAILING_FROM or (health.failures and health.outcome not in _WELL and not health.newest):
        return f"failing ({health.failures} in a row)"
    if health.next_due and now - health.next_due > OVERDUE:
        return "not polled"
    if health.newest is None:
        return "no item with a date"
    age = now - health.newest
    return f"quiet for {age.days} days" if age > quiet_after(feed) else None


def coverage(
    authorities: Iterable[AuthorityKey],
    feeds: Iterable[FeedSpec],
    health: Mapping[str, FeedHealth] | None,
    now: datetime,
) -> tuple[Coverage, ...]:
    """Each authority with its degree. `health` None: nothing is known of the feeds, the list is taken at its word.

    Feeds that are polled without being on the list, by their address, may tell of anybody.
    """
    listed = {feed.key: feed for feed in feeds}
    by_hand = [FeedSpec(key=key, name=key, covers=(EVERYBODY,)) for key in health or () if key not in listed]
    known = {
        feed: None if health is None and feed.enabled else problem(feed, (health or {}).get(feed.key), now)
        for feed in (*listed.values(), *by_hand)
    }
    return tuple(_covered(authority, known) for authority in sorted(authorities))


def _covered(authority: AuthorityKey, feeds: Mapping[FeedSpec, str | None]) -> Coverage:
    watching = sorted(_watching(authority, feeds), key=lambda found: (_BEST_FIRST.index(found[0]), found[1].key))
    fresh = [(degree, feed) for degree, feed in watching if feeds[feed] is None]
    close = [feed for degree, feed in watching if degree is not Degree.DISTANT]
    failing = [(feed.key, why) for feed in close if (why := feeds[feed]) is not None]
    return Coverage(
        authority=authority,
        degree=fresh[0][0] if fresh else Degree.BLIND,
        fresh=tuple(feed.key for _, feed in fresh),
        failing=tuple(failing),
    )


def _watching(authority: AuthorityKey, feeds: Iterable[FeedSpec]) -> Iterator[tuple[Degree, FeedSpec]]:
    for feed in feeds:
        if feed.authority == authority:
            yield Degree.OWN, feed
        elif authority in feed.covers:
            yield Degree.NEAR, feed
        elif EVERYBODY in feed.covers:
            yield Degree.DISTANT, feed
