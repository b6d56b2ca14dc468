"""Folding an entry's reports again where one changed: from there on, until the ledger stands as it stood before.

    report   0    1    2    3    4    5
    before  s0   s1   s1   s2   s3   s3
    again             .    x    x    .        2 is withdrawn: 3 and 4 meet other standings, 5 the same as before

What a claim does depends on nothing but the standings it meets, so what follows needs no second look.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict, deque
from collections.abc import Sequence

from streams.ledger import advance, denies
from streams.past import Matter, Move, Past, Row, in_turn, matter
from streams.records import Alert, AlertId, Claim, Entry, Report, Transition
from streams.verdicts import counting, taken_back, takes_back
from streams.vocabulary import Stage


def refolded(past: Past, report: Report, start: Entry) -> tuple[Past, Sequence[int]]:
    """The past in which `report` stands in its story's place, or last; and the places of what now counts otherwise."""
    rows, at = past.rows, past.place_of(report.story.id)
    before = rows[at].report if at is not None else None
    if at is None:
        at = len(rows)
        rows.append(Row(report, (), past.end))
    rows[at] = rows[at]._replace(report=report)
    recounts = takes_back(report) or (before is not None and takes_back(before))
    taken = taken_back(row.report for row in rows) if recounts else past.taken
    changed = []
    for place in range(len(rows)) if recounts else (at,):
        claims = in_turn(counting(rows[place].report, place, taken))
        if place == at or claims != rows[place].claims:
            rows[place] = rows[place]._replace(claims=claims)
            changed.append(place)
    end = _run(rows, changed if past.start == start else range(len(rows)), start, past.end)
    return Past(rows, start, end, taken), changed


def _run(rows: list[Row], changed: Sequence[int], start: Entry, end: Entry) -> Entry:
    """Folds the rows from each changed one on until the standings are those of before; returns the standings at the
    end, which are `end` if the last stretch ends so."""
    ahead = deque(changed)
    while ahead:
        at = ahead[0]
        standings = rows[at].before if at else start
        while at < len(rows):
            if ahead and ahead[0] == at:
                ahead.popleft()
            elif standings == rows[at].before:
                break
            rows[at], standings = fold(rows[at].report, rows[at].claims, standings)
            at += 1
        else:
            return standings
    return end


def fold(report: Report, claims: tuple[Claim, ...], before: Entry) -> tuple[Row, Entry]:
    """The report's row, and the standings after it."""
    after, moves = before, []
    for claim in claims:
        after, transition = advance(after, claim)
        if transition is not None:
            moves += moved(transition, claim, report)
    return Row(report, claims, before, tuple(moves)), after


def moved(transition: Transition, claim: Claim, report: Report) -> list[Move]:
    """The move, if it can found an alert or take one back: what is told late by a new feed founds none."""
    is_back = denies(transition)
    return [Move(transition, claim, report, alert_id(transition), is_back)] if is_back or not report.backfill else []


def alert_id(transition: Transition) -> AlertId:
    """A function of what happened: who, whom, which list, which part, what, how far, and the day."""
    names = ("authority", "group", "scope", "instrument", "change", "stage", "acted_on")
    parts = (str(getattr(transition, name)) for name in names)
    return AlertId(hashlib.blake2b("\n".join(parts).encode(), digest_size=10).hexdigest())


def standing_moves(past: Past) -> list[Move]:
    """The moves that no later one denied, in log order."""
    denied, kept = set(), []
    for move in (move for row in reversed(past.rows) for move in reversed(row.moves)):
        what = (move.transition.change, move.transition.instrument, move.transition.scope)
        if move.denies:
            denied.add(what)
        elif what not in denied or not is_deniable(move.transition):
            kept.append(move)
    return kept[::-1]


def is_deniable(known: Alert | Transition) -> bool:
    """Whether it went so far that there is something to take back."""
    return known.stage in {Stage.DECIDED, Stage.EFFECTIVE}


def grounds(alerts: Sequence[Alert], moves: Sequence[Move]) -> tuple[list[Move | None], list[Move]]:
    """What each alert rests on now, and the moves that are left: its own founding, or the same move as another story
    tells it.

    Never what another alert was founded on: the half-yearly renewals of a list are all the same move.
    """
    known = {alert.id for alert in alerts}
    own: dict[AlertId, deque[Move]] = defaultdict(deque)
    like: dict[Matter, deque[Move]] = defaultdict(deque)
    for move in moves:
        if move.id in known:
            own[move.id].append(move)
        else:
            like[matter(move.transition)].append(move)
    found: list[Move | None] = []
    for alert in alerts:
        choice = own[alert.id] or like[matter(alert)]
        found.append(choice.popleft() if choice else None)
    taken = {id(move) for move in found}
    return found, [move for move in moves if id(move) not in taken]
