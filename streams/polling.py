"""What a poll means: which items are news, what is remembered of a feed, and when it is due again.

The poller acts, this decides. One poll is: `request_headers` of the state, a `Fetched` answer, `judge` (did
anything come that is worth parsing?), the document if so, `digest` (the next state and the stories to
publish). The new state is stored after the stories are acknowledged, so a crash between the two publishes
them again and loses nothing.

Rules of etiquette: validators go back verbatim and are replaced by every 200 and 304; `Retry-After` and
caching hints are kept, up to a limit, because a wire may be delayed by a server but not be put to sleep by
it; failures back off; what is gone is looked at once a day. Rules against loss: the validators of a document
that broke off, or that was no feed, are not kept, or a 304 would hide its items for ever; after a day of
nothing but 304 a request is made without validators, since some servers answer so for ever.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from streams.records import Record, Story, StoryId, Utc
from streams.vocabulary import Signal
from streams.wires.documents import Document


class Outcome(StrEnum):
    """How a poll ended; a label of the metrics, so the set is closed."""

    OK = "ok"  # a document that was read
    NOT_MODIFIED = "not-modified"  # 304 to our validators
    UNCHANGED = "unchanged"  # 200 with the very bytes of the last time
    GONE = "gone"  # 410
    THROTTLED = "throttled"  # 429 or 503
    HTTP_ERROR = "http-error"  # any other status that is not 200
    UNASKED_304 = "unasked-304"  # 304 although no validator was sent
    TIMEOUT = "timeout"
    CONNECT_ERROR = "connect-error"  # no name, no route, refused, TLS
    BLOCKED_ADDRESS = "blocked-address"  # the name leads into a network we do not enter
    BAD_REDIRECT = "bad-redirect"  # a loop, too many hops, not http, or https to http
    CUT_OFF = "cut-off"  # the connection ended before the body did
    TOO_LARGE = "too-large"
    EMPTY = "empty"
    HTML = "html"
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
    "retry-after",
)


class SeenItem(Struct, frozen=True, array_like=True):
    """What is remembered of an item: enough to tell a new one from a changed one."""

    story: StoryId
    fingerprint: str
    revision: int


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


class Digest(NamedTuple):
    """The state after a poll, and the stories to publish before it may be stored, oldest first."""

    state: FeedState
    stories: tuple[Story, ...]


MAX_VALIDATOR_LENGTH = 1_024
ONLY_304_FOR = timedelta(days=1)
BACKFILL_AFTER = timedelta(days=30)

KEEP_AT_LEAST = 1_000
KEEP_AT_MOST = 30_000
"""Items remembered. At 45 bytes each, the most stays within a message; no document has more than 20,000."""

_HEX_DIGITS = 16
_URL = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_TAG = re.compile(r"</?[A-Za-z][^<>]*>")
_NOT_WORDS = re.compile(r"[\s\u200b-\u200f\u2060\ufeff]+")
_VALIDATOR = re.compile(r"[\t\x20-\x7e\xa0-\ud7ff\ue000-\U0010ffff]+")


def request_headers(state: FeedState, now: datetime) -> dict[str, str]:
    """The conditional headers of the next request: the validators verbatim, none when they may be stuck."""
    if state.only_304_since is not None and now - state.only_304_since >= ONLY_304_FOR:
        return {}
    pairs = (("If-None-Match", state.etag), ("If-Modified-Since", state.last_modified))
    return {name: value for name, value in pairs if value is not None and _is_sendable(value)}


def wire_hash(body: bytes) -> str:
    """The hash that tells a document from the last one before anything is unpacked or parsed."""
    return hashlib.blake2b(body).hexdigest()[:32]


def fingerprint(story: Story) -> str:
    """A hash of what the story says. Markup, spaces, addresses and Unicode form do not count, words do.

    Spaces and links move without news (a tracking parameter, a re-flowed paragraph), and each such move would
    publish the story again.
    """
    plain = _URL.sub("", _TAG.sub("", unicodedata.normalize("NFKC", story.text)))
    return hashlib.blake2b(_NOT_WORDS.sub("", plain).encode("utf-8", "replace")).hexdigest()[:_HEX_DIGITS]


def judge(state: FeedState, fetched: Fetched) -> Fetched:
    """The answer with what only the state tells: 200 with the old bytes, 304 that was not asked for."""
    if fetched.outcome is Outcome.OK and wire_hash(fetched.body) == state.wire_hash:
        return replace(fetched, outcome=Outcome.UNCHANGED)
    if fetched.outcome is Outcome.NOT_MODIFIED and not fetched.conditional:
        return replace(fetched, outcome=Outcome.UNASKED_304, detail="304 to a request without validators")
    return fetched


def digest(state: FeedState, fetched: Fetched, document: Document | None, now: datetime) -> Digest:
    """The state after this poll, and a Story for each item that is new (revision 1) or changed (one higher).

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
    if success and not (document and document.truncated):
        after = _with_validators(after, fetched, now)
    if document is None:
        return Digest(after, ())
    return _compare(after, document, state.polled_at or now, now)


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
        wire_hash=wire_hash(fetched.body),
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


def _compare(state: FeedState, document: Document, looked_at: datetime, now: datetime) -> Digest:
    known = {item.story: item for item in state.seen}
    listed: dict[StoryId, SeenItem] = {}
    fresh: list[Story] = []
    for story in document.stories:
        before, said = known.get(story.id), fingerprint(story)
        if before is not None and before.fingerprint == said:
            listed[story.id] = before
            continue
        revision = before.revision + 1 if before else 1
        listed[story.id] = SeenItem(story.id, said, revision)
        fresh.append(_marked(replace(story, revision=revision), looked_at))
    seen = _bounded(listed, state.seen)
    newest = max((story.published for story in document.stories if story.published), default=None)
    newest = max(filter(None, (newest and min(newest, now), state.newest)), default=None)
    return Digest(replace(state, seen=seen, newest=newest), _oldest_first(fresh, now))


def _marked(story: Story, looked_at: datetime) -> Story:
    """With the signal of a story that is older than the last look at its feed explains: history, no live news."""
    if story.published is None or story.published >= looked_at - BACKFILL_AFTER:
        return story
    return replace(story, signals=(*story.signals, Signal.BACKFILL))


def _bounded(listed: dict[StoryId, SeenItem], older: Iterable[SeenItem]) -> tuple[SeenItem, ...]:
    """What is listed now, then what was, as far as it goes: items leave a feed and come back."""
    rest = (item for item in older if item.story not in listed)
    keep = min(max(KEEP_AT_LEAST, 2 * len(listed)), KEEP_AT_MOST)
    return (*listed.values(), *rest)[: max(keep, len(listed))]


def _oldest_first(fresh: list[Story], now: datetime) -> tuple[Story, ...]:
    """By publication; where that is equal or not given, from the end, since feeds list the newest first."""
    fresh.reverse()
    return tuple(sorted(fresh, key=lambda story: story.published or now))
