"""Alerts that fire at real faults: real services, a real broker, a real Prometheus with the rules' times shortened."""

import asyncio
import os
import re
import signal
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest
from newsstand import FEEDS
from queries import SECTIONS
from services import Service
from tripping import FIRES_WITHIN_S, Trial, trying

from agents.broker import Broker, BrokerSpec
from agents.kafka import Outgoing
from streams.topics import Topic

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

AT_ONCE = """
    ListwireFeedFailing ListwireFeedsFailing ListwireFeedQuiet ListwireEgressBlocked ListwireParserKills
    ListwireSinkFailing ListwireSinkRefusing ListwireAlertsUndelivered ListwireDeadLetters ListwireFilesRunningOut
    ListwireChangesMissed
""".split()
TOO_SMALL = ["ListwireDiskLow", "ListwireDiskFull", "ListwireMemoryHigh"]
SHORT = [*AT_ONCE, *TOO_SMALL, "ListwireDown", "ListwireMetricsMissing"]
LONG = """
    ListwireRestarting ListwireStandstill ListwireBehind ListwireFarBehind ListwireAlertsLate ListwireAlertsSlow
    ListwireNothingRead ListwireVersionSkew ListwireClockAhead ListwirePollFaults ListwireCanaryOld ListwireHeldOverdue
    ListwireBrokerErrors ListwirePublishRetries ListwireNoStories ListwireNothingPolled
""".split()

Form = Callable[[Trial], Awaitable[None]]


async def short_form(trial: Trial) -> None:
    """The faults that show within seconds, most of them at once."""
    await trial.silent(*AT_ONCE)
    trial.start_poller()
    await trial.publish(Outgoing(Topic.STORIES, b"poison", b"no story"))
    _take_files(trial.web)
    await trial.fires(*AT_ONCE, *TOO_SMALL)
    await trial.silent("ListwireDown", "ListwireMetricsMissing")
    await asyncio.to_thread(trial.worker.kill)
    await asyncio.to_thread(trial.poller.kill)
    await trial.fires("ListwireDown", "ListwireMetricsMissing")


def _take_files(service: Service) -> None:
    """Leaves the process hardly more files than it has open."""
    process = psutil.Process(service.pid)
    _, most = process.rlimit(psutil.RLIMIT_NOFILE)
    process.rlimit(psutil.RLIMIT_NOFILE, (process.num_fds() + 2, most))


async def long_form(trial: Trial) -> None:
    """One fault after the other."""
    trial.start_poller()
    await trial.watched(3)
    await trial.silent(*LONG)
    for step in (restarted, stopped, hung, undecided, of_two_versions, unfed, faulty, frozen, ahead, without_broker):
        await step(trial)


async def restarted(trial: Trial) -> None:
    for _ in range(3):
        await trial.replaced(trial.worker, "hurried")
    await trial.fires("ListwireRestarting")


async def stopped(trial: Trial) -> None:
    trial.worker.signal(signal.SIGSTOP)
    await asyncio.sleep(6)
    trial.worker.signal(signal.SIGCONT)
    await trial.fires("ListwireAlertsLate", "ListwireAlertsSlow")


async def hung(trial: Trial) -> None:
    await trial.replaced(trial.worker, "hurried,hang")
    await trial.fires("ListwireStandstill", "ListwireBehind", "ListwireFarBehind")
    await trial.replaced(trial.worker, "hurried")
    await trial.worker.ready()


async def undecided(trial: Trial) -> None:
    """A worker joins and the only other one, which is frozen, does not agree."""
    await trial.server.until('absent(ALERTS{alertname="ListwireNothingRead"})', FIRES_WITHIN_S)
    trial.worker.signal(signal.SIGSTOP)
    trial.start_second_worker()
    await trial.fires("ListwireNothingRead")
    trial.worker.signal(signal.SIGCONT)
    await asyncio.to_thread(trial.second_worker.stop)


async def of_two_versions(trial: Trial) -> None:
    metadata = trial.folder / "other" / "listwire-99.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: listwire\nVersion: 99\n", "utf-8")
    path = os.pathsep.join(filter(None, (str(metadata.parent), os.environ.get("PYTHONPATH"))))
    await asyncio.to_thread(trial.web.stop)
    trial.web.restart(PYTHONPATH=path)
    await trial.fires("ListwireVersionSkew")


async def ahead(trial: Trial) -> None:
    """Its feeds are due two minutes late afterwards."""
    await trial.replaced(trial.poller, "ahead")
    await trial.fires("ListwireClockAhead")


async def faulty(trial: Trial) -> None:
    await trial.replaced(trial.poller, "broken")
    await trial.fires("ListwirePollFaults")
    await trial.replaced(trial.poller, "refused")
    await trial.fires("ListwirePublishRetries")
    await trial.replaced(trial.poller)


async def frozen(trial: Trial) -> None:
    """The broker takes and gives nothing, while an embargo ends."""
    trial.stand.embargo_ends = datetime.now(UTC) + timedelta(seconds=10)
    await trial.server.until("max(listwire_held_next_release_timestamp_seconds) > 0", FIRES_WITHIN_S)
    trial.java().suspend()
    await trial.fires("ListwireCanaryOld", "ListwireHeldOverdue")
    trial.java().resume()


async def unfed(trial: Trial) -> None:
    """Feeds have nothing new, then there are none; the next poller that starts brings those of its file again."""
    trial.stand.silent = True
    await trial.fires("ListwireNoStories")
    trial.stand.silent = False
    await trial.publish(*(Outgoing(Topic.FEEDS, key.encode(), None) for key in FEEDS))
    await trial.fires("ListwireNothingPolled")


async def without_broker(trial: Trial) -> None:
    trial.java().kill()
    await trial.fires("ListwireBrokerErrors")


@pytest.fixture(scope="module")
def try_out(
    prometheus_command: str, broker_spec: Callable[[Path], BrokerSpec], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Form, int], Trial]:
    """Runs a form of the trial on a broker of its own, with so many workers watched."""

    def run(form: Form, workers: int) -> Trial:
        folder = tmp_path_factory.mktemp("tripped")
        with Broker.start(broker_spec(folder / "broker"), lambda _: None) as broker:
            return asyncio.run(_run(form, workers, broker, folder))

    async def _run(form: Form, workers: int, broker: Broker, folder: Path) -> Trial:
        async with trying(prometheus_command, broker, folder, workers) as trial:
            await form(trial)
        return trial

    return run


@pytest.fixture(scope="module")
def short(try_out: Callable[[Form, int], Trial]) -> Trial:
    return try_out(short_form, 1)


@pytest.fixture(scope="module")
def long(try_out: Callable[[Form, int], Trial]) -> Trial:
    return try_out(long_form, 2)


@pytest.mark.parametrize("alert", SHORT)
def test_it_fires_at_a_real_fault(short: Trial, alert: str) -> None:
    assert alert in short.fired, f"silent; fired: {short.fired}"
    assert alert not in short.early


@pytest.mark.long
@pytest.mark.parametrize("alert", LONG)
def test_it_fires_at_a_real_fault_that_takes_longer(long: Trial, alert: str) -> None:
    assert alert in long.fired, f"silent; fired: {long.fired}"
    assert alert not in long.early


@pytest.mark.parametrize("alert", SHORT)
def test_what_it_says_is_filled_in(short: Trial, alert: str) -> None:
    assert_filled_in(short.said[alert])


@pytest.mark.long
@pytest.mark.parametrize("alert", LONG)
def test_what_it_says_is_filled_in_too(long: Trial, alert: str) -> None:
    assert_filled_in(long.said[alert])


def assert_filled_in(said: list[dict[str, str]]) -> None:
    """A label that is not there would leave two spaces, or brackets with nothing in them."""
    assert said
    for told in said:
        text = f"{told['summary']} {told['description']} "
        assert not re.search(r"  | [.,;:]|\(\)|<", text), text


def test_what_the_runbook_calls_tried_was_tried() -> None:
    tried = {heading for heading, says in SECTIONS.items() if "**Tried** As a rule only." not in says}
    assert tried == {*SHORT, *LONG}
