"""README's consumer, as it stands there, against a real Apache Kafka; and what a log gives a late subscriber."""

import asyncio
import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agents.broker import Broker, BrokerSpec
from agents.demo.outcome import outcome
from agents.kafka import Outgoing, Publisher, create_topics
from agents.memory import LogReader
from streams.cloudevents import Event
from streams.registry import load_registry
from streams.topics import TOPICS, Topic

pytestmark = pytest.mark.kafka

README = (Path(__file__).parent.parent / "README.md").read_text("utf-8")


@pytest.fixture(scope="module")
def bootstrap(broker_spec: Callable[[Path], BrokerSpec], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A broker of this module's own: the consumer reads our topics by their names."""
    with Broker.start(broker_spec(tmp_path_factory.mktemp("subscribing")), lambda _: None) as broker:
        asyncio.run(_fill(broker.bootstrap, outcome(load_registry())))
        yield broker.bootstrap


async def _fill(bootstrap: str, events: tuple[Event, ...]) -> None:
    await create_topics(bootstrap)
    publisher = Publisher(bootstrap)
    await publisher.start()
    await publisher.publish(*(Outgoing(*event) for event in events))
    await publisher.stop()


def told(event: Event) -> str:
    """The line that the consumer prints."""
    alert = json.loads(event.value)
    return f"{alert['id']}.{alert['revision']} {alert['status']} {alert['level']} {alert['evidence']['text']}"


async def test_the_consumer_of_the_readme_prints_every_alert(bootstrap: str, tmp_path: Path) -> None:
    block = re.search(r"<!-- subscribe -->\n```python\n(.*?)```\n<!-- /subscribe -->", README, re.DOTALL)
    assert block
    (tmp_path / "consumer.py").write_text(block[1], "utf-8")
    expected = sorted(told(event) for event in outcome(load_registry()) if event.topic == Topic.ALERTS)
    consumer = await asyncio.create_subprocess_exec(
        sys.executable, str(tmp_path / "consumer.py"), env=os.environ | {"LISTWIRE_BROKER": bootstrap}, stdout=-1
    )
    assert consumer.stdout is not None
    try:
        async with asyncio.timeout(60):
            lines = [(await consumer.stdout.readline()).decode().rstrip("\n") for _ in expected]
    finally:
        consumer.kill()
        await consumer.communicate()
    assert sorted(lines) == expected


async def test_headers_and_values_are_in_the_log_as_they_were_made(bootstrap: str) -> None:
    read = LogReader(bootstrap)
    found = [
        Event(spec.topic, message.key or b"", message.value or b"", message.headers)
        for spec in TOPICS
        for partition in range(spec.partitions)
        async for message in read(spec.topic, partition, 0, None)
    ]
    assert sorted(found) == sorted(outcome(load_registry()))


async def test_order_holds_within_a_key(bootstrap: str) -> None:
    read = LogReader(bootstrap)
    revisions = [
        json.loads(message.value or b"")["revision"]
        for partition in range(4)
        async for message in read(Topic.ALERTS, partition, 0, None)
        if message.key == b"kg|taliban"
    ]
    assert revisions == [1, 2]
