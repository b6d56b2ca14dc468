"""A real Prometheus with the configuration that is deployed, its targets and its haste replaced."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from queries import PROMETHEUS, RULES

LISTENS = re.compile(rb"Listening on.*?(127\.0\.0\.1:\d+)")
START_S = 30.0


class Prometheus:
    """One that runs, to be asked."""

    def __init__(self, http: aiohttp.ClientSession, api: str) -> None:
        self._http = http
        self._api = api

    async def ask(self, expr: str) -> list[Any]:
        """The series that a query has now."""
        async with self._http.get(f"{self._api}/query", params={"query": expr, "time": str(time.time())}) as response:
            answer = await response.json()
        assert answer["status"] == "success", f"{expr}: {answer}"
        return list(answer["data"]["result"])

    async def firing(self, alert: str) -> list[dict[str, str]]:
        """What the alerts of this name that fire now say, as those who are called read it."""
        async with self._http.get(f"{self._api}/alerts") as response:
            found = (await response.json())["data"]["alerts"]
        fires = [one for one in found if one["labels"]["alertname"] == alert and one["state"] == "firing"]
        return [one["annotations"] for one in fires]

    async def until(self, expr: str, within_s: float) -> None:
        """Returns when the query has a series."""
        async with asyncio.timeout(within_s):
            while not await self.ask(expr):  # noqa: ASYNC110 - Prometheus raises no event of ours
                await asyncio.sleep(0.2)


@asynccontextmanager
async def prometheus(
    command: str, folder: Path, targets: Mapping[str, Sequence[int]], edit: Callable[[str], str] = lambda rules: rules
) -> AsyncIterator[Prometheus]:
    """Scrapes the ports of each component every second, with the rules as `edit` leaves them."""
    _write(folder, targets, edit)
    process = await asyncio.create_subprocess_exec(
        command,
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        "--web.listen-address=127.0.0.1:0",
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(START_S):
            address = await _address(process)
        reading = asyncio.create_task(_drain(process))  # a full pipe would stop it
        async with aiohttp.ClientSession() as http:
            yield Prometheus(http, f"http://{address}/api/v1")
        reading.cancel()
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def _write(folder: Path, targets: Mapping[str, Sequence[int]], edit: Callable[[str], str]) -> None:
    (folder / "rules").mkdir(parents=True)
    for file in RULES:
        (folder / "rules" / file.name).write_text(edit(file.read_text("utf-8")), "utf-8")
    (folder / "prometheus.yml").write_text(_config(targets), "utf-8")


def _config(targets: Mapping[str, Sequence[int]]) -> str:
    config = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text("utf-8"))
    config["global"] |= {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
    (job,) = config["scrape_configs"]
    for group in job["static_configs"]:
        group["targets"] = [f"127.0.0.1:{port}" for port in targets[group["labels"]["component"]]]
    return str(yaml.safe_dump(config))


async def _address(process: asyncio.subprocess.Process) -> str:
    """Where it listens, once it is ready; it answers 503 before."""
    log = b""
    assert process.stderr
    while not ((found := LISTENS.search(log)) and b"ready to receive web requests" in log):
        line = await process.stderr.readline()
        assert line, f"Prometheus ended: {log.decode()}"
        log += line
    return found[1].decode()


async def _drain(process: asyncio.subprocess.Process) -> None:
    assert process.stderr
    while await process.stderr.read(65_536):
        pass
