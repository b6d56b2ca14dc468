"""The ledger's table, walked: twelve histories, and the rules of time."""

from datetime import date
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from streams.errors import LedgerError
from streams.ledger import advance, is_listed, open_entry
from streams.records import (
    AuthorityKey,
    Claim,
    ClaimId,
    Entry,
    Evidence,
    GroupKey,
    PartialDate,
    Standing,
    Transition,
)
from streams.registry import build_registry, load_registry
from streams.registry.entries import Authority, AuthorityKind, Baseline, Group, Instrument
from streams.transitions import LISTED_STATES, SETTLED, TABLE, TRANSITIONS
from streams.vocabulary import Change, Stage, State

_ids = count()


def claim(change: str, stage: str, day: str | None = None, *, news: bool = True, **more: Any) -> Claim:
    return Claim(
        id=ClaimId(str(next(_ids))),
        group=GroupKey("x"),
        authority=AuthorityKey("a"),
        change=Change(change),
        stage=Stage(stage),
        news=news,
        evidence=Evidence(rule="test", start=0, end=1, text="x"),
        confidence=1.0,
        confirmed=True,
        date=PartialDate(day) if day else None,
        acted_on=PartialDate(day) if day else None,
        **more,
    )


def entry(*standings: Standing) -> Entry:
    return Entry(authority=AuthorityKey("a"), group=GroupKey("x"), standings=standings)


def at(state: str, as_of: str | None = None, **more: Any) -> Standing:
    return Standing(state=State(state), base=State(state), as_of=PartialDate(as_of) if as_of else None, **more)


def walk(start: Entry, *claims: Claim) -> tuple[Entry, list[Transition]]:
    told = []
    for one in claims:
        start, transition = advance(start, one)
        told += [transition] if transition is not None else []
    return start, told


HISTORIES = [
    pytest.param(
        entry(),
        [
            claim("listing", "effective", "2003", news=False),
            claim("delisting", "decided", "2024-10-04"),
            claim("suspension", "effective", "2025-04-17"),
        ],
        "suspended",
        ["step", "change"],
        id="listed long ago, delisting decided, then only suspended",
    ),
    pytest.param(
        entry(at("unlisted")),
        [claim("listing", "proposed", "2024-01-01"), claim("listing", "effective", "2024-02-01")],
        "listed",
        ["step", "change"],
        id="proposed, then listed",
    ),
    pytest.param(
        entry(at("listed")),
        [claim("delisting", "proposed", "2024-01-01"), claim("delisting", "rejected", "2024-02-01")],
        "listed",
        ["step", "rejected"],
        id="a refused delisting falls back to listed",
    ),
    pytest.param(
        entry(at("listed")),
        [claim("renewal", "effective", "2024-01-01"), claim("renewal", "effective", "2024-01-01")],
        "listed",
        ["renewal"],
        id="the same renewal told twice",
    ),
    pytest.param(
        entry(at("delisted", "2025-07-08")),
        [claim("delisting", "decided", "2025-07-07")],
        "delisted",
        [],
        id="a late story tells of an earlier stage",
    ),
    pytest.param(
        entry(at("suspended", "2025-01-01")),
        [claim("listing", "effective", "2025-06-01")],
        "listed",
        ["change"],
        id="a suspended listing is reinstated",
    ),
    pytest.param(
        entry(at("delisted", "2021-02-16")),
        [claim("listing", "decided", "2024-01-17"), claim("listing", "effective", "2024-02-16")],
        "listed",
        ["step", "change"],
        id="listed again after years",
    ),
    pytest.param(
        entry(),
        [claim("listing", "effective", None, news=False), claim("renewal", "effective", "2024-01-01")],
        "listed",
        ["renewal"],
        id="known only as banned, then renewed",
    ),
    pytest.param(
        entry(at("listed", "2025-07-05")),
        [claim("delisting", "decided", "2026-02-13"), claim("delisting", "rejected", "2026-06-01")],
        "listed",
        ["step", "rejected"],
        id="a court annuls with the effect stayed, and is overruled",
    ),
]


@pytest.mark.parametrize(("start", "claims", "end", "kinds"), HISTORIES)
def test_a_history_ends_where_it_should(start: Entry, claims: list[Claim], end: str, kinds: list[str]) -> None:
    after, told = walk(start, *claims)
    assert [standing.state for standing in after.standings] == [end]
    assert [transition.kind for transition in told] == kinds


def test_off_one_list_and_still_on_another_is_partial() -> None:
    start = entry(at("listed", "1997"), at("listed", "2001", instrument="sdgt"))
    after, (transition,) = walk(start, claim("delisting", "effective", "2024-01-01"))
    assert transition.kind == "partial"
    assert is_listed(after)


def test_a_second_list_extends_a_listing() -> None:
    _, (transition,) = walk(entry(at("listed", "2019")), claim("listing", "effective", "2025-08-11", instrument="fto"))
    assert transition.kind == "extended"


def test_recognition_is_a_track_of_its_own() -> None:
    after, (transition,) = walk(entry(at("suspended", "2025-04-17")), claim("recognition", "effective", "2025-07-03"))
    assert {standing.state for standing in after.standings} == {"suspended", "recognised"}
    assert (transition.from_state, transition.to_state) == ("unrecognised", "recognised")


@pytest.mark.parametrize(("day", "kinds"), [("2024-02-20", ["rejected"]), ("2024-06-01", ["rejected", "rejected"])])
def test_a_refusal_told_again_is_the_same_one_for_a_month(day: str, kinds: list[str]) -> None:
    refused = [claim("delisting", "rejected", "2024-02-01"), claim("delisting", "rejected", day)]
    _, told = walk(entry(at("listed", "2021")), *refused)
    assert [transition.kind for transition in told] == kinds


def test_hearsay_does_not_swallow_the_first_report() -> None:
    after, (transition,) = walk(
        entry(), claim("delisting", "effective", None, news=False), claim("delisting", "effective", "2024-09-06")
    )
    assert (transition.kind, transition.from_state) == ("change", "unknown")
    assert [(s.state, s.heard) for s in after.standings] == [("delisted", False)]


def test_history_is_never_announced() -> None:
    after, told = walk(entry(at("listed", "2003")), claim("delisting", "effective", "2020-05-01", news=False))
    assert told == []
    assert after.standings[0].state == "delisted"


def test_history_without_a_date_does_not_undo_what_is_known() -> None:
    after, _ = walk(entry(at("delisted", "2020")), claim("listing", "effective", None, news=False))
    assert after.standings[0].state == "delisted"


def test_a_claim_about_another_key_is_refused() -> None:
    with pytest.raises(LedgerError, match=r"a\|x handed to the entry of b\|x"):
        advance(Entry(authority=AuthorityKey("b"), group=GroupKey("x")), claim("listing", "effective"))


def test_no_row_of_the_table_is_shadowed_by_another() -> None:
    assert len(TRANSITIONS) == sum(len(row.states) for row in TABLE)


@given(
    st.lists(
        st.tuples(st.sampled_from(list(Change)), st.sampled_from(list(Stage)), st.integers(2000, 2030)),
        max_size=12,
    )
)
def test_any_history_keeps_the_entry_sound(history: list[tuple[Change, Stage, int]]) -> None:
    after, told = walk(entry(), *(claim(change, stage, str(year)) for change, stage, year in history))
    for standing in after.standings:
        assert standing.base in SETTLED
        assert (standing.state in SETTLED) == (standing.state == standing.base)
    assert all(transition.claim for transition in told)
    repeated, again = walk(
        after,
        *(claim(c, s, str(y)) for c, s, y in history[-1:] if s is not Stage.REJECTED and c is not Change.RENEWAL),
    )
    assert not again or repeated.standings != after.standings


def _registry(*rows: Baseline) -> Any:
    authority = Authority(
        key=AuthorityKey("a"),
        name="Aland",
        kind=AuthorityKind.STATE,
        sources=("https://example.org",),
        instruments=(
            Instrument(key="main", name="Main list", main=True),
            Instrument(key="side", name="Side list"),
        ),
    )
    group = Group(key=GroupKey("x"), name="Xs", countries=("gb",), sources=("https://example.org",), baseline=rows)
    return build_registry([authority], [group])


def test_the_ledger_starts_from_the_baseline_of_its_day() -> None:
    row = Baseline(
        authority=AuthorityKey("a"),
        source="https://example.org",
        instrument="main",
        listed=PartialDate("2003-02"),
        delisted=PartialDate("2024"),
    )
    registry = _registry(row)
    assert [s.state for s in open_entry(AuthorityKey("a"), GroupKey("x"), registry).standings] == ["delisted"]
    assert [s.state for s in open_entry(AuthorityKey("a"), GroupKey("x"), registry, date(2010, 1, 1)).standings] == [
        "listed"
    ]
    assert open_entry(AuthorityKey("a"), GroupKey("x"), registry, date(2003, 2, 10)).standings == ()


def test_the_main_list_needs_no_name() -> None:
    row = Baseline(
        authority=AuthorityKey("a"),
        source="https://example.org",
        instrument="main",
        listed=PartialDate("2003"),
    )
    (standing,) = open_entry(AuthorityKey("a"), GroupKey("x"), _registry(row)).standings
    assert standing.instrument is None
    assert standing.state in LISTED_STATES


def test_the_shipped_baseline_has_russia_and_the_taliban_suspended_since_2025() -> None:
    (standing,) = [
        s
        for s in open_entry(AuthorityKey("ru"), GroupKey("taliban"), load_registry()).standings
        if s.state != "recognised"
    ]
    assert standing.state == "suspended"
    assert (standing.since or "").startswith("2025-04")


def test_the_authoritys_own_denial_undoes_the_move() -> None:
    start = entry(at("unlisted"))
    after, told = walk(start, claim("listing", "effective", "2025-11-17"), claim("listing", "rejected", "2025-12-04"))
    assert after.standings[0].state is State.UNLISTED
    assert [(move.kind, move.stage) for move in told] == [("change", "effective"), ("rejected", "rejected")]
    assert not after.disputed


def test_a_denial_by_somebody_else_leaves_the_state_and_a_dispute() -> None:
    denied = replace(claim("delisting", "rejected", "2024-02-01"), confirmed=False)
    after, told = walk(entry(at("listed")), claim("delisting", "effective", "2024-01-01"), denied)
    assert (after.standings[0].state, after.disputed, len(told)) == (State.DELISTED, True, 1)


def test_a_denial_of_what_the_baseline_knows_is_no_move() -> None:
    after, told = walk(entry(at("listed", "2010-01-01")), claim("listing", "rejected", "2024-02-01"))
    assert (after.standings[0].state, told) == (State.LISTED, [])


@pytest.mark.parametrize(("official", "end", "disputed"), [(False, State.LISTED, True), (True, State.DELISTED, False)])
def test_of_two_opposite_changes_of_one_day_the_higher_word_counts(official: bool, end: State, disputed: bool) -> None:
    opposite = replace(claim("delisting", "effective", "2024-01-01"), official=official)
    after, _ = walk(entry(at("unlisted")), claim("listing", "effective", "2024-01-01"), opposite)
    assert (after.standings[0].state, after.disputed) == (end, disputed)


def test_a_day_of_effect_ahead_is_a_decision() -> None:
    ahead = replace(claim("listing", "effective", "2024-01-17"), effective_on=PartialDate("2024-02-16"))
    after, told = walk(entry(at("unlisted")), ahead, claim("listing", "effective", "2024-02-16"))
    assert [move.to_state for move in told] == [State.LISTING_DECIDED, State.LISTED]
    assert after.standings[0].state is State.LISTED
