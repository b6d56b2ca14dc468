"""The topics on a broker: made from the table before anything runs, and looked at."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code

from agents.handshake import refusal
from agents.link import Bootstrap, client_options, linked
from agents.messages import BrokerDown, BrokerError, BrokerRefused, TopicState
from agents.reaching import CONNECT_S, PATIENCE_S, patience, require_broker
from streams.topics import TOPICS, TopicSpec


async def create_topics(bootstrap: Bootstrap, replication: int = 1, specs: Sequence[TopicSpec] = TOPICS) -> list[str]:
    """Creates the topics that are missing and returns their names; those present keep what they hold.

    Returns when all have leaders. Raises BrokerDown, or BrokerError when the broker refuses or a topic has
    another partition count than ours: with another count keys no longer lie where the logs have them.
    """
    async with Admin(bootstrap) as admin:
        present = await admin.states(specs)
        missing = [spec for spec in specs if spec.topic not in present]
        if missing:
            await admin.create(missing, replication)
            present = await admin.states_once_led(specs)
        for spec in specs:
            there = present[spec.topic].partitions
            if there != spec.partitions:
                problem = f"topic {spec.topic} has {there} partitions, Listwire needs {spec.partitions}"
                raise BrokerError(bootstrap, problem)
        return [str(spec.topic) for spec in missing]


async def describe_topics(bootstrap: Bootstrap) -> list[TopicState]:
    """Our topics as the broker has them, in the order of the table; one that is absent has no partitions."""
    async with Admin(bootstrap) as admin:
        present = await admin.states(TOPICS)
    return [present.get(spec.topic, TopicState(spec.topic, 0, 0, 0)) for spec in TOPICS]


class Admin:
    """A client for the broker's administration, open inside `async with`. Raises BrokerDown or BrokerRefused."""

    def __init__(self, bootstrap: Bootstrap) -> None:
        self._bootstrap = bootstrap
        self._client: Any = None

    @property
    def client(self) -> Any:
        """aiokafka's own, for what is asked in one place alone."""
        return self._client

    async def __aenter__(self) -> Admin:
        await require_broker(self._bootstrap)
        self._client = AIOKafkaAdminClient(**client_options(self._bootstrap), request_timeout_ms=CONNECT_S * 1000)
        try:
            async with patience(self._bootstrap, "listens, but does not answer as Kafka does", 2 * CONNECT_S):
                await self._client.start()
        except BrokerDown:
            await self._client.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.close()

    async def states(self, specs: Iterable[TopicSpec]) -> dict[str, TopicState]:
        """The topics of these that are there, by name."""
        wanted = {str(spec.topic) for spec in specs}
        async with patience(self._bootstrap, "does not tell its topics", 2 * CONNECT_S):
            topics = await self._client.describe_topics()
        return {topic["topic"]: _state(topic) for topic in topics if topic["topic"] in wanted}

    async def states_once_led(self, specs: Sequence[TopicSpec]) -> dict[str, TopicState]:
        """A topic that was created is known to each broker a little later, and has leaders later still."""
        async with patience(self._bootstrap, "gives new topics no leaders", PATIENCE_S):
            while True:
                present = await self.states(specs)
                if all(spec.topic in present and not present[spec.topic].leaderless for spec in specs):
                    return present
                await asyncio.sleep(0.1)

    async def create(self, specs: Sequence[TopicSpec], replication: int) -> None:
        """Asks for these topics. Raises BrokerError where the broker will not make one."""
        extra = {"min.insync.replicas": "2"} if replication > 2 else {}
        topics = [
            NewTopic(str(spec.topic), spec.partitions, replication, topic_configs=spec.config() | extra)
            for spec in specs
        ]
        async with patience(self._bootstrap, "creates no topics", PATIENCE_S):
            answer = await self._client.create_topics(topics)
        for topic, code, message in answer.topic_errors:
            # Another process may be creating them at the same time.
            if code and for_code(code) is not TopicAlreadyExistsError:
                if refused := refusal(for_code(code)(topic), linked(self._bootstrap)):
                    raise BrokerRefused(self._bootstrap, *refused)
                raise BrokerError(self._bootstrap, f"topic {topic}: {message or for_code(code).__name__}")


def _state(topic: dict[str, Any]) -> TopicState:
    return TopicState(
        topic["topic"],
        len(topic["partitions"]),
        min((len(partition["replicas"]) for partition in topic["partitions"]), default=0),
        sum(partition["leader"] < 0 for partition in topic["partitions"]),
    )
