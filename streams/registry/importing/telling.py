"""A difference in words, one line a fact, for the person who decides."""

from __future__ import annotations

from collections.abc import Iterator

from streams.registry.entries import Baseline
from streams.registry.importing.diffs import Addition, Conflict, Diff, Doubt, Draft
from streams.registry.importing.merging import HOLDS_OTHERS
from streams.registry.importing.writing import alias_line


def tell(diff: Diff) -> Iterator[str]:
    """The lines: what is new, what is added, what contradicts, what is unsure, what was passed over."""
    yield f"{diff.format}: {_count(diff.entries, 'entry', 'entries')}, {diff.known} of them known groups"
    for draft in diff.drafts:
        yield from _draft(draft)
    for addition in diff.additions:
        yield from _addition(addition)
    yield from map(_conflict, diff.conflicts)
    yield from map(_doubt, diff.doubts)
    if diff.passed:
        by_programme = ", ".join(f"{programme} {entries}" for programme, entries in sorted(diff.passed.items()))
        yield f"passed over, from lists of companies, no known groups: {by_programme}"
    for signal, entries in sorted(diff.signals.items()):
        yield f"not read: {signal} ({_count(entries, 'entry', 'entries')})"


def _draft(draft: Draft) -> Iterator[str]:
    group = draft.group
    first = f"new {group.key}: {group.name} (entry {draft.reference})"
    if HOLDS_OTHERS in draft.held and not draft.like:
        yield f"{first}, held back: {'; '.join(draft.held)}"
        return
    yield first
    yield from (f"    held back: {why}" for why in draft.held)
    yield from (f"    looks like {like.key}: {like.name} ({like.score} of 100)" for like in draft.like)
    yield from (f"    {_row(row)}" for row in group.baseline)
    yield from (f"    alias {alias_line(alias).strip(' ,')}" for alias in group.aliases)
    yield from (f"    alias left to an author {alias_line(alias).strip(' ,')}" for alias in draft.held_aliases)
    if draft.remarks:
        yield f"    remarks: {draft.remarks}"


def _addition(addition: Addition) -> Iterator[str]:
    yield f"{'add to' if addition.writes else 'known'} {addition.key}: entry {', '.join(addition.entries)}"
    yield from (f"    number {register} {number}" for register, number in addition.ids.items())
    yield from (f"    {_row(row)}" for row in addition.rows)
    yield from (f"    alias {alias_line(alias).strip(' ,')}" for alias in addition.aliases)
    yield from (f"    alias left to an author {alias_line(alias).strip(' ,')}" for alias in addition.held_aliases)


def _row(row: Baseline) -> str:
    which = " ".join(part for part in (row.authority, row.instrument, row.note) if part)
    scope = f", {row.scope} only" if row.scope else ""
    return f"baseline {which}{scope}, since {row.listed or 'an untold day'}"


def _conflict(conflict: Conflict) -> str:
    entry = f"entry {conflict.reference}, " if conflict.reference else ""
    return f"conflict {conflict.key}: {entry}{conflict.field}: registry: {conflict.registry}; file: {conflict.file}"


def _doubt(doubt: Doubt) -> str:
    keys = "".join(f" {key}?" for key in doubt.keys)
    return f"unsure {doubt.reference}: {doubt.name}:{keys} {doubt.why}"


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
