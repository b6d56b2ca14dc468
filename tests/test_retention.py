"""How long topics are kept: what may be said, and what a real broker makes of it."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from typer.testing import CliRunner, Result

from agents.__main__ import build
from agents.broker import Broker, BrokerSpec
from agents.settings import load_settings
from agents.topic_configs import mend, read_configs, read_drift
from streams.errors import SettingsError
from streams.retention import Difference, differences, parse_kept, period, shortfalls, specs
from streams.topics import DAY_MS, TOPICS, Topic

SPEC = {spec.topic: spec for spec in TOPICS}


def test_a_time_is_written_in_days_hours_or_for_ever(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LISTWIRE_RETENTION", "designation.alerts=forever, wire.stories = 36h,")
    kept = load_settings().retention
    assert list(kept.items()) == [(Topic.STORIES, DAY_MS * 3 // 2), (Topic.ALERTS, -1)]
    monkeypatch.delenv("LISTWIRE_RETENTION")
    file = tmp_path / "l.toml"
    file.write_text('[retention]\n"wire.stories" = "30d"\n')
    assert load_settings(file).retention == {Topic.STORIES: 30 * DAY_MS}
    assert {spec.topic: spec.retention_ms for spec in specs(kept)}[Topic.ALERTS] == -1
    assert list(map(period, kept.values())) == ["36h", "forever"]


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ("designation.claims=30d", "designation.claims: is kept for ever, for it is the truth of the ledger"),
        ("wire.held=30d", "wire.held: is compacted, so the last value of each key is kept for ever"),
        ("wire.storeis=30d", "wire.storeis: no topic of ours (those with a time: wire.stories, "),
        ("wire.stories=30", "wire.stories: '30' is no time: write 30d, 36h or forever"),
        ("wire.stories", "wire.stories: '' is no time"),
        ("wire.stories=0h", "wire.stories: 0h is not between 1h and 36500d"),
        ("wire.stories=36501d", "wire.stories: 36501d is not between 1h and 36500d"),
    ],
)
def test_a_time_that_cannot_be_is_refused_with_the_reason(
    given: str, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LISTWIRE_RETENTION", given)
    with pytest.raises(SettingsError) as refused:
        load_settings()
    assert str(refused.value).startswith(f"LISTWIRE_RETENTION: {problem}")


def test_what_relies_on_more_time_is_told() -> None:
    assert list(shortfalls({}, 86_400)) == []
    told = list(shortfalls(parse_kept({"wire.stories": "1d", "designation.alerts": "40d"}), 86_400))
    assert [line.partition(" is kept for ")[::2] for line in told] == [
        ("wire.stories", "1d: what no worker has read by then is lost: it must outlive your longest outage")
    ]
    (line,) = shortfalls(parse_kept({"wire.stories": "3d", "designation.resend": "4d"}), 1_209_600)
    assert line.startswith("designation.resend is kept for 4d, and sinks are tried for 336h")


def test_policies_have_no_order_and_what_the_broker_does_not_tell_differs() -> None:
    spec = SPEC[Topic.FEEDS]
    assert differences(spec, spec.config()) == ()
    assert differences(spec, spec.config() | {"cleanup.policy": "compact,delete"}) == (
        Difference("cleanup.policy", "compact,delete", "compact"),
    )
    assert [one.name for one in differences(spec, {})] == list(spec.config())


@pytest.fixture
def bootstrap(broker_spec: Callable[[Path], BrokerSpec], tmp_path: Path) -> Iterator[str]:
    """A broker of this test's own, for its topics get other configurations."""
    with Broker.start(broker_spec(tmp_path / "broker"), lambda _: None) as broker:
        yield broker.bootstrap


@pytest.mark.kafka
def test_a_time_is_applied_to_new_topics_told_of_and_changed_on_those_present(
    bootstrap: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def topics(*arguments: str) -> Result:
        return CliRunner().invoke(build(("topics", "scan")), ["topics", *arguments, "--broker", bootstrap])

    def line(result: Result, topic: str) -> str:
        return next(line for line in result.stdout.splitlines() if line.startswith(topic))

    monkeypatch.setenv("LISTWIRE_RETENTION", "wire.stories=30d,designation.alerts=2d")
    created = topics("create")
    assert created.exit_code == 0, created.output
    assert created.stderr.splitlines() == [
        "designation.alerts is kept for 2d: a sink or subscriber that is off for longer misses alerts"
    ]
    assert "30 days" in line(topics("describe"), "wire.stories")
    asyncio.run(set_besides(bootstrap, "wire.stories", {"segment.ms": "3600000"}))

    monkeypatch.setenv("LISTWIRE_RETENTION", "wire.stories=14d,designation.alerts=730d")
    again = topics("create")
    assert "wire.stories: retention.ms 30d -> 14d" in again.stderr
    assert "topics configure --dry-run" in again.stderr
    trial = topics("configure", "--dry-run")
    assert trial.stdout == "would change designation.alerts: retention.ms 2d -> 730d\n"
    assert "left as it is wire.stories: retention.ms 30d -> 14d; what is older would be deleted" in trial.stderr
    assert (trial.exit_code, topics("configure").exit_code) == (1, 1)
    described = topics("describe")
    assert "730 days" in line(described, "designation.alerts")
    assert "30 days" in line(described, "wire.stories")
    assert described.stderr == "wire.stories: retention.ms 30d -> 14d\n"
    assert topics("configure", "--shorten").stdout == "changed wire.stories: retention.ms 30d -> 14d\n"
    assert topics("configure").stdout == "nothing to change\n"
    found = asyncio.run(read_configs(bootstrap, TOPICS))[Topic.STORIES]
    assert found.own == SPEC[Topic.STORIES].config() | {"segment.ms": "3600000"}  # what was set besides stays


async def set_besides(bootstrap: str, topic: str, more: dict[str, str]) -> None:
    """As an operator of the broker would; read back through a second change of nothing."""
    wanted = next(spec for spec in specs(load_settings().retention) if spec.topic == topic).config() | more
    async with asyncio.timeout(20):
        admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
        await admin.start()
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, wanted)])
        await admin.close()
        while (await read_configs(bootstrap, TOPICS))[topic].own != wanted:  # noqa: ASYNC110 - only asking tells
            await asyncio.sleep(0.1)


@pytest.mark.kafka
async def test_a_topic_that_is_absent_has_no_drift(bootstrap: str) -> None:
    assert await read_drift(bootstrap, TOPICS) == []
    await mend(bootstrap, [])
