"""What a person sees of an alert in a terminal, and what never reaches it."""

import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rich.console import Console

from agents.rendering import plain, render
from agents.sinks import SinkError, group_of, open_sink, schemes
from streams.errors import SettingsError
from streams.records import Alert, AlertId, AuthorityKey, Evidence, GroupKey, StoryId, StoryRef
from streams.vocabulary import AlertKind, AlertStatus, Change, Level, Stage, State

NOW = datetime(2024, 10, 4, 12, 0, 7, tzinfo=UTC)
QUOTE = "the decision to take the movement off the list was made at the highest level"


def alert(published: datetime | None = NOW - timedelta(seconds=7), **changes: Any) -> Alert:
    story = StoryRef(
        id=StoryId("s1"),
        revision=1,
        feed="demo-wire",
        headline="A headline",
        published=published,
        source="Demo Wire",
    )
    facts: dict[str, Any] = {
        "id": AlertId("a1b2"),
        "revision": 1,
        "kind": AlertKind.STEP,
        "status": AlertStatus.LIVE,
        "level": Level.UNCONFIRMED,
        "from_state": State.LISTED,
        "to_state": State.DELISTING_DECIDED,
        "authority": AuthorityKey("ru"),
        "authority_name": "Russia",
        "group": GroupKey("taliban"),
        "group_name": "Taliban",
        "change": Change.DELISTING,
        "stage": Stage.DECIDED,
        "bundle": "b",
        "evidence": Evidence(rule="r", start=0, end=1, text=QUOTE),
        "story": story,
        "confidence": 0.86,
        "confirmed": False,
        "reason": "new",
        "acted_on": "2024-10-04",
        "speaker": "the Foreign Ministry",
        "medium": "TASS",
    }
    return Alert(**(facts | changes))


def test_an_alert_says_who_whom_what_by_whom_and_how_fresh() -> None:
    text = render(alert(), NOW).plain
    for words in (
        "DELISTING DECIDED",
        "Russia ▸ Taliban",
        "unconfirmed",
        "listed → delisting decided, 2024-10-04",
        f"“{QUOTE}”",
        "said by the Foreign Ministry through TASS",
        "7 s after publication",
        "Demo Wire (demo-wire)",
        "A headline",
    ):
        assert words in text.replace("\n▌ ", " ")


def test_the_evidence_is_underlined_and_nothing_else_is() -> None:
    text = render(alert(), NOW, 60)
    underlined = "".join(text.plain[s.start : s.end] for s in text.spans if "underline" in str(s.style))
    assert underlined.replace(" ", "") == QUOTE.replace(" ", "")


@pytest.mark.parametrize("width", [40, 60, 96])
def test_no_line_is_wider_than_asked(width: int) -> None:
    assert max(map(len, render(alert(), NOW, width).plain.splitlines())) <= width


@pytest.mark.parametrize(
    ("changes", "title"),
    [
        ({"kind": AlertKind.CHANGE, "to_state": State.LISTED}, "LISTED"),
        ({"kind": AlertKind.PARTIAL}, "OFF ONE LIST"),
        ({"kind": AlertKind.REJECTED, "stage": Stage.REJECTED}, "DELISTING REJECTED"),
        ({"status": AlertStatus.RETRACTED}, "RETRACTED: DELISTING DECIDED"),
        ({"status": AlertStatus.CORRECTED, "revision": 2}, "CORRECTED: DELISTING DECIDED"),
    ],
)
def test_the_title_says_what_sort_of_news_it_is(changes: dict[str, Any], title: str) -> None:
    assert render(alert(**changes), NOW).plain.startswith(f"▌  {title} ")


@pytest.mark.parametrize("kind", list(AlertKind))
@pytest.mark.parametrize("status", list(AlertStatus))
def test_every_kind_and_status_can_be_shown(kind: AlertKind, status: AlertStatus) -> None:
    assert render(alert(kind=kind, status=status, speaker=None, medium=None), NOW).plain


@pytest.mark.parametrize(
    ("age", "words"),
    [
        (timedelta(seconds=-90), "0 s after"),
        (timedelta(seconds=119), "119 s after"),
        (timedelta(minutes=7), "7 min after"),
        (timedelta(hours=30), "30 h after"),
        (timedelta(days=9), "9 days after"),
    ],
)
def test_the_age_is_told_in_the_unit_that_fits(age: timedelta, words: str) -> None:
    assert words in render(alert(NOW - age), NOW).plain


def test_a_story_without_a_time_says_so() -> None:
    assert "publication time unknown" in render(alert(None), NOW).plain


def test_control_and_direction_marks_never_reach_the_terminal() -> None:
    hostile = "a\x1b[2Jb\r\nc\u202ed\x9be\u2028f [red]g[/red]"
    told = alert(
        group_name=hostile,
        speaker=hostile,
        evidence=Evidence(rule="r", start=0, end=1, text=hostile),
        reason=hostile,
    )
    text = render(told, NOW).plain
    assert not {"\x1b", "\r", "\u202e", "\x9b", "\u2028"} & set(text)
    assert "[red]g[/red]" in text
    assert plain(hostile) == "a [2Jb c d e f [red]g[/red]"


def test_a_terminal_without_colour_gets_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    out = io.StringIO()
    Console(file=out, force_terminal=True, color_system="auto").print(render(alert(), NOW))
    assert "\x1b[3" not in out.getvalue()


async def test_off_a_terminal_standard_output_gets_one_object_a_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    sink = open_sink("stdout:")
    await sink.deliver(alert(), NOW)
    await sink.deliver(alert(revision=2), NOW)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["id"], line["revision"], line["from"]) for line in lines] == [
        ("a1b2", 1, "listed"),
        ("a1b2", 2, "listed"),
    ]


async def test_text_can_be_insisted_on(capsys: pytest.CaptureFixture[str]) -> None:
    await open_sink("stdout:text").deliver(alert(), NOW)
    assert "Russia ▸ Taliban" in capsys.readouterr().out


async def test_a_reader_that_went_away_is_worth_another_try(monkeypatch: pytest.MonkeyPatch) -> None:
    class Closed(io.StringIO):
        def write(self, _: str) -> int:
            raise BrokenPipeError(32, "Broken pipe")

    monkeypatch.setattr("sys.stdout", Closed())
    with pytest.raises(SinkError, match="standard output: Broken pipe"):
        await open_sink("stdout:json").deliver(alert(), NOW)


@pytest.mark.parametrize("url", ["pigeon://roof", "stdout:smoke", ""])
def test_a_sink_that_is_not_there_is_an_error_that_names_it(url: str) -> None:
    with pytest.raises(SettingsError, match=f"sink '{url}'"):
        open_sink(url)


def test_the_group_of_a_sink_tells_its_scheme_and_hides_its_secrets() -> None:
    assert "stdout" in schemes()
    group = group_of("stdout:json?token=hunter2")
    assert group.startswith("listwire.herald.stdout.")
    assert "hunter2" not in group
    assert group != group_of("stdout:json")
