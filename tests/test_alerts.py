"""From reports to alerts: one a transition, revised, superseded, retracted, and the same at every replay."""

from datetime import UTC, datetime
from typing import Any

from streams.alerts import settle, status_of
from streams.codec import encode
from streams.ledger import open_entry
from streams.reading import read
from streams.records import Alert, AuthorityKey, Classified, Entry, GroupKey, LedgerKey, Report, Story
from streams.registry import load_registry
from streams.reports import reports
from streams.vocabulary import PubStatus
from streams.wires.documents import story_id

REGISTRY = load_registry().without_baseline()
KEY = LedgerKey("kg|taliban")


def story(guid: str, body: str, day: int = 5, **more: Any) -> Story:
    fields: dict[str, Any] = {
        "id": story_id("wire", guid),
        "feed": "wire",
        "guid": guid,
        "headline": "",
        "body": body,
        "received_at": datetime(2024, 9, day, tzinfo=UTC),
        "published": datetime(2024, 9, day, tzinfo=UTC),
        "source": guid,
    }
    return Story(**(fields | more))


def report(one: Story, *, earlier: tuple[LedgerKey, ...] = (), backfill: bool = False) -> Report:
    classified = Classified(story=one, language="en", mentions=(), topics=())
    return next(
        r for r in reports(classified, read(one, REGISTRY), earlier, backfill) if f"{r.authority}|{r.group}" == KEY
    )


def blank() -> Entry:
    return open_entry(AuthorityKey("kg"), GroupKey("taliban"), REGISTRY)


def fold(*items: Report) -> tuple[Entry, list[Alert]]:
    entry, told = blank(), []
    for item in items:
        entry, alerts = settle(entry, item, REGISTRY)
        told += alerts
    return entry, told


CLAIMED = story(
    "kabul",
    "Kyrgyzstan has removed the Taliban from its terrorist list, a Taliban spokesman claimed on Thursday.",
)
CONFIRMED = story(
    "bishkek",
    "Kyrgyzstan has removed the Taliban from its terrorist list, the Foreign Ministry said on Friday.",
    6,
)
PROPOSED = story(
    "talk",
    "Kyrgyzstan is considering removing the Taliban from its terrorist list, the Foreign Ministry said on Monday.",
    2,
)


def test_a_claim_of_the_group_alone_is_an_unconfirmed_alert() -> None:
    _, (alert,) = fold(report(CLAIMED))
    assert (alert.level, alert.confirmed, alert.status, alert.revision) == ("unconfirmed", False, "live", 1)


def test_the_authoritys_own_word_confirms_the_same_alert() -> None:
    _, (first, second) = fold(report(CLAIMED), report(CONFIRMED))
    assert (second.id, second.revision, second.level) == (first.id, 2, "confirmed")
    assert second.speaker == "Kyrgyzstan's Foreign Ministry"
    assert "bishkek" in second.reason


def test_a_repeated_report_changes_nothing() -> None:
    entry, _ = fold(report(CLAIMED))
    assert settle(entry, report(CLAIMED), REGISTRY) == (entry, ())


def test_the_next_stage_supersedes_the_alert_before() -> None:
    _, told = fold(report(PROPOSED), report(CONFIRMED))
    assert [(a.stage, a.status, a.revision) for a in told] == [
        ("proposed", "live", 1),
        ("proposed", "superseded", 2),
        ("effective", "live", 1),
    ]


def test_a_kill_retracts_what_rests_on_its_story_alone() -> None:
    killed = story("kabul", "", revision=2, pub_status=PubStatus.CANCELED)
    entry, (alert, retracted) = fold(report(CLAIMED), report(killed, earlier=(KEY,)))
    assert (retracted.id, retracted.status, retracted.revision) == (alert.id, "retracted", 2)
    assert entry.standings == ()


def test_what_a_story_said_before_its_kill_comes_too_late_to_bring_its_alert_back() -> None:
    killed = story("kabul", "", revision=2, pub_status=PubStatus.CANCELED)
    before = [report(CLAIMED), report(killed, earlier=(KEY,))]
    assert fold(*before, report(CLAIMED)) == fold(*before)


def test_a_kill_leaves_an_alert_that_another_story_carries_too() -> None:
    killed = story("kabul", "", 7, revision=2, pub_status=PubStatus.CANCELED)
    entry, told = fold(report(CLAIMED), report(CONFIRMED), report(killed, earlier=(KEY,)))
    assert "delisted" in {standing.state for standing in entry.standings}
    assert [alert.status for alert in told if alert.story.id == CONFIRMED.id][-1] != "retracted"


def test_a_correction_that_says_no_longer_so_retracts() -> None:
    corrected = story("kabul", "Kyrgyzstan will receive a Taliban delegation.", revision=2)
    _, told = fold(report(CLAIMED), report(corrected, earlier=(KEY,)))
    assert told[-1].status == "retracted"


def test_an_update_that_says_the_same_is_silent() -> None:
    updated = story("kabul", CLAIMED.body + "\nTrade has grown.", revision=2)
    _, told = fold(report(CLAIMED), report(updated, earlier=(KEY,)))
    assert len(told) == 1


def test_a_comma_makes_no_revision() -> None:
    updated = story("kabul", CLAIMED.body.replace("list, a", "list; a"), revision=2)
    _, told = fold(report(CLAIMED), report(updated, earlier=(KEY,)))
    assert len(told) == 1


def test_a_correction_that_turns_the_meaning_round_is_told() -> None:
    corrected = story(
        "bishkek",
        "Kyrgyzstan has not removed the Taliban from its terrorist list, the Foreign Ministry said on Friday.",
        6,
        revision=2,
    )
    entry, told = fold(report(CONFIRMED), report(corrected, earlier=(KEY,)))
    assert (told[1].id, told[1].status, told[1].revision) == (told[0].id, "retracted", 2)
    assert "delisted" not in {standing.state for standing in entry.standings}


def test_backfill_moves_the_ledger_and_stays_silent() -> None:
    entry, told = fold(report(CONFIRMED, backfill=True))
    assert told == []
    assert [standing.state for standing in entry.standings] == ["delisted"]


def test_history_that_is_known_is_not_kept() -> None:
    old = story("later", "Kyrgyzstan removed the Taliban from its terrorist list earlier this month.", 20)
    entry, _ = fold(report(CONFIRMED), report(old))
    assert [r.story.id for r in entry.reports] == [CONFIRMED.id]


def test_a_replay_gives_the_same_bytes() -> None:
    history = (report(PROPOSED), report(CLAIMED), report(CONFIRMED))
    assert [encode(alert) for alert in fold(*history)[1]] == [encode(alert) for alert in fold(*history)[1]]


def test_the_status_names_the_live_alert_and_the_offset() -> None:
    entry, told = fold(report(CLAIMED))
    status = status_of(entry, 41)
    assert (status.listed, status.offset, status.alert) == (False, 41, told[0].id)


def test_a_report_for_a_key_that_is_no_longer_claimed_is_empty() -> None:
    quiet = story("kabul", "Nothing.", revision=2)
    assert report(quiet, earlier=(KEY,)).claims == ()


DENIED = story(
    "denial",
    "Kyrgyzstan denied on Saturday that it had removed the Taliban from its terrorist list. The Foreign Ministry said "
    "the report was wrong.",
    7,
)


def test_the_authoritys_denial_retracts_the_alert_and_makes_no_other() -> None:
    entry, told = fold(report(CONFIRMED), report(DENIED))
    assert [(alert.status, alert.revision) for alert in told] == [("live", 1), ("retracted", 2)]
    assert told[-1].reason == "denied by the authority"
    assert told[-1].changed == ("status",)
    assert "delisted" not in {standing.state for standing in entry.standings}


def test_a_revision_says_which_fields_it_changed() -> None:
    _, (_, second) = fold(report(CLAIMED), report(CONFIRMED))
    assert set(second.changed) >= {"level", "confirmed", "speaker", "story"}
    assert second.sources == 2


def test_a_story_of_an_untrusted_feed_stays_unconfirmed() -> None:
    _, (alert,) = fold(report(story("blog", CONFIRMED.body, trusted=False)))
    assert alert.level == "unconfirmed"


def test_a_recent_change_that_only_background_tells_is_filled_in_and_counted_as_missed() -> None:
    late = story(
        "late",
        "The Taliban sent envoys to Bishkek. Kyrgyzstan removed the Taliban from its terrorist list on September 8.",
        20,
    )
    entry, told = fold(report(late))
    assert told == []
    assert [standing.state for standing in entry.standings] == ["delisted"]
    assert (entry.missed, status_of(entry, 1).missed) == (1, 1)


def test_old_history_was_not_missed() -> None:
    old = story("old", "Kyrgyzstan listed the Taliban as a terrorist organisation in 2006. Trade has grown.")
    entry, _ = fold(report(old))
    assert entry.missed == 0


def test_a_day_of_effect_that_is_told_later_is_a_revision() -> None:
    said = "Kyrgyzstan has decided to remove the Taliban from its terrorist list"
    decided = story("first", f"{said}, the Foreign Ministry said.")
    dated = story("second", f"{said}, effective September 30, 2024, the Foreign Ministry said on Friday.", 6)
    _, told = fold(report(decided), report(dated))
    assert [(alert.revision, alert.effective_on) for alert in told] == [(1, None), (2, "2024-09-30")]
    assert "effective_on" in told[1].changed
