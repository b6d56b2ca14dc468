"""The page on deploying tells of commands, files, values and units that exist."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from agents.__main__ import COMMANDS
from agents.settings import PREFIX, Settings
from agents.watch import STALLED
from streams.stalls import LIMITS

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "deploy" / "DEPLOYING.md").read_text("utf-8")
BLOCKS = "\n".join(re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL))
VALUES = yaml.safe_load((ROOT / "deploy" / "chart" / "values.yaml").read_text("utf-8"))
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
UNITS = {file.name for file in (ROOT / "deploy" / "systemd").glob("*.service")}


def test_commands_exist() -> None:
    told = set(re.findall(r"`listwire (\w+)", PAGE))
    assert {"worker", "poll", "web", "up", "topics"} == told & set(COMMANDS) == told


def test_settings_exist() -> None:
    assert set(re.findall(rf"\b{PREFIX}[A-Z_]+", PAGE)) <= {
        f"{PREFIX}{field.upper()}" for field in Settings.model_fields
    }


def test_files_exist() -> None:
    named = re.findall(r"(?<![\w/])deploy/[\w./*-]+\w", BLOCKS) + [
        f"deploy/{at}" for at in re.findall(r"\]\((\w[^)]+)\)", PAGE)
    ]
    assert len(named) > 8
    assert [path for path in named if not list(ROOT.glob(path))] == []


def test_values_exist() -> None:
    set_by_hand = re.findall(r"--set ([\w.]+)=", BLOCKS)
    named = {path for path in re.findall(r"`([a-z]\w+\.\w+)`", PAGE) if path.partition(".")[0] in VALUES}
    assert {"broker.servers", "image.repository"} <= set(set_by_hand)
    assert {"worker.replicas", "networkPolicy.sinks"} <= named
    for path in {*set_by_hand, *named}:
        found: Any = VALUES
        for key in path.split("."):
            found = found[key]


def test_units_exist() -> None:
    named = set(re.findall(r"listwire-(?:worker@\d+|poller|web)", BLOCKS))
    assert {re.sub(r"@\d+", "@", name) + ".service" for name in named if "svc/" not in name} == UNITS


@pytest.mark.parametrize("service", ["worker", "kafka-ui"])
def test_services_of_the_compose_file_exist(service: str) -> None:
    assert re.search(rf"docker compose .*{service}\b", PAGE)
    assert service in COMPOSE["services"]


def test_figures_are_those_of_the_code() -> None:
    assert f"after {LIMITS.unready_s:.0f} s of standstill; at {LIMITS.stalled_s:.0f} s a process" in PAGE
    assert f"after 1, 70, {STALLED} or a signal" in PAGE
