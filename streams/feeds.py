"""The feed list: what is polled or watched, how often, and whose words it carries.

A feed has either an address (`url`) or a folder of this machine into which an agency delivers files (`folder`). Only
the operator's own file may name a folder: a list that comes from elsewhere must not make us move files about.

`feeds.toml` beside this module is the list that ships; an operator's file has the same form, one table a
feed, its header the feed's key. The loader is strict: an unknown field, a missing one, a second table of the
same name, an address that cannot be polled or a disabled feed without a reason is a `DataFileError` that
names file and key. Dead feeds stay in the list, disabled and with their reason, because a list that shrinks
in silence hides what is no longer watched.
"""

import hashlib
import re
from datetime import UTC, timedelta, timezone, tzinfo
from functools import cache
from importlib import resources
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from streams.errors import DataFileError
from streams.records import AuthorityKey

MIN_INTERVAL_S = 60
MAX_INTERVAL_S = 86_400
DEFAULT_INTERVAL_S = 300
DEFAULT_MAX_WAIT_S = 3_600

_KEY = re.compile(r"[a-z0-9][a-z0-9\-]{0,63}")
_KEY_RULE = "a key is lower-case letters, digits and hyphens, at most 64"
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8})*")
_OFFSET = re.compile(r"([+-])(\d{2}):(\d{2})")
_CREDENTIAL = _KEY
_USER_AGENT = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,254}[\x21-\x7e])?")
_UNSAFE = re.compile(r"[\x00-\x20\x7f\"<>\\^`{|}]")


EVERYBODY = AuthorityKey("*")
_AUTHORITY = re.compile(r"\*|[a-z][a-z0-9]*(?:-[a-z0-9]+)*")


class FeedSpec(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One feed as its owner describes it."""

    key: str
    url: str = ""
    folder: str | None = None  # watched instead of an address; absolute
    name: str
    source: str | None = None  # the credit of its stories, unless the item names another outlet
    language: str | None = None  # of stories that do not say it themselves
    authority: AuthorityKey | None = None  # whose voice it is, where it is an authority's
    covers: tuple[AuthorityKey, ...] = ()  # whose changes it tells besides; EVERYBODY: what the world talks about
    trusted: bool = True  # false: its word alone confirms nothing
    official: bool = False  # the authority's own publication: its word is the act, not a report of it
    interval_s: int = DEFAULT_INTERVAL_S
    max_wait_s: int = DEFAULT_MAX_WAIT_S  # the longest that a server's caching hint may keep us away
    timezone: str | None = None  # of dates that name no zone: an IANA name, or `+03:00`
    credential: str | None = None  # name of the file that holds its secret, never the secret
    user_agent: str | None = None  # instead of the one that says who we are
    enabled: bool = True
    note: str | None = None  # why it is in the list, what was found out and when, why it is disabled

    @property
    def host(self) -> str:
        """Host and port: feeds that share it take turns; empty for a folder."""
        return urlsplit(self.url).netloc.lower()

    @property
    def zone(self) -> tzinfo:
        """The zone of dates that name none."""
        return _zone(self.timezone) if self.timezone else UTC


def load_feeds(raw: bytes, file_name: str, *, folders: bool = False) -> tuple[FeedSpec, ...]:
    """The feeds of a feed list, in its order, rhythms clamped to 60 s .. 24 h. Raises DataFileError.

    `folders` is for the operator's own file; in any other list a feed with a folder is an error.
    """
    try:
        tables = msgspec.toml.decode(raw, type=dict[str, dict[str, Any]])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DataFileError(file_name, _readable(error)) from None
    if not tables:
        raise DataFileError(file_name, "lists no feed: write one table a feed, [key] and below it url and name")
    feeds = tuple(checked_feed(key, table, file_name, folders=folders) for key, table in tables.items())
    _check_places(feeds, file_name)
    return feeds


def default_feeds() -> tuple[FeedSpec, ...]:
    """The list that ships with Listwire."""
    return load_feeds(resources.files("streams").joinpath("feeds.toml").read_bytes(), "feeds.toml")


def feed_of_url(url: str) -> FeedSpec:
    """The feed of a bare address, as `--feed URL` gives it. Raises DataFileError if it cannot be polled."""
    if problem := _address_problem(url):
        raise DataFileError("--feed", problem, url)
    return FeedSpec(key=key_of_url(url), url=url, name=url)


def is_credential_name(name: str) -> bool:
    """Whether a credential may be called so: the name becomes that of a file, so it must lead nowhere else."""
    return bool(_CREDENTIAL.fullmatch(name))


def key_of_url(url: str) -> str:
    """A key for a feed that nobody named: its host and a hash of the address."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        host = ""
    words = re.sub(r"[^a-z0-9]+", "-", host.lower()).strip("-")
    return f"{words[:50] or 'feed'}-{hashlib.blake2b(url.encode('utf-8', 'replace')).hexdigest()[:8]}"


def feed_of_key(key: str) -> FeedSpec:
    """The feed of what `--stdin KEY` brings, where no list has one of that key. Raises DataFileError."""
    if not _KEY.fullmatch(key):
        raise DataFileError("--stdin", _KEY_RULE, key)
    return FeedSpec(key=key, name=key)


def checked_feed(key: str, table: dict[str, Any], file_name: str, *, folders: bool = False) -> FeedSpec:
    """The feed of one table, its rhythm clamped; `folders` as in `load_feeds`.

    Raises DataFileError that names file and key.
    """
    if "key" in table:
        raise DataFileError(file_name, "the table's header is the key, a field `key` is one too many", key)
    try:
        feed = msgspec.convert({**table, "key": key}, FeedSpec)
    except msgspec.ValidationError as error:
        raise DataFileError(file_name, str(error), key) from None
    if feed.folder is not None and not folders:
        raise DataFileError(file_name, "folder: only the operator's own feed file may name one", key)
    if problem := _problem(feed):
        raise DataFileError(file_name, problem, key)
    return replace(feed, interval_s=min(max(feed.interval_s, MIN_INTERVAL_S), MAX_INTERVAL_S))


def _problem(feed: FeedSpec) -> str | None:
    if not _KEY.fullmatch(feed.key):
        return _KEY_RULE
    if feed.language is not None and not _LANGUAGE.fullmatch(feed.language):
        return f"language: {feed.language!r} is no language tag such as `en` or `zh-hans`"
    if feed.official and feed.authority is None:
        return "official: an authority's own publication needs `authority`"
    if strange := [key for key in feed.covers if not _AUTHORITY.fullmatch(key)]:
        return f"covers: {strange[0]!r} is no key of an authority such as `kz`, nor `*`"
    if not feed.enabled and not feed.note:
        return "note: a disabled feed needs its reason"
    if feed.timezone is not None and not _is_zone(feed.timezone):
        return f"timezone: {feed.timezone!r} is neither a known IANA zone nor an offset such as `+03:00`"
    return _request_problem(feed) or _place_problem(feed)


def _request_problem(feed: FeedSpec) -> str | None:
    if feed.credential is not None and not is_credential_name(feed.credential):
        return "credential: the name of a file in the folder of credentials: lower-case letters, digits and hyphens"
    if feed.user_agent is not None and not _USER_AGENT.fullmatch(feed.user_agent):
        return "user_agent: one line of at most 256 ASCII letters, signs and spaces"
    if feed.folder is not None and (feed.credential is not None or feed.user_agent is not None):
        return "credential, user_agent: are sent to an address, and a folder has none"
    return None


def _place_problem(feed: FeedSpec) -> str | None:
    if feed.folder is None:
        return _address_problem(feed.url) if feed.url else "needs `url` or `folder`"
    if feed.url:
        return "has `url` and `folder`: a feed is polled or watched, not both"
    path = PurePosixPath(feed.folder)
    if not path.is_absolute() or ".." in path.parts or "\0" in feed.folder:
        return f"folder: {feed.folder!r} is no absolute path without `..`"
    return None


def _address_problem(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        has_port_problem = parts.port == 0
    except ValueError as error:
        return f"url: {url!r}: {error}"
    if parts.scheme not in {"http", "https"} or not parts.hostname or has_port_problem or _UNSAFE.search(url):
        return f"url: {url!r} is no http or https address"
    if parts.username is not None or parts.password is not None:
        return f"url: credentials for {parts.hostname} do not belong into the address"
    return None


def _check_places(feeds: tuple[FeedSpec, ...], file_name: str) -> None:
    owners: dict[tuple[str, str], str] = {}
    for feed in feeds:
        place = ("url", feed.url) if feed.folder is None else ("folder", str(PurePosixPath(feed.folder)))
        if place in owners:
            raise DataFileError(file_name, f"{place[0]}: the same as that of {owners[place]}", feed.key)
        owners[place] = feed.key


def _is_zone(name: str) -> bool:
    try:
        _zone(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


@cache
def _zone(name: str) -> tzinfo:
    if match := _OFFSET.fullmatch(name):
        east = timedelta(hours=int(match[2]), minutes=int(match[3]))
        return timezone(east if match[1] == "+" else -east)
    return ZoneInfo(name)


def _readable(error: Exception) -> str:
    """One line: what is wrong and where, for a person with the file open."""
    if isinstance(error, UnicodeDecodeError):
        return "is not UTF-8 text"
    text = str(error)
    if "Expected `object`" in text or "Expected `dict" in text:
        return "holds something outside a table: write [key] above url and name"
    return text
