"""What a dead letter looks like on `wire.deadletters`, and how it is sent again.

The value is the message's own, byte for byte; all else is in headers. The facts of the letter have plain names, the
message's own headers have theirs behind a prefix that no fact has, in their order, one header each, so that a name
may repeat. The key is the origin, `topic/partition/offset`.

    letter   key wire.stories/2/41   reason=malformed ... original:ce_id=...   value as it came
    mark     key wire.stories/2/41   replayed=3:17                             no value

A mark says that the letter at that place was sent again. It has the letter's key and so its partition: whoever reads
that to its end has met every mark that concerns its letters. It is written after the message is acknowledged. A crash
in between leaves a letter that looks untouched and is sent once more, never one that was not sent and looks done.

Sent once more is harmless, for ids are functions of content: a story gives the same reports, the ledger passes over a
report that it has, and an alert of known id and revision is dropped. Where a letter may go back to follows from that:

    wire.stories, wire.relevant     to themselves: the classifier and the detector are functions of the story
    designation.claims              to itself: a report takes its place at the end of the log
    designation.alerts              never: everybody who reads it would be told again. A sink's letter goes to
                                    `designation.resend`, which heralds alone read, each heeding its own `sink`
    designation.resend              to itself, for the same sink
    all others                      no agent buries what it reads there, and where a topic is compacted an old
                                    message would undo a newer one
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from agents.messages import Headers, Incoming, Outgoing
from agents.metrics import VERSION
from streams.errors import ListwireError, RecordError
from streams.records import DeadLetter
from streams.topics import MAX_MESSAGE_BYTES, Topic

ERROR_CHARS = 500
KEY_BYTES = 65_536
HEADERS_BYTES = 65_536
"""Our own headers take less than a kilobyte; those of strangers are kept as long as they fit."""

ORIGINAL = "original:"
REPLAYED = "replayed"
ATTEMPT = "attempt"
FOR_ONE_SINK = "sink"

SENT_BACK_TO = {
    Topic.STORIES: Topic.STORIES,
    Topic.RELEVANT: Topic.RELEVANT,
    Topic.CLAIMS: Topic.CLAIMS,
    Topic.ALERTS: Topic.RESEND,
    Topic.RESEND: Topic.RESEND,
}


class Failure(NamedTuple):
    """Why an event could not be handled."""

    reason: str
    error: str


class Handling(NamedTuple):
    """Who handled it; `sink` is the consumer group of a herald's sink."""

    agent: str = ""
    sink: str | None = None


class NotReplayableError(ListwireError):
    """The letter cannot be sent again, now or ever; the text says why."""


def letter(event: Incoming, failure: Failure, by: Handling) -> Outgoing:
    """The dead letter of `event`.

    What is beyond what a topic takes is cut: `cut` then holds how many bytes the value had, `lost` what else is not
    whole.
    """
    own, lost = _kept(event)
    facts = [
        ("reason", failure.reason.encode()),
        ("error", failure.error[:ERROR_CHARS].encode("utf-8", "replace")),
        ("topic", event.topic.encode()),
        ("partition", str(event.partition).encode()),
        ("offset", str(event.offset).encode()),
        ("timestamp", str(round(event.timestamp * 1000)).encode()),
        (ATTEMPT, str(_attempts(event.headers) + 1).encode()),
        ("agent", by.agent.encode()),
        ("version", VERSION.encode()),
    ]
    facts += [(FOR_ONE_SINK, by.sink.encode())] if by.sink is not None else []
    facts += [("key", event.key[:KEY_BYTES])] if event.key is not None else []
    facts += [("lost", ",".join(lost).encode())] if lost else []
    headers = (*facts, *own)
    bare = Outgoing(Topic.DEADLETTERS, event.origin.encode(), None, (*headers, ("cut", b"0" * 10)))
    room = MAX_MESSAGE_BYTES - bare.size
    if event.value is None or len(event.value) <= room:
        return bare._replace(value=event.value, headers=headers)
    cut = ("cut", str(len(event.value)).encode())
    return bare._replace(value=event.value[:room], headers=(*headers, cut))


def opened(message: Incoming) -> DeadLetter:
    """The dead letter in a message of `wire.deadletters`. Raises RecordError if a header is missing or wrong."""
    facts = {name: value for name, value in message.headers if not name.startswith(ORIGINAL)}
    try:
        return DeadLetter(
            reason=facts["reason"].decode(),
            error=facts["error"].decode("utf-8", "replace"),
            topic=facts["topic"].decode(),
            partition=int(facts["partition"]),
            offset=int(facts["offset"]),
            value=message.value,
            key=facts.get("key"),
            version=facts["version"].decode("utf-8", "replace"),
            headers=tuple(_originals(message.headers)),
            timestamp=_moment(facts.get("timestamp")),
            agent=facts.get("agent", b"").decode(),
            sink=facts[FOR_ONE_SINK].decode() if FOR_ONE_SINK in facts else None,
            attempt=int(facts.get(ATTEMPT, b"1")),
            cut=int(facts["cut"]) if "cut" in facts else None,
            lost=tuple(facts["lost"].decode().split(",")) if "lost" in facts else (),
        )
    except (KeyError, ValueError, OverflowError, OSError) as error:
        raise RecordError("DeadLetter", f"header {error}") from None


def again(dead: DeadLetter) -> Outgoing:
    """The message as it was, on its way to where it may go again. Raises NotReplayableError."""
    if dead.topic not in set(Topic):
        raise NotReplayableError(f"{dead.topic} is no topic of ours")
    topic = SENT_BACK_TO.get(Topic(dead.topic))
    if topic is None:
        raise NotReplayableError(f"nothing is ever sent back to {dead.topic}")
    if dead.cut is not None or dead.lost:
        parts = [*(["value"] if dead.cut is not None else []), *dead.lost]
        raise NotReplayableError(f"its {' and '.join(parts)} had to be cut when it was buried")
    if topic is Topic.RESEND and dead.sink is None:
        raise NotReplayableError("it does not tell which sink missed it")
    ours = {ATTEMPT: str(dead.attempt).encode()}
    if topic is Topic.RESEND and dead.sink is not None:
        ours[FOR_ONE_SINK] = dead.sink.encode()
    headers = (*(header for header in dead.headers if header[0] not in ours), *ours.items())
    return Outgoing(topic, dead.key, dead.value, headers)


def mark(place: str, dead: DeadLetter) -> Outgoing:
    """What says that the letter at `place` was sent again."""
    key = f"{dead.topic}/{dead.partition}/{dead.offset}".encode()
    return Outgoing(Topic.DEADLETTERS, key, None, ((REPLAYED, place.encode()),))


def marked(message: Incoming) -> str | None:
    """The place of the letter that this message marks as sent again, if it is a mark."""
    if message.value is not None or len(message.headers) != 1:
        return None
    name, place = message.headers[0]
    return place.decode("utf-8", "replace") if name == REPLAYED else None


def _kept(event: Incoming) -> tuple[Headers, list[str]]:
    """The event's own headers as far as there is room, and what of the event does not fit."""
    kept, room = [], HEADERS_BYTES
    for name, value in event.headers:
        room -= len(name.encode()) + len(value)
        if room >= 0:
            kept.append((ORIGINAL + name, value))
    lost = ["key"] if event.key is not None and len(event.key) > KEY_BYTES else []
    return tuple(kept), lost + (["headers"] if room < 0 else [])


def _originals(headers: Headers) -> Iterator[tuple[str, bytes]]:
    for name, value in headers:
        if name.startswith(ORIGINAL):
            yield name.removeprefix(ORIGINAL), value


def _attempts(headers: Headers) -> int:
    """How often the message became a dead letter before; a stranger may have written anything there."""
    told = dict(headers).get(ATTEMPT, b"")
    return int(told) if told.isdigit() and len(told) < 7 else 0


def _moment(milliseconds: bytes | None) -> datetime | None:
    return datetime.fromtimestamp(int(milliseconds) / 1000, UTC) if milliseconds is not None else None
