"""The worker: classifier, detector, bookkeeper and heralds in one process and one event loop.

    topics ▶ publisher ▶ health ▶ agents, heralds     ... a signal, or the death of one of them ...     back

A signal lets the events at hand finish and exits with 0. If a service dies, all stop and the exit code is 1,
so that whoever supervises us starts us again: half a worker that looks alive is the worst of failures.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from functools import partial
from typing import Any

from agents.app import GROUP, Assignment, Station, build_app
from agents.bookkeeper import Bookkeeper, Rules
from agents.classifier import Classifier
from agents.deadletter import Guard, Publishes, exit_now
from agents.detector import Detector
from agents.health import serving
from agents.herald import Herald
from agents.kafka import Publisher, create_topics
from agents.link_settings import link_of
from agents.logs import get_logger
from agents.memory import LogReader, ReadLog
from agents.metrics import Step, begin_registry
from agents.sentinel import Sentinel
from agents.settings import Settings
from agents.signals import stop_signal
from agents.sinks import Sink, means_of, open_sinks
from agents.vitals import tell_vitals
from agents.watch import unready, watching
from streams.alerts import settle, status_of
from streams.classifying import classify
from streams.errors import SettingsError
from streams.filters import Filter, require_known
from streams.ledger import open_entry
from streams.outlets import parse_outlet
from streams.reading import read
from streams.records import Classified, Story, StoryId
from streams.registry import Registry
from streams.reports import reports
from streams.retention import specs
from streams.stalls import LIMITS, Limits, Stalls
from streams.topics import Topic

STOP_S = 30.0
"""How long the events at hand may take to finish; compose and systemd must wait longer before they kill."""

logger = get_logger("worker")


async def run_worker(
    settings: Settings, registry: Registry, sinks: dict[str, Sink] | None = None, limits: Limits = LIMITS
) -> int:
    """Runs until a signal (0) or the death of a service (1). `sinks` by URL; None: those of the settings.

    `limits`: how long a part may stand still before the watch ends the process.

    Raises SettingsError or BrokerError, before anything has started, for what an operator has to put right.
    """
    broker = link_of(settings)
    rehearse(registry)
    outlets = sinks if sinks is not None else open_sinks(settings.sinks, means_of(settings))
    wanted = {url: _wanted(url, registry) for url in outlets}
    await create_topics(broker, settings.replication, specs(settings.retention))
    publisher = Publisher(broker)
    await publisher.start()
    read_log = LogReader(broker)
    heralds = [
        Herald(broker, url, sink, publisher, read_log, wanted[url], settings.sink_patience_s)
        for url, sink in outlets.items()
    ]
    stalls = Stalls(limits)
    sentinel = Sentinel(broker, GROUP, publisher, stalls)
    agents = stations(registry, publisher, sentinel.listening(read_log))
    app, assignment = build_app(broker, agents, settings.data_dir, bystander=sentinel)
    tell_vitals(settings.data_dir)
    begin_registry(registry.authorities, registry.groups)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(publisher.stop)
        missing = partial(_missing, publisher, assignment, stalls)
        await stack.enter_async_context(serving(settings.metrics_host, settings.metrics_port, missing))
        await stack.enter_async_context(watching(stalls))
        return await _run(app, heralds, sentinel)


def _wanted(url: str, registry: Registry) -> Filter:
    outlet = parse_outlet(url)
    try:
        require_known(outlet.wanted, registry.authorities, registry.groups)
    except SettingsError as error:
        raise outlet.refusal(str(error)) from None
    return outlet.wanted


def stations(registry: Registry, publisher: Publishes, read_log: ReadLog) -> list[Station]:
    """The three agents, each with its topic, its guard and its memory."""
    detector = Detector(registry, read_log, read, reports)
    bookkeeper = Bookkeeper(registry, read_log, Rules(open_entry, settle, status_of))
    classifier = Classifier(registry, classify)
    return [
        Station(
            Topic.STORIES,
            Guard("classifier", classifier, publisher, step=Step.CLASSIFIED),
            classifier.forget,
            passes=classifier.passes,
        ),
        Station(
            Topic.RELEVANT,
            Guard("detector", detector, publisher, detector.prepare, step=Step.READ),
            detector.memory.forget,
        ),
        Station(
            Topic.CLAIMS,
            Guard("bookkeeper", bookkeeper, publisher, bookkeeper.prepare, mark=bookkeeper.mark, step=Step.ANNOUNCED),
            bookkeeper.forget,
            upkeep=Guard("upkeep", bookkeeper.mend, publisher, bookkeeper.prepare, deadline_s=None),
        ),
    ]


def rehearse(registry: Registry) -> None:
    """Reads a story that nobody sent, so that every phrasebook and model is loaded before the first real one.

    A broken data file so stops the worker at its start, where it would otherwise bury story after story.
    """
    group = next(group for group in registry.groups.values() if registry.matcher.find(group.name))
    text = f"The government has banned {group.name}, the interior ministry said."
    day = datetime(2000, 1, 1, tzinfo=UTC)
    story = Story(id=StoryId("rehearsal"), feed="", guid="", headline=text, body=text, received_at=day, published=day)
    classified = classify(story, registry)
    if isinstance(classified, Classified):
        reports(classified, read(story, registry), ())


async def _run(app: Any, heralds: Sequence[Herald], sentinel: Sentinel | None = None) -> int:
    stop = stop_signal()
    services = [asyncio.create_task(herald.run(), name=f"herald {herald.scheme}") for herald in heralds]
    services.append(asyncio.create_task(_agents(app), name="agents"))
    if sentinel is not None:
        services.append(asyncio.create_task(sentinel.run(), name="sentinel"))
    stopping = asyncio.create_task(stop.wait(), name="signal")
    try:
        await asyncio.wait([stopping, *services], return_when=asyncio.FIRST_COMPLETED)
        return 0 if stop.is_set() else _obituary(services)
    finally:
        await _stop(app, [stopping, *services])


async def _agents(app: Any) -> None:
    await app.start()
    await app.wait_for_stopped()
    raise app.crash_reason or RuntimeError("the agents stopped by themselves")


def _obituary(services: Iterable[asyncio.Task[None]]) -> int:
    for service in services:
        if service.done():
            logger.critical("service died", service=service.get_name(), error=repr(service.exception()))
    return 1


async def _stop(app: Any, tasks: Sequence[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    try:
        async with asyncio.timeout(STOP_S):
            await app.stop()
            await asyncio.gather(*tasks, return_exceptions=True)
    except TimeoutError:
        logger.critical("events at hand do not finish", seconds=STOP_S)
        exit_now()  # nothing of them is committed, so they come again


async def _missing(publisher: Publisher, assignment: Assignment, stalls: Stalls) -> list[str]:
    problems = [] if await publisher.reachable() else [f"broker {publisher.bootstrap} does not answer"]
    if assignment.partitions is None:
        problems.append("no partitions assigned yet")
    return [*problems, *unready(stalls)]
