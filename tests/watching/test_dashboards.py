"""The dashboards as they are committed: made by the builder, asking for what exists, telling what to do."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from queries import DASHBOARDS, EXPOSED, OUTSIDE, ROOT, Query, alerts, grouped, names, panels, queries, selected

from agents.metrics import METRICS

BUILDER = ROOT / "deploy" / "grafana" / "build.py"
GRAFANA_WIDTH = 24
FILES = sorted(DASHBOARDS.glob("*.json"))


def test_what_is_committed_is_what_the_builder_renders(tmp_path: Path) -> None:
    subprocess.run([sys.executable, BUILDER, tmp_path], check=True)
    rendered = {file.name: file.read_text("utf-8") for file in tmp_path.iterdir()}
    assert rendered == {file.name: file.read_text("utf-8") for file in FILES}


def test_the_builder_keeps_the_rules_of_the_house() -> None:
    for tool in (["ruff", "check"], ["ruff", "format", "--check"], ["mypy", "--strict"]):
        run = subprocess.run(
            [sys.executable, "-m", *tool, "."], cwd=BUILDER.parent, capture_output=True, text=True, check=False
        )
        assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize("query", queries(), ids=lambda query: query.panel)
def test_every_panel_asks_for_metrics_and_labels_that_exist(query: Query) -> None:
    asked = names(query.expr)
    assert asked <= EXPOSED.keys()
    assert all(label in EXPOSED[name] | OUTSIDE for name, label in selected(query.expr))
    for name in asked - {"up", "ALERTS"}:
        assert grouped(query.expr) <= EXPOSED[name] | OUTSIDE
    made = set(re.findall(r'label_replace\(vector\(0\), "(\w+)"', query.expr))
    by_nobody = {"instance"} if not grouped(query.expr) else set()
    assert set(re.findall(r"\{\{(\w+)\}\}", query.legend)) <= grouped(query.expr) | made | by_nobody


def test_every_metric_is_on_a_panel() -> None:
    shown = {name for query in queries() for name in names(query.expr)}
    bare = {re.sub(r"_(bucket|count)$", "", name) for name in shown if name.startswith("listwire_")}
    assert bare == {metric.name for metric in METRICS}


def test_the_reader_chooses_the_instances_of_every_panel() -> None:
    free = [
        query.panel for query in queries() for name in names(query.expr) - {"ALERTS"} if '"$instance"' not in query.expr
    ]
    assert free == []
    assert all(query.expr.count('"$instance"') >= len(names(query.expr) - {"ALERTS"}) for query in queries())


def test_panels_ask_the_datasource_that_is_provisioned() -> None:
    file = ROOT / "deploy" / "grafana" / "provisioning" / "datasources" / "prometheus.yml"
    (source,) = yaml.safe_load(file.read_text("utf-8"))["datasources"]
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))["services"]
    config = yaml.safe_load((ROOT / "deploy" / "prometheus" / "prometheus.yml").read_text("utf-8"))
    assert source["url"] == f"http://prometheus:{compose['prometheus']['ports'][0].rpartition(':')[2]}"
    assert source["jsonData"]["timeInterval"] == config["global"]["scrape_interval"]
    for panel in panels():
        assert {target["datasource"]["uid"] for target in panel["targets"]} == {"$datasource"}
    for file in FILES:
        variables = {made["name"]: made for made in json.loads(file.read_text("utf-8"))["templating"].get("list", ())}
        assert not variables or variables["datasource"]["current"]["value"] == source["uid"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_panels_lie_side_by_side_within_the_page(file: Path) -> None:
    taken: set[tuple[int, int]] = set()
    dashboard = json.loads(file.read_text("utf-8"))
    for panel in dashboard["panels"]:
        at = panel["gridPos"]
        cells = {(at.get("x", 0) + i, at.get("y", 0) + j) for i in range(at["w"]) for j in range(at["h"])}
        assert max(x for x, _ in cells) < GRAFANA_WIDTH, panel["title"]
        assert not taken & cells, panel["title"]
        taken |= cells
    numbers = [panel["id"] for panel in dashboard["panels"]]
    assert len(set(numbers)) == len(numbers)


@pytest.mark.parametrize("panel", panels(), ids=lambda panel: panel["title"])
def test_every_panel_says_what_it_is_and_has_a_unit(panel: dict[str, object]) -> None:
    assert len(str(panel["description"])) > 20
    assert json.dumps(panel["fieldConfig"]).count('"unit"') >= 1


def test_links_to_the_runbook_lead_to_the_section_they_name() -> None:
    page = json.loads((DASHBOARDS / "runbook.json").read_text("utf-8"))
    sections = {f"/d/{page['uid']}?viewPanel=panel-{panel['id']}": panel["title"] for panel in page["panels"]}
    assert set(sections.values()) == {alert["alert"] for alert in alerts()}
    links = [link for panel in panels() for link in panel.get("links", ())]
    assert len(links) > 20
    for link in links:
        assert link["title"] == f"What to do: {sections[link['url']]}"
