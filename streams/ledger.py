"""Where every (authority, group) stands, as a state machine: the table first, then the few lines that walk it.

An entry has one standing per (instrument, scope); the group is listed while one of them is. `UNKNOWN` counts as
unlisted for a listing and as listed for everything else. Rules of time:
- claims are ordered by the day they were acted on; one that is older than the standing only fills history;
- background fills what is unknown, or a later day than the ledger knows, and never announces; where it names no
  day, the state is only hearsay, and the first report of the change itself is still announced;
- stages may be skipped; a reversal is no edge of its own but the opposite change from the state reached.

Source: the procedures of UNSC committees, 8 USC 1189, Terrorism Act 2000 and their kin, as the registry's authority
files cite them.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import NamedTuple

import msgspec

from streams.dates import latest_day
from streams.errors import LedgerError
from streams.records import AuthorityKey, Claim, Entry, GroupKey, PartialDate, Standing, Transition
from streams.registry import Registry
from streams.registry.entries import Baseline
from streams.vocabulary import AlertKind, Change, Stage, State

S, C, T, K = State, Change, Stage, AlertKind

SETTLED = frozenset(
    {S.UNKNOWN, S.UNLISTED, S.LISTED, S.SUSPENDED, S.DELISTED, S.UNRECOGNISED, S.RECOGNISED, S.WITHDRAWN}
)
LISTED_STATES = frozenset(
    {
        S.LISTED,
        S.SUSPENDED,
        S.DELISTING_PROPOSED,
        S.DELISTING_DECIDED,
        S.SUSPENSION_PROPOSED,
        S.SUSPENSION_DECIDED,
    }
)


class Edge(NamedTuple):
    """Where one claim leads. `to` None: back to the settled state under the pending one."""

    to: State | None
    kind: AlertKind | None
    disputed: bool = False


class Row(NamedTuple):
    """One row of the table: from any of `states`, `change` at `stage` leads along `edge`."""

    states: tuple[State, ...]
    change: Change
    stage: Stage
    edge: Edge


_OFF = (S.UNKNOWN, S.UNLISTED, S.DELISTED)
_ON = (S.LISTED, S.SUSPENDED, S.UNKNOWN)
_DELISTING = (S.DELISTING_PROPOSED, S.DELISTING_DECIDED)
_SUSPENSION = (S.SUSPENSION_PROPOSED, S.SUSPENSION_DECIDED)
_SUSPENDABLE = (S.LISTED, S.UNKNOWN, *_DELISTING)
_LISTING = (S.LISTING_PROPOSED, S.LISTING_DECIDED)
_RECOGNITION = (S.RECOGNITION_PROPOSED, S.RECOGNITION_DECIDED)
_UNRECOGNISED = (S.UNRECOGNISED, S.WITHDRAWN)

# fmt: off
TABLE: tuple[Row, ...] = (
    #   from                                     change         stage        to                       alert
    Row(_OFF,                                    C.LISTING,     T.PROPOSED,  Edge(S.LISTING_PROPOSED,    K.STEP)),
    Row((*_OFF, S.LISTING_PROPOSED),             C.LISTING,     T.DECIDED,   Edge(S.LISTING_DECIDED,     K.STEP)),
    Row((*_OFF, *_LISTING),                      C.LISTING,     T.EFFECTIVE, Edge(S.LISTED,              K.CHANGE)),
    Row(_LISTING,                                C.LISTING,     T.REJECTED,  Edge(None,                  K.REJECTED)),
    Row((S.UNLISTED, S.DELISTED),                C.LISTING,     T.REJECTED,  Edge(None,                  K.REJECTED)),
    Row((S.UNKNOWN,),                            C.LISTING,     T.REJECTED,  Edge(S.UNLISTED,            K.REJECTED)),
    Row((*_DELISTING, *_SUSPENSION),             C.LISTING,     T.EFFECTIVE, Edge(S.LISTED,              K.REJECTED)),
    Row((S.SUSPENDED,),                          C.LISTING,     T.PROPOSED,  Edge(S.SUSPENDED,           K.STEP)),
    Row((S.SUSPENDED,),                          C.LISTING,     T.DECIDED,   Edge(S.SUSPENDED,           K.STEP)),
    Row((S.SUSPENDED,),                          C.LISTING,     T.EFFECTIVE, Edge(S.LISTED,              K.CHANGE)),
    Row((*_ON, *_SUSPENSION),                    C.DELISTING,   T.PROPOSED,  Edge(S.DELISTING_PROPOSED,  K.STEP)),
    Row((*_ON, *_SUSPENSION, S.DELISTING_PROPOSED), C.DELISTING, T.DECIDED,  Edge(S.DELISTING_DECIDED,   K.STEP)),
    Row((*_ON, *_SUSPENSION, *_DELISTING),       C.DELISTING,   T.EFFECTIVE, Edge(S.DELISTED,            K.CHANGE)),
    Row(_LISTING,                                C.DELISTING,   T.EFFECTIVE, Edge(S.DELISTED,            K.CHANGE)),
    Row(_LISTING,                                C.DELISTING,   T.PROPOSED,  Edge(None,                  None, True)),
    Row(_LISTING,                                C.DELISTING,   T.DECIDED,   Edge(None,                  None, True)),
    Row(_DELISTING,                              C.DELISTING,   T.REJECTED,  Edge(None,                  K.REJECTED)),
    Row((S.LISTED, S.SUSPENDED),                 C.DELISTING,   T.REJECTED,  Edge(None,                  K.REJECTED)),
    Row((S.UNKNOWN,),                            C.DELISTING,   T.REJECTED,  Edge(S.LISTED,              K.REJECTED)),
    Row(_SUSPENDABLE,                            C.SUSPENSION,  T.PROPOSED,  Edge(S.SUSPENSION_PROPOSED, K.STEP)),
    Row((*_SUSPENDABLE, S.SUSPENSION_PROPOSED), C.SUSPENSION,  T.DECIDED,   Edge(S.SUSPENSION_DECIDED,  K.STEP)),
    Row((*_SUSPENDABLE, *_SUSPENSION),           C.SUSPENSION,  T.EFFECTIVE, Edge(S.SUSPENDED,           K.CHANGE)),
    Row(_SUSPENSION,                             C.SUSPENSION,  T.REJECTED,  Edge(None,                  K.REJECTED)),
    Row((S.LISTED,),                             C.SUSPENSION,  T.REJECTED,  Edge(None,                  K.REJECTED)),
    Row((S.UNKNOWN,),                            C.SUSPENSION,  T.REJECTED,  Edge(S.LISTED,              K.REJECTED)),
    Row((S.LISTED, S.UNKNOWN),                   C.RENEWAL,     T.EFFECTIVE, Edge(S.LISTED,              K.RENEWAL)),
    Row((S.SUSPENDED, *_DELISTING, *_SUSPENSION), C.RENEWAL,    T.EFFECTIVE, Edge(None,                  K.RENEWAL)),
    Row((S.LISTED, S.SUSPENDED, S.UNKNOWN),      C.RENEWAL,     T.PROPOSED,  Edge(None,                  K.STEP)),
    Row((S.LISTED, S.SUSPENDED, S.UNKNOWN),      C.RENEWAL,     T.DECIDED,   Edge(None,                  K.STEP)),
    Row((S.LISTED, S.SUSPENDED),                 C.RENEWAL,     T.REJECTED,  Edge(S.DELISTED,            K.LAPSE)),
    Row(_UNRECOGNISED,                           C.RECOGNITION, T.PROPOSED,  Edge(S.RECOGNITION_PROPOSED, K.STEP)),
    Row((*_UNRECOGNISED, S.RECOGNITION_PROPOSED), C.RECOGNITION, T.DECIDED,  Edge(S.RECOGNITION_DECIDED, K.STEP)),
    Row((*_UNRECOGNISED, *_RECOGNITION),         C.RECOGNITION, T.EFFECTIVE, Edge(S.RECOGNISED,          K.CHANGE)),
    Row((*_UNRECOGNISED, *_RECOGNITION),         C.RECOGNITION, T.REJECTED,  Edge(None,                  K.REJECTED)),
    Row((S.RECOGNISED,),                         C.RECOGNITION, T.REJECTED,  Edge(S.WITHDRAWN,           K.CHANGE)),
)
# fmt: on

TRANSITIONS: dict[tuple[State, Change, Stage], Edge] = {
    (state, row.change, row.stage): row.edge for row in TABLE for state in row.states
}


def advance(entry: Entry, claim: Claim) -> tuple[Entry, Transition | None]:
    """The entry after `claim`, and the move worth announcing, if any.

    Raises LedgerError if claim and entry name different keys. Pure: the claim's own dates are the only time there is.
    """
    if claim.key != entry.key:
        raise LedgerError(entry.key, claim.key)
    standing = _standing(entry, claim)
    edge = TRANSITIONS.get((standing.state, claim.change, claim.stage))
    if edge is None and standing.heard and claim.news:
        standing = msgspec.structs.replace(standing, state=_start(claim), base=_start(claim))
        edge = TRANSITIONS.get((standing.state, claim.change, claim.stage))
    if edge is None or _is_old(claim, standing) or _is_repeated(claim, standing, edge):
        return entry, None
    if not claim.news and not _fills(claim, standing):
        return entry, None
    moved = _moved(standing, edge, claim)
    after = _replaced(entry, standing, moved, disputed=entry.disputed or edge.disputed)
    if edge.kind is None or not claim.news:
        return after, None
    return after, _transition(entry, after, standing, moved, edge.kind, claim)


def _standing(entry: Entry, claim: Claim) -> Standing:
    wanted = (claim.instrument, claim.scope, claim.change is C.RECOGNITION)
    for standing in entry.standings:
        if _place(standing) == wanted:
            return standing
    start = _start(claim)
    return Standing(state=start, base=start, instrument=claim.instrument, scope=claim.scope)


def _start(claim: Claim) -> State:
    return S.UNRECOGNISED if claim.change is C.RECOGNITION else S.UNKNOWN


_RECOGNITION_STATES = frozenset(
    {S.UNRECOGNISED, S.RECOGNITION_PROPOSED, S.RECOGNITION_DECIDED, S.RECOGNISED, S.WITHDRAWN}
)


def _place(standing: Standing) -> tuple[str | None, GroupKey | None, bool]:
    """What an entry has one standing of: instrument, scope, and whether it is about recognition."""
    return (standing.instrument, standing.scope, standing.state in _RECOGNITION_STATES)


def _is_old(claim: Claim, standing: Standing) -> bool:
    """Whether the claim tells of a day before the one the standing rests on; equal as far as both are known is not."""
    if claim.acted_on is None or standing.as_of is None:
        return False
    length = min(len(claim.acted_on), len(standing.as_of))
    return claim.acted_on[:length] < standing.as_of[:length]


def _fills(claim: Claim, standing: Standing) -> bool:
    """Whether background tells the ledger something: the state was unknown, or the day is later than its own."""
    if standing.state in {S.UNKNOWN, S.UNRECOGNISED}:
        return claim.stage is not T.REJECTED
    if claim.date is None or standing.as_of is None:
        return False
    length = min(len(claim.date), len(standing.as_of))
    return claim.date[:length] > standing.as_of[:length]


REPEAT_DAYS = 30
"""For how long the same step or refusal, told again, is the same one."""


def _is_repeated(claim: Claim, standing: Standing, edge: Edge) -> bool:
    """Whether an announcement that moves no state was made before: a renewal of that day, a step, a refusal."""
    if edge.kind is K.RENEWAL:
        return standing.last_renewed is not None and claim.acted_on == standing.last_renewed
    if standing.told != (claim.change, claim.stage):
        return False
    if claim.acted_on is None or standing.as_of is None:
        return True
    return latest_day(claim.acted_on) - latest_day(standing.as_of) <= timedelta(days=REPEAT_DAYS)


def _moved(standing: Standing, edge: Edge, claim: Claim) -> Standing:
    rejected = claim.stage is T.REJECTED
    to = edge.to or (standing.base if standing.state not in SETTLED and rejected else standing.state)
    renewed = claim.acted_on if edge.kind is K.RENEWAL else standing.last_renewed
    return Standing(
        state=to,
        base=to if to in SETTLED else standing.base,
        instrument=standing.instrument,
        scope=standing.scope,
        since=(claim.effective_on or claim.acted_on) if to != standing.state else standing.since,
        as_of=claim.acted_on or standing.as_of,
        last_renewed=renewed,
        told=(claim.change, claim.stage) if to in SETTLED and claim.news else None,
        heard=not claim.news and claim.date is None,
    )


def _replaced(entry: Entry, old: Standing, new: Standing, disputed: bool) -> Entry:
    others = tuple(s for s in entry.standings if _place(s) != _place(old))
    return Entry(
        authority=entry.authority,
        group=entry.group,
        standings=(*others, new),
        disputed=disputed,
        reports=entry.reports,
        alerts=entry.alerts,
    )


def _transition(before: Entry, after: Entry, old: Standing, new: Standing, kind: AlertKind, claim: Claim) -> Transition:
    if kind is K.CHANGE and new.state is S.DELISTED and is_listed(after):
        kind = K.PARTIAL
    if kind is K.CHANGE and new.state is S.LISTED and old.state not in LISTED_STATES and is_listed(before):
        kind = K.EXTENDED
    return Transition(
        authority=claim.authority,
        group=claim.group,
        kind=kind,
        change=claim.change,
        stage=claim.stage,
        from_state=old.state,
        to_state=new.state,
        claim=claim.id,
        instrument=claim.instrument,
        scope=claim.scope,
        acted_on=claim.acted_on,
    )


def is_listed(entry: Entry) -> bool:
    """Whether the group stands on at least one list of the authority."""
    return any(standing.state in LISTED_STATES for standing in entry.standings)


def open_entry(authority: AuthorityKey, group: GroupKey, registry: Registry, as_of: date | None = None) -> Entry:
    """The entry as the registry's baseline has it: all of it, or what was so before the day `as_of`."""
    known = registry.groups.get(group)
    rows = [row for row in known.baseline if row.authority == authority] if known is not None else []
    main = {i.key for a in (registry.authorities.get(authority),) if a is not None for i in a.instruments if i.main}
    return Entry(authority=authority, group=group, standings=tuple(_standings(rows, main, as_of)))


def _standings(rows: list[Baseline], main: set[str], as_of: date | None) -> Iterator[Standing]:
    newest: dict[tuple[str | None, GroupKey | None], Standing] = {}
    for row in rows:
        instrument = None if row.instrument in main else row.instrument
        for day, state in ((row.listed, S.LISTED), (row.suspended, S.SUSPENDED), (row.delisted, S.DELISTED)):
            if not _is_so(day, as_of) or (day is None and state is not S.LISTED):
                continue
            known = newest.get((instrument, row.scope))
            if known is None or (day or "") >= (known.as_of or ""):
                newest[instrument, row.scope] = Standing(
                    state=state, base=state, instrument=instrument, scope=row.scope, since=day, as_of=day
                )
    yield from newest.values()


def _is_so(day: PartialDate | None, as_of: date | None) -> bool:
    """Whether something of that day was so before `as_of`; an undated row counts as old."""
    return as_of is None or day is None or latest_day(day) < as_of
