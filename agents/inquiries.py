"""Questions to a broker that the client library does not ask, or whose answers it reads wrong. None changes anything.

What a principal may do with a topic or a group is told by the broker itself, in a field of two answers: the library
does not know the one, and takes the other for an older one without that field, so that every group after the first of
an answer is read askew.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, NamedTuple

from aiokafka.client import AIOKafkaClient, CoordinationType
from aiokafka.errors import GroupCoordinatorNotAvailableError
from aiokafka.protocol.admin import ApiVersionRequest
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Array, Boolean, Bytes, Int16, Int32, Schema, String

from agents.handshake import NOT_ALLOWED
from agents.link import Bootstrap, client_options
from agents.reaching import CONNECT_S, patience
from streams.acls import Operation

_TEXT = String("utf-8")
_BITS = {
    Operation.READ: 3,
    Operation.WRITE: 4,
    Operation.CREATE: 5,
    Operation.DESCRIBE: 8,
    Operation.DESCRIBE_CONFIGS: 10,
    Operation.ALTER_CONFIGS: 11,
}
"""Kafka's numbers of what may be done, which are the bits of the field."""

_UNKNOWN_TOPIC = 3
_NOT_TOLD = -(2**31)

Rights = frozenset[Operation]


class GroupState(NamedTuple):
    """A consumer group: how many read in it, and what we may do with it."""

    name: str
    members: int
    rights: Rights | None
    """None: a group that does not exist has no rights to tell of."""


class _MetadataResponse(Response):  # type: ignore[misc]
    API_KEY = 3
    API_VERSION = 8
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("brokers", Array(("node_id", Int32), ("host", _TEXT), ("port", Int32), ("rack", _TEXT))),
        ("cluster_id", _TEXT),
        ("controller_id", Int32),
        (
            "topics",
            Array(
                ("error_code", Int16),
                ("topic", _TEXT),
                ("is_internal", Boolean),
                (
                    "partitions",
                    Array(
                        ("error_code", Int16),
                        ("partition", Int32),
                        ("leader", Int32),
                        ("leader_epoch", Int32),
                        ("replicas", Array(Int32)),
                        ("isr", Array(Int32)),
                        ("offline", Array(Int32)),
                    ),
                ),
                ("authorized_operations", Int32),
            ),
        ),
        ("cluster_authorized_operations", Int32),
    )


class _MetadataStruct(RequestStruct):  # type: ignore[misc]
    API_KEY = 3
    API_VERSION = 8
    RESPONSE_TYPE = _MetadataResponse
    SCHEMA = Schema(
        ("topics", Array(_TEXT)),
        ("allow_auto_topic_creation", Boolean),
        ("include_cluster_authorized_operations", Boolean),
        ("include_topic_authorized_operations", Boolean),
    )


class _Metadata(Request[_MetadataStruct]):  # type: ignore[misc]
    API_KEY = 3

    def __init__(self, topics: list[str]) -> None:
        self._topics = topics

    def build(self, struct: type[_MetadataStruct]) -> _MetadataStruct:
        return struct(self._topics, False, False, True)


class _GroupsResponse(Response):  # type: ignore[misc]
    API_KEY = 15
    API_VERSION = 3
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "groups",
            Array(
                ("error_code", Int16),
                ("group", _TEXT),
                ("state", _TEXT),
                ("protocol_type", _TEXT),
                ("protocol", _TEXT),
                (
                    "members",
                    Array(
                        ("member_id", _TEXT),
                        ("client_id", _TEXT),
                        ("client_host", _TEXT),
                        ("member_metadata", Bytes),
                        ("member_assignment", Bytes),
                    ),
                ),
                ("authorized_operations", Int32),
            ),
        ),
    )


class _GroupsStruct(RequestStruct):  # type: ignore[misc]
    API_KEY = 15
    API_VERSION = 3
    RESPONSE_TYPE = _GroupsResponse
    SCHEMA = Schema(("groups", Array(_TEXT)), ("include_authorized_operations", Boolean))


class _Groups(Request[_GroupsStruct]):  # type: ignore[misc]
    API_KEY = 15

    def __init__(self, group: str) -> None:
        self._group = group

    def build(self, struct: type[_GroupsStruct]) -> _GroupsStruct:
        return struct([self._group], True)


class Inquirer:
    """Asks; each answer is of this moment."""

    def __init__(self, client: Any) -> None:
        self._client = client

    async def versions(self) -> Mapping[int, tuple[int, int]]:
        """The least and the highest version of each of Kafka's requests that the broker speaks."""
        answer = await self._client.send(self._client.get_random_node(), ApiVersionRequest())
        return {key: (low, high) for key, low, high in answer.api_versions}

    async def topics(self, names: Iterable[str]) -> Mapping[str, Rights]:
        """What we may do with each topic; nothing where it is hidden from us. Absent ones are left out."""
        answer = await self._client.send(self._client.get_random_node(), _Metadata([*names]))
        return {
            topic[1]: frozenset() if topic[0] else _rights(topic[4])
            for topic in answer.topics
            if topic[0] != _UNKNOWN_TOPIC
        }

    async def group(self, name: str) -> GroupState:
        """A group, which need not exist; no right where it is hidden from us."""
        try:
            node = await self._coordinator(name)
        except NOT_ALLOWED:
            return GroupState(name, 0, frozenset())
        answer = await self._client.send(node, _Groups(name))
        ((error, _, _, _, _, members, operations),) = answer.groups
        if operations == _NOT_TOLD and not error:
            return GroupState(name, len(members), None)
        return GroupState(name, len(members), frozenset() if error else _rights(operations))

    async def _coordinator(self, group: str) -> int:
        """Who knows of the group; a broker that never had one makes the topic of their places first."""
        while True:
            with suppress(GroupCoordinatorNotAvailableError):
                return int(await self._client.coordinator_lookup(CoordinationType.GROUP, group))
            await asyncio.sleep(0.2)


@asynccontextmanager
async def inquiring(bootstrap: Bootstrap, problem: str = "does not answer what it is asked") -> AsyncIterator[Inquirer]:
    """Somebody who asks. Raises BrokerDown or BrokerRefused."""
    client = AIOKafkaClient(**client_options(bootstrap), request_timeout_ms=CONNECT_S * 1000)
    try:
        async with patience(bootstrap, problem, 6 * CONNECT_S):
            await client.bootstrap()
            yield Inquirer(client)
    finally:
        await client.close()


def _rights(bits: int) -> Rights:
    return frozenset(operation for operation, bit in _BITS.items() if bits >> bit & 1)
