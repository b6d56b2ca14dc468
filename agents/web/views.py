"""The board as JSON: what the page draws, ready to be put into text nodes.

A link leaves here only if it is http or https; marks that turn the direction of text, and control characters, are
taken out; the evidence comes as three pieces, so that no browser counts characters (it would count them in UTF-16).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec

from agents.rendering import inert
from agents.web.board import Board, Told, told_at
from streams.alerts import status_of
from streams.coverage import Coverage, FeedHealth
from streams.feeds import FeedSpec
from streams.ledger import open_entry
from streams.records import Alert, AlertId, AuthorityKey, Claim, GroupKey, LedgerKey, Report, Status, ledger_key
from streams.registry import Registry
from streams.vocabulary import PubStatus

View = dict[str, Any]

CONTEXT_CHARS = 1_500
"""As much of a story on either side of its evidence as anybody reads on such a page."""

_PLAIN = (
    "kind status level authority group change stage confidence confirmed sources instrument scope date acted_on "
    "effective_on bundle"
).split()
_MOMENTARY = ("revision", "status", "level", "change", "stage", "confidence", "sources", "effective_on")


def alert_view(board: Board, alert_id: AlertId) -> View:
    """An alert at its newest revision, with what the earlier ones said. It must be on the board."""
    revisions = board.revisions(alert_id)
    alert = revisions[-1].alert
    return {
        "id": alert.id,
        "revision": alert.revision,
        "at": told_at(revisions),
        "from": alert.from_state,
        "to": alert.to_state,
        "authority_name": inert(alert.authority_name),
        "group_name": inert(alert.group_name),
        "speaker": _inert(alert.speaker),
        "medium": _inert(alert.medium),
        "rule": alert.evidence.rule,
        "story": _story(alert),
        "text": _text(board, alert),
        "revisions": [_revision(told) for told in revisions],
        **{name: getattr(alert, name) for name in _PLAIN},
    }


def cells(board: Board, registry: Registry) -> list[View]:
    """A row for each authority|group that has moved, and the baseline of their other pairings."""
    moved = board.statuses
    authorities = {status.authority for status in moved.values()}
    groups = {status.group for status in moved.values()}
    still = [
        status
        for group in groups
        for authority in authorities
        if ledger_key(authority, group) not in moved and (status := baseline_of(authority, group, registry)) is not None
    ]
    return [cell_view(status, registry) for status in (*moved.values(), *still)]


def baseline_of(authority: AuthorityKey, group: GroupKey, registry: Registry) -> Status | None:
    """Where the registry has the pair, if it knows anything of it."""
    entry = open_entry(authority, group, registry)
    return status_of(entry, -1) if entry.standings else None


def cell_view(status: Status, registry: Registry) -> View:
    """One row of the ledger, by name; `baseline` if nothing was heard of it since the registry was written."""
    authority, group = registry.authorities.get(status.authority), registry.groups.get(status.group)
    return {
        "authority": status.authority,
        "authority_name": authority.name if authority is not None else inert(status.authority),
        "group": status.group,
        "group_name": group.name if group is not None else inert(status.group),
        "listed": status.listed,
        "disputed": status.disputed,
        "baseline": status.offset < 0,
        "standings": [msgspec.to_builtins(standing, builtin_types=(datetime,)) for standing in status.standings],
    }


def history(board: Board, key: LedgerKey) -> list[View]:
    """What was reported about a pair, the newest first."""
    return [_report(report, claim) for report in reversed(board.reports(key)) for claim in report.claims or (None,)]


def feed_view(feed: FeedHealth, listed: FeedSpec | None) -> View:
    """One feed, as its poller left it, with what the feed list has of it, if it is there."""
    return {
        **msgspec.structs.asdict(feed),
        "feed": inert(feed.feed),
        "moved_to": _inert(feed.moved_to),
        "name": _inert(listed.name) if listed is not None else None,
        "enabled": listed is None or listed.enabled,
    }


def coverage_view(covered: Coverage, registry: Registry) -> View:
    """How one authority is watched."""
    return {
        "authority": covered.authority,
        "name": registry.authorities[covered.authority].name,
        "degree": covered.degree,
        "fresh": [inert(key) for key in covered.fresh],
        "failing": [{"feed": inert(key), "why": inert(why)} for key, why in covered.failing],
    }


def safe_link(link: str | None) -> str | None:
    """The link if it is an http or https one with a host, else None: `javascript:` and its kin lead nowhere."""
    try:
        split = urlsplit(link or "")
    except ValueError:
        return None
    return link if split.scheme in {"http", "https"} and split.hostname else None


def _revision(told: Told) -> View:
    alert = told.alert
    facts = {name: getattr(alert, name) for name in _MOMENTARY}
    return {
        **facts,
        "at": told.at,
        "reason": inert(alert.reason),
        "changed": [inert(name) for name in alert.changed],
        "evidence": inert(alert.evidence.text),
    }


def _story(alert: Alert) -> View:
    story = alert.story
    return {
        "id": story.id,
        "feed": inert(story.feed),
        "headline": inert(story.headline),
        "published": story.published,
        "source": _inert(story.source),
        "language": story.language,
        "link": safe_link(story.link),
    }


def _text(board: Board, alert: Alert) -> View:
    story, evidence = board.story_of(alert), alert.evidence
    if story is None:
        return {"before": "", "marked": inert(evidence.text), "after": "", "whole": False}
    before, after = story.text[: evidence.start], story.text[evidence.end :]
    cut_before, cut_after = len(before) > CONTEXT_CHARS, len(after) > CONTEXT_CHARS
    return {
        "before": ("… " if cut_before else "") + inert(before[-CONTEXT_CHARS:]),
        "marked": inert(evidence.text),
        "after": inert(after[:CONTEXT_CHARS]) + (" …" if cut_after else ""),
        "whole": True,
    }


def _report(report: Report, claim: Claim | None) -> View:
    told = {
        "headline": inert(report.story.headline),
        "feed": inert(report.story.feed),
        "published": report.story.published,
        "link": safe_link(report.story.link),
        "withdrawn": claim is None or report.pub_status is not PubStatus.USABLE,
    }
    if claim is None:
        return told
    facts = ("change", "stage", "news", "date", "acted_on", "effective_on", "instrument", "scope", "confidence")
    return {
        **told,
        **{name: getattr(claim, name) for name in facts},
        "speaker": _inert(claim.speaker),
        "evidence": inert(claim.evidence.text),
    }


def _inert(text: str | None) -> str | None:
    return None if text is None else inert(text)
