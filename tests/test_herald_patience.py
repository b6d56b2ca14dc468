"""How long a herald tries, what it buries, and whom it tells of a revision."""

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from agents.deadletter import Reason
from agents.herald import Herald
from agents.kafka import Incoming, Outgoing
from agents.letters import opened
from agents.sinks import Refusal, SinkError, group_of, open_sinks
from streams.codec import encode
from streams.errors import SettingsError
from streams.outlets import parse_outlet
from streams.records import Alert
from streams.topics import Topic
from streams.vocabulary import AlertStatus, Level

MakeAlert = Callable[..., Alert]
NOON = datetime(2024, 10, 4, 12, tzinfo=UTC)
HOUR_S = 3600.0


class Receiver:
    """A sink by hand and the clock beside it: each delivery takes `hours` and fails with what `faults` gives."""

    def __init__(self, *faults: SinkError | None, hours: float = 1) -> None:
        self.faults = list(faults)
        self.tries: list[tuple[str, int]] = []
        self.hours = hours
        self.at = NOON

    def now(self) -> datetime:
        return self.at

    async def deliver(self, told: Alert, _: datetime) -> None:
        self.tries.append((told.id, told.revision))
        self.at += timedelta(hours=self.hours)
        if self.faults and (fault := self.faults.pop(0)):
            raise fault

    async def close(self) -> None:
        """Nothing to close."""


class Reader(Receiver):
    """The same for a sink that people read."""

    def __init__(self, *faults: SinkError | None, hours: float = 1) -> None:
        super().__init__(*faults, hours=hours)
        self.bundles: list[list[str]] = []

    async def deliver_bundle(self, alerts: Sequence[Alert], now: datetime) -> None:
        self.bundles.append([told.id for told in alerts])
        await self.deliver(alerts[0], now)


class Bench:
    """A herald with a log before it and the dead letters behind it."""

    def __init__(self, receiver: Any, url: str = "ear:", patience_h: float = 24) -> None:
        self.receiver = receiver
        self.log: list[Incoming] = []
        self.letters: list[Outgoing] = []
        self.herald = Herald(
            "b:1", url, receiver, self, self.read, parse_outlet(url).wanted, patience_h * HOUR_S,
            first_pause_s=0, now=receiver.now, abort=self.abort,
        )  # fmt: skip

    async def read(self, topic: str, partition: int, start: int, end: int | None) -> AsyncIterator[Incoming]:
        for event in self.log[start:end]:
            yield event

    async def publish(self, *messages: Outgoing) -> None:
        self.letters.extend(messages)

    def abort(self) -> None:
        raise AssertionError("the guard wanted to end the process")

    def add(self, told: Alert, at: datetime = NOON) -> Incoming:
        self.log.append(Incoming(Topic.ALERTS, 0, len(self.log), b"k", encode(told), (), at.timestamp()))
        return self.log[-1]

    async def tell(self, told: Alert, at: datetime = NOON) -> None:
        await self.herald.hand_over([self.add(told, at)])

    async def resend(self, value: bytes, sink: str) -> None:
        headers = (("ce_id", b"1"), ("sink", sink.encode()))
        await self.herald.hand_over([Incoming(Topic.RESEND, 0, 0, b"k", value, headers, NOON.timestamp())])

    @property
    def reasons(self) -> list[str]:
        return [dict(letter.headers)["reason"].decode() for letter in self.letters]


def busy(times: int) -> list[SinkError | None]:
    return [SinkError("HTTP 503") for _ in range(times)]


async def test_a_refusal_is_buried_at_once_and_the_next_alert_delivered(alert_of: MakeAlert) -> None:
    bench = Bench(Receiver(Refusal("HTTP 404")))
    await bench.tell(alert_of())
    await bench.tell(alert_of(id="next"))
    assert bench.receiver.tries == [("a1b2c3", 1), ("next", 1)]
    (letter,) = bench.letters
    found = opened(Incoming(letter.topic, 0, 0, letter.key, letter.value, letter.headers))
    assert (found.reason, found.error) == (Reason.SINK_REFUSED, f"{group_of('ear:')}: HTTP 404")
    assert found.value == encode(alert_of())


async def test_a_failure_that_passes_buries_nothing(alert_of: MakeAlert) -> None:
    bench = Bench(Receiver(*busy(23)))
    await bench.tell(alert_of())
    assert (len(bench.receiver.tries), bench.letters) == (24, [])


async def test_a_failure_that_does_not_pass_is_buried_after_the_patience(alert_of: MakeAlert) -> None:
    bench = Bench(Receiver(*busy(1000)))
    await bench.tell(alert_of())
    assert bench.reasons == [Reason.SINK_DOWN]
    assert len(bench.receiver.tries) == 25  # the first failure starts the clock
    assert dict(bench.letters[0].headers)["error"].decode().endswith("HTTP 503, given up after 86400 s")


async def test_behind_a_dead_sink_each_alert_has_its_own_time_and_old_ones_one_try(alert_of: MakeAlert) -> None:
    bench = Bench(Receiver(*busy(1000)))
    await bench.tell(alert_of())
    tried = len(bench.receiver.tries)
    await bench.tell(alert_of(id="told with it"))
    assert len(bench.receiver.tries) == tried + 1
    await bench.tell(alert_of(id="told later"), bench.receiver.at - timedelta(hours=20))
    assert 1 < bench.receiver.tries.count(("told later", 1)) <= 5
    assert bench.reasons == [Reason.SINK_DOWN] * 3


async def test_a_backlog_of_old_alerts_is_not_buried_by_a_short_failure(alert_of: MakeAlert) -> None:
    bench = Bench(Receiver(None, *busy(3), None, *busy(3)))
    for number in range(3):
        await bench.tell(alert_of(id=f"n{number}"), NOON - timedelta(days=300))
    assert (len(bench.receiver.tries), bench.letters) == (9, [])


async def test_each_outage_has_a_time_of_its_own(alert_of: MakeAlert) -> None:
    bench = Bench(Receiver(*busy(2), None, *busy(2), Refusal("HTTP 404"), *busy(2), hours=10))
    for number in range(3):
        await bench.tell(alert_of(id=f"n{number}"), NOON - timedelta(days=300))
    assert (len(bench.receiver.tries), bench.reasons) == (9, [Reason.SINK_REFUSED])


async def test_a_receiver_that_names_a_time_is_not_asked_before(
    alert_of: MakeAlert, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr("agents.herald.asyncio.sleep", sleep)
    bench = Bench(Receiver(SinkError("429", 120), SinkError("429", 1e9), *busy(9), hours=0))
    bench.herald.first_pause_s = 1.0
    await bench.tell(alert_of())
    assert waits == [120, 3600, 4, 8, 16, 32, 60, 60, 60, 60, 60]


async def test_no_pause_is_longer_than_what_is_left(alert_of: MakeAlert, monkeypatch: pytest.MonkeyPatch) -> None:
    waits = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr("agents.herald.asyncio.sleep", sleep)
    bench = Bench(Receiver(*[SinkError("429", 9e9)] * 9, hours=0.4), patience_h=1)
    await bench.tell(alert_of())
    assert waits == [3600, pytest.approx(2160), pytest.approx(720)]
    assert bench.reasons == [Reason.SINK_DOWN]


# filters


async def test_only_what_is_wanted_is_delivered(alert_of: MakeAlert) -> None:
    bench = Bench(Receiver(), "ear:?authority=us&level=confirmed")
    for change in ({"authority": "us"}, {"authority": "ru"}, {"authority": "us", "level": Level.UNCONFIRMED}):
        await bench.tell(alert_of(id=f"{change}", **change))
    assert [name for name, _ in bench.receiver.tries] == ["{'authority': 'us'}"]
    assert bench.letters == []


@pytest.mark.parametrize("restarted", [False, True])
async def test_whoever_was_told_hears_of_the_retraction_whatever_the_filter_says(
    alert_of: MakeAlert, restarted: bool
) -> None:
    url = "ear:?level=confirmed&min_confidence=0.8"
    bench = Bench(Receiver(), url)
    weak: dict[str, Any] = {"level": Level.UNCONFIRMED, "confidence": 0.1, "status": AlertStatus.RETRACTED}
    if restarted:
        bench.add(alert_of())
        bench.add(alert_of(id="other", **weak))
    else:
        await bench.tell(alert_of())
        await bench.tell(alert_of(id="other", **weak))
    await bench.tell(alert_of(revision=2, **weak))
    await bench.tell(alert_of(id="other", revision=2, **weak))
    assert bench.receiver.tries[-1] == ("a1b2c3", 2)
    assert not [name for name, _ in bench.receiver.tries if name == "other"]


async def test_an_alert_that_is_better_founded_now_is_told_then(alert_of: MakeAlert) -> None:
    bench = Bench(Receiver(), "ear:?level=confirmed")
    await bench.tell(alert_of(level=Level.UNCONFIRMED))
    await bench.tell(alert_of(revision=2))
    assert bench.receiver.tries == [("a1b2c3", 2)]


# a dead letter that is sent again


async def test_what_is_sent_again_reaches_its_sink_whatever_it_had_and_no_other(alert_of: MakeAlert) -> None:
    mine = group_of("ear:one?authority=us")
    one, other = Bench(Receiver(), "ear:one?authority=us"), Bench(Receiver(), "ear:other")
    for bench in (one, other):
        await bench.tell(alert_of())
        await bench.resend(encode(alert_of()), mine)
    assert (one.receiver.tries, other.receiver.tries) == ([("a1b2c3", 1)], [("a1b2c3", 1)])
    await other.resend(encode(alert_of()), group_of("ear:other"))
    assert len(other.receiver.tries) == 2


async def test_what_is_sent_again_to_a_sink_is_buried_by_that_sink_alone() -> None:
    one, other = Bench(Receiver(), "ear:one"), Bench(Receiver(), "ear:other")
    for bench in (one, other):
        await bench.resend(b"{", group_of("ear:one"))
    assert (one.reasons, other.letters) == ([Reason.MALFORMED], [])


async def test_the_letter_of_a_sink_names_it(alert_of: MakeAlert) -> None:
    bench = Bench(Receiver(Refusal("HTTP 404"), Refusal("HTTP 404")), "ear:one")
    await bench.tell(alert_of())
    await bench.resend(encode(alert_of()), group_of("ear:one"))
    found = [opened(Incoming(one.topic, 0, 0, one.key, one.value, one.headers)) for one in bench.letters]
    assert [(one.topic, one.sink, one.agent) for one in found] == [
        (Topic.ALERTS, group_of("ear:one"), "herald-ear"),
        (Topic.RESEND, group_of("ear:one"), "herald-ear"),
    ]


async def test_a_message_that_others_marked_for_a_sink_is_an_alert_like_any(alert_of: MakeAlert) -> None:
    bench = Bench(Receiver(), "ear:one")
    event = bench.add(alert_of())
    await bench.herald.hand_over([event._replace(headers=(("sink", group_of("ear:other").encode()),))])
    assert bench.receiver.tries == [("a1b2c3", 1)]


# bundles


async def test_the_alerts_of_a_parcel_are_delivered_together_with_all_their_tries(alert_of: MakeAlert) -> None:
    bench = Bench(Reader(*busy(2)))
    await bench.herald.hand_over([bench.add(alert_of(id=name)) for name in "abc"])
    assert bench.receiver.bundles == [["a", "b", "c"]] * 3
    assert bench.letters == []


async def test_a_parcel_that_is_refused_is_buried_alert_by_alert(alert_of: MakeAlert) -> None:
    bench = Bench(Reader(Refusal("HTTP 404")))
    await bench.herald.hand_over([bench.add(alert_of(id=name)) for name in "ab"])
    assert bench.receiver.bundles == [["a", "b"]]
    assert [letter.value for letter in bench.letters] == [encode(alert_of(id=name)) for name in "ab"]
    assert bench.reasons == [Reason.SINK_REFUSED] * 2


async def test_what_is_unwanted_or_broken_or_had_is_left_out_of_the_parcel(alert_of: MakeAlert) -> None:
    bench = Bench(Reader(), "ear:?authority=ru")
    await bench.tell(alert_of(id="had"))
    parcel = [bench.add(alert_of(id=name, **change)) for name, change in (
        ("a", {}), ("had", {}), ("us", {"authority": "us"}), ("b", {}),
    )]  # fmt: skip
    broken = parcel[0]._replace(offset=99, value=b"{")
    await bench.herald.hand_over([broken, *parcel])
    assert bench.receiver.bundles == [["a", "b"]]
    assert bench.reasons == [Reason.MALFORMED]


async def test_a_parcel_of_which_one_is_left_is_an_alert_as_any(alert_of: MakeAlert) -> None:
    bench = Bench(Reader(), "ear:?authority=ru")
    await bench.herald.hand_over([bench.add(alert_of(id="a", authority="us")), bench.add(alert_of(id="b"))])
    assert (bench.receiver.tries, bench.receiver.bundles) == ([("b", 1)], [])


# places


def test_a_named_sink_keeps_its_place_when_its_url_changes() -> None:
    assert group_of("jsonl:/a?name=desk&authority=ru") == group_of("jsonl:/b?name=desk") == "listwire.herald.jsonl.desk"
    assert group_of("jsonl:/a?authority=ru") != group_of("jsonl:/a")


@pytest.mark.parametrize("urls", [("stdout:", "stdout:"), ("stdout:text?name=a", "stdout:json?name=a")])
def test_two_sinks_in_one_place_are_an_error(urls: tuple[str, ...]) -> None:
    with pytest.raises(SettingsError, match="given twice, or another one has its name"):
        open_sinks(urls)


async def test_since_when_a_sink_takes_nothing_is_told_until_it_takes_something(
    alert_of: MakeAlert, meter: Any
) -> None:
    failing = "listwire_sink_failing_since_timestamp_seconds"
    bench = Bench(Receiver(*busy(3)), "ear:?name=failing", patience_h=1)
    await bench.tell(alert_of())
    began = NOON + timedelta(hours=1)
    assert meter.value(failing, sink="ear.failing") == began.timestamp()
    await bench.tell(alert_of(id="next"), NOON + timedelta(hours=3))
    assert meter.value(failing, sink="ear.failing") == 0


@pytest.mark.parametrize(("faults", "delivered"), [((), 1), ((Refusal("HTTP 404"), Refusal("HTTP 404")), 0)])
async def test_an_alert_passes_the_last_stage_when_the_sink_has_it(
    alert_of: MakeAlert, meter: Any, faults: tuple[SinkError, ...], delivered: int
) -> None:
    bench = Bench(Receiver(*faults))
    event = bench.add(alert_of())._replace(headers=(("received", b"1728043200"),))
    await bench.herald.hand_over([event])
    await bench.herald.hand_over([event])  # told again, and not delivered again
    assert meter.moved("listwire_stage_seconds_count", stage="delivered") == delivered
