"""How long a story takes from stage to stage, by a header that goes with it and with all that it causes.

The header `received` says since when the story is ours, in seconds of the epoch; no record but the story holds that,
for the others are functions of what was published. A dead letter that is sent again is not timed, nor what comes of
it: it lay in the box.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime

from agents.letters import ATTEMPT
from agents.messages import Headers, Incoming, Outgoing
from agents.metrics import STAGE_SECONDS, UNTIMED, Step
from streams.latency import Untimed, arrival, publication
from streams.records import Story
from streams.topics import Topic

RECEIVED = "received"
_SECONDS = {step: STAGE_SECONDS.labels(stage=step) for step in Step}
TIMED_TOPICS = frozenset({Topic.STORIES, Topic.RELEVANT, Topic.CLAIMS, Topic.ALERTS})


def received_at(story: Story, now: datetime) -> Headers:
    """The headers of a story on its way to `wire.stories`."""
    return ((RECEIVED, f"{arrival(story, now).timestamp():.3f}".encode()),)


def handed_on(event: Incoming, caused: Sequence[Outgoing]) -> Sequence[Outgoing]:
    """What the event caused, with its header."""
    if _since(event.headers) is None:
        return caused
    header = (RECEIVED, dict(event.headers)[RECEIVED])
    return [
        message._replace(headers=(*message.headers, header)) if message.topic in TIMED_TOPICS else message
        for message in caused
    ]


def observe_fetched(story: Story, now: datetime) -> None:
    """The story is acknowledged in `wire.stories`."""
    at = publication(story, now)
    if isinstance(at, Untimed):
        UNTIMED.labels(reason=at).inc()
    else:
        _SECONDS[Step.FETCHED].observe(max(0.0, (now - at).total_seconds()))


def observe(step: Step, headers: Headers, clock: Callable[[], float] = time.time) -> None:
    """The event with these headers has passed the stage: all that it caused is acknowledged."""
    since = _since(headers)
    if since is not None:
        _SECONDS[step].observe(max(0.0, clock() - since))


def _since(headers: Headers) -> float | None:
    named = dict(headers)
    told = named.get(RECEIVED, b"")
    if ATTEMPT in named or len(told) > 20 or not told.replace(b".", b"", 1).isdigit():
        return None
    return float(told)
