"""`listwire tail`: follow a topic, alerts by default, as text or JSON."""

from __future__ import annotations

import asyncio
import sys
from typing import Annotated, Any

import typer
from aiokafka import AIOKafkaConsumer
from rich.console import Console

from agents.cli.options import BrokerFlag, Config, DataDir, settings_of, with_broker
from agents.clock import utcnow
from agents.kafka import require_broker
from agents.rendering import WIDTH, plain, render
from streams.codec import decode
from streams.errors import RecordError, SettingsError
from streams.records import Alert
from streams.topics import Topic


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("tail")(tail)


def tail(
    topic: Annotated[str, typer.Argument(help="A topic; see `listwire topics describe`.")] = Topic.ALERTS.value,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a message.")] = False,
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
    settings = with_broker(settings_of(config, broker=broker, data_dir=data_dir))
    show = _show_json if as_json or topic != Topic.ALERTS else _show_alert
    asyncio.run(_follow(str(settings.broker), topic, show, new=new, count=count, until_end=until_end))


async def _follow(bootstrap: str, topic: str, show: Any, *, new: bool, count: int | None, until_end: bool) -> None:
    await require_broker(bootstrap)
    reset = "latest" if new else "earliest"
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset=reset)
    await consumer.start()
    try:
        ends = await consumer.end_offsets(consumer.assignment()) if until_end else None
        shown = 0
        while not (ends is not None and await _at(consumer, ends)) and (count is None or shown < count):
            for records in (await consumer.getmany(timeout_ms=300)).values():
                for record in records[: None if count is None else count - shown]:
                    show(record)
                    shown += 1
    finally:
        await consumer.stop()


async def _at(consumer: Any, ends: dict[Any, int]) -> bool:
    return all([await consumer.position(partition) >= end for partition, end in ends.items()])


def _show_json(record: Any) -> None:
    sys.stdout.buffer.write((record.value if record.value is not None else b"null") + b"\n")
    sys.stdout.buffer.flush()


def _show_alert(record: Any) -> None:
    try:
        alert = decode(record.value, Alert)
    except RecordError as error:
        sys.stderr.write(f"listwire: {record.topic}/{record.partition}/{record.offset}: {plain(str(error))}\n")
        return
    console = Console(highlight=False, emoji=False, markup=False)
    console.print(render(alert, utcnow(), min(WIDTH, console.width)))
    console.print()
