"""What is told to the service under fault, and what each story must give: its id says it.

An id is `KIND:NUMBER:AUTHORITY:GROUP`, of two stories about one happening with `:a` or `:b` after it. No two happenings
share authority and group. Before any of it is sent the pure functions have read it once, without a broker: what they do
not read as its kind demands is not used, so that the suite judges the guarantees and not the reading.

    quiet      says nothing of any group                      nothing
    mention    names a group, and no change                   relevant, and no more
    news       a listing                                      one alert, live
    copied     the same listing from two sources              one alert, live
    comma      news, then a revision that changes nothing     one alert, live, its first revision
    killed     news, then its kill                            one alert, retracted
    embargoed  news that a poller has to hold                 one alert, live, and nothing before its time
    dropped    news, then a revision that no longer says it   one alert, retracted
    unmatched  the kill of a story that never said anything   a dead letter
"""

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

import msgspec

from agents.kafka import Outgoing
from streams.alerts import settle
from streams.classifying import classify
from streams.codec import encode
from streams.ledger import open_entry
from streams.reading import read
from streams.records import Classified, GroupKey, Story, StoryId
from streams.registry import Registry
from streams.registry.entries import AuthorityKind
from streams.reports import reports
from streams.topics import MAX_MESSAGE_BYTES, Topic
from streams.vocabulary import Change, PubStatus, Stage

DAY = datetime(2026, 10, 5, 6, tzinfo=UTC)
FILLER = (
    "Officials gave no further details of the decision.",
    "The weather in the capital was mild for the season.",
    "Traffic was diverted for most of the afternoon.",
    "A spokesman declined to comment on the timing.",
    "The harvest festival opened as planned in the old town.",
)
FIRST_OF_FEEDS = 10_000_000
LATER = 40
"""Stories between a story and its second version."""


class Kind(StrEnum):
    """What a story is."""

    QUIET = "quiet"
    MENTION = "mention"
    NEWS = "news"
    COPIED = "copied"
    COMMA = "comma"
    KILLED = "killed"
    DROPPED = "dropped"
    EMBARGOED = "embargoed"
    UNMATCHED = "unmatched"


SHARES = {
    Kind.QUIET: 80,
    Kind.MENTION: 8,
    Kind.NEWS: 5,
    Kind.COPIED: 1,
    Kind.COMMA: 2,
    Kind.KILLED: 2,
    Kind.DROPPED: 1,
    Kind.UNMATCHED: 1,
}


FEED_KINDS = (
    Kind.KILLED, Kind.QUIET, Kind.NEWS, Kind.QUIET, Kind.QUIET, Kind.EMBARGOED, Kind.NEWS, Kind.QUIET, Kind.QUIET, None,
)  # fmt: skip
"""What feeds bring, over and over; None is the kill of the last that is to be killed."""


class Pair(NamedTuple):
    """Somebody who may list, and whom."""

    authority: str
    place: str
    group: GroupKey
    name: str


def pairs(registry: Registry, seed: int) -> Iterator[Pair]:
    """Pairs whose listing the reader reads as it should, each once, in an order of the seed's."""
    groups = [group for group in registry.groups.values() if registry.matcher.find(group.name)]
    states = [known for known in registry.authorities.values() if known.kind is AuthorityKind.STATE]
    every = [Pair(state.key, state.name, group.key, group.name) for state in states for group in groups]
    random.Random(seed).shuffle(every)  # noqa: S311 - dice, not a secret
    for pair in every:
        told = _story(Kind.NEWS, 0, pair, _listing(pair))
        found = [(c.authority, c.group, c.change, c.stage, c.news) for c in read(told, registry).claims]
        is_read = found == [(pair.authority, pair.group, Change.LISTING, Stage.EFFECTIVE, True)]
        if is_read and _is_news(told, registry) and _is_mere(pair, registry):
            yield pair


def _is_news(told: Story, registry: Registry) -> bool:
    """Whether the ledger, which may know of the listing already, makes an alert of it."""
    (report,) = reports(Classified(story=told, language="en", mentions=(), topics=()), read(told, registry), ())
    return len(settle(open_entry(report.authority, report.group, registry), report, registry)[1]) == 1


def _is_mere(pair: Pair, registry: Registry) -> bool:
    told = _story(Kind.MENTION, 0, pair, _mention(pair))
    return isinstance(classify(told, registry), Classified) and not read(told, registry).claims


class Supply:
    """Stories without end, as messages: later versions some stories after the first, all by the seed."""

    def __init__(self, registry: Registry, seed: int) -> None:
        self._dice = random.Random(seed)  # noqa: S311 - dice, not a secret
        self._pairs = pairs(registry, seed)
        self._later: list[tuple[int, Outgoing]] = []
        self._number = 0
        self.to_kill = ""

    def take(self) -> list[Outgoing]:
        """The next story, and the second versions whose time has come."""
        kinds, weights = zip(*SHARES.items(), strict=True)
        kind = self._dice.choices(kinds, weights)[0]
        pair = None if kind in {Kind.QUIET, Kind.UNMATCHED} else next(self._pairs)
        first, *others = _versions(kind, self._number, pair, self._dice)
        due = [message for at, message in self._later if at <= self._number]
        self._later = [(at, message) for at, message in self._later if at > self._number]
        self._later += [(self._number + LATER, other) for other in others]
        self._number += 1
        return [first, *due]

    def item(self, number: int) -> tuple[str, str, bool, bool]:
        """The next item of a feed: its guid, its text, whether it is under embargo, whether it kills an earlier one."""
        kind = FEED_KINDS[number % len(FEED_KINDS)]
        if kind is None:
            return (self.to_kill, "", False, True)
        pair = None if kind is Kind.QUIET else next(self._pairs)
        story = _story(
            kind, FIRST_OF_FEEDS + number, pair, _listing(pair) if pair else f"Wheat prices rise for day {number}."
        )
        if kind is Kind.KILLED:
            self.to_kill = story.guid
        return (story.guid, story.body, kind is Kind.EMBARGOED, False)

    def rest(self) -> list[Outgoing]:
        """The second versions that are still to come."""
        rest, self._later = [message for _, message in self._later], []
        return rest


def _versions(kind: Kind, number: int, pair: Pair | None, dice: random.Random) -> list[Outgoing]:
    filler = " ".join(dice.choices(FILLER, k=dice.randrange(2, 30)))
    if pair is None:
        quiet = _story(kind, number, None, f"Wheat prices rise for day {number}. {filler}")
        killed = msgspec.structs.replace(quiet, pub_status=PubStatus.CANCELED, revision=2)
        return [_message(quiet if kind is Kind.QUIET else killed)]
    text = (_mention if kind is Kind.MENTION else _listing)(pair)
    first = _story(kind, number, pair, f"{text} {filler}")
    match kind:
        case Kind.COPIED:
            other = _named(
                first, "b", feed="other", source="Other Wire", headline=f"Update: {text}",
                body=f"{text} {' '.join(reversed(FILLER))}",
            )  # fmt: skip
            return [_message(_named(first, "a")), _message(other)]
        case Kind.COMMA:
            return [_message(first), _message(_next(first, body=f"{first.body},"))]
        case Kind.KILLED:
            return [_message(first), _message(_next(first, pub_status=PubStatus.CANCELED))]
        case Kind.DROPPED:
            return [_message(first), _message(_next(first, headline=_mention(pair), body=f"{_mention(pair)} {filler}"))]
    return [_message(first)]


def _named(story: Story, ending: str, **changes: object) -> Story:
    name = f"{story.id}:{ending}"
    return msgspec.structs.replace(story, id=StoryId(name), guid=name, **changes)


def _next(story: Story, **changes: object) -> Story:
    return msgspec.structs.replace(story, revision=2, **changes)


def _listing(pair: Pair) -> str:
    listed = f"{pair.place} has added {pair.name} to its list of terrorist organisations"
    return f"{listed}, the Foreign Ministry said on Monday."


def _mention(pair: Pair) -> str:
    lifted = f"{pair.place} lifted its ban on fishing in the lake"
    return f"{lifted}, and a delegate mentioned {pair.name} in passing on Monday."


def _story(kind: Kind, number: int, pair: Pair | None, text: str) -> Story:
    name = f"{kind}:{number}:{pair.authority if pair else '-'}:{pair.group if pair else '-'}"
    at = DAY + timedelta(seconds=number % 50_000)
    headline, _, _ = text.partition(". ")
    return Story(
        id=StoryId(name), feed="faults", guid=name, headline=headline, body=text, received_at=at, published=at,
        source="Fault Wire",
    )  # fmt: skip


def _message(story: Story) -> Outgoing:
    return Outgoing(Topic.STORIES, story.id.encode(), encode(story))


def poison(seed: int) -> Iterator[Outgoing]:
    """Messages that no agent can handle, without end; their keys begin with `poison`."""
    dice = random.Random(seed)  # noqa: S311 - dice, not a secret
    shapes: Sequence[bytes | None] = (
        b"{not json", None, b"", b"[]", b"null", b"[" * 100_000, b'{"id":5}', b'{"story":{"id":"x"}}', b"\xff\xfe\x00",
        b'{"id":"x","feed":"x","guid":"x","headline":7,"body":null,"received_at":"yesterday"}',
    )  # fmt: skip
    topics = (Topic.STORIES,) * 8 + (Topic.RELEVANT, Topic.CLAIMS)
    number = 0
    while True:
        large = number % 400 == 399
        value = dice.randbytes(MAX_MESSAGE_BYTES - 700) if large else dice.choice(shapes)
        yield Outgoing(dice.choice(topics), f"poison:{number}".encode(), value)
        number += 1
