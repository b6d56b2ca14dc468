"""What a worker, a poller and a page that really run expose, after the sample wire has gone through them."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NoReturn

import pytest
from prometheus_client.parser import text_string_to_metric_families

from agents.broker import Broker, BrokerSpec
from agents.deadletter import Ending
from agents.demo import serving_wire
from agents.keeper import end, keep
from agents.metrics import METRICS, VERSION, Kill, Step, Way
from agents.up import free_port
from streams.stalls import CANARIES_S
from streams.topics import partitions_of

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

HASTE = 10.0
WITHIN_S = 90.0
REVISIONS = 5
"""Of alerts, that are enough: the sample wire causes more, but takes its time."""
QUIET = 3
KEY = ("authority", "group", "change", "stage")
ASKED_FOR = ("ru", "taliban", "delisting", "decided")
ALERTS = "listwire_alerts_total"
SERVICES = ("worker", "poller", "page")
LABELS = {metric.name: set(metric.labels) for metric in METRICS}

Labels = frozenset[tuple[str, str]]


class Exposed:
    """What a service answered at `/metrics`."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.series: defaultdict[str, dict[Labels, float]] = defaultdict(dict)
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                self.series[sample.name][frozenset(sample.labels.items())] = sample.value

    def value(self, name: str, **labels: str) -> float | None:
        return self.series[name].get(frozenset(labels.items()))

    def sum(self, name: str) -> float:
        return sum(self.series[name].values())

    def labels(self, name: str, *which: str) -> set[tuple[str, ...]]:
        return {tuple(dict(labels)[label] for label in which) for labels in self.series[name]}


@pytest.fixture(scope="module")
def exposed(broker_spec: Callable[[Path], BrokerSpec], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Exposed]:
    folder = tmp_path_factory.mktemp("services")
    with Broker.start(broker_spec(folder / "kafka"), lambda _: None) as broker:
        return asyncio.run(run(broker.bootstrap, folder))


async def run(bootstrap: str, folder: Path) -> dict[str, Exposed]:
    ports = {service: free_port() for service in SERVICES}
    environment = os.environ | {
        "LISTWIRE_BROKER": bootstrap,
        "LISTWIRE_DATA_DIR": str(folder),
        "LISTWIRE_LOG_LEVEL": "error",
        "LISTWIRE_ALLOW_NETWORKS": "127.0.0.0/8",
        "LISTWIRE_SINKS": f"jsonl:{folder}/alerts.jsonl?name=file",
        "LISTWIRE_METRICS_PORT": str(ports["worker"]),
        "LISTWIRE_POLLER_METRICS_PORT": str(ports["poller"]),
        "LISTWIRE_WEB_PORT": str(ports["page"]),
    }
    with ExitStack() as stack:
        stack.enter_context(service(environment, "worker", "--baseline", "none"))
        async with serving_wire(hurried(datetime.now(UTC))) as url:
            stack.enter_context(service(environment, "poll", "--feed", url, "--interval", "1"))
            stack.enter_context(service(environment, "web"))
            await asyncio.to_thread(piped, environment)
            try:
                return await settled(ports)
            finally:
                await asyncio.to_thread(stack.close)


def piped(environment: dict[str, str]) -> None:
    """Stories that nobody needs to know of come in beside the poller: of the sample wire all go on."""
    stories = [
        {"id": f"q{number}", "headline": f"Rain expected on day {number}", "body": "It will be wet.", "published": None}
        for number in range(QUIET)
    ]
    told = "\n".join(map(json.dumps, stories)).encode()
    command = [sys.executable, "-P", "-m", "agents", "poll", "--stdin", "weather"]
    subprocess.run(command, input=told, env=environment, stdout=subprocess.DEVNULL, timeout=60, check=True)


@contextmanager
def service(environment: dict[str, str], *arguments: str) -> Iterator[None]:
    command = [sys.executable, "-P", "-m", "agents", *arguments]
    kept = keep(command, env=environment, stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        end(kept, 60)


def hurried(started: datetime) -> Callable[[], datetime]:
    return lambda: started + timedelta(seconds=(datetime.now(UTC) - started).total_seconds() * HASTE)


async def settled(ports: dict[str, int]) -> dict[str, Exposed]:
    """The answers once all the wire has passed all stages and the sentinel has looked at it."""
    deadline = time.monotonic() + WITHIN_S
    while True:
        found = {name: await asyncio.to_thread(scraped, port) for name, port in ports.items()}
        lacks = missing(found)
        if not lacks:
            return found
        assert time.monotonic() < deadline, lacks
        await asyncio.sleep(0.5)


def scraped(port: int) -> Exposed:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            return Exposed(answer.read().decode())
    except OSError:
        return Exposed("")


def missing(found: dict[str, Exposed]) -> dict[str, object]:
    """What has still to come, with the figures."""
    worker, poller, page = (found[name] for name in SERVICES)
    told = worker.sum("listwire_alerts_total")
    delivered = worker.value("listwire_stage_seconds_count", stage="delivered")
    stories = poller.sum("listwire_poll_stories_total"), worker.sum("listwire_stories_total")
    lags = worker.series["listwire_partition_lag_messages"]
    checks: dict[str, tuple[bool, object]] = {
        "delivered": (told >= REVISIONS and told == delivered, (told, delivered)),
        "stories": (stories[0] + QUIET == stories[1] > QUIET, stories),
        "partitions": (len(lags) == sum(map(partitions_of, CANARIES_S)), len(lags)),
        "lag": (sum(lags.values()) == 0, sum(lags.values())),
        "canaries": (len(worker.series["listwire_canary_timestamp_seconds"]) > 0, "none"),
        "page": (ASKED_FOR in page.labels("listwire_page_alert_timestamp_seconds", *KEY), "none"),
    }
    return {name: told for name, (is_there, told) in checks.items() if not is_there}


@pytest.mark.parametrize("name", SERVICES)
def test_promtool_finds_nothing_to_criticise(
    exposed: dict[str, Exposed], name: str, lacking: Callable[[str], NoReturn]
) -> None:
    promtool = shutil.which("promtool") or lacking("no promtool on the path; on Debian: apt-get install prometheus")
    command = [promtool, "check", "metrics"]
    checked = subprocess.run(command, input=exposed[name].text, capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_tells_of_its_process_its_disk_and_what_runs(exposed: dict[str, Exposed], name: str) -> None:
    for process in ("resident_memory_bytes", "virtual_memory_bytes", "cpu_seconds_total", "open_fds", "max_fds"):
        assert exposed[name].sum(f"process_{process}") > 0
    assert exposed[name].sum("listwire_data_free_bytes") > 0
    ((version, python, _),) = exposed[name].labels("listwire_build_info", "version", "python", "registry")
    assert (version, python) == (VERSION, sys.version.split()[0])


def test_all_have_the_same_registry(exposed: dict[str, Exposed]) -> None:
    assert len({frozenset(exposed[name].labels("listwire_build_info", "registry")) for name in SERVICES}) == 1


@pytest.mark.parametrize("name", SERVICES)
def test_labels_are_those_of_the_table(exposed: dict[str, Exposed], name: str) -> None:
    for sample, series in exposed[name].series.items():
        metric = next((known for known in (sample, sample.rpartition("_")[0]) if known in LABELS), None)
        if sample.startswith("listwire_"):
            assert metric is not None, sample
            assert {frozenset(dict(labels)) - {"le"} for labels in series} == {frozenset(LABELS[metric])}, sample


def test_a_story_is_timed_at_each_stage_and_the_later_the_longer(exposed: dict[str, Exposed]) -> None:
    worker, poller, _ = (exposed[name] for name in SERVICES)
    counts = {step: worker.value("listwire_stage_seconds_count", stage=step) for step in Step}
    assert counts[Step.CLASSIFIED] == worker.sum("listwire_stories_total")
    assert counts[Step.READ] == worker.sum("listwire_stories_relevant_total")
    assert counts[Step.DELIVERED] == worker.sum("listwire_alerts_total")
    assert 0 < (counts[Step.ANNOUNCED] or 0) <= worker.sum("listwire_alerts_total")
    fetched = poller.value("listwire_stage_seconds_count", stage=Step.FETCHED) or 0
    assert fetched + poller.sum("listwire_stage_untimed_total") == poller.sum("listwire_poll_stories_total")
    assert counts[Step.FETCHED] == 0


def test_no_story_is_lost_between_the_counters(exposed: dict[str, Exposed]) -> None:
    worker = exposed["worker"]
    assert worker.sum("listwire_stories_quiet_total") >= QUIET
    went = worker.sum("listwire_stories_quiet_total") + worker.sum("listwire_stories_relevant_total")
    assert worker.sum("listwire_stories_total") == went
    events = {how: worker.value("listwire_events_total", agent="classifier", outcome=how) for how in Ending}
    assert sum(count or 0 for count in events.values()) == went
    assert events[Ending.BURIED] == 0
    assert worker.sum("listwire_deadletters_total") == 0


def test_alerts_count_by_change_stage_authority_and_group(exposed: dict[str, Exposed]) -> None:
    worker = exposed["worker"]
    told = worker.sum(ALERTS)
    assert told == worker.sum("listwire_authority_alerts_total") == worker.sum("listwire_group_alerts_total")
    assert told == worker.sum("listwire_alert_revisions_total")
    moved = {(dict(labels)["change"], dict(labels)["stage"]) for labels, n in worker.series[ALERTS].items() if n}
    assert ASKED_FOR[2:] in moved
    assert worker.value("listwire_authority_alerts_total", authority="fr") == 0  # one that nothing was said of
    assert (worker.value("listwire_group_alerts_total", group="taliban") or 0) >= 1


def test_each_partition_is_told_of_with_its_canary(exposed: dict[str, Exposed]) -> None:
    worker = exposed["worker"]
    assert set(worker.series["listwire_partition_oldest_timestamp_seconds"].values()) == {0}
    for labels, at in worker.series["listwire_canary_timestamp_seconds"].items():
        assert dict(labels)["topic"] in set(CANARIES_S)
        assert 0 <= datetime.now(UTC).timestamp() - at < WITHIN_S + 60


def test_a_feed_and_a_sink_are_told_of(exposed: dict[str, Exposed]) -> None:
    worker, poller, _ = (exposed[name] for name in SERVICES)
    ((feed,),) = poller.labels("listwire_feed_success_timestamp_seconds", "feed")
    assert datetime.now(UTC).timestamp() - (poller.sum("listwire_feed_success_timestamp_seconds")) < WITHIN_S + 60
    assert poller.value("listwire_feed_failures", feed=feed) == 0
    assert poller.sum("listwire_fetched_bytes_total") > 1000
    assert worker.value("listwire_sink_waiting_messages", sink="jsonl.file") is not None
    assert worker.value("listwire_sink_failing_since_timestamp_seconds", sink="jsonl.file") == 0
    assert worker.value("listwire_deliveries_total", sink="jsonl", outcome="refused") == 0


def test_the_page_lists_the_alerts_that_the_worker_told(exposed: dict[str, Exposed]) -> None:
    worker, _, page = (exposed[name] for name in SERVICES)
    listed = page.series["listwire_page_alert_timestamp_seconds"]
    assert 0 < len(listed) <= worker.sum(ALERTS)
    assert all(0 <= datetime.now(UTC).timestamp() - at < WITHIN_S + 60 for at in listed.values())


def test_what_did_not_happen_is_0_and_not_absent(exposed: dict[str, Exposed]) -> None:
    poller = exposed["poller"]
    assert all(poller.value("listwire_egress_blocked_total", what=way) == 0 for way in Way)
    assert all(poller.value("listwire_parser_kills_total", reason=kill) == 0 for kill in Kill)
    assert poller.value("listwire_polls_total", outcome="timeout") == 0
