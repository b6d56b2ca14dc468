"""What an operator's correction has to take back, found by trying: the least that makes the ledger say what is stated.

1. Nothing: what is stated follows from where the entry stands, as the next stage does.
2. The alert that is corrected, or what was told before of the very matter.
3. The live alert of the same list and scope.
4. All that was told of that list and scope for the stated day or later.

What no try can move rests on the registry's baseline, and is put right there.
"""

from __future__ import annotations

from collections.abc import Iterator

from streams.alerts import settle
from streams.dates import latest_day
from streams.records import Alert, Claim, Entry, Report
from streams.registry import Registry
from streams.verdicts import Matter, Word, correction, counted, matter_of
from streams.vocabulary import AlertStatus, Change

OUT = frozenset({AlertStatus.LIVE, AlertStatus.CORRECTED})


def correct(
    entry: Entry, stated: Matter, word: Word, registry: Registry, about: Alert | None = None
) -> tuple[Report, tuple[Alert, ...]] | None:
    """The report that makes `entry` say what is stated, with the alerts it causes; None if none can.

    `about` is the alert that is corrected, where the operator names one.
    """
    for replaced in _tries(entry, stated, about):
        report = correction(stated, word, replaced)
        _, alerts = settle(entry, report, registry)
        if any(alert.story.id == report.story.id and alert.status in OUT for alert in alerts):
            return report, alerts
    return None


def _tries(entry: Entry, stated: Matter, about: Alert | None) -> Iterator[tuple[Matter, ...]]:
    if about is None:
        yield ()
    same = (stated if about is None else matter_of(about),)
    yield same
    live = [alert for alert in entry.alerts if alert.status in OUT and _is_beside(alert, stated)]
    wider = tuple(dict.fromkeys([*same, *map(matter_of, live)]))
    yield wider
    claims = [claim for _, told in counted(entry.reports) for claim in told if _is_beside(claim, stated)]
    yield tuple(dict.fromkeys([*wider, *(matter_of(claim) for claim in claims if _is_later(claim, stated))]))


def _is_beside(told: Alert | Claim, stated: Matter) -> bool:
    """Whether it is about the same list and scope, and both about recognition or both not."""
    same = (told.instrument, told.scope) == (stated.instrument, stated.scope)
    return same and (told.change is Change.RECOGNITION) == (stated.change is Change.RECOGNITION)


def _is_later(claim: Claim, stated: Matter) -> bool:
    if claim.acted_on is None or stated.acted_on is None:
        return True
    return latest_day(claim.acted_on) >= latest_day(stated.acted_on)
