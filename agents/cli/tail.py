"""`listwire tail`: follow a topic, alerts by default, as text or JSON."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from itertools import chain
from typing import Annotated, Any
from urllib.parse import parse_qsl

import typer
from aiokafka import AIOKafkaConsumer
from rich.console import Console

from agents.cli.options import BrokerFlag, Config, DataDir, settings_of, with_broker
from agents.clock import utcnow
from agents.kafka import require_broker
from agents.link import Bootstrap, client_options
from agents.link_settings import link_of
from agents.messages import is_canary
from agents.rendering import WIDTH, plain, render
from streams.codec import decode
from streams.errors import RecordError, SettingsError
from streams.filters import EVERYTHING, KEYS, Filter, parse_filter, require_known
from streams.records import Alert, AlertId
from streams.registry import load_registry
from streams.topics import Topic

Show = Callable[[Any], bool]
"""Shows a record; False if it was left out."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("tail")(tail)


def tail(
    topic: Annotated[str, typer.Argument(help="A topic; see `listwire topics describe`.")] = Topic.ALERTS.value,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a message.")] = False,
    only: Annotated[
        str | None,
        typer.Option(
            "--only",
            metavar="FILTER",
            help="Alerts like these, as in a sink's URL: 'authority=ru,us&level=confirmed'. Later revisions follow.",
            show_default=False,
        ),
    ] = None,
    new: Annotated[bool, typer.Option("--new", help="Only what comes from now on.")] = False,
    count: Annotated[
        int | None,
        typer.Option("--count", "-n", help="Stop after so many messages.", min=1, show_default=False),
    ] = None,
    until_end: Annotated[bool, typer.Option("--until-end", help="Stop at what is there now.")] = False,
    broker: BrokerFlag = None,
    data_dir: DataDir = None,
    config: Config = None,
) -> None:
    """Follow a topic from its beginning, in no consumer group: reading it changes nothing."""
    if topic not in set(Topic):
        raise SettingsError(f"no topic {topic!r} (known: {', '.join(Topic)})")
    wanted = _filter(only, topic)
    settings = with_broker(settings_of(config, broker=broker, data_dir=data_dir))
    show: Show = _show_json if as_json or topic != Topic.ALERTS else _show_alert
    if only is not None:
        show = _Chosen(wanted, show)
    asyncio.run(_follow(link_of(settings), topic, show, new=new, count=count, until_end=until_end))


async def _follow(
    bootstrap: Bootstrap, topic: str, show: Show, *, new: bool, count: int | None, until_end: bool
) -> None:
    await require_broker(bootstrap, topic)
    reset = "latest" if new else "earliest"
    consumer = AIOKafkaConsumer(topic, **client_options(bootstrap), enable_auto_commit=False, auto_offset_reset=reset)
    await consumer.start()
    try:
        ends = await consumer.end_offsets(consumer.assignment()) if until_end else None
        shown = 0
        while not (ends is not None and await _at(consumer, ends)) and (count is None or shown < count):
            came = await consumer.getmany(timeout_ms=300)
            for record in chain.from_iterable(came.values()):
                wanted = (count is None or shown < count) and not is_canary(record.headers)
                shown += wanted and show(record)
    finally:
        await consumer.stop()


def _filter(only: str | None, topic: str) -> Filter:
    if only is None:
        return EVERYTHING
    if topic != Topic.ALERTS:
        raise SettingsError(f"--only: {topic} holds no alerts")
    options = dict(parse_qsl(only, keep_blank_values=True))
    for name in options.keys() - set(KEYS):
        raise SettingsError(f"--only: no filter {name!r} (known: {', '.join(KEYS)})")
    if not options:
        raise SettingsError(f"--only: {only!r} is no filter, such as authority=ru&level=confirmed")
    wanted = parse_filter(options)
    registry = load_registry()
    require_known(wanted, registry.authorities, registry.groups)
    return wanted


class _Chosen:
    """Shows the alerts that are wanted, and every later revision of those."""

    def __init__(self, wanted: Filter, show: Show) -> None:
        self._wanted = wanted
        self._show = show
        self._followed: set[AlertId] = set()

    def __call__(self, record: Any) -> bool:
        try:
            alert = decode(record.value, Alert)
        except RecordError:
            return self._show(record)  # it says what is wrong with it
        if alert.id not in self._followed and not self._wanted.admits(alert):
            return False
        self._followed.add(alert.id)
        return self._show(record)


async def _at(consumer: Any, ends: dict[Any, int]) -> bool:
    return all([await consumer.position(partition) >= end for partition, end in ends.items()])


def _show_json(record: Any) -> bool:
    sys.stdout.buffer.write((record.value if record.value is not None else b"null") + b"\n")
    sys.stdout.buffer.flush()
    return True


def _show_alert(record: Any) -> bool:
    try:
        alert = decode(record.value, Alert)
    except RecordError as error:
        sys.stderr.write(f"listwire: {record.topic}/{record.partition}/{record.offset}: {plain(str(error))}\n")
        return True
    console = Console(highlight=False, emoji=False, markup=False)
    console.print(render(alert, utcnow(), min(WIDTH, console.width)))
    console.print()
    return True
