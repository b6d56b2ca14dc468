"""Which authorities nobody fresh would tell of, by the list and by how its feeds are."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from streams.coverage import FAILING_FROM, Coverage, Degree, FeedHealth, coverage, quiet_after
from streams.errors import DataFileError
from streams.feeds import EVERYBODY, FeedSpec, default_feeds, load_feeds
from streams.records import AuthorityKey
from streams.registry import load_registry

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
KG = AuthorityKey("kg")


def feed(key: str, **more: Any) -> FeedSpec:
    return FeedSpec(key=key, url=f"https://{key}.example/rss", name=key, language="en", **more)


def well(key: str, **more: Any) -> FeedHealth:
    facts = {"polled_at": NOW, "next_due": NOW + timedelta(minutes=5), "outcome": "ok", "newest": NOW}
    return FeedHealth(feed=key, **(facts | more))


def kyrgyz(*feeds: FeedSpec, **health: FeedHealth) -> Coverage:
    (found,) = coverage([KG], feeds, health, NOW)
    return found


OWN = feed("ministry", authority=KG, official=True)
NEAR = feed("agency", covers=(KG,))
FAR = feed("world", covers=(EVERYBODY,))


@pytest.mark.parametrize(
    ("feeds", "degree", "fresh"),
    [
        ((OWN, NEAR, FAR), Degree.OWN, ("ministry", "agency", "world")),
        ((NEAR, FAR), Degree.NEAR, ("agency", "world")),
        ((FAR,), Degree.DISTANT, ("world",)),
        ((), Degree.BLIND, ()),
        ((feed("other", covers=(AuthorityKey("kz"),)),), Degree.BLIND, ()),
    ],
    ids=["own", "near", "distant", "none", "another's"],
)
def test_an_authority_is_watched_by_the_nearest_fresh_feed(
    feeds: tuple[FeedSpec, ...], degree: Degree, fresh: tuple[str, ...]
) -> None:
    found = kyrgyz(*feeds, **{one.key: well(one.key) for one in feeds})
    assert (found.degree, found.fresh, found.failing) == (degree, fresh, ())


@pytest.mark.parametrize(
    ("health", "why"),
    [
        ({}, None),
        ({"polled_at": None}, "never polled"),
        ({"failures": FAILING_FROM, "outcome": "timeout"}, f"failing ({FAILING_FROM} in a row)"),
        ({"failures": 1, "outcome": "timeout"}, None),
        ({"next_due": NOW - timedelta(minutes=11)}, "not polled"),
        ({"newest": None}, "no item with a date"),
        ({"newest": NOW - timedelta(days=3)}, None),
        ({"newest": NOW - timedelta(days=4)}, "quiet for 4 days"),
    ],
    ids=str,
)
def test_a_feed_is_fresh_when_it_is_polled_answers_and_brings_something_new(
    health: dict[str, Any], why: str | None
) -> None:
    found = kyrgyz(NEAR, agency=well("agency", **health))
    assert found.degree == (Degree.BLIND if why else Degree.NEAR)
    assert found.failing == ((("agency", why),) if why else ())


def test_an_official_journal_may_be_quiet_for_longer_than_an_agency() -> None:
    assert quiet_after(OWN) > timedelta(days=20) > quiet_after(NEAR)
    weeks_ago = NOW - timedelta(days=20)
    assert kyrgyz(OWN, ministry=well("ministry", newest=weeks_ago)).degree is Degree.OWN


def test_a_feed_that_is_off_or_in_a_language_that_is_not_read_tells_nothing() -> None:
    off = feed("off", covers=(KG,), enabled=False, note="dead")
    russian = FeedSpec(key="russian", url="https://r.example/", name="r", language="ru", covers=(KG,))
    found = kyrgyz(off, russian, off=well("off"), russian=well("russian"))
    assert found.degree is Degree.BLIND
    assert dict(found.failing) == {"off": "switched off", "russian": "in a language that is not read (ru)"}


def test_a_feed_that_is_polled_by_its_address_may_tell_of_anybody() -> None:
    assert kyrgyz(by_hand=well("by_hand")).degree is Degree.DISTANT
    gone = well("by_hand", next_due=NOW - timedelta(days=2))
    assert kyrgyz(by_hand=gone).degree is Degree.BLIND


def test_without_a_broker_the_list_is_taken_at_its_word() -> None:
    (found,) = coverage([KG], [NEAR, feed("off", authority=KG, enabled=False, note="dead")], None, NOW)
    assert (found.degree, found.failing) == (Degree.NEAR, (("off", "switched off"),))


def test_what_the_bundled_feeds_cover_is_in_the_registry() -> None:
    named = {key for one in default_feeds() for key in one.covers} - {EVERYBODY}
    assert named <= load_registry().authorities.keys()


def test_a_strange_key_among_what_a_feed_covers_is_refused() -> None:
    raw = b'[a]\nurl = "https://a.example/"\nname = "A"\ncovers = ["kz", "Kazakhstan"]\n'
    with pytest.raises(DataFileError, match=r"my\.toml: a: covers: 'Kazakhstan' is no key of an authority"):
        load_feeds(raw, "my.toml")


def listwire(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-m", "agents", "feeds", "coverage", *arguments]
    environment = {**os.environ, "LISTWIRE_FEEDS_FILE": str(tmp_path / "feeds.toml"), "XDG_CONFIG_HOME": str(tmp_path)}
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=environment)


def test_the_command_names_who_is_blind_and_ends_with_1(tmp_path: Path) -> None:
    (tmp_path / "feeds.toml").write_text(
        '[a]\nurl = "https://a.example/"\nname = "A"\nlanguage = "en"\ncovers = ["kz"]\n'
    )
    run = listwire(tmp_path, "--offline")
    assert run.returncode == 1
    assert "blind    Kyrgyzstan                       no feed is said to cover it" in run.stdout.splitlines()
    assert "Kazakhstan" not in run.stdout
    told = {
        one["authority"]: one for one in map(json.loads, listwire(tmp_path, "--offline", "--json").stdout.splitlines())
    }
    assert told["kz"] == {"authority": "kz", "degree": "near", "fresh": ["a"], "failing": []}
    assert told.keys() == load_registry().authorities.keys()


def test_the_bundled_list_leaves_nobody_blind(tmp_path: Path) -> None:
    (tmp_path / "feeds.toml").write_bytes((Path(__file__).parents[1] / "streams" / "feeds.toml").read_bytes())
    assert listwire(tmp_path, "--offline").returncode == 0
