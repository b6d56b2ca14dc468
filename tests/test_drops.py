"""Watched folders: which files are taken, in which order, and where they end; on a real disk, by an injected clock."""

import json
import os
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from agents.drops import LOOK_LIMIT, DropFolder
from streams.drops import EMPTY_FOR, Refusal, Still, Waiting, is_finished, watched, whole
from streams.errors import WireError

START = datetime(2026, 11, 24, 12, tzinfo=UTC)
DAY = START.date()
REFUSAL = Refusal(file="a.xml", feed="f", reason="malformed", detail="no end", at=START)


@pytest.fixture
def folder(tmp_path: Path) -> DropFolder:
    made = DropFolder(tmp_path)
    assert made.open()
    return made


def drop(folder: DropFolder, name: str, text: str = "x", mtime_s: float = 1_000) -> Path:
    file = folder.path / name
    file.write_text(text)
    os.utime(file, (mtime_s, mtime_s))
    return file


def in_hand(folder: DropFolder, name: str, text: str = "x") -> Waiting:
    drop(folder, name, text)
    assert folder.take(name)
    return next(file for file in folder.held(1_000) if file.name == name)


def below(folder: Path) -> list[str]:
    return sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())


class TestNames:
    @pytest.mark.parametrize("name", ["a.xml", "A.XML", "20261124T120000Z_1", "a.tmp.xml", "a", "party", "x.jsonl"])
    def test_of_finished_files(self, name: str) -> None:
        assert is_finished(name)

    @pytest.mark.parametrize(
        "name",
        (
            ".a.xml .in.a.xml. ~$a.doc #a# a.xml~ a.xml.tmp a.TMP a.xml.part a.filepart a.crdownload .a.xml.swp a.swp "
            "a.partial a.lock a.xml.reason.json"
        ).split(),
    )
    def test_of_unfinished_files(self, name: str) -> None:
        assert not is_finished(name)


class TestWholeness:
    def test_takes_two_looks_at_the_same_size_and_time(self) -> None:
        file, later = Waiting(1, "a", 10), START + timedelta(seconds=2)
        first = watched({}, [file], START)
        assert whole(first, START, 2.0) == ()
        assert whole(watched(first, [file], later), later, 2.0) == ("a",)

    @pytest.mark.parametrize("changed", [Waiting(1, "a", 11), Waiting(2, "a", 10)])
    def test_begins_anew_with_each_change(self, changed: Waiting) -> None:
        first, later = watched({}, [Waiting(1, "a", 10)], START), START + timedelta(seconds=2)
        second = watched(first, [changed], later)
        assert whole(second, later, 2.0) == ()
        assert second["a"] == Still(changed, later)

    def test_of_an_empty_file_takes_longer_because_an_upload_begins_so(self) -> None:
        files = watched({}, [Waiting(1, "a", 0)], START)
        assert whole(files, START + EMPTY_FOR - timedelta(seconds=1), 2.0) == ()
        assert whole(files, START + EMPTY_FOR, 2.0) == ("a",)

    def test_does_not_wait_for_a_clock_that_was_put_back(self) -> None:
        file, back = Waiting(1, "a", 10), START - timedelta(hours=1)
        files = watched(watched({}, [file], START), [file], back)
        assert whole(files, back + timedelta(seconds=2), 2.0) == ("a",)

    def test_is_forgotten_with_the_file(self) -> None:
        assert watched({"a": Still(Waiting(1, "a", 1), START)}, [], START) == {}

    def test_files_are_taken_by_time_and_then_by_name(self) -> None:
        found = [Waiting(2, "a", 1), Waiting(1, "c", 9), Waiting(1, "b", 1)]
        assert whole(watched({}, found, START), START + EMPTY_FOR, 2.0) == ("b", "c", "a")


class TestLooking:
    def test_finds_plain_files_and_follows_nothing(self, folder: DropFolder, tmp_path: Path) -> None:
        outside = tmp_path.parent / "outside.xml"
        outside.write_text("secret")
        drop(folder, "b.xml", mtime_s=5)
        drop(folder, "a.xml", mtime_s=5)
        drop(folder, "c.xml", mtime_s=4)
        drop(folder, ".hidden.xml")
        drop(folder, "d.xml.part")
        (folder.path / "link.xml").symlink_to(outside)
        (folder.path / "folder.xml").mkdir()
        os.mkfifo(folder.path / "pipe.xml")
        assert [file.name for file in folder.look()] == ["c.xml", "a.xml", "b.xml"]

    def test_remembers_only_the_oldest_of_very_many(self, folder: DropFolder) -> None:
        for number in range(LOOK_LIMIT + 50):
            os.close(os.open(folder.path / f"{number:05}.xml", os.O_CREAT | os.O_WRONLY))
            os.utime(folder.path / f"{number:05}.xml", (number, number))
        found = folder.look()
        assert (len(found), found[0].name, found[-1].name) == (LOOK_LIMIT, "00000.xml", f"{LOOK_LIMIT - 1:05}.xml")

    def test_needs_the_folder(self, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError):
            DropFolder(tmp_path / "not-mounted").open()
        assert not (tmp_path / "not-mounted").exists()


class TestTheLock:
    def test_lets_one_process_watch_at_a_time(self, folder: DropFolder) -> None:
        second = DropFolder(folder.path)
        assert not second.open()
        folder.close()
        assert second.open()
        assert second.turn == 1
        second.close()

    def test_goes_with_the_process_that_held_it(self, folder: DropFolder) -> None:
        folder.close()
        code = "import os, sys; from pathlib import Path; from agents.drops import DropFolder; "
        code += "assert DropFolder(Path(sys.argv[1])).open(); os._exit(9)"
        subprocess.run([sys.executable, "-c", code, str(folder.path)], check=False, timeout=30)
        assert folder.open()
        assert folder.turn == 2

    def test_is_taken_again_when_the_folder_was_mounted_anew(self, folder: DropFolder) -> None:
        folder.path.rename(folder.path.with_name("unmounted"))
        folder.path.mkdir()
        assert folder.open()
        assert folder.turn == 2

    @pytest.mark.parametrize("own", [".processing", "processed", "failed"])
    def test_is_refused_where_one_of_our_folders_is_a_link(self, tmp_path: Path, own: str) -> None:
        watched_, elsewhere = tmp_path / "watched", tmp_path / "elsewhere"
        watched_.mkdir()
        elsewhere.mkdir()
        (watched_ / own).symlink_to(elsewhere)
        with pytest.raises(NotADirectoryError):
            DropFolder(watched_).open()
        assert list(elsewhere.iterdir()) == []


class TestTaking:
    def test_moves_a_file_and_leaves_its_time(self, folder: DropFolder) -> None:
        drop(folder, "a.xml", mtime_s=7)
        assert folder.take("a.xml")
        assert below(folder.path) == [".processing/.lock", ".processing/a.xml"]
        assert folder.held(10) == [Waiting(7_000_000_000, "a.xml", 1)]

    def test_leaves_a_name_that_is_still_in_hand(self, folder: DropFolder) -> None:
        in_hand(folder, "a.xml", "first")
        drop(folder, "a.xml", "second")
        assert not folder.take("a.xml")
        assert (folder.path / "a.xml").read_text() == "second"
        assert (folder.path / ".processing/a.xml").read_text() == "first"

    def test_of_a_file_that_is_gone_is_no_trouble(self, folder: DropFolder) -> None:
        assert not folder.take("gone.xml")

    def test_holds_as_many_as_asked_for_the_oldest_first(self, folder: DropFolder) -> None:
        for name, mtime_s in (("a", 3), ("b", 1), ("c", 2)):
            drop(folder, name, mtime_s=mtime_s)
            folder.take(name)
        assert [file.name for file in folder.held(2)] == ["b", "c"]


class TestReading:
    def test_gives_the_bytes_up_to_the_cap(self, folder: DropFolder) -> None:
        file = in_hand(folder, "a.xml", "12345")
        assert folder.read(file, 5) == b"12345"
        with pytest.raises(WireError, match="too-large: 5 bytes, more than 4"):
            folder.read(file, 4)

    def test_does_not_follow_what_was_put_in_a_files_place(self, folder: DropFolder, tmp_path: Path) -> None:
        file = in_hand(folder, "a.xml")
        (folder.path / ".processing/a.xml").unlink()
        (folder.path / ".processing/a.xml").symlink_to(tmp_path / ".processing/.lock")
        with pytest.raises(OSError, match=r"a\.xml"):
            folder.read(file, 5)
        (folder.path / ".processing/a.xml").unlink()
        os.mkfifo(folder.path / ".processing/a.xml")
        with pytest.raises(OSError, match="is no file"):
            folder.read(file, 5)

    def test_an_upload_that_goes_on_is_noticed(self, folder: DropFolder) -> None:
        file = in_hand(folder, "a.xml")
        assert folder.is_as_read(file)
        with (folder.path / ".processing/a.xml").open("a") as upload:
            upload.write("more")
        assert not folder.is_as_read(file)


class TestTheEnd:
    def test_of_a_published_file_is_in_the_folder_of_the_day(self, folder: DropFolder) -> None:
        in_hand(folder, "a.xml")
        folder.keep("a.xml", DAY)
        assert below(folder.path) == [".processing/.lock", "processed/2026-11-24/a.xml"]

    def test_of_files_of_one_name_never_overwrites(self, folder: DropFolder) -> None:
        for text in ("one", "two", "three"):
            in_hand(folder, "a.b.xml", text)
            folder.keep("a.b.xml", DAY)
        kept = {file.name: file.read_text() for file in (folder.path / "processed/2026-11-24").iterdir()}
        assert kept == {"a.b.xml": "one", "a.b-2.xml": "two", "a.b-3.xml": "three"}

    def test_of_a_refused_file_lies_beside_its_reason(self, folder: DropFolder) -> None:
        for text in ("one", "two"):
            in_hand(folder, "a.xml", text)
            folder.refuse("a.xml", REFUSAL)
        assert below(folder.path / "failed") == ["a-2.xml", "a-2.xml.reason.json", "a.xml", "a.xml.reason.json"]
        assert (folder.path / "failed/a-2.xml").read_text() == "two"
        assert json.loads((folder.path / "failed/a.xml.reason.json").read_bytes()) == {
            "file": "a.xml",
            "feed": "f",
            "reason": "malformed",
            "detail": "no end",
            "at": "2026-11-24T12:00:00Z",
        }

    def test_a_reason_that_a_crash_left_alone_is_not_overwritten(self, folder: DropFolder) -> None:
        (folder.path / "failed/a.xml.reason.json").write_text("left")
        in_hand(folder, "a.xml")
        folder.refuse("a.xml", REFUSAL)
        assert (folder.path / "failed/a.xml.reason.json").read_text() == "left"
        assert (folder.path / "failed/a-2.xml").exists()

    def test_of_names_as_long_as_a_disk_takes_has_room_for_the_reason(self, folder: DropFolder) -> None:
        name = "n" * 251 + ".xml"
        for _ in range(2):
            in_hand(folder, name)
            assert folder.refuse(name, REFUSAL).suffix == ".xml"
        assert len(below(folder.path / "failed")) == 4

    def test_of_names_that_are_no_text_is_the_same(self, folder: DropFolder) -> None:
        name = os.fsdecode(b"caf\xe9.xml")
        in_hand(folder, name)
        assert folder.keep(name, DAY).name == name


class TestPruning:
    def test_deletes_published_files_of_days_before_and_nothing_else(self, folder: DropFolder) -> None:
        for day in (date(2026, 11, 16), date(2026, 11, 17), DAY):
            in_hand(folder, "a.xml")
            folder.keep("a.xml", day)
        in_hand(folder, "b.xml")
        folder.refuse("b.xml", REFUSAL)
        other = folder.path / "processed/2020"
        other.mkdir()
        (other / "mine.txt").write_text("mine")
        (folder.path / "processed/2026-01-01").symlink_to(folder.path / "failed")
        assert folder.prune(date(2026, 11, 17)) == 1
        assert below(folder.path / "processed") == ["2020/mine.txt", "2026-11-17/a.xml", "2026-11-24/a.xml"]
        assert not (folder.path / "processed/2026-11-16").exists()
        assert (folder.path / "failed/b.xml").exists()

    def test_leaves_a_folder_that_holds_more_than_files(self, folder: DropFolder) -> None:
        (folder.path / "processed/2026-01-01/mine").mkdir(parents=True)
        assert folder.prune(DAY) == 0
        assert (folder.path / "processed/2026-01-01/mine").is_dir()
