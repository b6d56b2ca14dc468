"""NewsML-G2 of the IPTC: one `newsItem` a story, alone, in a `newsMessage` or in any other wrapper.

Packages, concepts, knowledge, planning and catalogues are no stories, nor are pictures, video and sound, nor a text
that is only planned. What takes back an item is one even without a word: it names the item by its identity.

Codes are written `scheme:code` or as an address; agencies mint schemes of their own, so what a code means is told by
its last part, and by its scheme only where that part is a single letter. Source: the NewsML-G2 2.31 specification of
the IPTC; statuses and signals after its NewsCodes `pubstatusg2` and `signal`.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from xml.etree.ElementTree import Element

from streams.feeds import FeedSpec
from streams.vocabulary import PubStatus
from streams.wires.daygroups import embargo_of
from streams.wires.documents import Document, Dropped
from streams.wires.drafts import Draft, stops, to_story
from streams.wires.markup import find_root
from streams.wires.newsml_g2_text import body_of, headline_of, language_of
from streams.wires.notices import signals_of, status_of
from streams.wires.tree import first, parse_trees, words

NAME = "newsml-g2"

_ITEMS = ("newsItem", "packageItem", "conceptItem", "knowledgeItem", "planningItem", "catalogItem")
_ROOTS = "|".join(("newsMessage", *_ITEMS))
_EXACT = re.compile(rf"<(?:[\w.\-]{{1,64}}:)?(?:{_ROOTS})(?=[\s/>])")
_OTHERS = "rss|feed|rdf|channel|nitf|newsml"
_WITHOUT_TEXT = frozenset({"picture", "photo", "image", "graphic", "video", "audio", "animation", "geo", "data"})
_PLANNED = "isplanned"
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}")


def sniff(head: str, media_type: str | None) -> bool:
    """Whether the first element that any news format would start with is one of NewsML-G2, case and all."""
    found = find_root(head, _ROOTS)
    return found is not None and found == find_root(head, f"{_ROOTS}|{_OTHERS}") and bool(_EXACT.match(head, found))


def decode(
    raw: bytes,
    feed: FeedSpec,
    received_at: datetime,
    *,
    media_type: str | None = None,
    url: str | None = None,
) -> Document:
    """A story for each item with a text, and for each that takes one back. Raises WireError."""
    items = [item for tree in parse_trees(raw, _ROOTS, media_type) for item in _items(tree)]
    drafts = [draft for item in items if (draft := _read(item, received_at))]
    dropped = len(items) - len(drafts)
    return Document(
        format=NAME,
        stories=tuple(to_story(draft, feed, received_at, url) for draft in drafts),
        dropped=(Dropped("not-a-story", dropped),) if dropped else (),
    )


def _items(tree: Element) -> Iterator[Element]:
    """The items of a message, or the item that stands alone; none is nested in another."""
    return iter((tree,)) if tree.tag in _ITEMS else (item for item in tree.iter() if item.tag in _ITEMS)


def _read(item: Element, received_at: datetime) -> Draft | None:
    """The draft of a text, None for anything else."""
    if item.tag != "newsItem":
        return None
    draft = _draft(item, received_at)
    if stops(draft):
        return draft
    is_planned = any(_local(code) == _PLANNED for code in _codes(item, "itemMeta/signal"))
    is_text = _class_of(item) not in _WITHOUT_TEXT
    return draft if is_text and not is_planned and (draft.headline or draft.body) else None


def _draft(item: Element, received_at: datetime) -> Draft:
    notes = tuple(filter(None, (words(note) for note in item.iterfind("itemMeta/edNote"))))
    embargo = words(first(item, "itemMeta/embargoed")) or None
    embargoed, until = (True, embargo) if embargo else embargo_of(notes, received_at.date())
    status = status_of(next(map(_local, _codes(item, "itemMeta/pubStatus")), None))
    language = language_of(item)
    headline = headline_of(item, language)
    return Draft(
        guid=item.get("guid", "").strip(),
        version=item.get("version"),
        headline=headline,
        body=body_of(item, headline),
        published=words(first(item, "itemMeta/firstCreated")) or None,
        revised=words(first(item, "itemMeta/versionCreated")) or None,
        language=language,
        source=_source(item),
        slugline=words(first(item, "contentMeta/slugline")) or None,
        byline=_byline(item),
        dateline=_dateline(item),
        urgency=words(first(item, "contentMeta/urgency")) or None,
        subjects=tuple(_subjects(item)),
        pub_status=PubStatus.WITHHELD if embargoed and not until and status is not PubStatus.CANCELED else status,
        signals=signals_of(codes=_signals(item)),
        notes=notes,
        embargoed_until=until,
        complete=_is_complete(item),
    )


def _class_of(item: Element) -> str:
    """`text`, `picture` ... as the item's class says."""
    return next(map(_local, _codes(item, "itemMeta/itemClass")), "")


def _signals(item: Element) -> Iterator[str]:
    """The codes of signals; a single letter means something in Reuters' editorial status alone, `update:2` is one."""
    for code in _codes(item, "itemMeta/signal"):
        scheme = code.partition(":")[0].lower()
        if len(_local(code)) > 1 or scheme == "edstat":
            yield _local(code)
        if scheme == "update":
            yield scheme


def _source(item: Element) -> str | None:
    """The credit line, else who provided the item, else the first of its sources."""
    parties = (first(item, "itemMeta/provider"), first(item, "contentMeta/infoSource"))
    credit = words(first(item, "contentMeta/creditline")).rstrip(" \u2013-")  # STT leaves the dash for a partner
    return credit or next(filter(None, map(_named, parties)), None)


def _dateline(item: Element) -> str | None:
    """The line as it is written, else the place; Reuters writes a time there."""
    line = words(first(item, "contentMeta/dateline"))
    return line if line and not _TIME.match(line) else _named(first(item, "contentMeta/located"))


def _byline(item: Element) -> str | None:
    by = words(first(item, "contentMeta/by"))
    named = (_name(creator) for creator in item.iterfind("contentMeta/creator"))
    return by or ", ".join(dict.fromkeys(filter(None, named))) or None


def _subjects(item: Element) -> Iterator[str]:
    """The codes of subjects and of what they are said to be the same as, else their names."""
    for subject in item.iterfind("contentMeta/subject"):
        yield _code(subject) or _name(subject)
        yield from filter(None, (_code(same) for same in subject.iterfind("sameAs")))


def _is_complete(item: Element) -> bool:
    """False where the text itself is somewhere else: then there is a headline and nothing to weigh it by."""
    content = first(item, "contentSet")
    inline = content is not None and any(child.tag != "remoteContent" for child in content)
    return content is None or inline or len(content) == 0


def _codes(item: Element, path: str) -> Iterator[str]:
    return filter(None, map(_code, item.iterfind(path)))


def _code(element: Element) -> str:
    """The code as it is written: `qcode`, else the address, else what is no code of any list."""
    return next(
        (element.get(name, "").strip() for name in ("qcode", "uri", "code", "literal") if element.get(name)), ""
    )


def _local(code: str) -> str:
    """The last part of `scheme:code` or of an address."""
    return re.split(r"[:/#]", code)[-1].strip().lower()


def _named(element: Element | None) -> str | None:
    """The name of a party or place, else the last part of its code."""
    if element is None:
        return None
    code = element.get("literal") or re.split(r"[:/#]", _code(element))[-1]
    return _name(element) or code.strip() or words(element) or None


def _name(element: Element) -> str:
    names: Iterable[Element] = element.iterfind("name")
    return next(filter(None, map(words, names)), "")
