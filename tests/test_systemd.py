"""The units of systemd, held against the code: settings, ports, exit codes, how long a stop may take, the hardening."""

import re
import shutil
import signal
import subprocess
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import pytest
import typer.main

from agents import worker
from agents.__main__ import build
from agents.deadletter import ABORTED
from agents.settings import PREFIX, Settings, load_settings
from agents.watch import STALLED
from streams.acls import Role

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "deploy" / "systemd"
UNITS = sorted(file.name for file in FOLDER.glob("*.service"))
PORTS = {
    "listwire-worker@.service": "metrics_port",
    "listwire-poller.service": "poller_metrics_port",
    "listwire-web.service": "web_port",
}
CLOSED = """
    LockPersonality MemoryDenyWriteExecute NoNewPrivileges PrivateDevices PrivateTmp PrivateUsers ProtectClock
    ProtectControlGroups ProtectHome ProtectHostname ProtectKernelLogs ProtectKernelModules ProtectKernelTunables
    RemoveIPC RestrictNamespaces RestrictRealtime RestrictSUIDSGID
""".split()
MOST_EXPOSED = 20
"""Of 100, by `systemd-analyze security`: 12 (worker, page) and 14 (poller) are what it says of them."""

Section = Mapping[str, list[str]]
OFFLINE_SINCE = 252
"""Of the version that knows the specifiers of our units and judges a file without running it."""
analyze = shutil.which("systemd-analyze")


def parsed(text: str) -> dict[str, Section]:
    """Sections, keys and all values of each; an empty value takes back those before it, as in systemd."""
    sections: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    section = ""
    for line in text.splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif line and not line.startswith("#"):
            key, _, value = line.partition("=")
            sections[section][key].append(value)
    return {name: dict(keys) for name, keys in sections.items()}


def service(unit: str) -> Section:
    return parsed((FOLDER / unit).read_text("utf-8"))["Service"]


def one(unit: str, key: str) -> str:
    (value,) = service(unit)[key]
    return value


def seconds(text: str) -> float:
    return float(text.removesuffix("s"))


def variables(lines: list[str]) -> dict[str, str]:
    return dict(line.split("=", 1) for line in lines)


def shared() -> dict[str, str]:
    text = (FOLDER / "listwire.env").read_text("utf-8")
    return variables([line for line in text.splitlines() if line and not line.startswith("#")])


def command(unit: str) -> list[str]:
    """The words after `listwire`, for the instance 9474."""
    program, *words = one(unit, "ExecStart").replace("%i", "9474").split()
    assert program == "/opt/listwire/bin/listwire"
    return words


def expanded(unit: str) -> dict[str, str]:
    """The environment of an instance, its specifiers replaced."""
    given = shared() | variables(service(unit)["Environment"])
    return {name: value.replace("%S", "/var/lib").replace("%i", "9474") for name, value in given.items()}


@pytest.fixture(params=UNITS)
def unit(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def settings(unit: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Settings:
    """The settings of a unit, read as it reads them."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    for name, value in expanded(unit).items():
        monkeypatch.setenv(name, value)
    return load_settings()


def test_there_is_a_unit_for_each_service() -> None:
    assert set(UNITS) == set(PORTS)
    assert {command(unit)[0] for unit in UNITS} == {"worker", "poll", "web"}


def test_a_unit_calls_a_command_and_flags_that_exist(unit: str) -> None:
    name, *flags = command(unit)
    context = typer.main.get_command(build((name,))).make_context("listwire", [name, *flags], resilient_parsing=True)
    sub = context.command.commands[name]  # type: ignore[attr-defined]
    known = {option for parameter in sub.params for option in parameter.opts}
    assert {flag for flag in flags if flag.startswith("--")} <= known


def test_every_variable_is_a_setting_and_given_once(unit: str) -> None:
    known = {f"{PREFIX}{field.upper()}" for field in Settings.model_fields}
    own = variables(service(unit)["Environment"])
    assert shared().keys() | own.keys() <= known
    assert not shared().keys() & own.keys()  # systemd would prefer those of the file


def test_the_settings_are_read_and_speak_to_a_broker_on_this_machine(settings: Settings) -> None:
    assert settings.broker == "127.0.0.1:9092"
    assert settings.metrics_host == settings.web_host == "127.0.0.1"


def test_a_unit_writes_only_where_it_may(unit: str, settings: Settings) -> None:
    assert one(unit, "ProtectSystem") == "strict"
    state = one(unit, "StateDirectory").replace("%i", "9474")
    assert settings.data_dir == Path("/var/lib", state)
    (jsonl,) = (sink for sink in settings.sinks if sink.startswith("jsonl:"))
    if unit.startswith("listwire-worker"):
        assert Path(jsonl.removeprefix("jsonl:")).parent == Path("/var/log", one(unit, "LogsDirectory"))


def test_instances_of_the_worker_have_a_state_and_a_port_of_their_own() -> None:
    assert command("listwire-worker@.service") == ["worker", "--metrics-port", "9474"]
    assert "%i" in one("listwire-worker@.service", "StateDirectory")


def test_what_ends_by_a_fault_is_started_again_and_wrong_usage_is_not(unit: str) -> None:
    assert one(unit, "Restart") == "on-failure"  # every code but 0, every signal but those that stop it
    kept_down = {int(code) for code in one(unit, "RestartPreventExitStatus").split()}
    assert kept_down == {2}
    assert not kept_down & {0, 1, ABORTED, STALLED}
    assert "SuccessExitStatus" not in service(unit)


def test_the_exit_codes_are_those_that_readme_tells() -> None:
    told = re.search(r"Exit codes of `worker` and `poll`:([^.]*)\.", (ROOT / "README.md").read_text("utf-8"))
    assert told
    assert {int(code) for code in re.findall(r"\b(\d+) [a-z]", told[1])} == {
        0,
        1,
        2,
        ABORTED,
        STALLED,
        128 + signal.SIGPROF,
    }


def test_a_start_is_tried_for_ever(unit: str) -> None:
    assert parsed((FOLDER / unit).read_text("utf-8"))["Unit"]["StartLimitIntervalSec"] == ["0"]
    assert 1 <= seconds(one(unit, "RestartSec")) <= 30


def test_a_stop_is_awaited_for_longer_than_it_may_take(unit: str) -> None:
    assert seconds(one(unit, "TimeoutStopSec")) > worker.STOP_S
    assert one(unit, "KillMode") == "mixed"  # the parsers must not be told to stop before the poller is


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("User", "listwire"), ("Group", "listwire"), ("MemoryMax", "1G"), ("TasksMax", "256"),
        ("CapabilityBoundingSet", ""), ("AmbientCapabilities", ""), ("SystemCallArchitectures", "native"),
    ],
)  # fmt: skip
def test_a_unit_is_hardened(unit: str, key: str, value: str) -> None:
    assert one(unit, key) == value


@pytest.mark.parametrize("key", CLOSED)
def test_what_it_needs_not_is_closed(unit: str, key: str) -> None:
    assert one(unit, key) == "yes"


def test_system_calls_are_those_of_services(unit: str) -> None:
    filters = service(unit)["SystemCallFilter"]
    assert filters[:2] == ["@system-service", "~@privileged"]
    # A parser limits itself by setrlimit, which is of @resources.
    assert ("~@resources" in filters) == (unit != "listwire-poller.service")


def test_metrics_of_the_process_can_be_read(unit: str) -> None:
    assert "ProcSubset" not in service(unit)  # prometheus_client reads /proc/stat, or tells nothing of the process


def test_the_user_exists_before_the_units_and_cannot_sign_in() -> None:
    (line,) = [
        line for line in (FOLDER / "sysusers.d" / "listwire.conf").read_text().splitlines() if not line.startswith("#")
    ]
    kind, name, _, *rest = line.split()
    assert (kind, name) == ("u", "listwire")
    assert rest[-2:] == ["/var/lib/listwire", "/usr/sbin/nologin"]


def folders() -> dict[str, list[str]]:
    lines = (FOLDER / "tmpfiles.d" / "listwire.conf").read_text().splitlines()
    return {line.split()[1]: line.split()[2:5] for line in lines if not line.startswith("#")}


def test_folders_that_units_name_are_made_and_secrets_are_in_closed_ones() -> None:
    made = folders()
    assert one("listwire-poller.service", "ReadWritePaths") == "-/var/spool/listwire"
    assert made["/var/spool/listwire"] == ["0755", "listwire", "listwire"]
    assert made[shared()["LISTWIRE_CREDENTIALS_DIR"]] == ["0750", "root", "listwire"]
    assert made["/etc/listwire/secrets"] == ["0700", "root", "root"]


def test_secrets_of_the_broker_are_handed_over_as_credentials() -> None:
    drop_in = parsed((FOLDER / "broker-secrets.conf").read_text("utf-8"))["Service"]
    given = variables(drop_in["Environment"])
    assert given.keys() <= {f"{PREFIX}{field.upper()}" for field in Settings.model_fields}
    loaded = dict(line.split(":", 1) for line in drop_in["LoadCredential"])
    assert {f"%d/{name}" for name in loaded} == {value for name, value in given.items() if name.endswith("_FILE")}
    assert {Path(path).parent for path in loaded.values()} == {Path("/etc/listwire/secrets")}
    assert Path(loaded["broker"]).name in {role.value for role in Role}


def version_of_systemd() -> int:
    told = analyze and subprocess.run([analyze, "--version"], capture_output=True, text=True, check=True).stdout
    return int(told.split()[1]) if told else 0


@pytest.mark.skipif(version_of_systemd() < OFFLINE_SINCE, reason="systemd-analyze is not there, or too old")
def test_systemd_itself_finds_nothing_wrong(unit: str, tmp_path: Path) -> None:
    instance = tmp_path / unit.replace("@", "@9474")
    program = tmp_path / "listwire"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    instance.write_text((FOLDER / unit).read_text("utf-8").replace("/opt/listwire/bin/listwire", str(program)), "utf-8")
    assert analyze
    for words in (["verify"], ["security", "--offline=yes", "--no-pager", f"--threshold={MOST_EXPOSED}"]):
        run = subprocess.run([analyze, *words, str(instance)], capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stdout + run.stderr
        assert instance.name not in run.stderr  # it warns of keys that it does not know, and of nothing else of ours
