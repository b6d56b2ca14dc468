"""What goes out in one message, and how far the offsets may move."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from aiokafka import TopicPartition

from agents.messages import Incoming
from agents.parcels import MOST, Progress, parcels
from agents.sinks import BundleSink, open_sink
from streams.codec import decode, encode
from streams.records import Alert
from streams.topics import Topic

MakeAlert = Callable[..., Alert]


class Log:
    """Alerts on partitions of the topic, in the order in which they came."""

    def __init__(self, alert_of: MakeAlert) -> None:
        self._alert_of = alert_of
        self.events: list[Incoming] = []

    def add(self, partition: int, key: str, name: str, bundle: str, revision: int = 1) -> None:
        value = encode(self._alert_of(id=name, bundle=bundle, revision=revision))
        offset = sum(event.partition == partition for event in self.events)
        self.events.append(Incoming(Topic.ALERTS, partition, offset, key.encode(), value, (), 0.0))


@pytest.fixture
def log(alert_of: MakeAlert) -> Log:
    return Log(alert_of)


def names(packed: list[list[Incoming]]) -> list[list[str]]:
    return [[f"{told.id}{told.revision}" for told in (decode(e.value, Alert) for e in parcel)] for parcel in packed]


def test_the_alerts_of_one_story_go_together_whatever_lies_between(log: Log) -> None:
    for partition, name, bundle in ((0, "a", "s"), (1, "x", "other"), (2, "b", "s"), (0, "y", "other"), (1, "c", "s")):
        log.add(partition, name, name, bundle)
    assert names(parcels(log.events)) == [["a1", "b1", "c1"], ["x1", "y1"]]
    assert names(parcels(log.events, 1)) == [["a1"], ["x1"], ["b1"], ["y1"], ["c1"]]


def test_the_next_revision_of_an_alert_goes_into_a_later_parcel(log: Log) -> None:
    log.add(0, "k", "a", "s")
    log.add(0, "k", "a", "s", 2)
    log.add(1, "l", "b", "s")
    assert names(parcels(log.events)) == [["a1"], ["a2", "b1"]]


def test_an_alert_overtakes_no_other_of_its_key(log: Log) -> None:
    log.add(1, "l", "first", "new")
    log.add(1, "l", "second", "old")
    log.add(1, "l", "third", "new")
    assert names(parcels(log.events)) == [["first1"], ["second1"], ["third1"]]


def test_a_story_about_very_many_groups_is_several_messages(log: Log) -> None:
    for number in range(2 * MOST + 1):
        log.add(number % 8, f"{number}", f"{number}", "s")
    assert [len(parcel) for parcel in parcels(log.events)] == [MOST, MOST, 1]


def test_what_is_no_alert_goes_alone(log: Log) -> None:
    log.add(0, "k", "a", "s")
    log.events.append(log.events[0]._replace(offset=1, value=b"{"))
    log.events.append(log.events[0]._replace(offset=2, value=None))
    log.add(1, "l", "b", "s")
    assert [len(parcel) for parcel in parcels(log.events)] == [2, 1, 1]


@pytest.mark.parametrize("seed", range(20))
def test_nothing_is_left_out_and_no_key_is_out_of_order(log: Log, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - a shuffle, not a secret
    for _ in range(120):
        key = chance.randrange(6)
        log.add(key % 3, f"{key}", f"{key}{chance.choice('ab')}", chance.choice("stu"))
    flat = [event for parcel in parcels(log.events) for event in parcel]
    assert sorted(flat) == sorted(log.events)
    for key in range(6):
        ours = [event.offset for event in flat if event.key == f"{key}".encode()]
        assert ours == sorted(ours)


def test_an_offset_moves_up_to_the_first_gap(log: Log) -> None:
    for partition in (0, 0, 0, 1):
        log.add(partition, "k", f"{len(log.events)}", "s")
    a, b, c, other = log.events
    progress = Progress(log.events)
    zero, one = (TopicPartition(Topic.ALERTS, number) for number in (0, 1))
    assert progress.done([b, other]) == {one: 1}
    assert progress.done([a]) == {zero: 2}
    assert progress.done([c]) == {zero: 3}


def test_sinks_that_people_read_take_bundles_and_no_others(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("https://chat.example/hook")
    secret.chmod(0o600)
    urls = [
        "stdout:text",
        "stdout:json",
        f"slack:{secret}",
        f"teams:{secret}",
        f"jsonl:{tmp_path}/a",
        f"atom:{tmp_path}/b",
    ]
    urls.append("smtp://mail.example/?from=a@b.example&to=c@d.example")
    taking = [url.partition(":")[0] for url in urls if isinstance(open_sink(url), BundleSink)]
    assert taking == ["stdout", "slack", "teams", "smtp"]
