"""Messages as they go to a broker and come from it, and what can go wrong with one: values, no connection."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import urlsplit

from agents.link import Bootstrap
from streams.cloudevents import Announced, event
from streams.errors import ListwireError
from streams.topics import MAX_MESSAGE_BYTES

ENVELOPE_BYTES = 512  # what a record batch adds around one message, generously
DEFAULT_PORT = 9092
CANARY = "canary"
"""The header of a message that is no record but tests the way; it names the process that waits for it."""
Headers = tuple[tuple[str, bytes], ...]


def headers_of(raw: Iterable[tuple[str, bytes | None]] | None) -> Headers:
    """Headers as a client of Kafka hands them over; strangers may send one without a value, which is empty here."""
    return tuple((name, value or b"") for name, value in raw or ())


class BrokerError(ListwireError):
    """The broker at `bootstrap` cannot do what is asked of it; the text names it."""

    def __init__(self, bootstrap: Bootstrap, problem: str) -> None:
        super().__init__(f"Kafka broker {bootstrap}: {problem}")
        self.bootstrap = str(bootstrap)
        self.problem = problem


class BrokerDown(BrokerError):  # noqa: N818 - a state of the broker, like its neighbours in prose
    """It does not answer, or not within our patience. What was being sent may or may not have arrived."""


class BrokerRefused(BrokerError):  # noqa: N818 - like its neighbour
    """It answers and will not have us, or we not it; waiting does not help, the `remedy` does."""

    def __init__(self, bootstrap: Bootstrap, fault: str, remedy: str) -> None:
        super().__init__(bootstrap, f"{fault}: {remedy}")
        self.fault = fault
        self.remedy = remedy


class Undeliverable(ListwireError):  # noqa: N818 - a property of the message
    """A message that no broker of ours will ever take."""

    def __init__(self, topic: str, size: int) -> None:
        super().__init__(f"{topic}: message of {size} bytes exceeds the {MAX_MESSAGE_BYTES} that the topic takes")
        self.topic = topic
        self.size = size


class Outgoing(NamedTuple):
    """A message to send. A `value` of None deletes the key from a compacted topic, `partition` None is the key's."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers = ()
    partition: int | None = None

    @property
    def size(self) -> int:
        """Bytes on the wire, at most."""
        named = sum(len(name.encode()) + len(value) + 10 for name, value in self.headers)
        return len(self.key or b"") + len(self.value or b"") + named + ENVELOPE_BYTES


class Incoming(NamedTuple):
    """A message that was read, as raw as it came; `timestamp` is its producer's, in seconds of the epoch."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()
    timestamp: float = 0.0

    @property
    def origin(self) -> str:
        """`topic/partition/offset`: where the message is for ever."""
        return f"{self.topic}/{self.partition}/{self.offset}"


def announcement(record: Announced) -> Outgoing:
    """The record on its way to whoever subscribes to its topic, as a CloudEvent."""
    made = event(record)
    return Outgoing(made.topic, made.key, made.value, made.headers)


class TopicState(NamedTuple):
    """A topic as the broker has it."""

    name: str
    partitions: int
    replicas: int
    leaderless: int


def is_canary(headers: Iterable[tuple[str, bytes]]) -> bool:
    """Whether the message with these headers is none for those who read the topic."""
    return any(name == CANARY for name, _ in headers)


def addresses(bootstrap: str) -> list[tuple[str, int]]:
    """Host and port of each server in `bootstrap`. Raises BrokerError if one cannot be read."""
    if "@" in bootstrap:  # not shown, for the password may be in it
        raise BrokerError("...@...", "is not host:port; a user goes into LISTWIRE_BROKER_CREDENTIALS_FILE")
    found = []
    for part in bootstrap.split(","):
        try:
            split = urlsplit(f"//{part.strip()}")
            host, port = split.hostname, split.port
        except ValueError:
            host, port = None, None
        if not host or split.path or any(map(str.isspace, host)):
            raise BrokerError(bootstrap, f"{part.strip()!r} is not host:port")
        found.append((host, port or DEFAULT_PORT))
    return found
