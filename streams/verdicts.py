"""An operator's word in the claims log: an ordinary report, of a story that is marked as nobody's news.

    confirm    the claim of a live alert, told once more and confirmed
    correct    what is so, as a confirmed claim; before it, what it takes the place of
    retract    what is so no longer, and never was

A claim whose rule is `RETRACTED` asserts nothing. It takes back its matter (change, stage, list, scope) as others told
it: before it in the log, within `REPEAT_DAYS` of its own day; after it in the log, of its own day or an earlier one, so
that late copies of the false report raise nothing. What happens on a later day is news again. The rule marks it, not
the feed, because no phrasebook has such a rule: whatever a feed calls itself, its stories cannot take back a claim.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from streams.dates import latest_day
from streams.ledger import REPEAT_DAYS
from streams.records import (
    Alert,
    AuthorityKey,
    Claim,
    ClaimId,
    Evidence,
    GroupKey,
    PartialDate,
    Report,
    StoryId,
    StoryRef,
)
from streams.vocabulary import Change, PubStatus, Stage

OPERATOR = "operator"
"""The feed that an operator's word is filed under."""

STATED = "operator/stated"
RETRACTED = "operator/retracted"
"""The rules of an operator's claims."""


class Word(NamedTuple):
    """Who says so, why, and when: what an audit asks for."""

    by: str
    reason: str
    at: datetime


class Matter(NamedTuple):
    """What a claim is about, apart from who tells it."""

    authority: AuthorityKey
    group: GroupKey
    change: Change
    stage: Stage
    instrument: str | None = None
    scope: GroupKey | None = None
    acted_on: PartialDate | None = None
    effective_on: PartialDate | None = None


def matter_of(told: Alert | Claim) -> Matter:
    """The matter of an alert or a claim."""
    place = (told.instrument, told.scope)
    return Matter(told.authority, told.group, told.change, told.stage, *place, told.acted_on, told.effective_on)


def confirmation(alert: Alert, word: Word) -> Report:
    """The alert's claim again, on the operator's word."""
    return _report(alert, word, [(STATED, matter_of(alert))])


def retraction(alert: Alert, word: Word) -> Report:
    """Takes back what the alert told."""
    return _report(alert, word, [(RETRACTED, matter_of(alert))])


def correction(stated: Matter, word: Word, replaced: Iterable[Matter] = ()) -> Report:
    """States what is so, in place of what is `replaced`."""
    return _report(stated, word, [*((RETRACTED, matter) for matter in replaced), (STATED, stated)])


def is_verdict(report: Report) -> bool:
    """Whether the report is an operator's word."""
    return any(claim.evidence.rule in {STATED, RETRACTED} for claim in report.claims)


def takes_back(report: Report) -> bool:
    """Whether the report takes back what others told, so that the entry has to be folded again."""
    return any(claim.evidence.rule == RETRACTED for claim in report.claims)


def signature(report: Report) -> str:
    """Who gave the verdict and why, in words for a revision's reason."""
    return f"{report.story.source}: {report.story.headline}"


def counted(reports: Sequence[Report]) -> Iterator[tuple[Report, tuple[Claim, ...]]]:
    """The reports with their claims that count, in log order: of usable stories, and not taken back by an operator."""
    taken = taken_back(reports)
    if not taken:
        return ((report, report.claims) for report in reports if report.pub_status is PubStatus.USABLE)
    return ((report, counting(report, place, taken)) for place, report in enumerate(reports))


TakenBack = tuple[tuple[int, Claim], ...]
"""What operators took back, with its place in the log."""


def taken_back(reports: Iterable[Report]) -> TakenBack:
    """What the operators among those who report took back."""
    verdicts = [(place, report) for place, report in enumerate(reports) if report.story.feed == OPERATOR]
    return tuple((at, claim) for at, report in verdicts for claim in report.claims if claim.evidence.rule == RETRACTED)


def counting(report: Report, place: int, taken: TakenBack) -> tuple[Claim, ...]:
    """The claims that count of the report at that place in the log."""
    if report.pub_status is not PubStatus.USABLE:
        return ()
    if not taken:
        return report.claims
    told = (claim for claim in report.claims if claim.evidence.rule != RETRACTED)
    return tuple(claim for claim in told if not _is_taken_back(claim, place, taken))


def _is_taken_back(claim: Claim, place: int, taken: TakenBack) -> bool:
    return any(
        (claim.change, claim.stage, claim.instrument, claim.scope)
        == (back.change, back.stage, back.instrument, back.scope)
        and (_is_near(claim, back) if place < at else place > at and _is_late_copy(claim, back))
        for at, back in taken
    )


def _is_near(claim: Claim, back: Claim) -> bool:
    """Whether the claim was told of about the day that is taken back."""
    if claim.acted_on is None or back.acted_on is None:
        return True
    return abs(latest_day(claim.acted_on) - latest_day(back.acted_on)) <= timedelta(days=REPEAT_DAYS)


def _is_late_copy(claim: Claim, back: Claim) -> bool:
    """Whether a claim told after the retraction is of that day, or shortly before, and no later event.

    What an operator states afterwards holds whatever its day.
    """
    if claim.evidence.rule == STATED or claim.acted_on is None or back.acted_on is None:
        return False
    return _is_near(claim, back) and latest_day(claim.acted_on) <= latest_day(back.acted_on)


def _report(about: Alert | Matter, word: Word, claims: Sequence[tuple[str, Matter]]) -> Report:
    ref = StoryRef(
        id=_story_id(about, word, claims),
        revision=1,
        feed=OPERATOR,
        headline=word.reason,
        published=word.at,
        source=word.by,
    )
    told = tuple(_claim(ref, number, rule, matter) for number, (rule, matter) in enumerate(claims))
    return Report(story=ref, authority=about.authority, group=about.group, claims=told)


def _story_id(about: Alert | Matter, word: Word, claims: Sequence[tuple[str, Matter]]) -> StoryId:
    told = (about.authority, about.group, word.by, word.reason, word.at.isoformat(), claims)
    return StoryId(f"{OPERATOR}-{hashlib.blake2b(repr(told).encode(), digest_size=8).hexdigest()}")


def _claim(ref: StoryRef, number: int, rule: str, matter: Matter) -> Claim:
    """Confirmed, for it has the highest rank; not official, for only the authority's own publication is."""
    return Claim(
        id=ClaimId(f"{ref.id}/{number}"),
        group=matter.group,
        authority=matter.authority,
        change=matter.change,
        stage=matter.stage,
        news=rule == STATED,
        evidence=Evidence(rule=rule, start=0, end=len(ref.headline), text=ref.headline),
        confidence=1.0,
        confirmed=True,
        date=matter.acted_on,
        acted_on=matter.acted_on,
        effective_on=matter.effective_on,
        instrument=matter.instrument,
        scope=matter.scope,
        speaker=ref.source,
        medium=OPERATOR,
        origin=f"{OPERATOR} {ref.source}",
    )
