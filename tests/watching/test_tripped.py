"""Alerts that fire at real faults: real services, a real broker, a real Prometheus with the rules' times shortened."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest
from haste import hurried
from newsstand import Newsstand, newsstand
from scraping import Prometheus, prometheus
from services import Service
from test_rules import SECTIONS

from agents.broker import Broker, BrokerSpec
from agents.kafka import Outgoing, Publisher
from agents.up import free_ports
from streams.topics import Topic

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

FIRES_WITHIN_S = 40.0
FROZEN_S = 15.0
SHORT = """
    ListwireFeedFailing ListwireFeedsFailing ListwireFeedQuiet ListwireEgressBlocked ListwireParserKills
    ListwireSinkFailing ListwireSinkRefusing ListwireAlertsUndelivered ListwireDeadLetters
    ListwireDiskLow ListwireDiskFull ListwireMemoryHigh ListwireFilesRunningOut ListwireDown ListwireMetricsMissing
""".split()
LONG = """
    ListwireRestarting ListwireStandstill ListwireBehind ListwireFarBehind ListwireAlertsLate ListwireAlertsSlow
    ListwireNothingRead ListwireVersionSkew ListwireClockAhead ListwirePollFaults ListwireCanaryOld ListwireHeldOverdue
    ListwireBrokerErrors ListwirePublishRetries ListwireNoStories ListwireNothingPolled
""".split()


class Trial:
    """The services under fault, and which alerts have fired since each fault was caused."""

    def __init__(self, folder: Path, server: Prometheus, stand: Newsstand, broker: Broker, ports: list[int]) -> None:
        self.folder = folder
        self.server = server
        self.stand = stand
        self.broker = broker
        self.ports = ports
        self.fired: dict[str, float] = {}
        self.early: set[str] = set()
        feeds = folder / "feeds.toml"
        feeds.write_text(stand.feed_list(), "utf-8")
        self.environment = {
            "LISTWIRE_BROKER": broker.bootstrap,
            "LISTWIRE_DATA_DIR": str(folder),
            "LISTWIRE_FEEDS_FILE": str(feeds),
            "LISTWIRE_ALLOW_NETWORKS": "127.0.0.0/8",
            "LISTWIRE_SINKS": stand.sinks(folder),
            "LISTWIRE_BASELINE": "none",
        }
        self.worker = self.start(0, "worker", faults="hurried")
        self.web = self.start(2, "web")
        self.services = [self.worker, self.web]

    def start(self, place: int, *arguments: str, faults: str = "") -> Service:
        """A service at one of the ports that are scraped."""
        return Service(self.folder, self.ports[place], self.environment, *arguments, faults=faults)

    def start_poller(self) -> None:
        self.poller = self.start(1, "poll", "--interval", "1")
        self.services.append(self.poller)

    async def fires(self, *alerts: str) -> None:
        """Waits until each has fired, or its time is over; nobody has fired by now who waits for this fault."""
        await asyncio.gather(*map(self._fires, alerts))

    async def _fires(self, alert: str) -> None:
        began = asyncio.get_running_loop().time()
        try:
            await self.server.until(f'ALERTS{{alertname="{alert}",alertstate="firing"}}', FIRES_WITHIN_S)
        except TimeoutError:
            return
        self.fired[alert] = asyncio.get_running_loop().time() - began

    async def silent(self, *alerts: str) -> None:
        """Those that fire already would prove nothing."""
        names = "|".join(alerts)
        firing = await self.server.ask(f'ALERTS{{alertname=~"{names}",alertstate="firing"}}')
        self.early |= {series["metric"]["alertname"] for series in firing}

    async def watched(self, services: int) -> None:
        """Waits until Prometheus has seen what so many services count before anything goes wrong."""
        await self.server.until(
            f"count(count_over_time(listwire_stories_total[1m]) >= 2) >= {services}", FIRES_WITHIN_S
        )

    def java(self) -> psutil.Process:
        (process,) = psutil.Process(self.broker.process.pid).children()
        return process

    async def end(self) -> None:
        for service in self.services:
            await asyncio.to_thread(service.stop)


async def short_form(trial: Trial) -> None:
    """The faults that show within seconds, most of them at once."""
    await asyncio.gather(trial.worker.ready(), trial.web.ready())
    await trial.watched(2)
    await trial.silent(*SHORT[:8], "ListwireDeadLetters", "ListwireFilesRunningOut")
    trial.start_poller()
    await _poison(trial)
    _take_files(trial.web)
    await trial.fires(*SHORT[:13])
    await trial.silent("ListwireDown", "ListwireMetricsMissing")
    await asyncio.to_thread(trial.worker.kill)
    await asyncio.to_thread(trial.poller.kill)
    await trial.fires("ListwireDown", "ListwireMetricsMissing")


async def _poison(trial: Trial) -> None:
    publisher = Publisher(trial.broker.bootstrap)
    await publisher.start()
    await publisher.publish(Outgoing(Topic.STORIES, b"poison", b"no story"))
    await publisher.stop()


def _take_files(service: Service) -> None:
    """Leaves the process hardly more files than it has open."""
    process = psutil.Process(service.pid)
    _, most = process.rlimit(psutil.RLIMIT_NOFILE)
    process.rlimit(psutil.RLIMIT_NOFILE, (process.num_fds() + 4, most))


@asynccontextmanager
async def _trial(command: str, broker: Broker, folder: Path, workers: int) -> AsyncIterator[Trial]:
    ports = list(free_ports(4))
    targets = {"worker": (ports[0], ports[3])[:workers], "poller": (ports[1],), "web": (ports[2],)}
    async with newsstand() as stand, prometheus(command, folder / "prometheus", targets, hurried) as server:
        trial = Trial(folder, server, stand, broker, ports)
        try:
            yield trial
        finally:
            await trial.end()


@pytest.fixture(scope="module")
def try_out(
    prometheus_command: str, broker_spec: Callable[[Path], BrokerSpec], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Callable[[Trial], Awaitable[None]]], Trial]:
    """Runs a form of the trial on a broker of its own."""

    def run(form: Callable[[Trial], Awaitable[None]], workers: int = 1) -> Trial:
        folder = tmp_path_factory.mktemp("tripped")
        with Broker.start(broker_spec(folder / "broker"), lambda _: None) as broker:
            return asyncio.run(_run(form, broker, folder, workers))

    async def _run(form: Callable[[Trial], Awaitable[None]], broker: Broker, folder: Path, workers: int) -> Trial:
        async with _trial(prometheus_command, broker, folder, workers) as trial:
            await form(trial)
        return trial

    return run


@pytest.fixture(scope="module")
def short(try_out: Callable[..., Trial]) -> Trial:
    return try_out(short_form)


@pytest.mark.parametrize("alert", SHORT)
def test_it_fires_at_a_real_fault(short: Trial, alert: str) -> None:
    assert alert in short.fired, f"silent; fired: {short.fired}"
    assert alert not in short.early


def test_what_the_runbook_calls_tried_was_tried() -> None:
    tried = {heading for heading, says in SECTIONS.items() if "**Tried** As a rule only." not in says}
    assert tried == {*SHORT, *LONG}
