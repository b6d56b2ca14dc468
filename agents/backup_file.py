"""The file of a backup on disk: whole or not there, for nobody else to read, and read back only with its sum checked.

It holds secrets: the texts of feeds under licence, stories under embargo, and what hubs sign with.
"""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import IO, NamedTuple

from streams.backups import FORMAT, Enclosed, Head, Line, Row, Sum, Tail, line_of, record_of
from streams.errors import ListwireError

LEVEL = 6
MAX_LINE_BYTES = 32 * 1024 * 1024
"""The largest message, all of it control characters that JSON writes with six letters each, is half of it."""


class BackupError(ListwireError):
    """A backup that cannot be written, or is not whole; the text names the file."""


class Contents(NamedTuple):
    """A backup that was read to its end: all of it but the messages, and where these lie."""

    head: Head
    files: tuple[Enclosed, ...]
    tail: Tail
    sum: Sum


class Writer:
    """Takes lines, one after the other."""

    def __init__(self, out: gzip.GzipFile) -> None:
        self._out = out
        self._sum = Sum()

    def write(self, record: Line) -> None:
        """Adds a line."""
        line = line_of(record)
        self._sum.add(record, line)
        self._out.write(line)

    def close(self) -> Tail:
        """Adds the last line."""
        tail = self._sum.tail()
        self._out.write(line_of(tail))
        return tail


@contextmanager
def written(file: Path) -> Iterator[Writer]:
    """A writer of the file, which appears, synced, when the block ends well, and else leaves nothing behind.

    Raises BackupError if there is such a file, or the disk takes no more.
    """
    partial = file.with_name(f".{file.name}.{os.getpid()}.partial")
    try:
        if file.exists():
            raise BackupError(f"{file}: is there already")
        with _private(partial) as raw, gzip.GzipFile("", "wb", LEVEL, raw, mtime=0) as out:
            yield Writer(out)
            out.close()
            raw.flush()
            os.fsync(raw.fileno())
        partial.rename(file)
        _sync(file.parent)
    except OSError as error:
        raise BackupError(f"{file}: {error.strerror or error}") from None
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def read_lines(file: Path) -> Iterator[Line]:
    """The lines of a backup, the last one too. Raises BackupError, at the latest at the end, if it is not whole."""
    total, number, last = Sum(), 0, None
    try:
        with gzip.open(file, "rb") as lines:
            for number, line in enumerate(iter(partial(lines.readline, MAX_LINE_BYTES), b""), start=1):
                record = _next(record_of(_bounded(line)), number, last)
                if isinstance(record, Tail):
                    if record != total.tail():
                        raise ValueError("the counts or the sum are not those of the lines before it")
                else:
                    total.add(record, line)
                last = record
                yield record
    except OSError as error:  # gzip's own errors are OSErrors too
        raise BackupError(f"{file}: {error.strerror or f'not whole ({error})'}") from None
    except (EOFError, zlib.error):
        raise BackupError(f"{file}: not whole: it breaks off after line {number}") from None
    except ValueError as error:
        raise BackupError(f"{file}: line {number}: {error}") from None
    if not isinstance(last, Tail):
        raise BackupError(f"{file}: not whole: it ends with line {number}")


def contents(file: Path) -> Contents:
    """What is in the backup, all of it read and checked. Raises BackupError."""
    total, files, head, tail = Sum(), [], None, None
    for record in read_lines(file):
        match record:
            case Head():
                head = record
            case Enclosed():
                files.append(record)
            case Row():
                total.places(record.t, record.p).add(record.o)
            case Tail():
                tail = record
    if head is None or tail is None:
        raise BackupError(f"{file}: has no head")
    return Contents(head, tuple(files), tail, total)


def _bounded(line: bytes) -> bytes:
    """The line. Raises ValueError for one that never ends: a file of a megabyte can unpack to a gigabyte."""
    if len(line) == MAX_LINE_BYTES and not line.endswith(b"\n"):
        raise ValueError("is longer than any that we write")
    return line


def _next(record: Line, number: int, last: Line | None) -> Line:
    """The record, if it may stand on this line. Raises ValueError."""
    if (number == 1) != isinstance(record, Head):
        raise ValueError("no backup of Listwire" if number == 1 else "a second head")
    if isinstance(record, Head) and record.format != FORMAT:
        raise ValueError(f"format {record.format} is not known here, {FORMAT} is: take the Listwire that wrote it")
    if isinstance(last, Tail):
        raise ValueError("more after the end")
    return record


def _private(file: Path) -> IO[bytes]:
    """The file, new and for us alone."""
    return os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _sync(folder: Path) -> None:
    """Has the disk know the file by its name."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
