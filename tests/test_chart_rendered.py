"""The Helm chart as helm renders it, for each set of values in its folder ci; left out where there is no helm."""

import ipaddress
import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from agents import worker
from agents.__main__ import COMMANDS
from agents.link_settings import require_consistent
from agents.reaching import PATIENCE_S
from agents.settings import Settings, load_settings
from agents.sinks import open_sinks
from agents.watch import LAST_WORDS_S
from agents.web.shield import is_ours
from streams.stalls import LIMITS

CHART = Path(__file__).parent.parent / "deploy" / "chart"
SETS = sorted(file.name for file in (CHART / "ci").glob("*-values.yaml"))
FULL = "tls-values.yaml"
NAMESPACE = "wire"
POD_IP = "10.8.0.7"
WORKLOADS = {"worker": "metrics_port", "poller": "poller_metrics_port", "web": "web_port"}
helm = shutil.which("helm")

pytestmark = pytest.mark.skipif(helm is None, reason="helm is not on the PATH")

Object = dict[str, Any]


def run(*words: str) -> subprocess.CompletedProcess[str]:
    assert helm
    return subprocess.run(
        [helm, *words, "--kube-version", "1.31"], cwd=CHART, capture_output=True, text=True, check=False
    )


@cache
def rendered(values: str) -> tuple[Object, ...]:
    done = run("template", "desk", ".", "--namespace", NAMESPACE, "--values", f"ci/{values}")
    assert done.returncode == 0, done.stderr
    return tuple(found for found in yaml.safe_load_all(done.stdout) if found)


def of_kind(values: str, kind: str) -> list[Object]:
    return [found for found in rendered(values) if found["kind"] == kind]


def component(found: Object) -> str:
    return str(found["metadata"]["labels"]["app.kubernetes.io/component"])


def pods() -> Iterator[tuple[str, str, Object]]:
    """Values, component and pod template of all that runs."""
    if helm is None:
        return
    for values in SETS:
        for found in (*of_kind(values, "Deployment"), *of_kind(values, "Job")):
            yield values, component(found), found["spec"]["template"]


PODS = list(pods())
each_pod = pytest.mark.parametrize(
    ("values", "name", "pod"), PODS, ids=[f"{name}-{values.removesuffix('-values.yaml')}" for values, name, _ in PODS]
)


def container(pod: Object) -> Object:
    (only,) = pod["spec"]["containers"]
    return dict(only)


def environment(pod: Object) -> dict[str, str]:
    """What the container is started with; a name that is given twice would be told by no schema."""
    rows = container(pod)["env"]
    given = {row["name"]: row.get("value", POD_IP) for row in rows}
    assert len(given) == len(rows)
    return {name: value.replace("$(POD_IP)", POD_IP) for name, value in given.items()}


@pytest.fixture
def settings(pod: Object, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Settings:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    for name, value in environment(pod).items():
        monkeypatch.setenv(name, value)
    return load_settings()


@pytest.mark.parametrize("values", SETS)
def test_helm_finds_nothing_to_complain_of(values: str) -> None:
    done = run("lint", "--strict", ".", "--values", f"ci/{values}")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ((), "broker.servers: set the bootstrap servers"),
        (("autoscaling.enabled=true",), "autoscaling.triggerAuthentication: name"),
        (("poller.websubUrl=https://a.example",), "poller.replicas has to be 1"),
        (("worker.replica=3",), "additional properties 'replica' not allowed"),
    ],
)
def test_what_cannot_work_is_refused_in_words(given: tuple[str, ...], told: str) -> None:
    broker = ("broker.servers=kafka:9093",) if given else ()
    done = run("template", ".", *(word for value in (*broker, *given) for word in ("--set", value)))
    assert done.returncode != 0
    assert told in done.stderr


@each_pod
def test_settings_are_read_and_go_together(values: str, name: str, pod: Object, settings: Settings) -> None:
    require_consistent(settings)
    assert settings.broker
    assert settings.log_format == "json"
    if values == FULL:
        assert settings.log_level == ("debug" if name == "worker" else "warning")
        assert settings.sink_patience_s == (
            3600 if name == "worker" else Settings.model_fields["sink_patience_s"].default
        )


@each_pod
def test_a_pod_runs_a_command_of_ours(values: str, name: str, pod: Object) -> None:
    args = container(pod)["args"]
    assert args[0] in COMMANDS
    assert args == {"worker": ["worker"], "poller": ["poll"], "web": ["web"], "topics": ["topics", "create"]}[name]


@each_pod
def test_a_pod_is_restricted(values: str, name: str, pod: Object) -> None:
    context = pod["spec"]["securityContext"]
    assert context["runAsNonRoot"] is True
    assert context["seccompProfile"] == {"type": "RuntimeDefault"}
    assert context["runAsUser"] == context["runAsGroup"] == context["fsGroup"] == 10001  # see agents.secrecy
    assert container(pod)["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod["spec"]["automountServiceAccountToken"] is False
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod["spec"])
    resources = container(pod)["resources"]
    assert {"cpu", "memory"} == set(resources["requests"])
    assert {"memory"} == set(resources["limits"])


@each_pod
def test_variables_of_services_of_the_cluster_do_not_reach_our_settings(values: str, name: str, pod: Object) -> None:
    assert pod["spec"]["enableServiceLinks"] is False  # LISTWIRE_WEB_PORT=tcp://...


@each_pod
def test_every_file_and_folder_that_is_named_is_mounted(
    values: str, name: str, pod: Object, settings: Settings
) -> None:
    volumes = {volume["name"]: volume for volume in pod["spec"]["volumes"]}
    mounts = {mount["mountPath"]: volumes[mount["name"]] for mount in container(pod)["volumeMounts"]}
    assert len(mounts) == len(volumes)
    assert "emptyDir" in mounts["/tmp"]  # noqa: S108 - in the container
    assert settings.data_dir.is_relative_to("/tmp")  # noqa: S108
    paths = [value for variable, value in environment(pod).items() if variable.endswith(("_FILE", "CREDENTIALS_DIR"))]
    paths += re.findall(r"(?:slack|jsonl):(/[^?,]+)", environment(pod).get("LISTWIRE_SINKS", ""))
    for path in paths:
        (mount,) = [folder for folder in mounts if Path(path).is_relative_to(folder)]
        items = mounts[mount].get("secret", {}).get("items")
        assert not items or Path(path).name in {item["path"] for item in items}


@each_pod
def test_secrets_are_readable_by_the_group_of_the_pod_alone(values: str, name: str, pod: Object) -> None:
    secrets = [volume["secret"] for volume in pod["spec"]["volumes"] if "secret" in volume]
    assert {secret["defaultMode"] for secret in secrets} <= {0o440}
    mounted = {mount["name"]: mount for mount in container(pod)["volumeMounts"]}
    assert all(mounted[volume["name"]]["readOnly"] for volume in pod["spec"]["volumes"] if "secret" in volume)
    if values == FULL:
        (user,) = [secret for secret in secrets if secret["secretName"] == "kafka-users"]
        role = "operator" if name == "topics" else name
        assert user["items"] == [{"key": role, "path": "credentials"}]


@each_pod
def test_sinks_of_a_worker_are_sinks(values: str, name: str, pod: Object, settings: Settings, tmp_path: Path) -> None:
    if name != "worker":
        assert "LISTWIRE_SINKS" not in environment(pod)
        return
    given = [sink for sink in settings.sinks if not sink.startswith(("webhook", "slack", "jsonl"))]
    assert open_sinks(given).keys() == set(given)
    assert len(settings.sinks) == (3 if values == FULL else 1)


@each_pod
def test_a_service_is_asked_where_it_answers_and_given_its_time(
    values: str, name: str, pod: Object, settings: Settings
) -> None:
    assert pod["spec"]["terminationGracePeriodSeconds"] > worker.STOP_S
    if name == "topics":
        return
    start, live, ready = (container(pod)[f"{kind}Probe"] for kind in ("startup", "liveness", "readiness"))
    ports = {port["name"]: port["containerPort"] for port in container(pod)["ports"]}
    host = settings.web_host if name == "web" else settings.metrics_host
    assert host == "0.0.0.0"  # noqa: S104 - in the pod
    for probe in (start, live, ready):
        assert ports[probe["httpGet"]["port"]] == getattr(settings, WORKLOADS[name])
    assert ready["httpGet"]["path"] == "/readyz"
    assert {start["httpGet"]["path"], live["httpGet"]["path"]} == {"/" if name == "web" else "/livez"}
    assert live["periodSeconds"] * live["failureThreshold"] > LIMITS.stalled_s + LAST_WORDS_S
    assert start["periodSeconds"] * start["failureThreshold"] > 2 * PATIENCE_S
    assert live["timeoutSeconds"] < live["periodSeconds"]


@each_pod
def test_the_page_answers_to_probes_to_prometheus_and_to_its_names(
    values: str, name: str, pod: Object, settings: Settings
) -> None:
    if name != "web":
        return
    allowed = frozenset(settings.web_names)
    (header,) = container(pod)["readinessProbe"]["httpGet"]["httpHeaders"]
    assert header["name"] == "Host"
    service = f"desk-listwire-web.{NAMESPACE}.svc"
    for host in (header["value"], f"{POD_IP}:9467", f"{service}:9467", "desk-listwire-web"):
        assert is_ours([host], allowed), host
    assert not is_ours(["evil.example"], allowed)
    assert is_ours(["listwire.desk.example"], allowed) == (values == FULL)


def chosen(selector: Object, values: str) -> set[str]:
    """The components whose pods a selector takes."""
    wanted = selector["matchLabels"].items() if "matchLabels" in selector else selector.items()
    return {name for of, name, pod in PODS if of == values and wanted <= pod["metadata"]["labels"].items()}


@pytest.mark.parametrize("values", SETS)
def test_what_is_about_pods_finds_its_own(values: str) -> None:
    for found in rendered(values):
        if found["kind"] in {"Deployment", "PodDisruptionBudget", "Service"}:
            assert chosen(found["spec"]["selector"], values) == {component(found)}
        elif found["kind"] == "NetworkPolicy":
            assert chosen(found["spec"]["podSelector"], values) == {component(found)}
    running = {name for of, name, _ in PODS if of == values}
    off = values == "plaintext-values.yaml"
    assert {component(found) for found in of_kind(values, "NetworkPolicy")} == (set() if off else running)
    assert {component(found) for found in of_kind(values, "PodDisruptionBudget")} == (set() if off else {*WORKLOADS})


def test_only_the_poller_reaches_the_world_and_nobody_a_private_network() -> None:
    out = {component(found): found["spec"]["egress"] for found in of_kind("mutual-tls-values.yaml", "NetworkPolicy")}
    world = {name for name, rules in out.items() for rule in rules if "ipBlock" in str(rule)}
    assert world == {"poller"}
    (four, six) = next(rule["to"] for rule in out["poller"] if "ipBlock" in str(rule))
    closed = [ipaddress.ip_network(cidr) for cidr in four["ipBlock"]["except"]]
    for private in ("10.1.2.3", "127.0.0.1", "169.254.169.254", "172.31.0.1", "192.168.1.1", "100.64.0.1"):
        assert any(ipaddress.ip_address(private) in network for network in closed), private
    for private in ("::1", "fd00::1", "fe80::1", "::ffff:10.0.0.1"):
        assert ipaddress.ip_address(private) not in ipaddress.ip_network(six["ipBlock"]["cidr"])


def test_nobody_comes_in_who_was_not_named() -> None:
    into = {component(found): found["spec"]["ingress"] for found in of_kind("mutual-tls-values.yaml", "NetworkPolicy")}
    assert into["topics"] is None
    for name in WORKLOADS:
        (rule,) = into[name]
        assert rule["from"] == [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}]


def test_topics_are_made_before_anything_else_and_reached() -> None:
    (job,) = of_kind(FULL, "Job")
    (policy,) = [found for found in of_kind(FULL, "NetworkPolicy") if component(found) == "topics"]
    assert job["metadata"]["annotations"]["helm.sh/hook"] == policy["metadata"]["annotations"]["helm.sh/hook"]
    assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
    assert int(policy["metadata"]["annotations"]["helm.sh/hook-weight"]) < 0


def test_a_scaled_worker_has_no_number_of_its_own() -> None:
    (scaled,) = of_kind(FULL, "ScaledObject")
    (target,) = [found for found in of_kind(FULL, "Deployment") if component(found) == "worker"]
    assert scaled["spec"]["scaleTargetRef"]["name"] == target["metadata"]["name"]
    assert "replicas" not in target["spec"]
    assert {trigger["authenticationRef"]["name"] for trigger in scaled["spec"]["triggers"]} == {"kafka"}
    assert all(
        isinstance(value, str) for trigger in scaled["spec"]["triggers"] for value in trigger["metadata"].values()
    )


def test_pods_are_scraped_at_the_ports_that_they_name() -> None:
    (monitor,) = of_kind(FULL, "PodMonitor")
    assert chosen(monitor["spec"]["selector"], FULL) == {*WORKLOADS, "topics"}
    scraped = {endpoint["port"] for endpoint in monitor["spec"]["podMetricsEndpoints"]}
    for of, name, pod in PODS:
        if of == FULL and name in WORKLOADS:
            assert scraped & {port["name"] for port in container(pod)["ports"]}


def test_a_volume_of_one_node_is_let_go_of_before_the_next_pod_wants_it() -> None:
    surges = {component(found): found["spec"]["strategy"]["rollingUpdate"] for found in of_kind(FULL, "Deployment")}
    assert surges["worker"] == surges["poller"] == {"maxSurge": 0, "maxUnavailable": 1}
    assert surges["web"] == {"maxSurge": 1, "maxUnavailable": 0}
