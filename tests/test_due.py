"""What lies ahead: days of effect out of claims, and the ends of terms out of laws."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from streams.alerts import settle
from streams.due import Ahead, Due, ahead
from streams.ledger import open_entry
from streams.records import AuthorityKey, Claim, ClaimId, Evidence, GroupKey, PartialDate, Report, StoryId, StoryRef
from streams.registry import Registry, build_registry, load_registry
from streams.registry.entries import Authority, AuthorityKind, Baseline, Group, Instrument, Term, TermEnd
from streams.verdicts import Word, retraction
from streams.vocabulary import Change, Stage

A, X = AuthorityKey("a"), GroupKey("x")
TODAY = date(2024, 10, 6)


def registry(listed: str | None, ends: TermEnd = TermEnd.EXPIRY, months: int = 36, **row: Any) -> Registry:
    source = ("https://example.org",)
    term = Term(months=months, ends=ends, law="Act 7")
    lists = (Instrument(key="main", name="Main", main=True, term=term), Instrument(key="side", name="Side"))
    authority = Authority(key=A, name="Aland", kind=AuthorityKind.STATE, sources=source, instruments=lists)
    day = PartialDate(listed) if listed else None
    fields = {"authority": A, "source": "https://example.org/row", "instrument": "main", "listed": day} | row
    return build_registry(
        [authority], [Group(key=X, name="Xs", countries=("gb",), sources=source, baseline=(Baseline(**fields),))]
    )


def told(name: str, change: str, stage: str, day: str, effective_on: str | None = None, **more: Any) -> Report:
    claim = Claim(
        id=ClaimId(name),
        group=X,
        authority=A,
        change=Change(change),
        stage=Stage(stage),
        news=True,
        evidence=Evidence(rule="test", start=0, end=1, text="x"),
        confidence=1.0,
        confirmed=more.pop("confirmed", True),
        date=PartialDate(day),
        acted_on=PartialDate(day),
        effective_on=PartialDate(effective_on) if effective_on else None,
        **more,
    )
    ref = StoryRef(id=StoryId(name), revision=1, feed="wire", headline=f"Headline of {name}", source=name)
    return Report(story=ref, authority=A, group=X, claims=(claim,))


def due(known: Registry, *reports: Report, days: int = 90, today: date = TODAY) -> Ahead:
    entry = open_entry(A, X, known)
    for report in reports:
        entry, _ = settle(entry, report, known)
    return ahead([entry], known, today, days)


def only(known: Registry, *reports: Report, days: int = 90) -> Due:
    (one,) = due(known, *reports, days=days).due
    return one


def test_a_listing_expires_its_term_after_its_day() -> None:
    one = only(registry("2021-11-30"))
    assert (one.day, one.kind, one.estimated, one.counted_from) == ("2024-11-30", "expiry", False, "2021-11-30")
    assert one.what == "listing lapses unless it is renewed: 36 months, Act 7"
    assert one.source == "https://example.org/row"


def test_a_review_is_no_expiry() -> None:
    assert only(registry("2024-05-01", TermEnd.REVIEW, 6)).kind == "review"


@pytest.mark.parametrize(
    ("listed", "day"),
    [
        ("2018-11-30", "2024-11-30"),
        ("2021-11", "2024-11-30"),
        ("2021", "2024-12-31"),
    ],
)
def test_what_is_counted_over_unrecorded_renewals_or_from_a_coarse_date_is_estimated(listed: str, day: str) -> None:
    one = only(registry(listed))
    assert (one.day, one.estimated) == (day, True)


def test_a_month_too_short_for_the_day_ends_it() -> None:
    assert only(registry("2024-08-31", months=3)).day == "2024-11-30"


def test_today_is_ahead_and_yesterday_begins_the_next_term() -> None:
    assert [one.day for one in due(registry("2021-10-06"), days=0).due] == ["2024-10-06"]
    assert due(registry("2021-10-05"), days=365).due == ()


def test_only_the_days_asked_for_are_told() -> None:
    assert [one.day for one in due(registry("2022-01-04"), days=90).due] == ["2025-01-04"]
    assert due(registry("2022-01-05"), days=90).due == ()


@pytest.mark.parametrize(
    "row", [{"delisted": PartialDate("2023-01-01")}, {"instrument": "side"}], ids=["off the list", "no term"]
)
def test_what_is_off_the_list_or_has_no_term_is_not_due(row: dict[str, Any]) -> None:
    assert due(registry("2021-11-30", **row), days=9999) == ((), 0)


def test_a_listing_without_a_day_is_numbered_not_guessed() -> None:
    assert due(registry(None), days=9999) == ((), 1)


def test_a_renewal_begins_the_term_anew_and_is_its_source() -> None:
    renewed = told("gazette", "renewal", "effective", "2022-01-01")
    one = only(registry("2018-11-30"), renewed)
    assert (one.day, one.counted_from, one.estimated) == ("2025-01-01", "2022-01-01", False)
    assert one.source == "gazette: Headline of gazette"


NO_TERM = registry("2003", instrument="side")
DECIDED = told("order", "delisting", "decided", "2024-10-04", "2024-10-20", instrument="side")


def test_a_day_of_effect_that_a_claim_names_is_ahead() -> None:
    one = only(NO_TERM, DECIDED)
    assert (one.day, one.kind, one.what) == ("2024-10-20", "effect", "delisting takes effect (decided)")
    assert (one.instrument, one.source, one.confirmed) == ("side", "order: Headline of order", True)


def test_it_is_told_once_by_the_best_of_its_sources() -> None:
    rumour = told(
        "rumour", "delisting", "decided", "2024-10-03", "2024-10-20", confirmed=False, origin="r", instrument="side"
    )
    assert only(NO_TERM, rumour, DECIDED).source == "order: Headline of order"


def test_the_past_the_refused_and_the_retracted_are_not_ahead() -> None:
    refused = told("court", "delisting", "rejected", "2024-10-05", instrument="side")
    _, (alert,) = settle(open_entry(A, X, NO_TERM), DECIDED, NO_TERM)
    withdrawn = retraction(alert, Word("M. Ito", "an error", datetime(2024, 10, 5, tzinfo=UTC)))
    assert due(NO_TERM, DECIDED, today=date(2024, 10, 21)).due == ()
    assert due(NO_TERM, DECIDED, refused).due == ()
    assert due(NO_TERM, DECIDED, withdrawn).due == ()
    assert len(due(NO_TERM, DECIDED, today=date(2024, 10, 20)).due) == 1


def test_what_comes_first_is_told_first() -> None:
    both = due(
        registry("2021-10-10"), told("order", "listing", "decided", "2024-10-04", "2024-10-08", instrument="side")
    )
    assert [one.kind for one in both.due] == ["effect", "expiry"]


@pytest.mark.parametrize(
    ("authority", "instrument", "months", "ends"),
    [("eu", "cp-931", 6, "review"), ("nz", "designated-entities", 36, "expiry"), ("us", "fto", 60, "review")],
)
def test_the_registry_knows_the_terms_of_laws(authority: str, instrument: str, months: int, ends: str) -> None:
    lists = load_registry().authorities[AuthorityKey(authority)].instruments
    (term,) = [one.term for one in lists if one.key == instrument]
    assert term is not None
    assert (term.months, term.ends) == (months, ends)
