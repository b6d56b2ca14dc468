"""Where every (authority, group) stands: the few lines that walk the table of `streams.transitions`.

An entry has one standing per (instrument, scope); the group is listed while one of them is. Rules of time:
- claims are ordered by the day they were acted on; one that is older than the standing only fills history;
- background fills what is unknown, or a later day than the ledger knows, and never announces; where it names no
  day, the state is only hearsay, and the first report of the change itself is still announced;
- a change whose day of effect is still to come is decided, no more.

Rules of contradiction:
- the authority's own denial, soon after, undoes the move; anybody else's leaves it, and marks the entry disputed;
- of two opposite changes of one day the word that ranks higher counts; among equals the first stays, disputed.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import msgspec

from streams.dates import latest_day
from streams.errors import LedgerError
from streams.records import AuthorityKey, Claim, Entry, GroupKey, PartialDate, Standing, Transition
from streams.registry import Registry
from streams.registry.entries import Baseline
from streams.transitions import LISTED_STATES, SETTLED, TRANSITIONS, Edge
from streams.vocabulary import AlertKind, Change, Stage, State

S, C, T, K = State, Change, Stage, AlertKind


def advance(entry: Entry, claim: Claim) -> tuple[Entry, Transition | None]:
    """The entry after `claim`, and the move worth announcing, if any.

    Raises LedgerError if claim and entry name different keys. Pure: the claim's own dates are the only time there is.
    """
    if claim.authority != entry.authority or claim.group != entry.group:
        raise LedgerError(entry.key, claim.key)
    claim = capped(claim)
    standing = _standing(entry, claim)
    edge = TRANSITIONS.get((standing.state, claim.change, claim.stage))
    if edge is None and standing.heard and claim.news:
        standing = msgspec.structs.replace(standing, state=_start(claim), base=_start(claim))
        edge = TRANSITIONS.get((standing.state, claim.change, claim.stage))
    if edge is None or _is_old(claim, standing) or _is_repeated(claim, standing, edge):
        return entry, None
    if not claim.news and not _fills(claim, standing):
        return entry, None
    if edge.undoes and not _is_denial(claim, standing):
        return _disputed(entry) if claim.news and not claim.confirmed else entry, None
    if _is_contradiction(claim, standing) and rank_of(claim) <= standing.rank:
        return _disputed(entry), None
    moved = _moved(standing, edge, claim)
    settles = rank_of(claim) == 2 or edge.undoes  # the authority's publication ends a dispute, and so does its denial
    after = _replaced(entry, standing, moved, disputed=(entry.disputed and not settles) or edge.disputed)
    if not claim.news or (edge.kind is None and not edge.undoes):
        return after, None
    return after, _transition(entry, after, standing, moved, edge.kind or K.REJECTED, claim)


def capped(claim: Claim) -> Claim:
    """A change whose day of effect is still to come is decided and no more; no timer makes it effective."""
    is_ahead = claim.effective_on is not None and claim.acted_on is not None and claim.effective_on > claim.acted_on
    if claim.stage is not T.EFFECTIVE or not is_ahead:
        return claim
    return msgspec.structs.replace(claim, stage=T.DECIDED)


def rank_of(claim: Claim) -> int:
    """Whose word counts more where two contradict each other: the publication, the authority, anybody else."""
    return 2 if claim.official else 1 if claim.confirmed else 0


DENIED_WITHIN = timedelta(days=90)
"""A denial this long after the move is news of another kind."""


def _is_denial(claim: Claim, standing: Standing) -> bool:
    """Whether the authority itself, soon after, says that what the standing rests on did not happen."""
    if not (claim.news and claim.confirmed and standing.before is not None):
        return False
    if claim.acted_on is None or standing.as_of is None:
        return True
    return latest_day(claim.acted_on) - latest_day(standing.as_of) <= DENIED_WITHIN


def _is_contradiction(claim: Claim, standing: Standing) -> bool:
    """Whether the claim tells the opposite of what the ledger knows of the very same day."""
    if claim.acted_on is None or len(claim.acted_on) < len("2024-10-04") or claim.acted_on != standing.as_of:
        return False
    return claim.stage is T.EFFECTIVE and (standing.state, claim.change) in _OPPOSITES


_OPPOSITES = frozenset({(S.LISTED, C.DELISTING), (S.DELISTED, C.LISTING)})


def _disputed(entry: Entry) -> Entry:
    return entry if entry.disputed else msgspec.structs.replace(entry, disputed=True)


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
    if edge.undoes and standing.before is not None:
        to = standing.before
    renewed = claim.acted_on if edge.kind is K.RENEWAL else standing.last_renewed
    return Standing(
        state=to,
        base=to if to in SETTLED else standing.base,
        instrument=standing.instrument,
        scope=standing.scope,
        since=(claim.effective_on or claim.acted_on) if to != standing.state else standing.since,
        as_of=claim.acted_on or standing.as_of,
        last_renewed=renewed,
        before=_before(standing, to, edge),
        rank=rank_of(claim) if to != standing.state else standing.rank,
        told=(claim.change, claim.stage) if to in SETTLED and claim.news else None,
        heard=not claim.news and claim.date is None,
    )


def _before(standing: Standing, to: State, edge: Edge) -> State | None:
    """The settled state under the move, kept while the move stands."""
    if edge.undoes:
        return None
    if to == standing.state:
        return standing.before
    return standing.state if standing.state in SETTLED else standing.base


def _replaced(entry: Entry, old: Standing, new: Standing, disputed: bool) -> Entry:
    others = tuple(s for s in entry.standings if _place(s) != _place(old))
    return Entry(
        authority=entry.authority,
        group=entry.group,
        standings=(*others, new),
        disputed=disputed,
        missed=entry.missed,
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


def denies(transition: Transition) -> bool:
    """Whether the move is back from a change that the authority says never happened."""
    edge = TRANSITIONS.get((transition.from_state, transition.change, transition.stage))
    return edge is not None and edge.undoes


def is_listed(entry: Entry) -> bool:
    """Whether the group stands on at least one list of the authority."""
    return any(standing.state in LISTED_STATES for standing in entry.standings)


def open_entry(authority: AuthorityKey, group: GroupKey, registry: Registry, as_of: date | None = None) -> Entry:
    """The entry as the registry's baseline has it: all of it, or what was so before the day `as_of`."""
    known = registry.groups.get(group)
    rows = [row for row in known.baseline if row.authority == authority] if known is not None else []
    main = main_lists(authority, registry)
    return Entry(authority=authority, group=group, standings=tuple(_standings(rows, main, as_of)))


def main_lists(authority: AuthorityKey, registry: Registry) -> frozenset[str]:
    """The keys of the instruments that are meant where none is named; in the ledger they have no name."""
    known = registry.authorities.get(authority)
    return frozenset(i.key for i in known.instruments if i.main) if known is not None else frozenset()


def _standings(rows: list[Baseline], main: frozenset[str], as_of: date | None) -> Iterator[Standing]:
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
