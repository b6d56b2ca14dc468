"""A real Prometheus, configured as deployed, scrapes the real endpoint, and every metric arrives."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import pytest
from scraping import prometheus

from agents.metrics import METRICS, VERSION, Metric

WITHIN_S = 30.0
OUTSIDE = frozenset({"__name__", "instance", "job", "component"})  # what Prometheus adds

# Counts on, so that rates and quantiles are numbers, in a process of its own, so that no other test sees it.
SERVER = """
import asyncio
from prometheus_client import Counter, Gauge
from prometheus_client.metrics import MetricWrapperBase
from agents import metrics
from agents.health import serving

async def nothing():
    return []

def touch(metric):
    values = [metrics.VERSION if name == "version" else "x" for name in metric._labelnames]
    child = metric.labels(*values) if values else metric
    if isinstance(metric, Counter):
        child.inc()
    elif isinstance(metric, Gauge):
        child.set(1)
    else:
        child.observe(0.2)

async def main():
    async with serving("127.0.0.1", 0, nothing) as port:
        print(port, flush=True)
        while True:
            for metric in list(vars(metrics).values()):
                if isinstance(metric, MetricWrapperBase):
                    touch(metric)
            await asyncio.sleep(0.1)

asyncio.run(main())
"""


class Seen(NamedTuple):
    """What came out at both ends; `answers` by metric."""

    exposition: str
    answers: dict[str, list[Any]]


@pytest.fixture(scope="module")
def seen(prometheus_command: str, tmp_path_factory: pytest.TempPathFactory) -> Seen:
    return asyncio.run(_look(prometheus_command, tmp_path_factory.mktemp("prometheus")))


async def _look(command: str, folder: Path) -> Seen:
    async with (
        _service() as port,
        prometheus(command, folder, {"worker": (port,), "poller": (), "web": ()}) as server,
        aiohttp.ClientSession() as http,
    ):
        async with http.get(f"http://127.0.0.1:{port}/metrics") as response:
            exposition = await response.text()
        await server.until("count_over_time(listwire_stories_total[1m]) >= 3", WITHIN_S)
        return Seen(exposition, {metric.name: await server.ask(_series_of(metric)) for metric in METRICS})


def _series_of(metric: Metric) -> str:
    return f"{{__name__=~'{metric.name}(_count)?'}}"


@asynccontextmanager
async def _service() -> AsyncIterator[int]:
    server = await asyncio.create_subprocess_exec(sys.executable, "-c", SERVER, stdout=subprocess.PIPE)
    try:
        assert server.stdout
        yield int(await server.stdout.readline())
    finally:
        server.terminate()
        await server.wait()


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_every_metric_arrives_with_its_labels(seen: Seen, metric: Metric) -> None:
    found = [
        ({name: text for name, text in series["metric"].items() if name not in OUTSIDE}, float(series["value"][1]))
        for series in seen.answers[metric.name]
    ]
    assert all(set(labels) == set(metric.labels) for labels, _ in found)
    (touched,) = (value for labels, value in found if set(labels.values()) <= {"x", VERSION})
    assert touched >= 1
    # the rest are the series of closed sets, which begin at 0 before anything happens
    assert all(value == 0 for labels, value in found if not set(labels.values()) <= {"x", VERSION})


def test_the_version_that_runs_is_shown(seen: Seen) -> None:
    (series,) = seen.answers["listwire_build_info"]
    assert series["metric"]["version"] == VERSION


def test_promtool_finds_nothing_to_criticise_in_the_metrics(promtool: str, seen: Seen) -> None:
    checked = subprocess.run(
        [promtool, "check", "metrics"], input=seen.exposition, capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stderr) == (0, "")
