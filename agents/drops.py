"""A watched folder on disk: who may watch it, what lies in it, and where a file goes.

    FOLDER/NAME ──take──▶ FOLDER/.processing/NAME ──keep────▶ FOLDER/processed/2026-11-24/NAME
                                                  └─refuse──▶ FOLDER/failed/NAME and NAME.reason.json

Every step is one rename within one file system, so a file is in one place or in the next and never in two. One
process at a time watches a folder: it holds a lock on `.processing/.lock`, which the kernel lets go of when the
process dies, however it dies. What the holder of the lock finds in `.processing` is therefore its own or was left
by a dead one, and is to be published (again). Whoever delivers files may write into the folder, so nothing in it is
trusted: links, folders and pipes are neither followed nor opened, and our own folders must be folders.

All of it blocks and raises OSError; it is called in threads.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import heapq
import os
import stat
from collections.abc import Iterator
from datetime import date
from itertools import count
from pathlib import Path

from streams import codec
from streams.drops import REASON_SUFFIX, Refusal, Waiting, is_finished
from streams.errors import WireError

LOOK_LIMIT = 2_000
"""As many waiting files are remembered; the oldest, and those behind them when these are gone."""

_NAME_BYTES = 200  # of a name where it gets longer: file systems take 255, and a reason's name is longer still
_SUFFIX_BYTES = 20


class DropFolder:
    """One watched folder. `open` before anything else."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.turn = 0  # how often we got the lock
        self._processing = path / ".processing"
        self._processed = path / "processed"
        self._failed = path / "failed"
        self._lock: int | None = None

    def open(self) -> bool:
        """Makes our folders and takes the lock, unless that is done already; False while another process holds it."""
        if self._lock is not None and not self._is_still_there(self._lock):
            self.close()
        os.stat(self.path)  # a folder that is not mounted is not made
        for own in (self._processing, self._processed, self._failed):
            _make(own)
        if self._lock is None:
            self._lock = self._locked()
            self.turn += self._lock is not None
        return self._lock is not None

    @property
    def is_ours(self) -> bool:
        """Whether we have the lock."""
        return self._lock is not None

    def close(self) -> None:
        """Lets go of the folder."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def look(self) -> list[Waiting]:
        """The files that wait, the oldest first, no more than `LOOK_LIMIT`; a name that is in hand waits its turn."""
        return heapq.nsmallest(LOOK_LIMIT, (file for file in _files(self.path) if is_finished(file.name)))

    def take(self, name: str) -> bool:
        """Moves a file into `.processing`; False if it is gone, or one of its name is still in hand there."""
        target = self._processing / name
        if os.path.lexists(target):
            return False
        try:
            os.rename(self.path / name, target)
        except FileNotFoundError:
            return False
        return True

    def held(self, limit: int) -> list[Waiting]:
        """The files in hand, the oldest first."""
        files = (file for file in _files(self._processing) if not file.name.startswith("."))
        return heapq.nsmallest(limit, files)

    def read(self, file: Waiting, max_bytes: int) -> bytes:
        """The bytes of a file in hand. Raises WireError `too-large`."""
        number = os.open(self._processing / file.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with open(number, "rb") as opened:
            found = os.fstat(number)
            if not stat.S_ISREG(found.st_mode):
                raise OSError(errno.EINVAL, "is no file", file.name)
            raw = opened.read(max_bytes + 1)
        if len(raw) > max_bytes:
            raise WireError("too-large", f"{found.st_size} bytes, more than {max_bytes}")
        return raw

    def is_as_read(self, file: Waiting) -> bool:
        """Whether a file in hand is still as it was when it was listed: a slow upload may go on into it."""
        found = os.lstat(self._processing / file.name)
        return (found.st_mtime_ns, found.st_size) == (file.mtime_ns, file.size)

    def keep(self, name: str, day: date) -> Path:
        """Moves a file in hand to where the published ones of the day are kept."""
        folder = self._processed / day.isoformat()
        _make(folder)
        return self._move(name, next(free for free in _names(folder, name) if not os.path.lexists(free)))

    def refuse(self, name: str, refusal: Refusal) -> Path:
        """Moves a file in hand to `failed/`; its reason is there first, for a crash in between must not part them."""
        target, reason = next(
            (free, beside)
            for free in _names(self._failed, name)
            for beside in [free.with_name(free.name + REASON_SUFFIX)]
            if not os.path.lexists(free) and not os.path.lexists(beside)
        )
        with open(reason, "xb") as written:
            written.write(codec.encode(refusal) + b"\n")
        return self._move(name, target)

    def prune(self, before: date) -> int:
        """Deletes the published files of days before this one; their number. Nothing else is touched."""
        deleted = 0
        with os.scandir(self._processed) as entries:
            days = [e.name for e in entries if e.is_dir(follow_symlinks=False) and _is_day_before(e.name, before)]
        for day in days:
            for file in _files(self._processed / day):
                os.unlink(self._processed / day / file.name)
                deleted += 1
            with contextlib.suppress(OSError):  # something that is not ours lies in it
                os.rmdir(self._processed / day)
        return deleted

    def _locked(self) -> int | None:
        lock = os.open(self._processing / ".lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            return None
        except OSError:
            os.close(lock)
            raise
        return lock

    def _is_still_there(self, lock: int) -> bool:
        """False after the folder was replaced by another, for instance mounted anew."""
        try:
            return os.path.samestat(os.fstat(lock), os.lstat(self._processing / ".lock"))
        except FileNotFoundError:
            return False

    def _move(self, name: str, target: Path) -> Path:
        os.rename(self._processing / name, target)
        return target


def _files(folder: Path) -> Iterator[Waiting]:
    """The plain files in a folder; not links to any, not folders, not pipes."""
    with os.scandir(folder) as entries:
        for entry in entries:
            try:
                if entry.is_file(follow_symlinks=False):
                    found = entry.stat(follow_symlinks=False)
                    yield Waiting(found.st_mtime_ns, entry.name, found.st_size)
            except FileNotFoundError:
                continue


def _make(folder: Path) -> None:
    """Raises OSError if something else has its name: a link there would lead our files out of the folder."""
    try:
        os.mkdir(folder)
    except FileExistsError:
        if not stat.S_ISDIR(os.lstat(folder).st_mode):
            raise NotADirectoryError(errno.ENOTDIR, "is no folder", str(folder)) from None


def _names(folder: Path, name: str) -> Iterator[Path]:
    """`a.xml`, `a-2.xml`, `a-3.xml` ..., none longer than a file system takes."""
    raw = os.fsencode(name)
    stem, suffix = os.path.splitext(raw)
    suffix = suffix[:_SUFFIX_BYTES]
    yield folder / os.fsdecode(raw if len(raw) <= _NAME_BYTES else stem[: _NAME_BYTES - len(suffix)] + suffix)
    for number in count(2):
        more = b"-%d" % number + suffix
        yield folder / os.fsdecode(stem[: _NAME_BYTES - len(more)] + more)


def _is_day_before(name: str, before: date) -> bool:
    try:
        day = date.fromisoformat(name)
    except ValueError:
        return False
    return day.isoformat() == name and day < before
