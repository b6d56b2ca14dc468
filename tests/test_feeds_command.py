"""`listwire feeds` with folders among the addresses."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture
def drops(tmp_path: Path) -> Path:
    (tmp_path / "feeds.toml").write_text(f'[drop]\nfolder = "{tmp_path / "drops"}"\nname = "Drop"\n')
    return tmp_path / "drops"


def feeds(drops: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-m", "agents", "feeds", *arguments]
    environment = os.environ | {"LISTWIRE_FEEDS_FILE": str(drops.with_name("feeds.toml"))}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_the_list_names_the_folder(drops: Path) -> None:
    assert feeds(drops, "list").stdout.split() == ["on", "drop", str(drops)]


def test_a_folder_that_can_be_watched_is_told_from_one_that_is_missing(drops: Path) -> None:
    missing = feeds(drops, "test", "--json")
    assert (missing.returncode, json.loads(missing.stdout)["problem"]) == (1, f"no folder {drops}")
    drops.mkdir()
    there = feeds(drops, "test", "--json")
    assert (there.returncode, json.loads(there.stdout)["fine"]) == (0, True)
    assert list(drops.iterdir()) == []
