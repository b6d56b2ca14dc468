"""What a correction states, made whole and held against the registry."""

from __future__ import annotations

import re
from datetime import date
from typing import NamedTuple

from streams.dates import is_after
from streams.errors import SettingsError
from streams.records import Alert, Entry, GroupKey, PartialDate
from streams.registry import Registry
from streams.verdicts import Matter, matter_of
from streams.vocabulary import Change, Stage

_DATE = re.compile(r"(?:19|20)\d\d(?:-(?:0[1-9]|1[0-2])(?:-(?:0[1-9]|[12]\d|3[01]))?)?")


class Facts(NamedTuple):
    """The flags of `ledger correct`, as given."""

    change: Change | None
    stage: Stage | None
    instrument: str | None
    scope: str | None
    acted_on: PartialDate | None
    effective_on: PartialDate | None


def stated(entry: Entry, alert: Alert | None, facts: Facts, today: date, registry: Registry) -> Matter:
    """What is so: as given, else as the alert has it. Raises SettingsError that names the flag."""
    change = facts.change or (alert.change if alert else None)
    stage = facts.stage or (alert.stage if alert else None)
    if change is None or stage is None:
        raise SettingsError("--change and --stage are needed where no alert is named")
    _refuse_no_dates(facts, today)
    known = matter_of(alert) if alert else Matter(entry.authority, entry.group, change, stage)
    return known._replace(
        change=change,
        stage=stage,
        instrument=_instrument(entry, facts.instrument, registry) if facts.instrument else known.instrument,
        scope=_scope(entry, facts.scope, registry) if facts.scope else known.scope,
        acted_on=facts.acted_on or known.acted_on or PartialDate(today.isoformat()),
        effective_on=facts.effective_on or known.effective_on,
    )


def _refuse_no_dates(facts: Facts, today: date) -> None:
    for flag, day in (("--date", facts.acted_on), ("--effective", facts.effective_on)):
        if day is not None and not _is_date(day):
            raise SettingsError(f"{flag}: {day!r} is no date; write 2024, 2024-10 or 2024-10-04")
    if facts.acted_on is not None and is_after(facts.acted_on, today):
        raise SettingsError(f"--date: {facts.acted_on} is still to come; a day of effect is --effective")


def _is_date(text: str) -> bool:
    if not _DATE.fullmatch(text):
        return False
    try:
        date.fromisoformat(text if len(text) > len("2024-10") else "2024-01-01")
    except ValueError:
        return False
    return True


def _instrument(entry: Entry, key: str, registry: Registry) -> str | None:
    """The list as the ledger names it: the main one has no name."""
    lists = {one.key: one for one in registry.authorities[entry.authority].instruments}
    if key not in lists:
        known = ", ".join(lists) or "none"
        raise SettingsError(f"--instrument: {entry.authority} has no list {key!r} (it has: {known})")
    return None if lists[key].main else key


def _scope(entry: Entry, key: str, registry: Registry) -> GroupKey:
    part = registry.groups.get(GroupKey(key))
    if part is None or part.part_of != entry.group:
        parts = ", ".join(group.key for group in registry.groups.values() if group.part_of == entry.group) or "none"
        raise SettingsError(f"--scope: {key!r} is no part of {entry.group} (its parts: {parts})")
    return part.key
