"""An operator's word in the log: confirmed, corrected, retracted; and the past of an entry as the log tells it."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from streams.alerts import settle
from streams.codec import decode, encode
from streams.correcting import correct
from streams.history import Told, entry_now, entry_on, happened
from streams.ledger import is_listed, open_entry
from streams.records import (
    Alert,
    AuthorityKey,
    Claim,
    ClaimId,
    Entry,
    Evidence,
    GroupKey,
    PartialDate,
    Report,
    StoryId,
    StoryRef,
)
from streams.registry import Registry, build_registry
from streams.registry.entries import Authority, AuthorityKind, Baseline, Group, Instrument
from streams.verdicts import Matter, Word, confirmation, counted, matter_of, retraction
from streams.vocabulary import Change, PubStatus, Stage

NOON = datetime(2024, 10, 6, 12, tzinfo=UTC)
WORD = Word("M. Ito", "the agency has taken it back by telephone", NOON)
A, X = AuthorityKey("a"), GroupKey("x")


def registry(*rows: Baseline) -> Registry:
    source = ("https://example.org",)
    lists = (Instrument(key="main", name="Main list", main=True), Instrument(key="side", name="Side list"))
    authority = Authority(key=A, name="Aland", kind=AuthorityKind.STATE, sources=source, instruments=lists)
    return build_registry([authority], [Group(key=X, name="Xs", countries=("gb",), sources=source, baseline=rows)])


LISTED = registry(
    Baseline(authority=A, source="https://example.org", instrument="main", listed=PartialDate("2003-02-14"))
)


def told(story: str, change: str, stage: str, day: str | None, **more: Any) -> Report:
    """A story's report with one claim; `more` is for the claim, `revision` and `pub_status` for the story."""
    revision, status = more.pop("revision", 1), more.pop("pub_status", PubStatus.USABLE)
    fields: dict[str, Any] = {
        "id": ClaimId(f"{story}/{revision}"),
        "group": X,
        "authority": A,
        "change": Change(change),
        "stage": Stage(stage),
        "news": True,
        "evidence": Evidence(rule="test", start=0, end=5, text=f"words of {story}"),
        "confidence": 0.9,
        "confirmed": False,
        "date": day,
        "acted_on": day,
        "origin": story,
        "fingerprint": story,
    }
    published = datetime.fromisoformat(f"{day}T09:00:00+00:00") if day else NOON
    ref = StoryRef(id=StoryId(story), revision=revision, feed="wire", headline=story, published=published)
    return Report(story=ref, authority=A, group=X, claims=(Claim(**(fields | more)),), pub_status=status)


def fold(*reports: Report, known: Registry = LISTED) -> tuple[Entry, list[Alert]]:
    entry, alerts = open_entry(A, X, known), []
    for report in reports:
        entry, made = settle(entry, decode(encode(report), Report), known)
        alerts += made
    return entry, alerts


def log(*reports: Report) -> list[Told]:
    return [Told(report, offset, NOON + timedelta(hours=offset)) for offset, report in enumerate(reports)]


DECIDED = told("tass", "delisting", "decided", "2024-10-04")


def test_a_retraction_takes_the_alert_back_and_the_ledger_with_it() -> None:
    _, (alert,) = fold(DECIDED)
    entry, (_, last) = fold(DECIDED, retraction(alert, WORD))
    assert (last.id, last.revision, last.status) == (alert.id, 2, "retracted")
    assert last.reason == "retracted by M. Ito: the agency has taken it back by telephone"
    assert [(standing.state, standing.as_of) for standing in entry.standings] == [("listed", "2003-02-14")]


def test_a_retraction_reaches_all_who_told_it_and_late_copies_too() -> None:
    again = told("reuters", "delisting", "decided", "2024-10-05", confirmed=True)
    copy = told("ap", "delisting", "decided", "2024-10-04", confirmed=True)
    _, (alert, _) = fold(DECIDED, again)
    entry, alerts = fold(DECIDED, again, retraction(alert, WORD), copy)
    assert [(a.revision, a.status) for a in alerts] == [(1, "live"), (2, "live"), (3, "retracted")]
    assert [standing.state for standing in entry.standings] == ["listed"]


def test_what_happens_on_a_later_day_is_news_again() -> None:
    _, (alert,) = fold(DECIDED)
    entry, alerts = fold(DECIDED, retraction(alert, WORD), told("ap", "delisting", "decided", "2024-10-05"))
    assert [(a.revision, a.status) for a in alerts] == [(1, "live"), (2, "retracted"), (1, "live")]
    assert alerts[-1].id != alert.id
    assert alerts[-1].level == "unconfirmed"
    assert [standing.state for standing in entry.standings] == ["delisting-decided"]


def test_another_stage_and_another_list_are_left_alone() -> None:
    proposed = told("afp", "delisting", "proposed", "2024-10-01")
    side = told("afp-2", "delisting", "decided", "2024-10-04", instrument="side")
    _, alerts = fold(proposed, DECIDED, side)
    decided = next(a for a in alerts if a.stage == "decided" and a.instrument is None)
    entry, _ = fold(proposed, DECIDED, side, retraction(decided, WORD))
    assert {(s.instrument, s.state) for s in entry.standings} == {
        (None, "delisting-proposed"),
        ("side", "delisting-decided"),
    }


def test_a_retracted_renewal_leaves_those_of_other_years() -> None:
    renewals = [told(f"oj-{year}", "renewal", "effective", f"{year}-01-15") for year in (2022, 2023, 2024)]
    _, alerts = fold(*renewals)
    second = next(a for a in alerts if a.acted_on == "2023-01-15")
    _, after = fold(*renewals, retraction(second, WORD))
    assert [(a.acted_on, a.status) for a in after[len(alerts) :]] == [("2023-01-15", "retracted")]


def test_a_later_revision_of_its_story_does_not_bring_a_retracted_alert_back() -> None:
    _, (alert,) = fold(DECIDED)
    update = told("tass", "delisting", "decided", "2024-10-04", revision=2, confirmed=True)
    entry, alerts = fold(DECIDED, retraction(alert, WORD), update)
    assert [a.status for a in alerts] == ["live", "retracted"]
    assert is_listed(entry)


def test_no_story_can_take_back_what_others_told_whatever_its_feed_is_called() -> None:
    forged = told("forged", "delisting", "decided", "2024-10-04")
    ref = StoryRef(id=StoryId("forged"), revision=1, feed="operator", headline="retract", published=NOON)
    _, alerts = fold(DECIDED, Report(story=ref, authority=A, group=X, claims=forged.claims))
    assert [a.status for a in alerts] == ["live", "live"]


def test_a_confirmation_raises_the_level_in_the_operators_name() -> None:
    _, (alert,) = fold(DECIDED)
    entry, (_, last) = fold(DECIDED, confirmation(alert, WORD))
    assert (last.id, last.revision, last.level, last.status) == (alert.id, 2, "confirmed", "live")
    assert (last.speaker, last.medium, last.reason) == ("M. Ito", "operator", "confirmed: also operator M. Ito")
    assert last.evidence.text == last.story.headline == WORD.reason
    assert [standing.state for standing in entry.standings] == ["delisting-decided"]


def test_a_confirmed_alert_outlives_the_kill_of_its_story() -> None:
    _, (alert,) = fold(DECIDED)
    killed = told("tass", "delisting", "decided", "2024-10-04", revision=2, pub_status=PubStatus.CANCELED)
    entry, alerts = fold(DECIDED, confirmation(alert, WORD), killed)
    assert alerts[-1].status != "retracted"
    assert [standing.state for standing in entry.standings] == ["delisting-decided"]


def stated(change: str, stage: str, day: str, **more: Any) -> Matter:
    return Matter(A, X, Change(change), Stage(stage), acted_on=PartialDate(day), **more)


def corrected(
    matter: Matter, *reports: Report, about: str | None = None, known: Registry = LISTED
) -> tuple[Entry, list[tuple[Any, ...]]]:
    """The entry after a correction, and the alert revisions it causes, in short."""
    entry, _ = fold(*reports, known=known)
    alert = next((a for a in entry.alerts if a.id == about), None)
    found = correct(entry, matter, WORD, known, alert)
    assert found is not None
    after, alerts = settle(entry, decode(encode(found[0]), Report), known)
    assert alerts == found[1]
    return after, [(a.change, a.stage, a.revision, a.status, a.acted_on) for a in alerts]


def test_a_correction_of_the_stage_takes_the_alert_back_and_makes_another() -> None:
    done = told("tass", "delisting", "effective", "2024-10-04")
    after, alerts = corrected(stated("delisting", "decided", "2024-10-04"), done)
    assert alerts == [
        ("delisting", "effective", 2, "retracted", "2024-10-04"),
        ("delisting", "decided", 1, "live", "2024-10-04"),
    ]
    assert [standing.state for standing in after.standings] == ["delisting-decided"]
    assert after.alerts[-1].level == "confirmed"


def test_a_correction_of_the_day_is_a_revision_of_the_same_alert() -> None:
    _, (alert,) = fold(DECIDED)
    after, alerts = corrected(stated("delisting", "decided", "2024-10-02"), DECIDED, about=alert.id)
    assert alerts == [("delisting", "decided", 2, "corrected", "2024-10-02")]
    assert (after.alerts[0].id, after.alerts[0].level) == (alert.id, "confirmed")
    assert after.alerts[0].reason.startswith("corrected by M. Ito: ")
    assert [standing.as_of for standing in after.standings] == ["2024-10-02"]


def test_what_follows_from_the_ledger_takes_nothing_back() -> None:
    _, alerts = corrected(stated("delisting", "effective", "2024-10-05"), DECIDED)
    assert alerts == [
        ("delisting", "decided", 2, "superseded", "2024-10-04"),
        ("delisting", "effective", 1, "live", "2024-10-05"),
    ]


def test_a_correction_can_bring_back_what_was_retracted() -> None:
    _, (alert,) = fold(DECIDED)
    after, alerts = corrected(stated("delisting", "decided", "2024-10-04"), DECIDED, retraction(alert, WORD))
    assert alerts == [("delisting", "decided", 3, "corrected", "2024-10-04")]
    assert [standing.state for standing in after.standings] == ["delisting-decided"]


def test_a_correction_puts_history_right_that_a_story_had_wrong() -> None:
    wrong = told("blog", "delisting", "effective", "2020-05-01", news=False)
    after, alerts = corrected(stated("renewal", "effective", "2018-01-01"), wrong)
    assert [(change, status) for change, _, _, status, _ in alerts] == [("renewal", "live")]
    assert [standing.state for standing in after.standings] == ["listed"]


def test_a_correction_by_id_leaves_other_live_alerts_alone() -> None:
    other = told("afp", "suspension", "decided", "2024-10-05")
    _, (alert,) = fold(DECIDED)
    before = (DECIDED, retraction(alert, WORD), other)
    _, alerts = corrected(stated("delisting", "decided", "2024-10-06"), *before, about=alert.id)
    assert alerts == [("delisting", "decided", 3, "corrected", "2024-10-06")]


def test_a_correction_takes_back_no_more_than_it_has_to() -> None:
    done = told("tass", "delisting", "effective", "2024-10-04")
    listed = told("ap", "listing", "effective", None, news=False)
    bare = registry()
    entry, _ = fold(listed, done, known=bare)
    found = correct(entry, stated("delisting", "decided", "2024-10-04"), WORD, bare)
    assert found is not None
    assert [(claim.change, claim.stage, claim.news) for claim in found[0].claims] == [
        ("delisting", "decided", False),
        ("delisting", "effective", False),
        ("delisting", "decided", True),
    ]


def test_what_the_registry_says_is_put_right_in_the_registry() -> None:
    entry, _ = fold()
    assert correct(entry, stated("listing", "effective", "2003-02-14"), WORD, LISTED) is None


def test_a_later_retraction_takes_an_operators_own_word_back() -> None:
    entry, _ = fold()
    found = correct(entry, stated("delisting", "effective", "2024-10-05"), WORD, LISTED)
    assert found is not None
    report, (alert,) = found
    after, (_, last) = fold(report, retraction(alert, WORD))
    assert last.status == "retracted"
    assert is_listed(after)


def test_the_log_folded_again_gives_the_same_bytes() -> None:
    _, (alert,) = fold(DECIDED)
    reports = [DECIDED, confirmation(alert, WORD), retraction(alert, WORD), DECIDED]
    first, again = fold(*reports), fold(*reports, reports[2])
    assert [encode(a) for a in first[1]] == [encode(a) for a in again[1]]
    assert encode(first[0]) == encode(again[0])


def test_an_operators_record_is_a_function_of_who_says_what_and_when() -> None:
    _, (alert,) = fold(DECIDED)
    assert retraction(alert, WORD) == retraction(alert, WORD)
    others = [WORD._replace(by="B"), WORD._replace(reason="so"), WORD._replace(at=NOON + timedelta(seconds=1))]
    ids = {retraction(alert, word).story.id for word in [WORD, *others]} | {confirmation(alert, WORD).story.id}
    assert len(ids) == 5
    assert matter_of(retraction(alert, WORD).claims[0]) == matter_of(alert)


def test_a_kill_counts_for_nothing() -> None:
    killed = told("tass", "delisting", "decided", "2024-10-04", pub_status=PubStatus.CANCELED)
    _, (alert,) = fold(DECIDED)
    assert [claims for _, claims in counted([killed, DECIDED]) if claims] == [DECIDED.claims]
    later = retraction(alert, WORD)
    assert [claims for _, claims in counted([killed, later]) if claims] == []


# the past


def test_history_has_every_report_with_the_revisions_it_caused() -> None:
    _, (alert,) = fold(DECIDED)
    past = list(happened(log(DECIDED, confirmation(alert, WORD), retraction(alert, WORD)), LISTED))
    assert [[(a.revision, a.level, a.status) for a in step.alerts] for step in past] == [
        [(1, "unconfirmed", "live")],
        [(2, "confirmed", "live")],
        [(3, "confirmed", "retracted")],
    ]
    assert [step.told.offset for step in past] == [0, 1, 2]


@pytest.mark.parametrize(
    ("day", "states"),
    [
        (date(2003, 2, 13), []),
        (date(2003, 2, 14), ["listed"]),
        (date(2024, 10, 3), ["listed"]),
        (date(2024, 10, 4), ["delisting-decided"]),
        (date(2025, 4, 17), ["suspended"]),
    ],
)
def test_the_entry_of_a_day_rests_on_what_was_acted_on_by_then(day: date, states: list[str]) -> None:
    late_told = log(told("ap", "suspension", "effective", "2025-04-17"), DECIDED)
    in_order = log(DECIDED, told("ap", "suspension", "effective", "2025-04-17"))
    for reports in (in_order, late_told):
        assert [standing.state for standing in entry_on(day, A, X, reports, LISTED).standings] == states


def test_what_was_taken_back_was_never_so() -> None:
    _, (alert,) = fold(DECIDED)
    killed = told("tass", "delisting", "decided", "2024-10-04", revision=2, pub_status=PubStatus.CANCELED)
    for ending in (retraction(alert, WORD), killed):
        (standing,) = entry_on(date(2024, 10, 5), A, X, log(DECIDED, ending), LISTED).standings
        assert standing.state == "listed"


def test_history_without_a_day_counts_from_when_its_story_was_out() -> None:
    undated = told("ap", "listing", "effective", None, news=False)
    bare = registry()
    assert entry_on(date(2024, 10, 5), A, X, log(undated), bare).standings == ()
    assert [s.state for s in entry_on(date(2024, 10, 6), A, X, log(undated), bare).standings] == ["listed"]


def test_the_entry_of_now_is_that_of_the_bookkeeper() -> None:
    assert entry_now(A, X, log(DECIDED), LISTED) == fold(DECIDED)[0]
