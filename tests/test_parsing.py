"""The parser in its process: it answers, it can be killed, and it never outlives who asked."""

import asyncio
import os
import select
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from agents.metrics import Kill
from agents.parsing import Parser, ParserKilled, ParserLimits, Request
from streams import wires
from streams.errors import WireError
from streams.feeds import FeedSpec

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
FEED = FeedSpec(key="f", url="https://feed.example/rss", name="F")
REQUEST = Request(feed=FEED, received_at=NOW, media_type="text/xml", url="https://feed.example/rss")
GOOD = b"<rss version='2.0'><channel><item><guid>1</guid><title>One</title></item></channel></rss>"
ENDLESS = GOOD.replace(b"<title>", b"<author>" + b"a" * 400_000 + b"</author><title>")
"""feedparser seeks an address in `author` by an expression that takes the square of the text's length."""


def kills(meter: Any) -> dict[str, float]:
    """What was counted in this test."""
    moved = {kill: meter.moved("listwire_parser_kills_total", reason=kill) for kill in Kill}
    return {str(kill): count for kill, count in moved.items() if count}


@pytest.fixture
async def new_parser() -> AsyncIterator[Callable[..., Parser]]:
    parsers: list[Parser] = []

    def make(**limits: Any) -> Parser:
        parsers.append(Parser(limits=ParserLimits(**limits)))
        return parsers[-1]

    yield make
    for parser in parsers:
        await parser.close()
        assert parser.pids == ()


@pytest.fixture
def parser(new_parser: Callable[..., Parser]) -> Parser:
    return new_parser(cpu_s=1, wall_s=20)


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
    assert len(parser.pids) == 1


async def test_a_document_that_takes_too_much_time_is_killed_and_the_next_is_read(parser: Parser, meter: Any) -> None:
    with pytest.raises(ParserKilled, match="f: parser killed"):
        await parser.parse(ENDLESS, REQUEST)
    assert parser.pids == ()
    assert (await parser.parse(GOOD, REQUEST)).stories[0].guid == "1"
    assert kills(meter) == {"slow": 1, "deadline": 1}


async def test_the_clock_ends_what_the_processor_limit_does_not(new_parser: Callable[..., Parser], meter: Any) -> None:
    parser = new_parser(cpu_s=60, wall_s=0.5)
    with pytest.raises(ParserKilled, match=r"no answer within 0\.5 s"):
        await parser.parse(ENDLESS, REQUEST)
    assert parser.pids == ()
    assert kills(meter) == {"slow": 1, "deadline": 1}


async def test_a_document_that_takes_too_much_memory_is_killed(new_parser: Callable[..., Parser], meter: Any) -> None:
    parser = new_parser(cpu_s=60, wall_s=60, memory_mib=72)
    with pytest.raises(ParserKilled, match="over its limit"):
        await parser.parse(GOOD.replace(b"One", "\U0001f5de ".encode() * 1_000_000), REQUEST)
    assert (await parser.parse(GOOD, REQUEST)).stories[0].guid == "1"
    assert kills(meter) == {"memory": 2}  # in each lane


async def test_a_worker_is_replaced_after_so_many_documents(new_parser: Callable[..., Parser]) -> None:
    parser = new_parser(documents=2)
    seen = []
    for _ in range(4):
        await parser.parse(GOOD, REQUEST)
        seen.append(len(parser.pids))
    assert seen == [1, 0, 1, 0]


async def test_a_worker_killed_from_outside_is_not_blamed_on_the_next_document(parser: Parser, meter: Any) -> None:
    await parser.parse(GOOD, REQUEST)
    (worker,) = parser.pids
    os.kill(worker, signal.SIGKILL)
    async with asyncio.timeout(10):
        while parser.pids:  # noqa: ASYNC110 - the loop hears of the death in its own time
            await asyncio.sleep(0.01)
    assert (await parser.parse(GOOD, REQUEST)).stories[0].guid == "1"
    assert parser.pids != (worker,)
    assert kills(meter) == {"crash": 1}


async def test_asking_can_be_given_up_without_mixing_up_the_answers(parser: Parser) -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(parser.parse(ENDLESS, REQUEST), 0.5)
    assert parser.pids == ()
    assert (await parser.parse(GOOD, REQUEST)).stories[0].guid == "1"


PARENT = """
import asyncio, sys
from datetime import UTC, datetime
from agents.parsing import Parser, ParserLimits, Request
from streams.feeds import FeedSpec

async def main():
    parser = Parser(limits=ParserLimits(cpu_s=1))
    feed = FeedSpec(key="f", url="http://f.example/", name="F")
    request = Request(feed=feed, received_at=datetime.now(UTC))
    good, endless = (line.encode() for line in sys.stdin.read().splitlines())
    await parser.parse(good, request)
    asking = asyncio.create_task(parser.parse(endless, request)) if sys.argv[1] == "busy" else None
    await asyncio.sleep(0.3)
    print(*parser.pids, flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs Linux: pidfd_open")
@pytest.mark.parametrize("state", ["idle", "busy"])
def test_the_worker_dies_with_its_parent_even_by_kill_9(state: str) -> None:
    command = [sys.executable, "-c", PARENT, state]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL) as parent:
        assert parent.stdin is not None
        assert parent.stdout is not None
        parent.stdin.write(GOOD + b"\n" + ENDLESS)
        parent.stdin.close()
        worker = os.pidfd_open(int(parent.stdout.readline()))
        parent.kill()
    try:
        assert select.select([worker], [], [], 20.0)[0], "the worker lives on"
    finally:
        os.close(worker)


async def test_a_document_that_killed_is_not_tried_again(parser: Parser) -> None:
    for detail in ("over its limit", "the very document"):
        with pytest.raises(ParserKilled, match=detail):
            await parser.parse(ENDLESS, REQUEST)
    assert (await parser.parse(GOOD, REQUEST)).stories[0].guid == "1"


async def test_the_others_go_on_while_one_document_hangs(new_parser: Callable[..., Parser]) -> None:
    parser = new_parser(quick_s=0.2, cpu_s=20, wall_s=20)
    hanging = asyncio.create_task(parser.parse(ENDLESS, REQUEST))
    other = Request(feed=FeedSpec(key="other", url="https://other.example/rss", name="O"), received_at=NOW)
    await asyncio.sleep(0)
    assert (await parser.parse(GOOD, other)).stories[0].guid == "1"
    assert not hanging.done()
    hanging.cancel()
    with pytest.raises(asyncio.CancelledError):
        await hanging


async def test_a_slow_feed_that_is_quick_again_returns_to_the_quick_lane(new_parser: Callable[..., Parser]) -> None:
    parser = new_parser(quick_s=0.2, cpu_s=1)
    with pytest.raises(ParserKilled):
        await parser.parse(ENDLESS, REQUEST)
    lanes = []
    for _ in range(3):
        await parser.parse(GOOD, REQUEST)
        lanes.append(len(parser.pids))
    assert lanes == [1, 2, 2]
