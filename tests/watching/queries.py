"""What dashboards and rules ask for, as far as it can be read off their text."""

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from agents.metrics import METRICS

ROOT = Path(__file__).parent.parent.parent
DASHBOARDS = ROOT / "deploy" / "grafana" / "dashboards"
PROMETHEUS = ROOT / "deploy" / "prometheus"
RULES = sorted((PROMETHEUS / "rules").glob("*.yml"))
RUNBOOK = (ROOT / "deploy" / "RUNBOOK.md").read_text("utf-8")
SECTIONS = dict(re.findall(r"^## (.+)\n((?:(?!^## ).*\n?)*)", RUNBOOK, re.MULTILINE))
OUTSIDE = {"instance", "job", "component", "le", "__name__"}  # what Prometheus, its targets and histograms add
OF_PROCESSES = {
    "process_cpu_seconds_total",
    "process_max_fds",
    "process_open_fds",
    "process_resident_memory_bytes",
    "process_start_time_seconds",
}
OF_PROMETHEUS = {"up": set[str](), "ALERTS": {"alertname", "alertstate"}}
EXPOSED = {f"{metric.name}{end}": set(metric.labels) for metric in METRICS for end in ("", "_bucket", "_count")}
EXPOSED |= {name: set() for name in OF_PROCESSES} | OF_PROMETHEUS
_NAME = re.compile(r"\b(?:listwire_\w+|process_\w+|up|ALERTS)\b(?!:)")
_SELECTOR = re.compile(r"([a-zA-Z_:]\w*)?\{([^}]*)\}")


class Query(NamedTuple):
    """One query of a panel."""

    panel: str
    expr: str
    legend: str


def panels() -> list[dict[str, Any]]:
    """The panels of all dashboards that ask for something."""
    files = [json.loads(file.read_text("utf-8")) for file in sorted(DASHBOARDS.glob("*.json"))]
    return [panel for file in files for panel in file["panels"] if panel.get("targets")]


def queries() -> list[Query]:
    """Their queries, as they are committed."""
    return [
        Query(panel["title"], target["expr"], target["legendFormat"])
        for panel in panels()
        for target in panel["targets"]
    ]


def rules() -> list[dict[str, Any]]:
    """All rules, recording and alerting, in order."""
    files = [yaml.safe_load(file.read_text("utf-8")) for file in RULES]
    return [rule for file in files for group in file["groups"] for rule in group["rules"]]


def alerts() -> list[dict[str, Any]]:
    """The alerting ones."""
    return [rule for rule in rules() if "alert" in rule]


def names(expr: str) -> set[str]:
    """The metrics that a query names, those of recording rules left out."""
    bare = re.sub(r"\blistwire:[\w:]+", "", expr)
    return set(_NAME.findall(bare))


def selected(expr: str) -> set[tuple[str, str]]:
    """Metric and label, for each label that a selector names."""
    found = set()
    for name, inside in _SELECTOR.findall(expr):
        found |= {(name, label) for label in re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", inside)}
    return found


def grouped(expr: str) -> set[str]:
    """The labels that it groups by."""
    return set(re.findall(r"\w+", " ".join(re.findall(r"\bby \(([^)]*)\)", expr))))
