"""Every record that crosses a topic, in one place: frozen, typed, plain JSON on the wire.

Rules that hold for all of them:
- a reader ignores fields it does not know and refuses a record that lacks a required one, so fields are only
  ever added, with a default; `schema` counts the breaks;
- times are aware UTC; a date that prose gives only in part stays partial (`PartialDate`);
- nothing here depends on when or where it was processed: a replay gives the same bytes.

They are `msgspec.Struct` rather than dataclasses because two wire names (`from`, `to`) are Python keywords or
clash with the field's meaning, and only a Struct can rename a field.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, NewType

from msgspec import Meta, Struct
from msgspec.structs import force_setattr

from streams.vocabulary import AlertKind, AlertStatus, Change, Level, Precision, PubStatus, Stage, State

StoryId = NewType("StoryId", str)
ClaimId = NewType("ClaimId", str)
AlertId = NewType("AlertId", str)
AuthorityKey = NewType("AuthorityKey", str)
GroupKey = NewType("GroupKey", str)
LedgerKey = NewType("LedgerKey", str)
"""`authority|group`: the key of claims, alerts and status."""
PartialDate = NewType("PartialDate", str)
"""ISO 8601 cut to what is known: `2003`, `2003-02` or `2003-02-14`. Compares as text, a coarser date first."""

Utc = Annotated[datetime, Meta(tz=True)]


class Record(Struct, frozen=True, kw_only=True):
    """What all records share."""

    schema: int = 1


class Story(Record, frozen=True, kw_only=True):
    """One revision of one item of one feed. `text` is what every character offset counts in."""

    id: StoryId
    feed: str
    guid: str
    headline: str
    body: str
    received_at: Utc
    revision: int = 1
    version: int | None = None  # as the agency counts, where it does; `revision` is how often we told it
    published: Utc | None = None
    published_precision: Precision = Precision.TIME
    revised: Utc | None = None
    language: str | None = None
    link: str | None = None
    source: str | None = None
    slugline: str | None = None
    byline: str | None = None
    dateline: str | None = None
    urgency: int | None = None
    subjects: tuple[str, ...] = ()
    pub_status: PubStatus = PubStatus.USABLE
    signals: tuple[str, ...] = ()
    embargoed_until: Utc | None = None
    complete: bool = True
    official_of: AuthorityKey | None = None  # the authority whose own publication this is
    trusted: bool = True  # False: its word alone confirms nothing

    @property
    def text(self) -> str:
        """Headline, newline, body."""
        return f"{self.headline}\n{self.body}"


class StoryRef(Struct, frozen=True, kw_only=True):
    """As much of a story as an alert needs to point back at it."""

    id: StoryId
    revision: int
    feed: str
    headline: str
    published: Utc | None = None
    language: str | None = None
    link: str | None = None
    source: str | None = None
    complete: bool = True
    trusted: bool = True


class Mention(Struct, frozen=True, kw_only=True):
    """A group named in `story.text[start:end]`."""

    group: GroupKey
    start: int
    end: int
    text: str


class Classified(Record, frozen=True, kw_only=True):
    """A story that may carry a status change, or that corrects one that did."""

    story: Story
    language: str
    mentions: tuple[Mention, ...]
    topics: tuple[str, ...]


class Evidence(Struct, frozen=True, kw_only=True):
    """The words that carry a claim: `story.text[start:end] == text`, and the rule that read them."""

    rule: str
    start: int
    end: int
    text: str


class Claim(Record, frozen=True, kw_only=True):
    """What one story asserts about one authority and one group."""

    id: ClaimId
    group: GroupKey
    authority: AuthorityKey
    change: Change
    stage: Stage
    news: bool  # reported as new by this story, rather than history
    evidence: Evidence
    confidence: float  # 0..1
    confirmed: bool  # the authority, or an outlet citing it, rather than somebody's word alone
    date: PartialDate | None = None  # as the story states it
    acted_on: PartialDate | None = None  # stated, else for news the day of the story: orders the ledger
    effective_on: PartialDate | None = None  # a named day of effect
    instrument: str | None = None
    scope: GroupKey | None = None  # a wing or chapter; None is the whole group
    speaker: str | None = None
    medium: str | None = None
    origin: str | None = None  # the credit whose word it is: copies by other outlets share it
    fingerprint: str | None = None
    official: bool = False  # said by the authority's own publication

    @property
    def key(self) -> LedgerKey:
        """The ledger entry this claim belongs to."""
        return ledger_key(self.authority, self.group)


class Report(Record, frozen=True, kw_only=True):
    """All that one story revision says about one ledger key; no claims means that it no longer says anything."""

    story: StoryRef
    authority: AuthorityKey
    group: GroupKey
    claims: tuple[Claim, ...]
    pub_status: PubStatus = PubStatus.USABLE
    backfill: bool = False  # older than the feed's last look: history, never a live alert


class StoryKeys(Record, frozen=True, kw_only=True):
    """The ledger keys a story ever claimed; only grows, so that a later revision or a kill reaches all of them."""

    story: StoryId
    keys: tuple[LedgerKey, ...]


class Standing(Struct, frozen=True, kw_only=True):
    """The state on one list (`instrument`, None = the main one) for one scope (None = the whole group)."""

    state: State
    base: State  # the last settled state under a pending one
    instrument: str | None = None
    scope: GroupKey | None = None
    since: PartialDate | None = None
    as_of: PartialDate | None = None  # `acted_on` of the newest claim that moved it
    last_renewed: PartialDate | None = None
    before: State | None = None  # the settled state that the last move left, for the case that it is denied
    rank: int = 0  # of the voice that moved it: 2 the authority's publication, 1 its word, 0 another's
    told: tuple[Change, Stage] | None = None  # the last claim that was announced without moving the state
    heard: bool = False  # known only from background that names no day: the first report of it is still news


class Entry(Record, frozen=True, kw_only=True):
    """The ledger's row for one authority|group; `reports` is the newest report of each story, in log order."""

    authority: AuthorityKey
    group: GroupKey
    standings: tuple[Standing, ...] = ()
    disputed: bool = False
    missed: int = 0  # changes that were learnt from background within days, and never announced
    reports: Sequence[Report] = ()  # a `Past` where they are many and looked up often
    alerts: tuple[Alert, ...] = ()

    def __post_init__(self) -> None:
        """Nothing in a record can be changed, however it was decoded."""
        if isinstance(self.reports, list):
            force_setattr(self, "reports", tuple(self.reports))

    @property
    def key(self) -> LedgerKey:
        """The key this entry is filed under."""
        return ledger_key(self.authority, self.group)


class Transition(Record, frozen=True, kw_only=True, rename={"from_state": "from", "to_state": "to"}):
    """A move of one standing that is worth announcing."""

    authority: AuthorityKey
    group: GroupKey
    kind: AlertKind
    change: Change
    stage: Stage
    from_state: State
    to_state: State
    claim: ClaimId
    instrument: str | None = None
    scope: GroupKey | None = None
    acted_on: PartialDate | None = None


class Alert(Record, frozen=True, kw_only=True, rename={"from_state": "from", "to_state": "to"}):
    """One revision of one announced transition; subscribers keep the highest revision of an id."""

    id: AlertId
    revision: int
    kind: AlertKind
    status: AlertStatus
    level: Level
    from_state: State
    to_state: State
    authority: AuthorityKey
    authority_name: str
    group: GroupKey
    group_name: str
    change: Change
    stage: Stage
    bundle: str  # alerts of one story share it
    evidence: Evidence
    story: StoryRef
    confidence: float
    confirmed: bool
    reason: str  # why there is this revision
    changed: tuple[str, ...] = ()  # the fields that this revision changed
    sources: int = 1  # independent ones that say so
    instrument: str | None = None
    scope: GroupKey | None = None
    date: PartialDate | None = None
    acted_on: PartialDate | None = None
    effective_on: PartialDate | None = None
    speaker: str | None = None
    medium: str | None = None


class Status(Record, frozen=True, kw_only=True):
    """The latest of one authority|group for readers of the compacted status topic; never read back."""

    authority: AuthorityKey
    group: GroupKey
    listed: bool
    standings: tuple[Standing, ...]
    disputed: bool
    offset: int  # of the claim message that led here
    alert: AlertId | None = None
    missed: int = 0  # changes that were learnt from background within days, and never announced


class Skipped(Record, frozen=True, kw_only=True):
    """The place of a message on `designation.claims` that became a dead letter, and so never entered the ledger."""

    partition: int
    offset: int
    reason: str


class DeadLetter(Record, frozen=True, kw_only=True):
    """A message that could not be handled, whole, with where it came from."""

    reason: str
    error: str
    topic: str
    partition: int
    offset: int
    value: bytes | None
    key: bytes | None = None
    version: str = ""
    headers: tuple[tuple[str, bytes], ...] = ()  # of the message itself; names may repeat
    timestamp: Utc | None = None  # of the message itself
    agent: str = ""  # who failed on it
    sink: str | None = None  # the consumer group of the sink that did not get it
    attempt: int = 1  # how often it has failed by now
    cut: int | None = None  # how many bytes the value had, if it is not whole
    lost: tuple[str, ...] = ()  # what else is not whole: key, headers


def ledger_key(authority: AuthorityKey, group: GroupKey) -> LedgerKey:
    """`authority|group`."""
    return LedgerKey(f"{authority}|{group}")
