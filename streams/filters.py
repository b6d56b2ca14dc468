"""Which alerts a subscriber wants, said in the query of a sink's URL.

    authority=ru,us     one of these authorities
    group=taliban       one of these groups, whole or as the wing concerned
    change=delisting    one of: listing delisting suspension renewal recognition
    stage=decided       one of: proposed decided effective rejected
    level=confirmed     founded at least so well: unconfirmed < confirmed < official
    min_confidence=0.6  read with at least this confidence, 0 to 1
    language=en         from stories in one of these languages; `en` takes `en-GB` too
    since=2026-01-31    from stories of this day or later

All that is given must hold. What a story leaves open (its language, its day) shuts nothing out: an alert too many
is a nuisance, one too few is a loss. Level, confidence and language may change with a revision, so whoever got one
revision of an alert must get all that follow, above all its retraction; the one who remembers sees to that.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import TypeVar

from streams.errors import SettingsError
from streams.records import Alert
from streams.vocabulary import Change, Level, Stage

V = TypeVar("V", bound=StrEnum)

KEYS = ("authority", "group", "change", "stage", "level", "min_confidence", "language", "since")

_KEY = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8})*")
_LEVELS = tuple(Level)


@dataclass(frozen=True, slots=True)
class Filter:
    """What is wanted; an empty set wants everything."""

    authorities: frozenset[str] = field(default=frozenset())
    groups: frozenset[str] = field(default=frozenset())
    changes: frozenset[str] = field(default=frozenset())
    stages: frozenset[str] = field(default=frozenset())
    languages: frozenset[str] = field(default=frozenset())
    level: Level = Level.UNCONFIRMED
    min_confidence: float = 0.0
    since: date | None = None

    def admits(self, alert: Alert) -> bool:
        """Whether this revision, seen alone, is wanted."""
        return (
            _among(alert.authority, self.authorities)
            and (_among(alert.group, self.groups) or alert.scope in self.groups)
            and _among(alert.change, self.changes)
            and _among(alert.stage, self.stages)
            and _LEVELS.index(alert.level) >= _LEVELS.index(self.level)
            and alert.confidence >= self.min_confidence
            and self._speaks(alert.story.language)
            and (self.since is None or alert.story.published is None or alert.story.published.date() >= self.since)
        )

    def _speaks(self, language: str | None) -> bool:
        if not self.languages or language is None:
            return True
        told = language.lower().replace("_", "-")
        return any(told == wanted or told.startswith(f"{wanted}-") for wanted in self.languages)


EVERYTHING = Filter()


def parse_filter(options: Mapping[str, str]) -> Filter:
    """The filter in a query; keys that are not of `KEYS` are left alone. Raises SettingsError that names the key."""
    return Filter(
        authorities=_keys("authority", options, _KEY),
        groups=_keys("group", options, _KEY),
        changes=frozenset(_member("change", word, Change) for word in _words("change", options)),
        stages=frozenset(_member("stage", word, Stage) for word in _words("stage", options)),
        languages=_keys("language", options, _LANGUAGE),
        level=_member("level", options["level"], Level) if "level" in options else Level.UNCONFIRMED,
        min_confidence=_share("min_confidence", options.get("min_confidence", "0")),
        since=_day("since", options["since"]) if "since" in options else None,
    )


def require_known(wanted: Filter, authorities: Collection[str], groups: Collection[str]) -> None:
    """Raises SettingsError if the filter names an authority or a group that nobody knows: it would shut out all."""
    for name, keys, known in (("authority", wanted.authorities, authorities), ("group", wanted.groups, groups)):
        for key in sorted(keys - set(known)):
            raise SettingsError(f"{name}={key}: not in the registry{_nearest(key, known)}")


def _among(value: str, wanted: frozenset[str]) -> bool:
    return not wanted or value in wanted


def _words(name: str, options: Mapping[str, str]) -> tuple[str, ...]:
    if name not in options:
        return ()
    words = tuple(word.strip() for word in options[name].split(","))
    if not all(words):
        raise SettingsError(f"{name}={options[name]}: a value is empty")
    return words


def _keys(name: str, options: Mapping[str, str], form: re.Pattern[str]) -> frozenset[str]:
    words = tuple(word.lower() for word in _words(name, options))
    for word in words:
        if not form.fullmatch(word):
            raise SettingsError(f"{name}={word}: not the form of a key")
    return frozenset(words)


def _member(name: str, word: str, kind: type[V]) -> V:
    try:
        return kind(word)
    except ValueError:
        raise SettingsError(f"{name}={word}: one of {', '.join(kind)}") from None


def _share(name: str, word: str) -> float:
    try:
        share = float(word)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise SettingsError(f"{name}={word}: a number from 0 to 1")
    return share


def _day(name: str, word: str) -> date:
    try:
        return date.fromisoformat(word)
    except ValueError:
        raise SettingsError(f"{name}={word}: a day, such as 2026-01-31") from None


def _nearest(word: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(word, sorted(known), n=1)
    return f" (did you mean {near[0]}?)" if near else ""
