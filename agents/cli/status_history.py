"""The past of one pair, told: rows of the registry, then each report of the log with the alert revisions it caused."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from msgspec import to_builtins

from agents.cli.naming import Pair
from agents.rendering import plain
from streams.history import Happened, Told, happened
from streams.records import Alert, Claim, Report
from streams.registry import Registry
from streams.registry.entries import Baseline
from streams.verdicts import RETRACTED, STATED
from streams.vocabulary import PubStatus


def history_rows(pair: Pair, log: Sequence[Told], registry: Registry) -> Iterator[dict[str, Any]]:
    """One object a baseline row, claim (or report without one) and alert revision, in order; `kind` tells which."""
    for row in _baseline(pair, registry):
        yield {"kind": "baseline", **to_builtins(row)}
    for told, alerts in happened(log, registry):
        report = told.report
        head = {"at": told.at.isoformat(), "offset": told.offset, "pub_status": report.pub_status}
        story = to_builtins(report.story)
        for claim in report.claims or (None,):
            kind = "report" if claim is None else "verdict" if _is_operators(claim) else "claim"
            yield {"kind": kind, **head, "story": story, "backfill": report.backfill, "claim": to_builtins(claim)}
        for alert in alerts:
            yield {"kind": "alert", "at": told.at.isoformat(), "offset": told.offset, "alert": to_builtins(alert)}


def history_lines(pair: Pair, log: Sequence[Told], registry: Registry) -> Iterator[str]:
    """The same, for a person to read."""
    for row in _baseline(pair, registry):
        yield _baseline_line(row)
    for step in happened(log, registry):
        yield from _step_lines(step)


def _baseline(pair: Pair, registry: Registry) -> list[Baseline]:
    authority, group = pair
    known = registry.groups.get(group)
    return [row for row in known.baseline if row.authority == authority] if known is not None else []


def _baseline_line(row: Baseline) -> str:
    days = [("listed", row.listed or "day unknown"), ("suspended", row.suspended), ("delisted", row.delisted)]
    said = ", ".join(f"{what} {day}" for what, day in days if day)
    where = (row.instrument or "main list") + (f" ({row.scope})" if row.scope else "")
    return f"registry: {where}: {said}\n    {row.source}"


def _step_lines(step: Happened) -> Iterator[str]:
    report = step.told.report
    when = f"{step.told.at:%Y-%m-%d %H:%M:%S}Z"
    if not report.claims:
        fate = "no longer says so" if report.pub_status is PubStatus.USABLE else f"is {report.pub_status}"
        yield f"{when}  story {fate}"
    for claim in report.claims:
        yield f"{when}  {_claim_line(claim)}"
        yield f"    “{plain(claim.evidence.text)}” (rule {claim.evidence.rule})"
    yield f"    {_source_line(report)}"
    for alert in step.alerts:
        yield f"    → {_alert_line(alert)}"


def _claim_line(claim: Claim) -> str:
    what = f"{claim.change} {claim.stage}{_place(claim)}{f', {claim.acted_on}' if claim.acted_on else ''}"
    if claim.effective_on:
        what += f", in force {claim.effective_on}"
    if claim.evidence.rule == RETRACTED:
        return f"operator {plain(claim.speaker or '?')} takes back: {what}"
    if claim.evidence.rule == STATED:
        return f"operator {plain(claim.speaker or '?')} states: {what}"
    said = f", said by {plain(claim.speaker)}" if claim.speaker else ""
    through = f" through {plain(claim.medium)}" if claim.medium and claim.medium != claim.speaker else ""
    weight = "confirmed" if claim.confirmed else "unconfirmed"
    return f"{'claim' if claim.news else 'background'}: {what}, {weight}{said}{through}"


def _source_line(report: Report) -> str:
    story = report.story
    published = f"published {story.published:%Y-%m-%d %H:%M}Z" if story.published else "publication time unknown"
    source = f"{plain(story.source)} ({story.feed})" if story.source else story.feed
    link = f" · {plain(story.link)}" if story.link else ""
    return f"{source} · {published} · story {story.id} revision {story.revision} · {plain(story.headline)}{link}"


def _alert_line(alert: Alert) -> str:
    what = f"{alert.change} {alert.stage}{_place(alert)}"
    return f"alert {alert.id} revision {alert.revision}: {what}, {alert.status}, {alert.level} ({plain(alert.reason)})"


def _place(told: Alert | Claim) -> str:
    return "".join(f", {part}" for part in (told.instrument, told.scope) if part)


def _is_operators(claim: Claim) -> bool:
    return claim.evidence.rule in {STATED, RETRACTED}
