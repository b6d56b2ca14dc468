"""The parser in its process: it answers, it can be killed, and it never outlives who asked."""

import asyncio
import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agents.parsing import Parser, ParserKilled, ParserLimits, Request
from streams import wires
from streams.errors import WireError
from streams.feeds import FeedSpec

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
FEED = FeedSpec(key="f", url="https://feed.example/rss", name="F")
REQUEST = Request(feed=FEED, received_at=NOW, media_type="text/xml", url="https://feed.example/rss")
GOOD = b"<rss version='2.0'><channel><item><guid>1</guid><title>One</title></item></channel></rss>"
ENDLESS = GOOD.replace(b"<title>", b"<author>" + b"a" * 400_000 + b"</author><title>")
"""feedparser looks for an address in `author` with an expression whose time grows with the square of the text."""


@pytest.fixture
async def parser() -> AsyncIterator[Parser]:
    parser = Parser(limits=ParserLimits(cpu_s=1, wall_s=20))
    yield parser
    await parser.close()


def workers_of(parent: int) -> list[int]:
    found = []
    for status in Path("/proc").glob("[0-9]*/status"):
        with contextlib.suppress(OSError):
            text = status.read_text()
            if re.search(rf"^PPid:\t{parent}$", text, re.MULTILINE) and "State:\tZ" not in text:
                if b"agents.parsing" in (status.parent / "cmdline").read_bytes():
                    found.append(int(status.parent.name))
    return found


async def test_it_gives_what_decode_gives(parser: Parser) -> None:
    expected = wires.decode(GOOD, FEED, NOW, media_type=REQUEST.media_type, url=REQUEST.url)
    assert await parser.parse(GOOD, REQUEST) == expected


async def test_it_refuses_with_the_reason_of_decode(parser: Parser) -> None:
    with pytest.raises(WireError) as refused:
        await parser.parse(b"<!DOCTYPE html><html></html>", REQUEST)
    assert refused.value.reason == "html"


async def test_one_worker_serves_many_documents(parser: Parser) -> None:
    documents = await asyncio.gather(*(parser.parse(GOOD, REQUEST) for _ in range(20)))
    assert len({document.stories for document in documents}) == 1
    assert len(workers_of(os.getpid())) == 1


async def test_a_document_that_takes_too_much_time_is_killed_and_the_next_is_read(parser: Parser) -> None:
    with pytest.raises(ParserKilled, match="f: parser killed"):
        await parser.parse(ENDLESS, REQUEST)
    assert (await parser.parse(GOOD, REQUEST)).stories[0].guid == "1"


async def test_the_clock_ends_what_the_processor_limit_does_not() -> None:
    parser = Parser(limits=ParserLimits(cpu_s=60, wall_s=0.5))
    with pytest.raises(ParserKilled, match=r"no answer within 0\.5 s"):
        await parser.parse(ENDLESS, REQUEST)
    assert workers_of(os.getpid()) == []
    await parser.close()


async def test_a_worker_that_needs_more_memory_than_it_may_have_is_replaced() -> None:
    parser = Parser(limits=ParserLimits(memory_mib=160))
    items = b"".join(b"<item><guid>%d</guid></item>" % n for n in range(120_000))
    with pytest.raises(ParserKilled):
        await parser.parse(GOOD.replace(b"<item>", items + b"<item>", 1), REQUEST)
    assert (await parser.parse(GOOD, REQUEST)).stories[0].guid == "1"
    await parser.close()


async def test_a_worker_is_replaced_after_so_many_documents() -> None:
    parser = Parser(limits=ParserLimits(documents=2))
    seen = set()
    for _ in range(4):
        await parser.parse(GOOD, REQUEST)
        seen.update(workers_of(os.getpid()))
    assert len(seen) in {1, 2}
    assert workers_of(os.getpid()) == []


async def test_a_worker_killed_from_outside_is_not_blamed_on_the_next_document(parser: Parser) -> None:
    await parser.parse(GOOD, REQUEST)
    (worker,) = workers_of(os.getpid())
    os.kill(worker, signal.SIGKILL)
    while worker in workers_of(os.getpid()):
        await asyncio.sleep(0)
    assert (await parser.parse(GOOD, REQUEST)).stories[0].guid == "1"


async def test_asking_can_be_cancelled_without_mixing_up_the_answers(parser: Parser) -> None:
    asking = asyncio.create_task(parser.parse(ENDLESS, REQUEST))
    while not workers_of(os.getpid()):
        await asyncio.sleep(0.01)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert workers_of(os.getpid()) == []
    assert (await parser.parse(GOOD, REQUEST)).stories[0].guid == "1"


PARENT = """
import asyncio, sys
from tests_of_parsing import GOOD, ENDLESS, REQUEST
from agents.parsing import Parser

async def main():
    parser = Parser()
    await parser.parse(GOOD, REQUEST)
    print("ready", flush=True)
    await parser.parse(ENDLESS, REQUEST) if sys.argv[1] == "busy" else await asyncio.sleep(60)

asyncio.run(main())
"""


@pytest.mark.parametrize("state", ["idle", "busy"])
def test_the_worker_dies_with_its_parent_even_by_kill_9(state: str, tmp_path: Path) -> None:
    (tmp_path / "tests_of_parsing.py").write_text(Path(__file__).read_text("utf-8"), "utf-8")
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    command = [sys.executable, "-c", PARENT, state]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
    ) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"ready\n"
        (worker,) = workers_of(parent.pid)
        descriptor = os.pidfd_open(worker)
        parent.kill()
    try:
        assert ended_within(descriptor, 20.0)
    finally:
        os.close(descriptor)


def ended_within(descriptor: int, seconds: float) -> bool:
    import select

    return bool(select.select([descriptor], [], [], seconds)[0])
