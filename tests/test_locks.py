"""The lock files hold what is asked for, checked by hashes, from nowhere but the default index."""

import json
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
LOCKS = ROOT / "deploy" / "locks"
RENOVATE = ROOT / ".github" / "renovate.json"
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PROJECT = PYPROJECT["project"]["dependencies"]
EXTRAS = PYPROJECT["project"]["optional-dependencies"]
BUILD, RELEASE, SPACY = (
    [line for line in (LOCKS / file).read_text("utf-8").splitlines() if not line.startswith("#")]
    for file in ("build.in", "release.in", "spacy.in")
)
HOLDS = {
    "build": BUILD,
    "runtime": PROJECT,
    "spacy": SPACY,
    "demo": PROJECT + BUILD + EXTRAS["broker"],
    "test": PROJECT + BUILD + EXTRAS["broker"] + EXTRAS["test"],
    "release": RELEASE,
}
PYTHONS = [
    line.rsplit(" ", 1)[1]
    for line in PYPROJECT["project"]["classifiers"]
    if line.startswith("Programming Language :: Python :: 3.")
]


def logical_lines(lock: str) -> list[str]:
    """The lines of a lock file, continued ones joined, without comments."""
    text = (LOCKS / f"{lock}.txt").read_text("utf-8").replace("\\\n", " ")
    return [line.strip() for line in text.splitlines() if line.strip() and not line.strip().startswith("#")]


def pinned(lock: str, python: str) -> dict[str, str]:
    """Version by name, as pip takes them on a Linux with this Python."""
    target = {"python_version": python, "python_full_version": f"{python}.0", "sys_platform": "linux"}
    found = [Requirement(line.split(" --hash")[0]) for line in logical_lines(lock) if not line.startswith("--")]
    taken = [entry for entry in found if entry.marker is None or entry.marker.evaluate(target)]
    versions = {canonicalize_name(entry.name): str(entry.specifier).removeprefix("==") for entry in taken}
    assert len(versions) == len(taken), "a package is pinned twice"
    return versions


@pytest.mark.parametrize("lock", HOLDS)
def test_every_entry_is_one_version_with_hashes(lock: str) -> None:
    options, *entries = logical_lines(lock)
    assert options == "--only-binary :all:", "a source distribution would run code of its own"
    for entry in entries:
        assert re.fullmatch(r"\S+==\S+( ; [^-]+?)?(\s+--hash=sha256:[0-9a-f]{64})+", entry), entry


@pytest.mark.parametrize("lock", HOLDS)
def test_no_lock_names_a_host(lock: str) -> None:
    assert not re.search(r"://|index-url|find-links|trusted-host", (LOCKS / f"{lock}.txt").read_text("utf-8"))


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("lock", HOLDS)
def test_a_lock_holds_what_is_asked_for(lock: str, python: str) -> None:
    versions = pinned(lock, python)
    for requirement in map(Requirement, HOLDS[lock]):
        version = versions.get(canonicalize_name(requirement.name), "none")
        assert requirement.specifier.contains(version), f"{requirement}: {version} in {lock}.txt"


@pytest.mark.parametrize("python", PYTHONS)
def test_what_is_tested_is_what_runs(python: str) -> None:
    tested = pinned("test", python)
    for lock in ("build", "runtime", "demo"):
        assert pinned(lock, python).items() <= tested.items()


@pytest.mark.parametrize("lock", HOLDS)
def test_a_lock_says_how_it_is_made(lock: str) -> None:
    head = (LOCKS / f"{lock}.txt").read_text("utf-8").splitlines()[1]
    assert head.startswith("#    uv pip compile ")
    assert head.endswith(f" --output-file=deploy/locks/{lock}.txt")


@pytest.mark.parametrize("lock", HOLDS)
def test_renovate_understands_how_a_lock_is_made(lock: str) -> None:
    """It runs the command again only if it knows each option, has "=" before each value, and finds a source file."""
    command = (LOCKS / f"{lock}.txt").read_text("utf-8").splitlines()[1].split()[4:]
    options = {word for word in command if word.startswith("-")}
    assert all(re.fullmatch(r"--(extra|output-file)=\S+", option) for option in options), options
    sources = [word for word in command if word not in options]
    assert sources
    assert all((ROOT / source).is_file() for source in sources)


@pytest.mark.parametrize("lock", HOLDS)
def test_renovate_looks_after_a_lock(lock: str) -> None:
    (pattern,) = json.loads(RENOVATE.read_text("utf-8"))["pip-compile"]["managerFilePatterns"]
    assert re.search(pattern.strip("/"), f"deploy/locks/{lock}.txt")
    assert not re.search(pattern.strip("/"), "deploy/locks/build.in")


def test_a_build_takes_the_backend_that_the_project_names() -> None:
    locked = Requirement(f"hatchling=={pinned('build', PYTHONS[0])['hatchling']}")
    (backend,) = map(Requirement, PYPROJECT["build-system"]["requires"])
    assert backend.name == locked.name
    assert backend.specifier.contains(str(locked.specifier).removeprefix("=="))
