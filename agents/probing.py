"""Looks at feeds once and all at the same time, as politely as the poller: a few at once, one at a time a host.

Nothing is published or remembered, no validator is sent, and no broker is needed.
"""

import asyncio
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec.structs import replace

from agents.clock import utcnow
from agents.fetching import Fetcher
from agents.hosts import Hosts
from agents.parsing import Parser, ParserKilled, Request
from streams.errors import WireError
from streams.feeds import FeedSpec
from streams.polling import Fetched, Outcome
from streams.probes import Probe, probed
from streams.wires.documents import Document

AT_ONCE = 8
HOST_SPACING_S = 1.0


async def probe_all(
    feeds: Sequence[FeedSpec],
    fetcher: Fetcher,
    parser: Parser,
    *,
    done: Callable[[Probe], None] = lambda probe: None,
    host_spacing_s: float = HOST_SPACING_S,
) -> list[Probe]:
    """A probe of each feed, in their order; `done` hears of each as it comes."""
    slots = asyncio.Semaphore(AT_ONCE)
    hosts = Hosts(utcnow, asyncio.sleep, host_spacing_s)

    async def one(feed: FeedSpec) -> Probe:
        if feed.folder is not None:
            probe = await asyncio.to_thread(_probe_folder, feed, Path(feed.folder))
        else:
            async with hosts.turn(feed.host), slots:  # first the host, or feeds of one host would wait in all the slots
                probe = await _probe(feed, fetcher, parser)
        done(probe)
        return probe

    async with asyncio.TaskGroup() as tasks:
        probing = [tasks.create_task(one(feed)) for feed in feeds]
    return [task.result() for task in probing]


async def _probe(feed: FeedSpec, fetcher: Fetcher, parser: Parser) -> Probe:
    started = time.perf_counter()
    fetched = await fetcher.fetch(feed)
    seconds = time.perf_counter() - started
    fetched, document = await _read(feed, fetched, parser)
    return probed(feed, fetched, document, utcnow(), seconds=seconds)


async def _read(feed: FeedSpec, fetched: Fetched, parser: Parser) -> tuple[Fetched, Document | None]:
    """The document, or the answer with the reason why there is none."""
    if fetched.outcome is not Outcome.OK:
        return fetched, None
    request = Request(feed=feed, received_at=utcnow(), media_type=fetched.media_type, url=fetched.url)
    try:
        return fetched, await parser.parse(fetched.body, request)
    except WireError as error:
        return replace(fetched, outcome=Outcome(error.reason), detail=error.detail), None
    except ParserKilled as error:
        return replace(fetched, outcome=Outcome.PARSER_KILLED, detail=error.detail), None


def _probe_folder(feed: FeedSpec, folder: Path) -> Probe:
    """Whether files could be moved there: it takes to list, to enter and to write."""
    started = time.perf_counter()
    problem = None if os.access(folder, os.R_OK | os.W_OK | os.X_OK) else f"no right to move files in {folder}"
    problem = problem if folder.is_dir() else f"no folder {folder}"
    outcome = Outcome.CONNECT_ERROR if problem else Outcome.OK
    seconds = time.perf_counter() - started
    return Probe(key=feed.key, url=str(folder), fine=not problem, outcome=outcome, seconds=seconds, problem=problem)
