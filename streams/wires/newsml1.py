"""NewsML 1.0 to 1.2 of the IPTC: NewsItems in a NewsML envelope, or bare. Its successor spells its names otherwise
(`newsItem`, `newsMessage`) and is another format, so names are told apart by exact case.

- what the outermost component says holds for the story, then what the components on the way to its text say.
- `Status` waits for `StatusWillChange` where it is an embargo. `Update="A"` brings management data without a text:
  it only matters if it stops the story.

Which item is which is decided in `newsml1_identity`, which component holds the text in `newsml1_text`.
Source: NewsML 1.2 functional specification (IPTC 2003).
"""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from xml.etree.ElementTree import Element

from streams.feeds import FeedSpec
from streams.vocabulary import PubStatus, Signal
from streams.wires import nitf
from streams.wires.dates import read_date
from streams.wires.documents import Document, Dropped
from streams.wires.drafts import Draft, stops, to_story, urgency_of, version_of
from streams.wires.identity import hashed
from streams.wires.markup import find_root
from streams.wires.newsml1_identity import Identity, identify, shared_identifiers
from streams.wires.newsml1_text import Reading, is_headline, read_text
from streams.wires.notices import signals_of, standing, status_of
from streams.wires.tree import MAX_TREES, children, first, parse_trees, words

NAME = "newsml-1"

_ROOTS = "NewsML|NewsItem"
_ENVELOPES = f"{_ROOTS}|newsmessage|packageitem|conceptitem|knowledgeitem|planningitem|nitf|rss|feed|rdf|channel"
_OURS = re.compile(r"<(?:[\w.\-]{1,64}:)?(?:NewsML|NewsItem)(?=[\s/>])")
_LETTER = re.compile(r"[^\W\d_]")
_NOT_NEWS = frozenset({"topicset", "catalog", "resourceset", "vocabulary"})
_RELEASED = {None, PubStatus.USABLE}
_NOTE_LINES = frozenset({"advisoryline", "advisory", "editorialnote", "ednote", "note", "notetoeditors", "correction"})


def sniff(head: str, media_type: str | None) -> bool:
    """Whether the first element that any news format would start with is `NewsML` or `NewsItem`, so spelt."""
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
    """A story for each NewsItem with a text, and for each that stops one. Raises WireError."""
    roots = [root for root in parse_trees(raw, _ROOTS, media_type) if root.tag in {"NewsML", "NewsItem"}]
    found = [(item, priority) for root in roots for priority in [_priority(root)] for item in _items(root)]
    items = found[:MAX_TREES]
    shared = shared_identifiers(item for item, _ in items)
    drafts = [draft for item, priority in items if (draft := _draft(item, priority, shared, feed))]
    reasons = {"not-a-story": len(items) - len(drafts), "beyond-limit": len(found) - len(items)}
    return Document(
        format=NAME,
        stories=tuple(to_story(draft, feed, received_at, url) for draft in drafts),
        dropped=tuple(Dropped(reason, count) for reason, count in reasons.items() if count),
    )


def _priority(root: Element) -> str:
    return _value(first(root, "NewsEnvelope/Priority"))


def _items(root: Element) -> list[Element]:
    """The items in document order, each without those inside it: in their place stands a reference."""
    items = list(root.iter("NewsItem"))
    for parent in [element for element in root.iter() if first(element, "NewsItem") is not None]:
        parent[:] = [Element("NewsItemRef") if child.tag == "NewsItem" else child for child in parent]
    return items


def _draft(item: Element, priority: str, shared: frozenset[str], feed: FeedSpec) -> Draft | None:
    """The fields of one item; None if it is a picture, a package or a vocabulary."""
    management = first(item, "NewsManagement")
    reading = read_text(item)
    headline = _line(reading.path, "HeadLine", "Headline") or reading.title
    published, revised = _text(management, "FirstCreated"), _text(management, "ThisRevisionCreated")
    identity = identify(item, shared, feed) or Identity(
        hashed(headline or reading.body, published or revised or reading.body)
    )
    version = _text(item, "Identification/NewsIdentifier/RevisionId") or None
    pub_status, until = standing(_status(management, reading), _embargo(item, feed), feed.zone)
    draft = Draft(
        guid=identity.guid,
        identity=identity.shared,
        headline=headline,
        body=reading.body,
        version=version,
        published=published or None,
        revised=revised or None,
        language=_language(item, reading),
        link=_link(reading),
        source=_party(reading.path, "Provider", "Source") or _line(reading.path, "CreditLine"),
        slugline=_line(reading.path, "SlugLine") or _text(item, "Identification/NameLabel"),
        byline=_line(reading.path, "ByLine") or _byline(reading) or _party(reading.path, "Creator"),
        dateline=_dateline(reading),
        urgency=_urgency(management, priority),
        subjects=tuple(_subjects(reading)),
        pub_status=pub_status,
        signals=tuple(_signals(item, management)),
        notes=tuple(_notes(reading)),
        embargoed_until=until,
        complete=bool(reading.body or not reading.is_elsewhere),
    )
    return draft if _is_story(draft, item, management, reading) else None


def _is_story(draft: Draft, item: Element, management: Element | None, reading: Reading) -> bool:
    if _value(first(management, "NewsItemType")).lower() in _NOT_NEWS:
        return False
    return bool(draft.body or stops(draft) or (draft.headline and not reading.shows_media and not _is_package(item)))


def _is_package(item: Element) -> bool:
    """Whether it points at other items, or changes a part of one, instead of bringing a text."""
    return any(first(item, path) is not None for path in ("TopicSet", "Update", ".//NewsItemRef"))


def _status(management: Element | None, reading: Reading) -> str | None:
    stated = _value(first(management, "Status"))
    return stated or (nitf.status_of(reading.nitf) if reading.nitf is not None else None)


def _embargo(item: Element, feed: FeedSpec) -> str | None:
    """When the status changes to usable, wherever an agency says so."""
    changes = item.iterfind("NewsManagement/StatusWillChange")
    ends = (change for change in changes if status_of(_value(first(change, "FutureStatus"))) in _RELEASED)
    dates = [words(first(change, "DateAndTime")) for change in ends]
    embargoes = (part for part in item.iter("Property") if "embargo" in part.get("FormalName", "").lower())
    dates += [part.get("Value", "") for part in embargoes]
    dates += [date.get("norm", "") for date in item.iter("date.release")]
    return next((date for date in dates if read_date(date, feed.zone)), None)


def _language(item: Element, reading: Reading) -> str | None:
    """What the component with the text says of its language, then what those around it say, then the item."""
    for component in reversed(reading.path):
        stated = (language.get("FormalName") for language in component.findall("*/Language"))
        if known := next(filter(None, stated), None):
            return known
    return next((tag for part in (*reversed(reading.path), item) if (tag := part.get("lang"))), None)


def _link(reading: Reading) -> str | None:
    """The address of the story; TASS gives that of its front page, which is none."""
    link = _line(reading.path, "MoreLink")
    return link if re.search(r"\w/+[^/\s]", link) else None


def _dateline(reading: Reading) -> str | None:
    """A place, with what else stands on its line; a line of digits (ANA's `4/4/2018`) names none."""
    stated = (_line(reading.path, "DateLine"), nitf.dateline_of(reading.nitf) if reading.nitf is not None else None)
    lines = (line for line in stated if line and _LETTER.search(line))
    return next(lines, None) or next(_origins(reading.path), None)


def _origins(path: Sequence[Element]) -> Iterator[str]:
    for component in path:
        for place in component.iterfind("*/Location"):
            cities = (part.get("Value", "") for part in place.iter("Property") if part.get("FormalName") == "City")
            if place.get("HowPresent", "Origin").lower() == "origin":
                yield from filter(None, cities)


def _byline(reading: Reading) -> str | None:
    return None if reading.nitf is None else nitf.byline_of(first(reading.nitf, "body/body.head"))


def _urgency(management: Element | None, priority: str) -> str:
    """The item's own, else the priority of the envelope around it."""
    own = _value(first(management, "Urgency"))
    return own if urgency_of(own) else priority


def _subjects(reading: Reading) -> Iterator[str]:
    for component in reading.path:
        for code in component.iterfind("DescriptiveMetadata/SubjectCode/*"):
            yield code.get("FormalName", "")
    if reading.nitf is not None:
        yield from nitf.subjects_of(reading.nitf)


def _signals(item: Element, management: Element | None) -> Iterator[Signal]:
    revision = first(item, "Identification/NewsIdentifier/RevisionId")
    update = "" if revision is None else revision.get("Update", "")
    instructions = () if management is None else (_value(part) for part in children(management, "Instruction"))
    yield from signals_of(codes=[update, *instructions])
    previous = version_of(revision.get("PreviousRevision")) if revision is not None else None
    if (version_of(words(revision)) or 1) > 1 or (previous or 0) > 0:
        yield Signal.UPDATE  # Belga never says so otherwise: its `Update` is always `N`


def _notes(reading: Reading) -> Iterator[str]:
    """What the lines for editors say: AFP's `UPDATES with ...`."""
    for line in (line for component in reading.path for line in component.iterfind("NewsLines/NewsLine")):
        if _value(first(line, "NewsLineType")).lower() in _NOTE_LINES:
            yield words(first(line, "NewsLineText"))
    if reading.nitf is not None:
        yield from nitf.notes_of(reading.nitf)


def _line(path: Sequence[Element], *names: str) -> str:
    """The outermost line of this name that says something."""
    lines = (words(line) for part in path for block in children(part, "NewsLines") for line in children(block, *names))
    return next(filter(is_headline, lines), "")


def _party(path: Sequence[Element], *roles: str) -> str | None:
    for role in roles:
        parties = (p for component in path for p in component.iterfind(f"AdministrativeMetadata/{role}/Party"))
        names = (party.get("FormalName", "").strip() or words(party) for party in parties)
        if name := next(filter(None, names), None):
            return name
    return None


def _text(element: Element | None, path: str) -> str:
    return words(first(element, path))


def _value(element: Element | None) -> str:
    """A controlled value: `FormalName` by the DTD, a text child by habit."""
    return "" if element is None else element.get("FormalName", "").strip() or words(element)
