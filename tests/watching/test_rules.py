"""The rules as they are committed: valid, about what exists, each with its section in the runbook and its own test."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from queries import (
    EXPOSED,
    OUTSIDE,
    PROMETHEUS,
    ROOT,
    RULES,
    RUNBOOK,
    SECTIONS,
    alerts,
    grouped,
    names,
    rules,
    selected,
)

UNIT_TESTS = sorted((PROMETHEUS / "tests").glob("*.yml"))
SEVERITIES = {"critical", "warning", "info"}
PARTS = ["Means", "Users notice", "Look at", "Repair", "Over when", "Tried"]
RECORDED = {rule["record"] for rule in rules() if "record" in rule}


def run(command: str, *arguments: str | Path) -> None:
    checked = subprocess.run([command, *map(str, arguments)], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_promtool_accepts_the_configuration_and_the_rules_that_it_names(promtool: str) -> None:
    run(promtool, "check", "config", "--lint=all", "--lint-fatal", PROMETHEUS / "prometheus.yml")
    run(promtool, "check", "rules", "--lint=all", "--lint-fatal", *RULES)


@pytest.mark.parametrize("file", UNIT_TESTS, ids=lambda file: file.stem)
def test_rules_fire_when_they_should_and_only_then(promtool: str, file: Path) -> None:
    run(promtool, "test", "rules", file)


def test_every_alert_has_a_test_in_which_it_fires_and_one_in_which_it_does_not() -> None:
    asked = {
        (re.findall(r'alertname="(\w+)"', question["expr"])[0], bool(question["exp_samples"]))
        for file in UNIT_TESTS
        for test in yaml.safe_load(file.read_text("utf-8"))["tests"]
        for question in test["promql_expr_test"]
    }
    assert asked == {(alert["alert"], fires) for alert in alerts() for fires in (True, False)}


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.get("alert") or rule["record"])
def test_every_rule_asks_for_metrics_and_labels_that_exist(rule: dict[str, Any]) -> None:
    expr = rule["expr"]
    asked = names(re.sub(r'__name__=~"([^"]+)"', r"\1", expr))
    recorded = set(re.findall(r"\blistwire:[\w:]+", expr))
    assert asked | recorded
    assert asked <= EXPOSED.keys()
    assert recorded <= RECORDED
    assert all(label in EXPOSED.get(name, set()) | OUTSIDE for name, label in selected(expr))
    for name in asked:
        assert grouped(expr) <= EXPOSED[name] | OUTSIDE


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert["alert"])
def test_every_alert_says_how_bad_it_is_and_where_to_read_on(alert: dict[str, Any]) -> None:
    told = alert["annotations"]
    assert re.fullmatch(r"Listwire[A-Z]\w+", alert["alert"])
    assert alert["labels"].keys() == {"severity"}
    assert alert["labels"]["severity"] in SEVERITIES
    assert set(told) == {"summary", "description", "runbook_url"}
    assert told["runbook_url"] == f"deploy/RUNBOOK.md#{alert['alert'].lower()}"
    available = set(re.findall(r"\$labels\.(\w+)", told["summary"] + told["description"]))
    assert available <= grouped(alert["expr"]) | {"instance", "component", "stage"}


def test_every_alert_has_a_section_and_every_section_an_alert() -> None:
    assert len(SECTIONS) == len(alerts())
    assert set(SECTIONS) == {alert["alert"] for alert in alerts()}


@pytest.mark.parametrize("heading", SECTIONS)
def test_a_section_says_what_it_means_what_to_do_and_when_it_is_over(heading: str) -> None:
    assert re.findall(r"^\*\*(.+?)\*\* \S", SECTIONS[heading], re.MULTILINE) == PARTS


def test_panels_that_the_runbook_names_exist() -> None:
    shown = "\n".join(
        file.read_text("utf-8") for file in (ROOT / "deploy" / "grafana" / "dashboards").glob("[eo]*.json")
    )
    titles = set(re.findall(r'"title": "([^"]+)"', shown)) | set(re.findall(r'"legendFormat": "([^"]+)"', shown))
    said = {" ".join(text.split()) for text in re.findall(r'"([A-Z][^"`]+)"', RUNBOOK)}
    assert len(said) > 20
    assert said - titles - {"Listwire: runbook", "Listwire: operations"} == set()
