"""How our topics are configured on a broker, beside how they should be, and the way to make it so.

The client knows only the call that replaces all that is set on a topic. So what somebody set besides is read first
and sent along: two who change one topic in the same moment may undo each other, and nobody else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import for_code

from agents.admin import Admin
from agents.handshake import refusal
from agents.link import Bootstrap, linked
from agents.messages import BrokerError, BrokerRefused
from agents.reaching import CONNECT_S, patience
from streams.retention import Difference, differences
from streams.topics import TopicSpec

SEEN_S = 20.0
SET_ON_TOPIC = 1  # Kafka's number for the source of a configuration that was set on the topic itself


class Configs(NamedTuple):
    """The configuration of a topic: all that is in force, and what of it was set on the topic."""

    in_force: Mapping[str, str | None]
    own: Mapping[str, str]


class Drift(NamedTuple):
    """A topic that is configured otherwise than the table says."""

    spec: TopicSpec
    differences: tuple[Difference, ...]

    @property
    def shortens(self) -> bool:
        """Whether mending it makes the broker delete what it keeps now."""
        return any(_is_less(one.want, one.have) for one in self.differences if one.name == "retention.ms")


async def read_configs(bootstrap: Bootstrap, specs: Sequence[TopicSpec]) -> dict[str, Configs]:
    """The configuration of those topics that are there. Raises BrokerDown or BrokerRefused."""
    async with Admin(bootstrap) as admin:
        return await _read(bootstrap, admin.client, specs)


async def read_drift(bootstrap: Bootstrap, specs: Sequence[TopicSpec]) -> list[Drift]:
    """The topics that are there and configured otherwise, in the order of the table."""
    return _drift(specs, await read_configs(bootstrap, specs))


async def mend(bootstrap: Bootstrap, drift: Sequence[Drift]) -> None:
    """Configures these topics as the table says, and returns when the broker tells it so."""
    specs = [one.spec for one in drift]
    async with Admin(bootstrap) as admin:
        present = await _read(bootstrap, admin.client, specs)
        wanted = [
            ConfigResource(ConfigResourceType.TOPIC, str(spec.topic), dict(present[spec.topic].own) | spec.config())
            for spec in specs
            if spec.topic in present
        ]
        async with patience(bootstrap, "configures no topics", SEEN_S):
            for answer in await admin.client.alter_configs(wanted):
                for code, message, _, topic in answer.resources:
                    _raise_if_refused(bootstrap, code, message, topic)
            while _drift(specs, await _read(bootstrap, admin.client, specs)):  # noqa: ASYNC110 - only asking tells
                await asyncio.sleep(0.1)


async def _read(bootstrap: Bootstrap, client: Any, specs: Sequence[TopicSpec]) -> dict[str, Configs]:
    asked = [ConfigResource(ConfigResourceType.TOPIC, str(spec.topic)) for spec in specs]
    if not asked:
        return {}
    found: dict[str, Configs] = {}
    async with patience(bootstrap, "does not tell how topics are configured", 2 * CONNECT_S):
        for answer in await client.describe_configs(asked):
            for code, message, _, topic, entries in answer.resources:
                if code and for_code(code).__name__ == "UnknownTopicOrPartitionError":
                    continue
                _raise_if_refused(bootstrap, code, message, topic)
                own = {entry[0]: entry[1] for entry in entries if entry[3] == SET_ON_TOPIC}
                found[topic] = Configs({entry[0]: entry[1] for entry in entries}, own)
    return found


def _drift(specs: Sequence[TopicSpec], present: Mapping[str, Configs]) -> list[Drift]:
    found = (Drift(s, differences(s, present[s.topic].in_force)) for s in specs if s.topic in present)
    return [drift for drift in found if drift.differences]


def _raise_if_refused(bootstrap: Bootstrap, code: int, message: str | None, topic: str) -> None:
    if not code:
        return
    error = for_code(code)
    if refused := refusal(error(topic), linked(bootstrap)):
        raise BrokerRefused(bootstrap, *refused)
    raise BrokerError(bootstrap, f"topic {topic}: {message or error.__name__}")


def _is_less(want: str, have: str | None) -> bool:
    if want == "-1" or have is None:
        return False
    return have == "-1" or int(want) < int(have)
