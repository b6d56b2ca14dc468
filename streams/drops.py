"""Watched folders: which files are for us, when one is whole, and what is written about one that is refused.

A folder does not tell when an upload has ended. Three things together do: a name is not one that programs give to
unfinished files; size and time stand still for a while; and an empty file is given longer, because an FTP server makes
the file before the first byte arrives.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from msgspec import Struct

from streams.records import Utc

REASON_SUFFIX = ".reason.json"
EMPTY_FOR = timedelta(seconds=60)
"""How long a file must stay empty before it is believed to be."""

# How unfinished, locked or passing files end, in lower case, by those who name them so.
_UNFINISHED = (
    ".crdownload",  # Chromium
    ".download",  # Safari
    ".filepart",  # WinSCP
    ".lck",
    ".lock",
    ".part",  # Firefox, lftp, curl
    ".partial",  # rsync --partial, wget2
    ".swp",  # Vim
    ".swx",
    ".temp",
    ".tmp",
    ".upload",
    ".uploading",
    ".writing",
    "~",  # editors' copies
    REASON_SUFFIX,  # ours, when an operator moves a refused file back together with its reason
)


class Waiting(NamedTuple):
    """A file as one look finds it. Sorts as files are taken: the oldest first, by name within one instant."""

    mtime_ns: int
    name: str
    size: int


class Still(NamedTuple):
    """A file that looks, as often as it was seen since then, exactly so."""

    file: Waiting
    since: datetime


class Refusal(Struct, frozen=True, kw_only=True):
    """Why a file lies in `failed/`; written beside it."""

    file: str
    feed: str
    reason: str  # of `WireError.reason`, or `parser-killed`, `unreadable`, `unsent`
    detail: str
    at: Utc


def is_finished(name: str) -> bool:
    """Whether a name is that of a file for us: not hidden, not one still being written, not one of ours."""
    return not name.startswith((".", "~", "#")) and not name.lower().endswith(_UNFINISHED)


def watched(before: Mapping[str, Still], found: Iterable[Waiting], now: datetime) -> dict[str, Still]:
    """What is known of the files after a look: those that changed count from now on.

    So does a file that was seen in the future, for a clock that was put back must not make it wait.
    """
    known = ((file, before.get(file.name)) for file in found)
    return {
        file.name: still if still and still.file == file and still.since <= now else Still(file, now)
        for file, still in known
    }


def whole(files: Mapping[str, Still], now: datetime, settle_s: float) -> tuple[str, ...]:
    """The names of the files that have stood still for long enough, in the order in which they are to be taken."""
    settled = timedelta(seconds=settle_s)
    ready = (still.file for still in files.values() if now - still.since >= (settled if still.file.size else EMPTY_FOR))
    return tuple(file.name for file in sorted(ready))
