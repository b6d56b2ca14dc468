"""What tests of several parts share: a real Apache Kafka, and a header that says what it runs on."""

import os
import platform
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

import msgspec
import pytest

from agents.broker import Broker, BrokerError, BrokerSpec, BrokerUnavailableError, prepare
from agents.broker_jars import find_java, java_version
from agents.settings import load_settings
from streams.records import Alert, AlertId, AuthorityKey, Evidence, GroupKey, StoryId, StoryRef
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
