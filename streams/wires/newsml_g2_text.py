"""The text of a NewsML-G2 item: which of its renditions is read, and what in it is no text of the story.

The renditions in a contentSet are one content in several forms (NewsML-G2 guide, "Conveying content"): NITF or XHTML
inline, plain or escaped text inline, or an address. The longest text in the story's language is read, because a short
one beside it is its summary. What stands around the text is not it: dpa's `header` with keywords and headline, its
notepad, TT's line of place and source, the NITF head.
"""

from collections.abc import Iterator
from typing import NamedTuple
from xml.etree.ElementTree import Element

from streams.wires import nitf
from streams.wires.prose import NOT_TEXT, plain_prose, prose
from streams.wires.tree import first, words

# fmt: off
_PROSE = frozenset(
    "html body body.content article section div p P pre blockquote li td h1 h2 h3 BODY TEXT BRODTEXT".split()
)
"""One of these is in every text; a table of events or of scores has none."""
_ASIDE = frozenset({"slugline", "notepad", "closingline", "dat"})
_NOT_BODY = NOT_TEXT | frozenset("body.head header nav RUBRIK DAT BYLINE BILD BILDTEXT".split())
_BLOCKS = {"CITAT": "p", "MELLIS": "h2", "INGRESS": "div", "BRODTEXT": "div"}  # TT's NITF of its own
_MEDIA_TYPES = ("image/", "video/", "audio/")
_TEXT_TYPES = ("text/", "application/xhtml", "application/nitf", "application/xml")
_NO_TEXT_TYPES = ("text/calendar", "text/css", "text/csv", "text/vtt", "text/vcard")
# fmt: on


class Reading(NamedTuple):
    """The text of an item, what it says of itself, and what else the item shows."""

    body: str
    headline: str
    byline: str
    dateline: str
    language: str
    shows_media: bool
    address: str  # where the text is to be fetched, if it is

    def beyond(self, headline: str) -> str:
        """The body without the headline that some repeat above it (APA's `h1`); an alert that is only it stays."""
        line, _, rest = self.body.partition("\n")
        return rest if rest and line.casefold() == " ".join(headline.split()).casefold() else self.body


def read_text(item: Element, language: str | None) -> Reading:
    """The item's text in the language that its metadata state, if it has one in it."""
    remote = list(item.iter("remoteContent"))
    kinds = [content.get("contenttype", "").lower() for content in remote]
    elsewhere = (
        content.get("href", "").strip() or "-"
        for content, kind in zip(remote, kinds, strict=True)
        if kind.startswith(_TEXT_TYPES) and not kind.startswith(_NO_TEXT_TYPES)
    )
    readable = [(content, body) for content in _contents(item) if (body := _body(content))]
    content, body = min(readable, key=lambda pair: _order(pair[0], pair[1], language), default=(None, ""))
    return Reading(
        body=body,
        headline=_headline(content),
        byline=_byline(content),
        dateline=_dateline(content),
        language="" if content is None else _language(content),
        shows_media=any(kind.startswith(_MEDIA_TYPES) for kind in kinds),
        address="" if body else next(elsewhere, ""),
    )


def _contents(item: Element) -> Iterator[Element]:
    """All that is inline; a contentSet that holds its text bare is one content."""
    inline = list(_outermost(item, ("inlineXML", "inlineData")))
    sets = _outermost(item, ("contentSet",))
    yield from inline or (found for found in sets if any(child.tag in _PROSE for child in found))


def _outermost(element: Element, names: tuple[str, ...]) -> Iterator[Element]:
    """Those of these names that stand in no other: reading each of ninety nested ones takes minutes."""
    for child in element:
        if child.tag in names:
            yield child
        else:
            yield from _outermost(child, names)


def _order(content: Element, body: str, language: str | None) -> tuple[bool, int]:
    own = _language(content)
    is_foreign = bool(own and language) and own[:2].lower() != (language or "")[:2].lower()
    return is_foreign, -len(body)


def _body(content: Element) -> str:
    if not _is_text(content):
        return ""
    if (article := nitf.article_in(content)) is not None:
        return nitf.body_of(article)
    if not len(content):
        return plain_prose(content.text or "")
    page = next((page for name in ("body.content", "body") for page in content.iter(name)), content)
    if not any(element.tag in _PROSE for element in page.iter()):
        return ""
    _tidy(page)
    return prose(page, without=_NOT_BODY)


def _is_text(content: Element) -> bool:
    kind = content.get("contenttype", "").strip().lower()
    if content.tag != "inlineData":
        return True
    is_readable = not kind or (kind.startswith(_TEXT_TYPES) and not kind.startswith(_NO_TEXT_TYPES))
    return is_readable and not content.get("encoding")


def _tidy(page: Element) -> None:
    """Takes out what is marked as no text, and gives TT's blocks their names in HTML. What follows them stays."""
    kept: list[Element] = []
    for child in page:
        if _ASIDE.isdisjoint(child.get("class", "").lower().split()):
            child.tag = _BLOCKS.get(child.tag, child.tag)
            _tidy(child)
            kept.append(child)
        elif child.tail and kept:
            kept[-1].tail = (kept[-1].tail or "") + child.tail
        elif child.tail:
            page.text = (page.text or "") + child.tail
    page[:] = kept


def _headline(content: Element | None) -> str:
    if content is None:
        return ""
    if (article := nitf.article_in(content)) is not None:
        return nitf.headline_of(article)
    places = ("html/head/title", "html/body//h1", ".//RUBRIK", ".//hl1")
    return next(filter(None, (words(first(content, place)) for place in places)), "")


def _byline(content: Element | None) -> str:
    if content is None:
        return ""
    article = nitf.article_in(content)
    stated = None if article is None else nitf.byline_of(first(article, "body/body.head"))
    return stated or words(first(content, ".//BYLINE"))


def _dateline(content: Element | None) -> str:
    article = None if content is None else nitf.article_in(content)
    stated = None if article is None else nitf.dateline_of(article)
    return stated or words(first(content, ".//DAT/ORT"))


def _language(content: Element) -> str:
    """`xml:lang` of the content or of the page in it."""
    pages = (content, *content, *(part for page in content for part in page))
    return next(filter(None, (page.get("lang", "").strip() for page in pages)), "")
