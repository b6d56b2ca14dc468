"""`listwire deadletters`: what could not be handled, why, and once the cause is mended, back to where it came from."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Annotated

import orjson
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from agents.cli.deadletters_shown import count_lines, dump, line, page
from agents.cli.options import BrokerFlag, Config, DataDir, settings_of, with_broker
from agents.deadletter import Reason
from agents.kafka import Publisher, create_topics
from agents.letterbox import Box, Filed, in_order, left_behind, read_box, send_back, whole
from agents.letters import NotReplayableError, again
from agents.link_settings import link_of
from agents.memory import LogReader
from agents.rendering import plain
from agents.settings import Settings
from streams.errors import ListwireError, SettingsError
from streams.retention import specs
from streams.topics import Topic

Ids = Annotated[list[str], typer.Argument(metavar="ID...", help="The letters, as `list` has them: 3:17.")]
Id = Annotated[str, typer.Argument(metavar="ID", help="The letter, as `list` has it: 3:17.")]
Reasons = Annotated[
    list[str] | None,
    typer.Option("--reason", metavar="R", help="Those of this reason; may be repeated.", show_default=False),
]
Origin = Annotated[
    str | None, typer.Option("--topic", metavar="T", help="Those that came from this topic.", show_default=False)
]

_ID = re.compile(r"\d{1,9}:\d{1,18}", re.ASCII)


class NoSuchLetterError(ListwireError):
    """There is no letter at that place, or no longer."""


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(
        no_args_is_help=True, help="Messages that could not be handled: why, and once more.", rich_markup_mode=None
    )
    group.command("list")(list_)
    group.command("show")(show)
    group.command("replay")(replay)
    app.add_typer(group, name="deadletters")


def list_(
    reasons: Reasons = None,
    topic: Origin = None,
    since: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Those since this day or time (UTC if it has no zone).", show_default=False),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Only the newest N.", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a letter.")] = False,
    broker: BrokerFlag = None,
    data_dir: DataDir = None,
    config: Config = None,
) -> None:
    """The letters, the newest last: id, when, reason, origin, error; `*` marks what was sent again. Then the counts."""
    start = _moment(since)
    settings = with_broker(settings_of(config, broker=broker, data_dir=data_dir))
    box = asyncio.run(_box(settings))
    found = [one for one in _matching(box, reasons, topic) if start is None or one.at >= start]
    for one in found[-limit:] if limit else found:
        typer.echo(orjson.dumps(dump(one)) if as_json else line(one))
    if not as_json:
        typer.echo("\n".join(count_lines(found)))


def show(
    place: Id,
    raw: Annotated[bool, typer.Option("--raw", help="Nothing but the bytes of the message, as they came.")] = False,
    broker: BrokerFlag = None,
    data_dir: DataDir = None,
    config: Config = None,
) -> None:
    """All that is known of one letter, and what the message was."""
    _require_ids([place])
    settings = with_broker(settings_of(config, broker=broker, data_dir=data_dir))
    one = asyncio.run(_letter(settings, place))
    if not raw:
        typer.echo(page(one))
        return
    sys.stdout.buffer.write(one.letter.value or b"")
    sys.stdout.buffer.flush()
    if one.letter.cut is not None:
        raise NotReplayableError(f"{place}: these are {one.size} of {one.letter.cut} bytes; the rest was not kept")


def replay(
    ids: Ids = [],  # noqa: B006 - how typer says that an argument may be absent
    reasons: Reasons = None,
    topic: Origin = None,
    everything: Annotated[bool, typer.Option("--all", help="All that were not sent again yet.")] = False,
    once_more: Annotated[bool, typer.Option("--again", help="Also what was sent again before.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would be sent, and send nothing.")] = False,
    broker: BrokerFlag = None,
    data_dir: DataDir = None,
    config: Config = None,
) -> None:
    """Send the messages of letters again, as they were, to the topic that they came from, and mark the letters.

    A sink's letter goes to that sink alone. What still fails becomes a dead letter again, and counts the attempt. To
    send one twice is harmless: alerts are known by their ids. Exit code 1 if one cannot be sent.
    """
    if sum([bool(ids), bool(reasons or topic), everything]) != 1:
        raise SettingsError("give either ids, or --reason and --topic, or --all")
    _require_ids(ids)
    settings = with_broker(settings_of(config, broker=broker, data_dir=data_dir))
    choose = partial(_chosen, ids=ids, reasons=reasons, topic=topic, once_more=once_more)
    if not asyncio.run(_replayed(settings, choose, dry_run)):
        raise typer.Exit(1)


async def _box(settings: Settings) -> Box:
    bootstrap = link_of(settings)
    await create_topics(bootstrap, settings.replication, specs(settings.retention))
    with _bar("letters read") as step:
        box = await read_box(LogReader(bootstrap), step)
    for place in box.strangers:
        _say(f"{place}: no dead letter")
    return box


async def _letter(settings: Settings, place: str) -> Filed:
    (known,) = _named(await _box(settings), [place])
    async for one in whole(LogReader(link_of(settings)), [known]):
        return one
    raise NoSuchLetterError(f"{place}: gone by now")


async def _replayed(settings: Settings, choose: Callable[[Box], list[Filed]], dry_run: bool) -> bool:
    """Whether all that were chosen are, or would be, on their way."""
    box = await _box(settings)
    chosen = choose(box)
    for one, later in left_behind(box, chosen):
        _say(f"{one.place}: {later.place} is a later letter of the same story and is not sent with it")
    sent = await _send(settings, chosen, dry_run)
    typer.echo(f"{sent} of {len(chosen)} {'would be ' if dry_run else ''}sent again")
    return sent == len(chosen)


async def _send(settings: Settings, chosen: list[Filed], dry_run: bool) -> int:
    """How many went, or would go."""
    bootstrap, sent, left = link_of(settings), 0, {one.place for one in chosen}
    publisher = Publisher(bootstrap)
    await publisher.start()
    try:
        with _bar("letters sent", len(chosen)) as step:
            async for one in whole(LogReader(bootstrap), chosen):
                left.discard(one.place)
                sent += await _went(publisher, one, dry_run)
                step()
    finally:
        await publisher.stop()
    for place in sorted(left):
        _say(f"{place}: gone by now")
    return sent


async def _went(publisher: Publisher, one: Filed, dry_run: bool) -> bool:
    try:
        topic = again(one.letter).topic if dry_run else await send_back(publisher, one)
    except NotReplayableError as error:
        _say(f"{one.place}: cannot be sent again: {error}")
        return False
    to = f"{topic} for {one.letter.sink}" if topic == Topic.RESEND else topic
    typer.echo(plain(f"{one.place} {one.origin} -> {to}"))
    return True


def _chosen(
    box: Box, ids: Sequence[str], reasons: Sequence[str] | None, topic: str | None, once_more: bool
) -> list[Filed]:
    """What is to be sent, in order. Raises NoSuchLetterError, SettingsError."""
    found = _named(box, ids) if ids else _matching(box, reasons, topic)
    if not once_more:
        for one in (one for one in found if one.replayed and ids):
            _say(f"{one.place}: sent again before; --again sends it once more")
        found = [one for one in found if not one.replayed]
    return in_order(found)


def _named(box: Box, ids: Sequence[str]) -> list[Filed]:
    known = {one.place: one for one in box.letters}
    missing = [place for place in ids if place not in known]
    if missing:
        raise NoSuchLetterError(f"no dead letter {', '.join(missing)}; see `listwire deadletters list`")
    return [known[place] for place in dict.fromkeys(ids)]


def _matching(box: Box, reasons: Sequence[str] | None, topic: str | None) -> list[Filed]:
    """Those of these reasons and this topic. Raises SettingsError for what is neither ours nor in the box."""
    _require_known("--reason", reasons or (), {*Reason, *(one.letter.reason for one in box.letters)})
    _require_known("--topic", [topic] if topic else (), {*Topic, *(one.letter.topic for one in box.letters)})
    return [
        one
        for one in box.letters
        if (not reasons or one.letter.reason in reasons) and (topic is None or one.letter.topic == topic)
    ]


def _require_known(flag: str, given: Sequence[str], known: set[str]) -> None:
    for word in given:
        if word not in known:
            raise SettingsError(f"{flag}: {word!r} is not known (known: {plain(', '.join(sorted(known)))})")


def _require_ids(ids: Sequence[str]) -> None:
    for place in ids:
        if not _ID.fullmatch(place):
            raise SettingsError(f"{place!r} is no id of a dead letter, such as 3:17")


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        told = datetime.fromisoformat(text)
    except ValueError:
        raise SettingsError(f"--since: {text!r} is no time; write 2024-10-04 or 2024-10-04T09:30Z") from None
    return told if told.tzinfo else told.replace(tzinfo=UTC)


@contextmanager
def _bar(what: str, total: int | None = None) -> Iterator[Callable[[], None]]:
    """A bar on stderr while the block runs, none where stderr is no terminal; call what it gives for each step."""
    columns = BarColumn(), MofNCompleteColumn(), TextColumn(what)
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=total)
        yield lambda: progress.advance(task)


def _say(text: str) -> None:
    sys.stderr.write(f"listwire: {plain(text)}\n")
