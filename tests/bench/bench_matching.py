"""How much matching costs, and how the cost grows with the number of names: `python tests/bench/bench_matching.py`.

Prints the time to load the shipped registry in a fresh process, and the time to scan stories with 5,000 and with
20,000 made-up names, alternately in one run, so that a busy machine slows both. The ratio should stay under 1.5.
"""

from __future__ import annotations

import argparse
import random
import statistics
import subprocess
import sys
from collections.abc import Iterator
from time import perf_counter

from streams.records import GroupKey
from streams.registry.entries import Alias, AliasKind, Group
from streams.registry.matcher import GroupMatcher

FEW, MANY = 5_000, 20_000
ALIASES = 10
WORDS = 450
SENTENCE = 25
SYLLABLES = "al ba da el fa ga ha in ja ka la ma na or pa qa ra sa ta ur va wa ya za sh kh th ri mu di bo".split()
ENGLISH = (
    "the of to and in a said on for that was with by as it from at an is has were after its his had not be who "
    "government officials group list ban court ministry terrorist organisation police leader party attack state"
).split()
LOAD = (
    "from time import perf_counter as now; start = now(); from streams.registry import load_registry; "
    "registry = load_registry(); loaded = now(); names = registry.matcher.names; "
    "print(loaded - start, now() - loaded, len(registry.groups), len(registry.authorities), len(names))"
)


def names(count: int, dice: random.Random) -> list[str]:
    """Different names of one to five words, some hyphened, some acronyms."""
    found: set[str] = set()
    while len(found) < count:
        words = ["".join(dice.choices(SYLLABLES, k=dice.randint(2, 4))).title() for _ in range(dice.randint(1, 5))]
        name = dice.choice((" ", " ", "-")).join(words)
        found.add(
            name if dice.random() > 0.15 else "".join(dice.choices("ABCDEFGHIJKLMNOPRSTUVYZ", k=dice.randint(3, 6)))
        )
    return sorted(found)


def groups(texts: list[str]) -> Iterator[Group]:
    """The names as groups of ten; one alias in five is cased, one in five has near words, the same in any size."""
    for index in range(0, len(texts), ALIASES):
        name, *others = texts[index : index + ALIASES]
        yield Group(
            key=GroupKey(f"g{index}"),
            name=name,
            countries=("gb",),
            sources=("https://example.org",),
            aliases=tuple(alias(text) for text in others),
        )


def alias(text: str) -> Alias:
    """The name with conditions drawn from its own letters."""
    dice = random.Random(text)  # noqa: S311
    near = tuple(dice.sample(ENGLISH, 3)) if dice.random() < 0.2 else ()
    return Alias(text=text, kind=AliasKind.NAME, cased=dice.random() < 0.2, near=near)


def stories(count: int, texts: list[str], dice: random.Random) -> list[str]:
    """Prose of a wire story's length with six of these names in each; other words only begin like names."""
    made = []
    for _ in range(count):
        words = dice.choices(ENGLISH, k=WORDS) + [
            "".join(dice.choices(SYLLABLES, k=3)) + "ing" for _ in range(WORDS // 2)
        ]
        words += dice.choices(texts, k=6)
        dice.shuffle(words)
        sentences = (" ".join(words[start : start + SENTENCE]) for start in range(0, len(words), SENTENCE))
        made.append(". ".join(sentences))
    return made


def seconds_a_story(matcher: GroupMatcher, texts: list[str]) -> float:
    """How long one story takes, on average."""
    start = perf_counter()
    for text in texts:
        matcher.find(text)
    return (perf_counter() - start) / len(texts)


def scanned(rounds: int, count: int) -> dict[int, list[float]]:
    """Seconds a story with each number of names, a round after the other."""
    dice = random.Random(20_000)  # noqa: S311 - the same names each time
    texts = names(MANY, dice)
    few = dice.sample(texts, FEW)
    known = stories(count, few, dice)
    matchers = {FEW: GroupMatcher(groups(few)), MANY: GroupMatcher(groups(texts))}
    times: dict[int, list[float]] = {size: [] for size in matchers}
    for _ in range(rounds):
        for size, matcher in matchers.items():
            times[size].append(seconds_a_story(matcher, known))
    return times


def scanning(rounds: int, count: int) -> Iterator[str]:
    """The lines about scanning."""
    times = scanned(rounds, count)
    for size, measured in times.items():
        yield f"scan with {size:6} names: {statistics.median(measured) * 1e6:7.0f} us a story"
    ratios = [many / few for few, many in zip(times[FEW], times[MANY], strict=True)]
    yield f"ratio {MANY}/{FEW}: {statistics.median(ratios):.2f} (from {min(ratios):.2f} to {max(ratios):.2f})"


def loading(times: int) -> Iterator[str]:
    """The lines about loading, each time in a fresh process."""
    runs = [
        subprocess.run([sys.executable, "-c", LOAD], check=True, capture_output=True, text=True).stdout.split()
        for _ in range(times)
    ]
    load, build = (statistics.median(float(run[place]) for run in runs) * 1e3 for place in (0, 1))
    yield f"load {runs[0][2]} groups and {runs[0][3]} authorities: {load:.0f} ms with imports"
    yield f"compile {runs[0][4]} names: {build:.0f} ms"


def main() -> None:
    """Print what was measured."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=15)
    options.add_argument("--stories", type=int, default=100)
    chosen = options.parse_args()
    for lines in (loading(min(chosen.rounds, 5)), scanning(chosen.rounds, chosen.stories)):
        for line in lines:
            sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    main()
