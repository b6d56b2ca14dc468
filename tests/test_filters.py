"""Which alerts a sink wants, and what its URL may say."""

from collections.abc import Callable

import pytest

from streams.errors import SettingsError
from streams.filters import EVERYTHING, parse_filter, require_known
from streams.outlets import parse_outlet
from streams.records import Alert
from streams.vocabulary import Change, Level, Stage

MakeAlert = Callable[..., Alert]


def test_nothing_said_is_everything_wanted(alert_of: MakeAlert) -> None:
    assert parse_filter({}) == EVERYTHING
    assert EVERYTHING.admits(alert_of(level=Level.UNCONFIRMED, confidence=0.0, language=None, published=None))


@pytest.mark.parametrize(
    ("query", "admitted"),
    [
        ("authority=ru", True),
        ("authority=us, RU", True),
        ("authority=us", False),
        ("group=taliban", True),
        ("group=taliban-wing", True),
        ("group=isis", False),
        ("change=delisting,suspension", True),
        ("change=listing", False),
        ("stage=decided,effective", True),
        ("stage=proposed", False),
        ("level=unconfirmed", True),
        ("level=confirmed", True),
        ("level=official", False),
        ("min_confidence=0.9", True),
        ("min_confidence=0.91", False),
        ("language=en", True),
        ("language=en-gb", True),
        ("language=fr,ru", False),
        ("language=e", None),
        ("since=2024-10-04", True),
        ("since=2024-10-05", False),
        ("authority=ru&change=delisting&stage=decided&level=confirmed&min_confidence=0.6", True),
        ("authority=ru&change=listing", False),
    ],
)
def test_all_that_is_said_must_hold(alert_of: MakeAlert, query: str, admitted: bool | None) -> None:
    told = alert_of(scope="taliban-wing", language="en-GB")
    if admitted is None:
        with pytest.raises(SettingsError, match="language=e: not the form of a key"):
            parse_outlet(f"stdout:?{query}")
    else:
        assert parse_outlet(f"stdout:?{query}").wanted.admits(told) is admitted


def test_an_official_alert_is_more_than_confirmed(alert_of: MakeAlert) -> None:
    assert parse_filter({"level": "confirmed"}).admits(alert_of(level=Level.OFFICIAL))
    assert not parse_filter({"level": "confirmed"}).admits(alert_of(level=Level.UNCONFIRMED))


def test_what_a_story_leaves_open_shuts_nothing_out(alert_of: MakeAlert) -> None:
    assert parse_filter({"language": "en", "since": "2030-01-01"}).admits(alert_of(language=None, published=None))


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("authority=", "authority=: a value is empty"),
        ("authority=ru,,us", "authority=ru,,us: a value is empty"),
        ("group=a b", "group=a b: not the form of a key"),
        ("change=removal", f"change=removal: one of {', '.join(Change)}"),
        ("stage=done", f"stage=done: one of {', '.join(Stage)}"),
        ("level=confirmed,official", f"level=confirmed,official: one of {', '.join(Level)}"),
        ("min_confidence=high", "min_confidence=high: a number from 0 to 1"),
        ("min_confidence=nan", "min_confidence=nan: a number from 0 to 1"),
        ("min_confidence=1.1", "min_confidence=1.1: a number from 0 to 1"),
        ("since=yesterday", "since=yesterday: a day, such as 2026-01-31"),
        ("name=Desk", "name: lower-case letters, digits and hyphens, at most 40"),
        ("authority=ru&authority=us", "an option is given twice"),
    ],
)
def test_a_wrong_option_is_one_line_that_names_it(query: str, problem: str) -> None:
    with pytest.raises(SettingsError) as told:
        parse_outlet(f"jsonl:/srv/a?{query}")
    assert str(told.value) == f"sink 'jsonl:/srv/a': {problem}"


def test_an_authority_or_a_group_that_nobody_knows_is_told_with_the_nearest() -> None:
    known = (["ru", "us"], ["taliban", "isis"])
    require_known(parse_filter({"authority": "ru", "group": "taliban"}), *known)
    with pytest.raises(SettingsError, match=r"^group=talibn: not in the registry \(did you mean taliban\?\)$"):
        require_known(parse_filter({"group": "talibn"}), *known)
    with pytest.raises(SettingsError, match=r"^authority=xx: not in the registry$"):
        require_known(parse_filter({"authority": "xx"}), *known)


@pytest.mark.parametrize(
    "url",
    [
        "webhook+https://user:hunter2@desk.example/",
        "webhook+https://hunter2@desk.example/",
        "jsonl:/a#hunter2",
        "https://[hunter2",
        "jsonl:/a?hunter2",
        "/hunter2-is-a-path-without-scheme" * 2,
    ],
)
def test_a_url_that_cannot_be_taken_is_not_shown(url: str) -> None:
    with pytest.raises(SettingsError) as told:
        parse_outlet(url)
    assert len(str(told.value)) < 120
    assert "hunter2" not in str(told.value).replace("/hunter2-is-a-path", "")


def test_what_is_shown_of_a_sink_has_no_query() -> None:
    shown = [
        parse_outlet(url).label
        for url in (
            "webhook+https://desk.example:8443/x?secret_file=/s",
            "smtp://[::1]:25/?to=a@b",
            "jsonl:/a%20b?authority=ru",
        )
    ]
    assert shown == ["webhook+https://desk.example:8443", "smtp://[::1]:25", "jsonl:/a%20b"]
    assert parse_outlet("jsonl:/a%20b").file == "/a b"
