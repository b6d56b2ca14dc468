"""What a dead letter keeps of a message, and what it may become again."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from agents.cli.deadletters_shown import SHOWN_CHARS, line, message, page
from agents.kafka import Incoming, Outgoing
from agents.letterbox import Filed, in_order, left_behind, read_box, whole
from agents.letters import (
    HEADERS_BYTES,
    Failure,
    Handling,
    NotReplayableError,
    again,
    letter,
    mark,
    opened,
)
from streams.errors import RecordError
from streams.records import DeadLetter
from streams.topics import MAX_MESSAGE_BYTES, Topic

AT = datetime(2026, 11, 24, 9, 0, 34, 250_000, tzinfo=UTC)
EVENT = Incoming("wire.stories", 2, 41, b"a key", b"\xff{raw bytes", (), AT.timestamp())
FAILURE = Failure("malformed", "wrong")
BY = Handling("classifier")
ALERT_EVENT = EVENT._replace(topic=Topic.ALERTS, headers=(("ce_id", b"a.1"),))


def buried(event: Incoming = EVENT, failure: Failure = FAILURE, by: Handling = BY) -> DeadLetter:
    sent = letter(event, failure, by)
    return opened(Incoming(sent.topic, 0, 0, sent.key, sent.value, sent.headers))


def back(event: Incoming, sent: Outgoing) -> Incoming:
    """What was sent again, as it fails again in another place."""
    return event._replace(
        topic=sent.topic, offset=event.offset + 9, key=sent.key, value=sent.value, headers=sent.headers
    )


# what is kept


@pytest.mark.parametrize("key", [None, b"", b"k\x00"])
@pytest.mark.parametrize("value", [None, b"", b"\x00\xff"])
def test_a_dead_letter_gives_back_the_message_and_its_place(key: bytes | None, value: bytes | None) -> None:
    got = buried(EVENT._replace(key=key, value=value), Failure("malformed", "wrong \ud800 text"))
    assert (got.topic, got.partition, got.offset, got.timestamp) == ("wire.stories", 2, 41, AT)
    assert (got.key, got.value, got.reason, got.error) == (key, value, "malformed", "wrong ? text")
    assert (got.agent, got.sink, got.attempt, got.cut, got.lost) == ("classifier", None, 1, None, ())


def test_headers_come_back_in_order_though_names_repeat_or_are_those_of_the_letter() -> None:
    headers = (("ce_id", b"1"), ("reason", b"mine"), ("ce_id", b"2"), ("", b""), ("original:x", b"\xff"), ("key", b"k"))
    got = buried(EVENT._replace(headers=headers))
    assert got.headers == headers
    assert (got.reason, got.key) == ("malformed", b"a key")


@pytest.mark.parametrize(
    ("event", "lost"),
    [
        (EVENT._replace(value=b"x" * MAX_MESSAGE_BYTES, key=b"k" * 200_000), ("key",)),
        (EVENT._replace(value=b"x" * MAX_MESSAGE_BYTES, headers=(("h", b"v" * HEADERS_BYTES),)), ("headers",)),
        (EVENT._replace(value=b"x" * MAX_MESSAGE_BYTES, headers=(("h", b""),) * (HEADERS_BYTES + 1)), ("headers",)),
    ],
    ids=["key", "one header", "many headers"],
)
def test_the_dead_letter_of_the_largest_message_still_fits_and_says_what_it_lacks(
    event: Incoming, lost: tuple[str, ...]
) -> None:
    sent = letter(event, Failure("malformed", "e" * 10_000), BY)
    got = opened(Incoming(sent.topic, 0, 0, sent.key, sent.value, sent.headers))
    assert sent.size <= MAX_MESSAGE_BYTES
    assert (got.cut, got.lost) == (MAX_MESSAGE_BYTES, lost)


def test_letters_of_earlier_releases_can_be_read() -> None:
    facts = {"reason": "malformed", "error": "e", "topic": "wire.stories", "partition": "2", "offset": "41"}
    headers = tuple((name, text.encode()) for name, text in {**facts, "version": "0.1", "key": "k"}.items())
    got = opened(Incoming(Topic.DEADLETTERS, 0, 0, b"wire.stories/2/41", b"v", headers))
    assert (got.headers, got.timestamp, got.sink, got.attempt) == ((), None, None, 1)
    assert again(got) == Outgoing(Topic.STORIES, b"k", b"v", (("attempt", b"1"),))


@pytest.mark.parametrize("name", ["reason", "offset", "timestamp", "attempt"])
def test_a_message_that_is_no_dead_letter_is_refused(name: str) -> None:
    sent = letter(EVENT, FAILURE, BY)
    headers = dict(sent.headers) | {name: b"\xff"}
    with pytest.raises(RecordError, match="DeadLetter: header"):
        opened(Incoming(sent.topic, 0, 0, sent.key, sent.value, tuple(headers.items())))


# the way back


@pytest.mark.parametrize("topic", [Topic.STORIES, Topic.RELEVANT, Topic.CLAIMS])
def test_a_message_goes_back_as_it_was_and_counts_its_attempts(topic: Topic) -> None:
    event = EVENT._replace(topic=topic, headers=(("ce_id", b"1"), ("sink", b"not ours")))
    sent = again(buried(event))
    assert (sent.topic, sent.key, sent.value) == (topic, event.key, event.value)
    assert sent.headers == (("ce_id", b"1"), ("sink", b"not ours"), ("attempt", b"1"))
    second = buried(back(event, sent))
    assert second.attempt == 2
    assert again(second).headers == (("ce_id", b"1"), ("sink", b"not ours"), ("attempt", b"2"))


def test_an_alert_goes_to_the_sink_that_missed_it_and_never_to_all() -> None:
    sent = again(buried(ALERT_EVENT, by=Handling("herald-webhook", "group.a")))
    assert sent == Outgoing(
        Topic.RESEND, b"a key", EVENT.value, (("ce_id", b"a.1"), ("attempt", b"1"), ("sink", b"group.a"))
    )
    second = buried(back(EVENT, sent), by=Handling("herald-webhook", "group.a"))
    assert (second.topic, second.attempt) == (Topic.RESEND, 2)
    assert again(second).headers == (("ce_id", b"a.1"), ("attempt", b"2"), ("sink", b"group.a"))


@pytest.mark.parametrize("told", [b"-1", b"x", b"", b"9" * 50, "²".encode()])
def test_attempts_that_a_stranger_made_up_are_none(told: bytes) -> None:
    assert buried(EVENT._replace(headers=(("attempt", told),))).attempt == 1


@pytest.mark.parametrize(
    ("dead", "why"),
    [
        (replace(buried(), topic="wire.gone"), "wire.gone is no topic of ours"),
        (replace(buried(), topic=Topic.FEEDS), "nothing is ever sent back to wire.feeds"),
        (replace(buried(), topic=Topic.DEADLETTERS), "nothing is ever sent back to wire.deadletters"),
        (replace(buried(), topic=Topic.STATUS), "nothing is ever sent back to designation.status"),
        (replace(buried(), cut=3_000_000), "its value had to be cut when it was buried"),
        (replace(buried(), cut=3_000_000, lost=("headers",)), "its value and headers had to be cut"),
        (replace(buried(), topic=Topic.ALERTS), "it does not tell which sink missed it"),
    ],
)
def test_what_cannot_be_sent_again_says_why(dead: DeadLetter, why: str) -> None:
    with pytest.raises(NotReplayableError, match=why):
        again(dead)


# the box


class Log:
    """The topic of letters, all in partition 1."""

    def __init__(self) -> None:
        self.messages: list[Incoming] = []
        self.reads: list[tuple[int, int | None]] = []

    def add(self, sent: Outgoing) -> str:
        at = AT.timestamp() + len(self.messages)
        self.messages.append(Incoming(sent.topic, 1, len(self.messages), sent.key, sent.value, sent.headers, at))
        return f"1:{len(self.messages) - 1}"

    async def read(self, topic: str, partition: int, start: int, end: int | None) -> AsyncIterator[Incoming]:
        assert topic == Topic.DEADLETTERS
        self.reads.append((start, end))
        for event in self.messages[start:end] if partition == 1 else ():
            yield event


async def test_a_mark_tells_of_the_one_letter_that_was_sent_again() -> None:
    log = Log()
    first, second = (log.add(letter(EVENT._replace(offset=n), FAILURE, BY)) for n in (4, 5))
    log.add(mark(first, buried(EVENT._replace(offset=4))))
    log.add(Outgoing(Topic.DEADLETTERS, b"x", b"a stranger's", ()))
    box = await read_box(log.read)
    assert [(one.place, one.replayed, one.letter.value) for one in box.letters] == [
        (first, True, None),
        (second, False, None),
    ]
    assert box.strangers == ("1:3",)


async def test_a_message_with_a_header_like_a_mark_is_still_a_letter() -> None:
    log = Log()
    log.add(letter(EVENT._replace(value=None, headers=(("replayed", b"1:0"),)), FAILURE, BY))
    (one,) = (await read_box(log.read)).letters
    assert not one.replayed


async def test_letters_are_read_again_in_portions_and_in_the_order_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agents.letterbox.PORTION_BYTES", 50)
    log = Log()
    for number in (3, 1, 2):
        log.add(letter(EVENT._replace(offset=number, value=b"%d" % number * 20), FAILURE, BY))
    box = await read_box(log.read)
    log.reads.clear()
    got = [one async for one in whole(log.read, in_order(box.letters))]
    assert [one.letter.value for one in got] == [b"1" * 20, b"2" * 20, b"3" * 20]
    assert log.reads == [(1, 3), (0, 1)]


async def test_a_letter_that_is_gone_meanwhile_is_left_out() -> None:
    log = Log()
    log.add(letter(EVENT, FAILURE, BY))
    box = await read_box(log.read)
    log.messages.clear()
    assert [one async for one in whole(log.read, box.letters)] == []


async def test_a_kill_that_stays_behind_its_story_is_told() -> None:
    log = Log()
    story = log.add(letter(EVENT, FAILURE, BY))
    kill = log.add(letter(EVENT._replace(topic=Topic.RELEVANT), Failure("kill-unmatched", "k"), BY))
    log.add(letter(EVENT._replace(key=b"another"), FAILURE, BY))
    box = await read_box(log.read)
    by_place = {one.place: one for one in box.letters}
    assert left_behind(box, [by_place[story]]) == [(by_place[story], by_place[kill])]
    assert left_behind(box, [by_place[story], by_place[kill]]) == []
    assert left_behind(box, [by_place[kill]]) == []


# on a terminal

HOSTILE = "bad \x1b[31m\u202e text\r\n[b]x"


def filed(dead: DeadLetter) -> Filed:
    return Filed("1:2", AT, dead, len(dead.value or b""))


def test_nothing_of_a_letter_moves_a_terminal() -> None:
    event = EVENT._replace(
        topic=HOSTILE, key=HOSTILE.encode(), value=HOSTILE.encode() + b"\xc2\x9b", headers=((HOSTILE, b"\x1b]0;\xff"),)
    )
    one = filed(replace(buried(event, Failure(HOSTILE, HOSTILE)), sink=HOSTILE, agent=HOSTILE, version=HOSTILE))
    for text in (line(one), page(one)):
        assert not set("\x1b\u202e\r\x9b") & set(text)
    assert "\n" not in line(one)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "(no value)"),
        (b"", ""),
        (b'{"a":[1,2.0],"a":1e99}', '{\n  "a": [\n    1,\n    2.0\n  ],\n  "a": 1e99\n}'),
        ("{not json ü".encode(), "{not json ü"),
        (b"\x00\xffab", "00000000  00 ff 61 62" + " " * 36 + "  ..ab"),
        (b"[" * 100_000, "[" * SHOWN_CHARS),
        (b"[" * 41 + b"]" * 41, "[" * 41 + "]" * 41),
    ],
    ids=["none", "empty", "json", "text", "binary", "endless", "deep"],
)
def test_bytes_are_shown_as_what_they_are(value: bytes | None, shown: str) -> None:
    assert message(value) == shown


@pytest.mark.parametrize(
    "value", [b"a" * 300_000, b"\xff" * 300_000, b'"' + b'\\"' * 500_000 + b"\\", b"[{]" * 500_000]
)
def test_of_a_large_message_only_the_beginning_is_shown(value: bytes) -> None:
    text = message(value)
    assert len(text) < SHOWN_CHARS + 100
    assert text.endswith("--raw writes all of it)")
