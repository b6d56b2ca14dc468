"""dpa digitalwires JSON: one entry, a list of them, or the `entries` of the wireQ API.

All entries are of type `composite`. An entry with an `article_html` is a text; one without, whose associations are a
picture, a video or a sound, is that. The dateline stands apart from the article. Entries that the signal
`dpasig:isplanned` marks announce a text that is yet to come and are no stories.

Source: the digitalwires format as dpa's own converters to NewsML-G2 and IPTC 7901 read it.
"""

from collections.abc import Iterator
from datetime import datetime

from streams.errors import WireError
from streams.feeds import FeedSpec
from streams.wires.documents import Document
from streams.wires.drafts import Draft
from streams.wires.html import to_text
from streams.wires.json_document import (
    Fields,
    codes,
    document_of,
    fields,
    key,
    line,
    may_be_json,
    objects,
    parse_json,
    string,
    strings,
)
from streams.wires.notices import signals_of, status_of

NAME = "dpa"

_FORMAT, _URN, _CREATED = key("format"), key("urn"), key("version_created")
_DIGITALWIRES = '"digitalwires@'
_NAMED = frozenset({"provider"})
_PLANNED = "isplanned"


def sniff(head: str, media_type: str | None) -> bool:
    """Whether a document holds entries of digitalwires."""
    if not may_be_json(head):
        return False
    named = _FORMAT.search(head) and _DIGITALWIRES in head
    return bool(named or (_URN.search(head) and _CREATED.search(head)))


def decode(
    raw: bytes,
    feed: FeedSpec,
    received_at: datetime,
    *,
    media_type: str | None = None,
    url: str | None = None,
) -> Document:
    """The stories of one entry or several. Raises WireError."""
    entries = _entries(parse_json(raw, media_type))
    if not any(string(entry, "urn") for entry in entries):
        raise WireError("not-a-feed", "no entry with a urn")
    return document_of(NAME, entries, _draft, feed, received_at, url)


def _entries(document: object) -> list[Fields]:
    listed = fields(document).get("entries")
    return objects(listed if isinstance(listed, list) else document)


def _draft(entry: Fields) -> Draft | None:
    """The entry's story; None for pictures, sounds and what is only planned."""
    article = to_text(string(entry, "article_html"))
    signals = (*strings(entry.get("signal")), *_categories(entry, "signal"))
    if not string(entry, "urn") or any(code.endswith(_PLANNED) for code in signals):
        return None
    if not article and objects(entry.get("associations")):
        return None
    notes = [*codes(entry.get("ednotes"), "ednote")]
    return Draft(
        guid=string(entry, "urn"),
        headline=line(entry, "headline", "kicker"),
        body=article or to_text(string(entry, "teaser")),
        version=string(entry, "version"),
        revised=string(entry, "version_created"),
        language=string(entry, "language"),
        source=line(entry, "creditline") or next(_categories(entry, "provider"), None),
        byline=line(entry, "byline"),
        dateline=line(entry, "dateline").rstrip(" -\u2013\u2014"),
        urgency=string(entry, "urgency"),
        subjects=tuple(_categories(entry, "dpasubject")) or tuple(strings(entry.get("dpasubject_names"))),
        pub_status=status_of(string(entry, "pubstatus") or next(_categories(entry, "pubstatus"), None)),
        signals=signals_of(codes=signals),
        notes=tuple(note.removeprefix("Eds:").strip() for note in notes) + tuple(notes),
        embargoed_until=string(entry, "embargoed"),
        complete=bool(article),
    )


def _categories(entry: Fields, kind: str) -> Iterator[str]:
    """The codes of the entry's categories of this kind, names where there is no code or where people read them."""
    named = (category for category in objects(entry.get("categories")) if string(category, "type") == f"dnltype:{kind}")
    first = ("name", "qcode") if kind in _NAMED else ("qcode", "name")
    return filter(None, (string(category, *first) for category in named))
