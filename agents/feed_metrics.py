"""What the poller tells of each feed. A feed that is polled here has a series in each metric; one that is let go of has
none, or it would seem to be dead for ever.
"""

from __future__ import annotations

from agents.metrics import (
    FEED_FAILURES,
    FEED_QUIET_LIMIT,
    FEED_SUCCESS,
    FETCHED_BYTES,
    KEPT_BACK,
    NEW_STORIES,
    NEWEST_ITEM,
    POLL_SECONDS,
    POLLS,
)
from agents.polls import FAULT, UNREADABLE, UNSENT, Look
from streams.feeds import FeedSpec
from streams.polling import SUCCESSES, FeedState, Outcome
from streams.probes import STALE_AFTER

_BY_FEED = (FEED_FAILURES, FEED_QUIET_LIMIT, FEED_SUCCESS, NEW_STORIES, NEWEST_ITEM)

for _outcome in (*Outcome, UNSENT, FAULT, UNREADABLE):
    POLLS.labels(outcome=_outcome)  # each begins at 0, so that its first event is seen as an increase


def begin_feed(feed: FeedSpec, state: FeedState | None) -> None:
    """The feed is followed from here on, from what is remembered of it."""
    FEED_QUIET_LIMIT.labels(feed=feed.key).set(STALE_AFTER.total_seconds())
    FEED_FAILURES.labels(feed=feed.key).set(state.failures if state else 0)
    NEW_STORIES.labels(feed=feed.key)
    went_well_at = state.polled_at if state is not None and state.outcome in SUCCESSES else None
    FEED_SUCCESS.labels(feed=feed.key).set(went_well_at.timestamp() if went_well_at else 0)
    _tell_newest(feed.key, state)


def count_look(look: Look, state: FeedState | None) -> None:
    """A look has ended. `state` None: the feed was let go of meanwhile, or nothing of it could be read."""
    POLLS.labels(outcome=look.outcome).inc()
    POLL_SECONDS.observe(look.seconds)
    FETCHED_BYTES.inc(look.size)
    for dropped in look.kept_back:
        KEPT_BACK.labels(reason=dropped.reason).inc(dropped.items)
    if state is None:
        return
    NEW_STORIES.labels(feed=look.feed).inc(look.new)
    FEED_FAILURES.labels(feed=look.feed).set(state.failures)
    if look.outcome in SUCCESSES or look.outcome == Outcome.PUSHED:
        FEED_SUCCESS.labels(feed=look.feed).set_to_current_time()
    _tell_newest(look.feed, state)


def count_round(feed: str, failures: int) -> None:
    """A folder was looked at, whatever it held, or could not be for so many rounds by now."""
    FEED_FAILURES.labels(feed=feed).set(failures)
    if failures == 0:
        FEED_SUCCESS.labels(feed=feed).set_to_current_time()


def end_feeds(*keys: str) -> None:
    """Nothing is told of these any more."""
    for metric in _BY_FEED:
        for key in keys:
            metric.remove(key)


def _tell_newest(key: str, state: FeedState | None) -> None:
    if state is not None and state.newest is not None:
        NEWEST_ITEM.labels(feed=key).set(state.newest.timestamp())
