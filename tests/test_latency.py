"""From when a story is timed, and which stories say nothing of how quick we are."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from streams.latency import TIMED_WITHIN, Untimed, arrival, publication
from streams.records import Story, StoryId
from streams.vocabulary import Precision

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def story(**facts: Any) -> Story:
    told = {"published": NOW - 5 * MINUTE, "received_at": NOW - MINUTE} | facts
    return Story(id=StoryId("s"), feed="f", guid="g", headline="H", body="B", **told)


@pytest.mark.parametrize(
    ("facts", "minutes"),
    [
        ({}, 5),
        ({"published": NOW + MINUTE}, -1),
        ({"published": NOW - TIMED_WITHIN}, 24 * 60),
        ({"revised": NOW - 3 * MINUTE}, 3),
        ({"revision": 2, "revised": NOW - 3 * MINUTE}, 3),
        ({"published": NOW - timedelta(days=9), "revision": 2, "revised": NOW - MINUTE}, 1),
        ({"embargoed_until": NOW - 2 * MINUTE}, 2),
        ({"embargoed_until": NOW - 9 * MINUTE}, 5),
        ({"embargoed_until": NOW + MINUTE}, 5),  # a kill, which is never held
        ({"published": NOW - timedelta(days=2), "embargoed_until": NOW - MINUTE}, 1),
    ],
)
def test_a_story_is_timed_from_when_it_could_be_had(facts: dict[str, Any], minutes: int) -> None:
    assert publication(story(**facts), NOW) == NOW - minutes * MINUTE


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"published": None}, Untimed.UNDATED),
        ({"published_precision": Precision.DAY}, Untimed.UNDATED),
        ({"published_precision": Precision.DAY, "revised": NOW - 5 * MINUTE}, Untimed.UNDATED),
        ({"revision": 2}, Untimed.UNDATED),
        ({"published": NOW - TIMED_WITHIN - MINUTE}, Untimed.OLD),
        ({"revision": 2, "revised": NOW - timedelta(days=2)}, Untimed.OLD),
    ],
)
def test_what_says_nothing_of_us_is_not_timed(facts: dict[str, Any], why: Untimed) -> None:
    assert publication(story(**facts), NOW) is why


@pytest.mark.parametrize(
    ("until", "since"),
    [
        (None, NOW - MINUTE),
        (NOW - timedelta(seconds=30), NOW - timedelta(seconds=30)),
        (NOW - 2 * MINUTE, NOW - MINUTE),
        (NOW + MINUTE, NOW - MINUTE),
    ],
)
def test_a_story_that_was_held_is_ours_from_the_end_of_its_embargo(until: datetime | None, since: datetime) -> None:
    assert arrival(story(embargoed_until=until), NOW) == since
