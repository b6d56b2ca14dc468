"""An alert as a person reads it in a terminal: who, what, how far, by whose word, how fresh.

    ▌ DELISTING DECIDED  Russia ▸ Taliban                                 unconfirmed
    ▌ listed → delisting decided, 2024-10-04
    ▌ “The decision to take the Taliban off the list has been made at the highest level”
    ▌ said by Russia's Foreign Ministry through TASS
    ▌ 3 s after publication · demo-wire · Moscow to drop the Taliban from its terror list

Story text is data from strangers: control characters and marks that turn the direction of text are taken out
before anything reaches a terminal, and nothing of it is ever read as markup.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from rich.console import Console
from rich.text import Text

from streams.records import Alert, Standing, Status
from streams.registry import Registry
from streams.vocabulary import AlertKind, AlertStatus, Level, State

WIDTH = 96
BAR = "▌ "

_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u061c\u202a-\u202e\u2066-\u2069]+")

_COLOURS = {
    AlertKind.STEP: "yellow",
    AlertKind.CHANGE: "red",
    AlertKind.PARTIAL: "red",
    AlertKind.EXTENDED: "red",
    AlertKind.REJECTED: "cyan",
    AlertKind.RENEWAL: "blue",
    AlertKind.LAPSE: "magenta",
}
_LEVELS = {Level.UNCONFIRMED: "yellow", Level.CONFIRMED: "green", Level.OFFICIAL: "bold green"}
_TITLES = {
    AlertKind.PARTIAL: "off one list",
    AlertKind.EXTENDED: "listing extended",
    AlertKind.RENEWAL: "listing renewed",
    AlertKind.LAPSE: "listing lapsed",
}


def render(alert: Alert, now: datetime | None, width: int = WIDTH) -> Text:
    """The alert in a few lines of at most `width` columns, the evidence underlined.

    Without `now`, for alerts of the past, it tells the day of publication instead of how fresh the alert is.
    """
    return _barred(_lines(alert, now, _colour(alert)), _colour(alert), width)


def render_bundle(alerts: Sequence[Alert], now: datetime, width: int = WIDTH) -> Text:
    """The alerts of one story: each with its move, then what they share, once."""
    moves = [line for alert in alerts for line in (_headline(alert, _colour(alert)), move(alert))]
    quotes = {quote(alert).plain: quote(alert) for alert in alerts}
    voices = {speaker(alert).plain: speaker(alert) for alert in alerts}
    shared = (*quotes.values(), *voices.values(), *_footer(alerts[0], now))
    return _barred((*moves, *shared), _colour(alerts[0]), width)


def _barred(lines: Iterable[Text], colour: str, width: int) -> Text:
    console = Console(file=io.StringIO(), width=width)
    bar = Text(BAR, colour)
    wrapped = [part for line in lines for part in line.wrap(console, width - len(BAR))]
    for part in wrapped:
        part.rstrip()
    return Text("\n").join(Text.assemble(bar, part) for part in wrapped)


def _colour(alert: Alert) -> str:
    return _COLOURS[alert.kind] if alert.status is not AlertStatus.RETRACTED else "bright_black"


def status_lines(row: Status, registry: Registry) -> list[str]:
    """A row of the ledger in lines: who stands where with whom, then each list."""
    authority = registry.authorities[row.authority].name if row.authority in registry.authorities else row.authority
    group = registry.groups[row.group].name if row.group in registry.groups else row.group
    head = f"{authority} ▸ {group}: {'listed' if row.listed else 'not listed'}{', disputed' if row.disputed else ''}"
    return [head, *(f"    {_standing(standing)}" for standing in row.standings)]


_RECOGNITION = {
    State.UNRECOGNISED,
    State.RECOGNITION_PROPOSED,
    State.RECOGNITION_DECIDED,
    State.RECOGNISED,
    State.WITHDRAWN,
}


def _standing(standing: Standing) -> str:
    where = standing.instrument or ("recognition" if standing.state in _RECOGNITION else "main list")
    scope = f" ({standing.scope})" if standing.scope else ""
    since = f" since {standing.since}" if standing.since else ""
    return f"{where}{scope}: {standing.state.replace('-', ' ')}{since}"


def plain(text: str) -> str:
    """`text` on one line, without what could move a cursor, a colour or the reader's eye."""
    return " ".join(_UNSAFE.sub(" ", text).split())


def inert(text: str) -> str:
    """`text` with its lines kept, without what could turn the reader's eye; for pages that lay out text themselves."""
    return "\n".join(_UNSAFE.sub(" ", line) for line in text.split("\n"))


def _lines(alert: Alert, now: datetime | None, colour: str) -> Iterator[Text]:
    yield _headline(alert, colour)
    yield move(alert)
    yield quote(alert)
    yield voice(alert)
    yield from _footer(alert, now)


def _footer(alert: Alert, now: datetime | None) -> Iterator[Text]:
    yield _origin(alert, now)
    if alert.story.link:
        yield Text(plain(alert.story.link), "dim")


def _headline(alert: Alert, colour: str) -> Text:
    line = Text.assemble((f" {title(alert).upper()} ", f"bold reverse {colour}"), "  ")
    line.append(plain(alert.authority_name), "bold").append(" ▸ ", colour).append(plain(alert.group_name), "bold")
    if alert.scope:
        line.append(f" ({plain(alert.scope)})")
    if alert.instrument:
        line.append(f", {plain(alert.instrument)}", "dim")
    return line.append("  ").append(alert.level.value, _LEVELS[alert.level])


def title(alert: Alert) -> str:
    """What has happened in two or three words, and whether it still holds."""
    if alert.status is AlertStatus.RETRACTED:
        return f"retracted: {alert.change} {alert.stage}"
    if alert.kind is AlertKind.CHANGE:
        words = alert.to_state.value
    else:
        words = _TITLES.get(alert.kind, f"{alert.change} {alert.stage}")
    return words if alert.status is AlertStatus.LIVE else f"{alert.status}: {words}"


def move(alert: Alert) -> Text:
    """From which state to which, when, and what a later revision changed."""
    line = Text.assemble(_said(alert.from_state), (" → ", "dim"), (_said(alert.to_state), "bold"))
    if alert.acted_on:
        line.append(f", {alert.acted_on}")
    if alert.effective_on:
        line.append(f", in force {alert.effective_on}")
    if alert.revision > 1:
        line.append(f"  revision {alert.revision}: {plain(alert.reason)}", "italic")
    return line


def voice(alert: Alert) -> Text:
    """Who says so, through whom, and how sure the reading is."""
    return speaker(alert).append(f" · confidence {alert.confidence:.2f} · {plain(alert.id)}", "dim")


def quote(alert: Alert) -> Text:
    """The words of the story that the alert rests on."""
    return Text.assemble("“", (plain(alert.evidence.text), "underline"), "”")


def speaker(alert: Alert) -> Text:
    """Who says so, and through whom."""
    line = Text()
    if not alert.speaker:
        return line.append(f"as {plain(alert.medium)} has it" if alert.medium else "nobody named as the source")
    line.append("said by ").append(plain(alert.speaker), "bold")
    if alert.medium and alert.medium != alert.speaker:
        line.append(f" through {plain(alert.medium)}")
    return line


def _origin(alert: Alert, now: datetime | None) -> Text:
    story = alert.story
    source = f"{plain(story.source)} ({plain(story.feed)})" if story.source else plain(story.feed)
    return Text.assemble((_age(story.published, now), "green"), f" · {source} · ", (plain(story.headline), "dim"))


def _age(published: datetime | None, now: datetime | None) -> str:
    if published is None:
        return "publication time unknown"
    if now is None:
        return f"published {published:%Y-%m-%d}"
    seconds = max(0, int((now - published).total_seconds()))
    for unit, size in (("days", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit} after publication"
    return f"{seconds} s after publication"


def _said(state: str) -> str:
    return state.replace("-", " ")
