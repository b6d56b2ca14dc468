"""NITF, the News Industry Text Format of the IPTC: one document a story, or several in a wrapper or in a row.

Names are compared without namespace; NITF comes under two and under none. A DOCTYPE that names the DTD is normal, and
`change.date` on the root is the date of that DTD. Source: NITF 3.6, element by element.

- identity: `doc-id/@id-string`. AP leaves it out: then the address of the document, if it is one of a story, else
  headline and date. Where it continues `du-key/@key` (`abc_1` of `abc`) the key is what versions share.
- headline: `hl1`, else `title`; time: `date.issue`, then the other dates that a document may carry.
- `management-status` is the status; `management-idref-status` is that of another document and is not ours.
- body: `body.content`, never `body.end`.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from xml.etree.ElementTree import Element

from streams.errors import WireError
from streams.feeds import FeedSpec
from streams.vocabulary import Signal
from streams.wires.dates import read_date
from streams.wires.documents import Document, Dropped
from streams.wires.drafts import Draft, stops, to_story, version_of, web_link
from streams.wires.identity import hashed, normal_link
from streams.wires.markup import find_root
from streams.wires.notices import signals_of, standing
from streams.wires.prose import NOT_TEXT, prose
from streams.wires.tree import children, first, parse_tree, parse_trees, words

NAME = "nitf"

# What NITF is put into by those who send it as the text of something else: that format reads it then.
_ENVELOPES = (
    "newsml|newsitem|newsmessage|contentset|packageitem|conceptitem|knowledgeitem|planningitem|rss|feed|rdf|channel"
)
_SLUGS = ("ap-slugline", "slugline", "slug", "anpa-keyword", "ntbstikkord")
_NOTES = ("anpa-takekey", "ednote")
_NOT_BODY = NOT_TEXT | {"body.head"}
_SHORTEST_KEY = 8
_COUNTED = re.compile(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}[A-Z]{3})-\d{1,4}(-\d{1,4})")
"""PA counts in the middle of its ids: UUID and category, version, part."""


def sniff(head: str, media_type: str | None) -> bool:
    """Whether the first element that any news format would start with is `nitf`."""
    found = find_root(head, "nitf")
    return found is not None and found == find_root(head, f"nitf|{_ENVELOPES}") and head.lstrip()[:1] not in "{["


def decode(
    raw: bytes,
    feed: FeedSpec,
    received_at: datetime,
    *,
    media_type: str | None = None,
    url: str | None = None,
) -> Document:
    """A story for each document with a text, and for each that stops one. Raises WireError."""
    documents = parse_trees(raw, "nitf", media_type)
    address = url if len(documents) == 1 else None
    drafts = [draft for document in documents if (draft := _read(document, feed, address))]
    dropped = len(documents) - len(drafts)
    return Document(
        format=NAME,
        stories=tuple(to_story(draft, feed, received_at, url) for draft in drafts),
        dropped=(Dropped("not-a-story", dropped),) if dropped else (),
    )


def draft_of(nitf: Element, feed: FeedSpec, url: str | None = None) -> Draft:
    """The fields of one document."""
    docdata, head = first(nitf, ".//docdata"), first(nitf, "body/body.head")
    headline, body = headline_of(nitf), body_of(nitf)
    published = _date(nitf, feed)
    link = _attribute(nitf, "pubdata", "ex-ref")
    guid = _attribute(docdata, "doc-id", "id-string")
    key = _attribute(docdata, "du-key", "key")
    version = _attribute(docdata, "du-key", "version")
    pub_status, until = standing(status_of(nitf), _attribute(docdata, "date.release", "norm"), feed.zone)
    return Draft(
        guid=guid or _address(link, url, feed) or hashed(headline or body, published or body),
        identity=_identity(guid or "", (key, _meta(nitf, ("ntbid",)))),
        headline=headline,
        body=body,
        version=version,
        published=published,
        language=language_of(nitf),
        link=link,
        source=_source(nitf),
        slugline=_meta(nitf, _SLUGS) or key or _attribute(docdata, "keyword", "key"),
        byline=byline_of(head),
        dateline=dateline_of(nitf),
        urgency=_attribute(nitf, "urgency", "ed-urg"),
        subjects=tuple(subjects_of(nitf)),
        pub_status=pub_status,
        signals=tuple(_signals(docdata, version)),
        notes=tuple(notes_of(nitf)),
        embargoed_until=until,
    )


def article_in(content: Element) -> Element | None:
    """The NITF document in some content, be it markup or the text of markup."""
    found = next(content.iter("nitf"), None)
    if found is not None or "<nitf" not in (content.text or ""):
        return found
    try:
        return parse_tree((content.text or "").encode(), "nitf", "text/xml; charset=utf-8")
    except WireError:
        return None


def headline_of(nitf: Element) -> str:
    """`hl1`, else the title of the document; empty for neither."""
    headings = (words(heading) for heading in nitf.iterfind("body/body.head//hl1"))
    return next(filter(None, headings), "") or words(first(nitf, "head/title"))


def body_of(nitf: Element) -> str:
    """The story's own text, one paragraph a line."""
    body = first(nitf, "body")
    content = [] if body is None else list(children(body, "body.content"))
    parts = [prose(part, without=_NOT_BODY) for part in content] or [prose(body, without=_NOT_BODY)]
    return "\n".join(filter(None, parts))


def byline_of(head: Element | None) -> str | None:
    """The authors without their titles (`byttl`), which belong to no name."""
    lines = () if head is None else (words(line, without={"byttl"}) for line in head.iter("byline"))
    return ", ".join(filter(None, lines)) or None


def dateline_of(nitf: Element) -> str | None:
    """The place, and the words around it; its date alone (EFE) is none."""
    return words(first(nitf, "body/body.head/dateline"), without={"story.date"}) or None


def language_of(nitf: Element) -> str | None:
    """`xml:lang`, or NTB's and EFE's `baselang`."""
    roots = (nitf, first(nitf, "body"), first(nitf, "body/body.content"))
    stated = (root.get(name) for root in roots if root is not None for name in ("lang", "baselang"))
    return next(filter(None, stated), None)


def subjects_of(nitf: Element) -> Iterator[str]:
    """The subject codes; a subject without a code tells nothing that another would not."""
    return (subject.get("tobject.subject.refnum", "") for subject in nitf.iterfind("head/tobject/tobject.subject"))


def status_of(nitf: Element) -> str | None:
    """The document's own status, in the words of the document."""
    docdata = first(nitf, ".//docdata")
    return None if docdata is None else docdata.get("management-status")


def notes_of(nitf: Element) -> Iterator[str]:
    """What is said to editors: messages, what a revision changed (CP: `ADDS ...`), keyword lines."""
    said = [message.get("info", "") for message in nitf.iter("ed-msg")]
    said += [change.get("comment", "") for change in nitf.iter("revision-history")]
    yield from filter(None, (*said, _meta(nitf, _NOTES)))


def _read(nitf: Element, feed: FeedSpec, url: str | None) -> Draft | None:
    """The draft, None for a picture with a title and for an empty form."""
    draft = draft_of(nitf, feed, url)
    is_alert = draft.headline and next(nitf.iter("media"), None) is None
    return draft if draft.body or is_alert or stops(draft) else None


def _date(nitf: Element, feed: FeedSpec) -> str | None:
    """The first date that can be read: CP sends `YYYYMMDD000000-HHMM` where it has none."""
    places = (
        ("date.issue", "norm"),
        ("date.release", "norm"),
        ("pubdata", "date.publication"),
        ("story.date", "norm"),
        ("revision-history", "norm"),
    )
    stated = (_attribute(nitf, element, name) for element, name in places)
    return next((text for text in stated if text and read_date(text, feed.zone)), None)


def _address(link: str | None, url: str | None, feed: FeedSpec) -> str | None:
    """The document's own address: never that of the feed, which brings another story every time."""
    if known := normal_link(web_link(link, "")):
        return known
    fetched = normal_link(web_link(url, ""))
    return fetched if fetched and re.search(r"\d", fetched) and fetched != normal_link(feed.url) else None


def _identity(guid: str, keys: Iterable[str | None]) -> str | None:
    """What versions share where the guid counts them: NTB's `NTB5df9281a-a270_03` is its `NTBID` and a number."""
    if counted := _COUNTED.fullmatch(guid):
        return counted[1] + counted[2]
    long = (key for key in keys if key and len(key) >= _SHORTEST_KEY and guid.startswith(key))
    return next((key for key in long if re.fullmatch(r"[_:/.\-]\d{1,6}", guid[len(key) :])), None)


def _source(nitf: Element) -> str | None:
    """Whose story it is. AAP names the agency that it takes a story from as the holder of the rights."""
    credits_ = (
        words(first(nitf, "body/body.head/distributor")),
        _meta(nitf, ("aap-source",)),
        _attribute(nitf, "doc.copyright", "holder"),
        _attribute(nitf, "from-src", "src-name"),
        _attribute(nitf, "doc-id", "regsrc"),
    )
    return next(filter(None, credits_), None)


def _signals(docdata: Element | None, version: str | None) -> Iterator[Signal]:
    if docdata is not None and first(docdata, "correction") is not None:
        yield Signal.CORRECTION
    if (version_of(version) or 1) > 1:
        yield Signal.UPDATE
    yield from signals_of(codes=[_attribute(docdata, "ed-msg", "msg-type")])


def _meta(nitf: Element, names: Iterable[str]) -> str | None:
    metas = {meta.get("name", "").lower(): meta.get("content", "").strip() for meta in nitf.iterfind("head/meta")}
    return next((metas[name] for name in names if metas.get(name)), None)


def _attribute(element: Element | None, descendant: str, name: str) -> str | None:
    """The attribute's first value that is not empty, among all descendants of that name."""
    if element is None:
        return None
    values = (found.get(name, "").strip() for found in element.iter(descendant))
    return next(filter(None, values), None)
