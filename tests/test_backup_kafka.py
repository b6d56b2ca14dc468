"""A backup of one real Kafka, restored into another: every byte, and whatever names a place in a log."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from typer.testing import CliRunner, Result

from agents.__main__ import build
from agents.backup import Scope, back_up
from agents.backup_file import contents
from agents.broker import Broker, BrokerSpec
from agents.groups import read_places, set_places
from agents.kafka import Outgoing, Publisher, create_topics
from agents.letters import mark
from agents.memory import LogReader
from agents.messages import CANARY, is_canary
from agents.restoring import restore
from streams.backups import Place
from streams.codec import encode
from streams.records import DeadLetter, Skipped
from streams.topics import TOPICS, Topic, partitions_of

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

DAY_MS = 86_400_000
BEGAN_MS = 1_790_000_000_000
Seen = list[tuple[Any, ...]]


@pytest.fixture(scope="module")
def brokers(
    broker_spec: Callable[[Path], BrokerSpec], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, str]]:
    """Two of this module's own: topics are filled as they are, and must be empty."""
    folder = tmp_path_factory.mktemp("backup")
    with ThreadPoolExecutor() as pool, ExitStack() as stack:
        starts = [pool.submit(Broker.start, broker_spec(folder / name), lambda _: None) for name in "ab"]
        started = [stack.enter_context(start.result()) for start in starts]
        yield started[0].bootstrap, started[1].bootstrap


def call(command: str, *arguments: str) -> Result:
    return CliRunner().invoke(build((command, "scan")), [command, *arguments])


async def produce(broker: str, *messages: tuple[Topic, int, bytes | None, bytes | None, Any]) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=broker, acks="all")
    await producer.start()
    for number, (topic, partition, key, value, headers) in enumerate(messages):
        at = BEGAN_MS + number * DAY_MS // 100
        await producer.send_and_wait(topic, value, key, partition, timestamp_ms=at, headers=headers)
    await producer.stop()


async def seen(broker: str) -> dict[Topic, Seen]:
    read = LogReader(broker)
    return {
        topic: [
            (record.partition, record.offset, record.timestamp, record.key, record.value, record.headers)
            for partition in range(partitions_of(topic))
            async for record in read.records(topic, partition, 0, None)
        ]
        for topic in Topic
    }


async def forget(broker: str, topic: Topic, partition: int, before: int) -> None:
    """As retention does."""
    admin = AIOKafkaAdminClient(bootstrap_servers=broker)
    await admin.start()
    await admin.delete_records({TopicPartition(topic, partition): RecordsToDelete(before)})
    await admin.close()


def letter(offset: int) -> DeadLetter:
    return DeadLetter(
        reason="malformed", error="x", topic="wire.stories", partition=0, offset=offset, value=None, version="1"
    )


async def fill(broker: str) -> None:
    """What is hard: bytes that are no text, no value, headers without one, canaries, logs that begin late."""
    await create_topics(broker)
    canary = [(CANARY, b"me")]
    skipped = encode(Skipped(partition=2, offset=1, reason="malformed"))
    marks = [mark(f"1:{offset}", letter(offset)) for offset in (0, 3)]
    await produce(
        broker,
        *((Topic.STORIES, 0, f"s{n}".encode(), f'{{"n":{n}}}'.encode(), ()) for n in range(10)),
        (Topic.STORIES, 3, b"\xff\x00", b"\x80binary", [("h", b"\xfe"), ("h", b"text"), ("none", None)]),
        (Topic.STORIES, 3, None, b"", [("ce_id", "é".encode())]),
        *((Topic.CLAIMS, 0, b"ru|taliban", f"{n}".encode(), ()) for n in range(5)),
        (Topic.CLAIMS, 2, b"ru|taliban", b"{}", ()),
        (Topic.CLAIMS, 2, b"ru|taliban", b"not json", ()),
        (Topic.CLAIMS, 2, b"canary", b'{"canary":"me"}', canary),
        (Topic.CLAIMS, 2, b"ru|taliban", b'{"n":3}', ()),
        (Topic.SKIPPED, 0, b"designation.claims/2/1", skipped, ()),
        *((Topic.ALERTS, 1, b"ru|taliban", f'{{"alert":{n}}}'.encode(), [("ce_id", b"1")]) for n in range(6)),
        *((Topic.DEADLETTERS, 1, b"k", f"{n}".encode(), [("reason", b"x")]) for n in range(5)),
        *((Topic.DEADLETTERS, 1, made.key, made.value, list(made.headers)) for made in marks),
        (Topic.HELD, 1, b"story", b'{"until":"x"}', ()),
        (Topic.HELD, 1, b"gone", None, ()),
        (Topic.FEED_STATE, 0, b"agency", b"\x00" * 1_000_000, ()),
    )
    await forget(broker, Topic.DEADLETTERS, 1, 2)
    await forget(broker, Topic.ALERTS, 1, 4)
    await forget(broker, Topic.CLAIMS, 0, 3)  # as nobody should
    await set_places(
        broker,
        [
            Place("listwire", "wire.stories", 0, 7),
            Place("listwire", "wire.stories", 3, 2),
            Place("listwire", "designation.claims", 2, 3),
            Place("listwire.herald.jsonl.desk", "designation.alerts", 1, 5),
            Place("desk-1", "designation.alerts", 1, 2),
        ],
    )


def renumbered(rows: Seen) -> Seen:
    """The same messages where a log of their own has them."""
    counts: dict[int, int] = {}
    made = []
    for partition, _, *rest in rows:
        made.append((partition, counts.get(partition, 0), *rest))
        counts[partition] = counts.get(partition, 0) + 1
    return made


def test_all_is_restored_and_what_names_places_with_it(brokers: tuple[str, str], tmp_path: Path) -> None:
    first, second = brokers
    asyncio.run(fill(first))
    before = asyncio.run(seen(first))
    made = call("backup", str(tmp_path), "--broker", first)
    assert made.exit_code == 0, made.output
    (file,) = tmp_path.glob("listwire-*.jsonl.gz")
    assert "wire.stories                   12" in made.stdout
    assert call("backup", "--verify", str(file)).stdout == made.stdout

    refused = call("restore", str(file), "--broker", first)
    assert "not empty; restore into topics that are new" in str(refused.exception)
    asyncio.run(create_topics(second))
    assert "in use by listwire-poller: stop workers" in asyncio.run(refusal_while_in_use(second, file))
    done = call("restore", str(file), "--broker", second)
    assert done.exit_code == 0, done.exception or done.output
    small = call("backup", str(tmp_path / "small"), "--no-stories", "--no-deadletters", "--broker", second, "--json")
    for topic, count in {"wire.stories": 3, "wire.deadletters": 0, "designation.claims": 9}.items():
        assert f'"{topic}":{count}' in small.stdout  # stories that are still to be read, and all claims
    after = asyncio.run(seen(second))
    filled, claims = after[Topic.CLAIMS][:3], after[Topic.CLAIMS][3:]
    assert claims == before[Topic.CLAIMS]  # also at their offsets, canaries among them
    assert [(row[1], is_canary(row[5])) for row in filled] == [(0, True), (1, True), (2, True)]
    for topic in set(Topic) - {Topic.CLAIMS, Topic.DEADLETTERS}:
        assert after[topic] == renumbered(before[topic]), topic
    *letters, gone, there = after[Topic.DEADLETTERS]
    assert letters == renumbered(before[Topic.DEADLETTERS])[:-2]
    assert (gone[5], there[5]) == ((("replayed", b"gone"),), (("replayed", b"1:1"),))
    assert letters[1][4] == b"3"  # what the mark names is the letter that it named
    assert asyncio.run(read_places(second)) == (
        Place("desk-1", "designation.alerts", 1, 0),
        Place("listwire", "designation.claims", 2, 3),
        Place("listwire", "wire.stories", 0, 7),
        Place("listwire", "wire.stories", 3, 2),
        Place("listwire.herald.jsonl.desk", "designation.alerts", 1, 1),
    )


async def refusal_while_in_use(broker: str, file: Path) -> str:
    where: dict[str, Any] = {"bootstrap_servers": broker, "group_id": "listwire-poller", "enable_auto_commit": False}
    async with AIOKafkaConsumer("wire.feeds", **where):
        return str((await asyncio.to_thread(call, "restore", str(file), "--broker", broker)).exception)


def test_the_operators_files_are_in_it(
    brokers: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _ = brokers
    asyncio.run(create_topics(first))
    feeds, config, out = tmp_path / "mine.toml", tmp_path / "listwire.toml", tmp_path / "out"
    feeds.write_text('[agency]\nurl = "https://agency.example/"\nname = "Agency"\n')
    config.write_text(f'feeds_file = "{feeds}"\n')
    monkeypatch.setenv("LISTWIRE_SINKS", "webhook+https://desk.example/?token=do-not-tell")
    file = str(tmp_path / "b")
    assert call("backup", file, "--broker", first, "--config", str(config)).exit_code == 0
    out.mkdir()
    assert call("restore", file, "--files", str(out)).exit_code == 0
    assert (out / "feeds.toml").read_text() == feeds.read_text()
    assert (out / "listwire.toml").read_text() == config.read_text()
    assert "webhook+https://desk.example/?token=***" in (out / "settings.txt").read_text()
    assert (out / "feeds.toml").stat().st_mode & 0o777 == 0o600
    assert "File exists" in str(call("restore", file, "--files", str(out)).exception)


@pytest.mark.long
async def test_stories_of_other_partitions_are_spread_anew_and_none_is_read_twice_or_never(
    broker_spec: Callable[[Path], BrokerSpec], tmp_path: Path
) -> None:
    """A backup from a time when stories had two partitions, of which the worker had read some."""
    file = tmp_path / "old.gz"
    done = {0: 7, 1: 2}
    stories = [(p, o, f"key-{p}-{o % 3}".encode(), f"{p}:{o}".encode()) for p in (0, 1) for o in range(12)]
    places = (*(Place("listwire", "wire.stories", p, o) for p, o in done.items()), Place("x", "wire.stories", 0, 1))
    old = [spec._replace(partitions=2) if spec.topic == Topic.STORIES else spec for spec in TOPICS]
    with Broker.start(broker_spec(tmp_path / "old"), lambda _: None) as broker:
        await create_topics(broker.bootstrap, 1, old)
        await produce(broker.bootstrap, *((Topic.STORIES, p, key, value, ()) for p, _, key, value in stories))
        await set_places(broker.bootstrap, places)
        await back_up(broker.bootstrap, file, (), Scope())
    with Broker.start(broker_spec(tmp_path / "third"), lambda _: None) as third:
        broker = third.bootstrap
        await restore(broker, file, contents(file), 1, TOPICS)
        rows = (await seen(broker))[Topic.STORIES]
        moved = {(place.group, place.partition): place.offset for place in await read_places(broker)}
        publisher = Publisher(broker)
        await publisher.start()
        await publisher.publish(*(Outgoing(Topic.STORIES, key, b"later") for key in {key for _, _, key, _ in stories}))
        await publisher.stop()
        after = (await seen(broker))[Topic.STORIES]
    assert {group for group, _ in moved} == {"listwire"}
    assert sorted(value for *_, value, _ in rows) == sorted(value for *_, value in stories)
    to_do = {value for partition, offset, _, _, value, _ in rows if offset >= moved["listwire", partition]}
    assert to_do == {value for partition, offset, _, value in stories if offset >= done[partition]}
    for key in {key for _, _, key, _ in stories}:
        told = [value for _, _, _, found, value, _ in after if found == key]
        assert told == [*(value for _, _, found, value in stories if found == key), b"later"]
        assert len({partition for partition, _, _, found, *_ in after if found == key}) == 1  # where new ones go


@pytest.mark.long
def test_the_broker_of_up_is_woken_for_it(
    broker_spec: Callable[[Path], BrokerSpec], brokers: tuple[str, str], tmp_path: Path
) -> None:
    broker_spec(tmp_path)  # Java and the jars are there, or the test is skipped with the reason
    asyncio.run(create_topics(brokers[0]))
    file, home = str(tmp_path / "b"), str(tmp_path / "home")
    refused = call("backup", file, "--data-dir", home)
    assert "no broker: set LISTWIRE_BROKER" in str(refused.exception)
    assert call("backup", file, "--broker", brokers[0]).exit_code == 0
    done = call("restore", file, "--data-dir", home)
    assert done.exit_code == 0, done.exception
    again = call("backup", str(tmp_path / "again"), "--data-dir", home)
    assert again.exit_code == 0, again.exception
    (stories,) = (line for line in done.stdout.splitlines() if line.startswith("wire.stories "))
    assert stories in again.stdout.splitlines()
