"""Each row of the phrasebook hits the sentences it names and misses the others it names."""

from datetime import UTC, datetime

import pytest

from streams.reading import read
from streams.reading.claims import find_turns, turns
from streams.reading.operators import Effect, find_operators
from streams.reading.phrases import Phrase, phrases, verb_spellings
from streams.reading.tokens import tokens
from streams.records import Claim, Story
from streams.registry import load_registry
from streams.wires.documents import story_id

FRIDAY = datetime(2024, 10, 4, tzinfo=UTC)


def claims(sentence: str) -> tuple[Claim, ...]:
    story = Story(
        id=story_id("test", sentence),
        feed="test",
        guid=sentence,
        headline="",
        body=sentence,
        received_at=FRIDAY,
        published=FRIDAY,
    )
    return read(story, load_registry()).claims


HITS = [pytest.param(row, hit, id=f"{row.id}: {hit}") for row in phrases() for hit in row.hits]
MISSES = [pytest.param(row, miss, id=f"{row.id}: {miss}") for row in phrases() for miss in row.misses]


@pytest.mark.parametrize(("row", "sentence"), HITS)
def test_a_row_hits_its_sentences(row: Phrase, sentence: str) -> None:
    found = [c for c in claims(sentence) if c.evidence.rule.split("+")[0] == row.id]
    assert found
    assert {c.change for c in found} == {row.change}


@pytest.mark.parametrize(("row", "sentence"), MISSES)
def test_a_row_misses_its_counter_examples(row: Phrase, sentence: str) -> None:
    assert [c for c in claims(sentence) if c.news and c.evidence.rule.split("+")[0] == row.id] == []


@pytest.mark.parametrize("row", phrases(), ids=lambda row: row.id)
def test_a_row_says_why_it_stands_there(row: Phrase) -> None:
    assert row.why
    assert row.hits
    assert row.misses


@pytest.mark.parametrize(("row", "sentence"), [(row, hit) for row, _ in turns() for hit in row.hits])
def test_a_turn_is_found_in_its_sentences(row: object, sentence: str) -> None:
    assert row in find_turns(sentence)


@pytest.mark.parametrize(("row", "sentence"), [(row, miss) for row, _ in turns() for miss in row.misses])
def test_a_turn_is_not_found_in_its_counter_examples(row: object, sentence: str) -> None:
    assert row not in find_turns(sentence)


@pytest.mark.parametrize(
    ("sentence", "effects"),
    [
        ("refused to list it", [Effect.REJECT]),
        ("rejected a request to lift the ban", [Effect.REJECT, Effect.REQUEST]),
        ("is set to ban it", [Effect.DECIDE]),
        ("asked whether it would", [Effect.REQUEST, Effect.QUESTION]),
    ],
)
def test_operators_are_found_in_order(sentence: str, effects: list[Effect]) -> None:
    assert [hit.operator.effect for hit in find_operators(tokens(sentence, 0, len(sentence)))] == effects


@pytest.mark.parametrize(
    ("verb", "forms"),
    [
        ("designate", {"designate", "designates", "designated", "designating"}),
        ("ban", {"ban", "bans", "banned", "banning"}),
        ("classify", {"classify", "classifies", "classified", "classifying"}),
        ("take off", {"take off", "takes off", "took off", "taken off", "taking off"}),
    ],
)
def test_a_verb_is_spelt_in_all_its_forms(verb: str, forms: set[str]) -> None:
    assert {" ".join(words) for words, _ in verb_spellings(verb)} == forms
