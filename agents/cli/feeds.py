"""`listwire feeds`: the feed list, whether feeds work, and what a document holds."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from msgspec import to_builtins

from agents.cli import feed_list
from agents.cli.options import BrokerFlag, Config, DataDir, FeedUrls, feeds_of, settings_of
from agents.clock import utcnow
from agents.fetching import Fetcher
from agents.parsing import Parser, ParserKilled, Request
from streams.errors import ListwireError, SettingsError, WireError
from streams.feeds import FeedSpec
from streams.polling import Outcome
from streams.records import Story
from streams.wires import decode


class DocumentError(ListwireError):
    """A file that can not be read as a wire document."""


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True, help="The feed list, and documents of feeds.", rich_markup_mode=None)
    group.command("list")(list_feeds)
    group.command("test")(test)
    group.command("parse")(parse)
    feed_list.register(group)
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
        typer.echo(f"{mark} {feed.key:32} {feed.url}{note}")


def test(
    feed: FeedUrls = None,
    keys: Annotated[
        list[str] | None,
        typer.Argument(metavar="[KEY]...", help="Feeds of the list; all enabled ones if absent.", show_default=False),
    ] = None,
    config: Config = None,
) -> None:
    """Fetch and parse feeds once, without a broker, and say how each fares. Exit code 1 if one fails."""
    settings = settings_of(config)
    feeds = feeds_of(settings, feed)
    wanted = [f for f in feeds if f.key in keys] if keys else [f for f in feeds if f.enabled]
    if keys and len(wanted) < len(set(keys)):
        raise DocumentError(f"not in the feed list: {', '.join(sorted(set(keys) - {f.key for f in wanted}))}")
    results = asyncio.run(_try_all(wanted, Fetcher(contact=settings.contact, allowed=settings.allow_networks)))
    for spec, (fine, text) in zip(wanted, results, strict=True):
        typer.echo(f"{'ok  ' if fine else 'FAIL'} {spec.key:32} {text}")
    if not all(fine for fine, _ in results):
        raise typer.Exit(1)


async def _try_all(feeds: list[FeedSpec], fetcher: Fetcher) -> list[tuple[bool, str]]:
    parser = Parser()
    async with fetcher:
        try:
            return [await _try(feed, fetcher, parser) for feed in feeds]
        finally:
            await parser.close()


async def _try(feed: FeedSpec, fetcher: Fetcher, parser: Parser) -> tuple[bool, str]:
    fetched = await fetcher.fetch(feed.url)
    if fetched.outcome is not Outcome.OK:
        return False, f"{fetched.outcome}: {fetched.detail}"
    request = Request(feed=feed, received_at=utcnow(), media_type=fetched.media_type, url=fetched.url)
    try:
        document = await parser.parse(fetched.body, request)
    except (WireError, ParserKilled) as error:
        return False, str(error)
    newest = max((s.published for s in document.stories if s.published), default=None)
    return True, f"{len(document.stories)} stories, newest {newest.isoformat() if newest else 'undated'}"


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
