"""What one more report costs on a key that has thousands of them: `python tests/bench/bench_ledger.py [--json]`.

Four pasts of us|hezbollah: history that is known, one matter told again and again, copies that confirm nothing, and all
sorts, moves of the ledger among them. Each is folded report by report; at its end stories are withdrawn and revised.
Times are of the ledger alone, without decoding. What counts is the growth: four times the reports should take four
times as long, and a withdrawal no longer than it did.
"""

from __future__ import annotations

import argparse
import gc
import random
import statistics
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from time import perf_counter

from msgspec import Struct
from msgspec.structs import replace

from streams.alerts import settle
from streams.codec import decode, encode
from streams.corroboration import sketch
from streams.ledger import open_entry
from streams.records import (
    AuthorityKey,
    Claim,
    ClaimId,
    Entry,
    Evidence,
    GroupKey,
    PartialDate,
    Report,
    StoryId,
    StoryRef,
)
from streams.registry import load_registry
from streams.vocabulary import Change, PubStatus, Stage

US, HEZBOLLAH = AuthorityKey("us"), GroupKey("hezbollah")
START = datetime(2024, 10, 4, 9, tzinfo=UTC)
WORDS = (
    "the state department said on monday that it would take the movement off its list after a review of the "
    "designation while members of congress asked for hearings and lawyers of the group spoke "
    "of a first step in a long process"
).split()
REGISTRY = load_registry()


class Row(Struct, frozen=True):
    """What was measured of one past."""

    past: str
    reports: int
    kept: int
    alerts: int
    append_us: float
    last_us: float  # of the last tenth
    withdrawal_us: float  # the median
    longest_ms: float
    bytes_each: int


def _report(number: int, dice: random.Random, **told: object) -> Report:
    """One story with one claim, as it lies in the log."""
    name, outlet = f"wire-{number:016x}", f"outlet {number % 40}"
    day = START + timedelta(hours=number)
    text = " ".join(dice.sample(WORDS, len(WORDS))) + f" {number}"
    fields: dict[str, object] = {
        "id": ClaimId(f"{name}/1/{US}/{HEZBOLLAH}"),
        "group": HEZBOLLAH,
        "authority": US,
        "change": Change.DELISTING,
        "stage": Stage.DECIDED,
        "news": True,
        "evidence": Evidence(rule="delisting/decided", start=0, end=200, text=text[:200]),
        "confidence": 0.9,
        "confirmed": True,
        "date": PartialDate("2024-10-04"),
        "acted_on": PartialDate("2024-10-04"),
        "speaker": "a spokesman",
        "origin": outlet,
        "fingerprint": sketch(text),
    }
    ref = StoryRef(
        id=StoryId(name),
        revision=1,
        feed=outlet,
        headline=text[:70],
        published=day,
        language="en",
        link=f"https://example.org/{name}",
        source=outlet,
    )
    return Report(story=ref, authority=US, group=HEZBOLLAH, claims=(Claim(**(fields | told)),))  # type: ignore[arg-type]


def history(number: int, dice: random.Random) -> Report:
    """What everybody knows, told once more at the foot of a story."""
    known = {"date": PartialDate("1997"), "acted_on": PartialDate("1997")}
    return _report(number, dice, news=False, change=Change.LISTING, stage=Stage.EFFECTIVE, **known)


def repeated(number: int, dice: random.Random) -> Report:
    """The same step, told as news by forty outlets in their own words."""
    return _report(number, dice, confirmed=number % 2 == 0)


def copies(number: int, dice: random.Random) -> Report:
    """The same step by one agency's word alone."""
    return _report(number, dice, confirmed=False, origin="AFP")


def mixed(number: int, dice: random.Random) -> Report:
    """Half history, the rest news of any kind, a new day every eight reports."""
    if number % 2:
        return history(number, dice)
    day = PartialDate(f"{START + timedelta(days=number // 8):%Y-%m-%d}")
    change, stage = dice.choice([Change.LISTING, *[Change.DELISTING] * 9]), dice.choice([*Stage])
    return _report(number, dice, change=change, stage=stage, date=day, acted_on=day, confirmed=dice.random() < 0.5)


PASTS: dict[str, Callable[[int, random.Random], Report]] = {
    "history that is known": history,
    "one step repeated": repeated,
    "copies of one agency": copies,
    "all sorts": mixed,
}


def measure(past: str, reports: int, changes: int) -> Row:
    """Folds so many reports, then withdraws and revises some of them."""
    dice = random.Random(reports)  # noqa: S311 - the same reports each time
    log = [encode(PASTS[past](number, dice)) for number in range(reports)]
    took: list[float] = []
    entry = open_entry(US, HEZBOLLAH, REGISTRY)
    for raw in log:
        entry, seconds = _settled(entry, decode(raw, Report))
        took.append(seconds)
    folded, ends = entry, []
    for report in _changes(log, changes, dice):
        entry, seconds = _settled(entry, report)
        ends.append(seconds)
    last = took[-max(1, reports // 10) :]
    return Row(
        past=past,
        reports=reports,
        kept=len(folded.reports),
        alerts=len(folded.alerts),
        append_us=statistics.mean(took) * 1e6,
        last_us=statistics.mean(last) * 1e6,
        withdrawal_us=statistics.median(ends) * 1e6,
        longest_ms=max(ends) * 1e3,
        bytes_each=_bytes_each(log),
    )


def _settled(entry: Entry, report: Report) -> tuple[Entry, float]:
    start = perf_counter()
    after, _ = settle(entry, report, REGISTRY)
    return after, perf_counter() - start


def _changes(log: list[bytes], many: int, dice: random.Random) -> Iterator[Report]:
    """Withdrawals and revisions by turns, from the first report on; half of the revisions say something else."""
    for number in range(many):
        known = decode(log[number * len(log) // many], Report)
        if number % 2:
            story = replace(known.story, revision=2)
            claims = tuple(replace(claim, stage=dice.choice([claim.stage, Stage.PROPOSED])) for claim in known.claims)
            yield replace(known, story=story, claims=claims)
        else:
            yield replace(known, pub_status=PubStatus.CANCELED, claims=())


def _bytes_each(log: list[bytes]) -> int:
    """What a report leaves in memory, kept or not."""
    gc.collect()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    entry = open_entry(US, HEZBOLLAH, REGISTRY)
    for raw in log:
        entry, _ = settle(entry, decode(raw, Report), REGISTRY)
    gc.collect()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return round((after - before) / len(log))


def table(rows: list[Row]) -> Iterator[str]:
    """A line a past, with the growth against the next smaller one."""
    yield f"{'past':<22}{'reports':>8}{'kept':>6}{'alerts':>7}{'us each':>9}{'us last':>9}{'growth':>8}" + (
        f"{'us change':>11}{'ms longest':>11}{'bytes each':>11}"
    )
    before: Row | None = None
    for row in rows:
        same = before is not None and before.past == row.past
        growth = f"{row.append_us * row.reports / (before.append_us * before.reports):.1f}" if before and same else "-"
        yield (
            f"{row.past:<22}{row.reports:>8}{row.kept:>6}{row.alerts:>7}{row.append_us:>9.0f}{row.last_us:>9.0f}"
            f"{growth:>8}{row.withdrawal_us:>11.0f}{row.longest_ms:>11.1f}{row.bytes_each:>11}"
        )
        before = row


def main() -> None:
    """Print what was measured."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--reports", type=int, nargs="+", default=[500, 2000, 8000], help="reports on the key")
    options.add_argument("--changes", type=int, default=200, help="withdrawals and revisions at the end")
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args()
    rows = [measure(past, many, chosen.changes) for past in PASTS for many in chosen.reports]
    lines = [encode(row).decode() for row in rows] if chosen.json else table(rows)
    for line in lines:
        sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    main()
