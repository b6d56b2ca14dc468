"""`listwire deadletters` on a real Apache Kafka: poison in every topic that an agent reads, mended, and sent again."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from agents.app import build_app
from agents.broker import Broker, BrokerSpec
from agents.classifier import Classifier
from agents.deadletter import Guard
from agents.herald import Herald
from agents.kafka import Incoming, Outgoing, Publisher, create_topics
from agents.letterbox import read_box, send_back, whole
from agents.letters import Failure, Handling, letter
from agents.memory import LogReader
from agents.sinks import Refusal, group_of
from agents.worker import stations
from streams.classifying import classify
from streams.codec import decode, encode
from streams.records import Alert, Report, Story, StoryId
from streams.registry import load_registry
from streams.topics import MAX_MESSAGE_BYTES, Topic, partitions_of

pytestmark = pytest.mark.kafka

MOMENT = datetime(2026, 10, 5, 12, tzinfo=UTC)
REGISTRY = load_registry().without_baseline()


@pytest.fixture
def bootstrap(broker_spec: Callable[[Path], BrokerSpec], tmp_path: Path) -> Iterator[str]:
    """A broker of the test's own: each counts every letter there is."""
    with Broker.start(broker_spec(tmp_path / "kafka"), lambda _: None) as broker:
        asyncio.run(create_topics(broker.bootstrap))
        yield broker.bootstrap


@pytest.fixture
async def publisher(bootstrap: str) -> AsyncIterator[Publisher]:
    made = Publisher(bootstrap)
    await made.start()
    yield made
    await made.stop()


def listwire(bootstrap: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LISTWIRE_")}
    environment |= {"LISTWIRE_BROKER": bootstrap, "LISTWIRE_DATA_DIR": "/no/such/data"}
    command = [sys.executable, "-P", "-m", "agents", "deadletters", *arguments]
    return subprocess.run(command, check=False, capture_output=True, env=environment, timeout=60)


async def told(bootstrap: str, *arguments: str, code: int = 0) -> tuple[str, str]:
    run = await asyncio.to_thread(listwire, bootstrap, *arguments)
    assert run.returncode == code, run.stderr.decode()
    return run.stdout.decode(), run.stderr.decode()


async def listed(bootstrap: str, *arguments: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (await told(bootstrap, "list", "--json", *arguments))[0].splitlines()]


async def messages(bootstrap: str, topic: Topic) -> list[Incoming]:
    read = LogReader(bootstrap)
    return [message for part in range(partitions_of(topic)) async for message in read(topic, part, 0, None)]


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 - a broker raises no event of ours
            await asyncio.sleep(0.1)


@asynccontextmanager
async def working(
    bootstrap: str, publisher: Publisher, folder: Path, classifying: Any = classify
) -> AsyncIterator[None]:
    """The agents run; the classifier as given."""
    made = stations(REGISTRY, publisher, LogReader(bootstrap))
    guard = Guard("classifier", Classifier(REGISTRY, classifying), publisher)
    app, _ = build_app(bootstrap, [made[0]._replace(guard=guard), *made[1:]], folder)
    await app.start()
    try:
        yield
    finally:
        await app.stop()


@asynccontextmanager
async def heralding(bootstrap: str, publisher: Publisher, sink: Any, url: str = "ear:") -> AsyncIterator[None]:
    herald = Herald(bootstrap, url, sink, publisher, LogReader(bootstrap), first_pause_s=0.01)
    task = asyncio.create_task(herald.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class Ear:
    """A sink by hand that refuses until it is mended."""

    def __init__(self, *, mended: bool = True) -> None:
        self.mended = mended
        self.heard: list[tuple[str, int]] = []

    async def deliver(self, alert: Alert, _: datetime) -> None:
        if not self.mended:
            raise Refusal("HTTP 404")
        self.heard.append((alert.id, alert.revision))

    async def close(self) -> None:
        """Nothing to close."""


def story(name: str = "kg", **more: Any) -> Outgoing:
    text = "Kyrgyzstan has removed the Taliban from its list of terrorist organisations, the Foreign Ministry said."
    facts = {"id": StoryId(name), "feed": "test", "guid": name, "headline": text, "body": text}
    one = Story(**(facts | {"published": MOMENT, "received_at": MOMENT} | more))
    return Outgoing(Topic.STORIES, name.encode(), encode(one), (("ce_id", b"one"), ("ce_id", b"two")))


async def test_poison_of_every_topic_is_listed_shown_and_when_sent_again_counts_its_attempts(
    bootstrap: str, publisher: Publisher, tmp_path: Path
) -> None:
    topics = (Topic.STORIES, Topic.RELEVANT, Topic.CLAIMS, Topic.ALERTS)
    values = (b"{not json", None, b'{"id": 3}', b"[" * 100_000, b"x" * (MAX_MESSAGE_BYTES - 600))
    await publisher.publish(*(Outgoing(topic, b"k", value) for topic in topics for value in values))

    async def count() -> int:
        return len((await read_box(LogReader(bootstrap))).letters)

    async def all_buried() -> bool:
        return await count() == 20

    async def four_more() -> bool:
        return await count() == 24

    ear = Ear()
    async with working(bootstrap, publisher, tmp_path), heralding(bootstrap, publisher, ear):
        await until(all_buried)
        found = await listed(bootstrap)
        assert {(one["topic"], one["agent"]) for one in found} == {
            (Topic.STORIES, "classifier"),
            (Topic.RELEVANT, "detector"),
            (Topic.CLAIMS, "bookkeeper"),
            (Topic.ALERTS, "herald-ear"),
        }
        assert {one["sink"] for one in found if one["topic"] == Topic.ALERTS} == {group_of("ear:")}
        assert [one["at"] for one in found] == sorted(one["at"] for one in found)
        ids = [one["id"] for one in found if one["size"] == 9 and not one["cut"]]
        assert len(ids) == 8  # {not json and {"id": 3}
        out, err = await told(bootstrap, "replay", *ids[::2])
        assert out.endswith("4 of 4 sent again\n"), err
        await until(four_more)
    again = [one for one in await listed(bootstrap) if one["attempt"] == 2]
    assert sorted(one["size"] for one in again) == [9] * 4
    assert ear.heard == []
    text, _ = await told(bootstrap, "list", "--limit", "3")
    assert text.splitlines()[3:] == [f"{24:6} malformed, 4 sent again"]
    assert len(await listed(bootstrap, "--topic", "wire.relevant", "--limit", "2")) == 2
    assert await listed(bootstrap, "--since", "2999-01-01") == []
    out, err = await told(bootstrap, "replay", "--all", code=1)
    assert out.endswith("16 of 20 sent again\n")
    assert err.count("cannot be sent again: its value had to be cut when it was buried") == 4


async def test_a_letter_shows_its_facts_and_gives_its_bytes_back_unchanged(
    bootstrap: str, publisher: Publisher
) -> None:
    values = (b'{"a":[1,\n2.50]}', os.urandom(2_000) + b"\x1b[31m", None)
    headers = (("ce_id", b"a\x1b[2J"), ("ce_id", b"b"))
    events = [Incoming(Topic.STORIES, 1, n, b"k", value, headers, MOMENT.timestamp()) for n, value in enumerate(values)]
    await publisher.publish(*(letter(event, Failure("malformed", "why"), Handling("classifier")) for event in events))
    ids = {one["offset"]: one["id"] for one in await listed(bootstrap)}
    for number, value in enumerate(values):
        raw = await asyncio.to_thread(listwire, bootstrap, "show", ids[number], "--raw")
        assert (raw.returncode, raw.stdout) == (0, value or b"")
    out, _ = await told(bootstrap, "show", ids[0])
    for fact in (ids[0], "malformed", "why", "classifier", "wire.stories/1/0", "2026-10-05 12:00:00.000Z"):
        assert fact in out
    assert out.endswith('\n\n{\n  "a": [\n    1,\n    2.50\n  ]\n}\n')
    assert out.count("ce_id") == 2
    for number in (0, 1, 2):
        assert "\x1b" not in (await told(bootstrap, "show", ids[number]))[0]


async def test_calls_that_cannot_be_meant_are_refused(bootstrap: str, publisher: Publisher) -> None:
    lost = Incoming("wire.gone", 0, 7, b"k", b"v")
    cut = Incoming(Topic.STORIES, 0, 8, b"k", b"x" * MAX_MESSAGE_BYTES)
    sent = [letter(event, Failure("malformed", "why"), Handling()) for event in (lost, cut)]
    await publisher.publish(*sent, Outgoing(Topic.DEADLETTERS, b"stray", b"no letter"))
    gone, large = (one["id"] for one in sorted(await listed(bootstrap), key=lambda one: one["offset"]))
    for arguments, code, word in (
        (["replay"], 2, "give either ids"),
        (["replay", gone, "--all"], 2, "give either ids"),
        (["replay", "3-17"], 2, "'3-17' is no id of a dead letter"),
        (["show", "x"], 2, "'x' is no id of a dead letter"),
        (["show", "3:999"], 1, "no dead letter 3:999"),
        (["replay", gone, "3:999", "2:998"], 1, "no dead letter 3:999, 2:998"),
        (["list", "--reason", "malformd"], 2, "--reason: 'malformd' is not known"),
        (["list", "--topic", "wire.story"], 2, "--topic: 'wire.story' is not known"),
        (["list", "--since", "yesterday"], 2, "--since: 'yesterday' is no time"),
        (["replay", gone], 1, f"{gone}: cannot be sent again: wire.gone is no topic of ours"),
        (["replay", large, "--dry-run"], 1, f"{large}: cannot be sent again: its value had to be cut"),
        (["show", large, "--raw"], 1, f"of {MAX_MESSAGE_BYTES} bytes; the rest was not kept"),
        (["replay", "--reason", "deadline"], 0, "no dead letter\n"),
        (["list", "--topic", "wire.gone"], 0, "no dead letter\n"),
    ):
        run = await asyncio.to_thread(listwire, bootstrap, *arguments)
        assert (run.returncode, word in run.stderr.decode()) == (code, True), (arguments, run.stderr)
    assert await messages(bootstrap, Topic.STORIES) == []
    assert [one["replayed"] for one in await listed(bootstrap)] == [False, False]


async def test_a_story_that_our_own_fault_buried_gives_one_alert_however_often_it_is_sent_again(
    bootstrap: str, publisher: Publisher, tmp_path: Path
) -> None:
    faults = [ValueError("a bug of one release")]

    def once_broken(one: Story, registry: Any) -> Any:
        if faults:
            raise faults.pop()
        return classify(one, registry)

    async def alerts() -> list[Incoming]:
        return await messages(bootstrap, Topic.ALERTS)

    def claimed(count: int) -> Callable[[], Awaitable[bool]]:
        async def are() -> bool:
            return len(await messages(bootstrap, Topic.CLAIMS)) == count

        return are

    async def settled() -> bool:
        rows = await messages(bootstrap, Topic.STATUS)
        return len(rows) >= 2

    await publisher.publish(story())
    async with working(bootstrap, publisher, tmp_path, once_broken):
        await until(lambda: _is(listed(bootstrap), 1))
        (one,) = await listed(bootstrap)
        assert (one["reason"], one["error"]) == ("handler-error", "ValueError('a bug of one release')")
        out, _ = await told(bootstrap, "replay", "--reason", "handler-error", "--dry-run")
        assert out == f"{one['id']} {one['topic']}/{one['partition']}/0 -> wire.stories\n1 of 1 would be sent again\n"
        assert len(await messages(bootstrap, Topic.STORIES)) == 1
        await told(bootstrap, "replay", one["id"])
        await until(claimed(1))
        assert (await listed(bootstrap))[0]["replayed"]
        out, err = await told(bootstrap, "replay", one["id"])
        assert (out, "--again sends it once more" in err) == ("0 of 0 sent again\n", True)
        assert (await told(bootstrap, "replay", "--all"))[0] == "0 of 0 sent again\n"
        assert (await told(bootstrap, "replay", one["id"], "--again"))[0].endswith("1 of 1 sent again\n")
        await until(claimed(2))
        await until(settled)
    first, second, third = sorted(await messages(bootstrap, Topic.STORIES), key=lambda message: message.offset)
    assert first.partition == second.partition == third.partition
    assert (second.key, second.value) == (first.key, first.value)
    assert second.headers == third.headers == (*first.headers, ("attempt", b"1"))
    (alert,) = [decode(message.value, Alert) for message in await alerts()]
    assert alert.revision == 1
    assert len({decode(message.value, Report) for message in await messages(bootstrap, Topic.CLAIMS)}) == 1


async def _is(found: Awaitable[Sequence[object]], count: int) -> bool:
    return len(await found) == count


async def test_an_alert_that_a_sink_refused_goes_to_that_sink_alone(
    bootstrap: str, publisher: Publisher, alert_of: Callable[..., Alert]
) -> None:
    broken, other = Ear(mended=False), Ear()
    await publisher.publish(*(Outgoing(Topic.ALERTS, b"k", encode(alert_of(id=name)), ()) for name in "ab"))

    async def all_heard() -> bool:
        return len(broken.heard) == 2

    async with heralding(bootstrap, publisher, broken, "ear:a"), heralding(bootstrap, publisher, other, "ear:b"):
        await until(lambda: _is(listed(bootstrap), 2))
        broken.mended = True
        out, _ = await told(bootstrap, "replay", "--topic", "designation.alerts", "--reason", "sink-refused")
        assert out.count(f"-> designation.resend for {group_of('ear:a')}\n") == 2
        await until(all_heard)
        await publisher.publish(Outgoing(Topic.ALERTS, b"k", encode(alert_of(id="c"))))
        await until(lambda: _heard(broken, other, "c"))
    assert broken.heard == other.heard == [("a", 1), ("b", 1), ("c", 1)]
    assert len(await messages(bootstrap, Topic.ALERTS)) == 3


async def _heard(one: Ear, other: Ear, name: str) -> bool:
    return (name, 1) in one.heard and (name, 1) in other.heard


async def test_a_crash_between_the_message_and_its_mark_sends_it_once_more(
    bootstrap: str, publisher: Publisher
) -> None:
    class Dies:
        async def publish(self, *sent: Outgoing) -> None:
            if sent[0].topic == Topic.DEADLETTERS:
                raise KeyboardInterrupt
            await publisher.publish(*sent)

    event = Incoming(Topic.STORIES, 0, 0, b"k", b"v")
    await publisher.publish(letter(event, Failure("malformed", "why"), Handling()))
    read = LogReader(bootstrap)
    async for one in whole(read, (await read_box(read)).letters):
        with pytest.raises(KeyboardInterrupt):
            await send_back(Dies(), one)
    assert len(await messages(bootstrap, Topic.STORIES)) == 1
    assert (await told(bootstrap, "replay", "--all"))[0].endswith("1 of 1 sent again\n")
    assert [message.value for message in await messages(bootstrap, Topic.STORIES)] == [b"v", b"v"]
