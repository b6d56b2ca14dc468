"""What happens in a trial, and in which order: by the seed alone."""

import random
from typing import NamedTuple

from streams.topics import Topic

WORKER_TOPICS = (Topic.RELEVANT, Topic.STORY_KEYS, Topic.CLAIMS, Topic.ALERTS, Topic.STATUS, Topic.DEADLETTERS)
WORKER_POINTS = (
    *(f"{when} {topic}" for topic in WORKER_TOPICS for when in ("before", "after")),
    *(f"{when} commit {group}" for group in ("listwire", "herald") for when in ("before", "after")),
    "before deliver",
    "after deliver",
    "fold",
)
"""Where a worker is killed; the labels are those of `process.py`."""


POLLER_POINTS = (
    *(f"{when} {topic}" for topic in (Topic.STORIES, Topic.FEED_STATE, Topic.HELD) for when in ("before", "after")),
    "fold",
)


class Step(NamedTuple):
    """One thing that goes wrong; `what` names a method of the trial."""

    what: str
    label: str = ""
    seconds: float = 0.0


class Plan(NamedTuple):
    """A trial."""

    seed: int
    nodes: int
    workers: int
    stories: int
    rate: float
    steps: tuple[Step, ...]
    pollers: int = 2
    poison: float = 0.1
    fail: float = 0.01


def short_plan(seed: int) -> Plan:
    """Somewhat over a minute: one node, a few faults of each sort."""
    dice = random.Random(seed)  # noqa: S311 - dice, not a secret
    steps = [
        *(Step("point", label) for label in dice.sample(WORKER_POINTS, 3)),
        Step("poller_kill"),
        Step("term"),
        Step("zombie", seconds=10.0),
        Step("cut"),
    ]
    return Plan(seed, 1, workers=2, stories=1000, rate=25, steps=(Step("failover"), *_shuffled(steps, dice)))


def long_plan(seed: int) -> Plan:
    """More than fifty kills, every point, every sort of fault, three nodes: half an hour, faults in each minute."""
    dice = random.Random(seed)  # noqa: S311 - dice, not a secret
    steps = [
        *(Step("point", label) for label in WORKER_POINTS),
        *(Step("poller_point", label) for label in POLLER_POINTS),
        *(Step("kill") for _ in range(12)),
        *(Step("poller_kill") for _ in range(4)),
        Step("poller_zombie", seconds=15.0),
        *(Step("term") for _ in range(20)),
        *(Step("zombie", seconds=seconds) for seconds in (13.0, 16.0, 20.0)),
        *(Step("storm") for _ in range(3)),
        Step("clock", seconds=86_400.0),
        Step("clock", seconds=-86_400.0),
        Step("disk", seconds=8.0),
        *(Step("cut") for _ in range(4)),
        *(Step("shut", seconds=seconds) for seconds in (3.0, 8.0)),
        *(Step("freeze", seconds=seconds) for seconds in (5.0, 12.0)),
        *(Step("bounce") for _ in range(3)),
        *(Step("outage") for _ in range(3)),
    ]
    failovers = [Step("failover") for _ in range(8)]
    return Plan(seed, nodes=3, workers=3, stories=100_000, rate=55, steps=(*failovers, *_shuffled(steps, dice)))


def _shuffled(steps: list[Step], dice: random.Random) -> list[Step]:
    return dice.sample(steps, len(steps))
