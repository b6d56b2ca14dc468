"""What is released is built the same twice, holds all that the packages read and nothing else, and runs by itself."""

import hashlib
import json
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BUILD = ROOT / "deploy" / "release" / "build.sh"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EPOCH = "1700000000"
STORY = {"id": "s1", "headline": "UK proscribes Hizb ut-Tahrir", "published": "2024-01-19T00:00:00Z"} | {
    "body": "LONDON - Britain on Friday banned Hizb ut-Tahrir as a terrorist organisation, the Home Office said."
}


def run(*command: str | Path, env: dict[str, str] | None = None, text: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, env=env, input=text)


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as the release workflow makes it; the script itself builds twice and compares."""
    out = tmp_path_factory.mktemp("release") / "dist"
    env = {"PYTHON": sys.executable, "SOURCE_DATE_EPOCH": EPOCH, "PATH": "/usr/bin:/bin"}
    done = run("bash", BUILD, out, env=env)
    assert done.returncode == 0, done.stderr
    return out


@pytest.fixture(scope="module")
def wheel(dist: Path) -> Path:
    (found,) = dist.glob("*.whl")
    return found


def files_in(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_a_release_is_a_wheel_its_source_a_bill_and_their_checksums(dist: Path) -> None:
    version = PROJECT["version"]
    named = {f"listwire-{version}{end}" for end in ("-py3-none-any.whl", ".tar.gz", ".cdx.json")}
    assert {file.name for file in dist.iterdir()} == named | {"SHA256SUMS"}
    sums = dict(reversed(line.split()) for line in (dist / "SHA256SUMS").read_text("utf-8").splitlines())
    assert sums == {name: hashlib.sha256((dist / name).read_bytes()).hexdigest() for name in named}


def test_the_wheel_holds_every_file_of_the_packages_and_no_other(wheel: Path) -> None:
    ours = {
        file.relative_to(ROOT).as_posix(): file.read_bytes()
        for package in ("streams", "agents")
        for file in (ROOT / package).rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    held = {name: data for name, data in files_in(wheel).items() if ".dist-info/" not in name}
    assert held == ours
    assert {"streams/feeds.toml", "agents/web/page.html", "agents/broker-jars.sha256"} <= held.keys()


def test_the_wheel_says_what_the_project_says(wheel: Path) -> None:
    info = {name.partition("/")[2]: data for name, data in files_in(wheel).items() if ".dist-info/" in name}
    assert set(info) == {"METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE"}
    told = message_from_bytes(info["METADATA"])
    assert (told["Name"], told["Version"]) == (PROJECT["name"], PROJECT["version"])
    assert told["License-Expression"] == PROJECT["license"]
    assert b"listwire = agents.__main__:main" in info["entry_points.txt"]


def test_the_wheel_can_be_built_anew_from_the_source_that_goes_with_it(dist: Path, wheel: Path, tmp_path: Path) -> None:
    (source,) = dist.glob("*.tar.gz")
    with tarfile.open(source) as archive:
        archive.extractall(tmp_path, filter="data")
    (project,) = tmp_path.iterdir()
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path / "again"]
    done = subprocess.run(command, cwd=project, capture_output=True, check=False, env={"SOURCE_DATE_EPOCH": EPOCH})
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "again" / wheel.name).read_bytes() == wheel.read_bytes()


def test_a_folder_that_exists_is_not_built_into(tmp_path: Path) -> None:
    done = run("bash", BUILD, tmp_path)
    assert (done.returncode, list(tmp_path.iterdir())) == (2, [])
    assert str(tmp_path) in done.stderr


@pytest.mark.long
def test_the_wheel_runs_with_nothing_but_the_runtime_lock(wheel: Path, tmp_path: Path) -> None:
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    pip = [venv / "bin" / "pip", "--disable-pip-version-check", "install", "-q"]
    subprocess.run([*pip, "--require-hashes", "-r", ROOT / "deploy" / "locks" / "runtime.txt"], check=True)
    subprocess.run([*pip, "--no-deps", "--no-index", wheel], check=True)
    subprocess.run([venv / "bin" / "pip", "check"], check=True, capture_output=True)
    listwire = venv / "bin" / "listwire"
    home = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    assert run(listwire, "--version", env=home).stdout == f"listwire {PROJECT['version']}\n"
    scanned = run(listwire, "scan", "--json", "-", env=home, text=json.dumps(STORY))
    assert scanned.returncode == 0, scanned.stderr
    found = [(claim["authority"], claim["group"], claim["change"]) for claim in json.loads(scanned.stdout)["claims"]]
    assert ("gb", "hizb-ut-tahrir", "listing") in found
