"""An alert in plain words, for media that people read: chat, mail, feeds.

Whatever comes from a story passes `clean`: one line, bounded, without characters that steer a terminal, a reader's
eye or an XML parser. What a medium takes for markup is still its sink's to escape. A link is given only if it is
one of the web, so that no `javascript:` becomes something to click on.
"""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import urlsplit

from agents.rendering import move, plain, title, voice
from streams.records import Alert

LONGEST = 1_000
LONGEST_LINK = 2_000

_NO_XML = re.compile("[\ud800-\udfff\ufdd0-\ufdef\ufeff\ufffe\uffff]")


class Words(NamedTuple):
    """The lines of an alert, each on one line."""

    title: str
    move: str
    quote: str
    voice: str
    origin: str
    link: str | None
    id: str

    @property
    def lines(self) -> tuple[str, ...]:
        """All but the title, in the order of reading."""
        return tuple(filter(None, (self.move, self.quote, self.voice, self.origin, self.link)))


def words_of(alert: Alert) -> Words:
    """The alert as it is told to people."""
    story = alert.story
    where = f"{alert.authority_name}: {alert.group_name}"
    parts = ", ".join(part for part in (alert.scope, alert.instrument) if part)
    published = f", {story.published:%Y-%m-%d %H:%M} UTC" if story.published else ""
    return Words(
        title=clean(f"[{title(alert)}] {where}{f' ({parts})' if parts else ''} ({alert.level})", 200),
        move=clean(move(alert).plain),
        quote=f"“{clean(alert.evidence.text)}”",
        voice=clean(voice(alert).plain),
        origin=clean(f"{story.source or story.feed}{published}: {story.headline}"),
        link=_link(story.link),
        id=clean(alert.id),
    )


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
