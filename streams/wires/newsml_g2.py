"""NewsML-G2 of the IPTC: newsItems in a newsMessage, in any other wrapper, in a row, or one alone.

Names are compared without namespace and in exact case: `NewsItem` is NewsML 1, another format.

- a story is a newsItem with a text, or with a headline where its class is text. Packages, concepts, plans, catalogs,
  pictures without a text and what is signalled as planned are none, and are counted. What withholds or cancels a
  story is one without any text.
- headline: `headline` in the story's language, of the main role and of least rank; `itemMeta/title`; what the text has.
- times: `firstCreated`, `versionCreated`; `sent` is the message's, and `contentCreated` (a picture's day) counts only
  where an item has neither (STT's archive).
- language: `language/@tag`, then `xml:lang` of the content; `xml:lang` of the item is that of its metadata, so last.
- an `embargoed` that is no date withholds; an embargo in an `edNote` counts where it tells its end.

Properties are read in `newsml_g2_fields`, the text in `newsml_g2_text`.
Source: NewsML-G2 2.35 specification and implementation guide (IPTC), and the dialects of agencies.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from xml.etree.ElementTree import Element

from streams.feeds import FeedSpec
from streams.vocabulary import PubStatus, Signal
from streams.wires.dates import read_date
from streams.wires.documents import Document, Dropped
from streams.wires.drafts import Draft, stops, to_story, unversioned, version_of
from streams.wires.embargoes import told_end
from streams.wires.identity import hashed
from streams.wires.markup import find_root
from streams.wires.newsml_g2_fields import Properties, code_of, concepts, local
from streams.wires.newsml_g2_text import Reading, read_text
from streams.wires.notices import signals_of, standing
from streams.wires.prose import prose
from streams.wires.tree import MAX_TREES, parse_trees, words

NAME = "newsml-g2"

_ITEMS = frozenset({"newsItem", "packageItem", "conceptItem", "knowledgeItem", "planningItem", "catalogItem"})
_ROOTS = "|".join(("newsMessage", *sorted(_ITEMS)))
_ENVELOPES = f"{_ROOTS}|NewsML|nitf|rss|feed|rdf|channel"
_OURS = re.compile(rf"<(?:[\w.\-]{{1,64}}:)?(?:{_ROOTS})(?=[\s/>])")
# fmt: off
_NO_TEXT = frozenset(
    "picture photo image still graphic graphics animation illustration video audio composite package".split()
)
"""Classes (`ninat:`, Reuters' `icls:`) whose items are a story only if they bring a text."""
_NO_NEWS = frozenset({"cinat", "plinat", "catinat", "cpnat", "kinat"})
_MAIN = re.compile(r"(?:main|title|headline|primary|full|display|long)")
_LESSER = re.compile(
    r"sub|kick|over|teas|short|seo|web|alt|dek|deck|strap|catch|summ|link|social|push|sms|mobile|topic|roof|dach|unter"
)
_OWN_ADDRESS = frozenset({"canonical", "self", "permalink", "alternate", "website", "webversion"})
# fmt: on
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_LARGEST_COUNT = 999
"""Reuters' versions are numbers of nine digits that count nothing."""


def sniff(head: str, media_type: str | None) -> bool:
    """Whether the first element that any news format would start with is one of ours, so spelt."""
    found = find_root(head, _ENVELOPES)
    return found is not None and _OURS.match(head, found) is not None and head.lstrip()[:1] not in "{["


def decode(
    raw: bytes,
    feed: FeedSpec,
    received_at: datetime,
    *,
    media_type: str | None = None,
    url: str | None = None,
) -> Document:
    """A story for each newsItem that is one, and for each that stops one. Raises WireError."""
    found = [pair for root in parse_trees(raw, _ROOTS, media_type) for pair in _items(root, root.get("lang"))]
    items = found[:MAX_TREES]
    read = [draft for item, language in items if (draft := _draft(item, language, feed))]
    drafts = tuple(dict.fromkeys(read))
    reasons = {
        "not-a-story": len(items) - len(read),
        "double": len(read) - len(drafts),
        "beyond-limit": len(found) - len(items),
    }
    return Document(
        format=NAME,
        stories=tuple(to_story(draft, feed, received_at, url) for draft in drafts),
        dropped=tuple(Dropped(reason, count) for reason, count in reasons.items() if count),
    )


def _items(element: Element, language: str | None) -> Iterator[tuple[Element, str | None]]:
    """The items in document order, each with the language of what it stands in; what is in one is a part of it."""
    if element.tag in _ITEMS:
        yield element, language
        return
    for child in element:
        yield from _items(child, language)


def _draft(item: Element, language: str | None, feed: FeedSpec) -> Draft | None:
    """The fields of one item; None if it is no story."""
    if item.tag != "newsItem":
        return None
    told = Properties(item)
    reading = read_text(item, told.language)
    told = Properties(item, reading.language or item.get("lang") or language)
    headline, version = _headline(told, reading), item.get("version", "").strip() or None
    first, revised = _dates(told, feed)
    notes = tuple(line for note in told.all("edNote") for line in prose(note).split("\n") if line)
    pub_status, until = _standing(told, notes, feed)
    draft = Draft(
        guid=_guid(item, told) or hashed(headline or reading.body, first or revised or reading.body),
        headline=headline,
        body=reading.beyond(headline),
        version=version,
        published=first,
        revised=revised,
        language=told.language,
        link=_link(told) or (reading.address if "://" in reading.address else None),
        source=_source(told),
        slugline=told.line("slugline"),
        byline=_byline(told, reading),
        dateline=_dateline(told, reading),
        urgency=told.text("urgency"),
        subjects=tuple(concepts((*told.all("subject"), *told.all("genre")))),
        pub_status=pub_status,
        signals=tuple(_signals(told, version)),
        notes=notes,
        embargoed_until=until,
        complete=not reading.address,
    )
    return draft if _is_story(draft, told, reading) else None


def _is_story(draft: Draft, told: Properties, reading: Reading) -> bool:
    kind = code_of(told.first("itemClass"))
    if kind.partition(":")[0] in _NO_NEWS or "isplanned" in map(local, _signal_codes(told)):
        return False
    if local(kind) in _NO_TEXT:
        return _says_more(draft.body, told)
    return bool(draft.body) or stops(draft) or bool(draft.headline and (kind or not reading.shows_media))


def _says_more(body: str, told: Properties) -> bool:
    """Whether a text beside a picture or a film is more than its headlines (APA) and its caption."""
    known = {line for name in ("headline", "description") for line in told.lines(name)}
    return any(line not in known for line in body.split("\n") if line)


def _guid(item: Element, told: Properties) -> str:
    versioned = told.first("versionedId")
    named = "" if versioned is None else unversioned(versioned.get("guid", "").strip(), item.get("version"))
    return item.get("guid", "").strip() or named


def _headline(told: Properties, reading: Reading) -> str:
    """A title with a role of its own is no headline: GlobeNewswire lists topics so."""
    titles = [title for title in told.all("title") if _role_rank(title) == 0 and words(title)]
    title = min(titles, key=told.is_foreign, default=None)
    return told.line("headline", _role_rank) or words(title) or reading.headline


def _role_rank(element: Element) -> int:
    """0 for the main one, 1 for roles that nobody knows, 2 for what stands above or below the headline."""
    role = local(element.get("role", ""))
    if _LESSER.search(role):
        return 2
    return 0 if not role or _MAIN.match(role) else 1


def _dates(told: Properties, feed: FeedSpec) -> tuple[str | None, str | None]:
    first, revised, made, changed = (
        next((text for text in map(words, told.all(name)) if read_date(text, feed.zone)), None)
        for name in ("firstCreated", "versionCreated", "contentCreated", "contentModified")
    )
    return (first, revised) if first or revised else (made, changed)


def _standing(told: Properties, notes: tuple[str, ...], feed: FeedSpec) -> tuple[PubStatus | None, str | None]:
    """The status, and when an embargo ends."""
    stated = told.text("embargoed")
    until = stated if read_date(stated, feed.zone) else told_end(notes, feed.zone)
    codes = map(code_of, told.all("pubStatus"))
    status, _ = standing(next(filter(None, codes), ""), until, feed.zone)
    if stated and not until and status in {None, PubStatus.USABLE}:
        return PubStatus.WITHHELD, None
    return status, until


def _source(told: Properties) -> str:
    """STT's credit line ends in the dash that it is printed with."""
    credit = told.line("creditline").rstrip(" -\u2013\u2014")
    provider = told.named("provider") or code_of(told.first("provider")).partition(":")[2]
    is_address = any("://" in part.get("uri", "") for part in told.all("provider"))
    name = "" if is_address and not told.named("provider") else provider
    return credit or name or told.named("infoSource")


def _byline(told: Properties, reading: Reading) -> str:
    """`by`; else the creators who are people: Reuters names itself as one that is a source, dpa gives an account."""
    people = [
        name
        for creator in told.all("creator")
        if local(creator.get("role", "")) != "source" and not local(creator.get("type", "")).startswith("org")
        if (name := told.name_of(creator)) and name.lower() != local(creator.get("qcode", ""))
    ]
    return ", ".join(told.lines("by")) or reading.byline or ", ".join(dict.fromkeys(people))


def _dateline(told: Properties, reading: Reading) -> str:
    """A date alone, as Reuters sends it, is no dateline."""
    lines = (line for line in told.lines("dateline") if not (_DATE.match(line) or read_date(line)))
    return next(lines, "") or reading.dateline or told.named("located")


def _link(told: Properties) -> str | None:
    """The story's own address; most links of an item are to others (`irel:seeAlso`)."""
    own = (link.get("href") for link in told.all("link") if local(link.get("rel", "")) in _OWN_ADDRESS)
    return next(filter(None, own), None)


def _signal_codes(told: Properties) -> list[str]:
    return [code_of(signal) for signal in told.all("signal")]


def _signals(told: Properties, version: str | None) -> Iterator[Signal]:
    """What the codes signal. Letters are codes in Reuters' `edStat` only; `update:` says how much is new."""
    codes = _signal_codes(told)
    schemes = {code.partition(":")[0].lower(): local(code) for code in codes}
    known = [code for code in codes if len(local(code)) > 1 or code.lower().startswith("edstat:")]
    yield from signals_of(codes=known)
    counted = 1 < (version_of(version) or 1) <= _LARGEST_COUNT and schemes.get("edstat") != "n"
    if counted or "update" in schemes:
        yield Signal.UPDATE
