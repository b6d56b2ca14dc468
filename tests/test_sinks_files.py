"""Alerts in files: JSON Lines that survive rotation and crashes, and an Atom feed that readers understand."""

import asyncio
import fcntl
import json
import os
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import feedparser
import pytest

from agents.sinks import SinkError, open_sink
from agents.sinks import jsonl as jsonl_module
from streams.codec import encode
from streams.errors import SettingsError
from streams.records import Alert
from streams.vocabulary import AlertStatus
from streams.wires import decode

MakeAlert = Callable[..., Alert]
NOW = datetime(2024, 10, 4, 10, tzinfo=UTC)


def told(file: Path) -> list[tuple[str, int]]:
    return [(line["id"], line["revision"]) for line in map(json.loads, file.read_text().splitlines())]


# JSON Lines


async def test_each_alert_is_a_line_of_the_very_json_of_the_topic(tmp_path: Path, alert_of: MakeAlert) -> None:
    sink = open_sink(f"jsonl:{tmp_path}/alerts.jsonl")
    await sink.deliver(alert_of(), NOW)
    await sink.deliver(alert_of(revision=2), NOW)
    lines = (tmp_path / "alerts.jsonl").read_bytes().splitlines()
    assert lines == [encode(alert_of()), encode(alert_of(revision=2))]


async def test_a_rotated_file_is_left_and_a_new_one_begun(tmp_path: Path, alert_of: MakeAlert) -> None:
    file = tmp_path / "alerts.jsonl"
    sink = open_sink(f"jsonl:{file}")
    await sink.deliver(alert_of(), NOW)
    file.rename(tmp_path / "alerts.1")
    await sink.deliver(alert_of(revision=2), NOW)
    assert (told(tmp_path / "alerts.1"), told(file)) == ([("a1b2c3", 1)], [("a1b2c3", 2)])
    os.truncate(file, 0)
    await sink.deliver(alert_of(revision=3), NOW)
    assert told(file) == [("a1b2c3", 3)]


async def test_a_line_from_before_a_crash_is_not_written_twice(tmp_path: Path, alert_of: MakeAlert) -> None:
    file = tmp_path / "alerts.jsonl"
    file.write_bytes(encode(alert_of(reason="as another version wrote it")) + b"\n")
    await open_sink(f"jsonl:{file}").deliver(alert_of(), NOW)
    await open_sink(f"jsonl:{file}").deliver(alert_of(id="x", reason="a1b2c3"), NOW)
    assert told(file) == [("a1b2c3", 1), ("x", 1)]


async def test_a_torn_last_line_spoils_no_other(tmp_path: Path, alert_of: MakeAlert) -> None:
    file = tmp_path / "alerts.jsonl"
    file.write_bytes(encode(alert_of())[:50])
    await open_sink(f"jsonl:{file}").deliver(alert_of(), NOW)
    torn, whole = file.read_bytes().splitlines()
    assert (torn, whole) == (encode(alert_of())[:50], encode(alert_of()))


async def test_a_line_that_does_not_fit_is_taken_back_and_tried_again(
    tmp_path: Path, alert_of: MakeAlert, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "alerts.jsonl"
    sink = open_sink(f"jsonl:{file}")
    await sink.deliver(alert_of(), NOW)
    write = os.write
    with monkeypatch.context() as full:
        full.setattr(jsonl_module.os, "write", lambda handle, line: write(handle, line[:20]))
        with pytest.raises(SinkError, match="only part of the line"):
            await sink.deliver(alert_of(revision=2), NOW)
    assert told(file) == [("a1b2c3", 1)]
    await sink.deliver(alert_of(revision=2), NOW)
    assert told(file) == [("a1b2c3", 1), ("a1b2c3", 2)]


async def test_a_line_is_on_the_disk_when_it_counts_as_delivered(
    tmp_path: Path, alert_of: MakeAlert, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = []
    fsync = os.fsync

    def noting(handle: int) -> None:
        sizes.append(os.fstat(handle).st_size)
        fsync(handle)

    monkeypatch.setattr(jsonl_module.os, "fsync", noting)
    await open_sink(f"jsonl:{tmp_path}/a").deliver(alert_of(), NOW)
    assert sizes[0] == len(encode(alert_of())) + 1


async def test_a_writer_waits_for_another_and_sees_what_it_wrote(tmp_path: Path, alert_of: MakeAlert) -> None:
    with open(tmp_path / "a", "wb") as other:  # noqa: ASYNC230
        fcntl.flock(other, fcntl.LOCK_EX)
        delivery = asyncio.create_task(open_sink(f"jsonl:{tmp_path}/a").deliver(alert_of(), NOW))
        await asyncio.wait({delivery}, timeout=0.2)
        assert not delivery.done()
        other.write(encode(alert_of()) + b"\n")
    await delivery
    assert told(tmp_path / "a") == [("a1b2c3", 1)]


async def test_a_folder_that_goes_away_is_worth_another_try(tmp_path: Path, alert_of: MakeAlert) -> None:
    (tmp_path / "logs").mkdir()
    sink = open_sink(f"jsonl:{tmp_path}/logs/a")
    (tmp_path / "logs").rmdir()
    with pytest.raises(SinkError, match="logs/a: No such file or directory"):
        await sink.deliver(alert_of(), NOW)


@pytest.mark.parametrize("scheme", ["jsonl", "atom"])
@pytest.mark.parametrize(
    ("rest", "problem"),
    [
        ("", "name a file"),
        ("//host/file", "name a file"),
        ("{tmp}/none/file", "/none is no folder"),
        ("{tmp}", "is no regular file"),
        ("{tmp}/a?authorty=ru", r"authorty: no such option \(did you mean authority\?\)"),
        ("{tmp}/a?secret_file=x", "secret_file: no such option"),
    ],
)
def test_a_file_that_cannot_be_is_told_before_anything_starts(
    tmp_path: Path, scheme: str, rest: str, problem: str
) -> None:
    with pytest.raises(SettingsError, match=problem):
        open_sink(f"{scheme}:{rest.format(tmp=tmp_path)}")


# Atom


def content(file: Path) -> bytes:
    return file.read_bytes()


def overwrite(file: Path, text: bytes) -> None:
    file.write_bytes(text)


def parsed(file: Path) -> Any:
    """What a feed reader makes of the file."""
    return feedparser.parse(file.read_bytes())


@pytest.fixture
def feed(tmp_path: Path) -> Iterator[Path]:
    file = tmp_path / "alerts.atom"
    yield file
    assert not list(tmp_path.glob("*.part"))
    assert not list(tmp_path.glob(".*.part"))


async def test_a_feed_reader_sees_the_alert(feed: Path, alert_of: MakeAlert) -> None:
    await open_sink(f"atom:{feed}").deliver(alert_of(), NOW)
    document = parsed(feed)
    (entry,) = document.entries
    assert (document.bozo, document.version, document.feed.title) == (False, "atom10", "Listwire alerts")
    assert re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", document.feed.id)
    assert entry.id == "urn:listwire:alert:a1b2c3"
    assert entry.title == "[delisting decided] Russia: Taliban (confirmed)"
    assert entry.link == "https://agency.example/1?a=1&b=2"
    assert (entry.published, entry.updated, document.feed.updated) == ("2024-10-04T10:00:00Z",) * 3
    assert "at the highest level" in entry.content[0].value
    assert entry.content[0].type == "text/plain"
    assert ("urn:listwire:authority", "ru") in [(tag.scheme, tag.term) for tag in entry.tags]


async def test_another_listwire_reads_it_as_a_feed_with_revisions(feed: Path, alert_of: MakeAlert) -> None:
    sink = open_sink(f"atom:{feed}")
    await sink.deliver(alert_of(), NOW)
    (first,) = decode(content(feed), "peer", NOW).stories
    await sink.deliver(alert_of(revision=2, status=AlertStatus.RETRACTED), NOW + timedelta(hours=1))
    (second,) = decode(content(feed), "peer", NOW).stories
    assert (first.guid, second.guid) == ("urn:listwire:alert:a1b2c3",) * 2
    assert first.revised != second.revised
    assert second.headline.startswith("[retracted: delisting decided]")


async def test_a_revision_updates_its_entry_and_goes_to_the_front(feed: Path, alert_of: MakeAlert) -> None:
    sink = open_sink(f"atom:{feed}")
    for minute, change in enumerate(({}, {"id": "b"}, {"revision": 3}, {"revision": 2}, {"revision": 3})):
        await sink.deliver(alert_of(**change), NOW + timedelta(minutes=minute))
    entries = parsed(feed).entries
    assert [(entry.id[-1], entry.published[14:16], entry.updated[14:16]) for entry in entries] == [
        ("3", "00", "02"),
        ("b", "01", "01"),
    ]


async def test_only_the_newest_are_kept_also_over_a_restart(feed: Path, alert_of: MakeAlert) -> None:
    for number in range(4):
        await open_sink(f"atom:{feed}?keep=2").deliver(alert_of(id=f"n{number}"), NOW + timedelta(minutes=number))
    assert [entry.id[-2:] for entry in parsed(feed).entries] == ["n3", "n2"]


async def test_hostile_story_text_is_only_text(feed: Path, alert_of: MakeAlert) -> None:
    hostile = "</content><script>x</script>\x00\x0b\ufffe\u202e ]]> &amp; &#0;"
    for number, link in enumerate(("javascript:alert(1)", 'https://a.example/"><x', "https://[", None)):
        told = alert_of(id=f"n{number}", headline=hostile, link=link, source=hostile, reason=hostile)
        await open_sink(f"atom:{feed}").deliver(told, NOW)
    document = parsed(feed)
    assert (document.bozo, len(document.entries)) == (False, 4)
    for entry in document.entries:
        assert not entry.get("links")
        assert "</content><script>x</script> ]]> &amp; &#0;" in entry.content[0].value


async def test_the_feed_can_be_read_by_others_and_its_state_cannot(feed: Path, alert_of: MakeAlert) -> None:
    await open_sink(f"atom:{feed}").deliver(alert_of(), NOW)
    modes = {file.name: file.stat().st_mode & 0o777 for file in feed.parent.iterdir()}
    assert modes == {"alerts.atom": 0o644, ".alerts.atom.state": 0o600, ".alerts.atom.lock": 0o600}


async def test_readers_never_see_half_a_feed(feed: Path, alert_of: MakeAlert, monkeypatch: pytest.MonkeyPatch) -> None:
    sink = open_sink(f"atom:{feed}")
    await sink.deliver(alert_of(), NOW)
    whole = content(feed)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr("agents.sinks.atom.os.fsync", full)
        with pytest.raises(SinkError, match="No space left on device"):
            await sink.deliver(alert_of(revision=2), NOW)
    assert content(feed) == whole


async def test_a_crash_between_state_and_feed_is_mended_by_the_repetition(feed: Path, alert_of: MakeAlert) -> None:
    sink = open_sink(f"atom:{feed}")
    await sink.deliver(alert_of(), NOW)
    whole = content(feed)
    overwrite(feed, b"as it was before")
    await sink.deliver(alert_of(), NOW + timedelta(days=1))
    assert content(feed) == whole


async def test_a_state_that_cannot_be_read_is_named_and_kept(feed: Path, alert_of: MakeAlert) -> None:
    state = feed.with_name(".alerts.atom.state")
    state.write_text("{")
    with pytest.raises(SinkError, match=r"\.alerts\.atom\.state: State: .*move it away"):
        await open_sink(f"atom:{feed}").deliver(alert_of(), NOW)
    assert state.read_text() == "{"


def test_writers_at_the_same_time_lose_no_alert(tmp_path: Path, alert_of: MakeAlert) -> None:
    def write(number: int) -> None:
        for url in (f"atom:{tmp_path}/a.atom", f"jsonl:{tmp_path}/a.jsonl"):
            asyncio.run(open_sink(url).deliver(alert_of(id=f"n{number:02}"), NOW))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(16)))
    names = {f"n{number:02}" for number in range(16)}
    assert {entry.id[-3:] for entry in parsed(tmp_path / "a.atom").entries} == names
    assert {name for name, _ in told(tmp_path / "a.jsonl")} == names


@pytest.mark.parametrize("keep", ["0", "-1", "many", "10001", "²"])
def test_how_many_are_kept_is_a_number(tmp_path: Path, keep: str) -> None:
    with pytest.raises(SettingsError, match=f"keep={keep}: a number from 1 to 10000"):
        open_sink(f"atom:{tmp_path}/a?keep={keep}")
