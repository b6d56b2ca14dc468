"""ninjs, the IPTC's News in JSON, in its versions 1, 2 and 3: an item, a list of them, or the answer of an API.

Version 1 has `headline`, `body_text`, `body_html`, version 2 lists (`headlines`, `bodies`), version 3 the same in
camel case. Superdesk sends version 1 with `guid` for `uri` and `source` for the provider, TT bodies of its own in
HTML5, the BBC a list named `item`. Types differ by sender, so what is no story is told by a list of the types that
are none; a `composite` is a story where it has a text of its own, else a package of other items.

Items of Superdesk's own store look much the same and hold drafts and internal notes; they are told by fields that no
ninjs has and are refused.

Source: IPTC ninjs 1.6, 2.1 and 3.0 (JSON schemas), Superdesk's ninjs schema.
"""

from collections.abc import Iterator
from datetime import datetime

from streams.errors import WireError
from streams.feeds import FeedSpec
from streams.vocabulary import PubStatus
from streams.wires.documents import Document
from streams.wires.drafts import Draft
from streams.wires.html import to_text
from streams.wires.json_document import (
    Fields,
    codes,
    document_of,
    joined,
    key,
    line,
    may_be_json,
    objects,
    parse_json,
    string,
    strings,
)
from streams.wires.ninjs_text import body_of, headline_of
from streams.wires.notices import signals_of, status_of

NAME = "ninjs"

_IDENTITY = key("uri", "guid")
_CONTENT = key(
    "versioncreated", "versionCreated", r"body_[a-z0-9]{1,20}", "bodies", "headlines", "pubstatus", "pubStatus"
)
_FOREIGN = key(r"\$schema", "@context", r"\$ref", "swagger", "openapi")
_LISTS = ("items", "_items", "item", "hits", "newsitems")
_NOT_STORIES = frozenset(
    "picture photo image video audio graphic planning event component package animation highlightspack".split()
)
_NOT_YET = frozenset({"commissioned"})  # TT: a text that is ordered and not yet written
_EVENTS = ("eventdetails", "plannerdetails", "body_event", "newscoverage", "newscoveragestatus", "coverages")
_INTERNAL = frozenset(
    "unique_name family_id original_creator fields_meta schedule_settings item_class _current_version planning_date "
    "assigned_to lock_user".split()
)


def sniff(head: str, media_type: str | None) -> bool:
    """Whether a document holds items with an identity and with content by the names of ninjs."""
    if not may_be_json(head) or _FOREIGN.search(head):
        return False
    return bool(_IDENTITY.search(head) and _CONTENT.search(head))


def decode(
    raw: bytes,
    feed: FeedSpec,
    received_at: datetime,
    *,
    media_type: str | None = None,
    url: str | None = None,
) -> Document:
    """The stories among the items. Raises WireError."""
    items = _items(parse_json(raw, media_type))
    if not any(_is_ninjs(item) for item in items):
        raise WireError("not-a-feed", "no item of ninjs")
    return document_of(NAME, items, _draft, feed, received_at, url)


def _items(document: object) -> list[Fields]:
    """The items, names of their fields in lower case."""
    listed = document
    if isinstance(document, dict) and not string(document, "uri", "guid"):
        listed = next((document[name] for name in _LISTS if isinstance(document.get(name), list)), document)
    return [{name.lower(): value for name, value in item.items()} for item in objects(listed)]


def _is_ninjs(item: Fields) -> bool:
    return bool(string(item, "guid", "uri")) and _INTERNAL.isdisjoint(item)


def _draft(item: Fields) -> Draft | None:
    """The item's story; None for what is none."""
    body = body_of(item)
    if not _is_ninjs(item) or not _is_story(item, body):
        return None
    return Draft(
        guid=string(item, "guid", "uri"),
        headline=headline_of(item),
        body=body or _summary(item),
        version=string(item, "version"),
        published=string(item, "firstcreated"),
        revised=string(item, "versioncreated"),
        language=string(item, "language"),
        link=string(item, "url", "uri", "guid"),
        source=_source(item),
        slugline=line(item, "slugline", "slug"),
        byline=line(item, "byline", "by") or joined(codes(item.get("bylines"), "by", "name")),
        dateline=line(item, "located", "dateline"),
        urgency=string(item, "urgency", "priority"),
        subjects=tuple(_subjects(item)),
        pub_status=status_of(string(item, "pubstatus")),
        signals=signals_of(codes=(*codes(item.get("signal"), "code", "literal"), *codes(item.get("signals"), "code"))),
        notes=tuple(strings(item.get("ednote"))),
        embargoed_until=string(item, "embargoed"),
        complete=bool(body),
    )


def _is_story(item: Fields, body: str) -> bool:
    """By its type and, where that leaves it open, by a text of its own or a status that stops an earlier text."""
    kind = string(item, "type").lower()
    if kind in _NOT_STORIES or string(item, "pubstatus").lower() in _NOT_YET or any(map(item.get, _EVENTS)):
        return False
    if kind == "composite":
        return bool(body)
    stopped = status_of(string(item, "pubstatus")) in {PubStatus.CANCELED, PubStatus.WITHHELD}
    return bool(kind or body or stopped)


def _summary(item: Fields) -> str:
    if stated := to_text(string(item, "description_html", "description_xhtml", "description_text")):
        return stated
    return "\n".join(filter(None, (to_text(string(entry, "value")) for entry in objects(item.get("descriptions"))[:1])))


def _source(item: Fields) -> str:
    named = ("source", "creditline", "credit", "provider", "infosource", "infosources", "copyrightholder")
    return next((found for name in named for found in codes(item.get(name), "name", "literal")), "")


def _subjects(item: Fields) -> Iterator[str]:
    """Codes without their scheme, names where there is no code; versions 2 and 3 give a code as `literal` or `uri`."""
    for name in ("subject", "subjects"):
        for code in codes(item.get(name), "code", "qcode", "literal", "uri", "name"):
            yield code.rpartition("/")[2] if code.startswith("http") else code
