"""The stories that the benchmarks of throughput run on: wire prose that names no group, and news now and then.

The prose is made of sentences of the golden stories that name no group and no status, put together to the length of a
full wire story. One story in `EVERY` begins with news: an authority lists a group, each pair once, so that each of them
moves the ledger and gives one alert.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice, product
from pathlib import Path

from streams.classifying import topics_of
from streams.codec import encode
from streams.records import GroupKey, Mention, Story
from streams.registry import Registry
from streams.wires.documents import story_id

EVERY = 50
WORDS = 300
START = datetime(2026, 1, 1, tzinfo=UTC)
ANYBODY = (Mention(group=GroupKey("anybody"), start=0, end=1, text="x"),)
GOLDEN = Path(__file__).parents[1] / "stories"


def sentences(registry: Registry) -> list[str]:
    """Sentences without a group or a word of lists and bans, of 8 to 60 words, in an order that is always the same."""
    found = []
    for path in sorted(GOLDEN.glob("*.json")):
        for sentence in re.split(r"(?<=[.!?])\s+", json.loads(path.read_text("utf-8"))["body"]):
            is_idle = not registry.matcher.find(sentence) and not topics_of(sentence, ANYBODY)
            if is_idle and 8 <= len(sentence.split()) <= 60:
                found.append(sentence)
    return found


def bodies(registry: Registry, known: Sequence[str], dice: random.Random) -> Iterator[str]:
    """Texts of about `WORDS` words without a group."""
    while True:
        chosen: list[str] = []
        words = 0
        while words < WORDS:
            chosen.append(dice.choice(known))
            words += len(chosen[-1].split())
        text = " ".join(chosen)
        if not registry.matcher.find(text):
            yield text


def leads(registry: Registry) -> Iterator[str]:
    """News, each of another pair of authority and group."""
    groups = [group.name for group in registry.groups.values() if registry.matcher.find(f"has added {group.name} to")]
    states = [authority.name for key, authority in registry.authorities.items() if len(key) == 2]
    for group, state in product(groups, states):
        yield f"{state} has added {group} to its list of terrorist organisations, the Foreign Ministry said on Friday."


def stories(registry: Registry, count: int, seed: int = 1) -> Iterator[Story]:
    """`count` stories, a minute apart; another `seed` gives other ones, with news of other pairs."""
    dice = random.Random(seed)  # noqa: S311 - the same stories each time
    texts = list(islice(bodies(registry, sentences(registry), dice), 500))
    news = islice(leads(registry), (seed - 1) * 1000, None)
    for number in range(count):
        at = START + timedelta(minutes=number)
        lead = next(news) + " " if number % EVERY == 0 else ""
        guid = f"{seed}-{number}"
        yield Story(
            id=story_id("bench", guid),
            feed="bench",
            guid=guid,
            headline=lead.strip() or "Milk to cost more from Monday",
            body=f"{lead}{texts[number % len(texts)]} ({number})",
            received_at=at,
            published=at,
            language="en",
            source="Bench Wire",
        )


def messages(registry: Registry, count: int, seed: int = 1) -> list[tuple[bytes, bytes]]:
    """Keys and values, as a poller sends them."""
    return [(story.id.encode(), encode(story)) for story in stories(registry, count, seed)]
