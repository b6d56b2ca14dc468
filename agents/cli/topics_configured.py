"""`listwire topics create|describe|configure`: the topics on the broker, and how long they keep what is in them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from typing import Annotated

import typer

from agents.cli.options import BrokerFlag, Config, settings_of, with_broker
from agents.kafka import create_topics, describe_topics
from agents.link_settings import link_of
from agents.settings import Settings
from agents.topic_configs import Configs, Drift, mend, read_configs, read_drift
from streams.retention import Difference, period, shortfalls, specs
from streams.topics import TOPICS, TopicSpec


def register_topics(group: typer.Typer) -> None:
    """Add the commands to the group `topics`."""
    group.command("create")(create)
    group.command("describe")(describe)
    group.command("configure")(configure)


def create(
    broker: BrokerFlag = None,
    replication: Annotated[int | None, typer.Option(help="Copies of each topic.", min=1, show_default=False)] = None,
    config: Config = None,
) -> None:
    """Create every topic that is absent; refuse those whose partitions are not ours.

    New ones are kept as LISTWIRE_RETENTION says. Those that are there stay as they are: what is otherwise is told, and
    `listwire topics configure` changes it.
    """
    settings = with_broker(settings_of(config, broker=broker, replication=replication))
    asyncio.run(create_topics(link_of(settings), settings.replication, specs(settings.retention)))
    typer.echo(f"{len(TOPICS)} topics are there on {settings.broker}")
    drift = asyncio.run(read_drift(link_of(settings), specs(settings.retention)))
    _tell([*_lines(drift), *_advice(settings)])
    if drift:
        _tell(["`listwire topics configure --dry-run` shows what would change"])


def describe(broker: BrokerFlag = None, config: Config = None) -> None:
    """What is on the broker, beside what should be. Exit code 1 if a topic is absent."""
    settings = with_broker(settings_of(config, broker=broker))
    link, table = link_of(settings), specs(settings.retention)
    states = asyncio.run(describe_topics(link))
    configs = asyncio.run(read_configs(link, [spec for spec, s in zip(table, states, strict=True) if s.partitions]))
    for spec, state in zip(table, states, strict=True):
        found = f"{state.partitions} partitions" if state.partitions else "absent"
        typer.echo(f"{spec.topic:22} {found:14} {_kept(spec, configs.get(spec.topic)):12} {spec.purpose}")
    _tell([*_lines(asyncio.run(read_drift(link, table))), *_advice(settings)])
    if not all(state.partitions for state in states):
        raise typer.Exit(1)


def configure(
    broker: BrokerFlag = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would change.")] = False,
    shorten: Annotated[
        bool, typer.Option("--shorten", help="Also where the broker then deletes what it keeps now.")
    ] = False,
    config: Config = None,
) -> None:
    """Configure the topics that are there as the table and LISTWIRE_RETENTION say.

    What somebody set on them besides is left alone. A topic that would be kept for less time than now is changed only
    with --shorten. Exit code 1 if one was left out for want of it.
    """
    settings = with_broker(settings_of(config, broker=broker))
    link = link_of(settings)
    drift = asyncio.run(read_drift(link, specs(settings.retention)))
    _tell(_advice(settings))
    if not drift:
        typer.echo("nothing to change")
        return
    chosen = [one for one in drift if shorten or not one.shortens]
    if not dry_run:
        asyncio.run(mend(link, chosen))
    for line in _lines(chosen):
        typer.echo(f"{'would change' if dry_run else 'changed'} {line}")
    left = [one for one in drift if one not in chosen]
    _tell(f"left as it is {line}; what is older would be deleted: say --shorten" for line in _lines(left))
    if left:
        raise typer.Exit(1)


def _kept(spec: TopicSpec, configs: Configs | None) -> str:
    """How long it is kept there, or would be if it were there."""
    kept = None if configs is None else configs.in_force.get("retention.ms")
    compacted = spec.compacted if configs is None else "compact" in (configs.in_force.get("cleanup.policy") or "")
    if compacted:
        return "compacted"
    milliseconds = spec.retention_ms if kept is None else int(kept)
    if milliseconds < 0:
        return "for ever"
    days, rest = divmod(milliseconds, 86_400_000)
    return period(milliseconds) if rest or days < 2 else f"{days} days"


def _lines(drift: Iterable[Drift]) -> Iterator[str]:
    for one in drift:
        for difference in one.differences:
            yield f"{one.spec.topic}: {difference.name} {_words(difference)}"


def _words(difference: Difference) -> str:
    if difference.name == "retention.ms" and difference.have is not None:
        return f"{period(int(difference.have))} -> {period(int(difference.want))}"
    return f"{difference.have} -> {difference.want}"


def _advice(settings: Settings) -> Iterator[str]:
    return shortfalls(settings.retention, settings.sink_patience_s)


def _tell(lines: Iterable[str]) -> None:
    for line in lines:
        typer.echo(line, err=True)
