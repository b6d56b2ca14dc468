"""From a report to the alerts it causes: new ones, and further revisions of those already out.

An alert needs both a claim that is news and an entry that moved. Its id is a function of what happened, not of who
told it, so more sources never make a second alert; they can raise its level, which is a new revision. A later
revision of a story, or its kill, is read by folding the entry's reports again without the old one: alerts that lose
their ground are retracted as loudly as they were raised.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import timedelta

import msgspec

from streams.corroboration import Voice, level_of
from streams.dates import latest_day
from streams.folding import alert_id, grounds, is_deniable, moved, refolded, standing_moves
from streams.ledger import advance, denies, is_listed, open_entry
from streams.past import Move, Past, Row, in_turn, past_of, standings_of
from streams.records import Alert, Claim, Entry, Report, Status, Transition
from streams.registry import Registry
from streams.revisions import as_settled, is_live, next_revision, supported
from streams.verdicts import counting, is_verdict, signature, takes_back
from streams.vocabulary import AlertStatus, Change, Level, PubStatus, Stage

_WORD = re.compile(r"\w+")
MISSED_WITHIN = timedelta(days=14)
"""Background about a change of so late, unknown to the ledger, means that a feed or the reading failed."""


def settle(entry: Entry, report: Report, registry: Registry) -> tuple[Entry, tuple[Alert, ...]]:
    """The entry after `report`, and every alert revision it causes, in order. A repeated report changes nothing."""
    report, past = as_settled(report, registry), past_of(entry)
    place = past.place_of(report.story.id)
    if place is not None:
        return (entry, ()) if _is_old(report, past[place]) else _refold(entry, past, report, registry)
    if report.pub_status is not PubStatus.USABLE:
        return entry, ()
    if takes_back(report):
        return _refold(entry, past, report, registry)
    return _append(entry, past, report, registry)


def _is_old(report: Report, known: Report) -> bool:
    """Whether the entry has it, or a later word of the story. A kill counts whatever its number."""
    if report.pub_status is known.pub_status:
        return known.story.revision >= report.story.revision
    return report.pub_status is PubStatus.USABLE and known.story.revision > report.story.revision


def _append(entry: Entry, past: Past, report: Report, registry: Registry) -> tuple[Entry, tuple[Alert, ...]]:
    """A story's first report: its claims one by one, history first."""
    after = entry = entry if entry.reports is past else msgspec.structs.replace(entry, reports=past)
    claims = in_turn(counting(report, len(past), past.taken))
    told: list[Alert] = []
    moves: list[Move] = []
    for claim in claims:
        advanced, transition = advance(after, claim)
        moves += moved(transition, claim, report) if transition else ()
        fresh = _announce(advanced, transition, claim, report, registry) if transition and not report.backfill else ()
        support = supported(advanced.alerts, past.chorus, claim, report) if claim.news and transition is None else ()
        after = _with_alerts(_with_missed(after, advanced, claim, report), (*fresh, *support))
        told += [*fresh, *support]
    if after is entry and not any(claim.news for claim in report.claims):
        return entry, ()  # history the ledger knew already: not kept, or an entry would grow with every background line
    row = Row(report, claims, past.end, tuple(moves))
    return msgspec.structs.replace(after, reports=past.append(row, standings_of(after))), tuple(told)


def _with_missed(before: Entry, after: Entry, claim: Claim, report: Report) -> Entry:
    """Counts a change that no story told as news and that a later one mentions: we should have heard of it."""
    if claim.news or after.standings == before.standings or claim.date is None or report.story.published is None:
        return after
    if report.story.published.date() - latest_day(claim.date) > MISSED_WITHIN:
        return after
    return msgspec.structs.replace(after, missed=after.missed + 1)


def _refold(entry: Entry, past: Past, new: Report, registry: Registry) -> tuple[Entry, tuple[Alert, ...]]:
    """The entry where `new` has changed what counts; the differences to the alerts that are out become revisions."""
    after, changed = refolded(past, new, open_entry(entry.authority, entry.group, registry))
    past.pass_on(after, changed)
    found, left = grounds(entry.alerts, standing_moves(after))
    told: list[Alert] = []
    for alert, ground in zip(entry.alerts, found, strict=True):
        told += _revised(alert, ground, new)
    out = _with_alerts(entry, told).alerts
    fresh = [
        move for move in left if move.report is new and not any(_is_settled_by(known, move.transition) for known in out)
    ]
    told += [_compose(move.transition, move.claim, new, registry, entry) for move in fresh]
    end = after.end
    entry = msgspec.structs.replace(entry, standings=end.standings, disputed=end.disputed, reports=after)
    return _with_alerts(entry, told), tuple(told)


def _is_denied(known: Alert | Transition, denial: Transition) -> bool:
    """Whether a step or change is the one that the denial takes back."""
    same = (known.change, known.instrument, known.scope) == (denial.change, denial.instrument, denial.scope)
    return same and is_deniable(known)


def _is_settled_by(known: Alert, denial: Transition) -> bool:
    """Whether an alert that is retracted already says all that a denial has to say."""
    return denial.stage is Stage.REJECTED and known.status is AlertStatus.RETRACTED and _is_denied(known, denial)


def _revised(alert: Alert, now: Move | None, cause: Report) -> list[Alert]:
    """The next revision of an alert after a fold: retracted without ground, corrected where its facts differ."""
    if now is None:
        if alert.status is AlertStatus.RETRACTED:
            return []
        return [next_revision(alert, _why_lost(cause), status=AlertStatus.RETRACTED)]
    claim, report = now.claim, now.report
    lost = alert.story.id == cause.story.id and report.story.id != cause.story.id
    if not (report is cause or lost) or _facts(claim) == _facts(alert):
        return []
    return [
        next_revision(
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
            level=max(alert.level, level_of([Voice(claim, report.story)]), key=list(Level).index),
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


def _facts(told: Claim | Alert) -> tuple[str | None, ...]:
    """What a subscriber reads of a claim: the words of its sentence, not its commas, nor where they stand."""
    words = " ".join(_WORD.findall(told.evidence.text.casefold()))
    return (words, told.speaker, told.medium, told.date, told.effective_on)


def _announce(
    entry: Entry, transition: Transition, claim: Claim, report: Report, registry: Registry
) -> tuple[Alert, ...]:
    """The new alert, and the earlier ones of the same matter that it supersedes; of a denial, what it takes back."""
    if denies(transition):
        return tuple(
            next_revision(known, f"denied by {claim.speaker or 'the authority'}", status=AlertStatus.RETRACTED)
            for known in entry.alerts
            if is_live(known) and _is_denied(known, transition)
        )
    alert = _compose(transition, claim, report, registry, entry)
    if any(known.id == alert.id or _is_settled_by(known, transition) for known in entry.alerts):
        return ()
    replaced = [
        next_revision(known, f"followed by {claim.change}, {claim.stage}", status=AlertStatus.SUPERSEDED)
        for known in entry.alerts
        if is_live(known)
        and (
            known.stage is not Stage.EFFECTIVE or alert.stage is Stage.EFFECTIVE
        )  # what is so stays so until it is not
        and known.instrument == alert.instrument
        and known.scope == alert.scope
        and (known.change is Change.RECOGNITION) == (alert.change is Change.RECOGNITION)
    ]
    return (*replaced, alert)


def _compose(transition: Transition, claim: Claim, report: Report, registry: Registry, entry: Entry) -> Alert:
    authority = registry.authorities.get(transition.authority)
    group = registry.groups.get(transition.group)
    return Alert(
        id=alert_id(transition),
        revision=1,
        kind=transition.kind,
        status=AlertStatus.LIVE,
        level=level_of([Voice(claim, report.story)]),
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


def _with_alerts(entry: Entry, alerts: Iterable[Alert]) -> Entry:
    fresh = tuple(alerts)
    if not fresh:
        return entry
    latest = {alert.id: alert for alert in (*entry.alerts, *fresh)}
    return msgspec.structs.replace(entry, alerts=tuple(latest.values()))


def status_of(entry: Entry, offset: int) -> Status:
    """The entry as readers of the status topic see it; `offset` is of the claim message that led here."""
    live = [alert.id for alert in entry.alerts if is_live(alert)]
    return Status(
        authority=entry.authority,
        group=entry.group,
        listed=is_listed(entry),
        standings=entry.standings,
        disputed=entry.disputed,
        missed=entry.missed,
        offset=offset,
        alert=live[-1] if live else None,
    )
