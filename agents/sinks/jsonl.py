"""Alerts in a file, one JSON object a line: `jsonl:/var/log/listwire/alerts.jsonl`.

Each alert is one append that is on the disk when it counts as delivered. The file is opened anew each time, so
whatever rotates it, by name or by truncation, is followed at once. Several processes may write one file. A line that
could not be written whole is taken back; one that is there already, from before a crash, is not written twice.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from datetime import datetime
from pathlib import Path

from agents.sinks import Means, SinkError
from streams.codec import decode, encode
from streams.errors import RecordError
from streams.outlets import Outlet
from streams.records import Alert

OPTIONS: frozenset[str] = frozenset()
TAIL_BYTES = 262_144
"""What is searched for the alert before it is written: a crash repeats the newest."""


def open_sink(outlet: Outlet, _: Means) -> JsonlSink:
    """A sink on the file that the URL names. Raises SettingsError where there can be no such file."""
    return JsonlSink(file_of(outlet))


def file_of(outlet: Outlet) -> Path:
    """The file of a sink that writes one; its folder must be there. Raises SettingsError."""
    if outlet.host is not None or not outlet.file or "\0" in outlet.file:
        raise outlet.refusal(f"name a file, such as {outlet.scheme}:/srv/alerts")
    file = Path(outlet.file).expanduser()
    if not file.parent.is_dir():
        raise outlet.refusal(f"{file.parent} is no folder")
    if file.exists() and not file.is_file():
        raise outlet.refusal(f"{file} is no regular file")
    return file


class JsonlSink:
    """Appends to one file."""

    def __init__(self, file: Path) -> None:
        self._file = file

    async def deliver(self, alert: Alert, now: datetime) -> None:
        """On the disk. Raises SinkError while it cannot be written."""
        try:
            await asyncio.to_thread(_append, self._file, alert)
        except OSError as error:
            raise SinkError(f"{self._file}: {error.strerror}") from None

    async def close(self) -> None:
        """Nothing is held open."""


def _append(file: Path, alert: Alert) -> None:
    handle = os.open(file, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK, 0o640)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        size = os.fstat(handle).st_size
        tail = os.pread(handle, TAIL_BYTES, max(0, size - TAIL_BYTES))
        if not _holds(tail, alert):
            _write(handle, size, (b"" if tail.endswith(b"\n") or not tail else b"\n") + encode(alert) + b"\n")
        os.fsync(handle)  # also of a line that is there: whoever wrote it may have died before this
        if not size:
            sync_folder(file.parent)
    finally:
        os.close(handle)


def _write(handle: int, size: int, line: bytes) -> None:
    try:
        if os.write(handle, line) < len(line):
            raise OSError(0, "only part of the line could be written")
    except OSError:
        os.ftruncate(handle, size)
        raise


def _holds(tail: bytes, alert: Alert) -> bool:
    quoted = encode(alert)
    return any(_same(line, quoted, alert) for line in tail.splitlines())


def _same(line: bytes, quoted: bytes, alert: Alert) -> bool:
    if line == quoted:
        return True
    if alert.id.encode() not in line:
        return False
    try:
        told = decode(line, Alert)
    except RecordError:
        return False
    return (told.id, told.revision) == (alert.id, alert.revision)


def sync_folder(folder: Path) -> None:
    """Makes a new name in the folder survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
