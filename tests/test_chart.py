"""The Helm chart as it is written: its values, their schema and its templates, held against the code."""

import json
import re
import tomllib
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from agents import app
from agents.settings import PREFIX, Settings
from streams.acls import Role
from streams.topics import Topic, partitions_of

ROOT = Path(__file__).parent.parent
CHART = ROOT / "deploy" / "chart"
TEMPLATES = {file.name: file.read_text("utf-8") for file in (CHART / "templates").iterdir()}
VALUES = yaml.safe_load((CHART / "values.yaml").read_text("utf-8"))
SCHEMA = json.loads((CHART / "values.schema.json").read_text("utf-8"))
SETS = {file.name: yaml.safe_load(file.read_text("utf-8")) for file in sorted((CHART / "ci").glob("*-values.yaml"))}
ABOUT = yaml.safe_load((CHART / "Chart.yaml").read_text("utf-8"))
READ = (Topic.STORIES, Topic.RELEVANT, Topic.CLAIMS)
FIXED = {
    *("metrics_port", "poller_metrics_port", "websub_port", "web_port"),  # a pod has all ports to itself
    *("cache_dir", "kafka_jars", "maven_repository"),  # of a broker of our own
    "broker_key_password_file",  # keys in a Secret of type kubernetes.io/tls have no password
}
"""Settings that nobody sets on Kubernetes."""
VARIABLE = re.compile(rf"\b{PREFIX}[A-Z_]+")


def variables() -> set[str]:
    """Those that a pod is given; a comment may name others."""
    lines = [line for text in TEMPLATES.values() for line in text.splitlines() if "- {name: LISTWIRE_" in line]
    return {name for line in lines for name in VARIABLE.findall(line.replace("LISTWIRE_{{", ""))}


def fields(names: set[str]) -> set[str]:
    return {name.removeprefix(PREFIX).lower() for name in names}


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """As helm lays a file of values over another."""
    values = dict(deepcopy(base))
    for key, value in over.items():
        deeper = isinstance(value, dict) and isinstance(values.get(key), dict)
        values[key] = merged(values[key], value) if deeper else value
    return values


def test_the_chart_is_of_the_version_of_listwire() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert ABOUT["appVersion"] == project["version"]
    assert ABOUT["description"] == project["description"]


@pytest.mark.parametrize("name", SETS)
def test_values_keep_to_the_schema(name: str) -> None:
    jsonschema.validate(VALUES, SCHEMA)
    jsonschema.validate(merged(VALUES, SETS[name]), SCHEMA)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("broker.servers", "kafka"), ("broker.servers", "a:1 b:2"),
        ("broker.security", "ssl"), ("broker.server", "kafka:9092"), ("worker.sinks", []),
        ("worker.replicas", 0), ("poller.websubUrl", "http://a.example"), ("settings.broker", "kafka:9092"),
        ("settings.log_levl", "debug"), ("autoscaling.minReplicas", 0), ("autoscaling.maxReplicas", 5), ("runAs", 0),
        ("image.digest", "sha256:1"), ("worker.webhookSecret.value", "whsec_x"), ("networkPolicy.dns", []),
    ],
)  # fmt: skip
def test_values_that_would_not_do_are_refused(path: str, value: object) -> None:
    given: Any = value
    for key in reversed(path.split(".")):
        given = {key: given}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(merged(VALUES, given), SCHEMA)


@pytest.mark.parametrize("servers", ["kafka:9092", "a.example:9093,10.0.0.1:9093", "[fd00::1]:9092,[fd00::2]:9092"])
def test_brokers_are_told_by_name_or_address(servers: str) -> None:
    jsonschema.validate(merged(VALUES, {"broker": {"servers": servers}}), SCHEMA)


def test_every_value_is_in_the_schema_and_the_other_way_round() -> None:
    def keys(schema: Mapping[str, Any], path: str = "") -> set[str]:
        found = set()
        for key, inner in schema.get("properties", {}).items():
            found |= {f"{path}{key}"} | keys(inner, f"{path}{key}.")
        return found

    def named(values: Mapping[str, Any], path: str = "") -> set[str]:
        found = set()
        for key, inner in values.items():
            found |= {f"{path}{key}"} | (named(inner, f"{path}{key}.") if isinstance(inner, dict) else set())
        return found

    free = {"worker.resources.", "poller.resources.", "web.resources."}
    described = {key for key in named(VALUES) if not any(key.startswith(path) for path in free)}
    free_keys = {"global"} | {f"{path}{kind}" for path in free for kind in ("requests", "limits")}
    assert keys(SCHEMA) - free_keys == described


def test_every_value_is_used_by_a_template() -> None:
    text = "\n".join(TEMPLATES.values())
    for key in VALUES:
        assert re.search(rf"\.Values\.{key}\b", text), key


def test_every_setting_is_a_value_or_free_or_fixed_and_nothing_else_is_given() -> None:
    free = set(SCHEMA["definitions"]["settings"]["propertyNames"]["enum"])
    assert len(fields(variables())) > 15
    assert not fields(variables()) & free
    assert not FIXED & (fields(variables()) | free)
    assert fields(variables()) | free | FIXED == set(Settings.model_fields), "each setting has its place in the chart"


def test_workers_are_no_more_than_there_are_partitions() -> None:
    most = min(partitions_of(topic) for topic in READ)
    assert SCHEMA["properties"]["autoscaling"]["properties"]["maxReplicas"]["maximum"] == most
    assert VALUES["autoscaling"]["maxReplicas"] == most
    assert VALUES["autoscaling"]["minReplicas"] >= 1


def test_workers_are_scaled_by_the_lag_of_their_group_in_the_topics_that_they_read() -> None:
    (listed,) = re.findall(r"range \$topic := list ([^}]+) }}", TEMPLATES["scaledobject.yaml"])
    assert tuple(Topic(name) for name in re.findall(r'"([^"]+)"', listed)) == READ
    assert f"consumerGroup: {app.GROUP}\n" in TEMPLATES["scaledobject.yaml"]
    assert "offsetResetPolicy: earliest\n" in TEMPLATES["scaledobject.yaml"]


def test_credentials_are_those_of_roles() -> None:
    keys = VALUES["broker"]["credentialsSecret"]["keys"]
    assert {Role(role) for role in keys.values()} == {Role.WORKER, Role.POLLER, Role.WEB, Role.OPERATOR}
    assert keys["topics"] == Role.OPERATOR


def test_secrets_are_named_and_never_made() -> None:
    assert not re.search(r"kind: Secret\b|stringData|secretKeyRef", "\n".join(TEMPLATES.values()))


@pytest.mark.parametrize(
    "line",
    [
        "runAsNonRoot: true", "seccompProfile: {type: RuntimeDefault}", "allowPrivilegeEscalation: false",
        "readOnlyRootFilesystem: true", "capabilities: {drop: [ALL]}", "automountServiceAccountToken: false",
        "enableServiceLinks: false",
    ],
)  # fmt: skip
def test_all_pods_are_hardened_in_one_place(line: str) -> None:
    assert f"{line}\n" in TEMPLATES["_pod.tpl"]


@pytest.mark.parametrize("name", ["worker.yaml", "poller.yaml", "web.yaml", "topics.yaml"])
def test_a_pod_is_what_all_pods_are(name: str) -> None:
    for part in ("listwire.pod", "listwire.container", "listwire.env", "listwire.mounts", "listwire.volumes"):
        assert TEMPLATES[name].count(f'include "{part}" $it') == 1, part


def test_the_rules_of_the_project_are_those_of_the_chart() -> None:
    rules = ROOT / "deploy" / "prometheus" / "rules"
    linked = CHART / "rules"
    assert rules.exists() == linked.exists(), "deploy/chart/rules has to be a link to ../prometheus/rules"
    assert not rules.exists() or linked.resolve() == rules.resolve()
