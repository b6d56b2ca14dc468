"""No damage to a story's text makes the reader fail, or quote what is not there.

The short form runs with the suite. The long form: `LISTWIRE_MUTATIONS=100000 pytest tests/test_reading_mutations.py`.
"""

import json
import os
import random
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from streams.reading import read
from streams.records import Story
from streams.registry import load_registry
from streams.wires.lines import decode_line

NOW = datetime(2026, 11, 1, tzinfo=UTC)
COUNT = int(os.environ.get("LISTWIRE_MUTATIONS", "1500"))
CASES = [json.loads(p.read_text("utf-8")) for p in sorted((Path(__file__).parent / "stories").glob("*.json"))]
LEFTOVERS = [
    "<p>",
    "</div>",
    "&nbsp;",
    "&#8217;",
    '<a href="',
    "\u200b",
    "\ufeff",
    "\x00",
    "[[",
    "<br/>",
    "{{",
    "\u202e",
]


def _truncated(text: str, dice: random.Random) -> str:
    start, end = sorted((dice.randint(0, len(text)), dice.randint(0, len(text))))
    return text[start:end]


def _shuffled(text: str, dice: random.Random) -> str:
    pieces = re.split(r"(?<=[.!?]) ", text)
    dice.shuffle(pieces)
    return " ".join(pieces)


def _mixed(text: str, dice: random.Random) -> str:
    words = text.split(" ")
    dice.shuffle(words)
    return " ".join(words)


def _littered(text: str, dice: random.Random) -> str:
    words = text.split(" ")
    for _ in range(dice.randint(1, 40)):
        words.insert(dice.randint(0, len(words)), dice.choice(LEFTOVERS))
    return dice.choice((" ", "")).join(words)


def _bare(text: str, _: random.Random) -> str:
    return re.sub(r"[^\w\s]", "", text)


def _shouted(text: str, _: random.Random) -> str:
    return text.upper()


def _on_one_line(text: str, dice: random.Random) -> str:
    return _bare(text, dice).replace("\n", " ") * dice.randint(1, 3)


def _spliced(text: str, dice: random.Random) -> str:
    other = dice.choice(CASES)["body"]
    at, there = dice.randint(0, len(text)), dice.randint(0, len(other))
    return text[:at] + other[there:] + text[at:]


MUTATIONS: list[Callable[[str, random.Random], str]] = [
    _truncated,
    _shuffled,
    _mixed,
    _littered,
    _bare,
    _shouted,
    _on_one_line,
    _spliced,
]


def _mutant(number: int) -> Story:
    dice = random.Random(number)  # noqa: S311 - each number is the same story each time
    case = dice.choice(CASES)
    body = case["body"]
    for mutate in dice.sample(MUTATIONS, dice.randint(1, 3)):
        body = mutate(body, dice)
    fields = {"id": f"m{number}", "headline": case["headline"], "body": body, "published": case["published"]}
    return decode_line(json.dumps(fields).encode(), 1, NOW)[1]


@pytest.mark.parametrize("part", range(10))
def test_damaged_stories_are_read_without_an_error_and_quoted_truly(part: int) -> None:
    for number in range(part, COUNT, 10):
        story = _mutant(number)
        for claim in read(story, load_registry()).claims:
            evidence = claim.evidence
            assert story.text[evidence.start : evidence.end] == evidence.text, number


def test_a_million_characters_without_a_stop_are_read() -> None:
    line = "Russia banned Hamas while the EU lists the PKK and the ban on it was lifted by a court that " * 11_000
    story = decode_line(json.dumps({"id": "long", "headline": "", "body": line}).encode(), 1, NOW)[1]
    assert read(story, load_registry()).claims
