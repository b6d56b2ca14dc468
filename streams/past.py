"""The reports of an entry, and what its fold made of each: appended to, looked up and folded again without a search.

    report   0    1    2    3    4
    state  s0   s1   s1   s1   s2   s2      before each report; most of them move nothing

A `Past` is a value, whatever is done with it later: `append` gives another one. The two share their rows, and the
longer one has the indexes of both, so that a report on a key that has thousands costs no more than one on a new key. A
value that was appended to before, or folded again, makes indexes of its own when it needs them once more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, overload

from streams.chorus import Chorus
from streams.corroboration import Voice
from streams.records import Alert, AlertId, Claim, Entry, Report, StoryId, Transition
from streams.verdicts import TakenBack, counting, taken_back
from streams.vocabulary import Change, Stage

Matter = tuple[Change, Stage, str | None, str | None]


def matter(move: Transition | Claim | Alert) -> Matter:
    """What must be alike for two stories to tell the same, the day apart."""
    return (move.change, move.stage, move.instrument, move.scope)


class Move(NamedTuple):
    """A move of the ledger, and the claim and report that it rests on."""

    transition: Transition
    claim: Claim
    report: Report
    id: AlertId  # of the alert that it calls for
    denies: bool


class Row(NamedTuple):
    """A report in its place."""

    report: Report
    claims: tuple[Claim, ...]  # those that count, history first
    before: Entry  # the standings that the report met
    moves: tuple[Move, ...] = ()


@dataclass(slots=True)
class _Shared:
    rows: list[Row]
    places: dict[StoryId, int]
    choruses: dict[Matter, Chorus] = field(default_factory=dict)


class Past(Sequence[Report]):
    """Reports in log order. `start` and `end` are the standings before and after them all; without `start` the rows
    are not of one fold."""

    __slots__ = ("_shared", "_size", "end", "start", "taken")

    def __init__(self, rows: list[Row], start: Entry | None, end: Entry, taken: TakenBack) -> None:
        self._shared = _Shared(rows, {row.report.story.id: place for place, row in enumerate(rows)})
        self._size = len(rows)
        self.start = start
        self.end = end
        self.taken = taken

    @property
    def rows(self) -> list[Row]:
        """A copy of the rows."""
        return self._shared.rows[: self._size]

    def place_of(self, story: StoryId) -> int | None:
        """Where the story's report is."""
        place = self._shared.places.get(story)
        return place if place is not None and place < self._size else None

    def append(self, row: Row, end: Entry) -> Past:
        """With one more report, of a story that is not among these."""
        grown = Past.__new__(Past)
        grown._shared = self._shared if self._is_newest else _Shared(self.rows, self._places())
        grown._size, grown.start, grown.end, grown.taken = self._size + 1, self.start, end, self.taken
        grown._shared.rows.append(row)
        grown._shared.places[row.report.story.id] = self._size
        for about, voices in _by_matter(row).items():
            if (chorus := grown._shared.choruses.get(about)) is not None:
                chorus.put(self._size, voices)
        return grown

    def chorus(self, about: Matter) -> Chorus:
        """All that say so, as news."""
        known = self._shared.choruses.get(about) if self._is_newest else None
        if known is not None:
            return known
        told = ((place, row, claim) for place, row in enumerate(self.rows) for claim in row.claims if claim.news)
        made = Chorus((place, Voice(claim, row.report.story)) for place, row, claim in told if matter(claim) == about)
        if self._is_newest:
            self._shared.choruses[about] = made
        return made

    def pass_on(self, other: Past, changed: Iterable[int]) -> None:
        """Leaves the voices to the value that takes this one's place; `changed` are the rows in which they differ."""
        if not self._is_newest:
            return
        choruses, self._shared.choruses = self._shared.choruses, {}
        for place in changed:
            before = _by_matter(self._shared.rows[place]) if place < self._size else {}
            after = _by_matter(other._shared.rows[place])
            for about in {**before, **after}.keys() & choruses.keys():
                if choruses[about].knows(place) or place >= self._size:
                    choruses[about].put(place, after.get(about, ()))
                else:
                    del choruses[about]
        other._shared.choruses = choruses

    @property
    def _is_newest(self) -> bool:
        return self._size == len(self._shared.rows)

    def _places(self) -> dict[StoryId, int]:
        return {story: place for story, place in self._shared.places.items() if place < self._size}

    @overload
    def __getitem__(self, at: int) -> Report: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Report]: ...
    def __getitem__(self, at: int | slice) -> Report | Sequence[Report]:
        return tuple(self)[at] if isinstance(at, slice) else self._shared.rows[range(self._size)[at]].report

    def __iter__(self) -> Iterator[Report]:
        return (row.report for row in self.rows)

    def __len__(self) -> int:
        return self._size

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and (self is other or tuple(self) == tuple(other))

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return repr(tuple(self))


def past_of(entry: Entry) -> Past:
    """What lies behind the entry; of one that was not folded report by report, all there is to know."""
    known, now = entry.reports, standings_of(entry)
    if isinstance(known, Past):
        return known if known.end == now else Past(known.rows, None, now, known.taken)
    taken = taken_back(known)
    rows = [Row(report, in_turn(counting(report, at, taken)), now) for at, report in enumerate(known)]
    return Past(rows, None if rows else now, now, taken)


def standings_of(entry: Entry) -> Entry:
    """Only what claims move."""
    return Entry(authority=entry.authority, group=entry.group, standings=entry.standings, disputed=entry.disputed)


def in_turn(claims: tuple[Claim, ...]) -> tuple[Claim, ...]:
    """The claims as the ledger takes them: history first."""
    return claims if len(claims) < 2 else tuple(sorted(claims, key=lambda claim: claim.news))


def _by_matter(row: Row) -> dict[Matter, tuple[Voice, ...]]:
    told: dict[Matter, tuple[Voice, ...]] = {}
    for claim in row.claims:
        if claim.news:
            about = matter(claim)
            told[about] = (*told.get(about, ()), Voice(claim, row.report.story))
    return told
