"""When a feed is due again: its own rhythm, later where the server asks for it or keeps failing.

`Retry-After` is obeyed up to a day. What the answer says of its own freshness is obeyed up to the feed's
`max_wait_s`: a server may slow a wire down but not put it to sleep for a week. What the document says (`ttl`,
`sy:updatePeriod`) is a hint that many never set on purpose: it counts where the answer says nothing, and for a
quarter of an hour at most. Failures double the wait up to
four hours. A feed that is gone, or whose documents keep killing the parser, is looked at once a day.
"""

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from msgspec.structs import replace

from streams.feeds import MAX_INTERVAL_S, MIN_INTERVAL_S, FeedSpec
from streams.polling import FeedState, Fetched, Outcome

BACK_OFF_LIMIT_S = 4 * 3_600
DAY_S = MAX_INTERVAL_S
HINT_AT_MOST_S = 900
JITTER_SHARE = 0.1
KILLS_TO_QUARANTINE = 3

_SECONDS = re.compile(r"\d{1,10}")
_MAX_AGE = re.compile(r"(?:^|[\s,])max-age\s*=\s*\"?(\d{1,10})", re.IGNORECASE)
_NO_CACHE = re.compile(r"(?:^|[\s,])no-(?:cache|store)(?![\w-])", re.IGNORECASE)


def scheduled(
    feed: FeedSpec, state: FeedState, fetched: Fetched, now: datetime, jitter: float, *, is_pushed: bool = False
) -> FeedState:
    """The state after a poll, with the time of the next; `jitter` (0..1) only ever makes it later.

    A feed whose hub is known to push is only looked at in case the hub forgets something.
    """
    wait = _wait_s(feed, state, fetched, now)
    if is_pushed and not state.failures and not state.waiting:
        wait = max(wait, feed.max_wait_s)
    wait = min(max(wait, min(feed.interval_s, MIN_INTERVAL_S)), MAX_INTERVAL_S)
    return replace(state, next_due=now + timedelta(seconds=wait * (1 + JITTER_SHARE * jitter)))


def due_in_s(state: FeedState, now: datetime) -> float:
    """Seconds until the feed is due, 0 if it is."""
    return 0.0 if state.next_due is None else max((state.next_due - now).total_seconds(), 0.0)


def _wait_s(feed: FeedSpec, state: FeedState, fetched: Fetched, now: datetime) -> float:
    failures = state.failures
    if fetched.outcome is Outcome.GONE:
        return DAY_S
    if fetched.outcome is Outcome.PARSER_KILLED and failures >= KILLS_TO_QUARANTINE:
        return DAY_S
    if fetched.outcome is Outcome.NO_CREDENTIAL:
        return feed.interval_s  # nobody was asked, and the file may be mended any minute
    if failures == 0 and state.waiting:
        return min(feed.interval_s, MIN_INTERVAL_S)
    if failures == 0:
        fresh_s = _freshness_s(fetched.headers, now)
        hint_s = min(state.ttl_s or 0, HINT_AT_MOST_S) if fresh_s is None else fresh_s
        return max(feed.interval_s, min(hint_s, feed.max_wait_s))
    doubled = feed.interval_s * 2.0 ** min(failures - 1, 16)
    backed_off = min(doubled, max(BACK_OFF_LIMIT_S, feed.interval_s))
    return max(backed_off, retry_after_s(fetched.headers, now))


def _freshness_s(headers: dict[str, str], now: datetime) -> float | None:
    """How long the answer says it is fresh (RFC 9111 4.2.1, as a private cache); None where it says nothing."""
    control = headers.get("cache-control", "")
    if _NO_CACHE.search(control):
        return 0.0
    age = _SECONDS.fullmatch(headers.get("age", "").strip())
    aged = float(age[0]) if age else 0.0
    if stated := _MAX_AGE.search(control):
        return max(float(stated[1]) - aged, 0.0)
    expires = _http_date(headers.get("expires"))
    if expires is None:
        return None
    return max((expires - (_http_date(headers.get("date")) or now)).total_seconds() - aged, 0.0)


def retry_after_s(headers: dict[str, str], now: datetime) -> float:
    """RFC 9110 10.2.3: seconds or a date; 0 where neither is given."""
    raw = headers.get("retry-after", "").strip()
    if _SECONDS.fullmatch(raw):
        return float(raw)
    until = _http_date(raw)
    return max((until - now).total_seconds(), 0.0) if until else 0.0


def _http_date(raw: str | None) -> datetime | None:
    try:
        at = parsedate_to_datetime(raw or "")
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
