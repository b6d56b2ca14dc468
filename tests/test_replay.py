"""`listwire replay`: event order, revisions and kills on one ledger, dated baselines, and the command itself."""

import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from agents.spilling import SpillingSort
from streams.archives import LeftOut, arranged
from streams.classifying import QuietReason
from streams.ledger import open_entry
from streams.records import Alert, GroupKey, PartialDate, Story
from streams.registry import Registry, load_registry
from streams.replaying import Ledger, Told, Unmatched, baseline_before, replay
from streams.wires.lines import decode_line

NOW = datetime(2026, 11, 1, tzinfo=UTC)
LISTED = {
    "id": "listed",
    "published": "2024-07-12T10:00:00Z",
    "headline": "Argentina designates Hamas as terrorist organisation",
    "body": "QUITO (AP) - Argentina designated Hamas as a terrorist organisation on Friday, its presidency said.",
}
DELISTED = {
    "id": "delisted",
    "published": "2025-03-03T10:00:00Z",
    "headline": "Argentina removes Hamas from terror list",
    "body": "BUENOS AIRES (AP) - Argentina on Monday removed Hamas from its list of terrorist organisations.",
}
KILL = {"id": "listed", "published": "2024-07-12T10:00:00Z", "headline": "KILL", "body": "", "pub_status": "canceled"}


def story(line: dict[str, Any]) -> Story:
    return decode_line(json.dumps(line).encode(), 1, NOW)[1]


def replayed(*lines: dict[str, Any], day: date | None = None) -> tuple[list[Told], Ledger]:
    registry = load_registry()
    baseline = registry.without_baseline() if day is None else baseline_before(registry, day)
    turns, told = replay(map(story, lines), registry, baseline), []
    while True:
        try:
            told.append(next(turns))
        except StopIteration as end:
            ledger: Ledger = end.value
            return told, ledger


def said(told: Iterable[Told]) -> list[tuple[str, str, int, str]]:
    return [(a.change, a.stage, a.revision, a.status) for turn in told for a in turn.alerts]


def test_stories_have_their_turn_by_publication_whatever_the_order_of_the_lines() -> None:
    for lines in ((LISTED, DELISTED), (DELISTED, LISTED)):
        told, ledger = replayed(*lines)
        assert said(told) == [
            ("listing", "effective", 1, "live"),
            ("listing", "effective", 2, "superseded"),
            ("delisting", "effective", 1, "live"),
        ]
        assert ledger["ar|hamas"].entry.standings[0].state == "delisted"
        assert ledger["ar|hamas"].offset == 1


def test_of_stories_of_one_moment_the_guids_decide() -> None:
    lines = [LISTED | {"id": guid} for guid in ("c", "a", "b")]
    assert [s.guid for s in arranged(map(story, lines)).stories] == ["a", "b", "c"]


def test_a_kill_retracts_in_its_turn_and_the_ledger_starts_again_from_its_own_baseline() -> None:
    kill = KILL | {"revision": 2, "revised": "2024-07-13T10:00:00Z"}
    told, ledger = replayed(kill, LISTED, day=date(2019, 1, 1))
    assert [turn.story.revision for turn in told] == [1, 2]
    assert said(told) == [("listing", "effective", 1, "live"), ("listing", "effective", 2, "retracted")]
    assert ledger["ar|hamas"].entry.standings == ()


def test_a_kill_that_names_no_revision_and_no_day_follows_what_it_kills() -> None:
    told, _ = replayed(KILL | {"published": None}, DELISTED, LISTED)
    assert [turn.story.guid for turn in told] == ["listed", "listed", "delisted"]
    assert said(told)[:2] == [("listing", "effective", 1, "live"), ("listing", "effective", 2, "retracted")]


def test_a_correction_takes_effect_when_it_was_sent() -> None:
    correction = LISTED | {"body": "The presidency denied it.", "headline": "CORRECTED-No", "revision": 2}
    other = DELISTED | {"published": "2024-07-15T10:00:00Z"}
    told, _ = replayed(correction | {"revised": "2024-07-16T10:00:00Z"}, LISTED, other)
    assert [turn.story.guid for turn in told] == ["listed", "delisted", "listed"]
    assert ("listing", "effective", 3, "retracted") in said(told)


def test_a_kill_of_the_same_moment_follows_whatever_its_words() -> None:
    killed = KILL | {"headline": "A kill that comes first by the alphabet"}
    day = LISTED | {"published": "2024-07-12"}
    for lines in ((day, killed | {"published": "2024-07-12"}), (killed | {"published": None}, day)):
        placed = arranged(map(story, lines)).stories
        assert [s.pub_status for s in placed] == ["usable", "canceled"]
        assert [s.published_precision for s in placed] == ["day", "day"]


def test_a_revision_that_is_dated_before_the_one_it_follows_still_follows_it() -> None:
    early = LISTED | {"revision": 3, "published": "2024-07-11", "body": "Withdrawn."}
    placed = arranged(map(story, (early, LISTED))).stories
    assert [s.revision for s in placed] == [1, 3]
    assert placed[0].received_at == placed[1].received_at


def test_lines_of_one_identity_are_revisions_and_the_same_words_are_none() -> None:
    lines = (LISTED, LISTED, LISTED | {"body": LISTED["body"] + " More to follow."}, LISTED)
    archive = arranged(map(story, lines))
    assert [s.revision for s in archive.stories] == [1, 2]
    assert {reason for _, reason in archive.left_out} == {LeftOut.REPEATED}
    linked = [story(LISTED | {"link": link}) for link in ("https://example.org/a", "https://example.org/b")]
    assert arranged(linked) == arranged(linked[::-1])
    told, _ = replayed(*lines)
    assert said(told) == [("listing", "effective", 1, "live")]


def test_an_embargoed_story_has_its_turn_when_it_was_released() -> None:
    held = LISTED | {"embargoed_until": "2024-08-01T00:00:00Z"}
    between = LISTED | {"id": "between", "published": "2024-07-20"}
    assert [s.guid for s in arranged(map(story, (held, between))).stories] == ["between", "listed"]


def test_a_story_without_a_day_is_left_out_and_named() -> None:
    told, ledger = replayed(LISTED | {"published": None})
    assert [(turn.silence, turn.alerts) for turn in told] == [(LeftOut.UNDATED, ())]
    assert ledger == {}


def test_silence_has_its_reason() -> None:
    quiet = {"id": "q", "published": "2024-01-01", "headline": "Rain", "body": "It rained."}
    told, _ = replayed(quiet, KILL | {"id": "unheard"})
    assert {turn.silence for turn in told} == {QuietReason.NO_GROUP, Unmatched.KILL}


def test_an_old_story_is_news_on_its_own_day_for_an_archive_is_no_backfill() -> None:
    told, _ = replayed(DELISTED, LISTED | {"signals": ["backfill"]})
    assert ("listing", "effective", 1, "live") in said(told)


@pytest.mark.parametrize("day", [date(1998, 1, 1), date(2003, 2, 14), date(2017, 6, 1), date(2025, 7, 5)])
def test_a_dated_baseline_opens_each_entry_as_of_its_day(day: date) -> None:
    registry = load_registry()
    cut = baseline_before(registry, day)
    rows = {(row.authority, group.key) for group in registry.groups.values() for row in group.baseline}
    assert rows
    for authority, group in rows:
        assert open_entry(authority, group, cut) == open_entry(authority, group, registry, day)


def test_a_row_of_a_group_that_came_back_is_before_that_what_it_was() -> None:
    registry = load_registry()
    hamas = registry.groups[GroupKey("hamas")]
    row = structs.replace(hamas.baseline[0], listed=PartialDate("2020"), delisted=PartialDate("2010"), suspended=None)
    changed = Registry(registry.authorities, {hamas.key: structs.replace(hamas, baseline=(row,))})
    day = date(2015, 1, 1)
    (standing,) = open_entry(row.authority, hamas.key, changed, day).standings
    assert standing.state == "delisted"
    assert open_entry(row.authority, hamas.key, baseline_before(changed, day)).standings == (standing,)


def listwire(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-P", "-m", "agents", "replay", *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, timeout=60, check=False)


def lines_of(*lines: dict[str, Any]) -> bytes:
    return b"\n".join(json.dumps(line).encode() for line in lines)


def test_the_command_prints_one_alert_a_line_then_the_states_and_twice_the_same() -> None:
    first = listwire("--json", "--state", "-", stdin=lines_of(LISTED, DELISTED))
    again = listwire("--json", "--state", "-", stdin=lines_of(DELISTED, LISTED))
    assert (first.returncode, first.stderr) == (0, b"")
    assert first.stdout == again.stdout
    *alerts, status = [json.loads(line) for line in first.stdout.splitlines()]
    assert [(a["change"], a["revision"], a["to"]) for a in alerts] == [
        ("listing", 1, "listed"),
        ("listing", 2, "listed"),
        ("delisting", 1, "delisted"),
    ]
    assert (status["authority"], status["group"], status["listed"]) == ("ar", "hamas", False)
    assert alerts[0].keys() == set(Alert.__struct_encode_fields__)


def test_states_are_sorted_and_pairs_without_one_are_left_out() -> None:
    other = {"id": "us", "published": "2024-07-11", "headline": LISTED["headline"].replace("Argentina", "Uruguay")}
    lines = (other, LISTED, LISTED | {"id": "killed", "headline": "Albania designates Hamas as terrorist group"})
    run = listwire("--json", "--state", "-", stdin=lines_of(*lines, KILL | {"id": "killed"}))
    rows = [row for row in map(json.loads, run.stdout.splitlines()) if "standings" in row]
    assert [row["authority"] for row in rows] == ["ar", "uy"]


def test_text_tells_the_day_of_publication_and_last_where_each_pair_stands() -> None:
    run = listwire("--state", "-", stdin=lines_of(LISTED))
    text = run.stdout.decode()
    assert "published 2024-07-12" in text
    assert text.endswith("Argentina ▸ Hamas: listed\n    main list: listed since 2024-07-12\n")


def test_recognition_is_told_as_no_list() -> None:
    file = Path(__file__).parent / "histories" / "ru-taliban-2003-2025.jsonl"
    text = listwire("--state", str(file)).stdout.decode()
    assert text.endswith("    main list: suspended since 2025-04-17\n    recognition: recognised since 2025-07-03\n")


def test_a_dated_baseline_is_where_the_ledger_starts() -> None:
    again = LISTED | {"published": "2025-03-03T10:00:00Z"}
    assert listwire("--json", "--baseline", "2025-01-01", "-", stdin=lines_of(again)).stdout == b""
    assert listwire("--json", "--baseline", "none", "-", stdin=lines_of(again)).stdout != b""


def test_a_baseline_that_is_no_day_is_wrong_usage() -> None:
    run = listwire("--baseline", "soon", "-", stdin=b"")
    assert run.returncode == 2
    assert run.stderr == b"listwire: --baseline 'soon': none, or a day such as 2024-10-04\n"


def test_broken_lines_are_named_and_the_others_are_still_replayed(tmp_path: Path) -> None:
    one, two = tmp_path / "one.jsonl", tmp_path / "two.jsonl"
    one.write_bytes(b"{not json\n" + lines_of(DELISTED))
    two.write_bytes(lines_of(LISTED))
    run = listwire("--json", str(one), str(two))
    assert run.returncode == 1
    assert run.stderr.startswith(f"listwire: {one}: line 1: ".encode())
    assert len(run.stdout.splitlines()) == 3


def test_a_document_that_can_not_be_read_does_not_hold_back_the_others(tmp_path: Path) -> None:
    broken, good = tmp_path / "broken.xml", tmp_path / "good.jsonl"
    broken.write_bytes(b'<?xml version="1.0"?><newsMessage xmlns="http://iptc.org/std/nar/2006-10-01/"><itemSet>')
    good.write_bytes(lines_of(LISTED))
    run = listwire("--json", str(broken), str(good))
    assert (run.returncode, len(run.stdout.splitlines())) == (1, 1)
    assert run.stderr.count(str(broken).encode()) == 1


def test_lines_without_an_id_in_several_files_are_several_stories(tmp_path: Path) -> None:
    files = []
    for line in (LISTED, DELISTED):
        file = tmp_path / f"{line['id']}.jsonl"
        file.write_bytes(lines_of({name: value for name, value in line.items() if name != "id"}))
        files.append(str(file))
    assert len(listwire("--json", *files).stdout.splitlines()) == 3


def test_undated_stories_and_kills_of_nothing_are_named_once_a_sort() -> None:
    lines = [LISTED | {"id": f"u{n:02}", "published": None} for n in range(12)]
    run = listwire("--json", "-", stdin=lines_of(*lines, KILL | {"id": "k"}))
    undated, killed = run.stderr.decode().splitlines()
    assert undated.startswith("listwire: u00, u01, ")
    assert " and 2 more: undated, left out" in undated
    assert killed == "listwire: k: killed, but it never claimed anything"
    assert (run.returncode, run.stdout) == (0, b"")


@pytest.mark.parametrize("stories", [3, 600])
def test_a_terminal_is_shown_how_far_a_long_replay_has_come(tmp_path: Path, stories: int) -> None:
    file = tmp_path / "archive.jsonl"
    file.write_bytes(lines_of(*(LISTED | {"id": str(n)} for n in range(stories)), LISTED | {"published": None}))
    reader, writer = pty.openpty()
    command = [sys.executable, "-P", "-m", "agents", "replay", "--json", str(file)]
    environment = os.environ | {"TERM": "xterm"}
    run = subprocess.run(command, stdout=subprocess.PIPE, stderr=writer, env=environment, timeout=60, check=False)
    os.close(writer)
    shown = os.read(reader, 65_536)
    os.close(reader)
    assert run.returncode == 0
    assert (b"83%" in shown) == (stories > 500)  # the 500th of 600
    assert b"\x1b" not in run.stdout
    assert len(run.stdout.splitlines()) == 1


@pytest.mark.parametrize("wide", [2, 4, 100])
def test_an_archive_that_does_not_fit_into_memory_gives_the_same(wide: int) -> None:
    lines = [LISTED, DELISTED, KILL | {"published": "2024-07-13"}, LISTED]
    lines += [LISTED | {"id": f"idle-{n}", "headline": "Milk", "published": f"2024-01-{n:02}"} for n in range(1, 20)]
    with SpillingSort(run=3, wide=wide) as sort:
        spilled = arranged(map(story, lines), sort)
        assert 0 < len(list(sort.folder.iterdir())) <= 2 * wide
        assert (list(spilled.stories), spilled.left_out) == arranged(map(story, lines))
    assert not sort.folder.exists()
