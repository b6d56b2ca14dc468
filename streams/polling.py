"""What a poll means: what came, what is remembered of a feed, and what goes on to be published.

The poller acts, this decides. One poll is: `request_headers` of the state, a `Fetched` answer, `judge` (did
anything come that is worth parsing?), the document if so, `digest` (the next state and the stories to
publish). The new state is stored after the stories are acknowledged, so a crash between the two publishes
them again and loses nothing.

Rules of etiquette: validators go back verbatim and are replaced by every 200 and 304; `Retry-After` and
caching hints are kept, up to a limit, because a wire may be delayed by a server but not be put to sleep by
it; failures back off; what is gone is looked at once a day. Rules against loss: the validators of a document
that broke off, that was no feed or whose stories do not all go out at once, are not kept, or a 304 would hide its
items for ever; after a day of
nothing but 304 a request is made without validators, since some servers answer so for ever.
"""

import hashlib
import re
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from streams.novelty import SeenItem, news_of
from streams.records import Record, Story, Utc
from streams.wires.documents import Document, Dropped


class Outcome(StrEnum):
    """How a poll ended; a label of the metrics, so the set is closed."""

    OK = "ok"  # a document that was read
    NOT_MODIFIED = "not-modified"  # 304 to our validators
    PUSHED = "pushed"  # a document that a hub sent, which was read
    UNCHANGED = "unchanged"  # 200 with the very bytes of the last time
    GONE = "gone"  # 410
    THROTTLED = "throttled"  # 429 or 503
    HTTP_ERROR = "http-error"  # any other status that is not 200
    UNASKED_304 = "unasked-304"  # 304 although no validator was sent
    TIMEOUT = "timeout"
    CONNECT_ERROR = "connect-error"  # no name, no route, refused, TLS
    NO_CREDENTIAL = "no-credential"  # its file cannot be read; asking without it would hide that behind a 401
    BLOCKED_ADDRESS = "blocked-address"  # the name leads into a network we do not enter
    BAD_REDIRECT = "bad-redirect"  # a loop, too many hops, not http, or https to http
    CUT_OFF = "cut-off"  # the connection ended before the body did
    TOO_LARGE = "too-large"
    EMPTY = "empty"
    HTML = "html"
    CHALLENGE = "challenge"  # a page that wants to know whether we are a person
    NOT_A_FEED = "not-a-feed"
    TRUNCATED = "truncated"
    ENTITIES = "entities"
    MALFORMED = "malformed"
    PARSER_KILLED = "parser-killed"  # the document took more time or memory than any honest one


SUCCESSES: frozenset[str | None] = frozenset({Outcome.OK, Outcome.NOT_MODIFIED, Outcome.UNCHANGED})


class Fetched(Struct, frozen=True, kw_only=True):
    """The answer to one request, redirects followed: the bytes as they came over the wire, still packed."""

    outcome: Outcome
    url: str  # where the answer came from in the end
    status: int | None = None
    body: bytes = b""
    headers: dict[str, str] = {}  # lower-case names, only those of `KEPT_HEADERS`
    conditional: bool = False  # validators were sent
    moved_to: str | None = None  # where permanent redirects lead, from the first hop on
    detail: str = ""
    hash: str = ""  # of the body, once `judge` has seen it

    @property
    def media_type(self) -> str | None:
        """The content type with its parameters."""
        return self.headers.get("content-type")


KEPT_HEADERS = (
    "age",
    "cache-control",
    "content-type",
    "date",
    "etag",
    "expires",
    "last-modified",
    "link",
    "retry-after",
)


class FeedState(Record, frozen=True, kw_only=True):
    """All that is remembered of one feed; the value of its key in `wire.feed-state`."""

    feed: str
    etag: str | None = None
    last_modified: str | None = None
    wire_hash: str | None = None  # of the last document that was read, as it came
    seen: tuple[SeenItem, ...] = ()  # most recently listed first
    polled_at: Utc | None = None
    next_due: Utc | None = None
    failures: int = 0  # in a row
    outcome: str | None = None  # of the last poll; as text, for an older reader must survive a newer kind
    newest: Utc | None = None  # the latest publication seen: a feed that answers 200 may still have died
    only_304_since: Utc | None = None
    moved_to: str | None = None  # reported, never followed by changing the configuration
    moved_since: Utc | None = None
    gone_since: Utc | None = None
    waiting: int = 0  # stories of the last document that the next look will bring
    ttl_s: int | None = None  # how long the document asks to be left alone


class Digest(NamedTuple):
    """The state after a poll, and the stories to publish before it may be stored, oldest first."""

    state: FeedState
    stories: tuple[Story, ...]
    kept_back: tuple[Dropped, ...] = ()


MAX_VALIDATOR_LENGTH = 1_024
ASKED_AT_MOST = 4_000
"""Items that a parser is told not to read: what no feed of a normal length exceeds."""
ONLY_304_FOR = timedelta(days=1)

_VALIDATOR = re.compile(r"[\t\x20-\x7e\xa0-\ud7ff\ue000-\U0010ffff]+")


def request_headers(state: FeedState, now: datetime) -> dict[str, str]:
    """The conditional headers of the next request: the validators verbatim, none when they may be stuck."""
    if state.only_304_since is not None and now - state.only_304_since >= ONLY_304_FOR:
        return {}
    pairs = (("If-None-Match", state.etag), ("If-Modified-Since", state.last_modified))
    return {name: value for name, value in pairs if value is not None and _is_sendable(value)}


def wire_hash(body: bytes) -> str:
    """The hash that tells a document from the last one before anything is unpacked or parsed."""
    return hashlib.sha256(body).hexdigest()[:32]  # the quickest of them where the processor has it built in


def judge(state: FeedState, fetched: Fetched) -> Fetched:
    """The answer with what only the state tells: 200 with the old bytes, 304 that was not asked for."""
    if fetched.outcome is Outcome.OK:
        came = wire_hash(fetched.body)
        return replace(fetched, hash=came, outcome=Outcome.UNCHANGED if came == state.wire_hash else Outcome.OK)
    if fetched.outcome is Outcome.NOT_MODIFIED and not fetched.conditional:
        return replace(fetched, outcome=Outcome.UNASKED_304, detail="304 to a request without validators")
    return fetched


def digest(state: FeedState, fetched: Fetched, document: Document | None, now: datetime) -> Digest:
    """The state after this poll, and a Story for each item that is new or changed, as `streams.novelty` finds it.

    `document` is given where the outcome is `ok`. When the feed is due again is set by `streams.schedule`.
    """
    success = fetched.outcome in SUCCESSES
    after = replace(
        state,
        polled_at=now,
        failures=0 if success else state.failures + 1,
        outcome=fetched.outcome,
        gone_since=(state.gone_since or now) if fetched.outcome is Outcome.GONE else None,
        moved_to=fetched.moved_to,
        moved_since=None if fetched.moved_to is None else _moved_since(state, fetched.moved_to, now),
    )
    news = news_of(document, state.seen, state.polled_at or now, now) if document else None
    if success and not (document and document.truncated) and not (news and news.waiting):
        after = _with_validators(after, fetched, now)
    if document is None or news is None:
        return Digest(after, ())
    newest = max((story.published for story in document.stories if story.published), default=None)
    newest = max(filter(None, (newest and min(newest, now), state.newest)), default=None)
    return Digest(
        replace(after, seen=news.seen, newest=newest, ttl_s=document.ttl_s, waiting=news.waiting),
        news.stories,
        news.kept_back,
    )


def known_items(state: FeedState) -> frozenset[str]:
    """The hashes of the items that were listed of late and need not be read again."""
    return frozenset(item.wire for item in state.seen[:ASKED_AT_MOST] if item.wire)


def pushed(before: FeedState, after: FeedState) -> FeedState:
    """The state after a document that a hub pushed: it says what is new, and nothing of the feed's own address."""
    return replace(
        after,
        etag=before.etag,
        last_modified=before.last_modified,
        wire_hash=before.wire_hash,
        only_304_since=before.only_304_since,
        polled_at=before.polled_at,
        next_due=before.next_due,
        failures=before.failures,
        outcome=before.outcome,
        gone_since=before.gone_since,
        moved_to=before.moved_to,
        moved_since=before.moved_since,
        ttl_s=before.ttl_s,
        waiting=before.waiting,
    )


def worth_storing(before: FeedState, after: FeedState) -> bool:
    """Whether a restart would miss the difference; times and the kind of success alone are not missed.

    A feed that answers 304 all day is stored once; after a restart it is polled a little early, with
    validators.
    """
    both_fine = {before.outcome, after.outcome} <= SUCCESSES
    outcome = before.outcome if both_fine else after.outcome
    return replace(after, polled_at=before.polled_at, next_due=before.next_due, outcome=outcome) != before


def _with_validators(state: FeedState, fetched: Fetched, now: datetime) -> FeedState:
    """The state with the validators of this 200 or 304; a 304 that names none leaves the old ones."""
    etag, last_modified = (_kept(fetched.headers.get(name)) for name in ("etag", "last-modified"))
    if fetched.outcome is Outcome.NOT_MODIFIED:
        return replace(
            state,
            etag=etag or state.etag,
            last_modified=last_modified or state.last_modified,
            only_304_since=state.only_304_since or now,
        )
    return replace(
        state,
        etag=etag,
        last_modified=last_modified,
        wire_hash=fetched.hash or wire_hash(fetched.body),
        only_304_since=None,
    )


def _kept(validator: str | None) -> str | None:
    return validator if validator is not None and _is_sendable(validator) else None


def _is_sendable(validator: str) -> bool:
    """A poisoned validator (line breaks, bytes that no header can carry back) must not stop the feed for
    ever.
    """
    return len(validator) <= MAX_VALIDATOR_LENGTH and bool(_VALIDATOR.fullmatch(validator))


def _moved_since(state: FeedState, moved_to: str, now: datetime) -> datetime:
    return state.moved_since if state.moved_to == moved_to and state.moved_since else now
