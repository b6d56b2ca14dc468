"""What a look at a feed costs, against feedparser alone, in one run: `python tests/bench/bench_feeds.py`.

A feed of 100 items, 230 kB, is looked at again with one new item, and with the very same bytes. Processor time,
medians, the three taken in turns. Ours is everything but the network and the pipe to the parser's process: hash,
request and answer as bytes, parsing, comparison with what is known.
"""

import argparse
import io
import random
import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime

import feedparser

from agents.parser_process import Answer, Request, answer
from streams import codec
from streams.feeds import FeedSpec
from streams.polling import FeedState, Fetched, Outcome, digest, judge, known_items, worth_storing
from streams.wires import decode

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
FEED = FeedSpec(key="bench", url="https://wire.example/rss", name="Bench")
_WORDS = "committee ministry list designated group sanctions decision announced officials of the and to in that".split()
_SPACES = 'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:content="http://purl.org/rss/1.0/modules/content/"'


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    chance = random.Random(1)  # noqa: S311 - the same feed in every run
    items = [_item(number, chance) for number in range(101)]
    before, after = _feed(items[:100]), _feed([items[100], *items[:99]])
    state = digest(FeedState(feed=FEED.key), _fetched(before), decode(before, FEED, NOW), NOW).state
    candidates: dict[str, Callable[[], object]] = {
        "feedparser alone": lambda: feedparser.parse(io.BytesIO(after)),
        "changed feed": lambda: changed(state, after),
        "unchanged feed": lambda: unchanged(state, before),
    }
    took = _medians_ms(candidates, rounds)
    for name, value in took.items():
        sys.stdout.write(f"{name:20} {value:8.3f} ms\n")
    sys.stdout.write(f"{'feedparser / changed':20} {took['feedparser alone'] / took['changed feed']:8.1f} times\n")


def changed(state: FeedState, body: bytes) -> None:
    """One look that brings one new item."""
    fetched = judge(state, _fetched(body))
    asked = codec.encode(Request(feed=FEED, received_at=NOW, known=known_items(state)))
    told = codec.decode(codec.encode(answer(body, codec.decode(asked, Request))), Answer)
    after = digest(state, fetched, told.document, NOW)
    assert len(after.stories) == 1


def unchanged(state: FeedState, body: bytes) -> None:
    """One look that brings the same bytes."""
    fetched = judge(state, _fetched(body))
    assert fetched.outcome is Outcome.UNCHANGED
    worth_storing(state, digest(state, fetched, None, NOW).state)


def _medians_ms(candidates: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    took: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(rounds):
        for name, run in candidates.items():
            started = time.process_time()
            run()
            took[name].append(time.process_time() - started)
    return {name: statistics.median(times) * 1e3 for name, times in took.items()}


def _fetched(body: bytes) -> Fetched:
    return Fetched(outcome=Outcome.OK, url=FEED.url, body=body)


def _feed(items: list[str]) -> bytes:
    head = f'<?xml version="1.0" encoding="utf-8"?><rss version="2.0" {_SPACES}><channel><title>Bench</title>'
    return (head + "\n".join(items) + "</channel></rss>").encode()


def _item(number: int, chance: random.Random) -> str:
    text = " ".join(chance.choice(_WORDS) for _ in range(60))
    return (
        f"<item><title>Story {number}</title><link>https://wire.example/{number}</link>"
        f'<guid isPermaLink="false">{number}</guid>'
        f"<pubDate>Tue, 24 Nov 2026 10:{number % 60:02d}:00 +0000</pubDate><dc:creator>A. Writer</dc:creator>"
        f"<category>World</category><description><![CDATA[<p>{text}</p>]]></description><content:encoded>"
        f"<![CDATA[<p>{text}</p><p>{text} &amp; {text}</p><p>{text}</p>]]></content:encoded></item>"
    )


if __name__ == "__main__":
    main()
