"""Each panel asks a real Prometheus that scrapes worker, poller and page at work on the sample wire, and finds data."""

import asyncio
import contextlib
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import pytest
from queries import Query, alerts, queries
from scraping import Prometheus, prometheus
from services import Service

from agents.broker import Broker, BrokerSpec
from agents.demo import serving_wire
from agents.up import free_ports

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

HASTE = 6.0
"""The sample wire grows over a minute; here its clock runs this much faster."""
ENTRIES_OF_THE_WIRE = 7
WITHIN_S = 60.0
FILLED_IN = {"$__rate_interval": "20s", "$__interval": "1m", "$__range": "5m", "$instance": ".+"}


class Seen(NamedTuple):
    """What the queries gave, by their text as it is committed; and the alerts that were on while all was well."""

    answers: dict[str, list[Any]]
    raised: list[Any]


@pytest.fixture(scope="module")
def seen(
    prometheus_command: str, broker_spec: Callable[[Path], BrokerSpec], tmp_path_factory: pytest.TempPathFactory
) -> Seen:
    folder = tmp_path_factory.mktemp("panels")
    with Broker.start(broker_spec(folder / "broker"), lambda _: None) as broker:
        return asyncio.run(_look(prometheus_command, broker.bootstrap, folder))


async def _look(command: str, bootstrap: str, folder: Path) -> Seen:
    ports = dict(zip(("worker", "poller", "web"), free_ports(3), strict=True))
    environment = {"LISTWIRE_BROKER": bootstrap, "LISTWIRE_DATA_DIR": str(folder), "LISTWIRE_LOG_LEVEL": "warning"}
    services = [
        Service(folder, ports["worker"], environment, "worker", "--baseline", "none", "--sink", "stdout:json"),
        Service(folder, ports["web"], environment, "web", "--baseline", "none"),
    ]
    try:
        targets = {component: (port,) for component, port in ports.items()}
        async with prometheus(command, folder / "prometheus", targets) as server, contextlib.AsyncExitStack() as stack:
            await asyncio.gather(*(service.ready() for service in services))
            await stack.enter_async_context(_reader(ports["web"]))
            url = await stack.enter_async_context(serving_wire(_hurried(datetime.now(UTC))))
            arguments = ("--feed", url, "--interval", "1", "--allow-network", "127.0.0.0/8")
            services.append(Service(folder, ports["poller"], environment, "poll", *arguments))
            entries = "count by (authority, group) (listwire_page_alert_timestamp_seconds)"
            await server.until(f"count({entries}) >= {ENTRIES_OF_THE_WIRE}", WITHIN_S)
            answers = await _answers(server)
            raised = await server.ask('ALERTS{alertname!="ListwireMetricsMissing"}')
            return Seen(answers, raised)
    finally:
        for service in services:
            await asyncio.to_thread(service.stop)


@contextlib.asynccontextmanager
async def _reader(port: int) -> Any:
    """Somebody who has the page open."""
    async with aiohttp.ClientSession() as http, http.get(f"http://127.0.0.1:{port}/events") as stream:
        yield stream


async def _answers(server: Prometheus) -> dict[str, list[Any]]:
    """All answers, once each of them is some or the time is over: rates need two samples."""
    answers: dict[str, list[Any]] = {}
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(WITHIN_S / 3):
            while True:
                for query in queries():
                    answers[query.expr] = await server.ask(filled(query.expr))
                if all(map(_tells, answers.values())):
                    break
                await asyncio.sleep(1)
    return answers


def filled(expr: str) -> str:
    """The query as Grafana sends it."""
    for name, value in FILLED_IN.items():
        expr = expr.replace(name, value)
    assert not re.search(r"\$\w", expr), expr
    return expr


def _tells(series: list[Any]) -> bool:
    return bool(series) and all(found["value"][1] != "NaN" for found in series)


def _hurried(started: datetime) -> Callable[[], datetime]:
    return lambda: started + timedelta(seconds=(datetime.now(UTC) - started).total_seconds() * HASTE)


@pytest.mark.parametrize("query", queries(), ids=lambda query: query.panel)
def test_every_panel_shows_numbers(seen: Seen, query: Query) -> None:
    values = [series["value"][1] for series in seen.answers[query.expr]]
    assert values, f"{query.panel} is empty: {query.expr}"
    assert "NaN" not in values, query.expr


def test_no_alert_is_raised_while_all_is_well(seen: Seen) -> None:
    assert [series["metric"] for series in seen.raised] == []
    assert len(alerts()) > 30


def test_the_latest_alerts_have_what_the_table_shows(seen: Seen) -> None:
    (table,) = (series for expr, series in seen.answers.items() if "listwire_page_alert_timestamp_seconds" in expr)
    told = {(row["metric"]["authority"], row["metric"]["group"], row["metric"]["change"]) for row in table}
    assert {("ru", "taliban", "delisting"), ("gb", "wagner-group", "listing"), ("eu", "pkk", "renewal")} <= told
