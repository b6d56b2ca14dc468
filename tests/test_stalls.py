"""Standstills, by a clock that the test turns: what trips the watch and what must never."""

import pytest

from streams.stalls import Limits, Offsets, Part, Place, Stalls
from streams.topics import Topic

LIMITS = Limits(unready_s=90, stalled_s=180, beat_s=1)
P0, P1 = Place(Part.STORIES, 0), Place(Part.STORIES, 1)
LEDGER = Place(Part.CLAIMS, 0)


class Process:
    """A process whose loop and broker can be taken away, with a clock of its own."""

    def __init__(self, *places: Place) -> None:
        self.stalls = Stalls(LIMITS)
        self.now = 1000.0
        self.stalls.turn(self.now)
        self.broker = {place: Offsets(0, 0) for place in places}
        if places:
            self.stalls.assigned(places)
            self.look()

    def look(self) -> None:
        self.stalls.answered(self.broker)

    def passes(self, seconds: int, *, loop: bool = True, looks: bool = True, overdue: bool = False) -> None:
        for _ in range(seconds):
            self.now += 1
            self.stalls.turn(self.now)
            if loop:
                self.stalls.beat(overdue=overdue)
            if looks:
                self.look()

    @property
    def longest(self) -> tuple[Part, float, str]:
        """The longest standstill, to the second."""
        first = self.stalls.beyond(0)[0]
        return first.part, round(first.seconds), first.problem


def send(process: Process, *places: Place) -> None:
    for place in places:
        process.stalls.sent(place)
        process.broker[place] = Offsets(process.broker[place].committed, process.broker[place].end + 1)


def come_through(process: Process, place: Place) -> None:
    process.stalls.seen(place)
    end = process.broker[place].end
    process.stalls.handled(place, end - 1)
    process.broker[place] = Offsets(end, end)


# the loop and the poller


def test_a_loop_that_turns_never_stands_still() -> None:
    process = Process()
    process.passes(10_000)
    assert process.stalls.beyond(2) == []


def test_a_blocked_loop_is_told_by_the_second() -> None:
    process = Process()
    process.passes(89, loop=False)
    assert process.stalls.beyond(90) == []
    process.passes(1, loop=False)
    assert [str(standstill) for standstill in process.stalls.beyond(90)] == ["the event loop is blocked for 90 s"]
    process.passes(90, loop=False)
    assert [standstill.part for standstill in process.stalls.beyond(180)] == [Part.LOOP]
    process.passes(1)
    assert process.stalls.beyond(90) == []


def test_overdue_feeds_are_no_standstill_while_others_are_looked_at() -> None:
    process = Process()
    for _ in range(10):
        process.passes(80, overdue=True)
        process.stalls.looked()
    assert process.stalls.beyond(90) == []
    process.passes(180, overdue=True)
    assert process.longest == (Part.FEEDS, 180, "feeds are overdue and none is looked at")


def test_a_process_that_was_stopped_for_hours_gets_the_rest_of_its_time() -> None:
    process = Process(P0)
    send(process, P0)
    process.passes(100, loop=False)
    process.now += 7200
    process.passes(1, loop=False)
    assert 100 < process.longest[1] < 110
    come_through(process, P0)
    process.passes(1)
    assert process.stalls.beyond(2) == []


# canaries


def test_a_canary_is_due_at_once_and_then_by_the_topics_rhythm() -> None:
    process = Process(P0, LEDGER)
    assert process.stalls.due_canaries() == [P0, LEDGER]
    send(process, P0, LEDGER)
    assert process.stalls.due_canaries() == []
    come_through(process, P0)
    come_through(process, LEDGER)
    process.passes(59)
    assert process.stalls.due_canaries() == []
    process.passes(1)
    assert process.stalls.due_canaries() == [P0]
    send(process, P0)
    come_through(process, P0)
    process.passes(3539)
    assert process.stalls.due_canaries() == [P0]
    process.passes(1)
    assert process.stalls.due_canaries() == [P0, LEDGER]


def test_a_canary_that_is_not_seen_is_followed_by_no_other() -> None:
    process = Process(P0)
    send(process, P0)
    process.passes(170)
    assert process.stalls.due_canaries() == []


def test_one_partition_of_two_that_is_not_read_is_named() -> None:
    process = Process(P0, P1)
    for _ in range(3):
        send(process, *process.stalls.due_canaries())
        come_through(process, P0)
        process.look()
        process.passes(60)
    assert {str(standstill) for standstill in process.stalls.beyond(180)} == {
        "wire.stories/1: messages wait for 180 s",
        "wire.stories/1: a canary is not seen for 180 s",
    }


def test_a_canary_that_was_committed_and_never_seen_is_a_standstill() -> None:
    process = Process(P0)
    send(process, P0)
    for offset in range(1, 190):
        process.passes(1)
        process.stalls.handled(P0, offset)
        process.broker[P0] = Offsets(offset + 1, offset + 1)
    assert process.longest[::2] == (Part.STORIES, "wire.stories/0: a canary is not seen")
    assert process.longest[1] >= 180


def test_a_canary_behind_the_backlog_of_a_day_is_no_standstill() -> None:
    process = Process(P0)
    process.broker[P0] = Offsets(0, 10_000)
    process.look()
    send(process, P0)
    for offset in range(0, 10_000, 5):
        process.passes(1)
        process.stalls.handled(P0, offset)
        process.broker[P0] = Offsets(offset + 1, 10_001)
    assert process.stalls.beyond(3) == []
    process.passes(180)
    assert process.longest[1] >= 180


def test_a_canary_that_cannot_be_sent_is_due_again_and_awaited_all_the_same() -> None:
    process = Process(P0)
    for _ in range(18):
        assert process.stalls.due_canaries() == [P0]
        process.stalls.sent(P0)
        process.passes(10)
        process.stalls.unsent(P0)
    assert process.longest == (Part.STORIES, 180, "wire.stories/0: a canary is not seen")


# offsets


def test_messages_beyond_an_offset_that_does_not_move_are_a_standstill() -> None:
    process = Process(LEDGER)
    process.passes(500)
    process.broker[LEDGER] = Offsets(0, 1)
    process.passes(180)
    assert process.longest == (Part.CLAIMS, 179, "designation.claims/0: messages wait")
    process.broker[LEDGER] = Offsets(1, 50)
    process.passes(1)
    assert process.stalls.beyond(2) == []


def test_nothing_committed_yet_waits_like_any_other() -> None:
    process = Process(LEDGER)
    process.broker[LEDGER] = Offsets(None, 7)
    process.passes(180)
    assert process.longest[1] >= 179


def test_canaries_that_pass_do_not_hide_an_offset_that_is_not_committed() -> None:
    process = Process(P0)
    for _ in range(4):
        send(process, P0)
        process.stalls.seen(P0)
        process.passes(60)
    assert process.longest[::2] == (Part.STORIES, "wire.stories/0: messages wait")
    assert process.longest[1] >= 180


def test_whoever_folds_a_log_before_the_first_message_is_at_work() -> None:
    process = Process(LEDGER, P0)
    send(process, LEDGER, P0)
    for _ in range(30):
        process.passes(10)
        process.stalls.at_work(Part.CLAIMS)
    assert {standstill.part for standstill in process.stalls.beyond(90)} == {Part.STORIES}


# the broker and the group


def test_while_the_broker_is_silent_time_stands_still_for_partitions_and_not_for_the_loop() -> None:
    process = Process(P0)
    send(process, P0)
    process.passes(50)
    process.stalls.broker_answers = False
    process.passes(10_000, looks=False)
    assert process.longest[:2] == (Part.STORIES, 50)
    assert process.stalls.due_canaries() == []
    process.passes(90, looks=False, loop=False)
    assert process.longest[:2] == (Part.LOOP, 90)
    process.passes(131)
    assert process.longest == (Part.STORIES, 180, "wire.stories/0: a canary is not seen")


def test_before_the_first_answer_no_time_passes() -> None:
    process = Process()
    process.stalls.assigned(None)
    process.passes(1000, looks=False)
    assert process.stalls.beyond(2) == []


def test_a_group_that_decides_nothing_is_a_standstill_and_one_that_gives_us_nothing_is_none() -> None:
    process = Process(P0)
    process.stalls.assigned(None)
    process.passes(100)
    process.stalls.assigned(None)
    process.passes(80)
    assert process.longest == (Part.GROUP, 180, "the consumer group assigns nothing")
    process.stalls.assigned(())
    process.passes(1000)
    assert process.stalls.beyond(2) == []


def test_a_partition_that_went_is_dropped_and_one_that_is_new_starts_anew() -> None:
    process = Process(P0)
    send(process, P0)
    process.passes(170)
    process.stalls.assigned(None)
    process.stalls.assigned([P1])
    process.broker[P1] = Offsets(0, 1)
    process.look()
    process.passes(20)
    assert process.longest[:2] == (Part.STORIES, 20)
    assert str(P0) not in process.longest[2]


def test_rebalances_without_end_do_not_hide_that_nothing_is_done() -> None:
    process = Process(P0)
    process.broker[P0] = Offsets(0, 1)
    for _ in range(20):
        process.passes(10)
        process.stalls.assigned(None)
        process.passes(10)
        process.stalls.assigned([P0])
    assert process.longest[0] is Part.STORIES
    assert 180 <= process.longest[1] <= 205


def test_a_canary_from_before_a_rebalance_is_not_awaited() -> None:
    process = Process(P0)
    send(process, P0)
    process.passes(5)
    process.stalls.assigned(None)
    process.stalls.assigned([P0])
    process.broker[P0] = Offsets(1, 1)
    process.passes(59)
    assert process.stalls.due_canaries() == []
    process.passes(1)
    assert process.stalls.due_canaries() == [P0]
    assert process.stalls.beyond(2) == []


@pytest.mark.parametrize("topic", [Topic.STORIES, Topic.RELEVANT, Topic.CLAIMS])
def test_every_topic_that_the_agents_read_has_its_part_and_its_rhythm(topic: Topic) -> None:
    assert Part(topic.value) == topic
    assert LIMITS.canaries_s[topic] >= 60
