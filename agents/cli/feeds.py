"""`listwire feeds`: the feed list, and what a document holds; whether feeds work is `feeds_test`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from msgspec import to_builtins

from agents.cli import feed_list, feeds_coverage, feeds_held
from agents.cli.feeds_test import register_test
from agents.cli.options import BrokerFlag, Config, DataDir, feeds_of, settings_of
from agents.clock import utcnow
from streams.errors import ListwireError, SettingsError, WireError
from streams.records import Story
from streams.wires import decode


class DocumentError(ListwireError):
    """A file that can not be read as a wire document."""


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True, help="The feed list, and documents of feeds.", rich_markup_mode=None)
    group.command("list")(list_feeds)
    register_test(group)
    group.command("parse")(parse)
    feed_list.register(group)
    feeds_held.register(group)
    feeds_coverage.register(group)
    app.add_typer(group, name="feeds")


def list_feeds(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a feed.")] = False,
    live: Annotated[bool, typer.Option("--live", help="What the running pollers have, not the file.")] = False,
    broker: BrokerFlag = None,
    data_dir: DataDir = None,
    config: Config = None,
) -> None:
    """Every feed of the list, the disabled ones with their reason."""
    settings = settings_of(config, broker=broker, data_dir=data_dir)
    feeds = [feed for feed, _ in feed_list.live_feeds(settings).values()] if live else feeds_of(settings, None)
    for feed in feeds:
        if as_json:
            typer.echo(orjson.dumps(to_builtins(feed)).decode())
            continue
        mark = "on " if feed.enabled else "off"
        note = f"  ({feed.note})" if feed.note and not feed.enabled else ""
        typer.echo(f"{mark} {feed.key:32} {feed.folder or feed.url}{note}")


def parse(
    file: Annotated[Path, typer.Argument(help="A wire document.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a story.")] = False,
    content_type: Annotated[str | None, typer.Option(help="Content type, as a hint.", show_default=False)] = None,
    url: Annotated[
        str | None, typer.Option(help="Where the document came from: base of its links.", show_default=False)
    ] = None,
) -> None:
    """The stories in a document, as the poller would publish them."""
    try:
        raw = file.read_bytes()
        document = decode(raw, "parse", utcnow(), media_type=content_type, url=url)
    except OSError as error:
        raise SettingsError(f"{file}: {error.strerror}") from None
    except WireError as error:
        raise DocumentError(f"{file}: {error}") from None
    for story in document.stories:
        typer.echo(
            orjson.dumps(_fields(story)).decode() if as_json else f"{story.published or 'undated'}  {story.headline}"
        )


_FIELDS = tuple(
    "guid revision headline body published revised language link slugline byline dateline urgency subjects pub_status "
    "signals embargoed_until complete feed source".split()
)


def _fields(story: Story) -> dict[str, Any]:
    """The Story's fields as the command-line contract names them."""
    fields = to_builtins(story)
    return {name: fields[name] for name in _FIELDS}
