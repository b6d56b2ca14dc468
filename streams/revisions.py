"""Further revisions of an alert that is out, by sources that say the same: its level, its day of effect, its voice."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from streams.chorus import Chorus
from streams.corroboration import Voice
from streams.ledger import capped, main_lists
from streams.past import Matter, matter
from streams.records import Alert, Claim, PartialDate, Report
from streams.registry import Registry
from streams.vocabulary import AlertStatus, Level


def as_settled(report: Report, registry: Registry) -> Report:
    """The report as the ledger takes it: the main list unnamed, so that stories that name it and stories that do not
    meet, and no change further than its day allows.
    """
    main = main_lists(report.authority, registry)
    named = (msgspec.structs.replace(c, instrument=None) if c.instrument in main else c for c in report.claims)
    return msgspec.structs.replace(report, claims=tuple(map(capped, named)))


def supported(
    alerts: Iterable[Alert], chorus_of: Callable[[Matter], Chorus], claim: Claim, report: Report
) -> tuple[Alert, ...]:
    """A further source for a live alert: a new revision if it raises the level, or tells a day of effect."""
    about = matter(claim)
    alert = next((alert for alert in alerts if is_live(alert) and matter(alert) == about), None)
    if alert is None:
        return ()
    voice, chorus = Voice(claim, report.story), chorus_of(about)
    is_better, day = _is_better(alert, chorus, voice), _told_day(alert, claim)
    if not is_better and day == alert.effective_on:
        return ()
    level, source = chorus.level_with(voice), claim.origin or report.story.feed
    why = f"{level}: also {source}" if is_better else f"in force {day}: {source}"
    better = _voice(claim, report) if claim.confirmed and not alert.confirmed else {}
    founded: dict[str, object] = {
        "level": level,
        "sources": chorus.sources_with(voice),
        "confidence": chorus.confidence_with(voice),
        "confirmed": alert.confirmed or claim.confirmed,
        "effective_on": day,
    }
    return (next_revision(alert, why, **{**better, **founded}),)


def _is_better(alert: Alert, chorus: Chorus, voice: Voice) -> bool:
    """Whether the voices found the alert better than it is founded; sources are counted only where it hangs on them."""
    if alert.level is Level.UNCONFIRMED:
        return chorus.level_with(voice) is not Level.UNCONFIRMED
    return alert.level is Level.CONFIRMED and chorus.is_official_with(voice)


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


def next_revision(alert: Alert, reason: str, **changes: object) -> Alert:
    """The alert one revision on, with the names of the fields that changed."""
    changed = tuple(sorted(name for name, value in changes.items() if getattr(alert, name) != value))
    return msgspec.structs.replace(alert, revision=alert.revision + 1, reason=reason, changed=changed, **changes)


def is_live(alert: Alert) -> bool:
    """Whether the alert stands, as it was told or corrected."""
    return alert.status in {AlertStatus.LIVE, AlertStatus.CORRECTED}
