"""A story as its format gives it, and what every wire format does with it from there on.

A format module fills a `Draft` with the words of the document, unread; `to_story` reads dates by the agency's zone,
brings languages, versions and urgencies to one form, cuts what is too long and finds the story's identity.
"""

import re
from collections.abc import Collection, Iterable
from datetime import datetime
from urllib.parse import urljoin, urlsplit

from msgspec import Struct

from streams.feeds import FeedSpec
from streams.records import Story
from streams.vocabulary import Precision, PubStatus, Signal
from streams.wires.dates import ReadDate, read_date
from streams.wires.documents import settle, story_id
from streams.wires.notices import signals_of

MAX_SUBJECTS = 32
LONGEST_CREDIT = 200
_LONGEST_LINK = 2_048
_LARGEST_VERSION = 2**62
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{1,8})*")
_DIGITS = re.compile(r"\d+")


class Draft(Struct, frozen=True, kw_only=True):
    """The fields of one item as they are written. Text is text already: paragraphs are lines, no markup."""

    guid: str
    identity: str | None = None  # what all versions of the item share, where the guid does not tell it
    headline: str = ""
    body: str = ""
    version: str | None = None
    published: str | None = None  # when this story was first made
    revised: str | None = None  # when this version of it was made
    language: str | None = None
    link: str | None = None
    source: str | None = None
    slugline: str | None = None
    byline: str | None = None
    dateline: str | None = None
    urgency: str | None = None
    subjects: tuple[str, ...] = ()
    pub_status: PubStatus | None = None  # as stated
    signals: tuple[Signal, ...] = ()  # what fields say; what the headline and `notes` say is added
    notes: tuple[str, ...] = ()  # keyword lines and editors' notes
    embargoed_until: str | None = None
    complete: bool = True


def to_story(draft: Draft, feed: FeedSpec, received_at: datetime, url: str | None = None) -> Story:
    """The story. A revision counts as the agency counts, from 1; where it does not, this is the first we know of."""
    version = version_of(draft.version)
    revised = read_date(draft.revised or "", feed.zone)
    first = read_date(draft.published or "", feed.zone) or revised
    embargo = read_date(draft.embargoed_until or "", feed.zone)
    signals = {*draft.signals, *signals_of(lines=(draft.headline, draft.slugline, *draft.notes))}
    return settle(
        Story(
            id=story_id(feed.key, draft.identity or unversioned(draft.guid, draft.version)),
            feed=feed.key,
            guid=draft.guid,
            headline=draft.headline,
            body=draft.body,
            received_at=received_at,
            revision=max(version or 1, 1),
            version=version,
            published=_at(first),
            published_precision=first.precision if first else Precision.TIME,
            revised=_at(revised),
            language=language_of(draft.language) or feed.language,
            link=web_link(draft.link, url or feed.url),
            source=credit(draft.source) or feed.source,
            slugline=credit(draft.slugline),
            byline=credit(draft.byline),
            dateline=credit(draft.dateline),
            urgency=urgency_of(draft.urgency),
            subjects=subjects_of(draft.subjects),
            pub_status=draft.pub_status or _implied(signals),
            signals=tuple(signal.value for signal in Signal if signal in signals),
            embargoed_until=_at(embargo),
            complete=draft.complete,
            official_of=feed.authority if feed.official else None,
        )
    )


def stops(draft: Draft) -> bool:
    """Whether the item takes back what was sent before, so that it matters without any text."""
    found = {*draft.signals, *signals_of(lines=(draft.headline, *draft.notes))}
    return draft.pub_status in {PubStatus.WITHHELD, PubStatus.CANCELED} or Signal.KILL in found


def unversioned(guid: str, version: str | None) -> str:
    """The guid without its version at the end: `tag:agency.example,2024:newsml_ABC:2` is `...ABC` in its version 2.

    Some agencies count in the guid, so that each version of a story would be a story of its own. In an address a
    number names the story: `https://agency.example/items/5` in its version 5 is no version of `items`.
    """
    stated = (version or "").strip()
    if not stated or guid.startswith(("http://", "https://")):
        return guid
    return re.sub(rf"[:/]v?{re.escape(stated)}[NUAD]?\Z", "", guid) or guid


def version_of(text: str | None) -> int | None:
    """The number of a version; None where there is none or it is no number."""
    stated = (text or "").strip()
    return int(stated) if _DIGITS.fullmatch(stated) and len(stated) < 19 and int(stated) < _LARGEST_VERSION else None


def urgency_of(text: str | None) -> int | None:
    """IPTC's 1 (most urgent) to 9."""
    stated = (text or "").strip()
    return int(stated) if len(stated) == 1 and stated in "123456789" else None


def language_of(tag: str | None) -> str | None:
    """The language tag in lower case with hyphens; None for what is none (`und`, `mul`, a name in full)."""
    known = (tag or "").strip().replace("_", "-").lower()
    return known if _LANGUAGE.fullmatch(known) and known not in {"und", "mul", "zxx", "mis"} else None


def credit(text: str | None) -> str | None:
    """A name, place or keyword line on one line, cut to a length that fits a label."""
    return " ".join((text or "").split())[:LONGEST_CREDIT] or None


def subjects_of(codes: Iterable[str]) -> tuple[str, ...]:
    """Each code or term once, in order, as many as are kept."""
    return tuple(dict.fromkeys(filter(None, map(credit, codes))))[:MAX_SUBJECTS]


def web_link(raw: str | None, base: str) -> str | None:
    """An http or https address, completed by `base`; any other scheme is no link for a reader to follow."""
    if raw is None or not raw.strip() or len(raw) > _LONGEST_LINK:
        return None
    try:
        link = urljoin(base, "".join(raw.split()))
        parts = urlsplit(link)
    except ValueError:
        return None
    return link if parts.scheme in {"http", "https"} and parts.netloc else None


def _implied(signals: Collection[Signal]) -> PubStatus:
    """Formats without a status field kill a story by a word."""
    return PubStatus.CANCELED if Signal.KILL in signals else PubStatus.USABLE


def _at(read: ReadDate | None) -> datetime | None:
    return read.at if read else None
