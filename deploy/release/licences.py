"""Under which licence each package stands, by its own metadata, and whether we may ship it."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageMetadata, PackageNotFoundError, metadata
from pathlib import Path

import license_expression as spdx  # type: ignore[import-untyped]

_RULES = Path(__file__).parent / "licences.toml"
_SPDX = spdx.get_spdx_licensing()
_CLASSIFIER = "License :: OSI Approved :: "
_HEAD = """\
# Licences of what runs

The packages of `deploy/locks/runtime.txt`, of which the container image and every installation consist, with the
licence that each one names in its own metadata, or in the licence file of its wheel if they name none (see
`deploy/release/licences.toml`, which also tells what is allowed). Listwire itself is under Apache-2.0.

Not in this list: the base of the image (Python on Debian), and what only tests or `listwire up` with its own broker
use. Made by `python deploy/release/bill.py`.

| package | licence (SPDX) |
|---|---|
"""


@dataclass(frozen=True, slots=True)
class Rules:
    """`licences.toml`: what is allowed, what words mean, and what was read by hand."""

    allowed: frozenset[str]
    words: Mapping[str, str]
    packages: Mapping[str, str]


def read_rules(file: Path = _RULES) -> Rules:
    """The rules in the file beside this module, or in another one."""
    table = tomllib.loads(file.read_text("utf-8"))
    return Rules(frozenset(table["allowed"]), table["words"], table["packages"])


def licence_of(name: str, rules: Rules) -> str:
    """The SPDX expression for an installed package; exits with one line if it cannot be told."""
    if given := rules.packages.get(name):
        return given
    try:
        told = _told(metadata(name))
    except PackageNotFoundError:
        raise SystemExit(f"{name} is not installed: install the test lock, or read its licence into {_RULES}") from None
    meant = rules.words.get(told, told)
    try:
        return str(_SPDX.parse(meant, validate=True))
    except spdx.ExpressionError:
        raise SystemExit(f"{name} says {told!r}, which SPDX does not know: read its licence into {_RULES}") from None


def _told(fields: PackageMetadata) -> str:
    """The licence in the words of the metadata: the expression, else a free text of one line, else a classifier."""
    stated = [text.strip() for name in ("License-Expression", "License") for text in fields.get_all(name, [])]
    free = next(filter(None, stated), "")
    if free and "\n" not in free:
        return free
    found = [line for line in fields.get_all("Classifier", []) if line.startswith(_CLASSIFIER)]
    return found[0].removeprefix(_CLASSIFIER) if len(found) == 1 else free.partition("\n")[0]


def is_allowed(expression: str, allowed: frozenset[str]) -> bool:
    """Whether the licence leaves a way that we may take: all of `A AND B`, one of `A OR B`."""
    return _leaves_a_way(_SPDX.parse(expression), allowed)


def _leaves_a_way(part: spdx.LicenseExpression, allowed: frozenset[str]) -> bool:
    if isinstance(part, spdx.AND | spdx.OR):
        ways = [_leaves_a_way(below, allowed) for below in part.args]
        return all(ways) if isinstance(part, spdx.AND) else any(ways)
    return str(part) in allowed


def licence_list(names: Iterable[str], licences: Mapping[str, str]) -> str:
    """The page. It names no versions, so that only a new package or another licence changes it."""
    return _HEAD + "".join(f"| {name} | {licences[name]} |\n" for name in sorted(set(names)))
