"""The feed list: strict to read, and the one that ships."""

import contextlib
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.errors import DataFileError
from streams.feeds import MAX_INTERVAL_S, MIN_INTERVAL_S, FeedSpec, default_feeds, feed_of_key, feed_of_url, load_feeds

GOOD = """
[agency-en]
url = "https://agency.example/rss?x=%5B1%5D"
name = "Agency"
source = "AG"
language = "en"
timezone = "+03:00"

[ministry]
url = "http://ministry.example/atom"
name = "Ministry"
authority = "ru"
official = true
interval_s = 120
"""


def problem(text: str) -> str:
    with pytest.raises(DataFileError) as broken:
        load_feeds(text.encode(), "mine.toml")
    assert "\n" not in str(broken.value)
    return str(broken.value)


WATCHED = """
[agency-drop]
folder = "/srv/drop/agency"
name = "Agency"
language = "en"
timezone = "+03:00"
source = "AG"
authority = "ru"
official = true
"""


def test_a_folder_stands_in_for_an_address_and_may_set_all_that_a_feed_may() -> None:
    (feed,) = load_feeds(WATCHED.encode(), "mine.toml", folders=True)
    assert (feed.folder, feed.url, feed.host) == ("/srv/drop/agency", "", "")
    assert (feed.language, feed.source, feed.authority, feed.official) == ("en", "AG", "ru", True)
    assert feed.zone.utcoffset(None) == timedelta(hours=3)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[a]\nname = 'A'\n", "mine.toml: a: needs `url` or `folder`"),
        ("[a]\nurl = ''\nname = 'A'\n", "mine.toml: a: needs `url` or `folder`"),
        ("[a]\nurl = 'http://x/'\nfolder = '/x'\nname = 'A'\n", "mine.toml: a: has `url` and `folder`"),
        ("[a]\nfolder = '/x'\nname = 'A'\ncredential = 'c'\n", "mine.toml: a: credential, user_agent: are sent"),
        ("[a]\nfolder = 'drop'\nname = 'A'\n", "mine.toml: a: folder: 'drop' is no absolute path"),
        ("[a]\nfolder = ''\nname = 'A'\n", "mine.toml: a: folder: '' is no absolute path"),
        ("[a]\nfolder = '~/drop'\nname = 'A'\n", "mine.toml: a: folder: '~/drop' is no absolute path"),
        ("[a]\nfolder = '/x/../y'\nname = 'A'\n", "mine.toml: a: folder: '/x/../y' is no absolute path"),
        (
            "[a]\nfolder = '/x'\nname = 'A'\n[b]\nfolder = '/x/'\nname = 'B'\n",
            "mine.toml: b: folder: the same as that of a",
        ),
    ],
)
def test_a_feed_is_either_polled_or_watched(text: str, expected: str) -> None:
    with pytest.raises(DataFileError) as broken:
        load_feeds(text.encode(), "mine.toml", folders=True)
    assert str(broken.value).startswith(expected)


def test_only_the_operators_own_list_may_name_a_folder() -> None:
    assert "only the operator's own feed file may name one" in problem(WATCHED)


@pytest.mark.parametrize("key", ["", "A", "a b", "a/b", "a" * 65])
def test_the_key_of_stdin_is_held_to_the_rule_of_keys(key: str) -> None:
    assert feed_of_key("agency-x").key == "agency-x"
    with pytest.raises(DataFileError, match="--stdin"):
        feed_of_key(key)


def test_a_list_is_read_in_its_order() -> None:
    agency, ministry = load_feeds(GOOD.encode(), "mine.toml")
    assert agency.key == "agency-en"
    assert agency.url == "https://agency.example/rss?x=%5B1%5D"
    assert agency.zone.utcoffset(None) == timedelta(hours=3)
    assert (ministry.authority, ministry.official, ministry.interval_s) == ("ru", True, 120)
    assert ministry.zone is UTC
    assert ministry.host == "ministry.example"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[a\n", "mine.toml: Expected ']'"),
        ("[a]\n[a]\n", "mine.toml: Cannot declare ('a',) twice (at line 2"),
        ("x = 1\n", "mine.toml: holds something outside a table"),
        ("", "mine.toml: lists no feed"),
        ("[a]\nurl = 'http://x/'\n", "mine.toml: a: Object missing required field `name`"),
        (
            "[a]\nurl = 'http://x/'\nname = 'A'\nrhythm = 1\n",
            "mine.toml: a: Object contains unknown field `rhythm`",
        ),
        (
            "[a]\nurl = 'http://x/'\nname = 'A'\ninterval_s = 'often'\n",
            "mine.toml: a: Expected `int`, got `str`",
        ),
        ("[a]\nkey = 'b'\nurl = 'http://x/'\nname = 'A'\n", "mine.toml: a: the table's header is the key"),
        ("['A B']\nurl = 'http://x/'\nname = 'A'\n", "mine.toml: A B: a key is lower-case letters"),
        ("[a]\nurl = 'ftp://x/'\nname = 'A'\n", "mine.toml: a: url: 'ftp://x/' is no http or https address"),
        ("[a]\nurl = '/etc/passwd'\nname = 'A'\n", "mine.toml: a: url: '/etc/passwd' is no http"),
        ("[a]\nurl = 'http://x:99999/'\nname = 'A'\n", "mine.toml: a: url:"),
        ("[a]\nurl = 'http://[x/'\nname = 'A'\n", "mine.toml: a: url:"),
        ("[a]\nurl = 'http://x/ y'\nname = 'A'\n", "mine.toml: a: url:"),
        ("[a]\nurl = 'http://x/'\nname = 'A'\nlanguage = 'English'\n", "mine.toml: a: language: 'English'"),
        ("[a]\nurl = 'http://x/'\nname = 'A'\nofficial = true\n", "mine.toml: a: official:"),
        ("[a]\nurl = 'http://x/'\nname = 'A'\nenabled = false\n", "mine.toml: a: note:"),
        (
            "[a]\nurl = 'http://x/'\nname = 'A'\ntimezone = 'Mars/Base'\n",
            "mine.toml: a: timezone: 'Mars/Base'",
        ),
        ("[a]\nurl = 'http://x/'\nname = 'A'\nuser_agent = ''\n", "mine.toml: a: user_agent: one line"),
        ('[a]\nurl = "http://x/"\nname = "A"\nuser_agent = "a\\r\\nX: y"\n', "mine.toml: a: user_agent: one line"),
        ("[a]\nurl = 'http://x/'\nname = 'A'\nuser_agent = 'é'\n", "mine.toml: a: user_agent: one line"),
        ("[a]\nurl = 'http://x/'\nname = 'A'\ncredential = '../x'\n", "mine.toml: a: credential: the name"),
        ("[a]\nurl = 'http://x/'\nname = 'A'\ntimezone = '../x'\n", "mine.toml: a: timezone: '../x'"),
        (
            "[a]\nurl = 'http://x/'\nname = 'A'\n[b]\nurl = 'http://x/'\nname = 'B'\n",
            "mine.toml: b: url: the same as that of a",
        ),
    ],
)
def test_a_broken_list_names_file_and_key(text: str, expected: str) -> None:
    assert problem(text).startswith(expected)


def test_credentials_in_an_address_are_refused_and_not_repeated() -> None:
    told = problem("[a]\nurl = 'https://user:hunter2@x/'\nname = 'A'\n")
    assert "credentials" in told
    assert "hunter2" not in told


def test_a_secret_written_where_its_name_belongs_is_refused_and_not_repeated() -> None:
    told = problem("[a]\nurl = 'https://x/'\nname = 'A'\ncredential = 'basic user:hunter2'\n")
    assert told.startswith("mine.toml: a: credential: the name of a file")
    assert "hunter2" not in told


def test_a_feed_names_its_credential_and_may_have_a_user_agent_of_its_own() -> None:
    (feed,) = load_feeds(b"[a]\nurl='http://x/'\nname='A'\ncredential='agency-a'\nuser_agent='desk/1 (x)'\n", "m.toml")
    assert (feed.credential, feed.user_agent) == ("agency-a", "desk/1 (x)")


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(DataFileError, match=r"mine\.toml: is not UTF-8 text"):
        load_feeds(b"\xff\xfe[a]", "mine.toml")


@given(st.integers(-(2**62), 2**62))
def test_a_rhythm_is_brought_within_its_bounds(interval_s: int) -> None:
    (feed,) = load_feeds(f"[a]\nurl='http://x/'\nname='A'\ninterval_s={interval_s}".encode(), "mine.toml")
    assert MIN_INTERVAL_S <= feed.interval_s <= MAX_INTERVAL_S


@given(st.binary(max_size=200))
def test_any_bytes_give_a_list_or_one_error(raw: bytes) -> None:
    with contextlib.suppress(DataFileError):
        assert all(isinstance(feed, FeedSpec) for feed in load_feeds(raw, "mine.toml"))


def test_a_bare_address_becomes_a_feed_with_a_stable_key_of_its_own() -> None:
    feed = feed_of_url("https://Agency.example:8443/rss?x=1")
    assert feed == feed_of_url("https://Agency.example:8443/rss?x=1")
    assert feed.key.startswith("agency-example-")
    assert feed.key != feed_of_url("https://agency.example:8443/rss?x=2").key


@pytest.mark.parametrize("url", ["agency.example", "file:///etc/passwd", "https://", "https://a b/"])
def test_an_address_that_cannot_be_polled_is_refused(url: str) -> None:
    with pytest.raises(DataFileError, match="--feed"):
        feed_of_url(url)


def test_the_list_that_ships_is_sound() -> None:
    feeds = default_feeds()
    assert len({feed.key for feed in feeds}) == len(feeds)
    assert sum(feed.enabled for feed in feeds) > 30
    assert all(feed.language and (feed.source or not feed.enabled) for feed in feeds)
    summer = datetime(2024, 7, 1, tzinfo=UTC)
    assert all(feed.zone.utcoffset(summer) is not None for feed in feeds)


def test_the_list_that_ships_keeps_dead_feeds_with_their_reason() -> None:
    dead = {feed.key: feed.note for feed in default_feeds() if not feed.enabled}
    assert {"us-ofac-recent-actions", "ru-mfa", "xinhua-en", "kyodo-en", "rferl", "voa", "arab-news"} <= set(dead)
    assert all(dead.values())


def test_each_feed_of_the_list_that_ships_says_why_it_is_there() -> None:
    assert [feed.key for feed in default_feeds() if len(feed.note or "") < 20] == []


def test_no_feed_of_the_list_that_ships_is_told_that_we_are_a_browser_or_needs_a_secret() -> None:
    assert [feed.key for feed in default_feeds() if feed.user_agent or feed.credential] == []


def test_only_what_an_authority_publishes_itself_is_official() -> None:
    official = {feed.key: feed.authority for feed in default_feeds() if feed.official}
    assert official["us-federal-register-state"] == "us"
    assert official["gb-ofsi"] == "gb"
    assert not {"tass-en", "un-news-peace", "bbc-world"} & set(official)
