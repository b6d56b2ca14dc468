"""Each metric moves when its cause happens, and only then."""

import asyncio
import logging
import shutil
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any, cast

import pytest
from faust.types import TP
from msgspec.structs import replace

from agents.broker_errors import count_client_errors
from agents.custodian import Custodian
from agents.deadletter import Ending, Guard, Handler
from agents.egress import BlockedAddress, guard, inner_guard
from agents.feed_metrics import count_look, count_round, end_feeds
from agents.feed_state import KafkaFeedState, KafkaSubscriptions
from agents.fetching import Fetcher
from agents.following import Following
from agents.held import HeldLog
from agents.hubs import Hubs
from agents.lagging import Lags
from agents.messages import CANARY, BrokerDown, Headers, Incoming, Outgoing
from agents.metrics import Client, Step, Way, begin_registry
from agents.poller import Poller
from agents.polls import Look, Surroundings
from agents.sentinel import Sentinel
from agents.sinks import SinkError, open_sink
from agents.timing import handed_on, observe
from agents.vitals import registry_hash, tell_vitals
from streams.feeds import FeedSpec
from streams.polling import FeedState, Outcome
from streams.records import Story, StoryId
from streams.stalls import Offsets, Part, Place, Stalls
from streams.topics import Topic

LOOPBACK = (2, 1, 6, "", ("127.0.0.1", 443))
CLIENTS = logging.getLogger("aiokafka")


@pytest.fixture
def counted_errors() -> Iterator[None]:
    before = CLIENTS.handlers[:]
    count_client_errors()
    count_client_errors()
    yield
    CLIENTS.handlers[:] = before


@pytest.mark.usefixtures("counted_errors")
class TestErrorsOfTheBrokersClients:
    @pytest.mark.parametrize(
        ("name", "client"),
        [
            ("aiokafka.consumer.fetcher", "consumer"),
            ("aiokafka.producer.sender", "producer"),
            ("aiokafka.conn", "other"),
            ("aiokafka", "other"),
        ],
    )
    def test_an_error_counts_once_for_the_client_that_logged_it(self, meter: Any, name: str, client: str) -> None:
        logging.getLogger(name).error("no connection to node %s", 1)
        moved = {str(kind): meter.moved("listwire_broker_errors_total", client=kind) for kind in Client}
        assert moved == {str(kind): float(kind == client) for kind in Client}

    async def test_a_broker_that_does_not_answer_is_an_error_of_its_clients(self, meter: Any) -> None:
        await Lags("127.0.0.1:1").look({Place(Part.STORIES, 0): Offsets(0, 1)})
        assert meter.moved("listwire_broker_errors_total", client="other") >= 1
        assert meter.value("listwire_partition_lag_messages", topic="wire.stories", partition="0") is None

    def test_a_warning_and_what_is_known_to_mean_nothing_do_not_count(self, meter: Any) -> None:
        CLIENTS.warning("heartbeat late")
        CLIENTS.error("NotLeaderForPartitionError: a new topic")
        assert all(meter.moved("listwire_broker_errors_total", client=kind) == 0 for kind in Client)


class TestAddressesThatAreNotDialled:
    @pytest.mark.parametrize("way", Way)
    @pytest.mark.parametrize("make", [lambda way: guard(way=way), lambda way: inner_guard((), way)])
    def test_each_counts_for_what_it_was_to_be_dialled(self, meter: Any, make: Callable[..., Any], way: Way) -> None:
        with pytest.raises(BlockedAddress):
            make(way)(LOOPBACK)
        moved = {kind: meter.moved("listwire_egress_blocked_total", what=kind) for kind in Way}
        assert moved == {kind: float(kind == way) for kind in Way}

    async def test_each_who_dials_says_what_for(self, meter: Any, tmp_path: Path, alert_of: Callable[..., Any]) -> None:
        secret = tmp_path / "secret"
        secret.write_text("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
        secret.chmod(0o600)
        webhook = f"://127.0.0.1/?secret_file={secret}"
        mail = "://127.0.0.1/?from=a@wire.example&to=b@wire.example"
        async with Fetcher() as fetcher, Hubs() as hubs:
            assert (await fetcher.fetch("http://127.0.0.1/")).outcome is Outcome.BLOCKED_ADDRESS
            assert not (await hubs.post("http://127.0.0.1/", {})).accepted
        for url in (f"webhook+https{webhook}", f"webhook+http{webhook}", f"smtp{mail}", f"smtp+plain{mail}"):
            sink = open_sink(url)
            with pytest.raises(SinkError):
                await sink.deliver(alert_of(), datetime.fromtimestamp(NOW_S, UTC))
            await sink.close()
        assert {str(way): meter.moved("listwire_egress_blocked_total", what=way) for way in Way} == {
            "feed": 1,
            "websub": 1,
            "sink": 4,
        }

    def test_one_that_is_allowed_does_not(self, meter: Any) -> None:
        guard([ip_network("127.0.0.0/8")])(LOOPBACK).close()
        assert all(meter.moved("listwire_egress_blocked_total", what=kind) == 0 for kind in Way)


class TestVitals:
    def test_the_free_space_is_that_of_the_data_folder_made_or_not(self, meter: Any, tmp_path: Path) -> None:
        tell_vitals(tmp_path / "not" / "yet")
        free = meter.value("listwire_data_free_bytes")
        assert free is not None
        assert abs(free - shutil.disk_usage(tmp_path).free) < 1 << 30  # others write meanwhile

    def test_what_runs_is_told_with_its_registry(self, meter: Any, tmp_path: Path) -> None:
        tell_vitals(tmp_path)
        assert any(
            name == "listwire_build_info" and ("registry", registry_hash()) in labels and value == 1
            for (name, labels), value in meter._samples().items()
        )

    def test_series_by_keys_of_the_registry_begin_at_0(self, meter: Any) -> None:
        assert meter.value("listwire_group_alerts_total", group="a-group-of-this-test") is None
        begin_registry(["an-authority"], ["a-group-of-this-test"])
        assert meter.value("listwire_group_alerts_total", group="a-group-of-this-test") == 0
        assert meter.value("listwire_authority_alerts_total", authority="an-authority") == 0

    @pytest.mark.parametrize("name", ["resident_memory_bytes", "cpu_seconds_total", "open_fds", "max_fds"])
    def test_the_process_tells_of_itself(self, meter: Any, name: str) -> None:
        assert (meter.value(f"process_{name}") or 0) > 0


NOW_S = 1_795_521_600.0
RECEIVED_5_S_AGO = (("received", b"1795521595.000"),)


class Desk:
    """Acknowledges all that is published, or refuses it."""

    def __init__(self, error: Exception | None = None) -> None:
        self.sent: list[Outgoing] = []
        self._error = error

    async def publish(self, *messages: Outgoing) -> None:
        if self._error is not None:
            raise self._error
        self.sent += messages


def incoming(topic: Topic, headers: Headers = RECEIVED_5_S_AGO) -> Incoming:
    return Incoming(topic, 0, 7, b"k", b"{}", headers)


def answering(*outputs: Outgoing, error: Exception | None = None) -> Handler:
    async def handler(_: Incoming) -> Sequence[Outgoing]:
        if error is not None:
            raise error
        return outputs

    return handler


class TestStages:
    def test_a_stage_is_timed_from_the_arrival_that_the_message_tells(self, meter: Any) -> None:
        observe(Step.READ, RECEIVED_5_S_AGO, lambda: NOW_S)
        assert meter.moved("listwire_stage_seconds_sum", stage="read") == pytest.approx(5)
        assert meter.moved("listwire_stage_seconds_count", stage="read") == 1

    @pytest.mark.parametrize("told", [b"", b"nan", b"inf", b"-1", b"1e3", b"1.2.3", b"\xff", b"9" * 21])
    def test_what_a_stranger_writes_there_is_not_timed(self, meter: Any, told: bytes) -> None:
        observe(Step.READ, (("received", told),), lambda: NOW_S)
        assert meter.moved("listwire_stage_seconds_count", stage="read") == 0

    def test_a_letter_that_is_sent_again_is_not_timed_nor_what_it_causes(self, meter: Any) -> None:
        again = incoming(Topic.RELEVANT, (*RECEIVED_5_S_AGO, ("attempt", b"1")))
        observe(Step.READ, again.headers, lambda: NOW_S)
        assert meter.moved("listwire_stage_seconds_count", stage="read") == 0
        assert handed_on(again, [Outgoing(Topic.CLAIMS, b"k", b"v")]) == [Outgoing(Topic.CLAIMS, b"k", b"v")]

    async def test_what_a_story_causes_tells_of_its_arrival_and_no_row_of_a_table_does(self) -> None:
        desk = Desk()
        rows = [Outgoing(topic, b"k", b"v") for topic in (Topic.CLAIMS, Topic.ALERTS, Topic.STATUS, Topic.STORY_KEYS)]
        await Guard("t", answering(*rows), desk)(incoming(Topic.RELEVANT))
        assert [sent.headers for sent in desk.sent] == [RECEIVED_5_S_AGO, RECEIVED_5_S_AGO, (), ()]

    @pytest.mark.parametrize(
        ("step", "topic", "counted"),
        [
            (Step.CLASSIFIED, Topic.RELEVANT, 1),
            (Step.READ, Topic.CLAIMS, 1),
            (Step.ANNOUNCED, Topic.STATUS, 0),
            (Step.ANNOUNCED, Topic.ALERTS, 1),
        ],
    )
    async def test_a_stage_counts_when_its_outcome_is_acknowledged(
        self, meter: Any, step: Step, topic: Topic, counted: int
    ) -> None:
        await Guard("t", answering(Outgoing(topic, b"k", b"v")), Desk(), step=step)(incoming(Topic.STORIES))
        assert meter.moved("listwire_stage_seconds_count", stage=step) == counted

    async def test_what_is_buried_or_not_acknowledged_has_passed_no_stage(self, meter: Any) -> None:
        event, down = incoming(Topic.STORIES), Desk(BrokerDown("b:1", "down"))
        output = answering(Outgoing(Topic.RELEVANT, b"k", b"v"))
        await Guard("t", answering(error=ValueError()), Desk(), step=Step.CLASSIFIED)(event)
        await Guard("t", output, down, abort=lambda: None, step=Step.CLASSIFIED)(event)
        assert meter.moved("listwire_stage_seconds_count", stage="classified") == 0

    async def test_a_fetched_story_is_timed_from_its_publication_or_counted_as_not_timed(self, meter: Any) -> None:
        desk, log = Desk(), HeldLog(nothing_to_read)
        now = datetime.fromtimestamp(NOW_S, UTC)
        custodian = Custodian(log, desk, world=Surroundings(now=lambda: now))
        ages = {"fresh": timedelta(seconds=20), "old": timedelta(days=2)}
        made = [
            Story(id=StoryId(name), feed="f", guid=name, headline="H", body="B", received_at=now, published=now - age)
            for name, age in ages.items()
        ]
        await custodian.publish(made)
        assert [sent.headers for sent in desk.sent] == [(("received", b"1795521600.000"),)] * 2
        assert meter.moved("listwire_stage_seconds_sum", stage="fetched") == pytest.approx(20)
        assert meter.moved("listwire_stage_untimed_total", reason="old") == 1

    async def test_a_fetched_story_that_is_not_acknowledged_is_not_timed(self, meter: Any) -> None:
        now = datetime.fromtimestamp(NOW_S, UTC)
        custodian = Custodian(HeldLog(nothing_to_read), Desk(BrokerDown("b:1", "down")))
        made = Story(id=StoryId("s"), feed="f", guid="s", headline="H", body="B", received_at=now, published=now)
        with pytest.raises(BrokerDown):
            await custodian.publish([made])
        assert meter.moved("listwire_stage_seconds_count", stage="fetched") == 0


async def nothing_to_read(topic: str, partition: int, start: int, end: int | None) -> AsyncIterator[Incoming]:
    return
    yield


class TestEvents:
    @pytest.mark.parametrize(
        ("error", "refusal", "headers", "outcome"),
        [
            (None, None, (), "handled"),
            (ValueError(), None, (), "buried"),
            (ValueError(), None, ((CANARY, b"c"),), "failed"),
            (None, BrokerDown("b:1", "down"), (), "aborted"),
        ],
    )
    async def test_each_event_counts_once_by_how_it_ended(
        self, meter: Any, error: Exception | None, refusal: Exception | None, headers: Headers, outcome: str
    ) -> None:
        guard = Guard("t", answering(OUTPUT, error=error), Desk(refusal), abort=lambda: None)
        assert all(meter.value("listwire_events_total", agent="t", outcome=ending) is not None for ending in Ending)
        await guard(incoming(Topic.STORIES, headers))
        moved = {str(e): meter.moved("listwire_events_total", agent="t", outcome=e) for e in Ending}
        assert moved == {str(e): float(e == outcome) for e in Ending}

    def test_one_that_is_passed_over_counts_and_has_passed_the_stage(self, meter: Any) -> None:
        Guard("t", answering(), Desk(), step=Step.CLASSIFIED).passed_over(RECEIVED_5_S_AGO)
        assert meter.moved("listwire_events_total", agent="t", outcome="passed") == 1
        assert meter.moved("listwire_stage_seconds_count", stage="classified") == 1

    async def test_one_that_is_cut_short_by_a_stop_is_held(self, meter: Any) -> None:
        async def never(_: Incoming) -> Sequence[Outgoing]:
            await asyncio.Event().wait()
            return ()

        running = asyncio.create_task(Guard("t", never, Desk())(incoming(Topic.STORIES)))
        await asyncio.sleep(0)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert meter.moved("listwire_events_total", agent="t", outcome="held") == 1


OUTPUT = Outgoing(Topic.RELEVANT, b"k", b"v")


class TestFeeds:
    """By what `Following` and a look tell of them."""

    @pytest.fixture
    def following(self) -> Following:
        states, subscriptions = KafkaFeedState(nothing_to_read, Desk()), KafkaSubscriptions(nothing_to_read, Desk())
        unused: dict[str, Any] = dict.fromkeys(("publish", "store", "fetcher", "parser"))
        self.states = states
        return Following(Poller(**unused), states, subscriptions, HeldLog(nothing_to_read))

    @staticmethod
    def told(meter: Any, feed: str) -> dict[str, float]:
        return {name: value for (name, labels), value in meter._samples().items() if ("feed", feed) in labels}

    async def test_a_feed_begins_with_what_is_remembered_of_it(self, meter: Any, following: Following) -> None:
        at = datetime.fromtimestamp(NOW_S, UTC)
        state = FeedState(feed="f1", outcome="ok", polled_at=at, newest=at - timedelta(hours=1))
        await self.states.save("f1", state)
        await following.follow(FeedSpec(key="f1", url="https://feed.example/", name="F"))
        assert self.told(meter, "f1") == {
            "listwire_feed_failures": 0,
            "listwire_feed_newest_item_timestamp_seconds": NOW_S - 3600,
            "listwire_feed_quiet_seconds_limit": 30 * 86400,
            "listwire_feed_success_timestamp_seconds": NOW_S,
            "listwire_poll_stories_total": 0,
        }
        await following.let_go("f1")

    @pytest.mark.parametrize(
        "leave",
        [
            lambda following, feed: following.let_go(feed.key),
            lambda following, feed: following.end(feed.key),
            lambda following, feed: following.follow(replace(feed, enabled=False)),
        ],
        ids=["to others", "from the list", "disabled"],
    )
    async def test_a_feed_that_leaves_takes_its_series_along(
        self, meter: Any, following: Following, leave: Callable[..., Any]
    ) -> None:
        feed = FeedSpec(key="f2", url="https://feed.example/", name="F")
        await following.follow(feed)
        assert self.told(meter, "f2")
        await leave(following, feed)
        count_look(Look("f2", Outcome.OK, 0.1, 3), None)  # one that was under way
        assert self.told(meter, "f2") == {}

    def test_a_look_tells_how_it_went(self, meter: Any) -> None:
        well = FeedState(feed="f3", newest=datetime.fromtimestamp(NOW_S, UTC))
        count_look(Look("f3", Outcome.OK, 0.2, 3, size=500), well)
        good_at = meter.value("listwire_feed_success_timestamp_seconds", feed="f3")
        count_look(Look("f3", Outcome.TIMEOUT, 0.2), replace(well, failures=1))
        assert self.told(meter, "f3") == {
            "listwire_feed_failures": 1,
            "listwire_feed_newest_item_timestamp_seconds": NOW_S,
            "listwire_feed_success_timestamp_seconds": good_at,
            "listwire_poll_stories_total": 3,
        }
        assert good_at > NOW_S - 3 * 365 * 86400
        assert meter.moved("listwire_fetched_bytes_total") == 500
        assert meter.moved("listwire_polls_total", outcome="ok") == 1
        assert meter.moved("listwire_polls_total", outcome="timeout") == 1
        end_feeds("f3")

    def test_every_way_a_look_can_end_begins_at_0(self, meter: Any) -> None:
        for outcome in (*Outcome, "unsent", "fault", "unreadable"):
            assert meter.value("listwire_polls_total", outcome=outcome) is not None

    def test_a_folder_that_is_looked_at_is_well_though_nothing_lies_in_it(self, meter: Any) -> None:
        count_round("f4", 2)
        assert self.told(meter, "f4") == {"listwire_feed_failures": 2}
        count_round("f4", 0)
        assert (meter.value("listwire_feed_success_timestamp_seconds", feed="f4") or 0) > 0
        assert meter.value("listwire_feed_failures", feed="f4") == 0
        end_feeds("f4")


class TestCanaries:
    """As the app tells the sentinel."""

    @pytest.fixture
    def sentinel(self) -> Iterator[Sentinel]:
        made = Sentinel("b:1", "g", Desk(), Stalls())
        made.assigned([TP("wire.stories", 1)])
        yield made
        made.assigned([])

    @staticmethod
    def told(meter: Any) -> float | None:
        return cast(float | None, meter.value("listwire_canary_timestamp_seconds", topic="wire.stories", partition="1"))

    @pytest.mark.parametrize("header", [(), ((CANARY, b"another worker's"),)])
    def test_what_is_none_of_ours_tells_nothing(self, sentinel: Sentinel, meter: Any, header: Headers) -> None:
        sentinel.handled(incoming(Topic.STORIES, header)._replace(partition=1))
        assert self.told(meter) is None

    def test_one_of_ours_tells_when_it_came_until_the_partition_goes(self, sentinel: Sentinel, meter: Any) -> None:
        before = time.time()
        sentinel.handled(incoming(Topic.STORIES, ((CANARY, sentinel.name),))._replace(partition=1))
        assert before <= (self.told(meter) or 0) <= time.time()
        sentinel.assigned(None)
        assert self.told(meter) is not None
        sentinel.assigned([TP("wire.stories", 1), TP("wire.stories", 2)])
        assert self.told(meter) is not None
        sentinel.assigned([TP("wire.stories", 2)])
        assert self.told(meter) is None
