"""What becomes of embargoed stories: the rules alone."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from streams.codec import decode, encode
from streams.embargo import LOOK_AGAIN_S, Held, HeldStories, Plan, is_embargoed, received, released, wait_s
from streams.records import Story, StoryId
from streams.vocabulary import PubStatus, Signal

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
KILLS = [{"pub_status": PubStatus.CANCELED}, {"signals": (Signal.KILL,)}]


def story(name: str = "s", revision: int = 1, until: datetime | None = NOW + HOUR, **other: Any) -> Story:
    text = {"headline": "H", "body": "", "received_at": NOW}
    return Story(id=StoryId(name), feed="f", guid=name, revision=revision, embargoed_until=until, **(text | other))


def held(*stories: Story, is_revision: bool = False) -> HeldStories:
    found: dict[StoryId, list[Held]] = {}
    for one in stories:
        found.setdefault(one.id, []).append(Held(story=one, is_revision=is_revision))
    return found


def keys(plan: Plan) -> tuple[list[str], list[str], list[str]]:
    published = [f"{one.id}|{one.revision}" for one in plan.publish]
    return [one.key for one in plan.hold], published, [one.key for one in plan.drop]


class TestReceived:
    @pytest.mark.parametrize(
        ("until", "is_held"),
        [
            (None, False),
            (NOW - HOUR, False),
            (NOW, False),
            (NOW + timedelta(milliseconds=1), True),
            (datetime.max.replace(tzinfo=UTC), True),
        ],
    )
    def test_a_story_is_held_until_its_embargo_ends(self, until: datetime | None, is_held: bool) -> None:
        told = keys(received([story(until=until)], {}, NOW))
        assert told == ((["s|1"], [], []) if is_held else ([], ["s|1"], []))

    def test_a_story_withheld_without_an_end_goes_on(self) -> None:
        withheld = story(until=None, pub_status=PubStatus.WITHHELD)
        assert keys(received([withheld], {}, NOW)) == ([], ["s|1"], [])

    def test_a_revision_replaces_what_is_held_whatever_its_end(self) -> None:
        for until in (NOW + timedelta(minutes=1), NOW + 9 * HOUR):
            plan = received([story(revision=2, until=until)], held(story()), NOW)
            assert keys(plan) == (["s|2"], [], ["s|1"])
            assert plan.hold[0].until == until

    @pytest.mark.parametrize("until", [None, NOW, NOW - HOUR])
    def test_an_embargo_lifted_early_releases_at_once(self, until: datetime | None) -> None:
        assert keys(received([story(revision=2, until=until)], held(story()), NOW)) == ([], ["s|2"], ["s|1"])

    def test_a_withheld_revision_goes_on_and_what_is_held_is_dropped(self) -> None:
        withheld = story(revision=2, until=None, pub_status=PubStatus.WITHHELD)
        assert keys(received([withheld], held(story()), NOW)) == ([], ["s|2"], ["s|1"])

    @pytest.mark.parametrize("kill", KILLS)
    def test_a_kill_drops_what_is_held_and_readers_who_know_nothing_hear_nothing(self, kill: dict[str, Any]) -> None:
        for until in (None, NOW + HOUR):
            plan = received([story(revision=2, until=until, **kill)], held(story()), NOW)
            assert keys(plan) == ([], [], ["s|1"])

    @pytest.mark.parametrize("kill", KILLS)
    def test_a_kill_travels_on_if_something_of_the_story_is_out(self, kill: dict[str, Any]) -> None:
        before = received([story(revision=2)], {}, NOW).hold
        assert before[0].is_revision, "the first revision was no embargoed one"
        plan = received([story(revision=3, until=None, **kill)], {StoryId("s"): before}, NOW)
        assert keys(plan) == ([], ["s|3"], ["s|2"])

    def test_that_something_is_out_is_remembered_over_revisions_that_are_held(self) -> None:
        plan = received([story(revision=3)], held(story(revision=2), is_revision=True), NOW)
        assert plan.hold[0].is_revision
        assert not received([story(revision=2)], held(story()), NOW).hold[0].is_revision

    def test_a_kill_travels_on_if_what_is_held_may_have_been_published_by_one_who_crashed(self) -> None:
        kill = story(revision=2, until=None, signals=(Signal.KILL,))
        assert keys(received([kill], held(story(until=NOW)), NOW)) == ([], ["s|2"], ["s|1"])

    def test_a_kill_is_not_held_back_by_an_embargo_of_its_own(self) -> None:
        assert keys(received([story(signals=(Signal.KILL,))], {}, NOW)) == ([], ["s|1"], [])
        assert not is_embargoed(story(pub_status=PubStatus.CANCELED), NOW)

    def test_the_same_revision_again_is_held_again_and_not_dropped(self) -> None:
        assert keys(received([story()], held(story()), NOW)) == (["s|1"], [], [])

    def test_a_revision_in_the_same_batch_counts_as_any_other(self) -> None:
        plan = received([story(), story(revision=2, until=None), story(name="t")], {}, NOW)
        assert keys(plan) == (["s|1", "t|1"], ["s|2"], ["s|1"])

    def test_other_stories_are_let_alone(self) -> None:
        assert keys(received([story(name="t", until=None)], held(story()), NOW)) == ([], ["t|1"], [])


class TestReleased:
    def test_a_story_goes_out_as_it_came_when_its_time_has_come(self) -> None:
        there = held(story())
        assert released(there, NOW + HOUR - timedelta(milliseconds=1)) == Plan()
        plan = released(there, NOW + HOUR)
        assert plan.publish == (story(),)
        assert keys(plan) == ([], ["s|1"], ["s|1"])

    def test_the_first_to_end_goes_out_first(self) -> None:
        there = held(story("b", until=NOW), story("a", until=NOW), story("z", until=NOW - HOUR), story("later"))
        assert keys(released(there, NOW))[1] == ["z|1", "a|1", "b|1"]

    def test_of_two_revisions_the_newest_counts_and_both_go(self) -> None:
        there = held(story(revision=2, until=NOW), story(revision=1, until=NOW - HOUR))
        assert keys(released(there, NOW)) == ([], ["s|2"], ["s|2", "s|1"])
        assert released(held(story(revision=1, until=NOW - HOUR), story(revision=2)), NOW) == Plan()
        shortened = held(story(revision=2, until=NOW), story(revision=1))
        assert keys(released(shortened, NOW)) == ([], ["s|2"], ["s|2", "s|1"])

    def test_grace_is_given_to_those_who_should_do_it(self) -> None:
        there = held(story(until=NOW), story("never", until=datetime.max.replace(tzinfo=UTC)))
        assert released(there, NOW + timedelta(seconds=59), timedelta(minutes=1)) == Plan()
        assert keys(released(there, NOW + timedelta(seconds=60), timedelta(minutes=1)))[1] == ["s|1"]


def test_nobody_sleeps_longer_than_a_minute_nor_beyond_the_end() -> None:
    ends = [NOW - HOUR, NOW, NOW + timedelta(seconds=5), NOW + HOUR]
    assert [wait_s(end, NOW) for end in ends] == [0, 0, 5, LOOK_AGAIN_S]


def test_a_held_story_survives_its_topic() -> None:
    kept = Held(story=story(), is_revision=True)
    assert decode(encode(kept), Held) == kept
    assert kept.key == "s|1"
