"""`status --at` and `--history`, `due`, `ledger`: offline, and on a real Kafka with the agents running."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from agents.app import build_app
from agents.broker import Broker, BrokerSpec
from agents.cli.ledger_facts import Facts, stated
from agents.cli.naming import UnknownNameError, pairs_of
from agents.kafka import Outgoing, Publisher, create_topics
from agents.memory import LogReader
from agents.worker import stations
from streams.alerts import settle
from streams.codec import decode, encode
from streams.errors import SettingsError
from streams.ledger import open_entry
from streams.records import AuthorityKey, GroupKey, PartialDate, Report, Story, StoryId
from streams.registry import load_registry
from streams.topics import Topic, partitions_of
from streams.vocabulary import Change, Stage

REGISTRY = load_registry()


def listwire(*arguments: str, broker: str | None = None, data_dir: Path = Path("/no/such/data")) -> Any:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LISTWIRE_")}
    environment |= {"LISTWIRE_DATA_DIR": str(data_dir)} | ({"LISTWIRE_BROKER": broker} if broker else {})
    command = [sys.executable, "-P", "-m", "agents", *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True, env=environment, timeout=60)


def rows(run: Any) -> list[dict[str, Any]]:
    assert run.returncode == 0, run.stderr
    return [json.loads(line) for line in run.stdout.splitlines()]


# offline


def test_the_baseline_of_a_day_is_told() -> None:
    (then,) = rows(listwire("status", "Taliban", "Russia", "--at", "2024-06-01", "--offline", "--json"))
    (now,) = rows(listwire("status", "ru|taliban", "--offline", "--json"))
    assert [standing["state"] for standing in then["standings"]] == ["listed"]
    assert [standing["state"] for standing in now["standings"]] == ["suspended"]


def test_a_day_before_all_listings_has_none() -> None:
    assert listwire("status", "ru|taliban", "--at", "1990-01-01", "--offline").stdout == "nothing known\n"


def test_history_without_a_broker_is_the_registrys_and_says_so(tmp_path: Path) -> None:
    run = listwire("status", "ru", "taliban", "--history", "--json", data_dir=tmp_path)
    assert "no broker" in run.stderr
    (row,) = rows(run)
    assert (row["kind"], row["suspended"]) == ("baseline", "2025-04-17")


def test_what_is_due_is_told_by_day() -> None:
    run = listwire("due", "us", "--days", "1900", "--offline", "--json")
    found = rows(run)
    assert {row["kind"] for row in found} == {"review"}
    assert {row["authority"] for row in found} == {"us"}
    assert [row["day"] for row in found] == sorted(row["day"] for row in found)
    assert all("8 USC 1189" in row["what"] for row in found)


def test_a_ledger_that_starts_from_nothing_has_nothing_due(tmp_path: Path) -> None:
    run = listwire("due", "us", "--baseline", "none", "--json", data_dir=tmp_path)
    assert rows(run) == []
    assert "no broker" in run.stderr


def test_a_person_reads_what_is_due_in_two_lines() -> None:
    run = listwire("due", "eu", "pkk", "--days", "200", "--offline")
    head, source = run.stdout.splitlines()
    assert "  review  European Union ▸ " in head
    assert source.strip().startswith("https://")


@pytest.mark.parametrize(
    ("arguments", "code", "culprit"),
    [
        (["status", "taliban", "--history", "--offline"], 2, "--history"),
        (["status", "ru", "taliban", "--history", "--at", "2024-01-01", "--offline"], 2, "--history"),
        (["status", "taliban", "--at", "9999-12-31", "--offline"], 2, "9999-12-31 is still to come"),
        (["status", "taliban", "--at", "yesterday", "--offline"], 2, "yesterday"),
        (["status", "taliban", "hamas", "--offline"], 1, "one authority and one group"),
        (["due", "nobody at all", "--offline"], 1, "nobody at all"),
        (["ledger", "retract", "ru|taliban", "--reason", "x"], 2, "--by"),
        (["ledger", "retract", "ru|taliban", "--reason", " ", "--by", "me", "--broker", "127.0.0.1:1"], 2, "--reason"),
        (["ledger", "confirm", "ru|taliban", "--reason", "x", "--by", "me"], 2, "no broker"),
        (["ledger", "confirm", "x", "--reason", "x", "--by", "me", "--broker", "127.0.0.1:1"], 1, "127.0.0.1:1"),
    ],
)
def test_a_wrong_call_is_one_clear_line(arguments: list[str], code: int, culprit: str, tmp_path: Path) -> None:
    run = listwire(*arguments, data_dir=tmp_path)
    assert run.returncode == code, run.stderr
    assert culprit in run.stderr
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize("names", [["ru", "taliban"], ["Taliban", "Russia"], ["ru|taliban"], ["Russia|the Taliban"]])
def test_a_pair_is_named_in_any_order(names: list[str]) -> None:
    assert pairs_of(names, REGISTRY) == [("ru", "taliban")]


@pytest.mark.parametrize("names", [["ru", "us"], ["ru|"], ["|"], ["ru|taliban|x"], ["ru|taliban", "hamas"]])
def test_what_is_no_pair_is_refused(names: list[str]) -> None:
    with pytest.raises(UnknownNameError):
        pairs_of(names, REGISTRY)


US_HEZBOLLAH = open_entry(AuthorityKey("us"), GroupKey("hezbollah"), REGISTRY)
TODAY = date(2024, 10, 6)


def facts(**given: Any) -> Facts:
    return Facts(**(dict.fromkeys(Facts._fields) | {"change": Change.DELISTING, "stage": Stage.DECIDED} | given))


def test_a_correction_is_of_today_and_of_the_main_list_unless_told_otherwise() -> None:
    matter = stated(US_HEZBOLLAH, None, facts(instrument="fto"), TODAY, REGISTRY)
    assert (matter.acted_on, matter.instrument, matter.scope) == ("2024-10-06", None, None)
    assert stated(US_HEZBOLLAH, None, facts(instrument="sdgt"), TODAY, REGISTRY).instrument == "sdgt"


@pytest.mark.parametrize(
    ("given", "flag"),
    [
        ({"stage": None}, "--change and --stage"),
        ({"instrument": "proscription"}, "--instrument: us has no list 'proscription'"),
        ({"scope": "taliban"}, "--scope: 'taliban' is no part of hezbollah"),
        ({"acted_on": "2024-02-30"}, "--date: '2024-02-30' is no date"),
        ({"acted_on": "2024-10-07"}, "--date: 2024-10-07 is still to come"),
        ({"effective_on": "soon"}, "--effective: 'soon' is no date"),
    ],
)
def test_a_correction_that_cannot_be_is_refused_by_its_flag(given: dict[str, Any], flag: str) -> None:
    with pytest.raises(SettingsError, match=flag):
        stated(US_HEZBOLLAH, None, facts(**given), TODAY, REGISTRY)


# live


@pytest.fixture(scope="module")
def bootstrap(broker_spec: Callable[[Path], BrokerSpec], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A broker of this module's own: the claims log has to be ours alone."""
    with Broker.start(broker_spec(tmp_path_factory.mktemp("operator")), lambda _: None) as broker:
        asyncio.run(create_topics(broker.bootstrap))
        yield broker.bootstrap


@asynccontextmanager
async def agents_at_work(bootstrap: str, data_dir: Path) -> AsyncIterator[Publisher]:
    publisher = Publisher(bootstrap)
    await publisher.start()
    app, _ = build_app(bootstrap, stations(REGISTRY, publisher, LogReader(bootstrap)), data_dir, "operator-test")
    await app.start()
    try:
        yield publisher
    finally:
        await app.stop()
        await publisher.stop()


async def values(bootstrap: str, topic: Topic) -> list[bytes]:
    read = LogReader(bootstrap)
    found = [m.value for p in range(partitions_of(topic)) async for m in read(topic, p, 0, None)]
    return [value for value in found if value is not None]


async def alerts(bootstrap: str, count: int, seconds: float = 40) -> list[dict[str, Any]]:
    """The first `count` alert revisions, once they are there."""

    async def there() -> list[bytes]:
        return await values(bootstrap, Topic.ALERTS)

    await until(lambda: _at_least(there, count), seconds)
    return [json.loads(value) for value in await there()]


async def _at_least(there: Callable[[], Awaitable[list[bytes]]], count: int) -> bool:
    return len(await there()) >= count


async def until(condition: Callable[[], Awaitable[bool]], seconds: float) -> None:
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 - a broker raises no event of ours
            await asyncio.sleep(0.1)


def story(moment: datetime) -> Outgoing:
    told = Story(
        id=StoryId("wire-1"),
        feed="test",
        guid="wire-1",
        headline="Kazakhstan decides to remove Hezbollah from list of terrorist organisations",
        body="Kazakhstan has decided to remove Hezbollah from the list of terrorist organisations, a Hezbollah "
        "spokesman claimed.",
        published=moment,
        received_at=moment,
    )
    return Outgoing(Topic.STORIES, b"wire-1", encode(told))


@pytest.mark.kafka
async def test_an_operator_confirms_retracts_and_corrects_and_all_of_it_can_be_audited(
    bootstrap: str, tmp_path: Path
) -> None:
    async def run(*arguments: str) -> Any:
        return await asyncio.to_thread(listwire, *arguments, broker=bootstrap, data_dir=tmp_path)

    moment = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    yesterday, ahead = f"{moment - timedelta(days=1):%Y-%m-%d}", f"{moment + timedelta(days=20):%Y-%m-%d}"
    pair = "kz|hezbollah"
    async with agents_at_work(bootstrap, tmp_path) as publisher:
        await publisher.publish(story(moment))
        (first,) = await alerts(bootstrap, 1)
        assert (first["level"], first["status"]) == ("unconfirmed", "live")

        assert (await run("ledger", "confirm", pair, "--reason", "heard it", "--by", "A. Osei")).returncode == 0
        second = (await alerts(bootstrap, 2))[1]
        assert (second["id"], second["revision"], second["level"]) == (first["id"], 2, "confirmed")
        again = await run("ledger", "confirm", pair, "--reason", "heard it", "--by", "A. Osei")
        assert (again.returncode, "is confirmed already" in again.stderr) == (1, True)

        trial = await run("ledger", "retract", pair, "--reason", "a hoax", "--by", "M. Ito", "--dry-run")
        assert "revision 3: delisting decided, retracted" in trial.stdout
        assert len(await values(bootstrap, Topic.CLAIMS)) == 2
        told = await run("ledger", "retract", first["id"], "--reason", "a hoax\x1b[31m", "--by", "M. Ito")
        assert f"alert {first['id']} revision 3: delisting decided, retracted" in told.stdout
        third = (await alerts(bootstrap, 3))[2]
        assert (third["revision"], third["status"]) == (3, "retracted")
        assert third["reason"] == "retracted by M. Ito: a hoax [31m"
        assert (await run("ledger", "retract", first["id"], "--reason", "x", "--by", "y")).returncode == 1
        assert "has no live alert" in (await run("ledger", "retract", pair, "--reason", "x", "--by", "y")).stderr
        assert rows(await run("due", "kz", "--json")) == []

        given = ["--change", "suspension", "--stage", "decided", "--effective", ahead, "--reason", "so it is"]
        assert (await run("ledger", "correct", pair, *given, "--by", "M. Ito")).returncode == 0
        fourth = (await alerts(bootstrap, 4))[3]
        assert (fourth["change"], fourth["stage"], fourth["level"]) == ("suspension", "decided", "confirmed")
    (due,) = rows(await run("due", "kz", "--json"))
    assert (due["day"], due["kind"], due["source"]) == (ahead, "effect", "M. Ito: so it is")
    history = rows(await run("status", "kz", "Hezbollah", "--history", "--json"))
    log = [row for row in history if row["kind"] != "baseline"]
    assert [row["kind"] for row in log] == ["claim", "alert", *["verdict", "alert"] * 3]
    verdict = log[4]
    assert (verdict["story"]["source"], verdict["story"]["headline"]) == ("M. Ito", "a hoax [31m")
    assert verdict["claim"]["evidence"]["rule"] == "operator/retracted"
    text = (await run("status", "kz", "Hezbollah", "--history")).stdout
    assert "operator M. Ito takes back: delisting decided" in text
    assert f"“{first['evidence']['text']}” (rule {first['evidence']['rule']})" in text
    (now,) = rows(await run("status", pair, "--json"))
    then = await run("status", pair, "--at", yesterday)
    assert "suspension-decided" in {standing["state"] for standing in now["standings"]}
    assert "suspension" not in then.stdout
    await _log_gives_the_alerts_that_were_sent(bootstrap)


async def _log_gives_the_alerts_that_were_sent(bootstrap: str) -> None:
    entry, made = open_entry(AuthorityKey("kz"), GroupKey("hezbollah"), REGISTRY), []
    for value in await values(bootstrap, Topic.CLAIMS):
        entry, fresh = settle(entry, decode(value, Report), REGISTRY)
        made += fresh
    assert [encode(alert) for alert in made] == await values(bootstrap, Topic.ALERTS)


def test_a_partial_day_is_a_day_too() -> None:
    assert stated(US_HEZBOLLAH, None, facts(acted_on=PartialDate("2024-10")), TODAY, REGISTRY).acted_on == "2024-10"
