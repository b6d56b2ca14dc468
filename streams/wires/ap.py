"""AP Media API JSON: one item (`data.item`), or the items of a search or a feed (`data.items[].item`).

An item is known by `altids.itemid`; its `uri` carries the query of the session that asked for it. The text of a story
is a second fetch (`renditions.nitf.href`): without it the story has its headline and its summary and is not complete.
Whoever makes that fetch may put the text beside `data`, as `nitf.body_html`, in the manner of Superdesk.

Source: the AP Media API's documentation of `/content` and `/content/feed`.
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
    joined,
    key,
    line,
    may_be_json,
    objects,
    parse_json,
    string,
    strings,
)
from streams.wires.notices import signals_of, status_of

NAME = "ap"

_ANSWER, _DATA = key("api_version"), key("data")
_IDS, _ITEM_ID, _AP_ID = key("altids"), key("itemid"), key("friendlykey", "etag")


def sniff(head: str, media_type: str | None) -> bool:
    """Whether a document is an answer of the API, or one item of it."""
    if not may_be_json(head):
        return False
    ids = _IDS.search(head) and _ITEM_ID.search(head) and _AP_ID.search(head)  # ninjs has `altids` too
    return bool(ids or (_ANSWER.search(head) and _DATA.search(head)))


def decode(
    raw: bytes,
    feed: FeedSpec,
    received_at: datetime,
    *,
    media_type: str | None = None,
    url: str | None = None,
) -> Document:
    """The stories of an answer. Raises WireError."""
    items = list(_items(parse_json(raw, media_type)))
    return document_of(NAME, items, _draft, feed, received_at, url)


def _items(document: object) -> Iterator[tuple[Fields, str]]:
    """Each item, and its text where somebody fetched it."""
    for answer in objects(document):
        data = fields(answer.get("data"))
        text = to_text(string(fields(answer.get("nitf")), "body_html"))
        if "items" in data:
            yield from ((fields(entry.get("item")) or entry, "") for entry in objects(data["items"]))
        elif found := fields(data.get("item")) or fields(answer.get("item")):
            yield found, text
        elif "altids" in answer:
            yield answer, text
        else:
            raise WireError("not-a-feed", "an answer without items")


def _draft(found: tuple[Fields, str]) -> Draft | None:
    """The item's story; None for pictures, videos, audio and packages."""
    item, text = found
    guid = string(fields(item.get("altids")), "itemid") or string(item, "uri").partition("?")[0]
    if not guid or string(item, "type").lower() not in {"text", ""}:
        return None
    return Draft(
        guid=guid,
        headline=line(item, "headline", "title", "headline_extended"),
        body=text or to_text(string(item, "description_summary", "headline_extended", "description_caption")),
        version=string(item, "version"),
        published=string(item, "firstcreated"),
        revised=string(item, "versioncreated"),
        language=string(item, "language"),
        link=next((string(link, "href") for link in objects(item.get("links"))), None),
        source=line(item, "provider") or next(codes(item.get("infosource"), "name"), None),
        slugline=line(item, "slugline"),
        byline=_byline(item),
        dateline=line(item, "located") or line(fields(item.get("datelinelocation")), "city"),
        urgency=string(item, "urgency"),
        subjects=tuple(codes(item.get("subject"), "code", "name")),
        pub_status=status_of(string(item, "pubstatus")),
        signals=signals_of(codes=(*codes(item.get("signals"), "code"), *strings(item.get("editorialtypes")))),
        notes=(line(item, "ednote").removeprefix("Eds:").strip(), line(item, "ednote")),
        embargoed_until=string(item, "embargoed"),
        complete=bool(text),
    )


def _byline(item: Fields) -> str:
    """The writers; what they are (`AP Business Writer`) is no part of it."""
    return joined(line(writer, "by", "name") for writer in objects(item.get("bylines"))) or line(item, "byline")
