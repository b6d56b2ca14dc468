"""`listwire alerts test`: each configured sink gets one alert that nobody takes for a real one."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from agents.egress import LOOPBACK


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "agents", *arguments],
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(Path(__file__).parent.parent), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_each_sink_gets_one_marked_alert_whatever_it_filters(tmp_path: Path) -> None:
    sinks = f"jsonl:{tmp_path}/a.jsonl?authority=ru,us&level=official, atom:{tmp_path}/a.atom"
    done = run("alerts", "test", LISTWIRE_SINKS=sinks)
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split()[:2] for line in done.stdout.splitlines()] == [
        ["ok", f"jsonl:{tmp_path}/a.jsonl"],
        ["ok", f"atom:{tmp_path}/a.atom"],
    ]
    told = json.loads((tmp_path / "a.jsonl").read_text())
    assert told["id"].startswith("test-")
    assert (told["authority"], told["group"]) == ("test", "test")
    assert told["evidence"]["text"] == "This is a test of delivery. No status has changed."
    assert "THIS IS A TEST" in (tmp_path / "a.atom").read_text()


def test_one_that_fails_is_told_with_its_reason_and_the_others_are_served(tmp_path: Path, unused_tcp_port: int) -> None:
    secret = tmp_path / "secret"
    secret.write_text("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    secret.chmod(0o600)
    dead = f"webhook+http://127.0.0.1:{unused_tcp_port}/x?secret_file={secret}"
    allowed = ",".join(map(str, LOOPBACK))
    done = run(
        "alerts", "test", "--json", "--sink", dead, "--sink", f"jsonl:{tmp_path}/a", LISTWIRE_ALLOW_NETWORKS=allowed
    )
    assert (done.returncode, done.stderr) == (1, "")
    failed, fine = map(json.loads, done.stdout.splitlines())
    assert failed["sink"] == f"webhook+http://127.0.0.1:{unused_tcp_port}"
    assert failed["problem"].startswith("no connection: ")
    assert fine["problem"] == ""
    assert (tmp_path / "a").read_text().count("\n") == 1


@pytest.mark.parametrize(
    ("sink", "problem"),
    [
        ("pigeon:roof", "sink 'pigeon:roof': no such scheme"),
        ("jsonl:/none/x", "sink 'jsonl:/none/x': /none is no folder"),
        ("jsonl:/tmp/x?level=high", "sink 'jsonl:/tmp/x': level=high: one of"),
    ],
)
def test_a_sink_that_cannot_be_is_wrong_usage(sink: str, problem: str) -> None:
    done = run("alerts", "test", "--sink", sink)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"listwire: {problem}")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("sink", "line"),
    [
        ("jsonl:/none/x", "FAIL sinks      sink 'jsonl:/none/x': /none is no folder"),
        ("stdout:", "ok   sinks      1 configured; `listwire alerts test` tries them"),
    ],
)
def test_the_doctor_looks_at_the_sinks_too(sink: str, line: str) -> None:
    done = run("doctor", "--broker", "127.0.0.1:1", LISTWIRE_SINKS=sink)
    assert line in done.stdout.splitlines()
    assert done.returncode == 1  # there is no broker


def test_up_starts_nothing_with_a_sink_that_cannot_be(tmp_path: Path) -> None:
    done = run("up", "--data-dir", str(tmp_path), LISTWIRE_SINKS="pigeon:roof")
    assert (done.returncode, list(tmp_path.iterdir())) == (2, [])
    assert done.stderr.startswith("listwire: sink 'pigeon:roof': no such scheme")
