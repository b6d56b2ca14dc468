"""The URL of a sink, taken apart: what kind, where to, which options, and which alerts are wanted there.

    jsonl:/var/log/alerts.jsonl?authority=ru,us
    webhook+https://desk.example/alerts?secret_file=/run/secrets/desk&level=confirmed
    slack:/run/secrets/slack-desk?name=desk

Its words appear in logs and process lists, so no secret belongs into it: secrets are in files that it names, and a
user or a password in it is refused. What is shown of it is its `label`, without query.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from streams.errors import SettingsError
from streams.filters import EVERYTHING, KEYS, Filter, parse_filter

COMMON = frozenset({*KEYS, "name"})
"""Options of every sink. `name` keeps the sink's place in the log although its URL changes."""

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


@dataclass(frozen=True, slots=True)
class Outlet:
    """A sink's URL that could be read. `how` is what follows `+` in its scheme."""

    scheme: str
    how: str
    host: str | None
    port: int | None
    path: str
    options: Mapping[str, str]
    wanted: Filter = EVERYTHING

    @property
    def label(self) -> str:
        """As much of it as anybody may read."""
        scheme = f"{self.scheme}+{self.how}" if self.how else self.scheme
        if self.host is None:
            return f"{scheme}:{self.path if '//' not in self.path else '...'}"  # `slack:https://...` tells a secret
        return f"{scheme}://{_bracketed(self.host)}{f':{self.port}' if self.port else ''}"

    @property
    def file(self) -> str:
        """The path as the name of a file, `%` written out."""
        return unquote(self.path)

    def refusal(self, problem: str) -> SettingsError:
        """What is wrong with this sink, in one line that names it."""
        return SettingsError(f"sink {self.label!r}: {problem}")

    def require(self, name: str) -> str:
        """The option, which must be there."""
        if not self.options.get(name):
            raise self.refusal(f"the option {name} is missing")
        return self.options[name]

    def check_options(self, own: Collection[str]) -> None:
        """Raises SettingsError for an option that is neither common nor one of its own: a filter in vain is a flood."""
        for name in self.options:
            if name not in COMMON and name not in own:
                near = difflib.get_close_matches(name, sorted({*COMMON, *own}), n=1)
                raise self.refusal(f"{name}: no such option{f' (did you mean {near[0]}?)' if near else ''}")


def parse_outlet(url: str) -> Outlet:
    """The sink that `url` names. Raises SettingsError that shows neither query nor user."""
    scheme = url.partition(":")[0]
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
        pairs = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError:
        raise SettingsError(f"sink {scheme!r}: not a URL that can be read") from None
    if not parts.scheme:
        raise SettingsError(f"sink {scheme[:40]!r}: a sink is written SCHEME:WHERE")
    _refuse_secrets(parts)
    options = dict(pairs)
    kind, _, how = parts.scheme.partition("+")
    bare = Outlet(kind, how, host, port, parts.path, options)
    if len(options) < len(pairs):
        raise bare.refusal("an option is given twice")
    if not _NAME.fullmatch(options.get("name", "x")):
        raise bare.refusal("name: lower-case letters, digits and hyphens, at most 40")
    try:
        wanted = parse_filter(options)
    except SettingsError as error:
        raise bare.refusal(str(error)) from None
    return Outlet(kind, how, host, port, bare.path, options, wanted)


def _refuse_secrets(parts: SplitResult) -> None:
    if parts.username is not None or parts.password is not None:
        raise SettingsError(f"sink {parts.scheme!r}: no user and no password in a URL: name a file instead")
    if parts.fragment:
        raise SettingsError(f"sink {parts.scheme!r}: write # as %23")


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
