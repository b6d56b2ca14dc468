"""An alert, or the alerts of one story, in plain words for media that people read: chat, mail, feeds.

Whatever comes from a story passes `clean`: one line, bounded, without characters that steer a terminal, a reader's
eye or an XML parser. What a medium takes for markup is still its sink's to escape. A link is given only if it is
one of the web, so that no `javascript:` becomes something to click on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

from agents.rendering import move, plain, speaker, title, voice
from streams.records import Alert

LONGEST = 1_000
LONGEST_LINK = 2_000

_NO_XML = re.compile("[\ud800-\udfff\ufdd0-\ufdef\ufeff\ufffe\uffff]")


class Words(NamedTuple):
    """What is told, each string on one line: of a bundle a move an alert, quotes and voices without repetition."""

    title: str
    moves: tuple[str, ...]
    quotes: tuple[str, ...]
    voices: tuple[str, ...]
    origin: str
    link: str | None

    @property
    def lines(self) -> tuple[str, ...]:
        """All but the title, in the order of reading."""
        return tuple(filter(None, (*self.moves, *self.quotes, *self.voices, self.origin, self.link)))


def words_of(alert: Alert) -> Words:
    """The alert as it is told to people."""
    head = f"[{title(alert)}] {alert.authority_name}: {_whom(alert)} ({alert.level})"
    return _words((alert,), head, (move(alert).plain,), (voice(alert).plain,))


def bundle_words(alerts: Sequence[Alert]) -> Words:
    """The alerts of one story as they are told together; the title says at least how many they are."""
    first = alerts[0]
    heads = {(title(alert), alert.authority_name, alert.level) for alert in alerts}
    if len(heads) == 1 and len({alert.group for alert in alerts}) == len(alerts):
        head = f"[{title(first)}] {first.authority_name}: {len(alerts)} groups ({first.level})"
    else:
        head = f"[{len(alerts)} changes] {first.story.headline}"
    voices = (f"{speaker(alert).plain}" for alert in alerts)
    return _words(alerts, head, tuple(map(_line, alerts)), tuple(voices))


def _line(alert: Alert) -> str:
    who = f"{alert.authority_name}: {_whom(alert)}"
    return f"{who}: {title(alert)} ({alert.level}), {move(alert).plain} · {alert.id}"


def _words(alerts: Sequence[Alert], head: str, moves: Iterable[str], voices: Iterable[str]) -> Words:
    story = alerts[0].story
    published = f", {story.published:%Y-%m-%d %H:%M} UTC" if story.published else ""
    return Words(
        title=clean(head, 200),
        moves=tuple(map(clean, moves)),
        quotes=tuple(dict.fromkeys(f"“{clean(alert.evidence.text)}”" for alert in alerts)),
        voices=tuple(dict.fromkeys(map(clean, voices))),
        origin=clean(f"{story.source or story.feed}{published}: {story.headline}"),
        link=_link(story.link),
    )


def _whom(alert: Alert) -> str:
    parts = ", ".join(part for part in (alert.scope, alert.instrument) if part)
    return f"{alert.group_name}{f' ({parts})' if parts else ''}"


def clean(text: str, longest: int = LONGEST) -> str:
    """One line of at most so many characters that does nothing but be read."""
    line = plain(_NO_XML.sub("", text))
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def _link(link: str | None) -> str | None:
    """The address if it is of the web and has nothing that could end a quotation around it."""
    if (
        link is None
        or len(link) > LONGEST_LINK
        or not re.fullmatch(r"[!-~]+", link)
        or re.search(r'[<>"|\\^`{}]', link)
    ):
        return None
    try:
        parts = urlsplit(link)
    except ValueError:
        return None
    return link if parts.scheme in {"http", "https"} and parts.hostname else None
