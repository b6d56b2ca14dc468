"""Kafka's own page in the compose file: optional, and it neither changes nor shows what it must not."""

import re
from pathlib import Path

import yaml

from streams.topics import Topic

SERVICES = yaml.safe_load((Path(__file__).parent.parent / "docker-compose.yml").read_text("utf-8"))["services"]
GIVEN: dict[str, str] = SERVICES["kafka-ui"]["environment"]


def test_the_page_comes_only_if_it_is_asked_for() -> None:
    asked_for = {name: service["profiles"] for name, service in SERVICES.items() if "profiles" in service}
    assert asked_for == {"kafka-ui": ["ui"]}


def test_the_page_changes_nothing_and_calls_nobody() -> None:
    broker = SERVICES["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"]
    assert f"PLAINTEXT://{GIVEN['KAFKA_CLUSTERS_0_BOOTSTRAPSERVERS']}" == broker
    assert GIVEN["KAFKA_CLUSTERS_0_READONLY"] == "true"
    assert GIVEN["GITHUB_RELEASE_INFO_ENABLED"] == "false"
    assert not {"DYNAMIC_CONFIG_ENABLED", "MCP_ENABLED"} & set(GIVEN)


def test_the_page_hides_what_is_under_embargo_and_the_secrets_of_hubs() -> None:
    assert GIVEN["KAFKA_CLUSTERS_0_MASKING_0_TYPE"] == "REPLACE"
    assert not any("FIELDS" in name for name in GIVEN)  # no field is named: all are replaced
    hidden = re.compile(GIVEN["KAFKA_CLUSTERS_0_MASKING_0_TOPICVALUESPATTERN"])
    assert {topic for topic in Topic if hidden.fullmatch(topic)} == {Topic.HELD, Topic.SUBSCRIPTIONS}
