"""The metrics and health server: three routes, GET alone, nothing about us in the headers."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from agents.health import serving
from agents.metrics import METRICS
from agents.vitals import tell_vitals
from streams.errors import SettingsError

PROBLEMS: list[str] = []


async def missing() -> list[str]:
    return PROBLEMS


@pytest.fixture
async def http() -> AsyncIterator[tuple[aiohttp.ClientSession, str]]:
    PROBLEMS.clear()
    async with serving("127.0.0.1", 0, missing) as port, aiohttp.ClientSession() as session:
        yield session, f"http://127.0.0.1:{port}"


Http = tuple[aiohttp.ClientSession, str]


async def test_readiness_names_what_is_missing(http: Http) -> None:
    session, url = http
    async with session.get(f"{url}/readyz") as answer:
        assert (answer.status, await answer.text()) == (200, "ready\n")
    PROBLEMS[:] = ["no partitions assigned yet", "broker b:1 does not answer"]
    async with session.get(f"{url}/readyz") as answer:
        assert (answer.status, await answer.text()) == (
            503,
            "no partitions assigned yet\nbroker b:1 does not answer\n",
        )
    async with session.get(f"{url}/livez") as answer:
        assert answer.status == 200


async def test_every_metric_is_served_with_its_help(http: Http, tmp_path: Path) -> None:
    session, url = http
    tell_vitals(tmp_path)
    async with session.get(f"{url}/metrics") as answer:
        text = await answer.text()
    for metric in METRICS:
        assert f"# HELP {metric.name} {metric.help}" in text
        assert f"# TYPE {metric.name} {metric.type}" in text


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("route", ["/metrics", "/livez", "/readyz"])
async def test_nothing_but_get_is_answered(http: Http, method: str, route: str) -> None:
    session, url = http
    async with session.request(method, url + route) as answer:
        assert answer.status == 405


@pytest.mark.parametrize("route", ["/", "/metrics/x", "/graph", "/table/"])
async def test_there_is_nothing_else(http: Http, route: str) -> None:
    session, url = http
    async with session.get(url + route) as answer:
        assert answer.status == 404


@pytest.mark.parametrize("route", ["/livez", "/metrics", "/nowhere"])
async def test_no_header_says_what_serves(http: Http, route: str) -> None:
    session, url = http
    async with session.get(url + route) as answer:
        assert "Server" not in answer.headers


async def test_a_port_that_is_taken_is_one_clear_line() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError, match=f"cannot listen on 127.0.0.1:{port}"):
            async with asyncio.timeout(5), serving("127.0.0.1", port, missing):
                pytest.fail("it listened")


def test_metric_names_follow_the_conventions() -> None:
    assert len({metric.name for metric in METRICS}) == len(METRICS) > 15
    for metric in METRICS:
        assert re.fullmatch(r"listwire_[a-z_]+", metric.name)
        assert (metric.type == "counter") == metric.name.endswith("_total")
        if metric.type == "histogram":
            assert metric.name.endswith("_seconds")
        assert metric.help.endswith(".")
