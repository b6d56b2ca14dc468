"""Real histories, story by story: one ledger through each announces what happened, once, and ends where it ended.

`histories/NAME.jsonl` holds the stories in our own words, `NAME.json` the alerts that are out at the end and the
final states. What the ledger or the reader does not get right yet stands in `not-yet.txt` and must stay wrong.
"""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from streams.codec import encode
from streams.novelty import fingerprint
from streams.records import Alert, AuthorityKey, Story
from streams.registry import Registry, load_registry
from streams.replaying import Ledger, Told, baseline_before, replay
from streams.wires.lines import decode_line

FOLDER = Path(__file__).parent / "histories"
NOT_YET = frozenset(
    line.split()[0] for line in (FOLDER / "not-yet.txt").read_text(encoding="utf-8").splitlines() if line[:1] != "#"
)
NAMES = sorted(path.stem for path in FOLDER.glob("*.jsonl"))
FACTS = ("authority", "group", "change", "stage", "kind", "acted_on", "status")


def _cases() -> list[Any]:
    marks = [pytest.mark.xfail(strict=True, reason="not right yet")]
    return [pytest.param(name, marks=marks if name in NOT_YET else ()) for name in NAMES]


def _expected(name: str) -> dict[str, Any]:
    expected: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return expected


def _stories(name: str) -> list[Story]:
    lines = (FOLDER / f"{name}.jsonl").read_bytes().splitlines()
    now = datetime(2026, 11, 1, tzinfo=UTC)
    return [decode_line(line, number, now)[1] for number, line in enumerate(lines, start=1)]


def _replayed(name: str, stories: list[Story]) -> tuple[list[Told], Ledger]:
    registry, start = load_registry(), _expected(name)["baseline"]
    baseline = registry.without_baseline() if start == "none" else baseline_before(registry, date.fromisoformat(start))
    turns, told = replay(stories, registry, baseline), []
    while True:
        try:
            told.append(next(turns))
        except StopIteration as end:
            ledger: Ledger = end.value
            return told, ledger


def _out(told: list[Told]) -> list[dict[str, str | None]]:
    """The last revision of each alert, in the order of the first ones."""
    latest: dict[str, Alert] = {alert.id: alert for turn in told for alert in turn.alerts}
    return [{name: getattr(alert, name) for name in FACTS} for alert in latest.values()]


def _states(ledger: Ledger, registry: Registry) -> list[dict[str, str | None]]:
    """The final states; the main list of an authority goes without a name, whoever names it."""
    rows = [(kept.entry, standing) for kept in ledger.values() for standing in kept.entry.standings]
    return [
        {
            "authority": entry.authority,
            "group": entry.group,
            "instrument": None if _is_main(registry, entry.authority, standing.instrument) else standing.instrument,
            "scope": standing.scope,
            "state": standing.state,
        }
        for entry, standing in rows
    ]


def _is_main(registry: Registry, authority: AuthorityKey, instrument: str | None) -> bool:
    return any(i.main and i.key == instrument for i in registry.authorities[authority].instruments)


@pytest.mark.parametrize("name", _cases())
def test_a_history_announces_what_happened_once_and_ends_where_it_ended(name: str) -> None:
    told, ledger = _replayed(name, _stories(name))
    expected = _expected(name)
    assert _out(told) == expected["alerts"]
    key = json.dumps
    assert sorted(_states(ledger, load_registry()), key=key) == sorted(expected["states"], key=key)


@pytest.mark.parametrize("name", NAMES)
def test_a_history_gives_the_same_bytes_in_any_order_of_its_lines(name: str) -> None:
    stories = _stories(name)
    shuffled = sorted(stories, key=fingerprint)
    both = [_replayed(name, order) for order in (stories, shuffled, stories[::-1])]
    alerts = [b"\n".join(encode(alert) for turn in told for alert in turn.alerts) for told, _ in both]
    rows = [b"\n".join(encode(kept.status) for kept in ledger.values()) for _, ledger in both]
    assert len(set(alerts)) == len(set(rows)) == 1


@pytest.mark.parametrize("name", NAMES)
def test_a_history_names_its_facts_and_is_long_enough_to_mislead(name: str) -> None:
    lines = [json.loads(line) for line in (FOLDER / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]
    assert lines[0]["comment"].startswith("Facts: ")
    assert 6 <= len(lines) <= 15
    assert all({"id", "published", "source", "headline", "body"} <= line.keys() for line in lines)
