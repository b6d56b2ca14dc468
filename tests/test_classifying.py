"""What goes on to the detector, what stays quiet and why, and in which language a story is."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.classifying import Quiet, classify
from streams.classifying.language import language_of
from streams.records import Classified, Story, StoryId
from streams.registry import load_registry
from streams.vocabulary import PubStatus

LANGUAGE = "language-unsupported"
NOW = datetime(2024, 10, 4, tzinfo=UTC)


def story(text: str, **more: Any) -> Story:
    return Story(id=StoryId("1"), feed="f", guid="g", headline="", body=text, received_at=NOW, **more)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("The weather in London was fine on Friday, said the office that looks after it.", "no-group"),
        ("Hamas and Israel met for talks in Cairo, the mediators said on Friday.", "no-cue"),
        (
            "Rusia retira a los talibanes (Taliban) de la lista de organizaciones terroristas, dijo el ministro.",
            LANGUAGE,
        ),
        ("Россия исключила «Талибан» из списка террористических организаций, сообщил МИД.", LANGUAGE),
    ],
)
def test_a_quiet_story_says_why(text: str, reason: str) -> None:
    quiet = classify(story(text), load_registry())
    assert isinstance(quiet, Quiet)
    assert quiet.reason == reason


def test_a_story_that_can_carry_a_change_goes_on_with_what_it_is_about() -> None:
    found = classify(story("Russia removed the Taliban from its terrorist list."), load_registry())
    assert isinstance(found, Classified)
    assert found.language == "en"
    assert [mention.group for mention in found.mentions] == ["taliban"]
    assert "delisting" in found.topics


@pytest.mark.parametrize(
    "more",
    [{"revision": 2}, {"pub_status": PubStatus.WITHHELD}, {"pub_status": PubStatus.CANCELED}, {"signals": ("kill",)}],
    ids=str,
)
def test_revisions_kills_and_withheld_stories_always_go_on(more: dict[str, Any]) -> None:
    assert isinstance(classify(story("Nothing of interest.", **more), load_registry()), Classified)


@pytest.mark.parametrize(
    ("text", "declared", "code"),
    [
        ("The decision has been made at the highest level, it said.", None, "en"),
        ("The decision has been made at the highest level, it said.", "fr", "en"),
        ("US drops Taliban from terror list", None, "en"),
        (
            "Le gouvernement a dissous le mouvement, a annoncé le ministre de l'Intérieur à la presse dans la soirée.",
            "fr-FR",
            "fr",
        ),
        ("Россия исключила Талибан из списка", "en", "ru"),
        ("روسیه طالبان را از فهرست گروه‌های تروریستی خارج کرد و گفت که", None, "fa"),
        ("أزالت روسيا حركة طالبان من قائمة المنظمات الإرهابية", None, "ar"),
        ("俄罗斯将塔利班从恐怖组织名单中移除", None, "zh"),
        ("", None, "und"),
    ],
)
def test_a_language_is_told_by_what_is_cheapest(text: str, declared: str | None, code: str) -> None:
    assert language_of(text, declared) == code


@settings(deadline=None)  # the first text of a foreign language loads the model
@given(st.text(max_size=300))
def test_any_text_can_be_classified(text: str) -> None:
    assert classify(story(text), load_registry()) is not None
