"""The golden stories in tests/stories are what their README promises: a wrong label proves nothing."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

STORIES = Path(__file__).parent / "stories"
REGISTRY = Path(__file__).parents[1] / "streams" / "registry"
FILES = sorted(STORIES.glob("*.json"))

FIELDS = {"id", "headline", "body", "published", "expected", "mentions", "notes", "facts"}
EVENT_FIELDS = {"group", "authority", "change", "stage", "news", "date", "evidence"}
OPTIONAL_EVENT_FIELDS = {"alt_stages", "speaker", "medium"}
CHANGES = {"listing", "delisting", "suspension", "renewal", "recognition"}
STAGES = {"proposed", "decided", "effective", "rejected"}
PARTIAL_DATE = re.compile(r"\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?")
PUBLISHED = re.compile(PARTIAL_DATE.pattern + r"(T\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d))?")
FROM_MEMORY = "told from memory"
SHORTEST_LONG_STORY = 300  # words


def load(file: Path) -> dict[str, Any]:
    story: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return story


def keys_of(folder: str) -> set[str]:
    return {file.stem for file in (REGISTRY / folder).glob("*.toml")}


def is_quiet(story: dict[str, Any]) -> bool:
    return not any(event["news"] for event in story["expected"])


every_story = pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)


@every_story
def test_a_story_has_the_fields_of_the_format_and_no_others(file: Path) -> None:
    story = load(file)
    assert set(story) == FIELDS
    assert story["id"] == file.stem
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+-\d{4}-\d{2}", file.stem)
    assert story["headline"].strip() == story["headline"] != ""
    assert all(line.strip() == line for line in story["body"].split("\n"))
    assert story["published"] is None or PUBLISHED.fullmatch(story["published"])
    assert story["notes"] != ""
    assert story["facts"].startswith("https://") or story["facts"] == FROM_MEMORY


@every_story
def test_every_expected_event_uses_the_closed_vocabularies(file: Path) -> None:
    for event in load(file)["expected"]:
        assert set(event) >= EVENT_FIELDS
        assert set(event) - EVENT_FIELDS <= OPTIONAL_EVENT_FIELDS
        assert event["change"] in CHANGES
        assert event["stage"] in STAGES
        assert set(event.get("alt_stages", ())) <= STAGES - {event["stage"]}
        assert isinstance(event["news"], bool)
        assert event["date"] is None or PARTIAL_DATE.fullmatch(event["date"])


@every_story
def test_the_evidence_and_the_named_voices_stand_in_the_text(file: Path) -> None:
    story = load(file)
    text = f"{story['headline']}\n{story['body']}"
    for event in story["expected"]:
        assert event["evidence"] in text
        assert "\n" not in event["evidence"]
        assert event.get("speaker", "") in text
        assert event.get("medium", "") in text


@every_story
def test_no_event_stands_twice_and_no_group_is_event_and_mention(file: Path) -> None:
    story = load(file)
    identity = ("group", "authority", "change", "stage", "news", "date")
    events = [tuple(event[key] for key in identity) for event in story["expected"]]
    assert len(set(events)) == len(events)
    assert len(set(story["mentions"])) == len(story["mentions"])
    assert not set(story["mentions"]) & {event["group"] for event in story["expected"]}


def test_every_group_of_the_stories_is_in_the_registry() -> None:
    used = {event["group"] for file in FILES for event in load(file)["expected"]}
    used |= {group for file in FILES for group in load(file)["mentions"]}
    assert sorted(used - keys_of("groups")) == []


def test_every_authority_of_the_stories_is_in_the_registry() -> None:
    used = {event["authority"] for file in FILES for event in load(file)["expected"]}
    assert sorted(used - keys_of("authorities")) == []


def test_no_two_stories_tell_the_same_text() -> None:
    texts = [(load(file)["headline"], load(file)["body"]) for file in FILES]
    assert len(set(texts)) == len(texts)


def test_the_stories_cover_every_change_stage_and_enough_silence() -> None:
    stories = [load(file) for file in FILES]
    news = [event for story in stories for event in story["expected"] if event["news"]]
    assert {event["change"] for event in news} == CHANGES
    assert {event["stage"] for event in news} == STAGES
    assert sum(map(is_quiet, stories)) >= 40
    assert len({event["authority"] for event in news}) >= 30
    assert sum(len(story["body"].split()) >= SHORTEST_LONG_STORY for story in stories) >= 12
