"""How far a partition may be committed, whatever is done in whatever order."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as some

from streams.offsets import Line


@dataclass
class Message:
    offset: int
    acked: bool = False


def line(*handed: Message, passed: int | None = None) -> Line:
    made = Line()
    for message in handed:
        made.hand_over(message)
    if passed is not None:
        made.pass_over(passed)
    return made


def test_nothing_read_is_nothing_to_commit() -> None:
    assert line().committable() is None


def test_what_is_passed_over_does_not_overtake_what_is_handled() -> None:
    first = Message(0)
    reading = line(first, passed=1)
    assert reading.committable() == 0
    first.acked = True
    assert reading.committable() == 2


def test_what_is_done_behind_what_is_not_does_not_count() -> None:
    messages = [Message(5), Message(6, acked=True), Message(7, acked=True)]
    reading = line(*messages)
    assert reading.committable() == 5
    messages[0].acked = True
    assert reading.committable() == 8


def test_holes_in_the_log_are_nothing_to_wait_for() -> None:
    assert line(Message(3, acked=True), Message(90, acked=True), passed=1_000).committable() == 1_001


def test_a_message_that_comes_again_is_awaited_again() -> None:
    earlier, again = Message(4), Message(4)
    reading = line(Message(3, acked=True), earlier, Message(5, acked=True), again)
    earlier.acked = True  # the copy of before a seek
    assert reading.committable() == 4
    again.acked = True
    assert reading.committable() == 5


@given(
    some.lists(
        some.one_of(
            some.tuples(some.just("hand"), some.integers(1, 3)),
            some.tuples(some.just("pass"), some.integers(1, 3)),
            some.tuples(some.just("ack"), some.integers(0, 9)),
            some.tuples(some.just("seek"), some.integers(0, 30)),
        ),
        max_size=60,
    )
)
def test_an_offset_may_move_up_to_the_first_message_that_is_not_done(steps: list[tuple[str, int]]) -> None:
    reading, read, at = Line(), dict[int, Message | None](), -1
    for what, number in steps:
        match what:
            case "seek":
                at = min(at, number)
                continue
            case "ack":
                waiting = [message for message in read.values() if message is not None]
                if number < len(waiting):
                    waiting[number].acked = True
            case _:
                at += number
                read = {offset: message for offset, message in read.items() if offset < at}
                read[at] = Message(at) if what == "hand" else None
                if message := read[at]:
                    reading.hand_over(message)
                else:
                    reading.pass_over(at)
        undone = [offset for offset, message in read.items() if message is not None and not message.acked]
        assert reading.committable() == (min(undone) if undone else max(read) + 1 if read else None)
