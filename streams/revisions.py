"""Further revisions of an alert that is out, by sources that say the same: its level, its day of effect, its voice."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from streams.corroboration import Voice, confidence_of, independent, level_of
from streams.ledger import capped, main_lists
from streams.records import Alert, Claim, Entry, PartialDate, Report, Transition
from streams.registry import Registry
from streams.verdicts import counted
from streams.vocabulary import AlertStatus, Change, Level, Stage

_RANK = {Level.UNCONFIRMED: 0, Level.CONFIRMED: 1, Level.OFFICIAL: 2}


def as_settled(report: Report, registry: Registry) -> Report:
    """The report as the ledger takes it: the main list unnamed, so that stories that name it and stories that do not
    meet, and no change further than its day allows.
    """
    main = main_lists(report.authority, registry)
    named = (msgspec.structs.replace(c, instrument=None) if c.instrument in main else c for c in report.claims)
    return msgspec.structs.replace(report, claims=tuple(map(capped, named)))


def supported(entry: Entry, claim: Claim, report: Report) -> tuple[Alert, ...]:
    """A further source for a live alert: a new revision if it raises the level, or tells a day of effect."""
    for alert in entry.alerts:
        if matter(claim) != matter(alert) or not is_live(alert):
            continue
        voices = [*_voices_for(entry.reports, alert), Voice(claim, report.story)]
        level = level_of(voices)
        is_better, day = _RANK[level] > _RANK[alert.level], _told_day(alert, claim)
        if not is_better and day == alert.effective_on:
            return ()
        source = claim.origin or report.story.feed
        why = f"{level}: also {source}" if is_better else f"in force {day}: {source}"
        better = _voice(claim, report) if claim.confirmed and not alert.confirmed else {}
        founded: dict[str, object] = {
            "level": level,
            "sources": independent(voices),
            "confidence": confidence_of(voices),
            "confirmed": alert.confirmed or claim.confirmed,
            "effective_on": day,
        }
        return (next_revision(alert, why, **{**better, **founded}),)
    return ()


def _told_day(alert: Alert, claim: Claim) -> PartialDate | None:
    """The day of effect, now that this claim is heard; the word of somebody else does not move the authority's."""
    counts = claim.effective_on is not None and (claim.confirmed or alert.effective_on is None)
    return claim.effective_on if counts else alert.effective_on


def _voice(claim: Claim, report: Report) -> dict[str, object]:
    """What an alert takes over from the claim that founds it better than its first one did."""
    return {
        "evidence": claim.evidence,
        "story": report.story,
        "speaker": claim.speaker,
        "medium": claim.medium,
    }


def _voices_for(reports: Sequence[Report], alert: Alert) -> list[Voice]:
    """All that say what the alert says, as news."""
    said = ((report, claim) for report, claims in counted(reports) for claim in claims)
    return [Voice(claim, report.story) for report, claim in said if claim.news and matter(claim) == matter(alert)]


def next_revision(alert: Alert, reason: str, **changes: object) -> Alert:
    """The alert one revision on, with the names of the fields that changed."""
    changed = tuple(sorted(name for name, value in changes.items() if getattr(alert, name) != value))
    return msgspec.structs.replace(alert, revision=alert.revision + 1, reason=reason, changed=changed, **changes)


def is_live(alert: Alert) -> bool:
    """Whether the alert stands, as it was told or corrected."""
    return alert.status in {AlertStatus.LIVE, AlertStatus.CORRECTED}


def matter(move: Transition | Claim | Alert) -> tuple[Change, Stage, str | None, str | None]:
    """What must be alike for two stories to tell the same, the day apart."""
    return (move.change, move.stage, move.instrument, move.scope)
