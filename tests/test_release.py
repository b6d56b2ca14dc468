"""A release is what its tag, its changelog and its schemas say it is, and is built and signed with few rights."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from agents.settings import PREFIX, Settings

ROOT = Path(__file__).parent.parent
READY = ROOT / "deploy" / "release" / "ready.py"
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
RELEASE_TEXT = (ROOT / ".github" / "workflows" / "release.yml").read_text("utf-8")
RELEASE: dict[str, Any] = yaml.safe_load(RELEASE_TEXT)
JOBS: dict[str, dict[str, Any]] = RELEASE["jobs"]
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
CHANGELOG = """\
# Changelog

Words.

## [Unreleased]

## [1.2.3] - 2026-02-28

### Added

- A thing.

## [1.2.2] - 2026-01-01

- Older.
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project that is ready to be released as 1.2.3."""
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "1.2.3"\n', "utf-8")
    (tmp_path / ".github").mkdir()
    (tmp_path / ".github" / "CHANGELOG.md").write_text(CHANGELOG, "utf-8")
    schemas = tmp_path / "deploy" / "schemas"
    (schemas / "baseline").mkdir(parents=True)
    for file in (schemas / "Alert.schema.json", schemas / "baseline" / "Alert.schema.json"):
        file.write_text("{}", "utf-8")
    return tmp_path


def ready(root: Path, tag: str, *flags: str | Path) -> tuple[int, list[str]]:
    command = [sys.executable, READY, tag, "--root", root, *flags]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr.splitlines()


def test_a_project_that_is_ready_is_released_with_its_notes(project: Path) -> None:
    assert ready(project, "v1.2.3", "--notes", project / "notes.md") == (0, [])
    assert (project / "notes.md").read_text("utf-8") == "### Added\n\n- A thing.\n"


@pytest.mark.parametrize("tag", ["1.2.3", "v1.2.4", "v1.2.3-rc1", "release"])
def test_another_tag_is_refused(tag: str, project: Path) -> None:
    assert ready(project, tag) == (1, [f"pyproject.toml: version is 1.2.3, the tag is {tag}"])


@pytest.mark.parametrize(
    ("file", "before", "after", "told"),
    [
        (".github/CHANGELOG.md", "- A thing.", "", ".github/CHANGELOG.md: no section [1.2.3], or nothing in it"),
        (".github/CHANGELOG.md", "[1.2.3]", "[1.2.1]", ".github/CHANGELOG.md: no section [1.2.3], or nothing in it"),
        (".github/CHANGELOG.md", " - 2026-02-28", "", ".github/CHANGELOG.md: [1.2.3] has no day"),
        (".github/CHANGELOG.md", "2026-02-28", "2026-02-30", ".github/CHANGELOG.md: [1.2.3] has no day"),
        (".github/CHANGELOG.md", "[Unreleased]\n", "[Unreleased]\n\n- More.\n", "still under [Unreleased]"),
        ("deploy/schemas/Alert.schema.json", "{}", "[]", "baseline/Alert.schema.json is not deploy/schemas/"),
        ("pyproject.toml", "1.2.3", "1.2", "version is 1.2, the tag is v1.2.3"),
    ],
)  # fmt: skip
def test_what_is_missing_is_told(file: str, before: str, after: str, told: str, project: Path) -> None:
    text = (project / file).read_text("utf-8")
    assert before in text
    (project / file).write_text(text.replace(before, after), "utf-8")
    code, lines = ready(project, "v1.2.3", "--notes", project / "notes.md")
    assert code == 1
    assert told in lines[0]
    assert not (project / "notes.md").exists()


def test_a_record_that_nobody_was_promised_is_told(project: Path) -> None:
    (project / "deploy" / "schemas" / "baseline" / "Alert.schema.json").unlink()
    code, (line,) = ready(project, "v1.2.3")
    assert (code, "baseline/Alert.schema.json" in line) == (1, True)


def test_the_changelog_and_the_version_of_this_project_can_be_read() -> None:
    code, lines = ready(ROOT, f"v{VERSION}")
    assert not [line for line in lines if line.startswith("pyproject.toml")]
    assert code == bool(lines)


@pytest.mark.parametrize("page", ["SECURITY.md", "CONTRIBUTING.md"])
def test_files_settings_and_links_that_are_told_of_exist(page: str) -> None:
    text = (ROOT / ".github" / page).read_text("utf-8")
    files = re.findall(r"\bdeploy/[\w/-]+(?:\.\w+)*(?=[`/ ])", text)
    links = re.findall(r"\]\((?!https:)([^)#]+)", text)
    assert files
    assert links
    assert [file for file in files if "NAME" not in file and not (ROOT / file).exists()] == []
    assert [link for link in links if not (ROOT / ".github" / link).exists()] == []
    settings = {f"{PREFIX}{field.upper()}" for field in Settings.model_fields}
    assert set(re.findall(rf"{PREFIX}[A-Z_]+", text)) <= settings


def test_the_way_of_a_release_is_told_in_its_order() -> None:
    text = (ROOT / ".github" / "CONTRIBUTING.md").read_text("utf-8")
    told = ["pyproject.toml", "CHANGELOG.md", "deploy/schemas/baseline/", "ready.py", "build.sh", "git tag -s"]
    places = [text.find(word, text.index("\n## Release\n")) for word in told]
    assert places == sorted(places)
    assert min(places) > 0


def steps(*files: Path) -> list[dict[str, Any]]:
    jobs = [job for file in files for job in yaml.safe_load(file.read_text("utf-8"))["jobs"].values()]
    return [step for job in jobs for step in job["steps"]]


def lines_of(job: str) -> list[str]:
    """The shell lines of a job of the release."""
    return [step["run"] for step in JOBS[job]["steps"] if "run" in step]


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda file: file.stem)
def test_an_action_is_pinned_to_one_commit_with_its_version_beside_it(workflow: Path) -> None:
    text = workflow.read_text("utf-8")
    pinned = re.findall(r"uses: ([\w-]+/[\w-]+)@[0-9a-f]{40} # v\d+\.\d+\.\d+$", text, re.MULTILINE)
    assert len(pinned) == text.count("uses: ") > 0
    assert {owner.partition("/")[0] for owner in pinned} == {"actions"}


def test_an_action_has_one_version_in_all_workflows() -> None:
    pins = {step["uses"] for step in steps(*WORKFLOWS) if "uses" in step}
    assert len({pin.partition("@")[0] for pin in pins}) == len(pins)


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda file: file.stem)
def test_a_shell_line_takes_nothing_from_outside(workflow: Path) -> None:
    """What stands in `${{ }}` is pasted before the shell reads the line: a tag or a title could carry a command."""
    assert [step["run"] for step in steps(workflow) if "${{" in step.get("run", "")] == []


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda file: file.stem)
def test_a_checkout_leaves_no_token_behind(workflow: Path) -> None:
    checkouts = [step for step in steps(workflow) if "actions/checkout@" in step.get("uses", "")]
    assert checkouts
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_each_job_has_the_rights_that_it_needs_and_no_secret_is_stored() -> None:
    assert RELEASE["permissions"] == {}
    assert all(set(job["permissions"].values()) <= {"read", "write"} for job in JOBS.values())
    assert {name: sorted(k for k, v in job["permissions"].items() if v == "write") for name, job in JOBS.items()} == {
        "test": [],
        "build": [],
        "sign": ["attestations", "id-token"],
        "image": ["attestations", "id-token", "packages"],
        "publish": ["id-token"],
        "page": ["contents"],
    }
    assert "secrets." not in RELEASE_TEXT


def test_nothing_is_published_that_was_not_tested_built_and_signed() -> None:
    assert {name: job.get("needs") for name, job in JOBS.items()} == {
        "test": None,
        "build": "test",
        "sign": "build",
        "image": "build",
        "publish": ["sign", "image"],
        "page": "publish",
    }
    assert RELEASE[True]["push"] == {"tags": ["v*"]}  # YAML reads `on` as a truth


def test_a_release_is_tested_as_every_change_is() -> None:
    ci = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text("utf-8"))["jobs"]["test"]
    assert JOBS["test"]["strategy"]["matrix"] == ci["strategy"]["matrix"]
    assert lines_of("test") == ['python deploy/release/ready.py "$GITHUB_REF_NAME"', "bash .ci/run"]


def test_what_the_workflow_runs_exists() -> None:
    named = {file for job in JOBS for line in lines_of(job) for file in re.findall(r"deploy/[\w/]+(?:\.\w+)?", line)}
    assert {"deploy/release/build.sh", "deploy/release/ready.py", "deploy/Dockerfile"} <= named
    assert [file for file in named if not (ROOT / file).is_file()] == []


def test_what_is_installed_to_release_is_checked_by_hashes() -> None:
    installs = [line for job in JOBS for line in lines_of(job) if " install " in line]
    assert len(installs) == 2
    assert all(re.search(r"pip install -q --require-hashes -r deploy/locks/\w+\.txt$", line) for line in installs)
