"""Where the value of a setting comes from, and how that is said: `--flag`, `LISTWIRE_NAME`, `FILE: key`, or nowhere.

Every message about a setting names its origin in these words, and `listwire settings` shows them for all.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Collection, Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

from platformdirs import user_config_path
from pydantic import ValidationError

from streams.errors import SettingsError

PREFIX = "LISTWIRE_"
CONFIG = f"{PREFIX}CONFIG"


class Kind(StrEnum):
    """What kind of place a value comes from, the strongest first."""

    FLAG = "flag"
    ENVIRONMENT = "environment"
    FILE = "file"
    DEFAULT = "default"


class Origin(NamedTuple):
    """Where one value comes from; `where` is empty for a default."""

    kind: Kind
    where: str = ""


class Sources(NamedTuple):
    """What an operator has given: the flags, and the file with what is in it. The environment is the process's own."""

    given: Mapping[str, Any]
    file: Path
    values: Mapping[str, Any]

    def origin_of(self, field: str) -> Origin:
        """Where the value of the setting comes from."""
        if field in self.given:
            return Origin(Kind.FLAG, f"--{field.replace('_', '-')}")
        if name := _variable(field):
            return Origin(Kind.ENVIRONMENT, name)
        if field in self.values:
            return Origin(Kind.FILE, f"{self.file}: {field}")
        return Origin(Kind.DEFAULT)

    def complaints(self, error: ValidationError, known: Collection[str]) -> Iterator[str]:
        """What is wrong, a line a fault, each with its origin."""
        for fault in error.errors():
            field = str(fault["loc"][0])
            where = self.origin_of(field).where or f"{self.file}: {field}"
            if fault["type"] == "extra_forbidden":
                yield f"{where}: no such setting{nearest(field, known)}"
            else:
                message = fault["msg"].removeprefix("Value error, ")
                yield f"{where}: {message[:1].lower()}{message[1:]}"


def sources(config: Path | None, given: Mapping[str, Any], known: Collection[str]) -> Sources:
    """What is given now. Raises SettingsError for a file that cannot be read and a variable that nobody knows."""
    variables = {f"{PREFIX}{field.upper()}" for field in known} | {CONFIG}
    for name in sorted(os.environ):
        if name.upper().startswith(PREFIX) and name.upper() not in variables:
            raise SettingsError(f"{name}: no such setting{nearest(name.upper(), variables)}")
    return Sources(given, *_file(config))


def nearest(name: str, known: Collection[str]) -> str:
    """A suggestion for a name that is unknown, if one is near."""
    near = difflib.get_close_matches(name, sorted(known), n=1)
    return f" (did you mean {near[0]}?)" if near else ""


def _variable(field: str) -> str | None:
    """The variable that sets the field; an empty one sets nothing."""
    wanted = f"{PREFIX}{field.upper()}"
    return next((name for name, value in os.environ.items() if value and name.upper() == wanted), None)


def _file(config: Path | None) -> tuple[Path, dict[str, Any]]:
    named = config or (Path(os.environ[CONFIG]) if os.environ.get(CONFIG) else None)
    file = named or user_config_path("listwire") / "listwire.toml"
    try:
        return file, tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        if named:
            raise SettingsError(f"{file}: no such file") from None
        return file, {}
    except OSError as error:
        raise SettingsError(f"{file}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{file}: not UTF-8 text") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{file}: {error}") from None
