"""An entry with a long past: what is kept up report by report is what the plain rules make of all reports at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams import alerts as telling
from streams import revisions
from streams.alerts import settle
from streams.chorus import Chorus
from streams.codec import decode, encode
from streams.corroboration import MOST, Voice, are_alike, independent, level_of, origin_of, sketch
from streams.folding import alert_id
from streams.ledger import advance, denies, open_entry
from streams.past import Move, Past, in_turn, matter
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
from streams.revisions import as_settled, is_live, next_revision
from streams.sources import Sources
from streams.verdicts import (
    RETRACTED,
    Word,
    confirmation,
    correction,
    counted,
    matter_of,
    retraction,
    takes_back,
)
from streams.vocabulary import Change, Level, PubStatus, Stage

A, X = AuthorityKey("a"), GroupKey("x")
DAY = datetime(2024, 10, 4, 9, tzinfo=UTC)
DAYS = ("2024", "2024-10", "2024-10-01", "2024-10-04", "2024-10-04", "2024-10-20", "2024-12-30", None)
WORDS = "the council in the capital struck the front off its list after a court had found the ban unlawful".split()


def registry(*rows: Baseline) -> Registry:
    source = ("https://example.org",)
    lists = (Instrument(key="main", name="Main list", main=True), Instrument(key="side", name="Side list"))
    authority = Authority(key=A, name="Aland", kind=AuthorityKind.STATE, sources=source, instruments=lists)
    return build_registry([authority], [Group(key=X, name="Xs", countries=("gb",), sources=source, baseline=rows)])


BLANK = registry()
LISTED = registry(Baseline(authority=A, source="https://example.org", listed=PartialDate("2003-02-14")))


# The plain rules: every report of the entry at every turn, and nothing kept but the reports and the alerts.


def plainly(entry: Entry, report: Report, known: Registry) -> tuple[Entry, tuple[Alert, ...]]:
    """What `settle` has to say."""
    report, reports = as_settled(report, known), tuple(entry.reports)
    before = next((r for r in reports if r.story.id == report.story.id), None)
    if before is not None:
        if telling._is_old(report, before):
            return entry, ()
        return _all_again(entry, tuple(report if r is before else r for r in reports), report, known)
    if report.pub_status is not PubStatus.USABLE:
        return entry, ()
    if takes_back(report):
        return _all_again(entry, (*reports, report), report, known)
    return _one_more(entry, reports, report, known)


def _one_more(
    entry: Entry, reports: tuple[Report, ...], report: Report, known: Registry
) -> tuple[Entry, tuple[Alert, ...]]:
    after, told = entry, []
    claims = [claims for one, claims in counted((*reports, report)) if one is report]
    for claim in in_turn(*claims):
        moved, step = advance(after, claim)
        fresh = telling._announce(moved, step, claim, report, known) if step and not report.backfill else ()
        support = _supported(entry.alerts if moved is entry else moved.alerts, reports, claim, report)
        said = (*fresh, *(support if claim.news and step is None else ()))
        after = telling._with_alerts(telling._with_missed(after, moved, claim, report), said)
        told += said
    if after is entry and not any(claim.news for claim in report.claims):
        return entry, ()
    return msgspec.structs.replace(after, reports=(*reports, report)), tuple(told)


def _supported(alerts: Sequence[Alert], reports: Sequence[Report], claim: Claim, report: Report) -> tuple[Alert, ...]:
    alert = next((alert for alert in alerts if is_live(alert) and matter(alert) == matter(claim)), None)
    if alert is None:
        return ()
    said = ((one, each) for one, claims in counted(reports) for each in claims)
    voices = [Voice(each, one.story) for one, each in said if each.news and matter(each) == matter(alert)]
    voices.append(Voice(claim, report.story))
    level, ranks = level_of(voices), list(Level)
    is_better, day = ranks.index(level) > ranks.index(alert.level), revisions._told_day(alert, claim)
    if not is_better and day == alert.effective_on:
        return ()
    source = claim.origin or report.story.feed
    why = f"{level}: also {source}" if is_better else f"in force {day}: {source}"
    better = revisions._voice(claim, report) if claim.confirmed and not alert.confirmed else {}
    founded = {
        "level": level,
        "sources": independent(voices),
        "confidence": confidence(voices),
        "confirmed": alert.confirmed or claim.confirmed,
        "effective_on": day,
    }
    return (next_revision(alert, why, **{**better, **founded}),)


def confidence(voices: Sequence[Voice]) -> float:
    doubt, taken = 1.0, []
    for voice in sorted(voices, key=lambda voice: -voice.claim.confidence):
        if not taken or (voice.counts and not any(is_same(voice, known) for known in taken)):
            doubt *= 1.0 - voice.claim.confidence
            taken.append(voice)
    return max(taken[0].claim.confidence, round(min(1.0 - doubt, MOST), 3))


def is_same(one: Voice, other: Voice) -> bool:
    alike = are_alike(one.claim.fingerprint, other.claim.fingerprint)
    return alike or one.story.id == other.story.id or origin_of(one) == origin_of(other)


def _all_again(entry: Entry, kept: tuple[Report, ...], new: Report, known: Registry) -> tuple[Entry, tuple[Alert, ...]]:
    after, moves = open_entry(A, X, known), []
    for report, claims in counted(kept):
        for claim in in_turn(claims):
            after, step = advance(after, claim)
            if step is not None and denies(step):
                moves = [move for move in moves if not telling._is_denied(move.transition, step)]
            elif step is not None and not report.backfill:
                moves.append(Move(step, claim, report, alert_id(step), denies=False))
    told: list[Alert] = []
    ids = {alert.id for alert in entry.alerts}
    for alert in entry.alerts:
        own = [move for move in moves if move.id == alert.id]
        like = [move for move in moves if move.id not in ids and matter(move.transition) == matter(alert)]
        ground = next(iter(own + like), None)
        told += telling._revised(alert, ground, new)
        moves = [move for move in moves if move is not ground]
    out = telling._with_alerts(entry, told).alerts
    for move in moves:
        if move.report is new and not any(telling._is_settled_by(alert, move.transition) for alert in out):
            told.append(telling._compose(move.transition, move.claim, new, known, entry))
    after = msgspec.structs.replace(after, reports=kept, alerts=entry.alerts, missed=entry.missed)
    return telling._with_alerts(after, told), tuple(told)


# What an entry may be told: stories and copies, revisions, kills and returns, and an operator's word.


def reports_of(dice: Random, entries: list[Entry]) -> Iterator[Report]:
    """Reports without end; those about alerts and stories look at the last of `entries`."""
    texts = [sketch(" ".join(dice.sample(WORDS, len(WORDS)))) for _ in range(2)]
    marks = [*texts, *(sketch(f"{n} " + " ".join(dice.sample(WORDS, 9))) for n in range(3)), None]
    for number in range(1_000):
        entry = entries[-1]
        reports, alerts = tuple(entry.reports), entry.alerts
        kind = dice.choice(["new"] * 6 + ["copy", "copy", "again", "kill", "kill", "back", "old", "word", "word"])
        if kind == "copy" and reports:
            yield renamed(dice.choice(reports), f"copy{number}", dice)
        elif kind in {"again", "old"} and reports:
            known = dice.choice(reports)
            yield story(dice, known.story.id, known.story.revision + (1 if kind == "again" else 0), marks)
        elif kind == "kill" and reports:
            known = dice.choice(reports)
            status = dice.choice([PubStatus.CANCELED, PubStatus.WITHHELD])
            claims = dice.choice([(), known.claims])
            yield msgspec.structs.replace(known, pub_status=status, claims=claims)
        elif kind == "back" and any(r.pub_status is not PubStatus.USABLE for r in reports):
            known = dice.choice([r for r in reports if r.pub_status is not PubStatus.USABLE])
            yield msgspec.structs.replace(known, pub_status=PubStatus.USABLE)
        elif kind == "word" and alerts:
            yield word(dice, dice.choice(alerts), number)
        else:
            yield story(dice, StoryId(f"s{number}"), 1, marks)


def renamed(known: Report, name: str, dice: Random) -> Report:
    """The same claims by another outlet."""
    ref = msgspec.structs.replace(known.story, id=StoryId(name), revision=1, feed=f"feed {dice.randrange(4)}")
    origin = dice.choice([None, "AFP", "afp", name])
    claims = tuple(msgspec.structs.replace(c, id=ClaimId(f"{name}/{c.id}"), origin=origin) for c in known.claims)
    return msgspec.structs.replace(known, story=ref, claims=claims, pub_status=PubStatus.USABLE)


def word(dice: Random, alert: Alert, number: int) -> Report:
    said = Word("M. Ito", f"reason {number}", DAY + timedelta(days=dice.randrange(60)))
    about = matter_of(alert)
    other = about._replace(stage=dice.choice(list(Stage)), acted_on=PartialDate("2024-10-05"))
    replaced = dice.choice([(), (about,), (about, other)])
    return dice.choice([confirmation(alert, said), retraction(alert, said), correction(other, said, replaced)])


def story(dice: Random, name: StoryId, revision: int, marks: Sequence[str | None]) -> Report:
    mark = dice.choice(marks)
    claims = tuple(claim(dice, f"{name}/{revision}/{n}", mark) for n in range(dice.choice([0, 1, 1, 1, 2, 3])))
    ref = StoryRef(
        id=name,
        revision=revision,
        feed=f"feed {dice.randrange(4)}",
        headline=f"{name} in revision {revision}",
        published=dice.choice([None, DAY, DAY + timedelta(days=5)]),
        source=dice.choice([None, "AFP", "Reuters"]),
        complete=dice.random() > 0.1,
        trusted=dice.random() > 0.1,
    )
    return Report(story=ref, authority=A, group=X, claims=claims, backfill=dice.random() < 0.1)


def claim(dice: Random, name: str, mark: str | None) -> Claim:
    day = dice.choice(DAYS)
    rule = RETRACTED if dice.random() < 0.01 else "test"
    few = dice.random() < 0.6  # most that is told of a key is about one matter
    return Claim(
        id=ClaimId(name),
        group=X,
        authority=A,
        change=Change.DELISTING if few else dice.choice(list(Change)),
        stage=dice.choice([Stage.DECIDED, Stage.EFFECTIVE]) if few else dice.choice(list(Stage)),
        news=dice.random() < 0.7,
        evidence=Evidence(rule=rule, start=0, end=5, text=f"words of {name}"),
        confidence=dice.choice([0.3, 0.6, 0.6, 0.95, 1.0]),
        confirmed=dice.random() < 0.3,
        date=day,
        acted_on=day,
        effective_on=dice.choice([None, None, None, "2024-10-20", "2024-11-01"]),
        instrument=dice.choice([None, None, "main", "side"]),
        scope=dice.choice([None, None, None, GroupKey("wing")]),
        speaker=dice.choice([None, "a minister"]),
        origin=dice.choice([None, "AFP", "afp", "Reuters", name]),
        fingerprint=mark,
        official=dice.random() < 0.05,
    )


@given(st.integers(0, 2**32), st.integers(1, 40), st.sampled_from([BLANK, LISTED]))
@settings(deadline=None, max_examples=150)  # the plain rules take their time
def test_whatever_is_told_in_whatever_order_the_bytes_are_those_of_the_plain_rules(
    seed: int, length: int, known: Registry
) -> None:
    entry = plain = open_entry(A, X, known)
    past = [plain]
    told = reports_of(Random(seed), past)  # noqa: S311 - the same reports each time
    for _ in range(length):
        report = decode(encode(next(told)), Report)
        entry, alerts = settle(entry, report, known)
        plain, expected = plainly(plain, report, known)
        assert [encode(alert) for alert in alerts] == [encode(alert) for alert in expected]
        assert encode(entry) == encode(plain)
        past.append(plain)


@given(st.integers(0, 2**32), st.integers(2, 25))
@settings(deadline=None, max_examples=50)
def test_an_entry_is_a_value_whatever_was_made_of_it_before(seed: int, length: int) -> None:
    dice = Random(seed)  # noqa: S311 - the same reports each time
    entries = [open_entry(A, X, LISTED)]
    told = reports_of(dice, entries)
    for _ in range(length):
        entry, report = dice.choice(entries), next(told)
        after, alerts = settle(entry, report, LISTED)
        assert settle(entry, report, LISTED) == (after, alerts)
        expected, same = plainly(msgspec.structs.replace(entry, reports=tuple(entry.reports)), report, LISTED)
        assert (encode(after), alerts) == (encode(expected), same)
        entries.append(after)


def test_an_entry_that_was_made_by_hand_is_folded_like_any_other() -> None:
    dice = Random(7)  # noqa: S311 - the same reports each time
    entries = [open_entry(A, X, LISTED)]
    told = reports_of(dice, entries)
    for _ in range(60):
        entry, _ = plainly(entries[-1], next(told), LISTED)
        entries.append(entry)
        report = next(told)
        assert encode(settle(entry, report, LISTED)[0]) == encode(plainly(entry, report, LISTED)[0])
        moved = msgspec.structs.replace(settle(entry, report, LISTED)[0], standings=(), disputed=True)
        later = next(told)
        assert encode(settle(moved, later, LISTED)[0]) == encode(plainly(moved, later, LISTED)[0])


@given(st.integers(0, 2**32), st.integers(1, 30))
@settings(deadline=None, max_examples=100)
def test_sources_kept_up_are_the_independent_ones(seed: int, length: int) -> None:
    dice = Random(seed)  # noqa: S311 - the same voices each time
    sources, chorus, voices = Sources(), Chorus(), []
    for number in range(length):
        mark = sketch(" ".join(dice.sample(WORDS[:12], dice.choice([4, 10, 12])))) if dice.random() > 0.1 else None
        report = story(dice, StoryId(f"s{dice.randrange(40)}"), 1, [mark])
        voice = Voice(msgspec.structs.replace(claim(dice, f"c{number}", mark), origin=f"o{number}"), report.story)
        assert sources.count_with(voice) == chorus.sources_with(voice) == independent([*voices, voice])
        assert chorus.level_with(voice) is level_of([*voices, voice])
        assert chorus.confidence_with(voice) == confidence([*voices, voice])
        sources.add(voice)
        chorus.put(number, (voice,))
        voices.append(voice)
        assert sources.count == independent(voices)


def test_a_past_is_the_reports_in_log_order() -> None:
    entry = open_entry(A, X, LISTED)
    dice = Random(1)  # noqa: S311 - the same reports each time
    reports = [story(dice, StoryId(f"s{n}"), 1, ["mark"]) for n in range(9)]
    news = [r for r in reports if any(c.news for c in r.claims) and not takes_back(r)]
    for report in news:
        before = entry
        entry, _ = settle(entry, report, LISTED)
    settled = tuple(as_settled(report, LISTED) for report in news)
    past = entry.reports
    assert isinstance(past, Past)
    assert (len(past), len(before.reports)) == (len(news), len(news) - 1)
    assert past == settled == tuple(past)
    assert (past[-1], past[0], past[1:3]) == (settled[-1], settled[0], settled[1:3])
    assert past != before.reports
    assert hash(past) == hash(settled)
    assert repr(past) == repr(settled)
    with pytest.raises(IndexError):
        past[len(news)]


def test_the_codec_refuses_what_no_record_has() -> None:
    class Odd(msgspec.Struct):
        value: Any

    with pytest.raises(TypeError, match="no record has a object"):
        encode(Odd(object()))
