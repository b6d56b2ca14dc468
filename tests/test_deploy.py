"""What is deployed, held against the code: settings, ports, metrics, topics' broker, and the hardening."""

import asyncio
import json
import re
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml

from agents import worker
from agents.health import serving
from agents.settings import PREFIX, Settings, load_settings

ROOT = Path(__file__).parent.parent
COMPOSE_TEXT = (ROOT / "docker-compose.yml").read_text("utf-8")
COMPOSE = yaml.safe_load(COMPOSE_TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = [name for name, service in SERVICES.items() if service["image"] == "listwire"]
DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text("utf-8")
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PROMETHEUS = yaml.safe_load((ROOT / "deploy" / "prometheus" / "prometheus.yml").read_text("utf-8"))
GRAFANA = ROOT / "deploy" / "grafana"
INSTRUCTION = re.compile(r"^([A-Z]+) ((?:.*\\\n)*.*)$", re.MULTILINE)


def instructions(name: str) -> list[str]:
    """What the Dockerfile says after each instruction of this name, in order."""
    return [text for found, text in INSTRUCTION.findall(DOCKERFILE) if found == name]


def environment(service: str) -> dict[str, str]:
    """The variables of a service where the operator has set none."""
    given = SERVICES[service].get("environment", {})
    return {name: re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", value) for name, value in given.items()}


@pytest.fixture(params=OURS)
def settings(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Settings:
    """The settings of one of our services, read as it reads them."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    for name, value in environment(request.param).items():
        monkeypatch.setenv(name, value)
    return load_settings()


@pytest.mark.parametrize("text", [COMPOSE_TEXT, DOCKERFILE], ids=["compose", "Dockerfile"])
def test_every_variable_of_ours_is_a_setting(text: str) -> None:
    named = set(re.findall(rf"\b{PREFIX}[A-Z_]+", text))
    assert named
    assert named <= {f"{PREFIX}{field.upper()}" for field in Settings.model_fields}


def test_our_services_find_the_broker_of_the_file(settings: Settings) -> None:
    listeners = SERVICES["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"]
    assert f"PLAINTEXT://{settings.broker}" == listeners


def test_our_services_write_only_where_they_may(settings: Settings) -> None:
    assert settings.data_dir.is_relative_to("/tmp")  # noqa: S108 - the tmpfs, see the next test
    assert all(SERVICES[name]["tmpfs"][0].startswith("/tmp:") for name in OURS)  # noqa: S108


def test_metrics_can_be_scraped_from_another_container(settings: Settings) -> None:
    assert settings.metrics_host == "0.0.0.0"  # noqa: S104 - inside the container


def test_a_stop_is_awaited_for_longer_than_it_may_take() -> None:
    assert all(SERVICES[name]["stop_grace_period"] == "60s" for name in OURS)
    assert worker.STOP_S < 60


def test_topics_exist_before_anybody_writes_to_them() -> None:
    assert SERVICES["topics"]["command"] == ["topics", "create"]
    assert SERVICES["topics"]["depends_on"] == {"kafka": {"condition": "service_healthy"}}
    for name in ("worker", "poller", "web"):
        assert SERVICES[name]["depends_on"] == {"topics": {"condition": "service_completed_successfully"}}


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_hardened(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["user"].split(":")[0] not in {"", "0", "root"}
    assert service["pids_limit"] <= 512
    assert service["mem_limit"] in {"1g", "2g"}
    assert not {"privileged", "cap_add", "network_mode", "devices", "pid", "ipc"} & set(service)
    assert not any("docker.sock" in volume for volume in service.get("volumes", ()))


@pytest.mark.parametrize("name", SERVICES)
def test_files_of_the_project_are_mounted_read_only(name: str) -> None:
    for volume in SERVICES[name].get("volumes", ()):
        source, _, mode = volume.partition(":")[0], *volume.rpartition(":")[1:]
        assert source in COMPOSE["volumes"] or (mode == "ro" and (ROOT / source).exists()), volume


def test_pages_are_published_on_loopback_and_nothing_else_is() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    ports = {"web": 9467, "prometheus": 9090, "grafana": 3000, "kafka-ui": 8080}
    assert published == {name: [f"127.0.0.1:{port}:{port}"] for name, port in ports.items()}


def test_only_the_poller_gets_out() -> None:
    def is_closed(network: dict[str, Any]) -> bool:
        masquerade = network.get("driver_opts", {}).get("com.docker.network.bridge.enable_ip_masquerade")
        return bool(network.get("internal")) or masquerade == "false"

    ways_out = {name for name, network in COMPOSE["networks"].items() if not is_closed(network)}
    assert ways_out == {"egress"}
    assert [name for name, service in SERVICES.items() if ways_out & set(service["networks"])] == ["poller"]


def test_kafka_is_reached_by_our_services_and_its_page_only() -> None:
    reaching = {name for name, service in SERVICES.items() if "kafka" in service["networks"]}
    assert reaching == {"kafka", "kafka-ui", *OURS}


def test_every_image_has_a_version() -> None:
    tags = [service["image"].partition(":")[2] for name, service in SERVICES.items() if name not in OURS]
    assert all(re.fullmatch(r"v?\d+\.\d+\.\d+", tag) for tag in tags), tags


def test_the_broker_is_the_kafka_that_the_tests_run_on() -> None:
    jars = (ROOT / "agents" / "broker-jars.sha256").read_text("utf-8")
    tested = re.search(r"/kafka_2\.13-([\d.]+)\.jar", jars)
    assert tested
    assert SERVICES["kafka"]["image"] == f"apache/kafka:{tested[1]}"


def test_the_broker_keeps_its_log_and_makes_no_topic_by_itself() -> None:
    given = environment("kafka")
    assert given["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"
    assert f"kafka-data:{given['KAFKA_LOG_DIRS']}" in SERVICES["kafka"]["volumes"]


def port_of(service: str) -> int:
    """The port on which a service of ours answers."""
    fields = {"poll": "poller_metrics_port", "web": "web_port"}
    field = fields.get(SERVICES[service]["command"][0], "metrics_port")
    default = Settings.model_fields[field].default
    return int(environment(service).get(f"{PREFIX}{field.upper()}", default))


def test_prometheus_scrapes_our_services_where_they_answer() -> None:
    (job,) = PROMETHEUS["scrape_configs"]
    expected = [
        {"targets": [f"{name}:{port_of(name)}"], "labels": {"component": name}} for name in ("worker", "poller", "web")
    ]
    assert (job["job_name"], job["static_configs"]) == ("listwire", expected)
    for name in ("worker", "poller", "web"):
        assert "metrics" in SERVICES[name]["networks"]
    assert environment("web")["LISTWIRE_WEB_NAMES"] == "web"  # the page answers to no other


def test_prometheus_finds_its_rules_where_they_are_mounted() -> None:
    (pattern,) = PROMETHEUS["rule_files"]
    assert list((ROOT / "deploy" / "prometheus").glob(pattern))
    assert "./deploy/prometheus/rules:/etc/prometheus/rules:ro" in SERVICES["prometheus"]["volumes"]


def health_check_of_the_image() -> str:
    (check,) = instructions("HEALTHCHECK")
    return str(json.loads(check.partition("CMD ")[2])[2])


@pytest.mark.parametrize("service", ["worker", "poller", "web"])
def test_a_service_is_asked_for_its_health_where_it_answers(service: str) -> None:
    _, program, flag, code = SERVICES[service]["healthcheck"]["test"]
    assert (program, flag) == ("python", "-c")
    assert code == health_check_of_the_image().replace("9464", str(port_of(service)))


def test_the_image_exposes_the_default_ports() -> None:
    exposed = " ".join(instructions("EXPOSE")).split()
    assert exposed == [str(Settings.model_fields[name].default) for name in ("metrics_port", "poller_metrics_port")]


@pytest.mark.parametrize(("problems", "code"), [([], 0), (["no partitions assigned yet"], 1)])
async def test_a_service_is_healthy_when_it_is_ready(problems: list[str], code: int) -> None:
    async def missing() -> list[str]:
        return problems

    async with serving("127.0.0.1", 0, missing) as port:
        check = health_check_of_the_image().replace("9464", str(port))
        asked = await asyncio.create_subprocess_exec(sys.executable, "-c", check, stderr=subprocess.DEVNULL)
        assert await asked.wait() == code


def test_the_image_runs_our_command_as_nobody_in_particular() -> None:
    (entrypoint,) = instructions("ENTRYPOINT")
    assert json.loads(entrypoint) == list(PYPROJECT["project"]["scripts"])
    (user,) = instructions("USER")
    assert int(user.split(":")[0]) >= 10_000
    assert {SERVICES[name]["user"] for name in OURS} == {user}


def test_both_stages_stand_on_one_python_that_is_supported() -> None:
    first, second = (text.partition(" AS ")[0] for text in instructions("FROM"))
    assert first == second
    version = first.removeprefix("python:").removesuffix("-slim")
    assert f"Programming Language :: Python :: {version}" in PYPROJECT["project"]["classifiers"]


def test_what_is_installed_is_checked_by_hashes_and_built_in_the_first_stage() -> None:
    assert "RUN" not in DOCKERFILE[DOCKERFILE.rindex("\nFROM ") :]
    for step in re.findall(r"install [^&\n]+", "\n".join(instructions("RUN"))):
        assert "--require-hashes -r /locks/" in step or "--no-deps --no-index" in step, step


def test_the_builder_is_given_what_it_copies() -> None:
    allowed = [
        line.removeprefix("!")
        for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines()
        if line.startswith("!")
    ]
    sources = [word for text in instructions("COPY") if not text.startswith("--from") for word in text.split()[:-1]]
    for source in sources:
        assert (ROOT / source).exists(), source
        assert any(fnmatch(source, pattern) or source.startswith(f"{pattern}/") for pattern in allowed), source


def test_dashboards_are_where_grafana_looks_for_them() -> None:
    file = GRAFANA / "provisioning" / "dashboards" / "listwire.yml"
    (provider,) = yaml.safe_load(file.read_text("utf-8"))["providers"]
    assert f"./deploy/grafana/dashboards:{provider['options']['path']}:ro" in SERVICES["grafana"]["volumes"]
    assert environment("grafana")["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"] in {
        f"{provider['options']['path']}/{dashboard.name}" for dashboard in (GRAFANA / "dashboards").glob("*.json")
    }


def test_ci_runs_the_one_script_on_every_python_that_is_supported() -> None:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text("utf-8"))
    (job,) = workflow["jobs"].values()
    assert [step["run"] for step in job["steps"] if "run" in step] == ["bash .ci/run"]
    for python in job["strategy"]["matrix"]["python"]:
        assert f"Programming Language :: Python :: {python}" in PYPROJECT["project"]["classifiers"]
    for step in job["steps"]:
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", step.get("uses", "a/b@" + 40 * "0")), step
