"""A story's reading cut by ledger key: one report for each key it claims now, or ever claimed."""

from __future__ import annotations

from collections.abc import Collection

from streams.reading import Reading
from streams.records import AuthorityKey, Classified, GroupKey, LedgerKey, Report, Story, StoryRef


def reports(
    classified: Classified, reading: Reading, earlier: Collection[LedgerKey], backfill: bool = False
) -> tuple[Report, ...]:
    """One report a key, in key order; keys of `earlier` that the story no longer claims get an empty one."""
    story = classified.story
    now = {claim.key for claim in reading.claims}
    made = []
    for key in sorted({*now, *earlier}):
        authority, group = key.split("|", 1)
        made.append(
            Report(
                story=ref(story),
                authority=AuthorityKey(authority),
                group=GroupKey(group),
                claims=tuple(claim for claim in reading.claims if claim.key == key),
                pub_status=story.pub_status,
                backfill=backfill,
            )
        )
    return tuple(made)


def ref(story: Story) -> StoryRef:
    """As much of the story as an alert needs."""
    return StoryRef(
        id=story.id,
        revision=story.revision,
        feed=story.feed,
        headline=story.headline,
        published=story.published,
        language=story.language,
        link=story.link,
        source=story.source,
        complete=story.complete,
        trusted=story.trusted,
    )
