"""What a poll means, decided without a network: state in, state and stories out."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from streams import codec
from streams.feeds import FeedSpec
from streams.novelty import AT_ONCE, COPY, KEEP_AT_LEAST, OLD_VERSION, WAITING, fingerprint
from streams.polling import (
    ONLY_304_FOR,
    SUCCESSES,
    FeedState,
    Fetched,
    Outcome,
    digest,
    judge,
    request_headers,
    wire_hash,
    worth_storing,
)
from streams.records import Story
from streams.schedule import due_in_s, scheduled
from streams.topics import MAX_MESSAGE_BYTES
from streams.vocabulary import PubStatus, Signal
from streams.wires.documents import MAX_ITEMS, Document, Dropped, story_id

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
FEED = FeedSpec(key="f", url="https://feed.example/rss", name="F", interval_s=300)
EMPTY = FeedState(feed="f")


def story(guid: str, headline: str = "", body: str = "", **more: Any) -> Story:
    headline = headline or f"Headline {guid}"
    return Story(id=story_id("f", guid), feed="f", guid=guid, headline=headline, body=body, received_at=NOW, **more)


def document(*stories: Story, **more: Any) -> Document:
    return Document(format="web", stories=stories, **more)


def answer(outcome: Outcome = Outcome.OK, body: bytes = b"<rss/>", **headers: str) -> Fetched:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Fetched(outcome=outcome, url=FEED.url, body=body, headers=named, conditional=True)


def after(state: FeedState, *stories: Story, now: datetime = NOW) -> FeedState:
    return digest(state, answer(), document(*stories), now).state


def wait_s(fetched: Fetched, failures: int = 0, feed: FeedSpec = FEED, jitter: float = 0.0) -> float:
    return due_in_s(scheduled(feed, replace(EMPTY, failures=failures), fetched, NOW, jitter), NOW)


class TestWhatIsNew:
    def test_all_items_of_a_first_poll_are_stories(self) -> None:
        found = digest(EMPTY, answer(), document(story("a"), story("b")), NOW)
        assert sorted(item.guid for item in found.stories) == ["a", "b"]
        assert {item.revision for item in found.stories} == {1}

    def test_an_unchanged_item_is_no_story(self) -> None:
        state = after(EMPTY, story("a"))
        assert digest(state, answer(), document(story("a")), NOW).stories == ()

    def test_a_changed_item_is_its_next_revision(self) -> None:
        state = after(EMPTY, story("a"))
        second = digest(state, answer(), document(story("a", "Another headline")), NOW)
        third = digest(second.state, answer(), document(story("a", "A third one")), NOW)
        assert [item.revision for item in (*second.stories, *third.stories)] == [2, 3]
        assert second.stories[0].id == third.stories[0].id

    def test_an_item_that_goes_back_to_an_older_text_is_a_revision_too(self) -> None:
        state = after(after(EMPTY, story("a")), story("a", "Denied"))
        assert [item.revision for item in digest(state, answer(), document(story("a")), NOW).stories] == [3]

    def test_an_item_that_left_and_came_back_is_remembered(self) -> None:
        state = after(after(EMPTY, story("a"), story("b")), story("b"))
        assert digest(state, answer(), document(story("a"), story("b")), NOW).stories == ()

    def test_stories_go_out_oldest_first(self) -> None:
        dated = [story(str(hour), published=NOW - timedelta(hours=hour)) for hour in (1, 3, 2)]
        found = digest(EMPTY, answer(), document(*dated), NOW).stories
        assert [item.guid for item in found] == ["3", "2", "1"]

    def test_without_dates_the_end_of_the_document_is_the_oldest(self) -> None:
        found = digest(EMPTY, answer(), document(story("new"), story("old")), NOW).stories
        assert [item.guid for item in found] == ["old", "new"]

    def test_memory_is_bounded_and_never_shorter_than_the_document(self) -> None:
        state = EMPTY
        for batch in range(5):
            state = after(state, *(story(f"{batch}-{n}") for n in range(400)))
        assert len(state.seen) == KEEP_AT_LEAST
        long = [story(str(n)) for n in range(3 * KEEP_AT_LEAST)]
        for _ in range(3 * KEEP_AT_LEAST // AT_ONCE):
            state = after(state, *long)
        assert digest(state, answer(), document(*long), NOW).stories == ()

    def test_the_state_of_the_longest_document_fits_a_message(self) -> None:
        dated = NOW - timedelta(days=1)
        longest = [story(str(n), version=10**9, published=dated) for n in range(MAX_ITEMS)]
        whole = document(*longest, hashes=tuple(f"{n:016x}" for n in range(MAX_ITEMS)))
        state = digest(EMPTY, answer(), whole, NOW).state
        assert len(codec.encode(state)) < MAX_MESSAGE_BYTES

    def test_the_newest_publication_is_kept_and_no_wrong_clock_moves_it_ahead(self) -> None:
        state = after(EMPTY, story("a", published=NOW - timedelta(days=9)))
        assert state.newest == NOW - timedelta(days=9)
        assert after(state, story("b", published=NOW + timedelta(minutes=9))).newest == NOW


class TestIdentity:
    def test_a_changed_guid_with_the_same_text_is_no_new_story(self) -> None:
        state = after(EMPTY, story("a", "H", "The text.", published=NOW))
        found = digest(state, answer(), document(story("b", "H", "The  text.", published=NOW)), NOW)
        assert (found.stories, found.kept_back) == ((), (Dropped(COPY, 1),))

    def test_the_copy_is_known_from_then_on(self) -> None:
        state = after(after(EMPTY, story("a", "H", "The text.")), story("b", "H", "The text."))
        (edited,) = digest(state, answer(), document(story("b", "H", "Another text.")), NOW).stories
        assert (edited.guid, edited.revision) == ("b", 2)

    def test_two_items_of_one_document_with_the_same_text_are_one_story(self) -> None:
        assert len(digest(EMPTY, answer(), document(story("a", "H"), story("b", "H")), NOW).stories) == 1

    def test_the_same_words_after_a_year_are_another_story(self) -> None:
        state = after(EMPTY, story("a", "H", published=NOW - timedelta(days=365)))
        assert len(digest(state, answer(), document(story("b", "H", published=NOW)), NOW).stories) == 1

    def test_a_whole_feed_under_new_guids_brings_nothing(self) -> None:
        items = [story(str(n), f"H {n}", published=NOW - timedelta(hours=n)) for n in range(500)]
        state = after(after(EMPTY, *items), *items)
        renamed = [replace(item, guid=f"new-{item.guid}", id=story_id("f", f"new-{item.guid}")) for item in items]
        found = digest(state, answer(), document(*renamed), NOW)
        assert (found.stories, found.kept_back) == ((), (Dropped(COPY, 500),))

    def test_a_whole_feed_under_new_guids_with_reworked_texts_is_history(self) -> None:
        items = [story(str(n), f"H {n}", published=NOW - timedelta(hours=n)) for n in range(20)]
        renamed = [story(f"new {n}", f"H {n} reworked", published=NOW - timedelta(hours=n)) for n in range(20)]
        found = digest(after(EMPTY, *items), answer(), document(*renamed), NOW).stories
        assert [Signal.BACKFILL in item.signals for item in found] == [True] * 19 + [False]

    def test_a_feed_that_shows_a_few_more_of_its_past_is_not_rewritten(self) -> None:
        items = [story(str(n), published=NOW - timedelta(hours=n)) for n in range(20)]
        older = [story(f"old {n}", published=NOW - timedelta(hours=30 + n)) for n in range(5)]
        found = digest(after(EMPTY, *items), answer(), document(*items, *older), NOW).stories
        assert [item.signals for item in found] == [()] * 5

    @pytest.mark.parametrize("status", [PubStatus.WITHHELD, PubStatus.CANCELED])
    def test_a_kill_with_the_same_text_is_the_next_revision(self, status: PubStatus) -> None:
        state = after(EMPTY, story("a", "H"))
        (killed,) = digest(state, answer(), document(story("a", "H", pub_status=status)), NOW).stories
        assert (killed.pub_status, killed.revision) == (status, 2)

    def test_kills_without_a_text_are_not_copies_of_each_other(self) -> None:
        kills = [replace(story(guid), headline="", pub_status=PubStatus.CANCELED) for guid in "ab"]
        assert len(digest(EMPTY, answer(), document(*kills), NOW).stories) == 2

    def test_an_item_without_a_word_is_none_until_it_has_a_text(self) -> None:
        empty = replace(story("a"), headline="")
        found = digest(EMPTY, answer(), document(empty), NOW)
        assert (found.stories, found.kept_back) == ((), (Dropped("empty", 1),))
        (written,) = digest(found.state, answer(), document(story("a", "H")), NOW).stories
        assert written.revision == 1

    def test_an_embargo_that_is_lifted_is_the_next_revision(self) -> None:
        state = after(EMPTY, story("a", "H", embargoed_until=NOW + timedelta(hours=1)))
        assert len(digest(state, answer(), document(story("a", "H")), NOW).stories) == 1

    def test_a_revision_counts_as_the_agency_counts_and_always_up(self) -> None:
        state, told = EMPTY, []
        for version, text in ((3, "one"), (3, "two"), (7, "three")):
            found = digest(state, answer(), document(story("a", text, version=version, revision=version)), NOW)
            state = found.state
            told += [item.revision for item in found.stories]
        assert told == [3, 4, 7]

    def test_a_version_that_comes_late_is_ignored(self) -> None:
        state = after(EMPTY, story("a", "new", version=2, revision=2))
        late = document(story("a", "old", version=1))
        found = digest(state, answer(), late, NOW)
        assert (found.stories, found.kept_back) == ((), (Dropped(OLD_VERSION, 1),))
        assert digest(found.state, answer(), document(story("a", "new", version=2, revision=2)), NOW).stories == ()

    def test_an_item_that_was_not_read_again_stays_known(self) -> None:
        state = digest(EMPTY, answer(), document(story("a"), story("b"), hashes=("A", "B")), NOW).state
        state = digest(state, answer(), document(story("c"), hashes=("C",), unchanged=("A",)), NOW).state
        assert [item.wire for item in state.seen] == ["C", "A", "B"]


class TestAFlood:
    ITEMS = tuple(story(str(n), published=NOW - timedelta(minutes=n)) for n in range(2 * AT_ONCE + 50))

    def test_goes_out_in_portions_the_oldest_first_and_none_is_lost(self) -> None:
        state, told, kept_back = EMPTY, [], []
        for _ in range(4):
            found = digest(state, answer(), document(*self.ITEMS), NOW)
            state = found.state
            told.append([item.guid for item in found.stories])
            kept_back.append(found.kept_back)
        assert [len(guids) for guids in told] == [AT_ONCE, AT_ONCE, 50, 0]
        assert [guid for guids in told for guid in guids] == [item.guid for item in reversed(self.ITEMS)]
        assert kept_back[0] == (Dropped(WAITING, AT_ONCE + 50),)

    def test_is_not_hidden_by_a_validator_and_looked_at_again_soon(self) -> None:
        flooded = answer(etag='"x"')
        state = digest(EMPTY, flooded, document(*self.ITEMS), NOW).state
        assert (state.etag, state.wire_hash) == (None, None)
        slow = replace(FEED, interval_s=3_600)
        assert due_in_s(scheduled(slow, state, flooded, NOW, 0), NOW) == 60

    def test_of_revisions_is_put_off_too(self) -> None:
        state = EMPTY
        for _ in range(3):
            state = digest(state, answer(), document(*self.ITEMS), NOW).state
        edited = [replace(item, body="edited") for item in self.ITEMS]
        revisions = []
        for _ in range(3):
            found = digest(state, answer(), document(*edited), NOW)
            state = found.state
            revisions += [item.revision for item in found.stories]
        assert revisions == [2] * len(self.ITEMS)


class TestFingerprint:
    @pytest.mark.parametrize(
        "same",
        [
            story("x", "A  headline", "The   text."),
            story("y", "A headline", "The\ntext."),
            story("y", "A headline", "The text. https://t.example/?utm=1"),
            story("y", "A headline", "The <b>text</b>."),
            story("y", "A headline", "The\u00a0te\u200bxt."),
        ],
    )
    def test_what_is_not_said_does_not_count(self, same: Story) -> None:
        assert fingerprint(same) == fingerprint(story("z", "A headline", "The text."))

    @pytest.mark.parametrize("body", ["The texts.", "Not the text.", "The text", "the text."])
    def test_every_word_counts(self, body: str) -> None:
        assert fingerprint(story("a", "H", body)) != fingerprint(story("a", "H", "The text."))


class TestValidators:
    def test_they_go_back_verbatim(self) -> None:
        stamp = "Fri, 04 Oct 2024 10:20:11 GMT"
        state = digest(EMPTY, answer(etag='W/"a, b"', last_modified=stamp), document(), NOW).state
        assert request_headers(state, NOW) == {"If-None-Match": 'W/"a, b"', "If-Modified-Since": stamp}

    def test_a_304_replaces_those_it_names(self) -> None:
        state = digest(EMPTY, answer(etag='"1"', last_modified="x"), document(), NOW).state
        state = digest(state, answer(Outcome.NOT_MODIFIED, b"", etag='"2"'), None, NOW).state
        assert request_headers(state, NOW) == {"If-None-Match": '"2"', "If-Modified-Since": "x"}

    def test_a_200_without_them_clears_them(self) -> None:
        state = digest(EMPTY, answer(etag='"1"'), document(), NOW).state
        assert request_headers(digest(state, answer(), document(), NOW).state, NOW) == {}

    @pytest.mark.parametrize("poison", ['"a\r\nX: y"', '"a\n"', '"\x00"', '"\udcff"', '"' + "a" * 2000 + '"', ""])
    def test_a_poisoned_one_is_dropped_and_the_feed_goes_on(self, poison: str) -> None:
        assert digest(EMPTY, answer(etag=poison), document(), NOW).state.etag is None
        assert request_headers(replace(EMPTY, etag=poison, last_modified="x"), NOW) == {"If-Modified-Since": "x"}

    @pytest.mark.parametrize("outcome", sorted(set(Outcome) - SUCCESSES))
    def test_a_failure_keeps_the_old_ones(self, outcome: Outcome) -> None:
        state = digest(EMPTY, answer(etag='"good"'), document(story("a")), NOW).state
        failed = digest(state, answer(outcome, b"<html>", etag='"challenge"'), None, NOW).state
        assert (failed.etag, failed.wire_hash, failed.seen) == (state.etag, state.wire_hash, state.seen)
        assert failed.failures == 1

    def test_those_of_a_truncated_document_are_not_kept(self) -> None:
        cut = digest(EMPTY, answer(etag='"1"'), document(story("a"), truncated=True), NOW)
        assert (cut.state.etag, cut.state.wire_hash) == (None, None)
        assert len(cut.stories) == 1

    def test_after_a_day_of_304_alone_one_request_goes_without(self) -> None:
        state = digest(EMPTY, answer(etag='"1"'), document(), NOW).state
        for hour in (1, 2, 3):
            state = digest(state, answer(Outcome.NOT_MODIFIED, b""), None, NOW + timedelta(hours=hour)).state
        first_304 = NOW + timedelta(hours=1)
        assert request_headers(state, first_304 + ONLY_304_FOR - timedelta(seconds=1))
        assert not request_headers(state, first_304 + ONLY_304_FOR)
        unchanged = judge(state, answer(etag='"1"'))
        assert unchanged.outcome is Outcome.UNCHANGED
        assert request_headers(digest(state, unchanged, None, NOW).state, NOW + ONLY_304_FOR * 9)


class TestJudge:
    def test_the_bytes_of_the_last_time_are_not_parsed_again(self) -> None:
        assert judge(after(EMPTY), answer()).outcome is Outcome.UNCHANGED
        assert judge(after(EMPTY), answer(body=b"<rss> </rss>")).outcome is Outcome.OK
        assert after(EMPTY).wire_hash == wire_hash(b"<rss/>")

    def test_a_304_that_was_not_asked_for_is_a_failure(self) -> None:
        asked = answer(Outcome.NOT_MODIFIED)
        assert judge(EMPTY, asked) == asked
        assert judge(EMPTY, replace(asked, conditional=False)).outcome is Outcome.UNASKED_304


class TestState:
    def test_it_survives_a_restart(self) -> None:
        fetched = replace(answer(etag='"1"', last_modified="x"), moved_to="https://new.example/")
        found = digest(EMPTY, fetched, document(story("a", published=NOW), story("b")), NOW)
        state = scheduled(FEED, found.state, fetched, NOW, 0.5)
        assert codec.decode(codec.encode(state), FeedState) == state

    def test_it_is_read_by_an_older_version(self) -> None:
        raw = (
            codec.encode(EMPTY)
            .replace(b'"feed"', b'"invented":[1],"outcome":"of-tomorrow","feed"')
            .replace(b'"outcome":null,', b"")
        )
        assert codec.decode(raw, FeedState).outcome == "of-tomorrow"

    def test_a_permanent_move_is_reported_from_its_first_sight(self) -> None:
        moved = replace(answer(), moved_to="https://new.example/")
        state = digest(EMPTY, moved, document(), NOW).state
        state = digest(state, moved, document(), NOW + timedelta(days=2)).state
        assert (state.moved_to, state.moved_since) == ("https://new.example/", NOW)
        assert digest(state, answer(), document(), NOW).state.moved_since is None

    def test_gone_is_dated_until_it_is_back(self) -> None:
        state = digest(EMPTY, answer(Outcome.GONE), None, NOW).state
        state = digest(state, answer(Outcome.GONE), None, NOW + timedelta(days=1)).state
        assert state.gone_since == NOW
        assert digest(state, answer(), document(), NOW).state.gone_since is None

    def test_a_mere_repetition_is_not_worth_storing(self) -> None:
        state = scheduled(FEED, after(EMPTY, story("a")), answer(), NOW, 0)
        later = NOW + timedelta(minutes=5)
        first_304 = digest(state, answer(Outcome.NOT_MODIFIED, b""), None, later).state
        second_304 = digest(first_304, answer(Outcome.NOT_MODIFIED, b""), None, later).state
        assert worth_storing(EMPTY, state)
        assert not worth_storing(first_304, scheduled(FEED, second_304, answer(), later, 0))
        assert worth_storing(first_304, digest(first_304, answer(Outcome.TIMEOUT), None, later).state)
        assert worth_storing(first_304, digest(first_304, answer(), document(story("b")), later).state)


class TestSchedule:
    def test_a_feed_keeps_its_own_rhythm(self) -> None:
        assert wait_s(answer()) == 300

    def test_a_document_s_own_hint_counts_where_the_answer_says_nothing(self) -> None:
        hinted = replace(EMPTY, ttl_s=600)
        assert due_in_s(scheduled(FEED, hinted, answer(), NOW, 0), NOW) == 600
        assert due_in_s(scheduled(FEED, hinted, answer(cache_control="max-age=400"), NOW, 0), NOW) == 400

    def test_a_document_s_own_hint_puts_no_wire_to_sleep(self) -> None:
        assert due_in_s(scheduled(FEED, replace(EMPTY, ttl_s=86_400), answer(), NOW, 0), NOW) == 900

    @pytest.mark.parametrize(
        ("headers", "expected"),
        [
            ({"cache_control": "public, max-age=900"}, 900),
            ({"cache_control": "max-age=900", "age": "400"}, 500),
            ({"cache_control": "max-age=900", "age": "800"}, 300),
            ({"cache_control": 'private, max-age="900"'}, 900),
            ({"cache_control": "s-maxage=900"}, 300),
            ({"cache_control": "max-age=900, no-cache"}, 300),
            ({"cache_control": "max-age=604800"}, 3_600),
            ({"cache_control": "max-age=99999999999999999999"}, 3_600),
            ({"cache_control": "max-age=-5"}, 300),
            ({"expires": format_datetime(NOW + timedelta(seconds=900), usegmt=True)}, 900),
            ({"expires": "0"}, 300),
            ({"expires": "Thu, 01 Jan 1970 00:00:00 GMT"}, 300),
            (
                {
                    "expires": format_datetime(NOW - timedelta(days=1) + timedelta(seconds=900), usegmt=True),
                    "date": format_datetime(NOW - timedelta(days=1), usegmt=True),
                },
                900,
            ),
        ],
    )
    def test_a_caching_hint_is_kept_within_limits(self, headers: dict[str, str], expected: float) -> None:
        assert wait_s(answer(**headers)) == expected
        assert wait_s(answer(Outcome.NOT_MODIFIED, b"", **headers)) == expected

    @pytest.mark.parametrize(
        ("retry_after", "expected"),
        [
            ("1800", 1_800),
            (format_datetime(NOW + timedelta(seconds=1_800), usegmt=True), 1_800),
            ("5", 300),
            ("99999999", 86_400),
            ("soon", 300),
            ("-7", 300),
        ],
    )
    def test_retry_after_is_obeyed_up_to_a_day(self, retry_after: str, expected: float) -> None:
        assert wait_s(answer(Outcome.THROTTLED, retry_after=retry_after), failures=1) == expected

    def test_failures_back_off_to_four_hours(self) -> None:
        waits = [wait_s(answer(Outcome.TIMEOUT), failures=count) for count in (1, 2, 3, 4, 50, 10**6)]
        assert waits == [300, 600, 1_200, 2_400, 14_400, 14_400]

    def test_a_slow_feed_never_speeds_up_by_failing(self) -> None:
        daily = replace(FEED, interval_s=86_400)
        assert wait_s(answer(Outcome.TIMEOUT), failures=9, feed=daily) == 86_400

    def test_what_is_gone_or_kills_the_parser_is_looked_at_once_a_day(self) -> None:
        assert wait_s(answer(Outcome.GONE), failures=1) == 86_400
        assert wait_s(answer(Outcome.PARSER_KILLED), failures=1) == 300
        assert wait_s(answer(Outcome.PARSER_KILLED), failures=3) == 86_400

    def test_jitter_only_delays(self) -> None:
        assert 300 <= wait_s(answer(), jitter=0.999) <= 330

    def test_a_feed_made_in_code_may_be_quicker_than_a_minute(self) -> None:
        assert wait_s(answer(), feed=replace(FEED, interval_s=2)) == 2

    @given(
        st.sampled_from(sorted(Outcome)),
        st.integers(0, 10_000),
        st.dictionaries(st.sampled_from(["cache-control", "expires", "age", "date", "retry-after"]), st.text()),
    )
    def test_no_answer_makes_a_wait_absurd(self, outcome: Outcome, failures: int, headers: dict[str, str]) -> None:
        assert 60 <= wait_s(answer(outcome, **headers), failures=failures) <= 86_400

    def test_a_feed_that_was_never_polled_is_due(self) -> None:
        assert due_in_s(EMPTY, NOW) == 0
        assert due_in_s(replace(EMPTY, next_due=NOW - timedelta(days=1)), NOW) == 0


@pytest.mark.parametrize(("age_days", "signals"), [(29, ()), (31, ("backfill",))])
def test_a_story_much_older_than_the_last_look_is_marked_as_history(age_days: int, signals: tuple[str, ...]) -> None:
    old = story("old", published=NOW - timedelta(days=age_days))
    (found,) = digest(replace(EMPTY, polled_at=NOW), answer(), document(old), NOW).stories
    assert found.signals == signals
