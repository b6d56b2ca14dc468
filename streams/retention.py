"""How long topics keep what is in them, where an operator may say so, and what relies on it.

Only a topic that is cut off by time has a time. The claims are the truth of the ledger and are kept for ever; a
compacted topic keeps the last value of each key, and is small.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from streams.topics import DAY_MS, TOPICS, Topic, TopicSpec

HOUR_MS = DAY_MS // 24
FOREVER = "forever"
LEAST_MS = HOUR_MS
MOST_MS = 36_500 * DAY_MS
_PERIOD = re.compile(r"(\d{1,7})\s*([hd])")
_UNITS = {"h": HOUR_MS, "d": DAY_MS}

Kept = Mapping[Topic, int]
"""Milliseconds by topic, -1 for ever; topics that are absent are kept as the table says."""

# fmt: off
_RELIANCE: dict[Topic, tuple[int, str]] = {
    #  topic            at least     because
    Topic.STORIES:     (3 * DAY_MS,  "what no worker has read by then is lost: it must outlive your longest outage"),
    Topic.RELEVANT:    (3 * DAY_MS,  "what no worker has read by then is lost, and the page shows no older stories"),
    Topic.DEADLETTERS: (14 * DAY_MS, "what nobody has looked at by then cannot be sent again"),
    Topic.ALERTS:      (30 * DAY_MS, "a sink or subscriber that is off for longer misses alerts"),
    Topic.RESEND:      (3 * DAY_MS,  "an alert that is sent again and waits for its sink for longer is lost"),
}
# fmt: on


class Difference(NamedTuple):
    """A configuration of a topic that is not as the table has it; `have` None: the broker does not tell."""

    name: str
    have: str | None
    want: str


def parse_kept(given: Mapping[str, object]) -> dict[Topic, int]:
    """Times by topic, each written as `30d`, `36h` or `forever`. Raises ValueError that names the topic."""
    kept = {_topic(name): _milliseconds(name, str(period)) for name, period in given.items()}
    return {spec.topic: kept[spec.topic] for spec in TOPICS if spec.topic in kept}


def period(milliseconds: int) -> str:
    """As it is written, in the largest unit that fits."""
    if milliseconds < 0:
        return FOREVER
    return f"{milliseconds // DAY_MS}d" if milliseconds % DAY_MS == 0 else f"{milliseconds / HOUR_MS:g}h"


def specs(kept: Kept) -> tuple[TopicSpec, ...]:
    """The table of topics with these times in it."""
    return tuple(spec._replace(retention_ms=kept.get(spec.topic, spec.retention_ms)) for spec in TOPICS)


def differences(spec: TopicSpec, configs: Mapping[str, str | None]) -> tuple[Difference, ...]:
    """What a topic on a broker has otherwise than the table."""
    return tuple(
        Difference(name, configs.get(name), want)
        for name, want in spec.config().items()
        if not _same(configs.get(name), want)
    )


def shortfalls(kept: Kept, sink_patience_s: float) -> Iterator[str]:
    """Where something relies on more time than is given, and what; a line each, which begins with the topic."""
    for spec in specs(kept):
        if spec.topic not in _RELIANCE or spec.retention_ms < 0:
            continue
        least, why = _RELIANCE[spec.topic]
        if spec.retention_ms < least:
            yield f"{spec.topic} is kept for {period(spec.retention_ms)}: {why}"
        elif spec.topic in {Topic.ALERTS, Topic.RESEND} and spec.retention_ms < sink_patience_s * 1000:
            tried = f"sinks are tried for {sink_patience_s / 3600:g}h (LISTWIRE_SINK_PATIENCE_S)"
            yield f"{spec.topic} is kept for {period(spec.retention_ms)}, and {tried}: an alert may be gone before"


def _topic(name: str) -> Topic:
    spec = next((spec for spec in TOPICS if spec.topic == name), None)
    timed = ", ".join(spec.topic for spec in TOPICS if not spec.compacted and spec.retention_ms >= 0)
    if spec is None:
        raise ValueError(f"{name}: no topic of ours (those with a time: {timed})")
    if spec.topic is Topic.CLAIMS:
        raise ValueError(f"{name}: is kept for ever, for it is the truth of the ledger")
    if spec.compacted:
        raise ValueError(f"{name}: is compacted, so the last value of each key is kept for ever")
    return spec.topic


def _milliseconds(name: str, period: str) -> int:
    if period == FOREVER:
        return -1
    found = _PERIOD.fullmatch(period.strip())
    if found is None:
        raise ValueError(f"{name}: {period!r} is no time: write 30d, 36h or {FOREVER}")
    milliseconds = int(found[1]) * _UNITS[found[2]]
    if not LEAST_MS <= milliseconds <= MOST_MS:
        raise ValueError(f"{name}: {period} is not between 1h and 36500d")
    return milliseconds


def _same(have: str | None, want: str) -> bool:
    """Whether both say one thing: a list of policies has no order."""
    return have is not None and set(have.split(",")) == set(want.split(","))
