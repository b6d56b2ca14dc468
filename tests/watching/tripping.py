"""Real services and a real Prometheus in haste, of which one fault after the other is asked; which alerts did fire?"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
from haste import hurried
from newsstand import Newsstand, newsstand
from scraping import Prometheus, prometheus
from services import Service

from agents.broker import Broker
from agents.kafka import Outgoing, Publisher
from agents.up import free_ports

FIRES_WITHIN_S = 40.0


class Trial:
    """The services under fault; `fired`: the alerts, with how long each took; `early`: those that needed no
    fault; `said`: what they say."""

    def __init__(
        self, folder: Path, server: Prometheus, stand: Newsstand, broker: Broker, ports: tuple[int, ...]
    ) -> None:
        self.folder = folder
        self.server = server
        self.stand = stand
        self.broker = broker
        self.fired: dict[str, float] = {}
        self.early: set[str] = set()
        self.said: dict[str, list[dict[str, str]]] = {}
        self._ports = ports
        self._services: list[Service] = []
        feeds = folder / "feeds.toml"
        feeds.write_text(stand.feed_list(), "utf-8")
        self._environment = {
            "LISTWIRE_BROKER": broker.bootstrap,
            "LISTWIRE_DATA_DIR": str(folder),
            "LISTWIRE_FEEDS_FILE": str(feeds),
            "LISTWIRE_ALLOW_NETWORKS": "127.0.0.0/8",
            "LISTWIRE_SINKS": stand.sinks(folder),
            "LISTWIRE_BASELINE": "none",
        }
        self.worker = self._start(0, "worker", faults="hurried")
        self.web = self._start(2, "web")
        self.poller: Service
        self.second_worker: Service

    def start_poller(self) -> None:
        self.poller = self._start(1, "poll", "--interval", "1")

    def start_second_worker(self) -> None:
        self.second_worker = self._start(3, "worker", faults="hurried")

    async def replaced(self, service: Service, faults: str = "") -> None:
        """Kills the service and starts it again; returns when Prometheus has seen the new one."""
        began = time.time() - 1.5  # the start of a process is told by a boot time in whole seconds
        await asyncio.to_thread(service.kill)
        service.restart(faults)
        await self.server.until(
            f'process_start_time_seconds{{instance="127.0.0.1:{service.port}"}} > {began}', FIRES_WITHIN_S
        )

    async def publish(self, *messages: Outgoing) -> None:
        """As somebody who writes to our topics."""
        publisher = Publisher(self.broker.bootstrap)
        await publisher.start()
        await publisher.publish(*messages)
        await publisher.stop()

    async def watched(self, services: int) -> None:
        """Waits until Prometheus has seen what so many services count before anything goes wrong."""
        await self.server.until(
            f"count(count_over_time(listwire_stories_total[1m]) >= 2) >= {services}", FIRES_WITHIN_S
        )

    async def silent(self, *alerts: str) -> None:
        """Those that fire already would prove nothing."""
        firing = await self.server.ask(f'ALERTS{{alertname=~"{"|".join(alerts)}",alertstate="firing"}}')
        self.early |= {series["metric"]["alertname"] for series in firing}

    async def fires(self, *alerts: str) -> None:
        """Waits until each has fired, or its time is over."""
        await asyncio.gather(*map(self._fires, alerts))

    async def _fires(self, alert: str) -> None:
        began = time.monotonic()
        try:
            await self.server.until(f'ALERTS{{alertname="{alert}",alertstate="firing"}}', FIRES_WITHIN_S)
        except TimeoutError:
            return
        self.fired[alert] = time.monotonic() - began
        self.said[alert] = await self.server.firing(alert)

    def java(self) -> psutil.Process:
        """The broker itself."""
        (process,) = psutil.Process(self.broker.process.pid).children()
        return process

    async def end(self) -> None:
        for service in self._services:
            await asyncio.to_thread(service.stop)

    def _start(self, place: int, *arguments: str, faults: str = "") -> Service:
        service = Service(self.folder, self._ports[place], self._environment, *arguments, faults=faults)
        self._services.append(service)
        return service


@asynccontextmanager
async def trying(command: str, broker: Broker, folder: Path, workers: int) -> AsyncIterator[Trial]:
    """A worker and a page at work, watched since before they began; so many workers are watched."""
    ports = free_ports(4)
    targets = {"worker": (ports[0], ports[3])[:workers], "poller": (ports[1],), "web": (ports[2],)}
    async with newsstand() as stand, prometheus(command, folder / "prometheus", targets, hurried) as server:
        trial = Trial(folder, server, stand, broker, ports)
        try:
            await asyncio.gather(trial.worker.ready(), trial.web.ready())
            await trial.watched(2)
            yield trial
        finally:
            await trial.end()
