"""The latest alerts as an Atom feed in a file: `atom:/srv/www/alerts.atom?keep=100`.

Whatever serves the file makes it a feed that any reader, or another Listwire, can subscribe to. One entry an alert,
under an id that never changes, `updated` when a revision comes; the newest first. What is in the feed is kept beside
it (`.NAME.state`), the truth from which both are written anew: the state first, each whole under another name and then
renamed, so that a reader never sees half a feed and a crash between the two is mended by the next delivery. A
revision that is there already, or older than the one that is there, changes nothing.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import tempfile
from datetime import datetime
from pathlib import Path

from agents.feed_writing import Kept, State, feed_of
from agents.sinks import Means, SinkError
from agents.sinks.jsonl import file_of, sync_folder
from streams.codec import decode, encode
from streams.errors import RecordError
from streams.outlets import Outlet
from streams.records import Alert

OPTIONS = frozenset({"keep"})
KEEP = 100
MOST = 10_000


def open_sink(outlet: Outlet, _: Means) -> AtomSink:
    """A sink on the file that the URL names. Raises SettingsError."""
    text = outlet.options.get("keep", str(KEEP))
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= MOST):
        raise outlet.refusal(f"keep={text}: a number from 1 to {MOST}")
    return AtomSink(file_of(outlet), int(text))


class AtomSink:
    """Rewrites one file."""

    def __init__(self, file: Path, keep: int) -> None:
        self._file = file
        self._keep = keep

    async def deliver(self, alert: Alert, now: datetime) -> None:
        """In the feed, on the disk. Raises SinkError while it cannot be written."""
        try:
            await asyncio.to_thread(self._write, alert, now)
        except RecordError as error:
            raise SinkError(f"{self._state}: {error}: mend it, or move it away to begin an empty feed") from None
        except OSError as error:
            raise SinkError(f"{self._file}: {error.strerror}") from None

    async def close(self) -> None:
        """Nothing is held open."""

    @property
    def _state(self) -> Path:
        return self._file.with_name(f".{self._file.name}.state")

    def _write(self, alert: Alert, now: datetime) -> None:
        lock = os.open(self._file.with_name(f".{self._file.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            state = with_alert(self._read(), alert, now, self._keep)
            replace_file(self._state, encode(state), 0o600)
            replace_file(self._file, feed_of(state, self._file), 0o644)
        finally:
            os.close(lock)

    def _read(self) -> State:
        try:
            return decode(self._state.read_bytes(), State)
        except FileNotFoundError:
            return State()


def with_alert(state: State, alert: Alert, now: datetime, keep: int) -> State:
    """The state with this revision at its head, unless it has it or a later one; at most `keep` alerts."""
    known = next((kept for kept in state.kept if kept.alert.id == alert.id), None)
    if known is not None and known.alert.revision >= alert.revision:
        return state
    new = Kept(alert=alert, published=known.published if known else now, updated=now)
    others = tuple(kept for kept in state.kept if kept is not known)
    return State(kept=(new, *others)[:keep])


def replace_file(file: Path, content: bytes, mode: int) -> None:
    """The file with this content, or as it was; never anything between."""
    handle, draft = tempfile.mkstemp(prefix=f".{file.name}.", suffix=".part", dir=file.parent)
    try:
        with os.fdopen(handle, "wb") as out:
            os.fchmod(out.fileno(), mode)
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        os.replace(draft, file)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise
    sync_folder(file.parent)
