"""The bill of materials and the licence list say what the runtime lock says, and that we may ship all of it."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

ROOT = Path(__file__).parent.parent
BILL = ROOT / "deploy" / "release" / "bill.py"
LIST = (ROOT / "deploy" / "LICENSES.md").read_text("utf-8")
LOCK = (ROOT / "deploy" / "locks" / "runtime.txt").read_text("utf-8")
RULES = (ROOT / "deploy" / "release" / "licences.toml").read_text("utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
ENTRY = re.compile(r"^([a-z][\w.-]*)==(\S+)(?: ; (.+?))? \\\n((?: {4}--hash=.*\n)+)", re.MULTILINE)
COPYLEFT = re.compile(r"\b[AL]?GPL|SSPL|EUPL|CC-BY-(NC|SA)|OSL|CPAL|RPL", re.IGNORECASE)


def run(*flags: str | Path, epoch: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, BILL, *flags]
    env = {"SOURCE_DATE_EPOCH": epoch} if epoch else {}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=env)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the list, and the bill with a time."""
    out = tmp_path_factory.mktemp("bill")
    done = run("--out", out, "--list", out / "LICENSES.md", epoch="1700000000")
    assert done.returncode == 0, done.stderr
    return out


@pytest.fixture(scope="module")
def bill(written: Path) -> dict[str, Any]:
    (file,) = written.glob("*.cdx.json")
    assert file.name == f"listwire-{PROJECT['version']}.cdx.json"
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(file.read_text("utf-8")) is None
    return dict(json.loads(file.read_text("utf-8")))


def test_the_bill_names_each_package_of_the_lock_with_version_marker_and_hashes(bill: dict[str, Any]) -> None:
    def facts(part: dict[str, Any]) -> tuple[str, str, str, frozenset[str]]:
        (files,) = part["externalReferences"]
        marker = "".join(found["value"] for found in part.get("properties", ()))
        return part["name"], part["version"], marker, frozenset(found["content"] for found in files["hashes"])

    locked = [(n, v, m, frozenset(re.findall("sha256:([0-9a-f]{64})", h))) for n, v, m, h in ENTRY.findall(LOCK)]
    assert len(locked) == LOCK.count("==") - LOCK.count("== '") > 50
    assert sorted(map(facts, bill["components"]), key=str) == sorted(locked, key=str)


def test_the_bill_is_about_this_version_and_tells_who_needs_whom(bill: dict[str, Any]) -> None:
    whole = bill["metadata"]["component"]
    assert (whole["name"], whole["version"]) == ("listwire", PROJECT["version"])
    asked = {part["ref"].partition("@")[0]: part.get("dependsOn", []) for part in bill["dependencies"]}
    direct = {ref.removeprefix("pkg:pypi/").partition("@")[0] for ref in asked["pkg:pypi/listwire"]}
    assert direct == {re.split("[><=]", line)[0] for line in PROJECT["dependencies"]}
    assert any(ref.startswith("pkg:pypi/multidict@") for ref in asked["pkg:pypi/yarl"])


def test_a_bill_is_the_same_bytes_each_time(written: Path, tmp_path: Path) -> None:
    assert run("--out", tmp_path, "--list", tmp_path / "LICENSES.md", epoch="1700000000").returncode == 0
    (first,), (second,) = written.glob("*.cdx.json"), tmp_path.glob("*.cdx.json")
    assert first.read_bytes() == second.read_bytes()
    assert '"timestamp": "2023-11-14T22:13:20+00:00"' in first.read_text("utf-8")


def test_the_licence_list_is_what_the_lock_and_the_installed_packages_give(written: Path) -> None:
    assert (written / "LICENSES.md").read_text("utf-8") == LIST, "remake it: python deploy/release/bill.py"
    assert run("--check").returncode == 0


def test_the_licence_list_names_each_package_and_nothing_copyleft() -> None:
    rows = dict(re.findall(r"^\| ([a-z][\w.-]*) \| (.+) \|$", LIST, re.MULTILINE))
    assert rows.pop("package", None) is not None
    assert set(rows) == {name for name, *_ in ENTRY.findall(LOCK)}
    assert [said for said in rows.values() if COPYLEFT.search(said)] == []
    assert [said for said in tomllib.loads(RULES)["allowed"] if COPYLEFT.search(said)] == []


def test_a_list_that_is_out_of_date_is_told(tmp_path: Path) -> None:
    (tmp_path / "old.md").write_text(LIST.replace("| yarl | Apache-2.0 |\n", ""), "utf-8")
    done = run("--check", "--list", tmp_path / "old.md")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "python deploy/release/bill.py" in done.stderr


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (
            'faust-streaming = "BSD-3-Clause"',
            'faust-streaming = "GPL-3.0-or-later"',
            "faust-streaming: GPL-3.0-or-later",
        ),
        (
            'faust-streaming = "BSD-3-Clause"',
            'faust-streaming = "MIT AND LGPL-2.1-only"',
            "faust-streaming: MIT AND LGPL",
        ),
        ('colorama = "BSD-3-Clause"', "", "colorama is not installed"),
        ('"Apache 2" = "Apache-2.0"', "", "says 'Apache 2', which SPDX does not know"),
    ],
)
def test_a_licence_that_is_not_allowed_or_not_known_is_told(before: str, after: str, told: str, tmp_path: Path) -> None:
    assert before in RULES
    (tmp_path / "rules.toml").write_text(RULES.replace(before, after), "utf-8")
    done = run("--check", "--rules", tmp_path / "rules.toml")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert told in done.stderr


def test_one_of_two_licences_is_enough_if_we_may_choose(tmp_path: Path) -> None:
    chosen = RULES.replace('colorama = "BSD-3-Clause"', 'colorama = "GPL-2.0-only OR (ISC AND MIT)"')
    (tmp_path / "rules.toml").write_text(chosen, "utf-8")
    done = run("--out", tmp_path, "--list", tmp_path / "list.md", "--rules", tmp_path / "rules.toml")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("line", ["not a package", "    --hash=md5:0123"])
def test_a_line_of_a_lock_that_is_not_understood_is_told(line: str, tmp_path: Path) -> None:
    (tmp_path / "lock.txt").write_text(f"{LOCK}{line}\n", "utf-8")
    done = run("--check", "--lock", tmp_path / "lock.txt")
    assert done.returncode == 1
    assert f"lock.txt:{len(LOCK.splitlines()) + 1}: " in done.stderr
