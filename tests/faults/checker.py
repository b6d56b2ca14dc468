"""The judge: from what the topics hold at the end to what was lost, unaccounted for, doubled or out of order.

It knows nothing of how the run went. What a story must give stands in its id (`stories.py`); that a claim leads to
these alerts and no others is told by one fold of the log of claims, made without a broker.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from stories import Kind

ALERTED = frozenset({Kind.NEWS, Kind.COPIED, Kind.COMMA, Kind.KILLED, Kind.DROPPED, Kind.EMBARGOED})
RETRACTED = frozenset({Kind.KILLED, Kind.DROPPED})


class Told(NamedTuple):
    """A revision of an alert on the topic; `digest` is of its bytes."""

    key: str
    id: str
    revision: int
    status: str
    story: str
    digest: str


class Row(NamedTuple):
    """A row of the ledger as readers see it; `offset` is of the claim it rests on."""

    offset: int
    digest: str


@dataclass
class Evidence:
    """What was found on the topics, and what was promised."""

    acknowledged: set[str] = field(default_factory=set)  # ids and poison keys that the broker took from the loader
    stories: set[str] = field(default_factory=set)  # ids on wire.stories
    killed: set[str] = field(default_factory=set)  # those of which a kill is there
    early: set[str] = field(default_factory=set)  # those that came before their embargo ended
    poison: dict[str, str] = field(default_factory=dict)  # key -> origin, of all topics
    relevant: set[str] = field(default_factory=set)
    claimed: set[str] = field(default_factory=set)
    letters: set[str] = field(default_factory=set)  # origins
    buried: set[str] = field(default_factory=set)  # ids of stories in letters
    alerts: list[Told] = field(default_factory=list)  # in the order of each partition
    folded: dict[tuple[str, int], str] = field(default_factory=dict)  # (id, revision) -> digest, by one fold
    rows: dict[str, Row] = field(default_factory=dict)  # the last of each key
    folded_rows: dict[str, Row] = field(default_factory=dict)
    behind: dict[str, int] = field(default_factory=dict)  # group, topic and partition -> messages not committed
    delivered: list[tuple[str, int]] = field(default_factory=list)  # by the sink


@dataclass
class Verdict:
    """What is wrong, by its kind, in words; all empty is what we promise."""

    lost: list[str] = field(default_factory=list)
    unaccounted: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    disordered: list[str] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Whether every promise was kept."""
        return not any(vars(self).values())


def judge(found: Evidence) -> Verdict:
    """All that is wrong with the evidence."""
    verdict = Verdict()
    by_story = _final_by_story(found.alerts)
    verdict.lost += [f"{name}: acknowledged and not on its topic" for name in found.acknowledged - _present(found)]
    for name in sorted(found.stories):
        _judge_story(name, found, by_story.get(_happening(name), ()), verdict)
    verdict.unaccounted += [
        f"{key}: no dead letter of {at}" for key, at in found.poison.items() if at not in found.letters
    ]
    verdict.unaccounted += [f"{place}: {count} messages never committed" for place, count in found.behind.items()]
    verdict.unexpected += [f"{name}: told under embargo" for name in found.early]
    _judge_alerts(found, verdict)
    _judge_rows(found, verdict)
    _judge_sink(found, verdict)
    return verdict


def _present(found: Evidence) -> set[str]:
    return found.stories | found.poison.keys()


def _happening(name: str) -> str:
    """The id of a story without what tells two of one happening apart."""
    return ":".join(name.split(":")[:4])


def kind_of(name: str) -> Kind:
    """What the story with this id is."""
    return Kind(name.partition(":")[0])


def _final_by_story(alerts: Iterable[Told]) -> Mapping[str, tuple[Told, ...]]:
    """The last revision of each alert, by the happening it tells of."""
    last: dict[str, Told] = {}
    for told in alerts:
        if told.id not in last or told.revision > last[told.id].revision:
            last[told.id] = told
    found: dict[str, tuple[Told, ...]] = defaultdict(tuple)
    for told in last.values():
        found[_happening(told.story)] += (told,)
    return found


def _judge_story(name: str, found: Evidence, alerts: tuple[Told, ...], verdict: Verdict) -> None:
    kind = kind_of(name)
    if name in found.buried:
        return
    if kind is Kind.UNMATCHED:
        verdict.unaccounted.append(f"{name}: no dead letter")
        return
    if kind is Kind.QUIET and name in found.relevant:
        verdict.unexpected.append(f"{name}: thought relevant")
    if kind is not Kind.QUIET and name not in found.relevant:
        (verdict.lost if kind in ALERTED else verdict.unaccounted).append(f"{name}: not on wire.relevant")
    if kind in ALERTED and name not in found.claimed:
        verdict.lost.append(f"{name}: not on designation.claims")
    if kind in ALERTED:
        _judge_news(name, kind, alerts, verdict)
    elif alerts:
        verdict.unexpected.append(f"{name}: an alert")


def _judge_news(name: str, kind: Kind, alerts: tuple[Told, ...], verdict: Verdict) -> None:
    if not alerts:
        verdict.lost.append(f"{name}: no alert")
        return
    if len(alerts) > 1:
        verdict.doubled.append(f"{name}: {len(alerts)} alerts")
    if (kind in RETRACTED) != (alerts[0].status == "retracted"):
        verdict.lost.append(f"{name}: {alerts[0].status} at the end")
    if kind is Kind.COMMA and alerts[0].revision > 1:
        verdict.unexpected.append(f"{name}: revision {alerts[0].revision}")


def _judge_alerts(found: Evidence, verdict: Verdict) -> None:
    """One content a revision, ascending in each alert, and what one fold of the claims says, no more and no less."""
    seen: dict[tuple[str, int], str] = {}
    highest: dict[str, int] = defaultdict(int)
    for told in found.alerts:
        if seen.setdefault((told.id, told.revision), told.digest) != told.digest:
            verdict.doubled.append(f"{told.id} revision {told.revision}: told in two ways")
        elif told.revision > highest[told.id] + 1:
            verdict.disordered.append(f"{told.id}: revision {told.revision} after {highest[told.id]}")
        highest[told.id] = max(highest[told.id], told.revision)
    for place in sorted(found.folded.keys() - seen.keys()):
        verdict.lost.append(f"{place[0]} revision {place[1]}: follows from the claims and was never told")
    for place in sorted(seen.keys() - found.folded.keys()):
        verdict.unexpected.append(f"{place[0]} revision {place[1]}: does not follow from the claims")
    for place in sorted(seen.keys() & found.folded.keys()):
        if seen[place] != found.folded[place]:
            verdict.unexpected.append(f"{place[0]} revision {place[1]}: told otherwise than it follows from the claims")


def _judge_rows(found: Evidence, verdict: Verdict) -> None:
    for key, row in sorted(found.folded_rows.items()):
        if found.rows.get(key) != row:
            verdict.stale.append(f"{key}: {found.rows.get(key)}, the claims say {row}")


def _judge_sink(found: Evidence, verdict: Verdict) -> None:
    told = {(alert.id, alert.revision) for alert in found.alerts}
    for place in sorted(told - set(found.delivered)):
        verdict.lost.append(f"{place[0]} revision {place[1]}: never delivered")
    for place in sorted(set(found.delivered) - told):
        verdict.unexpected.append(f"{place[0]} revision {place[1]}: delivered, and never told")
