"""`listwire doctor`: each finding is caused for real, and comes with its remedy."""

import asyncio
import json
import resource
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from typer.testing import CliRunner, Result

from agents.__main__ import build
from agents.broker import Broker, BrokerSpec
from agents.checks import Finding, Verdict, brokers, inputs, machine, rights, topics
from agents.kafka import TopicState, create_topics
from agents.settings import Settings, load_settings
from agents.topic_configs import Configs, read_configs
from streams.acls import Kind, Operation, Role, grants
from streams.topics import TOPICS, Topic, partitions_of

Found = dict[str, list[tuple[str, str, str]]]


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for field in [*Settings.model_fields, "config"]:
        if field not in {"cache_dir", "kafka_jars", "maven_repository"}:
            monkeypatch.delenv(f"LISTWIRE_{field.upper()}", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "no-config"))
    monkeypatch.setenv("LISTWIRE_DATA_DIR", str(tmp_path / "data"))


def run(*arguments: str) -> Result:
    return CliRunner().invoke(build(("doctor", "scan")), ["doctor", *arguments])


def found(*arguments: str) -> Found:
    by_name: Found = {}
    for row in map(json.loads, run("--json", *arguments).stdout.splitlines()):
        by_name.setdefault(row["name"], []).append((row["verdict"], row["what"], row["remedy"]))
    return by_name


def one(findings: Iterator[Finding], name: str) -> Finding:
    return next(finding for finding in findings if finding.name == name)


# the machine


def test_every_finding_that_is_not_fine_has_a_remedy_and_the_code_says_the_worst(tmp_path: Path) -> None:
    told = run("--broker", "127.0.0.1:1")
    assert told.exit_code == 1
    assert "FAIL broker     Kafka broker 127.0.0.1:1: unreachable (connection refused)" in told.stdout
    assert f"\n{'':16}start it, or correct LISTWIRE_BROKER\n" in told.stdout
    assert [
        row for rows in found("--broker", "127.0.0.1:1").values() for row in rows if row[0] != "ok" and not row[2]
    ] == []


def test_a_data_folder_that_cannot_be_written_to_is_found(tmp_path: Path) -> None:
    assert one(machine.examine(tmp_path / "new" / "deeper"), "disk").verdict is Verdict.FINE
    assert list(tmp_path.iterdir()) == []  # looking leaves nothing
    disk = one(machine.examine(Path("/proc/self")), "disk")
    assert (disk.verdict, disk.what) == (Verdict.WRONG, "/proc/self: cannot be written to: No such file or directory")


def test_a_full_disk_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "MIN_FREE_BYTES", 10**18)
    disk = one(machine.examine(tmp_path), "disk")
    assert (disk.verdict, disk.remedy) == (Verdict.WRONG, "free a gigabyte, or set LISTWIRE_DATA_DIR elsewhere")


@pytest.mark.parametrize(
    ("meminfo", "limit", "verdict", "what"),
    [
        ("MemAvailable:    2000000 kB\n", None, Verdict.FINE, "2.0 GB available"),
        ("MemAvailable:    2000000 kB\n", "max\n", Verdict.FINE, "2.0 GB available"),
        ("MemAvailable:    2000000 kB\n", "300000000\n", Verdict.ODD, "2.0 GB available, 0.3 GB allowed"),
        ("MemAvailable:     200000 kB\n", None, Verdict.ODD, "0.2 GB available"),
        ("", None, Verdict.ODD, "the system does not tell"),
    ],
)
def test_too_little_memory_is_found(
    meminfo: str, limit: str | None, verdict: Verdict, what: str, tmp_path: Path
) -> None:
    (tmp_path / "meminfo").write_text(meminfo)
    if limit is not None:
        (tmp_path / "memory.max").write_text(limit)
    memory = one(machine.examine(tmp_path, tmp_path, tmp_path), "memory")
    assert memory.verdict is verdict
    assert memory.what.startswith(what)


def test_too_few_open_files_are_found(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, hard))
    try:
        files = one(machine.examine(tmp_path), "open files")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert files.verdict is Verdict.ODD
    assert files.remedy.startswith("ulimit -n ")


def test_a_stranger_with_our_names_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "openai_agents-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: openai-agents\nVersion: 1.0\n")
    (info / "top_level.txt").write_text("agents\n")
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    told = [finding for finding in machine.examine(tmp_path) if finding.name == "packages"]
    assert [(finding.verdict, finding.what) for finding in told[1:]] == [
        (Verdict.WRONG, "openai-agents has a package 'agents' too, in the same environment")
    ]


def test_a_package_out_of_its_range_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "requires", lambda _: ["aiokafka<0.2,>=0.1", "no-such-thing>=1", "x>1; extra == 'y'"])
    packages = one(machine.examine(tmp_path), "packages")
    assert packages.verdict is Verdict.WRONG
    assert packages.what.endswith("is not <0.2,>=0.1; no-such-thing is absent")


@pytest.mark.parametrize(
    ("version", "clauses", "holds"),
    [
        ("0.14.0", "<0.15,>=0.14", True),
        ("0.15", "<0.15", False),
        ("1.10", ">=1.9", True),
        ("2", "==2.0", True),
        ("3.0.0rc1", ">=3", False),
        ("3.1.0rc1", ">=3", True),
        ("2024.1", ">=2024", True),
        ("1.0", "", True),
    ],
)
def test_versions_are_compared_as_python_packages_are(version: str, clauses: str, holds: bool) -> None:
    assert machine.satisfies(version, clauses) is holds


# what an operator gives


def test_a_time_that_is_too_short_and_a_feed_list_that_is_none_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LISTWIRE_RETENTION", "wire.stories=1d")
    monkeypatch.setenv("LISTWIRE_FEEDS_FILE", str(tmp_path / "none.toml"))
    told = found("--broker", "127.0.0.1:1")
    assert told["retention"][0][0] == "warn"
    assert told["feeds"][0][:2] == ("FAIL", f"{tmp_path}/none.toml: No such file or directory")


async def test_feeds_that_fail_or_died_and_a_clock_that_is_off_are_found(tmp_path: Path) -> None:
    ahead = timedelta(hours=1)

    async def answer(request: web.Request) -> web.Response:
        told = {"Date": format_datetime(datetime.now(UTC) + ahead, usegmt=True)}
        if request.path == "/gone":
            return web.Response(status=410, headers=told)
        published = format_datetime(datetime(2020, 1, 1, tzinfo=UTC) if request.path == "/old" else datetime.now(UTC))
        item = f"<item><guid>1</guid><title>A title</title><pubDate>{published}</pubDate></item>"
        text = f'<rss version="2.0"><channel><title>A</title>{item}</channel></rss>'
        return web.Response(text=text, content_type="application/rss+xml", headers=told)

    application = web.Application()
    application.router.add_get("/{any}", answer)
    async with TestServer(application, host="127.0.0.1") as server:
        rows = [f'[{key}]\nurl = "{server.make_url(f"/{key}")}"\nname = "{key}"\n' for key in ("gone", "old", "good")]
        (tmp_path / "feeds.toml").write_text("\n".join(rows))
        settings = load_settings(feeds_file=tmp_path / "feeds.toml", allow_networks="127.0.0.0/8")
        *feeds, clock = await inputs.fetched(settings)
    assert [(each.verdict, each.what.partition(":")[0]) for each in feeds] == [
        (Verdict.WRONG, "gone"),
        (Verdict.ODD, "old"),
    ]
    assert "stale" in feeds[1].what
    assert clock.verdict is Verdict.WRONG
    assert 3_500 < float(clock.what.split()[0]) < 3_700
    assert " s behind the median of " in clock.what


def test_a_clock_is_judged_by_the_median_of_others() -> None:
    assert inputs.clock([0.5, -1.0, 86_400.0]).verdict is Verdict.FINE
    assert inputs.clock([-7.0]).what == "7.0 s ahead of the median of 1 servers of feeds"
    assert inputs.clock([-7.0]).verdict is Verdict.ODD
    assert inputs.clock([]).what == "no server told its time"


# the broker


def test_a_broker_that_is_too_old_or_too_small_is_found() -> None:
    assert brokers.versions({1: (0, 11)}).verdict is Verdict.WRONG
    assert "2.8 or later" in brokers.versions({1: (0, 12), 60: (0, 0)}).what
    assert "4.0 or later" in brokers.versions({1: (4, 17), 60: (0, 1)}).what
    assert [brokers.nodes(*pair).verdict for pair in ((1, 3), (3, 1), (3, 3), (1, 1), (2, 1))] == [
        Verdict.WRONG,
        Verdict.ODD,
        Verdict.FINE,
        Verdict.FINE,
        Verdict.FINE,
    ]


def test_a_broker_that_soon_forgets_who_does_not_read_is_found() -> None:
    assert brokers.places(7 * 1440).verdict is Verdict.FINE
    assert brokers.places(1440).what == "places of those that do not read are kept for 1 days"
    assert brokers.places(1440).verdict is Verdict.ODD


def test_rights_are_held_against_those_of_the_role() -> None:
    told = {(grant.kind, str(grant.name)): frozenset(grant.operations) for grant in grants(Role.POLLER)}
    assert [f.what for f in rights.examine(told, None)] == ["enough for poller"]
    poorer = told | {(Kind.TOPIC, "wire.held"): frozenset({Operation.READ})}
    (finding,) = rights.examine(poorer, Role.POLLER)
    assert (finding.verdict, finding.what) == (Verdict.WRONG, "as poller: no Write on topic wire.held")
    (finding,) = rights.examine(poorer, None)
    assert finding.verdict is Verdict.ODD
    untold = told | {(Kind.GROUP, "listwire-poller"): None, (Kind.TOPIC, "wire.held"): None}
    assert [f.verdict for f in rights.examine(untold, Role.POLLER)] == [Verdict.FINE]


def test_topics_on_three_brokers_are_held_against_what_three_can_give() -> None:
    states = [TopicState(spec.topic, spec.partitions, 3, 0) for spec in TOPICS]
    configs = {spec.topic: Configs(spec.config() | {"min.insync.replicas": "2"}, {}) for spec in TOPICS}
    assert [each.what for each in topics.examine(TOPICS, states, configs, 3)] == ["all there"]
    states[0] = states[0]._replace(leaderless=2)
    states[1] = states[1]._replace(replicas=1)
    configs[Topic.STORIES] = Configs(configs[Topic.STORIES].in_force | {"min.insync.replicas": "1"}, {})
    told = {(each.verdict, each.what) for each in topics.examine(TOPICS, states, configs, 3)}
    assert told == {
        (Verdict.WRONG, "partitions without a leader: wire.feeds (2)"),
        (Verdict.ODD, "fewer copies than the 3 of LISTWIRE_REPLICATION: wire.feed-state (1)"),
        (Verdict.WRONG, "wire.feed-state takes nothing: min.insync.replicas 2 of 1 copies"),
        (Verdict.ODD, "wire.stories acknowledges what only one of its 3 brokers has (min.insync.replicas 1)"),
    }


@pytest.fixture
def bootstrap(broker_spec: Callable[[Path], BrokerSpec], tmp_path: Path) -> Iterator[str]:
    """A broker of this test's own, for its topics are spoiled."""
    with Broker.start(broker_spec(tmp_path / "broker"), lambda _: None) as broker:
        yield broker.bootstrap


@pytest.mark.kafka
@pytest.mark.slow
def test_each_fault_of_topics_is_found_with_its_remedy(bootstrap: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asyncio.run(make(bootstrap, NewTopic("wire.stories", 2, 1)))
    told = found("--broker", bootstrap)
    ours = {(what, remedy) for verdict, what, remedy in told["topics"] if verdict == "FAIL"}
    absent = next(what for what, _ in ours if what.startswith("absent: "))
    assert "wire.feeds, wire.feed-state" in absent
    assert ("absent" in absent, "wire.stories" in absent) == (True, False)
    assert any(
        what == f"wire.stories has 2 partitions, Listwire needs {partitions_of(Topic.STORIES)}" for what, _ in ours
    )
    assert "wire.stories: max.message.bytes is 1048588, not 2097152: large messages are refused" in {w for w, _ in ours}

    asyncio.run(remove(bootstrap, "wire.stories"))
    asyncio.run(create_topics(bootstrap))
    told = found("--broker", bootstrap)
    assert told["topics"] == [("ok", "all there", None)]
    assert told["nodes"] == [("ok", "1 of them, 1 copies of each topic", None)]
    assert told["rights"][0][1].startswith("enough for poller, worker, web, subscriber, reader, operator")
    assert told["clock"][0][0] == "ok"
    assert told["groups"] == [("ok", "places of those that do not read are kept for 365 days", None)]
    assert run("--broker", bootstrap).exit_code == 0

    asyncio.run(spoil(bootstrap))
    monkeypatch.setenv("LISTWIRE_REPLICATION", "3")
    told = found("--broker", bootstrap)
    assert told["nodes"][0][:2] == ("FAIL", "1 of them, 3 copies of each topic")
    whats = {what: (verdict, remedy) for verdict, what, remedy in told["topics"]}
    claims = "designation.claims: retention.ms is 7d, not forever: what must be kept for ever is deleted"
    assert whats[claims] == ("FAIL", topics.CONFIGURE)
    (policy,) = (what for what in whats if what.startswith("wire.feeds: cleanup.policy is delete, not compact: "))
    assert whats[policy][0] == "FAIL"
    assert whats["designation.alerts: retention.ms is 30d, not 365d"][0] == "warn"
    assert whats["wire.held takes nothing: min.insync.replicas 2 of 1 copies"][0] == "FAIL"
    assert any(what.startswith("fewer copies than the 3 of LISTWIRE_REPLICATION: wire.feeds (1)") for what in whats)
    assert told["clock"][0][0] == "FAIL"
    assert "in the future, as our clock goes" in told["clock"][0][1]


async def make(bootstrap: str, topic: NewTopic) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.create_topics([topic])
    await admin.close()


async def remove(bootstrap: str, topic: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.delete_topics([topic])
    while topic in await admin.list_topics():  # noqa: ASYNC110 - a broker raises no event of ours
        await asyncio.sleep(0.1)
    await admin.close()


async def spoil(bootstrap: str) -> None:
    """Configurations as a hand would leave them, and a message of tomorrow."""
    wrong = {
        Topic.CLAIMS: {"retention.ms": str(7 * 86_400_000)},
        Topic.ALERTS: {"retention.ms": str(30 * 86_400_000)},
        Topic.FEEDS: {"cleanup.policy": "delete"},
        Topic.HELD: {"min.insync.replicas": "2"},
    }
    table = {spec.topic: spec.config() | wrong[spec.topic] for spec in TOPICS if spec.topic in wrong}
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    at = round((datetime.now(UTC) + timedelta(minutes=30)).timestamp() * 1000)
    await producer.send_and_wait("wire.stories", b"{}", b"k", timestamp_ms=at)
    await producer.stop()
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, str(t), c) for t, c in table.items()])
    await admin.close()
    async with asyncio.timeout(20):
        while not are(await read_configs(bootstrap, TOPICS), table):  # noqa: ASYNC110 - only asking tells
            await asyncio.sleep(0.1)


def are(present: Mapping[str, Configs], wanted: Mapping[Topic, Mapping[str, str]]) -> bool:
    return all(present[topic].own == configs for topic, configs in wanted.items())
