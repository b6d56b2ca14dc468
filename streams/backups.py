"""What a backup is: which topics in which order, and the lines of its file.

A backup is taken while all goes on, so the topics are not seen in one moment. Whatever says that something was done
must then never be newer than what was done, or a restored service would pass over what it has not got. So places are
noted first, and then the ends of the topics, each before those that it makes promises about:

    places of the consumer groups    "all that came of these messages is there"       before every end
    wire.feed-state                  "these items are published, or held"             before held and stories
    wire.held                        a tombstone: "this one is published"             before stories
    designation.skipped              "that claim has its letter"                      before letters and claims
    wire.deadletters                 a mark: "this one was sent again"                before what it is sent to
    designation.alerts               what the ledger has announced                    before claims
    designation.claims               what came of relevant stories                    before keys, relevant, stories

What is newer than the places that were noted is handled again after a restore: same ids, same bytes, as after a crash.

The file is gzip of JSON Lines: a head, the operator's files, the messages topic by topic in the order of their offsets,
and a tail with counts and the SHA-256 of all lines before it. Bytes that are UTF-8 stand there as text, else as base64
in a field of their own, so `zcat | jq` is enough to look inside.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime
from typing import TypeAlias

import msgspec

from streams.topics import TOPICS, Topic

FORMAT = 1

CUT_ORDER: tuple[Topic, ...] = (
    Topic.FEED_STATE,
    Topic.SUBSCRIPTIONS,
    Topic.FEEDS,
    Topic.HELD,
    Topic.STATUS,
    Topic.SKIPPED,
    Topic.DEADLETTERS,
    Topic.RESEND,
    Topic.ALERTS,
    Topic.CLAIMS,
    Topic.STORY_KEYS,
    Topic.RELEVANT,
    Topic.STORIES,
)
"""Sooner is older. What names claims by offset (skipped, status) is older than they are: nothing points past them."""

_COMPACTED = frozenset(spec.topic for spec in TOPICS if spec.compacted)

READ_ORDER: tuple[Topic, ...] = tuple(sorted(CUT_ORDER, key=lambda topic: topic not in _COMPACTED))
"""Compacted topics first: of a key that is written again after the cut, compaction could take what we came for."""

OFFSETS_KEPT = frozenset({Topic.CLAIMS})
"""Restored at their own offsets, for `designation.skipped` and `designation.status` name them."""


class Place(msgspec.Struct, frozen=True):
    """How far a consumer group has come: `offset` is the next that it would read."""

    group: str
    topic: str
    partition: int
    offset: int


class Cut(msgspec.Struct, frozen=True):
    """The stretch of a partition that the backup covers, `[start, end)`."""

    topic: str
    partition: int
    start: int
    end: int


class Head(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="head"):
    """The first line."""

    format: int
    listwire: str
    made_at: datetime
    broker: str
    places: tuple[Place, ...]
    cuts: tuple[Cut, ...]


class Enclosed(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="file"):
    """A file of the operator's."""

    name: str
    path: str
    text: str


class Row(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind", tag="message"):
    """A message: topic, partition, offset, time in milliseconds, key, value, headers.

    What is no UTF-8 is in the field with a `b`, of headers all or none. A key or value in neither is null.
    """

    t: str
    p: int
    o: int
    at: int
    k: str | None = None
    kb: bytes | None = None
    v: str | None = None
    vb: bytes | None = None
    h: tuple[tuple[str, str], ...] = ()
    hb: tuple[tuple[str, bytes | None], ...] = ()

    @property
    def key(self) -> bytes | None:
        """The bytes of the key."""
        return self.kb if self.k is None else self.k.encode()

    @property
    def value(self) -> bytes | None:
        """The bytes of the value."""
        return self.vb if self.v is None else self.v.encode()

    @property
    def headers(self) -> tuple[tuple[str, bytes | None], ...]:
        """The headers in their order."""
        return self.hb or tuple((name, value.encode()) for name, value in self.h)


class Count(msgspec.Struct, frozen=True):
    """How many messages of a partition there are, at which first and last offset."""

    topic: str
    partition: int
    messages: int
    first: int
    last: int


class Tail(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="tail"):
    """The last line; `sha256` is of all before it."""

    messages: int
    counts: tuple[Count, ...]
    sha256: str


Line: TypeAlias = Head | Enclosed | Row | Tail

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Line] = msgspec.json.Decoder(Line)


def row(topic: str, place: tuple[int, int], at: int, key: bytes | None, value: bytes | None) -> Row:
    """A message at a place, partition and offset; it has no headers yet."""
    k, kb = _text(key)
    v, vb = _text(value)
    return Row(t=topic, p=place[0], o=place[1], at=at, k=k, kb=kb, v=v, vb=vb)


def with_headers(bare: Row, headers: Sequence[tuple[str, bytes | None]]) -> Row:
    """The message with these headers."""
    texts = [(name, _text(value)[0]) for name, value in headers]
    if any(text is None for _, text in texts):
        return msgspec.structs.replace(bare, hb=tuple(headers))
    return msgspec.structs.replace(bare, h=tuple((name, text or "") for name, text in texts))


def line_of(record: Line) -> bytes:
    """The record as a line of the file."""
    return _encoder.encode(record) + b"\n"


def record_of(line: bytes) -> Line:
    """The record in a line. Raises ValueError: not JSON, or none of ours."""
    try:
        return _decoder.decode(line)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(str(error)) from None


class Sum:
    """Counts and sums up lines as they pass; the same for who writes and who reads."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self._places: dict[tuple[str, int], Places] = {}

    def add(self, record: Line, line: bytes) -> None:
        """Takes one more line. Raises ValueError for a message that is out of its order."""
        self._digest.update(line)
        if isinstance(record, Row):
            self.places(record.t, record.p).add(record.o)

    def places(self, topic: str, partition: int) -> Places:
        """Where the messages of a partition lie."""
        return self._places.setdefault((topic, partition), Places())

    def tail(self) -> Tail:
        """The last line for what has passed."""
        counts = tuple(
            Count(topic, partition, places.count, places.first, places.last)
            for (topic, partition), places in self._places.items()
            if places.count
        )
        return Tail(messages=sum(one.messages for one in counts), counts=counts, sha256=self._digest.hexdigest())


class Places:
    """Old offsets and new ones: messages written again one after the other, from 0, without the gaps between them."""

    def __init__(self) -> None:
        self.count = 0
        self.first = -1
        self.last = -1
        self._old: list[int] = []  # where each run without a gap begins, and what that becomes
        self._new: list[int] = []

    def add(self, offset: int) -> None:
        """The next message was at this offset. Raises ValueError if that is not beyond the last."""
        if offset <= self.last:
            raise ValueError(f"offset {offset} comes after {self.last}")
        if offset != self.last + 1 or not self.count:
            self._old.append(offset)
            self._new.append(self.count)
        self.first = offset if not self.count else self.first
        self.last = offset
        self.count += 1

    def moved(self, offset: int) -> int:
        """How many messages lie before the old offset: the new place of whoever was to read on from there."""
        run = bisect_right(self._old, offset) - 1
        if run < 0:
            return 0
        end = self._new[run + 1] if run + 1 < len(self._new) else self.count
        return min(self._new[run] + offset - self._old[run], end)

    def holds(self, offset: int) -> bool:
        """Whether a message was at the old offset."""
        return self.moved(offset + 1) == self.moved(offset) + 1


def _text(raw: bytes | None) -> tuple[str | None, bytes | None]:
    if raw is None:
        return None, None
    try:
        return raw.decode(), None
    except UnicodeDecodeError:
        return None, raw
