"""Every story under stories/ is read as its label says; what is not read right yet is listed, and must stay wrong.

The list, stories/not-yet.txt, is strict: a story that becomes right must be taken off it.
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from streams.classifying import classify
from streams.reading import read
from streams.records import Classified, Story
from streams.registry import load_registry
from streams.wires.lines import decode_line

FOLDER = Path(__file__).parent / "stories"
NOT_YET = frozenset((FOLDER / "not-yet.txt").read_text(encoding="utf-8").split())
NOW = datetime(2026, 11, 1, tzinfo=UTC)


def _cases() -> list[Any]:
    marks = [pytest.mark.xfail(strict=True, reason="not read right yet")]
    return [
        pytest.param(path, id=path.stem, marks=marks if path.stem in NOT_YET else ())
        for path in sorted(FOLDER.glob("*.json"))
    ]


def _story(case: dict[str, Any]) -> Story:
    fields = {name: case.get(name) for name in ("id", "headline", "body", "published")}
    return decode_line(json.dumps(fields).encode(), 1, NOW)[1]


@pytest.mark.parametrize("path", _cases())
def test_a_story_gives_the_news_that_its_label_says(path: Path) -> None:
    case = json.loads(path.read_text(encoding="utf-8"))
    reading = read(_story(case), load_registry())
    news = {(c.group, c.authority, c.change.value): c.stage.value for c in reading.claims if c.news}
    expected: dict[tuple[str, str, str], set[str]] = {}
    for event in case["expected"]:
        if event["news"]:
            key = (event["group"], event["authority"], event["change"])
            expected.setdefault(key, set()).update((event["stage"], *event.get("alt_stages", ())))
    assert news.keys() == expected.keys()
    assert {key: stage for key, stage in news.items() if stage not in expected[key]} == {}


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.json")), ids=lambda path: path.stem)
def test_a_story_with_news_is_let_through_to_the_reader(path: Path) -> None:
    case = json.loads(path.read_text(encoding="utf-8"))
    if any(event["news"] for event in case["expected"]):
        assert isinstance(classify(_story(case), load_registry()), Classified)


def test_the_story_that_started_it_gives_exactly_one_alert_and_three_background_facts() -> None:
    case = json.loads((FOLDER / "ru-taliban-delisting-decided-2024-10.json").read_text(encoding="utf-8"))
    story = _story(case)
    reading = read(story, load_registry())
    (news,) = [claim for claim in reading.claims if claim.news]
    assert (news.authority, news.group, news.change, news.stage, news.date) == (
        "ru",
        "taliban",
        "delisting",
        "decided",
        "2024-10-04",
    )
    assert (news.speaker, news.medium, news.confirmed) == ("Russia's Foreign Ministry", "TASS", True)
    background = {(c.authority, c.group, c.change.value, c.stage.value, c.date) for c in reading.claims if not c.news}
    assert background == {
        ("ru", "taliban", "listing", "effective", "2003"),
        ("kz", "taliban", "delisting", "effective", None),
        ("kg", "taliban", "delisting", "effective", None),
    }
    assert "islamic-state" in {mention.group for mention in reading.mentions}
    assert all(claim.group != "islamic-state" for claim in reading.claims)


def test_evidence_is_the_text_that_its_offsets_point_at() -> None:
    for path in FOLDER.glob("*.json"):
        story = _story(json.loads(path.read_text(encoding="utf-8")))
        for claim in read(story, load_registry()).claims:
            assert story.text[claim.evidence.start : claim.evidence.end] == claim.evidence.text


def test_sentences_that_are_passed_over_tell_of_no_change(monkeypatch: pytest.MonkeyPatch) -> None:
    stories = [_story(json.loads(path.read_text(encoding="utf-8"))) for path in sorted(FOLDER.glob("*.json"))]
    hasty = [read(story, load_registry()).claims for story in stories]
    monkeypatch.setattr("streams.reading.may_tell", lambda *_: True)
    thorough = [read(story, load_registry()).claims for story in stories]
    assert hasty == thorough
