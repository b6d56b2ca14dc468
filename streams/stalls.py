"""Whether a process that should be at work stands still: what it does and when goes in, how long it has not comes out.

    running    advances while the process runs           blocked loop
    serving    advances while the broker answers too     canaries, messages that wait, feeds that nobody looks at,
                                                         a group without a decision

Both advance by the turns of whoever watches, and by no more than a few beats a turn. So neither a laptop's sleep nor
SIGSTOP is taken for a standstill, and what had no time to come forward is given the rest of its time. A broker that is
silent, for however long, is none either: how long it may be away is for the publisher's patience to say.

A partition stands still when something waits in it, beyond the committed offset or a canary of ours, and it does not
come forward. It comes forward with each message that is done, not with the last: who works off the backlog of a day is
at work. A canary is what makes a quiet partition testable, and it is the only one who notices a message that was
committed and never handed to us. Who folds a log before the first message is at work too.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from math import inf
from typing import NamedTuple

from streams.topics import Topic

CANARIES_S: Mapping[Topic, float] = {Topic.STORIES: 60.0, Topic.RELEVANT: 60.0, Topic.CLAIMS: 3600.0}
"""How often a canary is sent to each partition. The claims are kept for ever and folded at each assignment, so there
they are few: one after an assignment, then hourly."""


class Part(StrEnum):
    """What can stand still. The label of its metrics."""

    LOOP = "loop"  # the event loop does not turn
    FEEDS = "feeds"  # feeds are overdue, and none is looked at
    GROUP = "group"  # the consumer group does not decide who reads what
    STORIES = Topic.STORIES.value
    RELEVANT = Topic.RELEVANT.value
    CLAIMS = Topic.CLAIMS.value


class Place(NamedTuple):
    """A partition that we read."""

    part: Part
    partition: int

    def __str__(self) -> str:
        return f"{self.part}/{self.partition}"


class Limits(NamedTuple):
    """After how long a standstill is told, and ends the process; how often the watch turns, and the broker is asked."""

    unready_s: float = 90.0
    stalled_s: float = 180.0
    beat_s: float = 1.0
    look_s: float = 10.0
    canaries_s: Mapping[Topic, float] = CANARIES_S


LIMITS = Limits()


class Standstill(NamedTuple):
    """A part that has not come forward for so long."""

    part: Part
    seconds: float
    problem: str

    def __str__(self) -> str:
        return f"{self.problem} for {self.seconds:.0f} s"


class Offsets(NamedTuple):
    """How far a partition is committed (None: nothing yet), and where it ends."""

    committed: int | None
    end: int


NOTHING = Offsets(None, 0)


@dataclass(slots=True)
class _Reading:
    """What is known of a partition; times are of the clock `serving`."""

    moved: float  # when it last came forward, or nothing waited
    canary_due: float
    offsets: Offsets = NOTHING
    canary: float | None = None  # since when one of ours is awaited, or the partition came nearer to it
    canary_before: int | None = None  # an offset that the canary lies below

    @property
    def waits(self) -> bool:
        return (self.offsets.committed or 0) < self.offsets.end


@dataclass(slots=True)
class Stalls:
    """What one process does. All that it is told may come from another thread than the questions do."""

    limits: Limits = LIMITS
    broker_answers: bool = False
    _running: float = 0.0
    _serving: float = 0.0
    _turned: float | None = None
    _beaten: float = 0.0
    _served: float = 0.0  # of the clock `serving`, when the loop turned last
    _looked: float = 0.0  # of the clock `serving`
    _undecided: float | None = None  # since when the group has not decided; None: it has, or there is none
    _readings: dict[Place, _Reading] = field(default_factory=dict)

    # asked and told by the watch

    def turn(self, now: float) -> None:
        """Lets time pass up to `now`, of any steady clock."""
        passed = 0.0 if self._turned is None else min(now - self._turned, 5 * self.limits.beat_s)
        self._turned = now
        self._running += passed
        self._serving += passed if self.broker_answers else 0.0

    def standstills(self) -> list[Standstill]:
        """All parts that stand still, if only for a moment."""
        found = [
            Standstill(Part.LOOP, self._running - self._beaten, "the event loop is blocked"),
            Standstill(Part.FEEDS, self._served - self._looked, "feeds are overdue and none is looked at"),
        ]
        if self._undecided is not None:
            undecided_s = self._serving - self._undecided
            return [*found, Standstill(Part.GROUP, undecided_s, "the consumer group assigns nothing")]
        for place, reading in list(self._readings.items()):  # a copy, made in one step: the loop may add meanwhile
            if reading.waits:
                found.append(Standstill(place.part, self._serving - reading.moved, f"{place}: messages wait"))
            if reading.canary is not None:
                found.append(Standstill(place.part, self._serving - reading.canary, f"{place}: a canary is not seen"))
        return found

    def beyond(self, seconds: float) -> list[Standstill]:
        """What has stood still for so long, the longest first."""
        found = [standstill for standstill in self.standstills() if standstill.seconds >= seconds]
        return sorted(found, key=lambda standstill: -standstill.seconds)

    # told and asked by the loop

    @property
    def places(self) -> list[Place]:
        """What is read here now."""
        return [] if self._undecided is not None else list(self._readings)

    def beat(self, *, overdue: bool = False) -> None:
        """The loop turns; `overdue`: feeds wait that should have been looked at long ago."""
        self._beaten, self._served = self._running, self._serving
        if not overdue:
            self._looked = self._serving

    def looked(self) -> None:
        """A look at a feed has ended, somehow."""
        self._looked = self._serving

    def assigned(self, places: Collection[Place] | None) -> None:
        """These partitions are ours to read now; None: the group is deciding.

        What we keep goes on where it stood, so that a group that does nothing but rebalance is a standstill as well.
        Its canary may have gone to another worker meanwhile, so that is forgotten and a new one is due.
        """
        if places is None:
            self._undecided = self._serving if self._undecided is None else self._undecided
            return
        paused = 0.0 if self._undecided is None else self._serving - self._undecided
        kept = {place: reading for place, reading in self._readings.items() if place in places}
        for reading in kept.values():
            reading.moved += paused
            reading.canary = None
            reading.canary_due = min(reading.canary_due, self._serving + self.limits.canaries_s[Topic.STORIES])
        new = {place: _Reading(self._serving, self._serving) for place in places if place not in kept}
        self._readings = kept | new
        self._undecided = None

    def due_canaries(self) -> list[Place]:
        """Where a canary should be sent now. One that is not seen is followed by no other."""
        return [place for place in self.places if self._readings[place].canary_due <= self._serving]

    def sent(self, place: Place) -> None:
        """A canary is on its way; called before it is sent, for it may be seen before that is acknowledged."""
        if reading := self._readings.get(place):
            reading.canary = self._serving if reading.canary is None else reading.canary
            reading.canary_before, reading.canary_due = None, inf

    def unsent(self, place: Place) -> None:
        """It could not be sent, and is due again. It is awaited all the same: who cannot send stands still too."""
        if reading := self._readings.get(place):
            reading.canary_due = self._serving

    def seen(self, place: Place) -> None:
        """A canary of ours has come through. That its offset is committed as well is another matter."""
        if reading := self._readings.get(place):
            reading.canary = None
            reading.canary_due = self._serving + self.limits.canaries_s[Topic(place.part)]

    def handled(self, place: Place, offset: int) -> None:
        """The message at `offset` is done: that brings us nearer to a canary that lies behind it."""
        reading = self._readings.get(place)
        if reading is None or reading.canary is None:
            return
        if reading.canary_before is None or offset < reading.canary_before:
            reading.canary = self._serving

    def at_work(self, part: Part) -> None:
        """Whoever reads the part works, though no message is done yet: it folds a log."""
        for place, reading in self._readings.items():
            if place.part is part:
                reading.moved = self._serving
                reading.canary = None if reading.canary is None else self._serving

    def answered(self, offsets: Mapping[Place, Offsets]) -> None:
        """The broker has told how far the partitions are."""
        self.broker_answers = True
        for place, told in offsets.items():
            if reading := self._readings.get(place):
                if told.committed != reading.offsets.committed or not reading.waits:
                    reading.moved = self._serving
                reading.offsets = told
                if reading.canary_before is None:
                    reading.canary_before = told.end
