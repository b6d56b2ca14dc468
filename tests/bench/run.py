"""What Listwire does in a second of processor time, beside what it could be compared with: `python tests/bench/run.py`.

    raw loop        a bare aiokafka loop that decodes, scans and reads the same stories and sends one message in 50
    worker, stock   Listwire's worker with Faust's own fetch loop and settings
    worker          Listwire's worker
    names only      the scan for the names of all groups, on the same texts, without Kafka
    spaCy           its small English pipeline, on the stories with news

All take turns within one run, so that a busy machine slows all of them; the table has medians, and how far the rounds
lay apart. `--json` prints one object with the ratios and the time from a story to its alert. Nothing here is a test:
how fast a machine is, no test can know.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import statistics
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from subprocess import CalledProcessError
from time import process_time

import bench_latency
import bench_matching
import throughput
import workload
from spacy_process import Measure, spacy

from streams.codec import decode
from streams.reading import read
from streams.records import Story
from streams.registry import load_registry

Rates = dict[str, list[float]]
"""By name, what a second of processor time does, a round after the other."""

RAW, STOCK, WORKER, NAMES, READING, SPACY = "raw loop", "worker, stock", "worker", "names only", "reading news", "spaCy"
CANDIDATES = 20


class Texts:
    """The stories of a run: all of them, and those with news."""

    def __init__(self, count: int) -> None:
        self.registry = load_registry().without_baseline()
        self.messages = workload.messages(self.registry, count)
        self.stories = [decode(value, Story) for _, value in self.messages]
        self.news = self.stories[:: workload.EVERY][:CANDIDATES]

    def names_only(self) -> float:
        """Stories a second, scanned for names."""
        return _rate(self.registry.matcher.find, [story.text for story in self.stories[:2_000]])

    def reading(self) -> float:
        """Stories with news a second, read."""
        return _rate(lambda story: read(story, self.registry), self.news)


def _rate(act: Callable[..., object], things: Sequence[object]) -> float:
    began = process_time()
    for thing in things:
        act(thing)
    return len(things) / (process_time() - began)


def measure(texts: Texts, rounds: int, measured_by_spacy: Measure | None) -> Rates:
    """Every candidate in turn, `rounds` times; one round of reading more, which loads what is loaded late."""
    texts.reading()
    turns: dict[str, Callable[[], float]] = {
        RAW: lambda: throughput.raw(texts.messages).a_core,
        STOCK: lambda: throughput.worker(texts.messages, stock=True).a_core,
        WORKER: lambda: throughput.worker(texts.messages).a_core,
        NAMES: texts.names_only,
        READING: texts.reading,
    }
    if measured_by_spacy is not None:
        turns[SPACY] = lambda: len(texts.news) / measured_by_spacy([story.text for story in texts.news])
    rates: Rates = {name: [] for name in turns}
    for number in range(rounds):
        for name, turn in turns.items():
            sys.stderr.write(f"round {number + 1} of {rounds}: {name}\n")
            rates[name].append(turn())
    return rates


def ratio(rates: Rates, one: str, other: str) -> float | None:
    """The median over the rounds of `one` by `other`; None if one of them was not measured."""
    if not rates.get(one) or not rates.get(other):
        return None
    return round(statistics.median(a / b for a, b in zip(rates[one], rates[other], strict=True)), 3)


def report(rates: Rates, names: dict[int, list[float]], latency: bench_latency.Took) -> dict[str, object]:
    """All that was measured, as one object."""
    many, few = names[bench_matching.MANY], names[bench_matching.FEW]
    return {
        "ratio_worker_to_raw_loop": ratio(rates, WORKER, RAW),
        "ratio_stock_worker_to_raw_loop": ratio(rates, STOCK, RAW),
        "ratio_candidate_to_spacy": ratio(rates, SPACY, READING),  # of times, so the other way round than of rates
        "ratio_20k_to_5k_aliases": round(statistics.median(a / b for a, b in zip(many, few, strict=True)), 3),
        "publish_to_alert_p50_ms": round(statistics.median(latency.alerts) * 1e3, 1),
        "publish_to_alert_p99_ms": round(statistics.quantiles(latency.alerts, n=100)[98] * 1e3, 1),
        "stories_a_core_second": {name: round(statistics.median(values), 1) for name, values in rates.items()},
        "lowest_and_highest": {name: [round(min(values), 1), round(max(values), 1)] for name, values in rates.items()},
        "rounds": len(rates[RAW]),
        "machine": platform.platform(),
        "python": platform.python_version(),
    }


def table(rates: Rates, told: dict[str, object]) -> Iterator[str]:
    """The lines to read."""
    yield f"{'':16}{'stories a core and second':>26}{'lowest':>10}{'highest':>10}{'by raw loop':>13}"
    for name, values in rates.items():
        by_raw = "" if name in {READING, SPACY} else f"{ratio(rates, name, RAW):.2f}"
        yield f"{name:16}{statistics.median(values):26,.0f}{min(values):10,.0f}{max(values):10,.0f}{by_raw:>13}"
    yield f"one story of {workload.EVERY} has news; {READING} and {SPACY} take the stories with news alone"
    for name, figure in told.items():
        if name.startswith(("ratio_", "publish_")):
            yield f"{name} {figure}"


def main() -> None:
    """Print what was measured."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--stories", type=int, default=20_000, help="stories a round, each time on a new broker")
    options.add_argument("--latency-stories", type=int, default=300)
    options.add_argument("--no-spacy", action="store_true", help="leave spaCy out, whose first use fetches it")
    options.add_argument("--json", action="store_true", help="one object instead of a table")
    given = options.parse_args()
    with ExitStack() as held:
        try:
            measured_by_spacy = None if given.no_spacy else held.enter_context(spacy())
        except CalledProcessError as error:
            sys.exit(f"spaCy cannot be had ({error}); leave it out with --no-spacy")
        rates = measure(Texts(given.stories), given.rounds, measured_by_spacy)
    names = bench_matching.scanned(max(given.rounds, 5), 100)
    told = report(rates, names, asyncio.run(bench_latency.measured(given.latency_stories, 0.1)))
    lines = [json.dumps(told)] if given.json else table(rates, told)
    sys.stdout.writelines(f"{line}\n" for line in lines)


if __name__ == "__main__":
    main()
