"""The file of a backup, without a broker: what it says is what was put in, or it is refused."""

import gzip
import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.backup_file import BackupError, contents, read_lines, written
from agents.recutting import recut_of
from agents.restoring import moved_places
from streams.backups import (
    CUT_ORDER,
    FORMAT,
    READ_ORDER,
    Cut,
    Enclosed,
    Head,
    Place,
    Places,
    Row,
    line_of,
    record_of,
    row,
    with_headers,
)
from streams.topics import Topic

HEAD = Head(
    format=FORMAT,
    listwire="1",
    made_at=datetime(2026, 10, 5, tzinfo=UTC),
    broker="c",
    places=(Place("listwire", "wire.stories", 0, 12), Place("listwire", "designation.claims", 1, 3)),
    cuts=(Cut("wire.stories", 0, 10, 13),),
)
SOME = st.none() | st.binary(max_size=8) | st.text(max_size=8).map(str.encode)


def backup(file: Path, *rows: Row, head: Head = HEAD) -> Path:
    with written(file) as out:
        out.write(head)
        out.write(Enclosed(name="feeds.toml", path="/etc/feeds.toml", text="[a]\n"))
        for one in rows:
            out.write(one)
        out.close()
    return file


def story(offset: int, value: bytes = b"{}") -> Row:
    return row("wire.stories", (0, offset), 5, b"k", value)


@given(key=SOME, value=SOME, headers=st.lists(st.tuples(st.text(max_size=4), SOME), max_size=3))
def test_a_message_comes_back_to_the_byte(
    key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes | None]]
) -> None:
    made = with_headers(row("t", (3, 9), -1, key, value), headers)
    read = record_of(line_of(made))
    assert isinstance(read, Row)
    assert (read.t, read.p, read.o, read.at) == ("t", 3, 9, -1)
    assert (read.key, read.value, list(read.headers)) == (key, value, headers)


def test_text_stands_in_the_file_as_text(tmp_path: Path) -> None:
    file = backup(tmp_path / "b", story(10, '{"headline":"Мин"}'.encode()))
    line = json.loads(gzip.decompress(file.read_bytes()).splitlines()[2])
    assert line["v"] == '{"headline":"Мин"}'


@given(gaps=st.lists(st.integers(1, 5), min_size=1, max_size=12), at=st.integers(0, 80))
def test_an_old_place_becomes_the_number_of_messages_before_it(gaps: list[int], at: int) -> None:
    offsets = [sum(gaps[: n + 1]) for n in range(len(gaps))]
    places = Places()
    for offset in offsets:
        places.add(offset)
    assert places.moved(at) == sum(offset < at for offset in offsets)
    assert places.holds(at) == (at in offsets)


def test_places_are_moved_with_their_messages_and_those_of_claims_kept(tmp_path: Path) -> None:
    claims = [row("designation.claims", (1, offset), 5, b"k", b"{}") for offset in (0, 1, 5)]
    found = contents(backup(tmp_path / "b", story(10), story(11), story(12), *claims))
    assert [place.offset for place in moved_places(found)] == [2, 3]
    assert (found.tail.messages, found.files[0].text) == (6, "[a]\n")


def test_each_topic_is_cut_before_what_it_makes_promises_about() -> None:
    assert sorted(CUT_ORDER) == sorted(READ_ORDER) == sorted(Topic)
    line = [Topic.STATUS, Topic.ALERTS, Topic.CLAIMS, Topic.STORY_KEYS, Topic.RELEVANT, Topic.STORIES]
    promises = [
        (Topic.FEED_STATE, Topic.HELD),
        (Topic.HELD, Topic.STORIES),
        (Topic.SKIPPED, Topic.DEADLETTERS),
        (Topic.SKIPPED, Topic.CLAIMS),
        *((Topic.DEADLETTERS, back) for back in (Topic.RESEND, Topic.CLAIMS, Topic.RELEVANT, Topic.STORIES)),
        *pairwise(line),
    ]
    assert [pair for pair in promises if CUT_ORDER.index(pair[0]) > CUT_ORDER.index(pair[1])] == []


def test_a_backup_is_for_its_owner_alone_and_overwrites_none(tmp_path: Path) -> None:
    file = backup(tmp_path / "b")
    assert file.stat().st_mode & 0o777 == 0o600
    with pytest.raises(BackupError, match="b: is there already"), written(file):
        pass
    assert list(tmp_path.iterdir()) == [file]


def test_a_backup_that_fails_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="offset 3 comes after 4"):
        backup(tmp_path / "b", story(4), story(3))
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(BackupError, match="No such file or directory"), written(tmp_path / "no" / "b"):
        pass


def lines(file: Path) -> list[bytes]:
    return gzip.decompress(file.read_bytes()).splitlines(keepends=True)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda found: found[:-1], "not whole: it ends with line 4"),
        (lambda found: [*found[:2], *found[3:]], "line 4: the counts or the sum are not those of the lines before it"),
        (lambda found: [*found[:2], found[3], found[2], found[4]], "line 4: offset 10 comes after 11"),
        (lambda found: [*found[:1], found[1].replace(b"[a]", b"[b]"), *found[2:]], "line 5: the counts or the sum"),
        (lambda found: [*found, found[2]], "line 6: more after the end"),
        (lambda found: [found[0].replace(b'"format":1', b'"format":2'), *found[1:]], "line 1: format 2 is not known"),
        (lambda found: found[1:], "line 1: no backup of Listwire"),
        (lambda found: [found[0], *found], "line 2: a second head"),
        (lambda found: [*found[:2], b"{}\n", *found[2:]], "line 3: "),
        (lambda _: [], "not whole: it ends with line 0"),
    ],
)
def test_a_backup_that_was_changed_is_refused(change: object, problem: str, tmp_path: Path) -> None:
    found = lines(backup(tmp_path / "b", story(10), story(11)))
    assert callable(change)
    broken = tmp_path / "broken"
    broken.write_bytes(gzip.compress(b"".join(change(found))))
    with pytest.raises(BackupError, match=f"broken: {problem}"):
        contents(broken)


def test_a_line_without_end_is_refused_before_it_fills_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agents.backup_file.MAX_LINE_BYTES", 1_000)
    file = backup(tmp_path / "b", story(1, b"x" * 2_000))
    with pytest.raises(BackupError, match="b: line 3: is longer than any that we write"):
        contents(file)


def test_a_file_that_is_none_is_refused_before_a_broker_is_started_for_it(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("no backup", "utf-8")
    command = [
        sys.executable,
        "-P",
        "-m",
        "agents",
        "restore",
        str(tmp_path / "notes"),
        "--data-dir",
        str(tmp_path / "d"),
    ]
    environment = {name: text for name, text in os.environ.items() if name != "LISTWIRE_BROKER"}
    run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=environment)
    assert (run.returncode, run.stdout) == (1, "")
    assert run.stderr.startswith(f"listwire: {tmp_path}/notes: not whole")
    assert not (tmp_path / "d").exists()


def test_a_backup_that_breaks_off_or_is_none_is_refused(tmp_path: Path) -> None:
    whole = backup(tmp_path / "b", *map(story, range(10, 500))).read_bytes()
    torn = tmp_path / "torn"
    torn.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BackupError, match="torn: not whole"):
        contents(torn)
    for at in range(12, len(whole), 97):
        torn.write_bytes(whole[:at] + bytes([whole[at] ^ 0x40]) + whole[at + 1 :])
        with pytest.raises(BackupError):
            contents(torn)
    torn.write_bytes(b"plain text")
    with pytest.raises(BackupError, match="torn: not whole"):
        list(read_lines(torn))
    with pytest.raises(BackupError, match="nowhere: No such file"):
        contents(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("cut", "problem"),
    [
        (
            Cut("designation.claims", 5, 0, 1),
            "designation.claims has 6 partitions, this version needs 4: restore it with",
        ),
        (Cut("wire.new", 0, 0, 1), "has a topic wire.new, which this version does not know"),
    ],
)
def test_a_backup_that_does_not_fit_is_refused(cut: Cut, problem: str, tmp_path: Path) -> None:
    file = backup(tmp_path / "b", head=msgspec.structs.replace(HEAD, cuts=(cut,)))
    with pytest.raises(BackupError, match=f"b: {problem}"):
        recut_of(file, contents(file))
