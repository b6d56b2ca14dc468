"""A thousand feeds on loopback, a tenth of them hostile: `python tests/bench/bench_poller.py`.

Prints how long a story of an honest feed takes from its appearance to the broker's acknowledgement, how far the event
loop lags, what memory the poller and its parsers take, and how many connections a listener saw that no feed may lead
to. The feeds are served by a process of their own (`many_feeds.py`); the poller, fetcher, guard and parsers are the
real ones, and so is the Apache Kafka that takes the stories.
"""

import argparse
import asyncio
import contextlib
import ipaddress
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import psutil
from many_feeds import PERIOD_S, address_of, kind_of

from agents.broker import Broker, BrokerSpec
from agents.fetching import Fetcher
from agents.kafka import Outgoing, Publisher, create_topics
from agents.parsing import Parser
from agents.poller import Poller
from agents.polls import Look
from agents.settings import load_settings
from agents.up import free_port
from streams.codec import encode
from streams.feeds import FeedSpec
from streams.polling import FeedState
from streams.records import Story
from streams.topics import Topic

MIB = 1024 * 1024
ALLOWED = (ipaddress.IPv4Network("127.1.0.0/16"),)


class Store:
    """Feed states in memory."""

    def __init__(self) -> None:
        self.states: dict[str, FeedState] = {}

    async def load(self, key: str) -> FeedState | None:
        """The state saved last."""
        return self.states.get(key)

    async def save(self, key: str, state: FeedState) -> None:
        """Keeps it."""
        self.states[key] = state


class Watch:
    """What is measured while the poller runs."""

    def __init__(self, since_s: float) -> None:
        self.since_s = since_s
        self.delays_s: list[float] = []
        self.lags_s: list[float] = []
        self.outcomes: Counter[str] = Counter()
        self.most_bytes = 0
        self.tripped = 0

    def saw(self, stories: Sequence[Story]) -> None:
        """Stories that the broker has acknowledged, if they appeared after the start."""
        now = time.time()
        for story in stories:
            if story.published is not None and story.published.timestamp() > self.since_s:
                self.delays_s.append(now - story.published.timestamp())

    def look(self, look: Look) -> None:
        """One look at a feed."""
        self.outcomes[look.outcome] += 1

    def trip(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A connection that must not be."""
        self.tripped += 1
        writer.close()

    async def tick(self) -> None:
        """How late a timer of 20 ms comes."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + 0.02
            await asyncio.sleep(0.02)
            self.lags_s.append(loop.time() - due)

    async def weigh(self) -> None:
        """Memory of this process and its parsers, ten times a minute."""
        me = psutil.Process()
        while True:
            parsers = [child for child in me.children() if "parser_process" in " ".join(child.cmdline())]
            self.most_bytes = max(self.most_bytes, sum(each.memory_info().rss for each in (me, *parsers)))
            await asyncio.sleep(6)


async def measure(feeds: Sequence[FeedSpec], seconds: float, tripwire: int, bootstrap: str) -> Watch:
    """Polls for so long."""
    watch = Watch(time.time())
    publisher = Publisher(bootstrap)
    await publisher.start()

    async def publish(stories: Sequence[Story]) -> None:
        await publisher.publish(*(Outgoing(Topic.STORIES, story.id.encode(), encode(story)) for story in stories))
        watch.saw(stories)

    parser = Parser(workers=2)
    listener = await asyncio.start_server(watch.trip, "127.0.0.1", tripwire)
    async with Fetcher(allowed=ALLOWED) as fetcher, listener:
        poller = Poller(feeds, publish=publish, store=Store(), fetcher=fetcher, parser=parser, observe=watch.look)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await asyncio.gather(poller.run(), watch.tick(), watch.weigh())
    await parser.close()
    await publisher.stop()
    return watch


@contextlib.asynccontextmanager
async def site(feeds: int, tripwire: int) -> AsyncIterator[int]:
    """The feeds' own process; yields its port."""
    port = free_port()
    script = Path(__file__).with_name("many_feeds.py")
    process = subprocess.Popen([sys.executable, str(script), str(feeds), str(port), str(tripwire)])  # noqa: ASYNC220
    try:
        async with asyncio.timeout(30):
            while True:
                with contextlib.suppress(OSError):
                    _, writer = await asyncio.open_connection("127.1.0.1", port)
                    writer.close()
                    break
                await asyncio.sleep(0.1)
        yield port
    finally:
        process.kill()
        process.wait()


async def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--feeds", type=int, default=1_000)
    parser.add_argument("--seconds", type=float, default=180.0)
    parser.add_argument("--interval", type=int, default=30)
    given = parser.parse_args()
    settings, tripwire = load_settings(), free_port()
    with tempfile.TemporaryDirectory() as folder:
        spec = BrokerSpec(Path(folder), settings.cache_dir, settings.kafka_jars, settings.maven_repository)
        with Broker.start(spec, lambda _: None) as broker:
            await create_topics(broker.bootstrap)
            async with site(given.feeds, tripwire) as port:
                feeds = [
                    FeedSpec(key=f"feed-{n}", url=address_of(n, port), name=kind_of(n), interval_s=given.interval)
                    for n in range(given.feeds)
                ]
                watch = await measure(feeds, given.seconds, tripwire, broker.bootstrap)
    _print(given, watch)


def _print(given: argparse.Namespace, watch: Watch) -> None:
    delays = statistics.quantiles(watch.delays_s, n=100)
    lags = statistics.quantiles(watch.lags_s, n=100)
    lines = [
        f"{datetime.now(UTC):%Y-%m-%d} {given.feeds} feeds, every {given.interval} s, for {given.seconds:g} s",
        f"stories {len(watch.delays_s)}, one a feed every {PERIOD_S} s",
        f"appearance to acknowledgement: p50 {delays[49]:.1f} s, p95 {delays[94]:.1f} s, p99 {delays[98]:.1f} s",
        f"event loop lag: p50 {lags[49] * 1e3:.1f} ms, p99 {lags[98] * 1e3:.1f} ms",
        f"memory, with parsers: {watch.most_bytes / MIB:.0f} MiB at most",
        f"connections to the tripwire: {watch.tripped}",
        "looks: " + ", ".join(f"{outcome} {count}" for outcome, count in watch.outcomes.most_common()),
    ]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    asyncio.run(main())
