"""WebSub (W3C Recommendation, 23 January 2018) as a subscriber decides it; section numbers are those of its text.

    offered ──▶ asked ──▶ granted ──▶ asked again at half the lease ──▶ ...
                 │ ▲         │
                 └─┘ no      └▶ denied: nothing for a week, or until the publisher names another hub or topic

A push is only ever a quicker look at a feed: polling goes on, slower, and nothing here can stop it. So every doubt is
decided against the push. All pushes must be signed; the callback's address is a secret of its own; and a hub counts as
proven only after it has pushed, for hubs grant leases on topics whose publisher never tells them anything.

A renewal keeps callback and secret. Section 5.1.1 would change the callback each time, but the hub then holds two
subscriptions for half a lease and pushes everything twice.
"""

import hmac
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import StrEnum
from urllib.parse import parse_qsl, urlsplit

from msgspec import Struct
from msgspec.structs import replace

from streams.discovery import UNSAFE, Endpoint
from streams.feeds import FeedSpec
from streams.records import Record, Utc

LEASE = timedelta(days=10)
"""What is asked for (8.2: "10 days is a good default"); the hub decides."""

MAX_LEASE = timedelta(days=30)
"""Believed of a hub: whoever learns a callback must not make us wait for a year."""

RENEW_AT_THE_EARLIEST = timedelta(minutes=1)
RETRY_FIRST = timedelta(minutes=5)
RETRY_LIMIT = timedelta(days=1)
DENIED_FOR = timedelta(days=7)
"""5.2 calls a denial final, but hubs deny where they only failed to fetch the topic."""

MOVE_AFTER = timedelta(hours=1)
"""A feed that names its hubs in another order each time must not make a subscription of each poll."""

MAX_CHALLENGE_LENGTH = 4_096
MAX_REASON_LENGTH = 200

_METHODS = frozenset({"sha1", "sha256", "sha384", "sha512"})
_LEASE_SECONDS = re.compile(r"0*([1-9]\d{0,9})")


class Push(StrEnum):
    """What became of something that was pushed at us; a label of the metrics, so the set is closed."""

    TAKEN = "taken"  # signed, read and acknowledged by the broker
    UNREADABLE = "unreadable"  # signed, and no feed
    UNSENT = "unsent"  # signed, but the broker did not take its stories: the hub is to try again
    FAULT = "fault"  # a fault of ours: the hub is to try again
    UNSIGNED = "unsigned"  # without a signature, or with several
    BAD_SIGNATURE = "bad-signature"
    EMPTY = "empty"
    TOO_LARGE = "too-large"
    CUT_OFF = "cut-off"  # the body did not come whole, or not in time
    BUSY = "busy"  # too many at once: the hub is to try again
    UNKNOWN = "unknown-callback"


class Capability(Struct, frozen=True):
    """The two secrets of a subscription: nothing that prints a record shows them."""

    token: str  # the end of the callback's address
    secret: str  # the key of the signatures

    def __repr__(self) -> str:
        return "Capability(sealed)"

    def __rich_repr__(self) -> Iterator[str]:  # type: ignore[override]
        yield "sealed"


class Subscription(Record, frozen=True, kw_only=True):
    """All that is remembered of the subscription of one feed."""

    feed: str
    endpoint: Endpoint
    base: str  # the public address below which the hub calls us
    capability: Capability
    since: Utc
    ask_at: Utc | None  # when the hub is to be asked, again or at all
    asks: int = 0  # in a row, without the hub's verification
    asked_at: Utc | None = None
    until: Utc | None = None  # the end of the lease
    pushed_at: Utc | None = None  # the hub has proven itself; None again when it missed something
    withdrawn: bool = False  # the publisher names no hub any more: what runs runs out
    denied_at: Utc | None = None
    denied_reason: str | None = None

    @property
    def callback(self) -> str:
        """The address that the hub calls; a secret."""
        return f"{self.base}/{self.feed}/{self.capability.token}"


class Intent(Struct, frozen=True):
    """What a hub asks of us or tells us at a callback (5.2, 5.3)."""

    mode: str
    topic: str
    challenge: str = ""
    lease: timedelta | None = None
    reason: str = ""


def offered(
    before: Subscription | None, feed: FeedSpec, at: Endpoint | None, base: str, fresh: Capability, now: datetime
) -> Subscription | None:
    """The subscription after a look at the feed, which names this endpoint, or none any more."""
    if at is None:
        return before and replace(before, withdrawn=True)
    if before is not None and (before.endpoint == at or now - before.since < MOVE_AFTER):
        return replace(before, withdrawn=False)
    return Subscription(feed=feed.key, endpoint=at, base=base, capability=fresh, since=now, ask_at=now)


def resumed(stored: Subscription, base: str, fresh: Capability, now: datetime) -> Subscription:
    """The subscription as it goes on after a restart: from the beginning if we are now called at another address."""
    if stored.base == base:
        return stored
    return Subscription(
        feed=stored.feed,
        endpoint=stored.endpoint,
        base=base,
        capability=fresh,
        since=now,
        ask_at=now,
        withdrawn=stored.withdrawn,
    )


def is_due(subscription: Subscription, now: datetime) -> bool:
    """Whether the hub is to be asked now."""
    at = due_at(subscription)
    return at is not None and at <= now


def due_at(subscription: Subscription) -> datetime | None:
    """When the hub is to be asked next, None for never."""
    return None if subscription.withdrawn else subscription.ask_at


def asked(subscription: Subscription, now: datetime) -> Subscription:
    """The subscription as it is kept before the hub is asked.

    One rule for a hub that is down, that refuses and that accepts without ever verifying: until it verifies, it is
    asked at growing intervals.
    """
    wait = min(RETRY_FIRST * 2 ** min(subscription.asks, 16), RETRY_LIMIT)
    return replace(subscription, asks=subscription.asks + 1, asked_at=now, ask_at=now + wait)


def form(subscription: Subscription) -> dict[str, str]:
    """The fields of the request to the hub (5.1). The secret goes to plain hubs too: an unsigned push is refused."""
    return {
        "hub.callback": subscription.callback,
        "hub.mode": "subscribe",
        "hub.topic": subscription.endpoint.topic,
        "hub.lease_seconds": str(int(LEASE.total_seconds())),
        "hub.secret": subscription.capability.secret,
    }


def intent(query: str) -> Intent | None:
    """What the query of a GET at a callback says; None if it is malformed or says anything twice."""
    try:
        pairs = parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=20)
    except ValueError:
        return None
    told = dict(pairs)
    if not query.isascii() or len(told) != len(pairs) or "hub.mode" not in told or "hub.topic" not in told:
        return None
    seconds = _LEASE_SECONDS.fullmatch(told.get("hub.lease_seconds", "").strip())
    return Intent(
        mode=told["hub.mode"].lower(),
        topic=told["hub.topic"],
        challenge=told.get("hub.challenge", ""),
        lease=timedelta(seconds=int(seconds[1])) if seconds else None,
        reason=told.get("hub.reason", ""),
    )


def answered(subscription: Subscription, said: Intent, now: datetime) -> tuple[Subscription, str] | None:
    """The subscription after a hub's GET and the body of our answer; None for 404, we asked for no such thing.

    A hub may verify again while the lease runs (5, step 4). We never unsubscribe, so nobody's wish to do so is ours.
    """
    if said.topic != subscription.endpoint.topic or subscription.asked_at is None:
        return None
    if said.mode == "denied":
        return denied(subscription, said.reason, now), ""
    if said.mode != "subscribe" or subscription.withdrawn or said.lease is None:
        return None
    if not 0 < len(said.challenge) <= MAX_CHALLENGE_LENGTH:
        return None
    return granted(subscription, said.lease, now), said.challenge


def granted(subscription: Subscription, lease: timedelta, now: datetime) -> Subscription:
    """With a lease from now on, to be renewed when half of it is over."""
    lease = min(lease, MAX_LEASE)
    return replace(
        subscription,
        until=now + lease,
        ask_at=now + max(lease / 2, RENEW_AT_THE_EARLIEST),
        asks=0,
        denied_at=None,
        denied_reason=None,
    )


def denied(subscription: Subscription, reason: str, now: datetime) -> Subscription:
    """Without a lease, and with what the hub says of it, in which a hub may quote our own callback."""
    for secret in (subscription.capability.token, subscription.capability.secret):
        reason = reason.replace(secret, "...")
    return replace(
        subscription,
        until=None,
        ask_at=now + DENIED_FOR,
        asks=0,
        pushed_at=None,
        denied_at=now,
        denied_reason=reason[:MAX_REASON_LENGTH],
    )


def is_leased(subscription: Subscription, now: datetime) -> bool:
    """Whether the hub has promised to push at this time."""
    return subscription.until is not None and now < subscription.until


def judged(subscription: Subscription, signatures: tuple[str, ...], body: bytes) -> Push:
    """`taken`, or why a push with these `X-Hub-Signature` headers is not to be read (7.1)."""
    if not body:
        return Push.EMPTY
    if len(signatures) != 1:
        return Push.UNSIGNED
    signed = is_signed(signatures[0], subscription.capability.secret, body)
    return Push.TAKEN if signed else Push.BAD_SIGNATURE


def is_signed(signature: str, secret: str, body: bytes) -> bool:
    """Whether `method=hex` is the HMAC of the body, by one of the four methods of 7.1.1, in constant time.

    SHA-1 is among them, since most hubs sign so; what breaks it as a hash does not break its HMAC.
    """
    method, _, digest = signature.strip().partition("=")
    if method.lower() not in _METHODS:
        return False
    right = hmac.new(secret.encode(), body, method.lower()).hexdigest()
    return hmac.compare_digest(right.encode(), digest.strip().lower().encode("utf-8", "replace"))


def base_problem(url: str) -> str | None:
    """What is wrong with the public address of our callbacks, None if nothing is."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return "is no address"
    if parts.scheme not in {"http", "https"} or not host or UNSAFE.search(url) or not url.isascii():
        return "is no https address"
    if parts.username is not None or parts.query or parts.fragment:
        return "takes no credentials, query or fragment"
    is_here = host in {"localhost", "::1"} or host.startswith("127.")
    return None if parts.scheme == "https" or is_here else "must be https: who reads a callback can push to it"
