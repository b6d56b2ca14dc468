"""Whose words a claim rests on: copies are one source, independent ones raise level and confidence."""

from typing import Any

import pytest

from streams.corroboration import MOST, Voice, are_alike, confidence_of, independent, level_of, sketch
from streams.records import AuthorityKey, Claim, ClaimId, Evidence, GroupKey, StoryId, StoryRef
from streams.vocabulary import Change, Level, Stage

COPY = (
    "The interior ministry of Verrania said on Tuesday that it had taken the Northern Front off its list of banned "
    "organisations after a court in the capital had found the ban of 2019 unlawful. The decision takes effect when it "
    "is printed in the official gazette, the ministry's spokeswoman told reporters. Its lawyers welcomed it. "
    "The opposition called for an inquiry into the ban, under which some two hundred people had been tried since then."
)
OTHER = (
    "Northern Front is no longer outlawed in Verrania, a cabinet member told public radio this morning. He did not say "
    "what had led to the change. Villages in the north, where the movement has its roots, saw bonfires at night, and "
    "a march through the provincial capital was announced for the weekend by its youth wing, which had met in exile."
)


def voice(
    name: str, text: str = "", *, confidence: float = 0.6, story: dict[str, Any] | None = None, **more: Any
) -> Voice:
    claim = Claim(
        id=ClaimId(name),
        group=GroupKey("x"),
        authority=AuthorityKey("a"),
        change=Change.DELISTING,
        stage=Stage.EFFECTIVE,
        news=True,
        evidence=Evidence(rule="test", start=0, end=1, text="x"),
        confidence=confidence,
        confirmed=more.pop("confirmed", False),
        origin=more.pop("origin", name),
        fingerprint=sketch(text or name * 5),
        **more,
    )
    return Voice(claim, StoryRef(id=StoryId(name), revision=1, feed=name, headline="H", **(story or {})))


@pytest.mark.parametrize(
    "edited",
    [
        COPY.upper(),
        "UPDATE 1-Ban lifted\n" + COPY,
        COPY.rpartition(". ")[0] + ".",
        COPY.replace("on Tuesday", "yesterday").replace("some two hundred", "about 200"),
    ],
)
def test_a_copy_with_another_head_or_tail_is_alike(edited: str) -> None:
    assert are_alike(sketch(COPY), sketch(edited))


def test_another_report_of_the_same_event_is_not() -> None:
    assert not are_alike(sketch(COPY), sketch(OTHER))


@pytest.mark.parametrize("mark", [None, ""])
def test_what_has_no_sketch_resembles_nothing(mark: str | None) -> None:
    assert not are_alike(mark, mark)


def test_copies_and_stories_of_one_origin_are_one_source() -> None:
    voices = [
        voice("a", COPY),
        voice("b", COPY.lower()),
        voice("c", OTHER),
        voice("d", "quite another text", origin="C"),
    ]
    assert independent(voices) == 2
    assert independent(list(reversed(voices))) == 2


def test_what_links_two_sources_makes_them_one() -> None:
    linked = [voice("a", COPY), voice("b", OTHER), voice("c", COPY, origin="b")]
    assert independent(linked) == 1


def test_two_independent_sources_confirm_and_two_copies_do_not() -> None:
    assert level_of([voice("a", COPY), voice("b", OTHER)]) is Level.CONFIRMED
    assert level_of([voice("a", COPY), voice("b", COPY)]) is Level.UNCONFIRMED


def test_the_authoritys_word_confirms_and_its_publication_is_official() -> None:
    assert level_of([voice("a", confirmed=True)]) is Level.CONFIRMED
    assert level_of([voice("a", official=True)]) is Level.OFFICIAL


@pytest.mark.parametrize("story", [{"complete": False}, {"trusted": False}])
def test_a_cut_story_or_an_untrusted_feed_confirms_nothing(story: dict[str, bool]) -> None:
    assert level_of([voice("a", confirmed=True, official=True, story=story)]) is Level.UNCONFIRMED
    assert level_of([voice("a", COPY), voice("b", OTHER, story=story)]) is Level.UNCONFIRMED


def test_confidence_grows_with_independent_sources_alone() -> None:
    assert confidence_of([voice("a", COPY), voice("b", COPY)]) == 0.6
    assert confidence_of([voice("a", COPY), voice("b", OTHER)]) == pytest.approx(0.84)
    assert confidence_of([voice(str(n), str(n) * 9, confidence=0.95) for n in range(9)]) == MOST
