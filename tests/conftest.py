"""What tests of several parts share: a real Apache Kafka, and a header that says what it runs on."""

import os
import platform
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any, NoReturn

import msgspec
import pytest
from prometheus_client import REGISTRY

from agents.broker import Broker, BrokerError, BrokerSpec, BrokerUnavailableError, prepare
from agents.broker_jars import find_java, java_version
from agents.messages import Incoming
from agents.settings import load_settings
from streams.alerts import settle, status_of
from streams.classifying import classify
from streams.codec import encode
from streams.ledger import open_entry
from streams.reading import read
from streams.records import (
    Alert,
    AlertId,
    AuthorityKey,
    Classified,
    Entry,
    Evidence,
    GroupKey,
    LedgerKey,
    Report,
    Story,
    StoryId,
    StoryRef,
    ledger_key,
)
from streams.registry import Registry, load_registry
from streams.reports import reports
from streams.topics import Topic
from streams.vocabulary import AlertKind, AlertStatus, Change, Level, Stage, State


def pytest_report_header() -> list[str]:
    try:
        java = find_java()
        found = f"{java_version(java)} ({java})"
    except BrokerError as error:
        found = str(error)
    return [f"java: {found}", f"machine: {platform.platform()}, {os.cpu_count()} cores"]


@pytest.fixture(scope="session")
def lacking() -> Callable[[str], NoReturn]:
    """To be called with what a test lacks here: skips it, or fails it in CI, where nothing may lack."""

    def give_up(reason: str) -> NoReturn:
        if os.environ.get("CI"):
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)

    return give_up


@pytest.fixture(scope="session")
def broker_spec(lacking: Callable[[str], NoReturn]) -> Callable[[Path], BrokerSpec]:
    """The spec of a broker in a given data folder; its Java and jars are there.

    They come from where the settings say, by default from the user's own cache.
    """
    settings = load_settings()

    def spec(data_dir: Path) -> BrokerSpec:
        return BrokerSpec(data_dir, settings.cache_dir, settings.kafka_jars, settings.maven_repository)

    try:
        prepare(spec(Path()), progress=lambda _: None)
    except BrokerUnavailableError as error:
        lacking(f"no Apache Kafka: {error}")
    return spec


@pytest.fixture(scope="session")
def kafka(broker_spec: Callable[[Path], BrokerSpec], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The `host:port` of one Apache Kafka for all tests, empty at first: each names topics of its own."""
    with Broker.start(broker_spec(tmp_path_factory.mktemp("kafka")), lambda _: None) as broker:
        yield broker.bootstrap


class Meter:
    """What the metrics say now, and how far one has moved since the test began."""

    def __init__(self) -> None:
        self._before = self._samples()

    def value(self, name: str, **labels: str) -> float | None:
        """The value of a series; None: there is none."""
        return self._samples().get((name, frozenset(labels.items())))

    def moved(self, name: str, **labels: str) -> float:
        """How much a counter, or a histogram's `_count` or `_sum`, has grown."""
        return (self.value(name, **labels) or 0.0) - self._before.get((name, frozenset(labels.items())), 0.0)

    @staticmethod
    def _samples() -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
        families = REGISTRY.collect()
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in families
            for sample in family.samples
        }


@pytest.fixture
def meter() -> Meter:
    """Reads the metrics of this process."""
    return Meter()


_OF_A_STORY = frozenset(StoryRef.__struct_fields__) - frozenset(Alert.__struct_fields__)


@pytest.fixture(scope="session")
def alert_of() -> Callable[..., Alert]:
    """Makes an alert, with the changes that are named."""
    text = "The decision to take the Taliban off the list has been made at the highest level"
    story = StoryRef(
        id=StoryId("s1"),
        revision=1,
        feed="agency",
        headline="Moscow to drop the Taliban from its terror list",
        published=datetime(2024, 10, 4, 9, 30, tzinfo=UTC),
        language="en",
        link="https://agency.example/1?a=1&b=2",
        source="The Agency",
    )
    facts = {
        "id": AlertId("a1b2c3"),
        "revision": 1,
        "kind": AlertKind.STEP,
        "status": AlertStatus.LIVE,
        "level": Level.CONFIRMED,
        "from_state": State.LISTED,
        "to_state": State.DELISTING_DECIDED,
        "authority": AuthorityKey("ru"),
        "authority_name": "Russia",
        "group": GroupKey("taliban"),
        "group_name": "Taliban",
        "change": Change.DELISTING,
        "stage": Stage.DECIDED,
        "bundle": "b",
        "evidence": Evidence(rule="decided", start=0, end=len(text), text=text),
        "story": story,
        "confidence": 0.9,
        "confirmed": True,
        "reason": "new",
        "speaker": "Russia's Foreign Ministry",
        "medium": "TASS",
    }

    def make(**changes: Any) -> Alert:
        told = {name: changes.pop(name) for name in list(changes) if name in _OF_A_STORY}
        return Alert(**(facts | {"story": msgspec.structs.replace(story, **told)} | changes))

    return make


class Newsroom:
    """Stories in, the messages out that the agents would put on the topics for them, in order."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self._entries: dict[LedgerKey, Entry] = {}
        self._keys: dict[StoryId, frozenset[LedgerKey]] = {}
        self._offsets = count()

    def tell(self, guid: str, headline: str, body: str, published: datetime, **more: object) -> list[Incoming]:
        """What a story causes; `more` are further fields of it."""
        first = {"id": guid, "guid": guid, "feed": "agency", "received_at": published, "published": published}
        story = msgspec.convert({**first, "headline": headline, "body": body, **more}, Story)
        relevant = classify(story, self.registry)
        if not isinstance(relevant, Classified):
            return []
        told = reports(relevant, read(story, self.registry), self._keys.get(story.id, frozenset()))
        self._keys[story.id] = frozenset(ledger_key(r.authority, r.group) for r in told)
        messages = [self.message(Topic.RELEVANT, story.id, encode(relevant), published)]
        for report in told:
            messages += self._settle(ledger_key(report.authority, report.group), report, published)
        return messages

    def message(self, topic: Topic, key: str, value: bytes | None, at: datetime) -> Incoming:
        """A message as a consumer gets it."""
        return Incoming(topic, 0, next(self._offsets), key.encode(), value, (), at.timestamp())

    def _settle(self, key: LedgerKey, report: Report, at: datetime) -> list[Incoming]:
        known = self._entries.get(key) or open_entry(report.authority, report.group, self.registry)
        entry, alerts = settle(known, report, self.registry)
        self._entries[key] = entry
        out = [self.message(Topic.CLAIMS, key, encode(report), at)]
        out += [self.message(Topic.ALERTS, key, encode(alert), at) for alert in alerts]
        status = self.message(Topic.STATUS, key, encode(status_of(entry, out[0].offset)), at)
        return [*out, status]


@pytest.fixture(scope="session")
def bare_registry() -> Registry:
    """The registry, and a ledger that starts from nothing."""
    return load_registry().without_baseline()


@pytest.fixture
def newsroom(bare_registry: Registry) -> Newsroom:
    """One of the test's own, whose ledger knows nothing yet."""
    return Newsroom(bare_registry)
