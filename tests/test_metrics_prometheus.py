"""A real Prometheus, configured as deployed, scrapes the real endpoint, and every metric arrives."""

import asyncio
import re
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import aiohttp
import pytest
import yaml

from agents.metrics import METRICS, VERSION

ROOT = Path(__file__).parent.parent
CONFIG = ROOT / "deploy" / "prometheus" / "prometheus.yml"
WITHIN_S = 30.0
OUTSIDE = frozenset({"__name__", "instance", "job"})  # what Prometheus adds
LISTENS = re.compile(rb"Listening on.*?(127\.0\.0\.1:\d+)")

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
    """What came out at both ends."""

    exposition: str
    answers: dict[str, list[Any]]


@pytest.fixture(scope="module")
def tools(lacking: Callable[[str], NoReturn]) -> tuple[str, str]:
    prometheus, promtool = shutil.which("prometheus"), shutil.which("promtool")
    if not (prometheus and promtool):
        lacking("no Prometheus on the path; on Debian: apt-get install prometheus")
    return prometheus, promtool


@pytest.fixture(scope="module")
def seen(tools: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> Seen:
    return asyncio.run(_look(tools[0], tmp_path_factory.mktemp("prometheus")))


async def _look(prometheus: str, folder: Path) -> Seen:
    async with (
        _service() as port,
        _prometheus(prometheus, folder, port) as api,
        aiohttp.ClientSession() as http,
    ):
        async with http.get(f"http://127.0.0.1:{port}/metrics") as response:
            exposition = await response.text()
        async with asyncio.timeout(WITHIN_S):
            await _data(http, api, "count_over_time(listwire_stories_total[1m]) >= 3")
        wanted = [f"{{__name__=~'{metric.name}(_count)?'}}" for metric in METRICS]
        return Seen(exposition, {expr: await _ask(http, api, expr) for expr in wanted})


@asynccontextmanager
async def _service() -> AsyncIterator[int]:
    server = await asyncio.create_subprocess_exec(sys.executable, "-c", SERVER, stdout=subprocess.PIPE)
    async with _ended(server):
        assert server.stdout
        yield int(await server.stdout.readline())


@asynccontextmanager
async def _prometheus(command: str, folder: Path, port: int) -> AsyncIterator[str]:
    config = yaml.safe_load(CONFIG.read_text("utf-8"))
    config["global"]["scrape_interval"] = "1s"
    config["scrape_configs"][0]["static_configs"] = [{"targets": [f"127.0.0.1:{port}"]}]
    del config["rule_files"]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config), "utf-8")
    process = await asyncio.create_subprocess_exec(
        command,
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        "--web.listen-address=127.0.0.1:0",
        stderr=subprocess.PIPE,
    )
    async with _ended(process), asyncio.timeout(WITHIN_S):
        address = await _address(process)
        assert process.stderr
        reading = asyncio.create_task(process.stderr.read())  # a full pipe would stop it
        yield f"http://{address}/api/v1/query"
        reading.cancel()


async def _address(prometheus: asyncio.subprocess.Process) -> str:
    """Where it listens, once it is ready; it answers 503 before."""
    log = b""
    assert prometheus.stderr
    while not ((found := LISTENS.search(log)) and b"ready to receive web requests" in log):
        line = await prometheus.stderr.readline()
        assert line, f"Prometheus ended: {log.decode()}"
        log += line
    return found[1].decode()


@asynccontextmanager
async def _ended(process: asyncio.subprocess.Process) -> AsyncIterator[None]:
    try:
        yield
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _data(http: aiohttp.ClientSession, api: str, expr: str) -> None:
    while True:
        if await _ask(http, api, expr):
            return
        await asyncio.sleep(0.1)


async def _ask(http: aiohttp.ClientSession, api: str, expr: str) -> list[Any]:
    async with http.get(api, params={"query": expr, "time": str(time.time())}) as response:
        answer = await response.json()
    assert answer["status"] == "success", f"{expr}: {answer}"
    return list(answer["data"]["result"])


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_every_metric_arrives_with_its_labels(seen: Seen, metric: Any) -> None:
    found = [
        ({name: text for name, text in series["metric"].items() if name not in OUTSIDE}, float(series["value"][1]))
        for series in seen.answers[f"{{__name__=~'{metric.name}(_count)?'}}"]
    ]
    assert all(set(labels) == set(metric.labels) for labels, _ in found)
    (touched,) = (value for labels, value in found if set(labels.values()) <= {"x", VERSION})
    assert touched >= 1
    # the rest are the series of closed sets, which begin at 0 before anything happens
    assert all(value == 0 for labels, value in found if not set(labels.values()) <= {"x", VERSION})


def test_the_version_that_runs_is_shown(seen: Seen) -> None:
    (series,) = seen.answers["{__name__=~'listwire_build_info(_count)?'}"]
    assert series["metric"]["version"] == VERSION


def test_promtool_finds_nothing_to_criticise_in_the_metrics(tools: tuple[str, str], seen: Seen) -> None:
    checked = subprocess.run(
        [tools[1], "check", "metrics"], input=seen.exposition, capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stderr) == (0, "")
