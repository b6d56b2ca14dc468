"""What `listwire doctor` looks at, a module a subject. Nothing is changed anywhere, but for a file that comes and goes.

Each check gives findings, in words for whoever runs Listwire: what was seen, and where it is not fine, what to do. What
cannot be looked at is said so, never taken for fine.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple


class Verdict(StrEnum):
    """How a finding is."""

    FINE = "ok"
    ODD = "warn"  # it runs, and somebody should know
    WRONG = "FAIL"  # it does not run, or loses something


class Finding(NamedTuple):
    """One thing looked at; `remedy` says what to do where it is not fine."""

    name: str
    verdict: Verdict
    what: str
    remedy: str = ""


def fine(name: str, what: str) -> Finding:
    """All is well."""
    return Finding(name, Verdict.FINE, what)


def odd(name: str, what: str, remedy: str) -> Finding:
    """Something to know."""
    return Finding(name, Verdict.ODD, what, remedy)


def wrong(name: str, what: str, remedy: str) -> Finding:
    """Something to mend."""
    return Finding(name, Verdict.WRONG, what, remedy)


def or_fine(name: str, found: list[Finding], what: str) -> Iterator[Finding]:
    """What was found, or that all is well."""
    yield from found or [fine(name, what)]
