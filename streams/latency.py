"""From when to when a story is timed: since when it could have been here, and since when it was.

An embargo is nobody's delay: of a story that was held, all times count from its end. A first look at a feed brings
what is days old, and so does an outlet that puts its archive into its feed; neither says how quick we are, so what is
older than a day is not timed from its publication. Nor is what names only its day, or a revision that does not say
when it was made.
"""

from datetime import datetime, timedelta
from enum import StrEnum

from streams.records import Story
from streams.vocabulary import Precision

TIMED_WITHIN = timedelta(days=1)


class Untimed(StrEnum):
    """Why the time from publication to arrival says nothing about us."""

    OLD = "old"  # of more than a day ago
    UNDATED = "undated"  # no time of publication, or only its day


def publication(story: Story, now: datetime) -> datetime | Untimed:
    """When this revision could first have been here, or why that is not known or not to be counted."""
    at = story.revised or (story.published if story.revision == 1 else None)
    if at is None or (at == story.published and story.published_precision is not Precision.TIME):
        return Untimed.UNDATED
    at = max(at, _end_of_embargo(story, now) or at)
    return Untimed.OLD if now - at > TIMED_WITHIN else at


def arrival(story: Story, now: datetime) -> datetime:
    """Since when this revision is ours to work on."""
    return max(story.received_at, _end_of_embargo(story, now) or story.received_at)


def _end_of_embargo(story: Story, now: datetime) -> datetime | None:
    """What is still under embargo and goes on all the same, such as a kill, was never held."""
    until = story.embargoed_until
    return until if until is not None and until <= now else None
