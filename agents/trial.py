"""The alert that `listwire alerts test` sends: of nobody about nothing, and it says so in every line."""

from __future__ import annotations

from datetime import datetime

from streams.records import Alert, AlertId, AuthorityKey, Evidence, GroupKey, StoryId, StoryRef
from streams.vocabulary import AlertKind, AlertStatus, Change, Level, Stage, State

TEXT = "This is a test of delivery. No status has changed."


def trial_alert(now: datetime) -> Alert:
    """A test of its own for each moment. Its id begins with `test-`, its authority and group are `test`."""
    return Alert(
        id=AlertId(f"test-{now:%Y%m%dT%H%M%S%f}"),
        revision=1,
        kind=AlertKind.STEP,
        status=AlertStatus.LIVE,
        level=Level.UNCONFIRMED,
        from_state=State.UNKNOWN,
        to_state=State.UNKNOWN,
        authority=AuthorityKey("test"),
        authority_name="THIS IS A TEST",
        group=GroupKey("test"),
        group_name="TEST of Listwire",
        change=Change.LISTING,
        stage=Stage.PROPOSED,
        bundle="test",
        evidence=Evidence(rule="test", start=0, end=len(TEXT), text=TEXT),
        story=StoryRef(id=StoryId("test"), revision=1, feed="test", headline=TEXT, published=now, language="en"),
        confidence=0.0,
        confirmed=False,
        reason="test",
    )
