"""From a report to the alerts it causes: new ones, and further revisions of those already out.

An alert needs both a claim that is news and an entry that moved. Its id is a function of what happened, not of who
told it, so more sources never make a second alert; they can raise its level, which is a new revision. A later
revision of a story, or its kill, is read by folding the entry's reports again without the old one: alerts that lose
their ground are retracted as loudly as they were raised.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

import msgspec

from streams.ledger import advance, is_listed, open_entry
from streams.records import Alert, AlertId, Claim, Entry, Report, Status, Transition
from streams.registry import Registry
from streams.verdicts import claims_after, counted, is_verdict, signature, takes_back
from streams.vocabulary import AlertStatus, Change, Level, PubStatus, Stage


class Founded(NamedTuple):
    """A move of the ledger, and the claim and report that it rests on."""

    transition: Transition
    claim: Claim
    report: Report


def settle(entry: Entry, report: Report, registry: Registry) -> tuple[Entry, tuple[Alert, ...]]:
    """The entry after `report`, and every alert revision it causes, in order. A repeated report changes nothing."""
    known = next((r for r in entry.reports if r.story.id == report.story.id), None)
    if known is not None and known.story.revision >= report.story.revision and known.pub_status is report.pub_status:
        return entry, ()
    if known is not None:
        return _refold(entry, tuple(report if r is known else r for r in entry.reports), report, registry)
    if report.pub_status is not PubStatus.USABLE:
        return entry, ()
    if takes_back(report):
        return _refold(entry, (*entry.reports, report), report, registry)
    return _append(entry, report, registry)


def _append(entry: Entry, report: Report, registry: Registry) -> tuple[Entry, tuple[Alert, ...]]:
    """A story's first report: its claims one by one, history first."""
    after, told = entry, []
    for claim in sorted(claims_after(entry.reports, report), key=lambda claim: claim.news):
        moved, transition = advance(after, claim)
        fresh = _announce(moved, transition, claim, report, registry) if transition and not report.backfill else ()
        support = _supported(moved, claim, report) if claim.news and transition is None else ()
        after = _with_alerts(moved, (*fresh, *support))
        told += [*fresh, *support]
    if after is entry and not any(claim.news for claim in report.claims):
        return (
            entry,
            (),
        )  # history the ledger knew already: not kept, or an entry would grow with every background line
    return msgspec.structs.replace(after, reports=(*after.reports, report)), tuple(told)


def _refold(entry: Entry, kept: tuple[Report, ...], new: Report, registry: Registry) -> tuple[Entry, tuple[Alert, ...]]:
    """The entry as `kept` makes it, where `new` has changed what counts; the differences to the alerts that are out
    become revisions."""
    after = open_entry(entry.authority, entry.group, registry)
    moves: list[Founded] = []
    for report, claims in counted(kept):
        for claim in sorted(claims, key=lambda claim: claim.news):
            after, transition = advance(after, claim)
            if transition is not None and not report.backfill:
                moves.append(Founded(transition, claim, report))
    told: list[Alert] = []
    known = {alert.id for alert in entry.alerts}
    for alert in entry.alerts:
        ground = _ground(alert, moves, known)
        told += _revised(alert, ground, new)
        moves = [move for move in moves if move is not ground]
    told += [_compose(*move, registry, entry) for move in moves if move.report is new]
    after = msgspec.structs.replace(after, reports=kept, alerts=entry.alerts)
    return _with_alerts(after, told), tuple(told)


def _ground(alert: Alert, moves: Sequence[Founded], known: Collection[AlertId]) -> Founded | None:
    """What the alert rests on now: its own founding, or the same move as another story tells it.

    Never what another alert was founded on: the half-yearly renewals of a list are all the same move.
    """
    own = (move for move in moves if _alert_id(move.transition) == alert.id)
    free = (move for move in moves if _alert_id(move.transition) not in known)
    like = (m for m in free if _matter(m.transition) == (alert.change, alert.stage, alert.instrument, alert.scope))
    return next(own, None) or next(like, None)


def _matter(move: Transition | Claim) -> tuple[Change, Stage, str | None, str | None]:
    return (move.change, move.stage, move.instrument, move.scope)


def _revised(alert: Alert, now: Founded | None, cause: Report) -> list[Alert]:
    """The next revision of an alert after a fold: retracted without ground, corrected where its facts differ."""
    if now is None:
        if alert.status is AlertStatus.RETRACTED:
            return []
        return [_next(alert, _why_lost(cause), status=AlertStatus.RETRACTED)]
    _, claim, report = now
    lost = alert.story.id == cause.story.id and report.story.id != cause.story.id
    if not (report is cause or lost) or _facts(claim) == (
        alert.evidence.text,
        alert.speaker,
        alert.medium,
        alert.date,
        alert.effective_on,
    ):
        return []
    return [
        _next(
            alert,
            _why_corrected(cause, lost),
            status=AlertStatus.CORRECTED,
            evidence=claim.evidence,
            story=report.story,
            speaker=claim.speaker,
            medium=claim.medium,
            date=claim.date,
            acted_on=claim.acted_on,
            effective_on=claim.effective_on,
            level=max(alert.level, _level([claim]), key=_RANK.__getitem__),
            confirmed=alert.confirmed or claim.confirmed,
        )
    ]


def _why_lost(cause: Report) -> str:
    if is_verdict(cause):
        return f"retracted by {signature(cause)}"
    return "its story was withdrawn" if cause.pub_status is not PubStatus.USABLE else "its story no longer says so"


def _why_corrected(cause: Report, lost: bool) -> str:
    if is_verdict(cause):
        return f"corrected by {signature(cause)}"
    return "its first story was withdrawn" if lost else "its story was corrected"


def _facts(claim: Claim) -> tuple[str | None, ...]:
    """What a subscriber reads of a claim; where in the text it stands is not among it."""
    return (claim.evidence.text, claim.speaker, claim.medium, claim.date, claim.effective_on)


def _announce(
    entry: Entry, transition: Transition, claim: Claim, report: Report, registry: Registry
) -> tuple[Alert, ...]:
    """The new alert, and the earlier ones of the same matter that it supersedes."""
    alert = _compose(transition, claim, report, registry, entry)
    if any(known.id == alert.id for known in entry.alerts):
        return ()
    replaced = [
        _next(known, f"followed by {claim.change}, {claim.stage}", status=AlertStatus.SUPERSEDED)
        for known in entry.alerts
        if known.status in {AlertStatus.LIVE, AlertStatus.CORRECTED}
        and known.instrument == alert.instrument
        and known.scope == alert.scope
        and (known.change is Change.RECOGNITION) == (alert.change is Change.RECOGNITION)
    ]
    return (*replaced, alert)


def _compose(transition: Transition, claim: Claim, report: Report, registry: Registry, entry: Entry) -> Alert:
    authority = registry.authorities.get(transition.authority)
    group = registry.groups.get(transition.group)
    return Alert(
        id=_alert_id(transition),
        revision=1,
        kind=transition.kind,
        status=AlertStatus.LIVE,
        level=_level([claim]),
        from_state=transition.from_state,
        to_state=transition.to_state,
        authority=transition.authority,
        authority_name=authority.name if authority is not None else transition.authority,
        group=transition.group,
        group_name=group.name if group is not None else transition.group,
        change=transition.change,
        stage=transition.stage,
        bundle=report.story.id,
        evidence=claim.evidence,
        story=report.story,
        confidence=claim.confidence,
        confirmed=claim.confirmed,
        reason="first report",
        instrument=transition.instrument,
        scope=transition.scope,
        date=claim.date,
        acted_on=claim.acted_on,
        effective_on=claim.effective_on,
        speaker=claim.speaker,
        medium=claim.medium,
    )


def _alert_id(transition: Transition) -> AlertId:
    """A function of what happened: who, whom, which list, which part, what, how far, and the day."""
    names = ("authority", "group", "scope", "instrument", "change", "stage", "acted_on")
    parts = (str(getattr(transition, name)) for name in names)
    return AlertId(hashlib.blake2b("\n".join(parts).encode(), digest_size=10).hexdigest())


def _supported(entry: Entry, claim: Claim, report: Report) -> tuple[Alert, ...]:
    """A further source for a live alert: a new revision if it raises the level."""
    for alert in entry.alerts:
        same = _matter(claim) == (alert.change, alert.stage, alert.instrument, alert.scope)
        if not same or alert.status not in {AlertStatus.LIVE, AlertStatus.CORRECTED}:
            continue
        level = _level([*_claims_for(entry.reports, alert), claim])
        if _RANK[level] > _RANK[alert.level]:
            why = f"{level}: also {claim.origin or report.story.feed}"
            better = _voice(claim, report) if claim.confirmed and not alert.confirmed else {}
            return (_next(alert, why, level=level, confirmed=alert.confirmed or claim.confirmed, **better),)
    return ()


def _voice(claim: Claim, report: Report) -> dict[str, object]:
    """What an alert takes over from the claim that founds it better than its first one did."""
    return {
        "evidence": claim.evidence,
        "story": report.story,
        "speaker": claim.speaker,
        "medium": claim.medium,
        "confidence": claim.confidence,
    }


_RANK = {Level.UNCONFIRMED: 0, Level.CONFIRMED: 1, Level.OFFICIAL: 2}


def _claims_for(reports: Sequence[Report], alert: Alert) -> list[Claim]:
    claims = (claim for _, told in counted(reports) for claim in told if claim.news)
    return [claim for claim in claims if (claim.change, claim.stage) == (alert.change, alert.stage)]


def _level(claims: Sequence[Claim]) -> Level:
    """Official by the authority's own publication; confirmed by its voice, or by two origins whose texts differ."""
    if any(claim.official for claim in claims):
        return Level.OFFICIAL
    independent = {(claim.origin, claim.fingerprint) for claim in claims}
    origins, texts = {o for o, _ in independent}, {f for _, f in independent}
    confirmed = any(claim.confirmed for claim in claims) or (len(origins) > 1 and len(texts) > 1)
    return Level.CONFIRMED if confirmed else Level.UNCONFIRMED


def _next(alert: Alert, reason: str, **changes: object) -> Alert:
    return msgspec.structs.replace(alert, revision=alert.revision + 1, reason=reason, **changes)


def _with_alerts(entry: Entry, alerts: Iterable[Alert]) -> Entry:
    fresh = tuple(alerts)
    if not fresh:
        return entry
    latest = {alert.id: alert for alert in (*entry.alerts, *fresh)}
    return msgspec.structs.replace(entry, alerts=tuple(latest.values()))


def status_of(entry: Entry, offset: int) -> Status:
    """The entry as readers of the status topic see it; `offset` is of the claim message that led here."""
    live = [alert.id for alert in entry.alerts if alert.status in {AlertStatus.LIVE, AlertStatus.CORRECTED}]
    return Status(
        authority=entry.authority,
        group=entry.group,
        listed=is_listed(entry),
        standings=entry.standings,
        disputed=entry.disputed,
        offset=offset,
        alert=live[-1] if live else None,
    )
